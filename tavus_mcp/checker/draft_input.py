"""Reading a draft by its meaning: bare, wrapped, in either vocabulary, or inside of a request."""

from __future__ import annotations

import json
from typing import Any

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.persona import Persona, persona_arguments
from tavus_mcp.models.vocabularies import duplicate_names, to_persona_names

_WRAPPER_KEYS = ("data", "persona", "pal", "document", "body", "json", "payload", "arguments")
_MAX_WRAPPER_DEPTH = 6
_PATCH_MESSAGE = (
    "is a patch, not a persona. To check what it would do to a saved persona, give it to "
    "patch_persona with dry_run=true."
)


def parse_draft(draft: JsonObject) -> tuple[PersonaDocument, list[RuleFinding]]:
    """Return the persona that a draft means, and what is to be said of how it came.

    It has no id, also when it was copied from a read: a draft is not the saved persona. Raises
    ``InvalidArgument`` when it is no persona, or more than one.
    """
    inner, wrapping = draft, []
    for _ in range(_MAX_WRAPPER_DEPTH):
        _refuse_other_inputs(inner)
        name = next((one for one in _WRAPPER_KEYS if _is_wrapper(inner, one)), None)
        if name is None:
            break
        inner = _unwrap_persona(inner[name])
        wrapping.append(name)
    read = PersonaDocument.parse(inner).data
    data = {_field_of_argument(key, read): value for key, value in read.items() if key not in _IDS}
    return PersonaDocument(data), [*_wrapper_findings(wrapping), *_duplicate_findings(inner)]


def _field_of_argument(key: str, fields: JsonObject) -> str:
    """Return the field that an argument of create_persona sets, where that one is not there."""
    field = persona_arguments().get(key, f"/{key}")[1:]
    return key if field in fields else field


_IDS = frozenset({"persona_id", "uuid"})


def reject_lists(value: Any) -> Any:
    """Refuse a list in words that help; what else is no object is told by its schema."""
    if isinstance(value, list):
        operations = value and all(isinstance(item, dict) and "op" in item for item in value)
        raise ValueError(  # noqa: TRY004 - pydantic turns this into a refusal with a place
            _PATCH_MESSAGE
            if operations
            else "is a list; give one persona, as one object, at a time"
        )
    return value


def _refuse_other_inputs(draft: JsonObject) -> None:
    for name in ("patch", "operations"):
        if isinstance(draft.get(name), list) or {"op", "path"} <= draft.keys():
            raise InvalidArgument([f"/document: this {_PATCH_MESSAGE}"])
    if draft.keys() and draft.keys() <= {"persona_id", "pal_id"}:
        raise InvalidArgument(["/document: to check a saved persona give persona_id instead."])


def _is_wrapper(draft: JsonObject, name: str) -> bool:
    """Tell whether a draft is but the wrapping of what stands in this field."""
    inner = _decode_json_text(draft.get(name))
    fields = to_persona_names(dict.fromkeys(draft)).keys() & Persona.model_fields.keys()
    return isinstance(inner, (dict, list)) and not fields


def _unwrap_persona(value: Any) -> JsonObject:
    inner = _decode_json_text(value)
    if isinstance(inner, list):
        if len(inner) != 1:
            raise InvalidArgument(
                [f"/document: it holds {len(inner)} personas; give one of them at a time."]
            )
        inner = inner[0]
    if not isinstance(inner, dict):
        raise InvalidArgument(["/document: there is no persona in it; give its fields."])
    return inner


def _decode_json_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _wrapper_findings(wrapper_keys: list[str]) -> list[RuleFinding]:
    if not wrapper_keys or wrapper_keys == ["data"]:
        return []  # data is how Tavus itself answers
    return [
        RuleFinding(
            severity="info",
            path="/" + "/".join(wrapper_keys),
            message="The persona stands inside of this; Tavus takes its fields at the top.",
            hint="Send what is in it, without it; the paths below are paths inside of it.",
            rule="draft-wrapped",
            source="D:create-persona",
        )
    ]


def _duplicate_findings(draft: JsonObject) -> list[RuleFinding]:
    return [
        RuleFinding(
            severity="warning",
            path=pointer,
            message=f"The same as {known}, which is there as well; Tavus takes one name.",
            hint="Leave one of them out; what stands in the older one was checked.",
            rule="named-twice",
            source="N#60485306153",
        )
        for pointer, known in duplicate_names(draft)
    ]
