"""Send hostile inputs to one entry point of the program, and report what is wrong with the answers.

Each function takes a source of randomness, the number of inputs, and an empty folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from answer_checks import MAX_SECONDS, check_error, check_lines, check_output, check_result
from hostile_tavus import HostileTavus
from hostile_values import (
    dump,
    mutate,
    mutate_bytes,
    mutate_text,
    random_text,
    random_value,
)
from mcp import Client
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_client import RecordingTransport, text_of
from mcp_types import CallToolResult
from rawclient import SERVER_ARGUMENTS, Message, Session, start_process
from rawclient import text_of as raw_text_of

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.cli.main import run
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.masking import Masker
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, VARIABLES, Settings, from_environment
from tavus_mcp.tavus_api.client import TavusApi

PERSONA_ID = "p1af207b8189"
"""A persona that each new sandbox has."""
_LINES_PER_PING = 20
_SECRET = "0123456789abcdef"
_SETTINGS = {
    "TAVUS_API_KEY": f"tvs-{_SECRET}",
    "TAVUS_BASE_URL": "https://tavusapi.com:443/v2",
    "TAVUS_MCP_TOOLSETS": "personas,layers",
    "TAVUS_MCP_JOURNAL": f"postgresql://user:{_SECRET}@host/database",
    "HTTPS_PROXY": f"http://user:{_SECRET}@proxy:3128",
    "NO_PROXY": ".example.com, 10.0.0.0/8, [::1]",
    "SSL_CERT_FILE": "/etc/ssl/cert.pem",
    "SSL_CERT_DIR": "/etc/ssl/certs",
    "TAVUS_SECRET_X": f"Bearer sk-{_SECRET}",
    "TAVUS_SECRET_X_HOST": "api.example.com, *.example.com",
}
"""Settings as they should be, which are mutated."""


@dataclass
class Report:
    """The number of inputs of an entry point, its faults, each with its input, and its extremes."""

    count: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)
    slowest_seconds: float = 0.0
    longest_chars: int = 0

    @contextmanager
    def input(self, description: str) -> Iterator[list[str]]:
        """Count an input and measure the block, which appends its faults to the list."""
        self.count += 1
        started = time.monotonic()
        found: list[str] = []
        yield found
        elapsed = time.monotonic() - started
        self.slowest_seconds = max(self.slowest_seconds, elapsed)
        if elapsed > MAX_SECONDS:
            found.append(f"{elapsed:.1f} s")
        self.faults += [(fault, ascii(description)[:300]) for fault in found]

    def check_result(self, result: CallToolResult) -> Iterable[str]:
        """Return what is wrong with the answer of a tool."""
        text = text_of(result)
        self.longest_chars = max(self.longest_chars, len(text))
        return (
            check_error(text) if result.is_error else check_result(text, result.structured_content)
        )


def fuzz_stdin(source: random.Random, count: int, folder: Path) -> Report:
    """Send damaged and hostile lines to a server process; it must answer a ping after them."""
    report = Report()
    with start_process(folder, *SERVER_ARGUMENTS, "--sandbox", "--toolsets", "all") as server:
        session = Session(server).initialize()
        while report.count < count:
            lines = [_build_line(source) for _ in range(min(_LINES_PER_PING, count - report.count))]
            with report.input(f"lines up to {report.count}") as found:
                for line in lines:
                    server.send_line(line.replace(b"\n", b" "))
                session.request("ping")
                for message in server.take_messages():
                    found += _check_message(message)
            report.count += len(lines) - 1
        server.close_stdin()
        if server.process.returncode != 0 or server.non_message_lines:
            report.faults.append((f"ended with {server.process.returncode}", "all lines"))
        report.faults += [(fault, "stderr") for fault in check_output(server.read_stderr())]
    return report


def _build_line(source: random.Random) -> bytes:
    methods = ("tools/call", "tools/list", "ping", "prompts/get", "resources/read", "initialize")
    params = {"name": "get_persona", "arguments": {"persona_id": PERSONA_ID}, "uri": "tavus://x"}
    request = {"jsonrpc": "2.0", "id": 10**6, "method": source.choice(methods), "params": params}
    kind = source.random()
    if kind < 0.4:
        return dump(mutate(source, request))
    if kind < 0.8:
        return mutate_bytes(source, dump(request))
    if kind < 0.9:
        return dump([mutate(source, request) for _ in range(source.randrange(4))])
    return source.randbytes(source.randrange(200))


def _check_message(message: Message) -> Iterable[str]:
    if "error" in message:
        return check_error(str(message["error"].get("message")))
    result = message.get("result") or {}
    if "content" not in result:
        return ()
    text = raw_text_of(result)
    return (
        check_error(text)
        if result.get("isError")
        else check_result(text, result.get("structuredContent"))
    )


@asynccontextmanager
async def _open_client(tavus: Any, folder: Path) -> AsyncIterator[Client]:
    transport = RecordingTransport(tavus)
    api = TavusApi("http://127.0.0.1/v2", "test-key-0123456789", transport=lambda: transport)
    app = App(api, load_catalog(), Journal(folder / "journal.sqlite3"), Masker())
    async with Client(build_server(app, Settings(toolsets=TOOLSETS)), mode="legacy") as client:
        yield client


async def fuzz_arguments(source: random.Random, count: int, folder: Path) -> Report:
    """Call every tool with hostile arguments on a sandbox."""
    report = Report()
    with closing(Store.open(None)) as store:
        async with _open_client(build_sandbox(store), folder) as client:
            tools = (await client.list_tools()).tools
            for _ in range(count):
                tool = source.choice(tools)
                arguments = _build_arguments(source, tool.input_schema)
                name = (
                    tool.name
                    if source.random() < 0.97
                    else random_text(source).replace("\ud83d", "")
                )
                await _call(client, report, name, arguments)
            await client.list_tools()
    return report


async def _call(client: Client, report: Report, tool: str, arguments: dict[str, Any]) -> None:
    with report.input(f"{tool} {arguments}") as found:
        try:
            found += report.check_result(await client.call_tool(tool, arguments))
        except MCPError as error:
            found += check_error(str(error))
        except ValueError:  # this client cannot send the value; others can
            found += await _call_directly(client.server, tool, arguments)


async def _call_directly(server: Any, tool: str, arguments: dict[str, Any]) -> Iterable[str]:
    try:
        result = await server.call_tool(tool, arguments)
    except (ToolError, MCPError) as error:
        return check_error(str(error))
    text = text_of(result)
    return check_error(text) if result.is_error else check_result(text, result.structured_content)


def _build_arguments(source: random.Random, schema: dict[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, node in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        if not required and source.random() < 0.6:
            continue
        arguments[name] = _build_argument(source, name, node)
    if source.random() < 0.1:
        arguments[random_text(source)] = random_value(source)
    return {_encodable(name): value for name, value in arguments.items()}


def _build_argument(source: random.Random, name: str, node: dict[str, Any]) -> Any:
    kind = source.random()
    if kind < 0.35:
        return random_value(source)
    if "persona_id" in name and kind < 0.9:
        return PERSONA_ID
    if "enum" in node:
        return source.choice(node["enum"])
    examples = {
        "string": random_text(source),
        "integer": source.choice((0, 1, 5, 10**9)),
        "number": source.choice((0, 0.5, 1e300)),
        "boolean": source.random() < 0.5,
        "array": [random_value(source)],
        "object": mutate(
            source, {"llm": {"model": "tavus-gpt-oss"}, "tts": {"tts_engine": "cartesia"}}
        ),
    }
    return examples.get(node.get("type", ""), random_value(source))


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


async def fuzz_upstream(source: random.Random, count: int, folder: Path) -> Report:
    """Call tools while Tavus answers with damaged and hostile bodies, statuses and headers."""
    report = Report()
    with closing(Store.open(None)) as store:
        tavus = HostileTavus(build_sandbox(store), source)
        async with _open_client(tavus, folder) as client:
            for _ in range(count):
                tool, arguments = source.choice(_UPSTREAM_CALLS)
                tavus.is_hostile = True
                await _call(client, report, tool, arguments)
                tavus.is_hostile = False
            result = await client.call_tool("get_persona", {"persona_id": PERSONA_ID})
            if result.is_error:
                report.faults.append(("the server does not recover", text_of(result)))
    return report


_ID = {"persona_id": PERSONA_ID}
_UPSTREAM_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_persona", _ID),
    ("get_persona", {**_ID, "full_prompt": True}),
    ("check_persona", _ID),
    ("export_persona", _ID),
    ("list_personas", {}),
    ("list_personas", {"name_contains": "a"}),
    ("compare_personas", {"first": PERSONA_ID, "second": PERSONA_ID}),
    ("suggest_tuning", {**_ID, "goals": ["respond_faster"]}),
    ("update_persona", {**_ID, "greeting": "Hi"}),
    ("update_persona", {**_ID, "greeting": "Hello", "dry_run": True}),
    ("configure_llm", {**_ID, "model": "tavus-gpt-oss"}),
    ("edit_prompt", {**_ID, "find": "e", "replace": "i", "replace_all": True}),
    ("create_persona", {"name": "A", "system_prompt": "You help."}),
    ("create_persona", {"name": "A", "based_on": PERSONA_ID}),
    ("delete_persona", _ID),
    ("list_revisions", _ID),
    ("audit_personas", {}),
    ("plan_bulk_change", {"everything": True, "values": {"/greeting": "Hey"}}),
    ("list_replicas", {}),
    ("list_voices", {}),
    ("list_documents", {}),
    ("list_objectives", {}),
    ("list_guardrails", {}),
    ("list_conversations", {}),
    ("get_conversation", {"conversation_id": "c1"}),
    ("measure_conversations", _ID),
)
_FILE = f"""\
persona_id: {PERSONA_ID}
persona_name: Bot
system_prompt: |
  You help.
  Kindly.
