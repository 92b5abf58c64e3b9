"""``tavus-mcp manifest``: render tables of the docs and manifests from the server itself.

Pure renderers, and ``render``, which writes their files or reports which of them have drifted.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from mcp_types import Prompt

from tavus_mcp import __version__
from tavus_mcp.cli.output import report
from tavus_mcp.cli.surface_file import render_surface_file
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.prompts import PROMPTS
from tavus_mcp.server.served_tools import unserved_tools
from tavus_mcp.server.server import TavusServer, build_server
from tavus_mcp.server.surface import SURFACE_FILE_NAME
from tavus_mcp.server.tool_schemas import build_entries
from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.server.toolset import ToolSpec
from tavus_mcp.settings import DEFAULT_TOOLSETS, TOOLSETS, VARIABLES, Settings

NAME = "io.github.tavus-mcp/tavus-mcp"
TITLE = "Tavus personas (unofficial)"
DESCRIPTION = "Inspect, create and tune Tavus personas: typed, checked, previewed, undoable."
MIN_PYTHON = ">=3.11"
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
NAME_NOTE = (
    "Not publishable as it is: on the package index the name tavus-mcp belongs to the vendor's "
    "package. This server is installed from a checkout or from git; a publisher needs a package "
    "name and a namespace of their own."
)
SURFACE_PATH = f"tavus_mcp/server/{SURFACE_FILE_NAME}"
BUNDLE_MANIFEST_PATH = "examples/claude-desktop-bundle/manifest.json"
_SECRET = re.compile(r"API_KEY|SECRET")


@dataclass(frozen=True)
class Surface:
    """What a server offers: tools, resources as (URI, description), and prompts.

    ``messages`` are those of the prompts, with ``${arguments.name}`` for each argument;
    ``surface_file`` is the text of ``surface.json``.
    """

    tools: Sequence[ToolSpec]
    resources: Sequence[tuple[str, str]]
    prompts: Sequence[Prompt]
    messages: Mapping[str, str]
    surface_file: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the option of the command."""
    parser.add_argument("--check", action="store_true", help="fail when a file is out of date")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Render the files of the checkout in the current folder, with every toolset."""
    every = Settings(toolsets=TOOLSETS)
    surface = anyio.run(
        read_surface, build_server(build_app(every), every, entries=build_entries(load_all_specs()))
    )
    return render(surface, Path.cwd(), check=arguments.check)


async def read_surface(server: TavusServer) -> Surface:
    """Read the surface off a server."""
    fixed = [(str(item.uri), item.description or "") for item in await server.list_resources()]
    templates = await server.list_resource_templates()
    templated = [(item.uri_template, item.description or "") for item in templates]
    off = unserved_tools(DEFAULT_TOOLSETS, read_only=False, entries=server.entries).reasons
    return Surface(
        tools=list(server.specs.values()),
        resources=[*fixed, *templated],
        prompts=await server.list_prompts(),
        messages={spec.name: spec.template(server.app.catalog, off) for spec in PROMPTS},
        surface_file=await render_surface_file(server),
    )


def tools_table(surface: Surface) -> str:
    """Return the table of tools, by toolset."""
    lines = ["| toolset | tool | effect | what it does |", "| --- | --- | --- | --- |"]
    previous = ""
    for spec in surface.tools:
        on = "" if spec.toolset in DEFAULT_TOOLSETS else " (on request)"
        toolset = "" if spec.toolset == previous else f"`{spec.toolset}`{on}"
        effect = f"{spec.effect} (view only)" if spec.for_view_only else spec.effect
        summary = _complete_sentences(spec.description.splitlines()[0])
        lines.append(f"| {toolset} | `{spec.name}` | {effect} | {summary} |")
        previous = spec.toolset
    return "\n".join(lines)


def _complete_sentences(text: str) -> str:
    """Return a text without a sentence at its end that is not complete."""
    return text[: text.rfind(".") + 1] or text


def environment_table(surface: Surface) -> str:
    """Return the table of environment variables."""
    lines = ["| variable | what it does |", "| --- | --- |"]
    lines += [f"| `{name}` | {text} |" for name, text in VARIABLES.items()]
    return "\n".join(lines)


def resources_table(surface: Surface) -> str:
    """Return the table of resources and templates."""
    lines = ["| resource | what it holds |", "| --- | --- |"]
    lines += [f"| `{uri}` | {text} |" for uri, text in surface.resources]
    return "\n".join(lines)


def prompts_table(surface: Surface) -> str:
    """Return the table of prompts; arguments in brackets may be left out."""
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
                    _environment_variable(name, text)
                    for name, text in VARIABLES.items()
                    if "<" not in name
                ],
            }
        ],
        "_meta": {"io.modelcontextprotocol.registry/publisher-provided": {"note": NAME_NOTE}},
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
                "env": {
                    "TAVUS_API_KEY": "${user_config.api_key}",
                    "TAVUS_MCP_PROTECTED": "${user_config.protected}",
                    "TAVUS_MCP_READ_ONLY": "${user_config.read_only}",
                },
            },
        },
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": MIN_PYTHON},
        },
        "tools": [
            {"name": spec.name, "description": spec.description.splitlines()[0]}
            for spec in surface.tools
            if spec.toolset in DEFAULT_TOOLSETS and not spec.for_view_only
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
            },
            "protected": _bundle_switch(
                "Show every change first", "Every write answers a plan, carried out after a yes."
            ),
            "read_only": _bundle_switch("Read only", "Serve only the tools that read."),
        },
    }


def rendered_files(surface: Surface, root: Path) -> dict[Path, str]:
    """Return the text that each rendered file below ``root`` must have, by path."""
    documents = {root / path: sections for path, sections in _SECTIONS_BY_FILE.items()}
    return {
        **{path: _fill_sections(path, names, surface) for path, names in documents.items()},
        root / SURFACE_PATH: surface.surface_file,
        root / "server.json": _render_json(server_json(surface)),
        root / BUNDLE_MANIFEST_PATH: _render_json(bundle_manifest(surface)),
    }


def render(surface: Surface, root: Path, *, check: bool) -> int:
    """Write the rendered files; with ``check`` write nothing, and return 1 if one has drifted."""
    missing = [path for path in _SECTIONS_BY_FILE if not (root / path).exists()]
    if missing:
        return report(f"There is no {missing[0]} in {root}: run this in the checkout.", 2)
    drifted = [
        (path, text)
        for path, text in rendered_files(surface, root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in drifted if not check else ():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    names = ", ".join(str(path.relative_to(root)) for path, _ in drifted)
    if check and drifted:
        return report(f"Out of date: {names}. Run: tavus-mcp manifest", 1)
    return report(f"Written: {names}." if drifted else "Everything is up to date.")


_SECTIONS: Mapping[str, Callable[[Surface], str]] = {
    "tools": tools_table,
    "environment": environment_table,
    "resources": resources_table,
    "prompts": prompts_table,
}


_SECTIONS_BY_FILE: Mapping[str, Sequence[str]] = {
    "docs/tools.md": ("tools", "resources", "prompts"),
    "docs/settings.md": ("environment",),
}


def _fill_sections(path: Path, names: Sequence[str], surface: Surface) -> str:
    text = path.read_text(encoding="utf-8")
    for name in names:
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        _, end_found, after = rest.partition(end)
        if not end_found:
            raise ValueError(f"{path.name} has no section between {begin} and {end}")
        text = f"{before}{begin}\n{_SECTIONS[name](surface)}\n{end}{after}"
    return text


def _bundle_prompt(prompt: Prompt, text: str) -> JsonObject:
    return {
        "name": prompt.name,
        "description": prompt.description,
        "arguments": [item.name for item in prompt.arguments or () if item.required],
        "text": text,
    }


def _bundle_switch(title: str, description: str) -> JsonObject:
    return {"type": "boolean", "title": title, "description": description, "default": False}


def _source_argument() -> JsonObject:
    description = (
        "A checkout of this project or its git URL: on the package index the name is the vendor's"
    )
    return {"type": "named", "name": "--from", "description": description, "isRequired": True}


def _environment_variable(name: str, description: str) -> JsonObject:
    variable: JsonObject = {"name": name, "description": description.replace("`", "")}
    return {**variable, "isSecret": True} if _SECRET.search(name) else variable


def _render_json(value: JsonObject) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
