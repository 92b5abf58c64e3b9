"""How the rules look at a document: whatever stands there, nothing raises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import EllipsisType
from typing import Any

from tavus_mcp.catalog import Catalog, Change
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document
from tavus_mcp.models.patch import pointer_of

_ENDINGS = frozenset({"superseded", "deprecated", "retired"})
_CONFIGURED = frozenset({"llm", "tts", "stt", "perception", "conversational_flow"})


def is_set(value: object) -> bool:
    """Tell whether a field holds something; old reads show unset ones as empty texts or lists."""
    return value is not None and value not in ("", [], {})


def text(value: object) -> str:
    """Return a text without the blanks around it, or an empty one for anything else."""
    return value.strip() if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """Return a number; true and false are none, although Python counts them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def entries(value: object) -> Iterator[tuple[int, str]]:
    """Yield the texts of a list with their places; anything else has none."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, str))


def texts(document: Document) -> Iterator[tuple[str, str]]:
    """Yield every text that people wrote, with its JSON Pointer."""
    waiting: list[tuple[str, Any]] = [("", document.written())]
    while waiting:  # not recursive: nobody promises how deep a document is
        path, node = waiting.pop()
        if isinstance(node, str):
            yield path, node
        elif isinstance(node, dict):
            waiting += [(path + pointer_of([key]), item) for key, item in node.items()]
        elif isinstance(node, list):
            waiting += [(f"{path}/{index}", item) for index, item in enumerate(node)]


def languages(document: Document) -> list[str]:
    """Return the language codes of a persona."""
    return [code for _, code in entries(document.at("/languages")) if code]


def custom_llm(document: Document) -> bool:
    """Tell whether an endpoint of one's own thinks, so that hosted limits do not hold."""
    return bool(text(document.at("/layers/llm/base_url")))


def raven(document: Document, catalog: Catalog) -> str:
    """Return the perception model in effect: the stored one, else the default."""
    stored = text(document.at("/layers/perception/perception_model"))
    return stored or next((one.id for one in catalog.perception_models() if one.default), "")


def ended(catalog: Catalog, path: str, value: str | None = None) -> str:
    """Return ``" since DATE"`` for a field or value that was given up, else an empty text."""
    found: Change | None = None
    for change in catalog.deprecations():
        if change.kind in _ENDINGS and (change.path, change.value) == (path, value):
            found = change
    if found is None:
        return ""
    return f" since {'about ' if found.approximate else ''}{found.date.isoformat()}"


def call(tool: str, **arguments: Any) -> str:
    """Write a call for a hint; ``...`` stands for what only the caller knows.

    >>> call("configure_tts", external_voice_id=..., unset=["voice_id"])
    'configure_tts(persona_id, external_voice_id=..., unset=["voice_id"])'
    """
    given = [f"{name}={_written(value)}" for name, value in arguments.items()]
    return f"{tool}({', '.join(['persona_id', *given])})"


def configure(layer: str, **values: Any) -> str:
    """Write the call that sets fields of a layer; the newer layers take a raw patch."""
    if layer in _CONFIGURED:
        return call(f"configure_{layer}", **values)
    return call(
        "patch_persona",
        operations=[
            {"op": "add", "path": f"/layers/{layer}/{name}", "value": _plain(value)}
            for name, value in values.items()
        ],
    )


def drop(layer: str, *names: str) -> str:
    """Write the call that removes fields of a layer; dots go inward, as in the catalog."""
    if layer in _CONFIGURED:
        return configure(layer, unset=list(names))
    operations: list[JsonObject] = [
        {"op": "remove", "path": f"/layers/{layer}/{name.replace('.', '/')}"} for name in names
    ]
    return call("patch_persona", operations=operations)


def drop_layer(name: str) -> str:
    """Write the call that removes a whole layer."""
    return call("patch_persona", operations=[{"op": "remove", "path": f"/layers/{name}"}])


def _plain(value: Any) -> Any:
    return "..." if isinstance(value, EllipsisType) else value


def _written(value: Any) -> str:
    return "..." if isinstance(value, EllipsisType) else json.dumps(value, ensure_ascii=False)
