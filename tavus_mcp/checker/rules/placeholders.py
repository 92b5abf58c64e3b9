"""Rules about placeholders left in any field, and about blanks around settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    PLACEHOLDERS,
    FixCall,
    UnprintedValue,
    build_fix,
    configure,
    find_placeholder,
    remove,
    set_at,
    unset_at,
    update_fields,
)
from tavus_mcp.checker.placeholders import (
    SECRET_REFERENCE,
    is_placeholder,
    is_placeholder_id,
    is_unfilled,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import quote_foreign_names, strip_quotes

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
_FILLER_TEXTS = frozenset({"...", "\u2026", "todo", "tbd", "xxx", "placeholder", "lorem ipsum"})
_MAX_NAMED_PLACEHOLDERS = 5
_KINDS = {
    "persona_name": "the name of the persona",
    "model": "the name of a model",
    "tts_model_name": "the name of a model",
    "api_key": "a key",
    "external_voice_id": "the id of a voice",
    "voice_id": "the id of a Tavus Voice",
    "playht_user_id": "an id",
    "pronunciation_dictionary_id": "the id of a pronunciation dictionary",
    "default_replica_id": "the id of a replica",
    "objectives_id": "the id of objectives",
    "guardrails_id": "the id of guardrails",
    "document_ids": "the id of a document",
    "guardrail_ids": "the id of a guardrail",
    "tool_ids": "the id of a registry tool",
    "headers": "the value of a header",
    "default_query": "the value of a parameter",
}
"""What belongs into the fields where no placeholder works; base_url has rules of its own."""
_LIST_OR_OBJECT = re.compile(
    r"^/(document_ids|guardrail_ids|tool_ids|layers/llm/headers|layers/llm/default_query)/"
)
_FIELD = re.compile(r"^(?:/layers/(?:llm|tts))?/(\w+)$")
_NAMES = frozenset({"model", "tts_model_name"})


@lru_cache(maxsize=1024)
def _find_setting(path: str) -> str | None:
    """Return the name of the setting at a path, or None if a text may stand there."""
    match = _LIST_OR_OBJECT.match(path) or _FIELD.match(path)
    name = match[1].rpartition("/")[2] if match else ""
    return name if name in _KINDS else None


def _settings(document: PersonaDocument, catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    """Yield path, name and value of each setting without a placeholder of a fix.

    The name of a field with a list of known values is empty.
    """
    choices = catalog.value_paths()
    for path, value in document.texts:
        name = _find_setting(path) or ("" if path in choices else None)
        if name is not None and not find_placeholder(value):
            yield path, name, value


def _placeholder_violation(document: PersonaDocument, path: str, name: str) -> Violation:
    kind = _KINDS.get(name, "one of its values")
    message = f"This is a placeholder. Put {kind} in its place."
    if not name:
        return Violation(path, message, "Or remove it: ", unset_at(path))
    lead = "Remove it, and give the real one: " if name == "headers" else "Give the real one: "
    return Violation(path, message, lead, _fix_setting(document, path))


def is_unfilled_setting(name: str, value: str) -> bool:
    """Return True if a setting of this name holds a placeholder."""
    if name in ("headers", "default_query") and SECRET_REFERENCE.search(value):
        return False
    if name == "persona_name":  # any word may be part of a name
        return is_unfilled(value) or value.strip().lower() in _FILLER_TEXTS
    is_text = name in _NAMES or name in ("headers", "default_query")
    return is_placeholder(value) if is_text else is_placeholder_id(value)


@rule("placeholder-of-ours", "error", source="SEED", blocks_write=True)
def unreplaced_placeholder(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A placeholder of a fix was sent as it is, instead of a value."""
    for path, value in document.texts:
        if placeholder := find_placeholder(value):
            fix = set_at(path, placeholder)
            if _find_setting(path):
                fix = _fix_setting(document, path)
            elif value.strip() != placeholder and path[1:] in _EDITABLE_TEXTS:
                fix = _edit_text(path, "<OLD_TEXT>")
            yield Violation(
                path,
                f"{placeholder} is a placeholder of a hint, and was not replaced.",
                "Choose: ",
                fix,
            )


@rule("placeholder-not-filled", "error", source="D:create-persona", blocks_write=True)
def placeholder_not_filled(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A host did not replace a variable, or a person did not fill in a blank."""
    for path, name, value in _settings(document, catalog):
        if is_unfilled(value) and (not name or is_unfilled_setting(name, value)):
            yield _placeholder_violation(document, path, name)


@rule("placeholder-in-setting", "error", source="D:create-persona")
def placeholder_in_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An id, a key or a name copied from an example names nothing."""
    for path, name, value in _settings(document, catalog):
        if name and is_unfilled_setting(name, value) and not is_unfilled(value):
            yield _placeholder_violation(document, path, name)


@rule("blank-around-setting", "error", source="D:create-persona")
def blank_around_setting(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Blanks and quotation marks are copied along with an id, and make it another one."""
    for path, value in document.texts:
        bare = strip_quotes(value)
        is_setting = _find_setting(path) not in (None, "headers", "default_query", "persona_name")
        if bare in ("", value) or not (is_setting or path == "/layers/llm/base_url"):
            continue
        is_key = path.endswith("/api_key")
        set_bare = _set_text_or_list(document, path, UnprintedValue(bare))
        yield Violation(
            path,
            "The value has blanks or quotation marks around it, so it names nothing.",
            "Without them: ",
            _fix_setting(document, path) if is_key else set_bare,
        )


@rule("placeholder-in-text", "warning", source="D:create-persona")
def placeholder_in_text(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus fills in no placeholders: the model reads them, and may say them aloud."""
    for path, value in document.texts:
        is_text = _find_setting(path) is None and path != "/layers/llm/base_url"
        if is_text and not find_placeholder(value) and _is_example_text(value):
            placeholders = _find_placeholders(value)
            names = quote_foreign_names(placeholders, _MAX_NAMED_PLACEHOLDERS)
            yield Violation(
                path,
                f"Placeholders left in this text, which Tavus does not fill in: {names}.",
                "Replace it: " if len(placeholders) == 1 else "Replace them: ",
                *_replace_placeholders(path, value, placeholders),
            )


_PLACEHOLDER_BY_POINTER: dict[str, str] = {
    "/persona_name": "<NAME>",
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
        is_unusable = isinstance(bare, str) and is_placeholder_id(bare)
        value = placeholder if is_unusable else UnprintedValue(bare)
        fixed += [] if value in fixed else [value]
    return fixed


def _edit_text(path: str, find: str, **options: Any) -> FixCall:
    field = {} if path == "/system_prompt" else {"field": path[1:]}
    return build_fix("edit_prompt", find=find, replace="<NEW_TEXT>", **options, **field)


def _find_placeholders(value: str) -> list[str]:
    """Return the placeholders in a text, each once; the text itself, if it is nothing else."""
    found = dict.fromkeys(match.group() for match in _EXAMPLE_PLACEHOLDER.finditer(value))
    return list(found) or [value.strip()]


def _replace_placeholders(path: str, value: str, placeholders: list[str]) -> Hint:
    """Return the calls that replace the placeholders in a text."""
    if path[1:] not in _EDITABLE_TEXTS or placeholders == [value.strip()]:
        return (set_at(path, "<NEW_TEXT>"),)
    first, *more = (_edit_text(path, placeholder, replace_all=True) for placeholder in placeholders)
    return first, *(part for edit in more for part in (", ", edit))


def _is_example_text(value: str) -> bool:
    return value.strip().lower() in _FILLER_TEXTS or _EXAMPLE_PLACEHOLDER.search(value) is not None
