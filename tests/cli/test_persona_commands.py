"""The commands ``list``, ``undo``, ``restore`` and ``delete``."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from command_runner import CommandRunner
from mcp import Client

from tavus_mcp.cli.wiring import build_app
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import Settings

ADA = "persona_name: Ada\nsystem_prompt: You help people.\ndefault_replica_id: rfe12d8b9597\n"


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    return CommandRunner(tmp_path)


def read_prompt(runner: CommandRunner, persona_id: str) -> str:
    text = runner.run_successfully("export", persona_id).stdout
    return text.partition("system_prompt: ")[2].splitlines()[0]


def change_prompt(runner: CommandRunner, prompt: str, name: str = "persona.yaml") -> str:
    """Change the prompt by a file; return the command that the receipt names as its undo."""
    path = runner.folder / name
    lines = path.read_text().splitlines()
    lines = [f"system_prompt: {prompt}" if "system_prompt" in line else line for line in lines]
    path.write_text("\n".join(lines) + "\n")
    return runner.run_successfully("apply", name).find_value("undo")


def test_list_prints_the_personas_whose_name_contains_a_text(runner: CommandRunner) -> None:
    runner.create_persona_from_text(ADA)
    runner.create_persona_from_text(ADA.replace("Ada", "Bob"))
    header, *rows = runner.run_successfully("list").stdout.splitlines()
    assert header.split()[:2] == ["persona_id", "persona_name"]
    assert sorted(row.split()[1] for row in rows) == ["Ada", "Bob"]
    (_, row) = runner.run_successfully("list", "--name", "ad").stdout.splitlines()
    assert row.split()[1] == "Ada"


@pytest.mark.parametrize("position", ["before", "after"])
def test_sandbox_may_stand_before_or_after_the_command(
    runner: CommandRunner, position: str
) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    words = ["export", persona_id]
    words = ["--sandbox", *words] if position == "before" else [*words, "--sandbox"]
    assert "persona_name: Ada" in runner.run_without_sandbox(*words).stdout


def test_the_printed_undo_takes_back_the_change(runner: CommandRunner) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    undo = change_prompt(runner, "You assist people.")
    assert undo.startswith("tavus-mcp undo ")
    result = runner.run_without_sandbox(*undo.split()[1:])
    assert (result.status, result.find_value("status")) == (0, "applied")
    assert read_prompt(runner, persona_id) == "You help people."


def test_undo_without_a_revision_takes_back_the_last_change(runner: CommandRunner) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    change_prompt(runner, "You assist people.")
    planned = runner.run("undo", persona_id, "--dry-run")
    assert planned.status == 2
    assert read_prompt(runner, persona_id) == "You assist people."
    runner.run_successfully("undo", persona_id)
    assert read_prompt(runner, persona_id) == "You help people."


def test_undo_does_not_overwrite_a_later_edit_unless_it_is_named(runner: CommandRunner) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    first = change_prompt(runner, "You assist people.").split()[2]
    change_prompt(runner, "You serve people.")
    result = runner.run("undo", first)
    assert result.status == 3
    for words in ("/system_prompt", "You assist people.", "You serve people."):
        assert words in result.stderr
    assert read_prompt(runner, persona_id) == "You serve people."
    runner.run_successfully("undo", first, "--overwrite", "/system_prompt")
    assert read_prompt(runner, persona_id) == "You help people."


def test_undo_of_a_creation_is_refused_with_what_to_do(runner: CommandRunner) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    result = runner.run("undo", persona_id)
    assert result.status == 4
    assert "delete the persona" in result.stderr


@pytest.mark.parametrize("reference", ["p123", "p123@abc", "plan-7-12345678"])
def test_undo_of_an_unknown_change_is_refused(runner: CommandRunner, reference: str) -> None:
    result = runner.run("undo", reference)
    assert result.status == 4
    assert "Traceback" not in result.stderr


def test_restore_brings_back_parts_of_a_revision(runner: CommandRunner) -> None:
    path, persona_id = runner.create_persona_from_text(ADA)
    revision = path.read_text().partition("revision: ")[2].split()[0].strip('"')
    path.write_text(path.read_text().replace("Ada", "Eva"))
    change_prompt(runner, "You assist people.")
    result = runner.run_successfully(
        "restore", f"{persona_id}@{revision}", "--only", "/persona_name"
    )
    assert "+ /persona_name" in result.stdout or "~ /persona_name" in result.stdout
    assert "persona_name: Ada" in runner.run_successfully("export", persona_id).stdout
    assert read_prompt(runner, persona_id) == "You assist people."
    assert runner.run("restore", persona_id).status == 64


def test_delete_needs_yes_without_a_terminal(runner: CommandRunner) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    result = runner.run("delete", persona_id)
    assert result.status == 5
    assert "--yes" in result.stderr
    screen = runner.run_on_terminal("delete", persona_id, "--sandbox", stdin="Bob\n")
    assert screen.status == 5
    assert "not the name of the persona, so nothing was deleted." in screen.stdout
    stock = runner.run("delete", "p1af207b8189", "--yes")
    assert stock.status == 4
    assert "is a stock persona of Tavus and cannot be changed" in stock.stderr
    assert "create_persona" not in stock.stderr
    deleted = runner.run_successfully("delete", persona_id, "--yes")
    assert runner.run_successfully("list").stdout == "no personas\n"
    undone = runner.run_without_sandbox(*deleted.find_value("undo").split()[1:])
    assert undone.status == 0
    assert "Ada" in runner.run_successfully("list").stdout


@pytest.mark.parametrize("command", ["undo", "delete", "restore"])
def test_a_read_only_command_writes_nothing(runner: CommandRunner, command: str) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    change_prompt(runner, "You assist people.")
    result = runner.run("--read-only", command, persona_id)
    assert result.status == 5
    assert read_prompt(runner, persona_id) == "You assist people."


async def greet_in_bulk(folder: Path, persona_ids: list[str], text: str = "Hi") -> str:
    """Set the greeting of personas by one plan; return its id."""
    settings = Settings(sandbox=True, data_dir=folder, toolsets=("history", "fleet"))
    async with Client(build_server(build_app(settings), settings)) as client:
        values = {"persona_ids": persona_ids, "values": {"/greeting": text}}
        planned = await client.call_tool("plan_bulk_change", values)
        plan_id = str((planned.structured_content or {})["plan_id"])
        await client.call_tool("apply_plan", {"plan_id": plan_id})
    return plan_id


def test_undo_takes_back_a_bulk_change(runner: CommandRunner) -> None:
    ids = [runner.create_persona_from_text(ADA.replace("Ada", name))[1] for name in ("Ada", "Bob")]
    plan_id = anyio.run(greet_in_bulk, runner.data_folder, ids)

    def count_greetings() -> int:
        texts = [runner.run_successfully("export", persona_id).stdout for persona_id in ids]
        return sum("greeting: Hi" in text for text in texts)

    assert count_greetings() == 2
    declined = runner.run_on_terminal("--sandbox", "undo", plan_id, stdin="no\n")
    assert "Undo it for 2 personas? Type yes: no" in declined.stdout
    for options, status, count in (([], 5, 2), (["--dry-run"], 2, 2), (["--yes"], 0, 0)):
        undone = runner.run("undo", plan_id, *options)
        assert undone.status == status
        assert count_greetings() == count
    redone = runner.run_without_sandbox(*undone.find_value("undo").split()[1:], "--yes")
    assert (redone.status, count_greetings()) == (0, 2)


def test_the_undo_of_a_bulk_change_names_a_command_for_what_was_edited_since(
    runner: CommandRunner,
) -> None:
    ids = [runner.create_persona_from_text(ADA.replace("Ada", name))[1] for name in ("Ada", "Bob")]
    plan_id = anyio.run(greet_in_bulk, runner.data_folder, ids)
    reason = (
        "/greeting: not as the plan left it, so nothing of this persona is undone. "
        "To overwrite it: tavus-mcp undo ID@REVISION with --overwrite."
    )
    anyio.run(greet_in_bulk, runner.data_folder, ids[:1], "Mine")
    planned = runner.run("undo", plan_id, "--dry-run")
    assert (planned.status, reason in planned.stdout) == (2, True)
    anyio.run(greet_in_bulk, runner.data_folder, ids[1:], "Mine")
    refused = runner.run("undo", plan_id, "--dry-run")
    assert (refused.status, reason in refused.stderr) == (4, True)


@pytest.mark.parametrize("command", ["undo", "apply"])
def test_a_command_shows_the_plan_of_a_protected_account_and_needs_a_yes(
    runner: CommandRunner, command: str
) -> None:
    """With TAVUS_MCP_PROTECTED=1 every write answers a plan."""
    path, persona_id = runner.create_persona_from_text(ADA)
    change_prompt(runner, "You assist people.")
    path.write_text(path.read_text().replace("assist", "serve"))
    words = {
        "undo": ["undo", persona_id],
        "apply": ["apply", path.name],
    }
    done = runner.run(*words[command], TAVUS_MCP_PROTECTED="1")
    assert done.status == 5, done
    assert "status: planned" in done.stdout
    assert "TAVUS_MCP_PROTECTED=1" in done.stdout
    assert read_prompt(runner, persona_id) == "You assist people."
    assert runner.run(*words[command], "--yes", TAVUS_MCP_PROTECTED="1").status == 0
    assert read_prompt(runner, persona_id) != "You assist people."
    deleted = runner.run("delete", persona_id, "--yes", TAVUS_MCP_PROTECTED="1")
    assert deleted.find_value("status") == "applied"
    assert "Nothing was deleted" not in deleted.stdout


def test_a_change_that_cannot_all_be_read_back_is_undone_where_it_can(
    runner: CommandRunner,
) -> None:
    path, persona_id = runner.create_persona_from_text(ADA)
    path.write_text(path.read_text().replace("help", "assist") + "memories: [Likes tea.]\n")
    assert runner.run_successfully("apply", path.name).find_value("status") == "unverified"
    runner.run_successfully("undo", persona_id)
    assert read_prompt(runner, persona_id) == "You help people."


def test_messages_name_commands_and_no_tools(runner: CommandRunner) -> None:
    """A person at a terminal cannot call list_revisions or configure_llm."""
    path, persona_id = runner.create_persona_from_text(ADA)
    path.write_text(path.read_text() + "layers: {llm: {model: tavus-gpt-4o}}\n")
    printed = runner.run("apply", path.name).stdout
    assert 'hint: Set /layers/llm/model to "tavus-gemma-4".\n' in printed
    refused = runner.run("restore", f"{persona_id}@abcdefabcdef").stderr
    assert f"tavus-mcp journal show {persona_id} --sandbox shows those it holds." in refused
    missing = runner.run("export", "p000000000").stderr
    assert "tavus-mcp list --sandbox finds ids by name." in missing
    for text in (printed, refused, missing):
        assert "configure_llm" not in text
        assert "list_" not in text
