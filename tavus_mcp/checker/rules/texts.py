"""Rules about texts: prompt, context, greeting, and placeholders left in any field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    PLACEHOLDERS,
    FixCall,
    UnprintedValue,
    alternative_fix,
    build_fix,
    configure,
    find_placeholder,
    remove,
    set_at,
    unset_at,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint
from tavus_mcp.checker.rules.pipeline_mode import remove_or_enable
from tavus_mcp.deprecations.fields import is_context_used
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import strip_quotes

_MAX_GREETING_CHARS = 400
_EDITABLE_TEXTS = ("system_prompt", "context", "greeting")  # the fields of edit_prompt
# All alternatives begin with the same set of characters, so that long prompts are scanned fast.
_EXAMPLE_PLACEHOLDER = re.compile(
    r"[<{\[yYT](?:"
    r"(?<=<)(?i:string|your|insert|placeholder|todo)\b[^<>\n]{0,40}>"
    r"|(?<=\{)\{[^{}\n]{1,60}\}\}"
    r"|(?<=\[)(?i:insert|your|todo)\b[^\[\]\n]{0,40}\]"
    r"|(?<=[yY])(?i:our[-_][a-z0-9_-]{0,40}(?:id|key|token|url|secret|model))\b"
    r"|(?<=\bT)ODO\s*[:(]"
    r"|(?<=<)(?:" + "|".join(choice[1:-1] for choice in PLACEHOLDERS if "_" in choice) + r")>"
    r")"
)
_SHORTEN_PROMPT = build_fix("edit_prompt", find="<OLD_TEXT>", replace="<SHORTER_TEXT>")
_SHORTEN_OR_ATTACH: Hint = (
    _SHORTEN_PROMPT,
    "; facts fit better in ",
    alternative_fix(update_fields(documents=["<DOCUMENT_ID>"])),
)
_FILLER_TEXTS = frozenset({"...", "\u2026", "todo", "tbd", "xxx", "placeholder", "lorem ipsum"})
# Fields for an id, an address or a key: a placeholder cannot work in them.
_SETTING_POINTER = re.compile(
    r"/(?:model|base_url|api_key|external_voice_id|voice_id|tts_model_name|playht_user_id"
    r"|pronunciation_dictionary_id|default_replica_id|objectives_id|guardrails_id)$"
    r"|^/(?:document_ids|guardrail_ids|tool_ids|layers/llm/headers)/"
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
            f"Mode {mode.name} needs a system_prompt, and there is none.",
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
                f"Mode {mode.name} takes no {name}.",
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
        f"context is deprecated{catalog.deprecated_since('/context')}; its place is system_prompt.",
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
            f"{guidance.comfortable_tokens:,} answer best.",
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
            f"{guidance.slow_from_tokens:,} on answers get slower and less obedient.",
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
            f"{cap:,.0f}, and what holds now depends on the model.",
            "Shorten it: ",
            *_SHORTEN_OR_ATTACH,
        )


@rule("placeholder-of-ours", "error", source="SEED", blocks_write=True)
def unreplaced_placeholder(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A placeholder of a fix was sent as it is, instead of a value."""
    for path, value in document.texts:
        if placeholder := find_placeholder(value):
            fix = set_at(path, placeholder)
            if _SETTING_POINTER.search(path):
                fix = _fix_setting(document, path)
            elif value.strip() != placeholder and path[1:] in _EDITABLE_TEXTS:
                fix = _edit_text(path, "<OLD_TEXT>")
            yield Violation(
                path,
                f"{placeholder} stands for what is to be chosen, and was not replaced.",
                "Choose: ",
                fix,
            )


@rule("placeholder-in-setting", "error", source="D:create-persona")
def placeholder_in_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An id, address or key copied from an example names nothing."""
    for path, value in document.texts:
        is_setting = _SETTING_POINTER.search(path) and not find_placeholder(value)
        if is_setting and is_placeholder_setting(value):
            yield Violation(
                path,
                "A placeholder of an example still stands here; it names nothing that exists.",
                "Remove it, and give the real one: "
                if "/headers/" in path
                else "Give the real one: ",
                _fix_setting(document, path),
            )


@rule("blank-around-setting", "error", source="D:create-persona")
def blank_around_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Blanks and quotation marks are copied along with an id, and make it another one."""
    for path, value in document.texts:
        bare = strip_quotes(value)
        if bare in ("", value) or "/headers/" in path or not _SETTING_POINTER.search(path):
            continue
        is_key = path.endswith("/api_key")
        set_bare = _set_text_or_list(document, path, UnprintedValue(bare))
        yield Violation(
            path,
            "Blanks or quotation marks stand around it; it names nothing like this.",
            "Without them: ",
            _fix_setting(document, path) if is_key else set_bare,
        )


