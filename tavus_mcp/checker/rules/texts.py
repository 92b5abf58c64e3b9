"""Rules about what the persona is told: prompt, context, greeting, and forgotten placeholders."""

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
    unset_fields,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rules.pipeline_mode import remove_or_enable
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import strip_quotes

_MAX_GREETING_CHARS = 400
_EDITABLE_TEXTS = ("system_prompt", "context", "greeting")  # what edit_prompt edits
# It begins with one set of characters, so that long prompts are scanned in no time.
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
_EXTERNAL_VOICE_POINTER, _EXTERNAL_VOICE_PLACEHOLDER = (
    "/layers/tts/external_voice_id",
    "<EXTERNAL_VOICE_ID>",
)
_FILLER_TEXTS = frozenset({"...", "\u2026", "todo", "tbd", "xxx", "placeholder", "lorem ipsum"})
# Places that hold an id, an address or a key: there a placeholder cannot work at all.
_SETTING_POINTER = re.compile(
    r"/(?:model|base_url|api_key|external_voice_id|voice_id|tts_model_name|playht_user_id"
    r"|pronunciation_dictionary_id|default_replica_id|objectives_id|guardrails_id)$"
    r"|^/(?:document_ids|guardrail_ids|tool_ids|layers/llm/headers)/"
)


