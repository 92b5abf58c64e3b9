"""Rules about what the persona is told: prompt, context, greeting, and forgotten placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.models.document import Document
from tavus_mcp.usecases.rules.look import (
    at,
    call,
    configure,
    custom_llm,
    ended,
    text,
    update,
)
from tavus_mcp.usecases.rules.rule import Hit, rule

_LONG_GREETING = 400
# It begins with one set of characters, so that long prompts are scanned in no time.
_PLACEHOLDER = re.compile(
    r"[<{\[yYT](?:"
    r"(?<=<)(?i:string|your|insert|placeholder|todo)\b[^<>\n]{0,40}>"
    r"|(?<=\{)\{[^{}\n]{1,60}\}\}"
    r"|(?<=\[)(?i:insert|your|todo)\b[^\[\]\n]{0,40}\]"
    r"|(?<=[yY])(?i:our[-_][a-z0-9_-]{0,40}(?:id|key|token|url|secret|model))\b"
    r"|(?<=\bT)ODO\s*[:(]"
    r")"
)
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
            f"Write one: {update(system_prompt=...)}.",
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
                f"Remove it: {update(unset=[name])}; or have it used: "
                f"{update(pipeline_mode='full')}.",
            )


@rule("context-deprecated", "warning", source="J:changelog")
def context_deprecated(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """What stands beside the prompt is still read today, but nothing promises tomorrow."""
    context = text(at(document, "/context"))
    mode = catalog.pipeline_mode(document.mode)
    if not context or (mode and "context" in mode.forbids):
        return
    hint = (
        f"system_prompt already holds its text, so remove it: {update(unset=['context'])}."
        if context in text(at(document, "/system_prompt"))
        else "Add its text to the prompt and remove it in one call: "
        f"{update(system_prompt=..., unset=['context'])}."
    )
    yield Hit(
        "/context",
        f"context is deprecated{ended(catalog, '/context')}; its place is system_prompt.",
        hint,
    )


@rule("prompt-long", "info", source="J:persona/llm")
def prompt_long(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Every token is read before each answer."""
    guidance = catalog.context_guidance()
    tokens = _tokens(document, catalog)
    if guidance.comfortable_tokens < tokens < guidance.slow_from_tokens:
        yield Hit(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; up to "
            f"{guidance.comfortable_tokens:,} answer best.",
            "Move reference material to documents, or shorten: "
            f"{call('edit_prompt', find=..., replace=...)}.",
        )


@rule("prompt-slow", "warning", source="J:persona/llm, P:pal/llm")
def prompt_slow(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """From this size on the docs report slower and less obedient answers."""
    guidance = catalog.context_guidance()
    tokens = _tokens(document, catalog)
    if guidance.slow_from_tokens <= tokens <= _cap(document, catalog):
        yield Hit(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; from "
            f"{guidance.slow_from_tokens:,} on answers get slower and less obedient.",
            f"Shorten below {guidance.comfortable_tokens:,}: "
            f"{call('edit_prompt', find=..., replace=...)}; facts fit better in "
            f"{update(documents=...)}.",
        )


@rule("prompt-over-cap", "warning", source="J:persona/llm, P:pal/llm")
def prompt_over_cap(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """What does not fit the model's window is not read."""
    tokens, cap = _tokens(document, catalog), _cap(document, catalog)
    if tokens > cap:
        yield Hit(
            "/system_prompt",
            f"Prompt and context are about {tokens:,} tokens; hosted models were capped at "
            f"{cap:,.0f}, and what holds now depends on the model.",
            f"Shorten it: {call('edit_prompt', find=..., replace=...)}; facts fit better in "
            f"{update(documents=...)}.",
        )


@rule("placeholder-in-setting", "error", source="D:create-persona")
def placeholder_in_setting(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """An id, address or key copied from an example names nothing."""
    for path, value in document.texts:
        if _SETTING.search(path) and (_is_placeholder(value) or value.endswith("...")):
            yield Hit(
                path,
                "A placeholder of an example still stands here; it names nothing that exists.",
                f"Give the real one: {_set(path)}.",
            )


@rule("placeholder-in-text", "warning", source="D:create-persona")
def placeholder_in_text(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Tavus fills nothing in: the model reads the placeholder, and may say it aloud."""
    for path, value in document.texts:
        if not _SETTING.search(path) and _is_placeholder(value):
            yield Hit(
                path,
                "A placeholder is left in this text; Tavus does not fill it in.",
                f"Replace it: {_set(path)}.",
            )


@rule("greeting-undocumented", "info", source="N1, V:pal.py")
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
            f"Keep it to a sentence or two: {update(greeting=...)}.",
        )


def _tokens(document: Document, catalog: Catalog) -> int:
    written = [at(document, "/system_prompt"), at(document, "/context")]
    length = sum(len(part) for part in written if isinstance(part, str))
    return length // catalog.context_guidance().characters_per_token


def _cap(document: Document, catalog: Catalog) -> float:
    if custom_llm(document):
        return float("inf")
    model = catalog.llm_model(text(at(document, "/layers/llm/model")))
    return (model and model.context_tokens) or catalog.context_guidance().maximum_tokens


def _set(path: str) -> str:
    """Write the call that gives the text at ``path`` another value."""
    match path.split("/")[1:]:
        case ["system_prompt" | "context" | "greeting" as field]:
            return call("edit_prompt", field=field, find=..., replace=...)
        case ["layers", "llm" | "tts" as layer, "api_key"]:
            return configure(layer, api_key_ref=...)
        case ["layers", "llm", "model" | "base_url" as field]:
            return configure("llm", **{field: ...})
        case ["layers", "tts", "external_voice_id"]:
            return configure("tts", external_voice_id=...)
        case ["layers", "tts", "voice_id"]:
            return configure("tts", external_voice_id=..., unset=["voice_id"])
        case ["default_replica_id" | "document_ids" | "guardrail_ids" | "tool_ids" as field, *_]:
            return update(**{field: ...})
    return call("patch_persona", patch=[{"op": "replace", "path": path, "value": "..."}])


def _is_placeholder(value: str) -> bool:
    return value.strip().lower() in _NOTHING_SAID or _PLACEHOLDER.search(value) is not None


RULES = (
    system_prompt_missing,
    prompt_not_allowed,
    context_deprecated,
    prompt_long,
    prompt_slow,
    prompt_over_cap,
    placeholder_in_setting,
    placeholder_in_text,
    greeting_undocumented,
    greeting_long,
)
