"""Conversions of fields outside of voice, perception and turn-taking, and of quoted values."""

from __future__ import annotations

from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts, VoiceSetting
from tavus_mcp.catalog.catalog import Table
from tavus_mcp.catalog.voice import VOICE_SETTINGS, settings_in_effect
from tavus_mcp.deprecations.conversion import (
    OperationBuilder,
    Operations,
    assign,
    assign_stored,
    keep,
    remove,
)
from tavus_mcp.models.base import indexed_texts, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import is_masked, is_secret_name

# Fields that one example of the docs nests in layers, with their arguments of update_persona.
_DOCUMENT_ARGUMENTS = {"document_ids": "documents", "document_tags": "document_tags"}
_CONTEXT, _PROMPT = "/context", "/system_prompt"
_API_KEY, _HEADERS = "/layers/llm/api_key", "/layers/llm/headers"
_HOTWORDS = "/layers/stt/hotwords"
_LLM_MODEL = "/layers/llm/model"
_BEARER_PREFIX = "bearer "
_UNQUOTED_STATUSES = ("legacy", "deprecated", "retired")  # fields with conversions of their own
TRUE_WORDS = frozenset({"true", "t", "yes", "y", "on", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "off", "0"})


def move_documents(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Move documents from layers to the persona, or remove them if it has documents already.

    Inside layers they attach nothing. What is no list, or empty, is removed.
    """
    layers = document.value("/layers")
    operations: Operations = []
    for name, argument in _DOCUMENT_ARGUMENTS.items():
        if not isinstance(layers, dict) or name not in layers:
            continue
        path = f"/layers/{name}"
        value, words = document.value(path), {"old": name, "new": argument}
        if isinstance(value, list) and value and not document.is_set(f"/{name}"):
            operations.append(assign_stored("misplaced_documents", f"/{name}", value, **words))
        operations.append(remove("misplaced_inside", path, old=name))
    return operations


def replace_choice(path: str, choices: Table[Any], text_name: str) -> OperationBuilder:
    """Return the conversion that replaces a model or an engine by its successor in the catalog.

    ``text_name`` is the translation with the reason. The rules that report such a choice make their
    fix of the same conversion.
    """

    def build_operations(document: PersonaDocument, catalog: Catalog) -> Operations:
        if path == _LLM_MODEL and document.has_custom_llm:
            return []  # an endpoint of the customer has models of its own
        facts = choices.find(document.text(path))
        if facts is None or not facts.successor:
            return []
        status = "no longer in the docs" if facts.status == "unknown" else facts.status
        words = {"old": facts.id, "new": facts.successor, "status": status}
        return [assign(text_name, path, facts.successor, **words)]

    return build_operations


replace_llm_model = replace_choice(_LLM_MODEL, Catalog.llm_models, "llm_model")
replace_stt_engine = replace_choice("/layers/stt/stt_engine", Catalog.stt_engines, "stt_engine")
replace_perception_model = replace_choice(
    "/layers/perception/perception_model", Catalog.perception_models, "perception_model"
)


def merge_context(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Append context to the prompt, unless the prompt has its text or the mode takes neither.

    A prompt that is no text is left to the person.
    """
    context, prompt = document.text(_CONTEXT), document.value(_PROMPT)
    if not is_context_used(document, catalog) or not isinstance(prompt, str | None):
        return []
    if context in text(prompt):
        return [remove("context_twice", _CONTEXT)]
    merged = f"{prompt}\n\n{context}" if text(prompt) else context
    return [assign_stored("context", _PROMPT, merged), remove("context", _CONTEXT)]


def is_context_used(document: PersonaDocument, catalog: Catalog) -> bool:
    """Return True if the persona has a context, and a mode that takes one."""
    mode = catalog.pipeline_modes.find(document.mode)
    return bool(document.text(_CONTEXT)) and not (mode and "context" in mode.forbids)


def unquote_values(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Convert booleans and numbers that are stored as text: "false", "0.7"."""
    operations: Operations = []
    for layer in catalog.layer_names:
        for facts in catalog.fields(layer):
            path = f"/layers/{layer}/" + facts.name.replace(".", "/")
            if facts.status in _UNQUOTED_STATUSES or not document.text(path):
                continue
            if facts.name.startswith("extra_body") and document.has_custom_llm:
                continue
            value = parse_quoted(document.text(path), facts)
            if value is not None:
                operations.append(assign("word_for_value", path, value, old=facts.name))
    return operations


def unquote_voice_settings(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Convert numbers in voice_settings that are stored as text."""
    operations: Operations = []
    for setting, stored in settings_in_effect(document, catalog):
        value = parse_quoted(text(stored), setting)
        if value is not None:
            path = f"{VOICE_SETTINGS}/{setting.name}"
            operations.append(assign("word_for_value", path, value, old=setting.name))
    return operations


def parse_quoted(word: str, facts: FieldFacts | VoiceSetting) -> bool | float | None:
    """Return the boolean or number that a text holds; None if it holds none, or one out of range.

    The words for booleans are those that pydantic takes.
    """
    if facts.type == "boolean":
        folded = word.lower()
        return folded in TRUE_WORDS if folded in TRUE_WORDS | FALSE_WORDS else None
    if facts.type not in ("number", "integer"):
        return None
    try:
        value = float(word)
    except ValueError:
        return None
    infinity = float("inf")
    minimum = -infinity if facts.minimum is None else facts.minimum
    maximum = infinity if facts.maximum is None else facts.maximum
    if not minimum <= value <= maximum or value in (-infinity, infinity):
        return None
    return int(value) if facts.type == "integer" and value == int(value) else value


def rename_values(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Replace other names of known values, such as the name that another service has for one."""
    operations: Operations = []
    for path, facts in catalog.value_fields():
        stored = document.text(path)
        value = facts.value_named(stored) if stored else None
        if value is not None and value != stored:
            operations.append(assign("value_name", path, value, new=value))
    return operations


def join_hotwords(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Join a list of hotwords, as one older schema has it, to one text."""
    words = document.value(_HOTWORDS)
    if not isinstance(words, list):
        return []
    joined = ", ".join(word for _, word in indexed_texts(words))
    return [assign_stored("hotwords", _HOTWORDS, joined)]


def remove_retired_layers(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Remove layers that nothing reads any more."""
    layers = [catalog.layer(name) for name in catalog.layer_names]
    return [
        remove("retired_layer", f"/layers/{facts.name}", old=facts.name, new=facts.successor or "")
        for facts in layers
        if facts.status == "retired" and document.is_set(f"/layers/{facts.name}")
    ]


def remove_audio_only(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Remove audio_only, which is a property of a conversation."""
    return [remove("audio_only", "/audio_only")] if "audio_only" in document.data else []


def move_header_key(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Move a bearer key of a custom LLM from a header to api_key; report other keys in headers."""
    headers = document.value(_HEADERS)
    has_key = document.is_set(_API_KEY)
    operations: Operations = []
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if not is_secret_name(str(name)):
            continue
        path, key = _HEADERS + pointer_of([name]), _find_bearer_key(str(name), value)
        if document.has_custom_llm and has_key:
            operations.append(keep("header_key_double", path, old=str(name)))
        elif key and document.has_custom_llm:
            operations.append(assign_stored("header_key", _API_KEY, key, old="a header"))
            operations.append(remove("header_key", path, old="this header"))
            has_key = True
        else:
            operations.append(keep("header_key_masked", path, old=str(name)))
    return operations


def _find_bearer_key(name: str, value: Any) -> str:
    """Return the key of an Authorization header, or "" if there is none or it is masked."""
    header = text(value)
    if name.lower() != "authorization" or not header.lower().startswith(_BEARER_PREFIX):
        return ""
    key = header[len(_BEARER_PREFIX) :].strip()
    return "" if is_masked(key) else key


def report_inline_functions(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Report functions of a layer: registry tools are created in the account."""
    return [
        keep("inline_functions", f"/layers/{layer}/{facts.name}")
        for layer in ("llm", "perception")
        for facts in catalog.fields(layer)
        if facts.type == "object[]" and document.is_set(f"/layers/{layer}/{facts.name}")
    ]


def report_guardrails_set(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Report a set of guardrails: which single guardrails replace it is for a person to choose."""
    is_used = document.is_set("/guardrails_id")
    return [keep("guardrails_set", "/guardrails_id")] if is_used else []


def report_undocumented(document: PersonaDocument, catalog: Catalog) -> Operations:
    """Report fields of documented layers that no docs page, or no known schema, has."""
    operations: Operations = []
    for layer in catalog.layer_names:
        # the newer layers are in no docs page either, and some are free objects
        is_documented = catalog.layer(layer).status == "current"
        for name in document.layer(layer) if is_documented else ():
            path, facts = f"/layers/{layer}" + pointer_of([name]), catalog.field(layer, name)
            if not document.is_set(path):
                continue
            if facts is None:
                operations.append(keep("unknown_field", path))
            elif facts.status in ("undocumented", "unknown"):
                text_key = "undocumented_name" if facts.successor else "undocumented_field"
                words = {"old": facts.name, "new": facts.successor or ""}
                operations.append(keep(text_key, path, **words))
    return operations
