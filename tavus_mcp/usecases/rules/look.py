"""How the rules look at a document: whatever stands there, nothing raises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import EllipsisType
from typing import Any

from tavus_mcp.catalog import Catalog, Change
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document

_ENDINGS = frozenset({"superseded", "deprecated", "retired"})
_CONFIGURED = frozenset({"llm", "tts", "stt", "perception", "conversational_flow"})
# Fields of these layers that their tools have no argument for.
_UNCONFIGURED = frozenset(
    {
        "disable_vision",
        "enable_llm_proxy",
        "endpoint",
        "is_custom",
        "model_name",
        "noise_cancellation",
        "idle_end_behavior",
        "visual_tools",
        "audio_tools",
        "screen_tools",
        "perception_tools",
        "perception_tool_prompt",
        "tool_prompt",
    }
)
_ARGUMENTS = {
    "persona_name": "name",
    "document_ids": "documents",
    "objectives_id": "objectives",
    "guardrail_ids": "guardrails",
}


def is_set(value: object) -> bool:
    """Tell whether a field holds something; old reads show unset ones as empty texts or lists."""
    return value is not None and value not in ("", [], {})


def at(document: Document, pointer: str) -> Any:
    """Return what stands at a pointer, or None: ``Document.at`` without lists, looked up once."""
    return document.places.get(pointer)


def layer_of(document: Document, name: str) -> JsonObject:
    """Return a layer, empty when there is none."""
    layers = document.data.get("layers")
    layer = layers.get(name) if isinstance(layers, dict) else None
    return layer if isinstance(layer, dict) else {}


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


def languages(document: Document) -> list[str]:
    """Return the language codes of a persona."""
    return [code for _, code in entries(at(document, "/languages")) if code]


def custom_llm(document: Document) -> bool:
    """Tell whether an endpoint of one's own thinks, so that hosted limits do not hold."""
    return bool(text(at(document, "/layers/llm/base_url")))


def recommended(catalog: Catalog) -> str:
    """Return the hosted language model that Tavus fills in."""
    return next((model.id for model in catalog.llm_models() if model.default), "...")


def raven(document: Document, catalog: Catalog) -> str:
    """Return the perception model in effect: the stored one, else the default."""
    stored = text(at(document, "/layers/perception/perception_model"))
    return stored or next((one.id for one in catalog.perception_models() if one.default), "")


def ended(catalog: Catalog, path: str, value: str | None = None, *, word: str = "since") -> str:
    """Return ``" since DATE"`` for a field or value that was given up, else an empty text."""
    found: Change | None = None
    for change in catalog.deprecations():
        if change.kind in _ENDINGS and (change.path, change.value) == (path, value):
            found = change
    if found is None:
        return ""
    return f" {word} {'about ' if found.approximate else ''}{found.date.isoformat()}"


def call(tool: str, **arguments: Any) -> str:
    """Write a call for a hint; ``...`` stands for what only the caller knows.

    >>> call("configure_tts", external_voice_id=..., unset=["voice_id"])
    'configure_tts(persona_id, external_voice_id=..., unset=["voice_id"])'
    """
    given = [f"{name}={_written(value)}" for name, value in arguments.items()]
    return f"{tool}({', '.join(['persona_id', *given])})"


def update(**fields: Any) -> str:
    """Write the call that sets top-level fields, under the names of its arguments."""
    if "unset" in fields:
        fields["unset"] = [_ARGUMENTS.get(name, name) for name in fields["unset"]]
    return call("update_persona", **{_ARGUMENTS.get(name, name): fields[name] for name in fields})


def configure(layer: str, **values: Any) -> str:
    """Write the call that sets fields of a layer; what no tool sets takes a raw patch."""
    if layer in _CONFIGURED and not _UNCONFIGURED & values.keys():
        return call(f"configure_{layer}", **values)
    patch = [
        {"op": "add", "path": f"/layers/{layer}/{name}", "value": _plain(value)}
        for name, value in values.items()
    ]
    return call("patch_persona", patch=patch)


def drop(layer: str, *names: str) -> str:
    """Write the call that removes fields of a layer; its own name removes all of it."""
    if layer in _CONFIGURED and not _UNCONFIGURED & set(names):
        return configure(layer, unset=list(names))
    return remove(*(f"/layers/{layer}/{name}" for name in names))


def remove(*pointers: str) -> str:
    """Write the patch that removes what no other tool does."""
    return call("patch_persona", patch=[{"op": "remove", "path": path} for path in pointers])


def _plain(value: Any) -> Any:
    return "..." if isinstance(value, EllipsisType) else value


def _written(value: Any) -> str:
    return "..." if isinstance(value, EllipsisType) else json.dumps(value, ensure_ascii=False)
