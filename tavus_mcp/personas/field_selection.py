"""Choose fields of a persona by name or JSON Pointer, for a read that returns only those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from tavus_mcp.catalog import Catalog
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.history.effective_defaults import find_default
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import PatchError, outermost_list, pointer_tokens
from tavus_mcp.models.layers import LAYER_NAMES, layer_arguments
from tavus_mcp.models.persona import Persona, persona_arguments
from tavus_mcp.text import suggest_similar

_ABSENT = object()
_IDENTITY_FIELDS = ("persona_id", "persona_name")
NOT_SET = "(not set)"


def select_fields(
    document: PersonaDocument, fields: Sequence[str], layers: Sequence[str], catalog: Catalog
) -> tuple[PersonaDocument, JsonObject]:
    """Return the persona with the chosen fields and layers only, and what is not set of them.

    A field that is not set is named with its default, like ``tavus-gemma-4 (default)``. Raises
    ``InvalidArgument`` for a name that is no field, with the nearest one.
    """
    paths = [path for name in fields for path in _resolve(name, document, catalog)]
    paths += [f"/layers/{layer}" for layer in layers]
    chosen: JsonObject = {
        name: document.data[name] for name in _IDENTITY_FIELDS if name in document.data
    }
    if layers:
        chosen["layers"] = {}
    absent: JsonObject = {}
    for path in dict.fromkeys(paths):
        value = document.at(outermost_list(document.data, path), _ABSENT)
        if value is _ABSENT:
            absent |= _describe_absent(document, path, catalog)
            continue
        *parents, name = pointer_tokens(outermost_list(document.data, path))
        node = chosen
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return PersonaDocument(chosen), absent


def resolve_field_name(name: str) -> str:
    """Return the JSON Pointer of the one field of this name or argument; else the name itself."""
    pointers = _pointers_by_name().get(name, ())
    return pointers[0] if len(pointers) == 1 else name


def resolve_text_fields(names: Sequence[str]) -> tuple[str, ...]:
    """Return the JSON Pointers of fields and layers by name, argument or pointer.

    Raises ``InvalidArgument`` for a name that is none, with the nearest one.
    """
    pointers: list[str] = []
    for name in names:
        path = name if name.startswith("/") else f"/{name}"
        tokens = pointer_tokens(path)
        outer = tokens[1] if tokens[0] == "layers" and len(tokens) > 1 else tokens[0]
        if found := _pointers_by_name().get(name):
            pointers += found
        elif name.startswith("/") and outer in _pointers_by_name():
            pointers.append(path)
        else:
            raise InvalidArgument([_unknown_field_message(name)])
    return tuple(dict.fromkeys(pointers))


def _describe_absent(document: PersonaDocument, path: str, catalog: Catalog) -> JsonObject:
    """Return the default of a field, or those of the fields of a layer that have one."""
    tokens = pointer_tokens(path)
    if len(tokens) == 2 and tokens[0] == "layers" and tokens[1] in LAYER_NAMES:
        names = [f"{path}/{field.name}" for field in catalog.fields(tokens[1])]
        defaults = {name: find_default(document, name, catalog) for name in names}
        found = {name: value for name, value in defaults.items() if value is not None}
        return {name: _describe_default(value) for name, value in found.items()} or {path: NOT_SET}
    default = find_default(document, path, catalog)
    return {path: NOT_SET if default is None else _describe_default(default)}


def _describe_default(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{text} (default)"


def _resolve(name: str, document: PersonaDocument, catalog: Catalog) -> Sequence[str]:
    """Return the JSON Pointers that a name stands for: a pointer, a layer, a field, an argument.

    Raises ``InvalidArgument`` if it stands for nothing.
    """
    if found := _pointers_by_name().get(name):
        return found
    path = name if name.startswith("/") else "/" + name.replace(".", "/")
    if path.split("/")[1] in LAYER_NAMES:
        path = f"/layers{path}"
    if _is_field(path, document, catalog):
        return (path,)
    raise InvalidArgument([_unknown_field_message(name)])


def _unknown_field_message(name: str) -> str:
    return (
        f"/fields: no such field{suggest_similar(name, _pointers_by_name())} Give the "
        'name of a field or layer, or a JSON Pointer like "/layers/llm/model".'
    )


def _is_field(path: str, document: PersonaDocument, catalog: Catalog) -> bool:
    try:
        if document.at(path, _ABSENT) is not _ABSENT:
            return True
    except PatchError:
        return False
    match pointer_tokens(path):
        case ["layers", layer, *names] if layer in LAYER_NAMES and names:
            return catalog.field(layer, ".".join(names)) is not None
    return False


@cache
def _pointers_by_name() -> Mapping[str, Sequence[str]]:
    """Return the pointers of each name; ``api_key``, for example, is a field of two layers."""
    pointers: dict[str, tuple[str, ...]] = {}
    pairs = [
        *((name, f"/{name}") for name in Persona.model_fields),
        *persona_arguments().items(),
        *((layer, f"/layers/{layer}") for layer in LAYER_NAMES),
        *(pair for layer in LAYER_NAMES for pair in layer_arguments(layer).items()),
        ("voice_settings", "/layers/tts/voice_settings"),
    ]
    for name, pointer in pairs:
        pointers[name] = tuple(dict.fromkeys((*pointers.get(name, ()), pointer)))
    return pointers
