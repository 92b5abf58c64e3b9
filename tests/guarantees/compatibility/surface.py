"""Everything that a server offers without being asked to do anything, entry by entry."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference
from recordings import RECORDINGS, clear, read, readable, write
from running_server import connect

SURFACE = RECORDINGS / "surface"
CONFIGURATIONS: dict[str, dict[str, str]] = {
    "all": {"TAVUS_MCP_TOOLSETS": "all"},
    "default": {},
    "read_only": {"TAVUS_MCP_TOOLSETS": "all", "TAVUS_MCP_READ_ONLY": "1"},
    "read_only_default": {"TAVUS_MCP_READ_ONLY": "1"},
}
"""What is recorded, each with the environment of its server."""
COMPLETE = "all"
"""The configuration whose entries are all written; others write only what differs from it."""
INDEX = "index.json"
Entries = dict[str, Any]

PROMPT_ARGUMENTS: dict[str, list[dict[str, str]]] = {
    "create_from_brief": [
        {"brief": 'A tutor for Spanish.\nPatient, and "strict" about grammar.'},
        {"brief": "Sells shoes. " * 60, "replica": "rfe12d8b9597"},
        {"brief": "Hello", "replica": "../etc"},
        {},
    ],
    "review_persona": [{"persona_id": "p1af207b8189"}, {"persona_id": "p1/../x"}, {}],
    "tune_persona": [
        {"persona_id": "p1af207b8189", "complaint": "It interrupts me and talks too fast"},
        {"persona_id": "p1af207b8189", "complaint": "too slow, " * 40},
        {"persona_id": "p1af207b8189"},
    ],
    "modernize_persona": [{"persona_id": "p1af207b8189"}, {"persona": "p1af207b8189"}],
    "compare_variants": [
        {"first": "p1af207b8189", "second": "p1af207b8189@0123456789ab"},
        {"first": "p1af207b8189", "second": "p1@"},
    ],
}
"""Arguments of each prompt, unfit ones too: their refusals are part of what a client sees."""


def plain(model: Any) -> Any:
    """Return a model of the SDK as JSON, as it goes over the wire."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def collect(data: Path, configuration: str) -> Entries:
    """Return the entries of a server of this configuration, by name; the order is the server's."""
    async with connect(data, **CONFIGURATIONS[configuration]) as client:
        entries: Entries = {"server": _server(client)}
        for tool in (await client.list_tools()).tools:
            entries[f"tools/{tool.name}"] = _with_order(plain(tool))
        async for name, entry in _resources(client):
            entries[f"resources/{name}"] = entry
        async for name, entry in _prompts(client):
            entries[f"prompts/{name}"] = entry
    return readable(entries)


def _server(client: Client) -> dict[str, Any]:
    about = plain(client.server_info)
    about.pop("version")  # moves with each release
    return {
        "instructions": client.instructions,
        "capabilities": plain(client.server_capabilities),
        "about": about,
    }


def _with_order(tool: dict[str, Any]) -> dict[str, Any]:
    """Add the order of the arguments, which sorted keys would hide."""
    return {**tool, "(order of arguments)": list(tool["inputSchema"].get("properties", {}))}


async def _resources(client: Client) -> AsyncIterator[tuple[str, Any]]:
    for resource in (await client.list_resources()).resources:
        yield _file_name(str(resource.uri)), plain(resource)
    for template in (await client.list_resource_templates()).resource_templates:
        yield _file_name(template.uri_template), plain(template)
    uris = ["tavus://schema/persona"]
    for scheme, argument in (("catalog", "layer"), ("guide", "topic")):
        address = f"tavus://{scheme}/{{{argument}}}"
        completion = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri=address),
            {"name": argument, "value": ""},
        )
        yield f"completions-{scheme}", plain(completion)
        uris += [f"tavus://{scheme}/{value}" for value in completion.completion.values]
    uris += ["tavus://guide/unknown", "tavus://catalog/lmm", "tavus://nothing"]
    for uri in uris:
        yield f"text-{_file_name(uri)}", await _outcome(client.read_resource(uri))


async def _prompts(client: Client) -> AsyncIterator[tuple[str, Any]]:
    prompts = (await client.list_prompts()).prompts
    for prompt in prompts:
        yield prompt.name, plain(prompt)
        for number, arguments in enumerate(PROMPT_ARGUMENTS[prompt.name], 1):
            rendered = await _outcome(client.get_prompt(prompt.name, arguments))
            yield f"{prompt.name}-{number}", {"arguments": arguments, "rendered": rendered}
    for name in ("persona_id", "first"):
        completion = client.complete(
            PromptReference(type="ref/prompt", name="review_persona"), {"name": name, "value": "p"}
        )
        yield f"completions-{name}", await _outcome(completion)


async def _outcome(answer: Any) -> Any:
    """Return what a request answers, or the error that it is refused with."""
    try:
        return plain(await answer)
    except MCPError as refusal:
        return {"refused": plain(refusal.error)}


def _file_name(uri: str) -> str:
    return re.sub(r"[^a-z_]+", "-", uri.removeprefix("tavus://").lower()).strip("-")


def recorded_names(configuration: str) -> list[str]:
    """Return the names of the recorded entries, in the order of the server."""
    return list(read(SURFACE / configuration / INDEX))


def recorded_entry(configuration: str, name: str) -> Any:
    """Return a recorded entry; a configuration keeps only what differs from the complete one."""
    own = SURFACE / configuration / f"{name}.json"
    return read(own if own.exists() else SURFACE / COMPLETE / f"{name}.json")


def record(collected: dict[str, Entries]) -> None:
    """Write the entries of all configurations."""
    clear(SURFACE)
    for configuration, entries in collected.items():
        folder = SURFACE / configuration
        write(folder / INDEX, list(entries))
        for name, entry in entries.items():
            if configuration == COMPLETE or entry != collected[COMPLETE].get(name):
                write(folder / f"{name}.json", entry)
