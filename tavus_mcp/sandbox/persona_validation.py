"""Rules for personas: what Tavus refuses, what it stores and what it returns."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from tavus_mcp.models.json_patch import get_at
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.persona import SERVER_FIELDS, Persona
from tavus_mcp.sandbox.http import bad_request, missing_field, unknown_field, validate_body
from tavus_mcp.sandbox.json_patch import Operations
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.sandbox.switches import Switches

CUSTOM_LLM_ERROR = (
    "Bad Request. Please ensure both base_url and api_key are included in order to use a "
    "custom llm."
)
# A read omits an LLM field that has its default value (live report).
_LLM_DEFAULTS = {"model": "tavus-gemma-4", "speculative_inference": True}
_MAX_GUARDRAILS = 50
_NEVER_READ = frozenset({"memories", "is_template"})
# Setting one field of the layer fills in these (docs: persona/conversational-flow).
_FLOW_DEFAULTS = {
    "turn_detection_model": "sparrow-2",
    "turn_taking_patience": "medium",
    "replica_interruptibility": "medium",
    "voice_isolation": "near",
    "idle_engagement": "off",
}
# Unset text reads as an empty string (docs: get-persona).
_FIELD_DEFAULTS = {"persona_name": "", "system_prompt": "", "pipeline_mode": "full"}
# Values that Tavus was seen to take beyond those of its docs (live: N#60428887827, N#53754823302).
_REPORTED_VALUES = {
    "/layers/tts/tts_engine": ("inworld",),
    "/layers/stt/stt_engine": ("tavus-sarvam",),
    "/layers/perception/perception_model": ("raven-2",),
    "/layers/conversational_flow/voice_isolation": ("far",),
    "/layers/conversational_flow/replica_interruptibility": ("verylow",),  # docs: quickstart
    "/layers/conversational_flow/turn_detection_model": ("timebased",),  # docs have two spellings
}
_LISTS_TO_REPLACE = ("document_ids", "document_tags")
_REFERENCES = {
    "default_replica_id": ("replica", "Invalid replica_id"),
    "objectives_id": ("objectives", "Invalid objectives_id"),
    "guardrails_id": ("guardrails", "Invalid guardrails_id"),
    "guardrail_ids": ("guardrail", "Invalid guardrail_ids"),
    "document_ids": ("document", "Invalid document_ids"),
    "tool_ids": ("tool", "Invalid tool_ids"),
}


def normalize_persona(persona: Row) -> Row:
    """Return the persona as it is stored: defaults removed or filled in as Tavus does."""
    stored = copy.deepcopy(persona)
    stored.pop("audio_only", None)  # clients send it; it belongs to conversations
    layers = stored.setdefault("layers", {})
    llm, tts, flow = (_object_in(layers, name) for name in ("llm", "tts", "conversational_flow"))
    for name, default in _LLM_DEFAULTS.items():
        if name in llm and llm[name] == default:
            del llm[name]
    if tts.get("pronunciation_dictionary_id") == "":
        del tts["pronunciation_dictionary_id"]  # docs: pronunciation-dictionaries
    if flow:
        layers["conversational_flow"] = _FLOW_DEFAULTS | flow
    return _FIELD_DEFAULTS | stored


def _object_in(layers: Any, name: str) -> dict[str, Any]:
    """Return a layer, or an empty object for a missing or mistyped one."""
    layer = layers.get(name) if isinstance(layers, dict) else None
    return layer if isinstance(layer, dict) else {}


def _reject_key_references(layers: dict[str, Any], key: str) -> None:
    """Refuse ``api_key_ref``, a field of this project's server that Tavus does not know."""
    for name, layer in layers.items():
        if isinstance(layer, dict) and "api_key_ref" in layer:
            raise unknown_field(f"layers.{name}.api_key_ref", key=key)


def validate_persona(persona: Row, switches: Switches, *, key: str) -> None:
    """Refuse a persona that breaks a rule (docs: create-persona, persona/llm; vendor: pal.py)."""
    if switches.unknown_fields == "accepted":
        if not isinstance(persona.get("layers"), dict):
            raise bad_request("Bad Request: {'layers': ['Invalid input type.']}", key=key)
        return
    fields = _without_server_values(persona)
    if len(_reference_ids(fields.get("guardrail_ids"))) > _MAX_GUARDRAILS:
        raise bad_request(f"Bad Request: at most {_MAX_GUARDRAILS} guardrail_ids")
    validate_body(Persona, fields, key=key)
    _check_values(fields, key)
    _reject_key_references(fields["layers"], key)
    _check_mode(fields, key)
    _check_llm(fields["layers"].get("llm", {}), key)
    if "conferencing" in fields["layers"] and not fields.get("default_replica_id"):
        raise missing_field("default_replica_id", key=key)
    if any(secret == MASK for secret in _api_keys(fields["layers"])):
        raise bad_request("Bad Request: api_key holds the masked placeholder; omit it", key=key)


def _without_server_values(persona: Row) -> Row:
    """Return what clients may write, without the null that a deleted dictionary leaves behind."""
    fields = {name: value for name, value in persona.items() if name not in SERVER_FIELDS}
    tts = _object_in(fields.get("layers"), "tts")
    if tts.get("pronunciation_dictionary_id", "") is None:
        used = {name: value for name, value in tts.items() if name != "pronunciation_dictionary_id"}
        fields["layers"] = {**fields["layers"], "tts": used}
    return fields


def reject_server_fields(persona: Row) -> None:
    """Refuse a new persona with fields that only Tavus sets (docs: create-persona)."""
    for name in sorted(SERVER_FIELDS & persona.keys()):
        raise unknown_field(name)


