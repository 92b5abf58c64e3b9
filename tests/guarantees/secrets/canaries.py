"""Keys that must never come out, the places where they are planted, and all that comes out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, Desk, text_of
from mcp_types import CallToolResult, ResourceTemplateReference, TextResourceContents

CANARY = "canary-77f0d1b2c3"
URL = "https://llm.example.com/v1"
LLM: dict[str, Any] = {"model": "m", "base_url": URL}
TTS: dict[str, Any] = {"tts_engine": "elevenlabs", "external_voice_id": "v"}
NAMED = "{secret:openai}"

LAYERS: dict[str, dict[str, Any]] = {
    "llm.api_key": {"llm": {**LLM, "api_key": CANARY}},
    "llm.api_key_ref": {"llm": {**LLM, "api_key_ref": "openai"}},
    "tts.api_key": {"tts": {**TTS, "api_key": CANARY}},
    "tts.api_key_ref": {"tts": {**TTS, "api_key_ref": "openai"}},
    "headers": {"llm": {**LLM, "api_key": CANARY, "headers": {"Authorization": CANARY}}},
    "an unknown header": {"llm": {"headers": {"X-Whatever": CANARY}}},
    "a name in a header": {"llm": {"headers": {"X-Whatever": NAMED, "A": f"Bearer {NAMED}"}}},
    "a name in a query": {"llm": {"default_query": {"code": NAMED, "n": 1}}},
    "a key in a query": {"llm": {"default_query": {"access_token": CANARY}}},
    "a name in the body": {"llm": {"extra_body": {"who": {"deep": [NAMED]}}}},
    "a key in the body": {"llm": {"extra_body": {"client_secret": CANARY, "auth": [CANARY]}}},
}
"""Layers that carry a key, by where it stands; the sandbox shows headers, queries and bodies."""

LITERAL = {name: layers for name, layers in LAYERS.items() if CANARY in json.dumps(layers)}

TOOL_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "configure_llm api_key": ("configure_llm", {**LLM, "api_key": CANARY}),
    "configure_llm api_key_ref": ("configure_llm", {**LLM, "api_key_ref": "openai"}),
    "configure_llm headers": ("configure_llm", {"headers": {"X-Other": CANARY}}),
    "configure_llm headers as text": (
        "configure_llm",
        {"headers": json.dumps({"Authorization": CANARY})},
    ),
    "configure_llm named": (
        "configure_llm",
        {"headers": {"X": NAMED}, "default_query": {"q": NAMED}, "extra_body": {"b": NAMED}},
    ),
    "configure_tts api_key": ("configure_tts", {**TTS, "api_key": CANARY}),
    "configure_tts api_key_ref": ("configure_tts", {**TTS, "api_key_ref": "openai"}),
    "a patch of a leaf": (
        "patch_persona",
        {"patch": [{"op": "add", "path": "/layers/tts", "value": {**TTS, "api_key": CANARY}}]},
    ),
    "a patch of a header": (
        "patch_persona",
        {"patch": [{"op": "add", "path": "/layers/llm", "value": {"headers": {"X-O": CANARY}}}]},
    ),
    "a patch with a reference": (
        "patch_persona",
        {"patch": {"layers": {"tts": {**TTS, "api_key_ref": "openai"}}}},
    ),
    "a patch as text": (
        "patch_persona",
        {"patch": json.dumps({"layers": {"tts": {**TTS, "api_key": CANARY}}})},
    ),
    "a prompt": ("update_persona", {"system_prompt": f"The key is {SECRET}.", "context": SECRET}),
    "a name": ("update_persona", {"name": f"Bot {SECRET}"}),
    "an edited prompt": ("edit_prompt", {"find": "help", "replace": f"use {SECRET} to help"}),
    "a function": ("set_function_tool", {"name": "f", "description": f"Send {SECRET}."}),
    "a perception query": ("configure_perception", {"visual_awareness_queries": [SECRET]}),
}


def in_words(result: CallToolResult) -> str:
    """Return all that a result says, in text and in structure."""
    structured = json.dumps(result.structured_content, ensure_ascii=False)
    return text_of(result) + "\n" + structured


async def resource(desk: Desk, uri: str) -> str:
    """Read a resource; return its text, or what is said instead."""
    try:
        read = await desk.client.read_resource(uri, cache_mode="bypass")
    except MCPError as error:
        return str(error)
    return "".join(part.text for part in read.contents if isinstance(part, TextResourceContents))


async def everything(desk: Desk, persona_id: str) -> dict[str, str]:
    """Return all that a client can get out of the server about a persona, by how."""
    return {how: told async for how, told in _told(desk, persona_id)}


async def _told(desk: Desk, persona_id: str) -> AsyncIterator[tuple[str, str]]:
    one: dict[str, Any] = {"persona_id": persona_id}
    rows = (await desk.call("list_revisions", **one)).structured_content or {}
    names = list(dict.fromkeys(it["revision"] for it in rows["revisions"] if "revision" in it))
    calls = [
        *_reads(one),
        *_dry_runs(one),
        *_histories(one, names),
    ]
    plans: list[str] = []
    for tool, arguments in calls:
        result = await desk.call(tool, **arguments)
        yield f"{tool} {arguments}", in_words(result)
        plans += [plan for plan in [(result.structured_content or {}).get("plan_id")] if plan]
    for uri in _addresses(persona_id, names):
        yield uri, await resource(desk, uri)
    for argument in ("persona_id", "layer", "topic", "revision"):
        ref = ResourceTemplateReference(uri="tavus://personas/{persona_id}/layers/{layer}")
        found = await desk.client.complete(ref, {"name": argument, "value": ""})
        yield f"complete {argument}", str(found.completion.values)
    for number, plan_id in enumerate(plans):
        yield f"apply_plan {number}", in_words(await desk.call("apply_plan", plan_id=plan_id))
        yield f"apply_plan {number} again", in_words(await desk.call("apply_plan", plan_id=plan_id))
    yield "list_revisions at last", in_words(await desk.call("list_revisions", **one))


def _reads(one: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    lists = ("replicas", "voices", "documents", "objectives", "guardrails", "registry_tools")
    return [
        ("get_persona", {**one, "full_prompt": True}),
        ("get_persona", {**one, "layers": ["llm", "tts"]}),
        ("list_personas", {}),
        ("list_personas", {"name_contains": "o"}),
        ("check_persona", one),
        *[(f"list_{name}", {}) for name in lists],
        *[("describe_layer", {"layer": layer}) for layer in ("llm", "tts")],
    ]


def _dry_runs(one: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    dry = {**one, "dry_run": True}
    return [
        ("create_persona", {"based_on": one["persona_id"], "dry_run": True}),
        ("update_persona", {**dry, "system_prompt": "x", "name": "Seen", "unset": ["context"]}),
        ("edit_prompt", {**dry, "find": "e", "replace": "i", "replace_all": True}),
        ("configure_llm", {**dry, "unset": ["llm"]}),
        ("configure_llm", {**dry, "unset": ["headers", "extra_body", "default_query"]}),
        ("configure_llm", {**dry, "headers": {"X-Whatever": "other"}, "extra_body": {"a": 1}}),
        ("configure_tts", {**dry, "unset": ["tts"]}),
        ("configure_stt", {**dry, "hotwords": "w"}),
        ("configure_perception", {**dry, "perception_model": "basic", "unset": ["perception"]}),
        ("configure_conversational_flow", {**dry, "voice_isolation": "off"}),
        ("set_function_tool", {**dry, "name": "f", "description": "d"}),
        ("remove_function_tool", {**dry, "name": "f"}),
        ("patch_persona", {**dry, "patch": [{"op": "remove", "path": "/layers/llm/headers"}]}),
        ("patch_persona", {**dry, "patch": [{"op": "remove", "path": "/layers"}]}),
        ("patch_persona", {**dry, "patch": {"layers": {"llm": {"headers": {"B": "c"}}}}}),
        ("delete_persona", dry),
        ("update_persona", {**dry, "name": "x", "if_revision": "0" * 12}),
    ]


def _histories(one: dict[str, Any], names: list[str]) -> list[tuple[str, dict[str, Any]]]:
    persona_id = one["persona_id"]
    there = [f"{persona_id}@{name}" for name in names]
    return [
        ("compare_personas", {"first": persona_id, "second": "p1af207b8189"}),
        *[("compare_personas", {"first": persona_id, "second": it}) for it in there],
        *[("restore_revision", {**one, "revision": it, "dry_run": True}) for it in names],
        ("restore_revision", {**one, "revision": names[-1], "only": ["llm"], "dry_run": True}),
        *[("update_persona", {**one, "name": "n", "if_revision": it}) for it in names[1:]],
    ]


def _addresses(persona_id: str, names: list[str]) -> list[str]:
    base = f"tavus://personas/{persona_id}"
    layers = [f"{base}/layers/{layer}" for layer in ("llm", "tts", "stt", "perception")]
    revisions = [f"{base}/revisions/{name}" for name in [*names, "0" * 12]]
    return ["tavus://personas", base, *layers, *revisions, "tavus://schema/persona"]


def on_disk(folder: Path, *, but: str = "\0") -> bytes:
    """Return every byte below a folder, files whose name starts with ``but`` left out."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"\n".join(path.read_bytes() for path in files if not path.name.startswith(but))


def leaks(out: dict[str, str], *secrets: str) -> list[str]:
    """Return by which ways a secret came out."""
    return [how for how, told in out.items() if any(secret in told for secret in secrets)]