@rule("system-prompt-missing", "error", source="D:create-persona", blocks_write=True)
def system_prompt_missing(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """In full mode the prompt is the persona: Tavus refuses one without it."""
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
    """Without an LLM nobody reads a prompt: Tavus refuses one in these modes."""
    mode = catalog.pipeline_modes.find(document.mode)
    for name in mode.forbids if mode else ():
        if mode and document.text(f"/{name}"):
            yield Violation(
                f"/{name}",
                f"Mode {mode.name} takes no {name}.",
                *remove_or_enable(document, mode, update_fields(unset=[name])),
            )


@rule("context-deprecated", "warning", source="J:changelog")
def context_deprecated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What stands beside the prompt is still read today, but nothing promises tomorrow."""
    context = document.text("/context")
    mode = catalog.pipeline_modes.find(document.mode)
    if not context or (mode and "context" in mode.forbids):
        return
    prompt = document.value("/system_prompt")
    gone = update_fields(unset=["context"])
    moves: tuple[str | FixCall, ...] = (
        "system_prompt already holds its text, so remove it: ",
        gone,
    )
    if not isinstance(prompt, str) or not prompt.strip():
        whole = update_fields(system_prompt=UnprintedValue(context), unset=["context"])
        moves = ("Make it the prompt: ", whole)
    elif context not in prompt:
        end = _unique_suffix(prompt)
        add = build_fix(
            "edit_prompt", find=UnprintedValue(end), replace=UnprintedValue(f"{end}\n\n{context}")
        )
        moves = ("Add its text to the end of the prompt, then remove it: ", add, ", ", gone)
    yield Violation(
        "/context",
        f"context is deprecated{catalog.deprecated_since('/context')}; its place is system_prompt.",
        *moves,
    )


@rule("prompt-long", "info", source="J:persona/llm")
def prompt_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Every token is read before each answer."""
    guidance = catalog.context_guidance()
    tokens = estimate_tokens(document, catalog)
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
    """From this size on the docs report slower and less obedient answers."""
    guidance = catalog.context_guidance()
    tokens = estimate_tokens(document, catalog)
    if guidance.slow_from_tokens <= tokens <= _max_prompt_tokens(document, catalog):
        yield Violation(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; from "
            f"{guidance.slow_from_tokens:,} on answers get slower and less obedient.",
            f"Shorten below {guidance.comfortable_tokens:,}: ",
            _SHORTEN_PROMPT,
            "; facts fit better in ",
            alternative_fix(update_fields(documents=["<DOCUMENT_ID>"])),
        )


@rule("prompt-over-cap", "warning", source="J:persona/llm, P:pal/llm")
def prompt_over_cap(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What does not fit the model's window is not read."""
    tokens, cap = estimate_tokens(document, catalog), _max_prompt_tokens(document, catalog)
    if tokens > cap:
        yield Violation(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; hosted models were capped at "
            f"{cap:,.0f}, and what holds now depends on the model.",
            "Shorten it: ",
            _SHORTEN_PROMPT,
            "; facts fit better in ",
            alternative_fix(update_fields(documents=["<DOCUMENT_ID>"])),
        )


@rule("placeholder-of-ours", "error", source="SEED", blocks_write=True)
def unreplaced_placeholder(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What a fix left open for a person to choose was sent as it stood."""
    for path, value in document.texts:
        if choice := find_placeholder(value):
            mend = set_at(path, choice)
            if _SETTING_POINTER.search(path):
                mend = _fix_setting(document, path)
            elif value.strip() != choice and path[1:] in _EDITABLE_TEXTS:
                where = {} if path == "/system_prompt" else {"field": path[1:]}
                mend = build_fix("edit_prompt", find="<OLD_TEXT>", replace="<NEW_TEXT>", **where)
            yield Violation(
                path,
                f"{choice} stands for what is to be chosen, and was not replaced.",
                "Choose: ",
                mend,
            )


@rule("placeholder-in-setting", "error", source="D:create-persona")
def placeholder_in_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An id, address or key copied from an example names nothing."""
    for path, value in document.texts:
        if (
            _SETTING_POINTER.search(path)
            and is_placeholder_setting(value)
            and not find_placeholder(value)
        ):
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
    """Blanks and quotation marks come along when an id is copied, and make it another one."""
    for path, value in document.texts:
        if value == (bare := strip_quotes(value)) or not bare or "/headers/" in path:
            continue
        if _SETTING_POINTER.search(path):
            key = path.endswith("/api_key")
            yield Violation(
                path,
                "Blanks or quotation marks stand around it; it names nothing like this.",
                "Without them: ",
                _fix_setting(document, path)
                if key
                else _set_text_or_list(document, path, UnprintedValue(bare)),
            )


@rule("placeholder-in-text", "warning", source="D:create-persona")
def placeholder_in_text(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus fills nothing in: the model reads the placeholder, and may say it aloud."""
    for path, value in document.texts:
        if (
            not _SETTING_POINTER.search(path)
            and _is_placeholder(value)
            and not find_placeholder(value)
        ):
            yield Violation(
                path,
                "A placeholder is left in this text; Tavus does not fill it in.",
                *_replace_placeholders(path, value),
            )


@rule(
    "greeting-undocumented",
    "info",
    source="N1, V:pal.py",
    no_fix_reason="It may well be said; only a call shows it.",
)
def greeting_undocumented(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The docs know a greeting of a conversation only."""
    if document.text("/greeting"):
        yield Violation(
            "/greeting",
            "greeting on a persona is seen in reads but in no docs page.",
            "Where it must be said, give custom_greeting when the conversation is created.",
        )


@rule("greeting-long", "warning", source="J:changelog")
def greeting_long(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A greeting cannot be interrupted, so people have to sit through a long one."""
    length = len(document.text("/greeting"))
    if length > _MAX_GREETING_CHARS:
        yield Violation(
            "/greeting",
            f"The greeting has {length:,} characters, and nobody can interrupt it.",
            "Keep it short: ",
            update_fields(greeting="<GREETING>"),
        )


def is_placeholder_setting(value: str) -> bool:
    """Tell whether a setting holds what an example had in its place."""
    return _is_placeholder(value) or value.endswith("...") or find_placeholder(value) is not None


def estimate_tokens(document: PersonaDocument, catalog: Catalog) -> int:
    """Return about how many tokens prompt and context have."""
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
    """Return the call that puts something real where a placeholder stands."""
    match path.split("/")[1:]:
        case ["layers", layer, "api_key"]:
            return configure(layer, api_key_ref="<KEY_NAME>")
        case ["layers", "tts", "voice_id"]:
            external = (
                {}
                if document.is_set(_EXTERNAL_VOICE_POINTER)
                else {"external_voice_id": _EXTERNAL_VOICE_PLACEHOLDER}
            )
            return configure("tts", **external, unset=["voice_id"])
        case ["layers", "tts", "tts_model_name" | "playht_user_id" as name]:
            return unset_fields("tts", name)
        case ["layers", "llm", "headers", _]:
            headers = document.at("/layers/llm/headers")
            return unset_fields("llm", "headers") if len(headers) == 1 else remove(path)
        case ["guardrails_id"]:
            return update_fields(guardrails=["<GUARDRAIL_ID>"], unset=["guardrails_id"])
        case ["layers", "llm", "model"] if not document.has_custom_llm:
            return unset_fields("llm", "model")
    choice = (
        _PLACEHOLDER_BY_POINTER.get(path)
        or _PLACEHOLDER_BY_POINTER.get(path.rpartition("/")[0])
        or "<NEW_TEXT>"
    )
    return _set_text_or_list(document, path, choice)


def _set_text_or_list(document: PersonaDocument, path: str, value: Any) -> FixCall:
    """Return the call that sets a text, or a list with all that is wrong in it mended at once."""
    above = path.rpartition("/")[0]
    listed = document.at(above)
    if not isinstance(listed, list):
        return set_at(path, value)
    return set_at(above, fix_ids(above, listed))


def fix_ids(pointer: str, listed: list[Any]) -> list[Any]:
    """Return the ids at a pointer with a choice for what names nothing, and each once."""
    choice = _PLACEHOLDER_BY_POINTER.get(pointer, "<NEW_TEXT>")
    bare = [strip_quotes(one) or one if isinstance(one, str) else one for one in listed]
    mended = [
        choice if isinstance(one, str) and is_placeholder_setting(one) else UnprintedValue(one)
        for one in bare
    ]
    return [one for index, one in enumerate(mended) if one not in mended[:index]]


def _replace_placeholders(path: str, value: str) -> tuple[str | FixCall, ...]:
    """Return the calls that put a text where placeholders stand."""
    field = path[1:]
    if field not in _EDITABLE_TEXTS:
        return "Replace it: ", set_at(path, "<NAME>" if field == "persona_name" else "<NEW_TEXT>")
    found = dict.fromkeys(match.group() for match in _EXAMPLE_PLACEHOLDER.finditer(value))
    if not found:
        return "Replace it: ", update_fields(**{field: "<NEW_TEXT>"})
    where = {} if field == "system_prompt" else {"field": field}
    calls = [
        build_fix(
            "edit_prompt", find=UnprintedValue(one), replace="<NEW_TEXT>", replace_all=True, **where
        )
        for one in found
    ]
    return "Replace it: ", calls[0], *(part for one in calls[1:] for part in (", ", one))


def _unique_suffix(prompt: str) -> str:
    """Return the shortest end of a text, from 40 characters on, that stands in it but once."""
    length = 40
    while length < len(prompt) and prompt.count(prompt[-length:]) > 1:
        length *= 2
    return prompt[-length:]


def _is_placeholder(value: str) -> bool:
    return value.strip().lower() in _FILLER_TEXTS or _EXAMPLE_PLACEHOLDER.search(value) is not None
