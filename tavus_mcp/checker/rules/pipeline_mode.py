"""Rules about layers and fields without effect in a pipeline mode."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.facts import PipelineMode
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import (
    Alternative,
    FixCall,
    HintPart,
    remove,
    unset_fields,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.deprecations.fields import remove_retired_layers
from tavus_mcp.models.document import PersonaDocument

_LLM_ONLY_FIELDS = (
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
def mode_undocumented(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The client library of Tavus has a mode that the docs do not list."""
    mode = catalog.pipeline_modes.find(document.mode)
    if mode and mode.status == "undocumented":
        yield Violation(
            "/pipeline_mode",
            f"Mode {mode.name} is undocumented, and may not be available to your account.",
            "Documented modes are full and echo: ",
            use_full_mode(document),
        )


@rule("mode-ignores-layer", "warning", source="D:create-persona, P:echo-mode")
def mode_ignores_layer(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The mode bypasses the layer, so its settings have no effect."""
    mode = catalog.pipeline_modes.find(document.mode)
    for name in mode.ignored_layers if mode else ():
        if mode and document.layer(name):
            yield Violation(
                f"/layers/{name}",
                f"Mode {mode.name} bypasses the {name} layer, so its settings have no effect.",
                *remove_or_enable(document, mode, unset_fields(name, name)),
            )


@rule("mode-ignores-field", "warning", source="D:create-persona, P:echo-mode")
def mode_ignores_field(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Documents, objectives, guardrails and tools belong to the LLM, which these modes bypass."""
    mode = catalog.pipeline_modes.find(document.mode)
    if mode is None or "llm" not in mode.ignored_layers:
        return
    for name in _LLM_ONLY_FIELDS:
        if document.is_set(f"/{name}"):
            yield Violation(
                f"/{name}",
                f"{name} has no effect: only the LLM uses it, and mode {mode.name} has no LLM.",
                *remove_or_enable(document, mode, update_fields(unset=[name])),
            )


@rule("sts-layer-unused", "warning", source="V:pal.py")
def sts_layer_unused(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Only mode speech-to-speech uses the sts layer."""
    if document.layer("sts") and document.mode != "speech-to-speech":
        yield Violation(
            "/layers/sts",
            "The sts layer has no effect: only mode speech-to-speech uses it.",
            "Remove it: ",
            remove("/layers/sts"),
        )


@rule("vqa-retired", "info", source="D:get-persona")
def vqa_retired(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The perception layer replaced the vqa layer, which old personas still have."""
    for operation in remove_retired_layers(document, catalog):
        name = operation.path.rpartition("/")[2]
        yield Violation(
            operation.path,
            f"The {name} layer is retired; the {catalog.layer(name).successor} layer replaced it.",
            *conversion_calls([operation]),
        )


def use_full_mode(document: PersonaDocument) -> FixCall:
    """Return the call that sets mode full, with a prompt if there is none."""
    prompt = {} if document.is_set("/system_prompt") else {"system_prompt": "<PROMPT>"}
    return update_fields(pipeline_mode="full", **prompt)


def remove_or_enable(
    document: PersonaDocument, mode: PipelineMode, removal: FixCall
) -> tuple[HintPart, ...]:
    """Return the fix for a field without effect in a mode.

    A documented mode was probably chosen on purpose: the field is removed. An undocumented one is
    replaced by mode full, so that no setting is lost.
    """
    if mode.status == "undocumented":
        return "Use it in a documented mode: ", use_full_mode(document)
    full = Alternative(use_full_mode(document))
    return "Remove it: ", removal, "; or use it in mode full: ", full
