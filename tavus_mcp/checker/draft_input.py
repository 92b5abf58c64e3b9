"""Parse the draft of a persona: bare or wrapped, in either vocabulary, or a create request."""

from __future__ import annotations

import json
from typing import Any

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info, warning
from tavus_mcp.models.persona import Persona, persona_arguments
from tavus_mcp.models.vocabularies import duplicate_names, to_persona_names

_WRAPPER_KEYS = ("data", "persona", "pal", "document", "body", "json", "payload", "arguments")
_MAX_WRAPPER_DEPTH = 6
_PATCH_MESSAGE = (
    "is a patch, not a persona. To check its effect on a saved persona, give it to "
    "patch_persona with dry_run=true."
)


def parse_draft(draft: JsonObject) -> tuple[PersonaDocument, list[RuleFinding]]:
    """Return the persona in a draft, and findings about the form of the draft.

    Wrappers around it are removed, and argument names of create_persona become field names. The
    document has no id, even if the draft was copied from a read. Raises ``InvalidArgument`` for a
    patch, an id, a list of several personas, or anything else that is no persona.
    """
    inner, wrapper_keys = draft, []
    for _ in range(_MAX_WRAPPER_DEPTH):
        _refuse_other_inputs(inner)
        key = next((key for key in _WRAPPER_KEYS if _is_wrapper(inner, key)), None)
        if key is None:
            break
        inner = _unwrap_persona(inner[key])
        wrapper_keys.append(key)
    fields = PersonaDocument.parse(inner).data
    data = {
        _field_of_argument(key, fields): value
        for key, value in fields.items()
        if key not in ("persona_id", "uuid")
    }
    return PersonaDocument(data), [*_wrapper_findings(wrapper_keys), *_duplicate_findings(inner)]


def _field_of_argument(key: str, fields: JsonObject) -> str:
    """Return the field that an argument of create_persona sets, unless the draft has it as well."""
    field = persona_arguments().get(key, f"/{key}")[1:]
    return key if field in fields else field


def reject_lists(value: Any) -> Any:
    """Validate that a draft is no list, with a message that says what to give instead."""
    if not isinstance(value, list):
        return value
    is_patch = value and all(isinstance(item, dict) and "op" in item for item in value)
    message = "is a list; give one persona at a time, as an object"
    raise ValueError(_PATCH_MESSAGE if is_patch else message)


def _refuse_other_inputs(draft: JsonObject) -> None:
    for name in ("patch", "operations"):
        if isinstance(draft.get(name), list) or {"op", "path"} <= draft.keys():
            raise InvalidArgument([f"/document: this {_PATCH_MESSAGE}"])
    if draft.keys() and draft.keys() <= {"persona_id", "pal_id"}:
        raise InvalidArgument(["/document: to check a saved persona give persona_id instead."])


def _is_wrapper(draft: JsonObject, key: str) -> bool:
    """Return True if a draft has no fields of a persona, but an object or list under this key."""
    fields = to_persona_names(dict.fromkeys(draft)).keys() & Persona.model_fields.keys()
    return not fields and isinstance(_decode_json_text(draft.get(key)), (dict, list))


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
    if wrapper_keys in ([], ["data"]):  # responses of Tavus have data
        return []
    return [
        info(
            "draft-wrapped",
            "The persona is inside this object. Tavus takes its fields at the top level.",
            path="/" + "/".join(wrapper_keys),
            hint="Send the inner object alone. The other paths are paths inside it.",
            source="D:create-persona",
        )
    ]


def _duplicate_findings(draft: JsonObject) -> list[RuleFinding]:
    return [
        warning(
            "named-twice",
            f"{known} is another name of this field, and is set too. Tavus takes one.",
            path=pointer,
            hint="Remove one of them. The value under the older name was checked.",
            source="N#60485306153",
        )
        for pointer, known in duplicate_names(draft)
    ]
