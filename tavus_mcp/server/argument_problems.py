"""Find what is wrong with the arguments of a call beyond their types, so that all is said at once.

``find_placeholders`` is asked for every call, before the tool runs. ``find_further_problems`` is
asked only when a call is refused anyway: mistakes of other kinds would otherwise be found one call
after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.check import check, refusal_reasons
from tavus_mcp.checker.placeholders import is_placeholder_id, is_unfilled
from tavus_mcp.checker.schema_check import SCHEMA_RULES
from tavus_mcp.errors import InvalidArgument, ToolFailure
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.layers import CONFIGURABLE_LAYERS
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.persona import persona_arguments
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.personas.secret_references import resolve_references
from tavus_mcp.server.field_changes import removable_fields, unset_pointers

_KINDS: Mapping[str, str] = {
    "persona_id": "the id of a persona there; list_personas shows the ids",
    "persona_ids": "the ids of personas there; list_personas shows them",
    "based_on": "the id of a persona there; list_personas shows the ids",
    "first": "the id of a persona there; list_personas shows the ids",
    "second": "the id of a persona there; list_personas shows the ids",
    "conversation_id": "the id of a conversation there; list_conversations shows the ids",
    "plan_id": "the plan_id of a plan there",
    "revision": "a revision there; list_revisions shows them",
    "after_revision": "a revision there, or leave it out",
    "if_revision": "the revision that was read there, or leave it out",
    "cursor": "the next_cursor of the page before there, or leave it out",
}
"""What belongs into arguments that name something of the account, as the end of a sentence.

Fields of a persona are not among them: the checker reports placeholders in those.
"""
_KEY_REFERENCE = "api_key_ref"


def find_placeholders(arguments: JsonObject) -> list[str]:
    """Return a sentence for each argument that holds a placeholder in place of an id.

    Also for keys: a variable that the host did not replace is never sent as one.
    """
    return [*_placeholders_of_ids(arguments), *_placeholders_of_references(arguments, ())]


def find_further_problems(tool: str, arguments: JsonObject, app: App) -> list[str]:
    """Return the problems of a refused call that the refusal does not name."""
    problems = find_placeholders(arguments)
    pointers = _removable_fields(tool)
    unset = arguments.get("unset")
    if pointers and isinstance(unset, list) and all(isinstance(name, str) for name in unset):
        problems += _problems_of(lambda: unset_pointers(unset, pointers))
    if tool == "create_persona":
        problems += _problems_of_creation(arguments, app)
    elif isinstance(arguments.get(_KEY_REFERENCE), str):
        problems += _problems_of(lambda: resolve_references(app, _key_arguments(arguments)))
    return problems


def merge_problems(problems: list[str], further: list[str]) -> list[str]:
    """Return problems with those of other arguments; one argument is reported once."""
    reported = {problem.partition(":")[0] for problem in problems}
    return [*problems, *(item for item in further if item.partition(":")[0] not in reported)]


def _placeholders_of_ids(arguments: JsonObject) -> Iterator[str]:
    for name, value in arguments.items():
        kind = _KINDS.get(name)
        if kind is None:
            continue
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items):
            if isinstance(item, str) and is_placeholder_id(item):
                path = pointer_of([name, index] if isinstance(value, list) else [name])
                yield f"{path}: this is a placeholder. Put {kind}."


def _placeholders_of_references(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield a sentence for each reference to a secret that the host did not replace."""
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if name == _KEY_REFERENCE and isinstance(item, str) and is_unfilled(item):
            yield (
                f"{pointer_of([*path, name])}: this is a placeholder. Put x there for the "
                "variable TAVUS_SECRET_X of the server."
            )
        elif name == "layers" or (path and path[0] == "layers"):
            yield from _placeholders_of_references(item, (*path, name))


def _removable_fields(tool: str) -> Mapping[str, str]:
    layer = tool.removeprefix("configure_")
    if tool == "update_persona":
        return persona_arguments()
    return removable_fields(layer) if layer in CONFIGURABLE_LAYERS else {}


def _key_arguments(arguments: JsonObject) -> JsonObject:
    return {name: arguments[name] for name in ("api_key", _KEY_REFERENCE) if name in arguments}


def _problems_of_creation(arguments: JsonObject, app: App) -> list[str]:
    """Return why the persona of a refused creation would be refused, types and names apart."""
    by_argument = persona_arguments()
    fields = {
        by_argument[name][1:]: value for name, value in arguments.items() if name in by_argument
    }
    layers = arguments.get("layers")
    problems = _problems_of(lambda: resolve_references(app, layers, "/layers"))
    if arguments.get("based_on") is not None:
        return problems  # the rest is not known here
    fields |= {} if layers is None else {"layers": _with_keys(layers)}
    document = PersonaDocument(to_persona_names(fields))
    return problems + refusal_reasons(
        [
            finding
            for finding in check(document, app.catalog)
            if finding.blocks_write and finding.rule not in SCHEMA_RULES
        ]
    )


def _with_keys(layers: Any) -> Any:
    """Return layers with a mask in place of each reference to a key, which may not be set."""
    if not isinstance(layers, dict):
        return layers
    return {
        ("api_key" if name == _KEY_REFERENCE else name): (
            MASK if name == _KEY_REFERENCE else _with_keys(item)
        )
        for name, item in layers.items()
    }


def _problems_of(attempt: Callable[[], object]) -> list[str]:
    """Return why an attempt refuses its arguments; other refusals are left to the call itself."""
    try:
        attempt()
    except InvalidArgument as error:
        return list(error.problems)
    except ToolFailure:
        return []
    return []
