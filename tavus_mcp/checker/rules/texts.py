"""Rules about what the persona is told: prompt, context, greeting, and forgotten placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    CHOICES,
    Call,
    Stored,
    also,
    call,
    configure,
    drop,
    put,
    remove,
    unchosen,
    update,
)
from tavus_mcp.checker.lookups import at, custom_llm, ended, is_set, text, unquoted
from tavus_mcp.checker.rule import Hit, rule
from tavus_mcp.checker.rules.pipeline_mode import removed_or_used
from tavus_mcp.models.document import Document

_LONG_GREETING = 400
_TEXTS = ("system_prompt", "context", "greeting")  # what edit_prompt edits
# It begins with one set of characters, so that long prompts are scanned in no time.
_PLACEHOLDER = re.compile(
    r"[<{\[yYT](?:"
    r"(?<=<)(?i:string|your|insert|placeholder|todo)\b[^<>\n]{0,40}>"
    r"|(?<=\{)\{[^{}\n]{1,60}\}\}"
    r"|(?<=\[)(?i:insert|your|todo)\b[^\[\]\n]{0,40}\]"
    r"|(?<=[yY])(?i:our[-_][a-z0-9_-]{0,40}(?:id|key|token|url|secret|model))\b"
    r"|(?<=\bT)ODO\s*[:(]"
    r"|(?<=<)(?:" + "|".join(choice[1:-1] for choice in CHOICES if "_" in choice) + r")>"
    r")"
)
_SHORTEN = call("edit_prompt", find="<OLD_TEXT>", replace="<SHORTER_TEXT>")
_EXTERNAL, _VOICE = "/layers/tts/external_voice_id", "<EXTERNAL_VOICE_ID>"
_NOTHING_SAID = frozenset({"...", "\u2026", "todo", "tbd", "xxx", "placeholder", "lorem ipsum"})
# Places that hold an id, an address or a key: there a placeholder cannot work at all.
_SETTING = re.compile(
    r"/(?:model|base_url|api_key|external_voice_id|voice_id|tts_model_name|playht_user_id"
    r"|pronunciation_dictionary_id|default_replica_id|objectives_id|guardrails_id)$"
    r"|^/(?:document_ids|guardrail_ids|tool_ids|layers/llm/headers)/"
)


@rule("system-prompt-missing", "error", source="D:create-persona", refuses=True)
def system_prompt_missing(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """In full mode the prompt is the persona: Tavus refuses one without it."""
    mode = catalog.pipeline_mode(document.mode)
    prompt = at(document, "/system_prompt")
    if mode is None or "system_prompt" not in mode.requires:
        return
    if prompt is None or (isinstance(prompt, str) and not prompt.strip()):
        yield Hit(
            "/system_prompt",
            f"Mode {mode.name} needs a system_prompt, and there is none.",
            "Write one: ",
            update(system_prompt="<PROMPT>"),
        )


@rule("prompt-not-allowed", "error", source="V:pal.py, D:create-persona", refuses=True)
def prompt_not_allowed(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Without an LLM nobody reads a prompt: Tavus refuses one in these modes."""
    mode = catalog.pipeline_mode(document.mode)
    for name in mode.forbids if mode else ():
        if mode and text(at(document, f"/{name}")):
            yield Hit(
                f"/{name}",
                f"Mode {mode.name} takes no {name}.",
                *removed_or_used(document, mode, update(unset=[name])),
            )


