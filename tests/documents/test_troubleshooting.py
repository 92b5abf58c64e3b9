"""docs/troubleshooting.md quotes messages that this server really has."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_runner import CommandRunner
from mcp import Client
from mcp_client import ToolClient, text_of
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tavus_mcp.cli import main
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import from_environment

if TYPE_CHECKING:
    from conftest import ToolClientFactory

DOCUMENT = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
GENERAL, PROJECTS, _ = re.split(
    r"^## (?:Projects|Messages of other programs)$",
    DOCUMENT.read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)
KEY = {"TAVUS_API_KEY": "key-0123456789"}
CLOSED_PORT = "http://127.0.0.1:9"


def require_agreement(document: str, messages: Mapping[str, str]) -> None:
    """Require that each quoted message is produced, and each produced one is quoted."""
    quoted = re.findall(r"^\| `(.+?)` \|", document, re.MULTILINE)
    quotations = {item: compile_quotation(item) for item in quoted}
    text = "\n".join(messages.values())
    assert [item for item, pattern in quotations.items() if not pattern.search(text)] == []
    assert [
        name
        for name, message in messages.items()
        if not any(pattern.search(message) for pattern in quotations.values())
    ] == []


def compile_quotation(text: str) -> re.Pattern[str]:
    """Return the pattern of a quoted message, in which three dots stand for anything on a line."""
    return re.compile(re.escape(text).replace(r"\.\.\.", ".*"))


async def call_with_settings(
    folder: Path, environment: Mapping[str, str], tool: str = "list_personas", **arguments: str
) -> str:
    """Return what a call answers with these settings."""
    data_folder = {"TAVUS_MCP_DATA_DIR": str(folder / "data")}
    settings = from_environment({**data_folder, **environment})
    async with Client(build_server(build_app(settings), settings)) as client:
        return text_of(await client.call_tool(tool, arguments))


async def call_with_answer(
    open_client: ToolClientFactory, status: int, body: str = "{}", media: str = "application/json"
) -> str:
    """Return what a call answers when Tavus answers this."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, status, {"retry-after": "0"}, media)(scope, receive, send)

    async with open_client(app) as client:
        return await client.expect_error("list_personas")


async def collect_settings_messages(folder: Path) -> dict[str, str]:
    cases: dict[str, dict[str, str]] = {
        "no key": {},
        "placeholder": {"TAVUS_API_KEY": "${TAVUS_API_KEY}"},
        "space": {"TAVUS_API_KEY": "key-0123 456789"},
        "shortened": {"TAVUS_API_KEY": "key-0123..."},
        "whole line": {"TAVUS_API_KEY": "TAVUS_API_KEY=key-0123456789"},
        "misspelt": {**KEY, "TAVUS_MCP_READONLY": "1"},
        "base URL": {**KEY, "TAVUS_BASE_URL": "https://tavusapi.com"},
        "data folder": {**KEY, "TAVUS_MCP_DATA_DIR": f"{__file__}/data"},
        "certificates": {**KEY, "SSL_CERT_FILE": "/nonexistent.pem"},
        "connection": {**KEY, "TAVUS_BASE_URL": f"{CLOSED_PORT}/v2"},
        "proxy": {**KEY, "HTTPS_PROXY": CLOSED_PORT},
    }
    return {name: await call_with_settings(folder, values) for name, values in cases.items()}


async def find_damaged_journal_message(folder: Path) -> str:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "journal.sqlite3").write_text("no database " * 100)
    return await call_with_settings(folder, KEY, "list_revisions", persona_id="p1234567890a")


async def find_account_message(open_client: ToolClientFactory) -> str:
    """Return what a server on another account answers about a persona of the first."""
    async with open_client() as client:
        client.server.app.journal.credentials = Credentials("https://a.example/v2", "key-aaaaaaa")
        persona_id = await client.create_persona()
    with closing(Store.open(None)) as store:
        async with open_client(build_sandbox(store)) as client:
            journal = client.server.app.journal
            journal.credentials = Credentials("https://b.example/v2", "key-bbbbbbb")
            return await client.expect_error("list_revisions", persona_id=persona_id)


async def collect_answer_messages(open_client: ToolClientFactory) -> dict[str, str]:
    html = await call_with_answer(open_client, 200, "<html>Log in</html>", "text/html")
    statuses = (401, 402, 404, 429)
    return {
        "login page": html,
        **{str(status): await call_with_answer(open_client, status) for status in statuses},
    }