@rule("placeholder-in-text", "warning", source="D:create-persona")
def placeholder_in_text(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus fills in no placeholders: the model reads them, and may say them aloud."""
    for path, value in document.texts:
        is_text = not _SETTING_POINTER.search(path) and not find_placeholder(value)
        if is_text and _is_placeholder(value):
            yield Violation(
                path,
                "A placeholder is left in this text; Tavus does not fill it in.",
                "Replace it: ",
                *_replace_placeholders(path, value),
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
            "greeting on a persona is seen in reads but in no docs page.",
            "Where it must be said, give custom_greeting when the conversation is created.",
        )


@rule("greeting-long", "info", source="J:changelog")
def greeting_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A greeting cannot be interrupted, so people have to listen to all of it."""
    length = len(document.text("/greeting"))
    if length > _MAX_GREETING_CHARS:
        yield Violation(
            "/greeting",
            f"The greeting has {length:,} characters, and nobody can interrupt it.",
            "Keep it short: ",
            update_fields(greeting="<GREETING>"),
        )


def is_placeholder_setting(value: str) -> bool:
    """Return True if a setting holds a placeholder instead of a value."""
    return _is_placeholder(value) or value.endswith("...") or find_placeholder(value) is not None


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


_PLACEHOLDER_BY_POINTER: dict[str, str] = {
    "/default_replica_id": "<REPLICA_ID>",
    "/objectives_id": "<OBJECTIVES_ID>",
    "/document_ids": "<DOCUMENT_ID>",
    "/guardrail_ids": "<GUARDRAIL_ID>",
    "/tool_ids": "<TOOL_ID>",
    "/layers/llm/model": "<MODEL>",
    "/layers/llm/base_url": "<BASE_URL>",
    "/layers/tts/external_voice_id": "<EXTERNAL_VOICE_ID>",
    "/layers/tts/pronunciation_dictionary_id": "<DICTIONARY_ID>",
}


def _fix_setting(document: PersonaDocument, path: str) -> FixCall:
    """Return the call that replaces an unusable setting."""
    match path.split("/")[1:]:
        case ["layers", layer, "api_key"]:
            return configure(layer, api_key_ref="<KEY_NAME>")
        case ["layers", "tts", "voice_id"]:
            if document.is_set("/layers/tts/external_voice_id"):
                return unset_at(path)
            return configure("tts", external_voice_id="<EXTERNAL_VOICE_ID>", unset=["voice_id"])
        case ["layers", "tts", "tts_model_name" | "playht_user_id"]:
            return unset_at(path)
        case ["layers", "llm", "headers", _]:
            is_only_header = len(document.value("/layers/llm/headers")) == 1
            return unset_at("/layers/llm/headers") if is_only_header else remove(path)
        case ["guardrails_id"]:
            return update_fields(guardrails=["<GUARDRAIL_ID>"], unset=["guardrails_id"])
        case ["layers", "llm", "model"] if not document.has_custom_llm:
            return unset_at(path)
    placeholders = _PLACEHOLDER_BY_POINTER
    placeholder = placeholders.get(path) or placeholders.get(path.rpartition("/")[0])
    return _set_text_or_list(document, path, placeholder or "<NEW_TEXT>")


def _set_text_or_list(document: PersonaDocument, path: str, value: Any) -> FixCall:
    """Return the call that sets a text, or for an item of a list the whole list with all fixes."""
    parent = path.rpartition("/")[0]
    items = document.at(parent)
    return (
        set_at(parent, fix_ids(parent, items)) if isinstance(items, list) else set_at(path, value)
    )


def fix_ids(pointer: str, ids: list[Any]) -> list[Any]:
    """Return the ids at a pointer, each once, with a placeholder for those that name nothing."""
    placeholder = _PLACEHOLDER_BY_POINTER.get(pointer, "<NEW_TEXT>")
    fixed = []
    for item in ids:
        bare = strip_quotes(item) or item if isinstance(item, str) else item
        is_unusable = isinstance(bare, str) and is_placeholder_setting(bare)
        value = placeholder if is_unusable else UnprintedValue(bare)
        fixed += [] if value in fixed else [value]
    return fixed


def _edit_text(path: str, find: str | UnprintedValue, **options: Any) -> FixCall:
    field = {} if path == "/system_prompt" else {"field": path[1:]}
    return build_fix("edit_prompt", find=find, replace="<NEW_TEXT>", **options, **field)


def _replace_placeholders(path: str, value: str) -> Hint:
    """Return the calls that replace the placeholders in a text."""
    if path[1:] not in _EDITABLE_TEXTS:
        return (set_at(path, "<NAME>" if path == "/persona_name" else "<NEW_TEXT>"),)
    placeholders = dict.fromkeys(match.group() for match in _EXAMPLE_PLACEHOLDER.finditer(value))
    if not placeholders:
        return (set_at(path, "<NEW_TEXT>"),)
    first, *more = (
        _edit_text(path, UnprintedValue(placeholder), replace_all=True)
        for placeholder in placeholders
    )
    return first, *(part for edit in more for part in (", ", edit))


def _unique_suffix(prompt: str) -> str:
    """Return the shortest suffix of at least 40 characters that a text contains once."""
    length = 40
    while length < len(prompt) and prompt.count(prompt[-length:]) > 1:
        length *= 2
    return prompt[-length:]


def _is_placeholder(value: str) -> bool:
    return value.strip().lower() in _FILLER_TEXTS or _EXAMPLE_PLACEHOLDER.search(value) is not None
