"""Renders what is told about the server from the server itself: README tables and manifests.

Pure renderers, and ``render``, which writes their files or tells which of them have drifted.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_types import Prompt

from tavus_mcp import __version__
from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.prompts import PROMPTS
from tavus_mcp.server.server import TavusServer, unserved_tools
from tavus_mcp.server.tool_schemas import SURFACE_FILE_NAME, build_schemas
from tavus_mcp.server.toolset import ToolSpec
from tavus_mcp.settings import DEFAULT_TOOLSETS, VARIABLES

NAME = "io.github.tavus-mcp/tavus-mcp"
TITLE = "Tavus personas (unofficial)"
DESCRIPTION = "Inspect, create and tune Tavus personas: typed, checked, previewed, undoable."
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
SURFACE_PATH = f"tavus_mcp/server/{SURFACE_FILE_NAME}"
BUNDLE_MANIFEST_PATH = "examples/claude-desktop-bundle/manifest.json"
_SECRET = re.compile(r"API_KEY|SECRET")


@dataclass(frozen=True)
class Surface:
    """What a running server shows: its tools, its prompts, its resources and what each holds.

    ``messages`` are those of the prompts, with ``${arguments.name}`` for each argument.
    """

    tools: Sequence[ToolSpec]
    resources: Sequence[tuple[str, str]]
    prompts: Sequence[Prompt]
    messages: Mapping[str, str]


async def read_surface(server: TavusServer) -> Surface:
    """Read the surface off a server."""
    fixed = [(str(item.uri), item.description or "") for item in await server.list_resources()]
    templates = await server.list_resource_templates()
    made = [(item.uri_template, item.description or "") for item in templates]
    off = unserved_tools(DEFAULT_TOOLSETS, read_only=False)
    return Surface(
        tools=list(server.specs.values()),
        resources=[*fixed, *made],
        prompts=await server.list_prompts(),
        messages={spec.name: spec.template(server.app.catalog, off) for spec in PROMPTS},
    )


def tools_table(surface: Surface) -> str:
    """Return the README's table of tools, by toolset."""
    lines = ["| toolset | tool | effect | what it does |", "| --- | --- | --- | --- |"]
    shown = ""
    for spec in surface.tools:
        on = "" if spec.toolset in DEFAULT_TOOLSETS else " (on request)"
        first = "" if spec.toolset == shown else f"`{spec.toolset}`{on}"
        told = spec.description.splitlines()[0]
        lines.append(f"| {first} | `{spec.name}` | {spec.effect} | {told} |")
        shown = spec.toolset
    return "\n".join(lines)


def environment_table(surface: Surface) -> str:
    """Return the README's table of environment variables."""
    lines = ["| variable | what it does |", "| --- | --- |"]
    lines += [f"| `{name}` | {told} |" for name, told in VARIABLES.items()]
    return "\n".join(lines)


def resources_table(surface: Surface) -> str:
    """Return the README's table of resources and templates."""
    lines = ["| resource | what it holds |", "| --- | --- |"]
    lines += [f"| `{uri}` | {told} |" for uri, told in surface.resources]
    return "\n".join(lines)


def prompts_table(surface: Surface) -> str:
    """Return the README's table of prompts; arguments in brackets may be left out."""
    lines = ["| prompt | arguments | what it asks for |", "| --- | --- | --- |"]
    for prompt in surface.prompts:
        names = [
            f"`{item.name}`" if item.required else f"[`{item.name}`]"
            for item in prompt.arguments or ()
        ]
        lines.append(f"| `{prompt.name}` | {', '.join(names)} | {prompt.description} |")
    return "\n".join(lines)


def server_json(surface: Surface) -> JsonObject:
    """Return the entry of the MCP registry (schema of 2025-12-11)."""
    return {
        "$schema": SCHEMA,
        "name": NAME,
        "title": TITLE,
        "description": DESCRIPTION,
        "version": __version__,
        "packages": [
            {
                "registryType": "pypi",
                "identifier": "tavus-mcp",
                "version": __version__,
                "runtimeHint": "uvx",
                "runtimeArguments": [_source_argument()],
                "transport": {"type": "stdio"},
                "environmentVariables": [
                    _environment_variable(name, told)
                    for name, told in VARIABLES.items()
                    if "<" not in name
                ],
            }
        ],
    }