def check_references(store: Store, before: Row, after: Row, *, key: str) -> None:
    """Refuse ids that do not exist, among those that this request adds."""
    for name, (kind, message) in _REFERENCES.items():
        known = set(_reference_ids(before.get(name)))
        for reference in _reference_ids(after.get(name)):
            if reference not in known and store.get(kind, reference) is None:
                raise bad_request(message, key=key)


def reject_key_copies(operations: Operations) -> None:
    """Refuse to copy a key to a path where a read would reveal it (live report: never in clear)."""
    for operation in operations:
        source, target = str(operation.get("from", "")), operation["path"]
        if source.endswith("/api_key") and not target.endswith("/api_key"):
            raise bad_request("Bad Request: api_key cannot be copied or moved", key="message")


def check_server_fields(before: Row, after: Row) -> None:
    """Refuse a patch that changes fields that only Tavus sets."""
    for name in sorted(SERVER_FIELDS):
        if before.get(name) != after.get(name):
            raise bad_request(f"Bad Request: {name} cannot be changed", key="message")


def add_implicit_values(persona: Row, switches: Switches) -> Row:
    """Return the document that a patch is applied to: with values that reads show unstored."""
    row = {"tool_ids": [], **persona}
    if switches.defaults == "shown" and row["pipeline_mode"] == "full":
        row["layers"] = {
            **row["layers"],
            "llm": {**_LLM_DEFAULTS, **_object_in(row["layers"], "llm")},
        }
    return row


def add_empty_lists(persona: Row) -> Row:
    """Return a document with the lists that a patch may ``replace`` unstored (vendor client)."""
    return {**{name: [] for name in _LISTS_TO_REPLACE}, **persona}


def drop_implicit_values(after: Row, before: Row) -> Row:
    """Return a patched document without the empty values that ``before`` does not store."""
    layers = {
        name: layer
        for name, layer in after["layers"].items()
        if name != "llm" or layer or name in before["layers"]
    }
    row = {**after, "layers": layers}
    for name in ("tool_ids", *_LISTS_TO_REPLACE):
        if row.get(name) == [] and name not in before:
            del row[name]
    return row


def render_persona(persona: Row, switches: Switches, skills: Row | None = None) -> Row:
    """Return the persona as a read returns it: keys masked, fields that are never read left out.

    ``skills`` are the attached ones in a read with settings (vendor client: include_settings).
    """
    unread = _NEVER_READ if skills is not None else {*_NEVER_READ, "tool_ids"}
    implicit = add_implicit_values(persona, switches)
    row = {name: value for name, value in implicit.items() if name not in unread}
    if skills is not None:
        row["skills"] = {
            name: {field: skill.get(field) for field in ("config", "attached_at", "updated_at")}
            for name, skill in skills.items()
        }
    if switches.updated_at == "absent":
        row.pop("updated_at", None)
    row["layers"] = _hide_api_keys(row["layers"], switches)
    username = row["layers"].get("conferencing", {}).get("username")
    if username:
        row["conferencing_email"] = f"{username}@tavusinvite.com"
    return row


def _check_values(persona: Row, key: str) -> None:
    """Refuse an unknown value of a field with a list of values (live report: stt_engine)."""
    for pointer, values in _value_lists():
        value = get_at(persona, pointer, None)
        if isinstance(value, str) and value not in values:
            problems = {pointer[1:].replace("/", "."): [f"Must be one of: {', '.join(values)}."]}
            raise bad_request(f"Bad Request: {problems}", key=key)


@cache
def _value_lists() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return JSON Pointer and values of each field that has a list of values."""
    schema = Persona.model_json_schema()
    return tuple(_iterate_value_lists(schema, schema, ""))


def _iterate_value_lists(
    node: dict[str, Any], root: dict[str, Any], pointer: str
) -> Iterator[tuple[str, tuple[str, ...]]]:
    node = root["$defs"][node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node
    if "enum" in node:
        yield pointer, (*node["enum"], *_REPORTED_VALUES.get(pointer, ()))
    for name, member in node.get("properties", {}).items():
        yield from _iterate_value_lists(member, root, f"{pointer}/{name}")


def _check_mode(persona: Row, key: str) -> None:
    mode = persona["pipeline_mode"]
    if mode == "full" and not persona.get("system_prompt"):
        raise missing_field("system_prompt", key=key)
    for name in ("system_prompt", "context"):
        if mode != "full" and persona.get(name):
            raise bad_request(
                f"Bad Request: {name} cannot be used with pipeline_mode {mode}", key=key
            )


def _check_llm(llm: dict[str, Any], key: str) -> None:
    custom = [bool(llm.get("base_url")), bool(llm.get("api_key"))]
    hosted = str(llm.get("model", "tavus-")).startswith("tavus-")
    if any(custom) != all(custom) or not (hosted or all(custom)):
        raise bad_request(CUSTOM_LLM_ERROR, key=key)


def _reference_ids(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [str(value)] if value else []


def _api_keys(value: Any) -> list[str]:
    if isinstance(value, list):
        return [key for item in value for key in _api_keys(item)]
    if not isinstance(value, dict):
        return []
    inner = [key for item in value.values() for key in _api_keys(item)]
    own = value.get("api_key")
    return [*inner, own] if isinstance(own, str) else inner


def _hide_api_keys(value: Any, switches: Switches) -> Any:
    if isinstance(value, list):
        return [_hide_api_keys(item, switches) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _hide_key(item, switches) if _is_key(name, item) else _hide_api_keys(item, switches)
        for name, item in value.items()
        if not (_is_key(name, item) and switches.keys == "absent")
    }


def _is_key(name: str, value: Any) -> bool:
    return name == "api_key" and isinstance(value, str) and value != ""


def _hide_key(key: str, switches: Switches) -> str:
    return f"{key[:3]}...{key[-4:]}" if switches.keys == "partial" else MASK
