"""Canary keys, the fields where tests plant them, and every output that could reveal them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, ToolClient, text_of
from mcp_types import CallToolResult, ResourceTemplateReference, TextResourceContents

CANARY = "canary-77f0d1b2c3"
ENDPOINT_URL = "https://llm.example.com/v1"
LLM: dict[str, Any] = {"model": "m", "base_url": ENDPOINT_URL}
TTS: dict[str, Any] = {"tts_engine": "elevenlabs", "external_voice_id": "v"}
SECRET_REFERENCE = "{secret:openai}"

LAYERS: dict[str, dict[str, Any]] = {
    "llm.api_key": {"llm": {**LLM, "api_key": CANARY}},
    "llm.api_key_ref": {"llm": {**LLM, "api_key_ref": "openai"}},
    "tts.api_key": {"tts": {**TTS, "api_key": CANARY}},
    "tts.api_key_ref": {"tts": {**TTS, "api_key_ref": "openai"}},
    "headers": {"llm": {**LLM, "api_key": CANARY, "headers": {"Authorization": CANARY}}},
    "an unknown header": {"llm": {"headers": {"X-Whatever": CANARY}}},
    "a name in a header": {
        "llm": {"headers": {"X-Whatever": SECRET_REFERENCE, "A": f"Bearer {SECRET_REFERENCE}"}}
    },
    "a name in a query": {"llm": {"default_query": {"code": SECRET_REFERENCE, "n": 1}}},
    "a key in a query": {"llm": {"default_query": {"access_token": CANARY}}},
    "a name in the body": {"llm": {"extra_body": {"who": {"deep": [SECRET_REFERENCE]}}}},
    "a key in the body": {"llm": {"extra_body": {"client_secret": CANARY, "auth": [CANARY]}}},
}
"""Layers that carry a key, by where it stands; the sandbox shows headers, queries and bodies."""

LITERAL_LAYERS = {name: layers for name, layers in LAYERS.items() if CANARY in json.dumps(layers)}

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
        {
            "headers": {"X": SECRET_REFERENCE},
            "default_query": {"q": SECRET_REFERENCE},
            "extra_body": {"b": SECRET_REFERENCE},
        },
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


def render_result(result: CallToolResult) -> str:
    """Return the text and the structured content of a result."""
    structured = json.dumps(result.structured_content, ensure_ascii=False)
    return text_of(result) + "\n" + structured


async def read_resource_text(tool_client: ToolClient, uri: str) -> str:
    """Read a resource; return its text, or that of the error."""
    try:
        read = await tool_client.client.read_resource(uri, cache_mode="bypass")
    except MCPError as error:
        return str(error)
    return "".join(part.text for part in read.contents if isinstance(part, TextResourceContents))


async def collect_outputs(tool_client: ToolClient, persona_id: str) -> dict[str, str]:
    """Return every output of the server about a persona, by the way to get it."""
    return {how: text async for how, text in _iterate_outputs(tool_client, persona_id)}


async def _iterate_outputs(
    tool_client: ToolClient, persona_id: str
) -> AsyncIterator[tuple[str, str]]:
    one: dict[str, Any] = {"persona_id": persona_id}
    rows = (await tool_client.call("list_revisions", **one)).structured_content or {}
    names = list(dict.fromkeys(it["revision"] for it in rows["revisions"] if "revision" in it))
    calls = [
        *_build_read_calls(one),
        *_build_dry_run_calls(one),
        *_build_history_calls(one, names),
    ]
    plans: list[str] = []
    for tool, arguments in calls:
        result = await tool_client.call(tool, **arguments)
        yield f"{tool} {arguments}", render_result(result)
        plans += [plan for plan in [(result.structured_content or {}).get("plan_id")] if plan]
    for uri in _build_resource_uris(persona_id, names):
        yield uri, await read_resource_text(tool_client, uri)
    for argument in ("persona_id", "layer", "topic", "revision"):
        ref = ResourceTemplateReference(uri="tavus://personas/{persona_id}/layers/{layer}")
        try:
            found = await tool_client.client.complete(ref, {"name": argument, "value": ""})
            yield f"complete {argument}", str(found.completion.values)
        except MCPError as error:  # the template has no such argument
            yield f"complete {argument}", str(error)
    for number, plan_id in enumerate(plans):
        yield (
            f"apply_plan {number}",
            render_result(await tool_client.call("apply_plan", plan_id=plan_id)),
        )
        yield (
            f"apply_plan {number} again",
            render_result(await tool_client.call("apply_plan", plan_id=plan_id)),
        )
    yield "list_revisions at last", render_result(await tool_client.call("list_revisions", **one))


def _build_read_calls(persona_arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    lists = ("replicas", "voices", "documents", "objectives", "guardrails", "registry_tools")
    return [
        ("get_persona", {**persona_arguments, "full_prompt": True}),
        ("get_persona", {**persona_arguments, "layers": ["llm", "tts"]}),
        ("list_personas", {}),
        ("list_personas", {"name_contains": "o"}),
        ("check_persona", persona_arguments),
        *[(f"list_{name}", {}) for name in lists],
        *[("describe_layer", {"layer": layer}) for layer in ("llm", "tts")],
    ]


def _build_dry_run_calls(persona_arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    dry = {**persona_arguments, "dry_run": True}
    return [
        ("create_persona", {"based_on": persona_arguments["persona_id"], "dry_run": True}),
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


def _build_history_calls(
    persona_arguments: dict[str, Any], revisions: list[str]
) -> list[tuple[str, dict[str, Any]]]:
    persona_id = persona_arguments["persona_id"]
    there = [f"{persona_id}@{name}" for name in revisions]
    return [
        ("compare_personas", {"first": persona_id, "second": "p1af207b8189"}),
        *[("compare_personas", {"first": persona_id, "second": it}) for it in there],
        *[
            ("restore_revision", {**persona_arguments, "revision": it, "dry_run": True})
            for it in revisions
        ],
        (
            "restore_revision",
            {**persona_arguments, "revision": revisions[-1], "only": ["llm"], "dry_run": True},
        ),
        *[
            ("update_persona", {**persona_arguments, "name": "n", "if_revision": it})
            for it in revisions[1:]
        ],
    ]


def _build_resource_uris(persona_id: str, revisions: list[str]) -> list[str]:
    base = f"tavus://personas/{persona_id}"
    layers = [f"{base}/layers/{layer}" for layer in ("llm", "tts", "stt", "perception")]
    revisions = [f"{base}/revisions/{name}" for name in [*revisions, "0" * 12]]
    return ["tavus://personas", base, *layers, *revisions, "tavus://schema/persona"]


def read_folder(folder: Path, *, excluded_prefix: str = "\0") -> bytes:
    """Return every byte below a folder, except files with a prefix in their name."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"\n".join(
        path.read_bytes() for path in files if not path.name.startswith(excluded_prefix)
    )


def find_leaks(outputs: dict[str, str], *secrets: str) -> list[str]:
    """Return the outputs that contain a secret."""
    return [how for how, text in outputs.items() if any(secret in text for secret in secrets)]