layers:
  llm: {{model: tavus-gpt-oss, tools: [{{type: function, function: {{name: f, description: d}}}}]}}
  tts: {{tts_engine: cartesia, voice_settings: {{speed: 0.5}}}}
"""


def fuzz_files(source: random.Random, count: int, folder: Path) -> Report:
    """Apply damaged and hostile persona files with the command, as a dry run on a sandbox."""
    report = Report()
    os.environ["TAVUS_MCP_DATA_DIR"] = str(folder)
    path = folder / "persona.yaml"
    document = {"persona_id": PERSONA_ID, "persona_name": "Bot", "system_prompt": "You help."}
    for _ in range(count):
        data = mutate_bytes(source, _FILE.encode())
        if source.random() < 0.5:
            data = dump(mutate(source, {**document, "layers": {"llm": {"model": "x"}}}))
        path.write_bytes(data)
        with report.input(repr(data[:200])) as found:
            output = _run_command("--sandbox", "apply", "--dry-run", str(path))
            report.longest_chars = max(report.longest_chars, len(output))
            found += check_output(output)
    return report


def _run_command(*arguments: str) -> str:
    """Run a command in this process; return what it printed on stdout and stderr."""
    raw, errors = io.BytesIO(), io.StringIO()
    stdout = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    before = sys.stdout
    sys.stdout = stdout
    try:
        with contextlib.redirect_stderr(errors), contextlib.suppress(SystemExit):
            run(arguments)
    finally:
        sys.stdout = before
    return raw.getvalue().decode() + errors.getvalue()


def fuzz_settings(source: random.Random, count: int, folder: Path) -> Report:
    """Read hostile environments; each problem must be one short line."""
    report = Report()
    values = {**dict.fromkeys(VARIABLES, "1"), **_SETTINGS, "TAVUS_MCP_DATA_DIR": str(folder)}
    for _ in range(count):
        environment = {"TAVUS_MCP_DATA_DIR": str(folder)}
        for name in source.sample(list(values), source.randrange(1, 6)):
            is_likely = source.random() < 0.7
            value = mutate_text(source, values[name]) if is_likely else random_text(source)
            environment[mutate_text(source, name) if source.random() < 0.2 else name] = value
        with report.input(json.dumps(environment)) as found:
            problems = from_environment(environment, needs_account=source.random() < 0.8).problems
            report.longest_chars = max([report.longest_chars, *map(len, problems)])
            found += check_lines(problems)
            found += [f"a secret in {line!r}" for line in problems if _SECRET in line]
    return report
