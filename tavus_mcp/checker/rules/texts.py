"""Rules about the texts of a persona: prompt, context and greeting."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    Alternative,
    UnprintedValue,
    attach_parts,
    build_fix,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint
from tavus_mcp.checker.rules.pipeline_mode import remove_or_enable
from tavus_mcp.deprecations.fields import is_context_used
from tavus_mcp.models.document import PersonaDocument

_MAX_GREETING_CHARS = 400
_SHORTEN_PROMPT = build_fix("edit_prompt", find="<OLD_TEXT>", replace="<SHORTER_TEXT>")
_SHORTEN_OR_ATTACH: Hint = (
    _SHORTEN_PROMPT,
    "; facts fit better in documents: ",
    Alternative(attach_parts(documents=["<DOCUMENT_ID>"])),
)


@rule("system-prompt-missing", "error", source="D:create-persona", blocks_write=True)
def system_prompt_missing(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """In full mode the prompt defines the persona: Tavus refuses one without it."""
    mode = catalog.pipeline_modes.find(document.mode)
    prompt = document.value("/system_prompt")
    if mode is None or "system_prompt" not in mode.requires:
        return
    if prompt is None or (isinstance(prompt, str) and not prompt.strip()):
        yield Violation(
            "/system_prompt",
            f"Mode {mode.name} needs a system_prompt, which is not set.",
            "Write one: ",
            update_fields(system_prompt="<PROMPT>"),
        )


@rule("prompt-not-allowed", "error", source="V:pal.py, D:create-persona", blocks_write=True)
def prompt_not_allowed(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Modes without an LLM have no prompt: Tavus refuses one."""
    mode = catalog.pipeline_modes.find(document.mode)
    for name in mode.forbids if mode else ():
        if mode and document.text(f"/{name}"):
            yield Violation(
                f"/{name}",
                f"Tavus refuses {name} in mode {mode.name}.",
                *remove_or_enable(document, mode, update_fields(unset=[name])),
            )


@rule("context-deprecated", "info", source="J:changelog")
def context_deprecated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """context is deprecated: its text belongs to the prompt."""
    if not is_context_used(document, catalog):
        return
    context, prompt = document.text("/context"), document.text("/system_prompt")
    removal = update_fields(unset=["context"])
    hint: Hint = ("system_prompt already holds its text, so remove it: ", removal)
    if not prompt:  # or it is no text
        replacement = update_fields(system_prompt=UnprintedValue(context), unset=["context"])
        hint = ("Make it the prompt: ", replacement)
    elif context not in prompt:  # by edit_prompt, so that a long prompt is not repeated
        suffix = _unique_suffix(prompt)
        new_suffix = UnprintedValue(f"{suffix}\n\n{context}")
        addition = build_fix("edit_prompt", find=UnprintedValue(suffix), replace=new_suffix)
        hint = ("Add its text to the end of the prompt, then remove it: ", addition, ", ", removal)
    yield Violation(
        "/context",
        f"context is deprecated{catalog.deprecated_since('/context')}; its text belongs in "
        "system_prompt.",
        *hint,
    )


@rule("prompt-long", "info", source="J:persona/llm")
def prompt_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The model reads every token of the prompt before each answer."""
    guidance, tokens = catalog.context_guidance(), estimate_tokens(document, catalog)
    if guidance.comfortable_tokens < tokens < guidance.slow_from_tokens:
        yield Violation(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; up to "
            f"{guidance.comfortable_tokens:,} tokens work best.",
            "Move reference material to documents, or shorten: ",
            _SHORTEN_PROMPT,
        )


@rule("prompt-slow", "warning", source="J:persona/llm, P:pal/llm")
def prompt_slow(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Above this size the docs report slower answers that follow the prompt less."""
    guidance, tokens = catalog.context_guidance(), estimate_tokens(document, catalog)
    if guidance.slow_from_tokens <= tokens <= _max_prompt_tokens(document, catalog):
        yield Violation(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; from "
            f"{guidance.slow_from_tokens:,} on, answers get slower and follow the prompt less.",
            f"Shorten below {guidance.comfortable_tokens:,}: ",
            *_SHORTEN_OR_ATTACH,
        )


@rule("prompt-over-cap", "warning", source="J:persona/llm, P:pal/llm")
def prompt_over_cap(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A model does not read the part of a prompt that is beyond its context window."""
    tokens, cap = estimate_tokens(document, catalog), _max_prompt_tokens(document, catalog)
    if tokens > cap:
        yield Violation(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; hosted models were capped at "
            f"{cap:,.0f}; the present limit depends on the model.",
            "Shorten it: ",
            *_SHORTEN_OR_ATTACH,
        )


@rule(
    "greeting-undocumented",
    "info",
    source="N1, V:pal.py",
    no_fix_reason="It may well be said; only a call shows it.",
)
def greeting_undocumented(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The docs describe a greeting of conversations only."""
    if document.text("/greeting"):
        yield Violation(
            "/greeting",
            "The docs describe a greeting of calls only; whether a persona's is spoken is not "
            "known.",
            "To be sure, give custom_greeting when you create a conversation.",
        )


@rule("greeting-long", "info", source="J:changelog")
def greeting_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A greeting cannot be interrupted, so people have to listen to all of it."""
    length = len(document.text("/greeting"))
    if length > _MAX_GREETING_CHARS:
        yield Violation(
            "/greeting",
            f"The greeting has {length:,} characters, and people cannot interrupt it.",
            "Make it shorter: ",
            update_fields(greeting="<GREETING>"),
        )


def estimate_tokens(document: PersonaDocument, catalog: Catalog) -> int:
    """Return the estimated number of tokens of prompt and context."""
    return catalog.context_guidance().estimate_tokens(
        document.value("/system_prompt"), document.value("/context")
    )


def _max_prompt_tokens(document: PersonaDocument, catalog: Catalog) -> float:
    if document.has_custom_llm:
        return float("inf")
    model = catalog.llm_models.find(document.text("/layers/llm/model"))
    return (model and model.context_tokens) or catalog.context_guidance().maximum_tokens


def _unique_suffix(prompt: str) -> str:
    """Return the shortest suffix of at least 40 characters that a text contains once."""
    length = 40
    while length < len(prompt) and prompt.count(prompt[-length:]) > 1:
        length *= 2
    return prompt[-length:]