def bundle_manifest(surface: Surface) -> JsonObject:
    """Return the manifest of a Claude Desktop bundle (.mcpb, version 0.4)."""
    return {
        "manifest_version": "0.4",
        "name": "tavus-mcp",
        "display_name": TITLE,
        "version": __version__,
        "description": DESCRIPTION,
        "author": {"name": "The tavus-mcp authors"},
        "license": "MIT",
        "server": {
            "type": "uv",
            "entry_point": "tavus_mcp/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "tavus-mcp"],
                "env": {"TAVUS_API_KEY": "${user_config.api_key}"},
            },
        },
        "tools": [
            {"name": spec.name, "description": spec.description.splitlines()[0]}
            for spec in surface.tools
            if spec.toolset in DEFAULT_TOOLSETS
        ],
        "prompts": [
            _bundle_prompt(prompt, surface.messages[prompt.name]) for prompt in surface.prompts
        ],
        "user_config": {
            "api_key": {
                "type": "string",
                "title": "Tavus API key",
                "description": VARIABLES["TAVUS_API_KEY"],
                "sensitive": True,
                "required": True,
            }
        },
    }


def rendered_files(surface: Surface, root: Path) -> dict[Path, str]:
    """Return every rendered file below ``root`` with the text it must have."""
    readme = root / "README.md"
    return {
        readme: _fill_sections(readme.read_text(encoding="utf-8"), surface),
        root / SURFACE_PATH: _render_schemas(surface),
        root / "server.json": _render_json(server_json(surface)),
        root / BUNDLE_MANIFEST_PATH: _render_json(bundle_manifest(surface)),
    }


def render(surface: Surface, root: Path, *, check: bool) -> int:
    """Write the rendered files; with ``check`` write nothing, and return 1 when one has drifted."""
    if not (root / "README.md").exists():
        return _report(f"There is no README.md in {root}: run this in the checkout.", status=2)
    drifted = [
        (path, text)
        for path, text in rendered_files(surface, root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in drifted if not check else ():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    names = ", ".join(str(path.relative_to(root)) for path, _ in drifted)
    if check and drifted:
        return _report(f"Out of date: {names}. Run: tavus-mcp manifest", status=1)
    return _report(f"Written: {names}." if drifted else "Everything is up to date.", status=0)


_SECTIONS: Mapping[str, Callable[[Surface], str]] = {
    "tools": tools_table,
    "environment": environment_table,
    "resources": resources_table,
    "prompts": prompts_table,
}


def _fill_sections(text: str, surface: Surface) -> str:
    for name, make in _SECTIONS.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"README.md has no section between {begin} and {end}")
        text = f"{before}{begin}\n{make(surface)}\n{end}{after}"
    return text


def _render_schemas(surface: Surface) -> str:
    """One line a tool, so that a changed schema is a line in the diff."""
    lines = (
        f"{json.dumps(spec.name)}: {_render_compact(build_schemas(spec))}" for spec in surface.tools
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _render_compact(value: JsonObject) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bundle_prompt(prompt: Prompt, text: str) -> JsonObject:
    return {
        "name": prompt.name,
        "description": prompt.description,
        "arguments": [item.name for item in prompt.arguments or () if item.required],
        "text": text,
    }


def _source_argument() -> JsonObject:
    told = (
        "A checkout of this project or its git URL: on the package index the name is the vendor's"
    )
    return {"type": "named", "name": "--from", "description": told, "isRequired": True}


def _environment_variable(name: str, description: str) -> JsonObject:
    variable: JsonObject = {"name": name, "description": description.replace("`", "")}
    return {**variable, "isSecret": True} if _SECRET.search(name) else variable


def _render_json(value: JsonObject) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _report(text: str, *, status: int) -> int:
    (sys.stderr if status else sys.stdout).write(text + "\n")
    return status