@rule("context-deprecated", "warning", source="J:changelog")
def context_deprecated(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """What stands beside the prompt is still read today, but nothing promises tomorrow."""
    context = text(at(document, "/context"))
    mode = catalog.pipeline_mode(document.mode)
    if not context or (mode and "context" in mode.forbids):
        return
    prompt = at(document, "/system_prompt")
    gone = update(unset=["context"])
    moves: tuple[str | Call, ...] = ("system_prompt already holds its text, so remove it: ", gone)
    if not isinstance(prompt, str) or not prompt.strip():
        whole = update(system_prompt=Stored(context), unset=["context"])
        moves = ("Make it the prompt: ", whole)
    elif context not in prompt:
        end = _end_of(prompt)
        add = call("edit_prompt", find=Stored(end), replace=Stored(f"{end}\n\n{context}"))
        moves = ("Add its text to the end of the prompt, then remove it: ", add, ", ", gone)
    yield Hit(
        "/context",
        f"context is deprecated{ended(catalog, '/context')}; its place is system_prompt.",
        *moves,
    )


@rule("prompt-long", "info", source="J:persona/llm")
def prompt_long(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Every token is read before each answer."""
    guidance = catalog.context_guidance()
    tokens = tokens_of(document, catalog)
    if guidance.comfortable_tokens < tokens < guidance.slow_from_tokens:
        yield Hit(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; up to "
            f"{guidance.comfortable_tokens:,} answer best.",
            "Move reference material to documents, or shorten: ",
            _SHORTEN,
        )


@rule("prompt-slow", "warning", source="J:persona/llm, P:pal/llm")
def prompt_slow(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """From this size on the docs report slower and less obedient answers."""
    guidance = catalog.context_guidance()
    tokens = tokens_of(document, catalog)
    if guidance.slow_from_tokens <= tokens <= _cap(document, catalog):
        yield Hit(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; from "
            f"{guidance.slow_from_tokens:,} on answers get slower and less obedient.",
            f"Shorten below {guidance.comfortable_tokens:,}: ",
            _SHORTEN,
            "; facts fit better in ",
            also(update(documents=["<DOCUMENT_ID>"])),
        )


@rule("prompt-over-cap", "warning", source="J:persona/llm, P:pal/llm")
def prompt_over_cap(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """What does not fit the model's window is not read."""
    tokens, cap = tokens_of(document, catalog), _cap(document, catalog)
    if tokens > cap:
        yield Hit(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; hosted models were capped at "
            f"{cap:,.0f}, and what holds now depends on the model.",
            "Shorten it: ",
            _SHORTEN,
            "; facts fit better in ",
            also(update(documents=["<DOCUMENT_ID>"])),
        )


@rule("placeholder-of-ours", "error", source="SEED", refuses=True)
def placeholder_of_ours(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """What a fix left open for a person to choose was sent as it stood."""
    for path, value in document.texts:
        if choice := unchosen(value):
            mend = put(path, choice)
            if _SETTING.search(path):
                mend = _real(document, path)
            elif value.strip() != choice and path[1:] in _TEXTS:
                where = {} if path == "/system_prompt" else {"field": path[1:]}
                mend = call("edit_prompt", find="<OLD_TEXT>", replace="<NEW_TEXT>", **where)
            yield Hit(
                path,
                f"{choice} stands for what is to be chosen, and was not replaced.",
                "Choose: ",
                mend,
            )


@rule("placeholder-in-setting", "error", source="D:create-persona")
def placeholder_in_setting(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """An id, address or key copied from an example names nothing."""
    for path, value in document.texts:
        if _SETTING.search(path) and names_nothing(value) and not unchosen(value):
            yield Hit(
                path,
                "A placeholder of an example still stands here; it names nothing that exists.",
                "Remove it, and give the real one: "
                if "/headers/" in path
                else "Give the real one: ",
                _real(document, path),
            )


@rule("blank-around-setting", "error", source="D:create-persona")
def blank_around_setting(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Blanks and quotation marks come along when an id is copied, and make it another one."""
    for path, value in document.texts:
        if value == (bare := unquoted(value)) or not bare or "/headers/" in path:
            continue
        if _SETTING.search(path):
            key = path.endswith("/api_key")
            yield Hit(
                path,
                "Blanks or quotation marks stand around it; it names nothing like this.",
                "Without them: ",
                _real(document, path) if key else _in_place(document, path, Stored(bare)),
            )


@rule("placeholder-in-text", "warning", source="D:create-persona")
def placeholder_in_text(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Tavus fills nothing in: the model reads the placeholder, and may say it aloud."""
    for path, value in document.texts:
        if not _SETTING.search(path) and _is_placeholder(value) and not unchosen(value):
            yield Hit(
                path,
                "A placeholder is left in this text; Tavus does not fill it in.",
                *_replaced(path, value),
            )


@rule(
    "greeting-undocumented",
    "info",
    source="N1, V:pal.py",
    no_fix="It may well be said; only a call shows it.",
)
def greeting_undocumented(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The docs know a greeting of a conversation only."""
    if text(at(document, "/greeting")):
        yield Hit(
            "/greeting",
            "greeting on a persona is seen in reads but in no docs page.",
            "Where it must be said, give custom_greeting when the conversation is created.",
        )


@rule("greeting-long", "warning", source="J:changelog")
def greeting_long(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A greeting cannot be interrupted, so people have to sit through a long one."""
    length = len(text(at(document, "/greeting")))
    if length > _LONG_GREETING:
        yield Hit(
            "/greeting",
            f"The greeting has {length:,} characters, and nobody can interrupt it.",
            "Keep it short: ",
            update(greeting="<GREETING>"),
        )


def names_nothing(value: str) -> bool:
    """Tell whether a setting holds what an example had in its place."""
    return _is_placeholder(value) or value.endswith("...") or unchosen(value) is not None


def tokens_of(document: Document, catalog: Catalog) -> int:
    """Return about how many tokens prompt and context have."""
    written = [at(document, "/system_prompt"), at(document, "/context")]
    length = sum(len(part) for part in written if isinstance(part, str))
    return length // catalog.context_guidance().characters_per_token


def _cap(document: Document, catalog: Catalog) -> float:
    if custom_llm(document):
        return float("inf")
    model = catalog.llm_model(text(at(document, "/layers/llm/model")))
    return (model and model.context_tokens) or catalog.context_guidance().maximum_tokens


_REAL: dict[str, str] = {
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


def _real(document: Document, path: str) -> Call:
    """Return the call that puts something real where a placeholder stands."""
    match path.split("/")[1:]:
        case ["layers", layer, "api_key"]:
            return configure(layer, api_key_ref="<KEY_NAME>")
        case ["layers", "tts", "voice_id"]:
            external = {} if is_set(at(document, _EXTERNAL)) else {"external_voice_id": _VOICE}
            return configure("tts", **external, unset=["voice_id"])
        case ["layers", "tts", "tts_model_name" | "playht_user_id" as name]:
            return drop("tts", name)
        case ["layers", "llm", "headers", _]:
            headers = document.at("/layers/llm/headers")
            return drop("llm", "headers") if len(headers) == 1 else remove(path)
        case ["guardrails_id"]:
            return update(guardrails=["<GUARDRAIL_ID>"], unset=["guardrails_id"])
        case ["layers", "llm", "model"] if not custom_llm(document):
            return drop("llm", "model")
    choice = _REAL.get(path) or _REAL.get(path.rpartition("/")[0]) or "<NEW_TEXT>"
    return _in_place(document, path, choice)


def _in_place(document: Document, path: str, value: Any) -> Call:
    """Return the call that sets a text, or a list with all that is wrong in it mended at once."""
    above = path.rpartition("/")[0]
    listed = document.at(above)
    if not isinstance(listed, list):
        return put(path, value)
    return put(above, ids(above, listed))


def ids(pointer: str, listed: list[Any]) -> list[Any]:
    """Return the ids at a pointer with a choice for what names nothing, and each once."""
    choice = _REAL.get(pointer, "<NEW_TEXT>")
    bare = [unquoted(one) or one if isinstance(one, str) else one for one in listed]
    mended = [
        choice if isinstance(one, str) and names_nothing(one) else Stored(one) for one in bare
    ]
    return [one for index, one in enumerate(mended) if one not in mended[:index]]


def _replaced(path: str, value: str) -> tuple[str | Call, ...]:
    """Return the calls that put a text where placeholders stand."""
    field = path[1:]
    if field not in _TEXTS:
        return "Replace it: ", put(path, "<NAME>" if field == "persona_name" else "<NEW_TEXT>")
    found = dict.fromkeys(match.group() for match in _PLACEHOLDER.finditer(value))
    if not found:
        return "Replace it: ", update(**{field: "<NEW_TEXT>"})
    where = {} if field == "system_prompt" else {"field": field}
    calls = [
        call("edit_prompt", find=Stored(one), replace="<NEW_TEXT>", replace_all=True, **where)
        for one in found
    ]
    return "Replace it: ", calls[0], *(part for one in calls[1:] for part in (", ", one))


def _end_of(prompt: str) -> str:
    """Return the shortest end of a text, from 40 characters on, that stands in it but once."""
    length = 40
    while length < len(prompt) and prompt.count(prompt[-length:]) > 1:
        length *= 2
    return prompt[-length:]


def _is_placeholder(value: str) -> bool:
    return value.strip().lower() in _NOTHING_SAID or _PLACEHOLDER.search(value) is not None


RULES = (
    system_prompt_missing,
    prompt_not_allowed,
    context_deprecated,
    prompt_long,
    prompt_slow,
    prompt_over_cap,
    placeholder_of_ours,
    placeholder_in_setting,
    blank_around_setting,
    placeholder_in_text,
    greeting_undocumented,
    greeting_long,
)