async def collect_change_messages(client: ToolClient) -> dict[str, str]:
    persona_id = await client.create_persona()
    named = {"persona_id": persona_id, "name": "A"}
    plan = await client.expect_result("update_persona", **named, dry_run=True)
    await client.edit_in_dashboard(persona_id, "/persona_name", "B")
    receipt = await client.expect_result("update_persona", persona_id=persona_id, name="C")
    undo = receipt["undo"]
    await client.edit_in_dashboard(persona_id, "/persona_name", "D")
    secret = {"base_url": "https://api.openai.com/v1", "api_key_ref": "mine"}
    return {
        "persona": await client.expect_error("get_persona", persona_id="p1234567890a"),
        "stock": await client.expect_error("update_persona", persona_id="p1af207b8189", name="A"),
        "field": await client.expect_error("configure_llm", persona_id=persona_id, temprature=1),
        "revision": await client.expect_error(
            "update_persona", **named, if_revision="0123456789ab"
        ),
        "plan": await client.expect_error("apply_plan", plan_id=plan["plan_id"]),
        "undo": await client.expect_error(undo["tool"], **undo["arguments"]),
        "no plan": await client.expect_error("apply_plan", plan_id="plan-9-00000000"),
        "secret": await client.expect_error("configure_llm", persona_id=persona_id, **secret),
    }


async def collect_refusals(open_client: ToolClientFactory) -> dict[str, str]:
    async with open_client(toolsets=("personas",)) as client:
        toolset = await client.expect_error("configure_llm", persona_id="p1", model="x")
    async with open_client(read_only=True) as client:
        read_only = await client.expect_error("update_persona", persona_id="p1", name="x")
    return {"toolset": toolset, "read-only": read_only}


@pytest.fixture
def command_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What commands print; they have an event loop of their own, so they run before the test."""
    commands = CommandRunner(tmp_path)
    persona = "persona_name: A\nsystem_prompt: B\n"
    layer = "layers:\n  llm:\n    model: gpt-4o\n    base_url: https://api.openai.com/v1\n"
    commands.write_file(f"{persona}{layer}    api_key: sk-abcdefgh12345678\n", "key.yaml")
    commands.write_file("persona_name: A\n system_prompt: B\n", "indent.yaml")
    names = ("key.yaml", "indent.yaml", "missing.yaml")
    messages = {name: commands.run("apply", name).stderr for name in names}
    with pytest.raises(SystemExit):
        main.run(["aply", "key.yaml"])
    return {**messages, "command": capsys.readouterr().err}


@pytest.mark.anyio
async def test_every_quoted_message_is_produced_and_every_common_one_is_quoted(
    open_tool_client: ToolClientFactory,
    command_messages: dict[str, str],
    tmp_path: Path,
) -> None:
    async with open_tool_client() as client:
        changes = await collect_change_messages(client)
    messages = {
        **await collect_settings_messages(tmp_path / "settings"),
        "journal": await find_damaged_journal_message(tmp_path / "damaged"),
        "account": await find_account_message(open_tool_client),
        **await collect_answer_messages(open_tool_client),
        **changes,
        **await collect_refusals(open_tool_client),
        **command_messages,
    }
    require_agreement(GENERAL, messages)


PROJECT = """\
[environments.staging]
sandbox = true

[environments.production]
sandbox = true
protected = true

[environments.account]
api_key_env = "ACCOUNT_KEY"
secrets = { openai = "OPENAI_KEY" }
"""
PERSONA = "persona_name: {}\nsystem_prompt: You help people.\n"
SECRET_LAYER = (
    "layers:\n  llm:\n    model: gpt-4o\n    base_url: https://api.openai.com/v1\n"
    "    api_key_ref: openai\n"
)


@pytest.mark.extended
def test_messages_on_projects_are_those_of_the_document(tmp_path: Path) -> None:
    runner = CommandRunner(tmp_path, {})

    def fail(*arguments: str) -> str:
        result = runner.run_without_sandbox(*arguments)
        assert result.status != 0, arguments
        return result.stdout + result.stderr

    staging, production = ("--env", "staging"), ("--env", "production")
    messages = {"folder": fail("status")}
    runner.write_file(PROJECT, "tavus.toml")
    for name in ("ada", "ben", "eve"):
        runner.write_file(PERSONA.format(name), f"personas/{name}.yaml")
    messages["environment"] = fail("plan")
    messages["key"] = fail("plan", "--env", "account")
    messages["terminal"] = fail("apply", *production)
    messages["digest"] = fail("apply", *production, "--yes", "--plan", "0123456789ab")
    assert runner.run_without_sandbox("apply", *staging).status == 0
    state = tmp_path / ".tavus" / "staging.json"
    text = state.read_text(encoding="utf-8")
    state.unlink()
    messages["unknown object"] = fail("plan", *staging)
    state.write_text(text, encoding="utf-8")
    shutil.rmtree(tmp_path / ".tavus" / "local" / "staging")
    messages["other account"] = fail("plan", *staging)
    configuration = PROJECT.replace("protected = true", 'secrets = { openai = "OPENAI_KEY" }')
    runner.write_file(configuration, "tavus.toml")
    runner.write_file(PERSONA.format("ada") + SECRET_LAYER, "personas/ada.yaml")
    messages["secret"] = fail("plan", *production)
    require_agreement(PROJECTS, messages)
