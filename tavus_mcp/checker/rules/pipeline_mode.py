"""Rules about what the pipeline mode leaves without effect."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import PipelineMode
from tavus_mcp.checker.fixes import Call, Part, also, configure, drop, remove, update
from tavus_mcp.checker.lookups import at, is_set, layer_of
from tavus_mcp.checker.rule import Hit, rule
from tavus_mcp.models.document import Document

_FOR_THE_LLM = (
    "document_ids",
    "document_tags",
    "objectives_id",
    "guardrails_id",
    "guardrail_ids",
    "guardrail_tags",
    "tool_ids",
    "memories",
)


@rule("mode-undocumented", "warning", source="V:pal.py")
def mode_undocumented(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The vendor's client knows a mode that the docs do not list."""
    mode = catalog.pipeline_mode(document.mode)
    if mode and mode.status == "undocumented":
        yield Hit(
            "/pipeline_mode",
            f"Mode {mode.name} stands in no docs page; it may not be open to your account.",
            "Documented are full and echo: ",
            to_full(document),
        )


@rule("mode-ignores-layer", "warning", source="D:create-persona, P:echo-mode")
def mode_ignores_layer(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A layer that is bypassed looks as if it worked."""
    mode = catalog.pipeline_mode(document.mode)
    for name in mode.ignored_layers if mode else ():
        if mode and layer_of(document, name):
            yield Hit(
                f"/layers/{name}",
                f"Mode {mode.name} bypasses the {name} layer: nothing in it has an effect.",
                *removed_or_used(document, mode, drop(name, name)),
            )


@rule("mode-ignores-field", "warning", source="D:create-persona, P:echo-mode")
def mode_ignores_field(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Documents, objectives, guardrails and tools are the LLM's; these modes have none."""
    mode = catalog.pipeline_mode(document.mode)
    if mode is None or "llm" not in mode.ignored_layers:
        return
    for name in _FOR_THE_LLM:
        if is_set(at(document, f"/{name}")):
            yield Hit(
                f"/{name}",
                f"{name} is used by the LLM, and mode {mode.name} has none.",
                *removed_or_used(document, mode, update(unset=[name])),
            )


@rule("sts-layer-unused", "warning", source="V:pal.py")
def sts_layer_unused(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The layer belongs to one mode."""
    if layer_of(document, "sts") and document.mode != "speech-to-speech":
        yield Hit(
            "/layers/sts",
            "The sts layer is used by mode speech-to-speech only.",
            "Remove it: ",
            remove("/layers/sts"),
        )


@rule("vqa-retired", "warning", source="D:get-persona")
def vqa_retired(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Very old personas still carry the layer that came before Raven."""
    seeing = is_set(at(document, "/layers/perception/perception_model"))
    if layer_of(document, "vqa"):
        yield Hit(
            "/layers/vqa",
            "The vqa layer is retired; perception took its place.",
            remove("/layers/vqa"),
            *(() if seeing else (" and ", configure("perception", perception_model="raven-1"))),
        )


def to_full(document: Document) -> Call:
    """Return the call that has the whole pipeline used."""
    prompt = {} if is_set(at(document, "/system_prompt")) else {"system_prompt": "<PROMPT>"}
    return update(pipeline_mode="full", **prompt)


def removed_or_used(document: Document, mode: PipelineMode, removed: Call) -> tuple[Part, ...]:
    """Return the call for what a mode leaves without effect: a documented mode is meant, so that
    it is removed; another one is left, and nothing is lost.
    """
    if mode.status == "undocumented":
        return "In a documented mode it is used: ", to_full(document)
    return "Remove it: ", removed, "; or have it used: ", also(update(pipeline_mode="full"))


RULES = (
    mode_undocumented,
    mode_ignores_layer,
    mode_ignores_field,
    sts_layer_unused,
    vqa_retired,
)
