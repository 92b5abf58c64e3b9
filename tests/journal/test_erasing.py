"""``tavus-mcp journal erase``: the contents are gone from the files, and the chain verifies."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_runner import CommandRunner
from journal_databases import journal_of_test, open_journal_of_test
from mcp_client import ToolClient

from tavus_mcp.cli import main
from tavus_mcp.journal.entry import ERASED, JournalEntry
from tavus_mcp.journal.erasure import ErasureTarget
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.verification import verify_journal

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]
PERSONAL = ("Ada Canary", "canary greeting", "canary prompt", "canary plan", "canary bulk")


def read_data_folder() -> bytes:
    folder = Path(os.environ["TAVUS_MCP_DATA_DIR"])
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def fill_journal(client: ToolClient) -> tuple[str, str]:
    """Create two personas, with a plan, a change and a bulk change that holds both."""
    persona_id = await client.create_persona(name=PERSONAL[0], system_prompt=PERSONAL[2])
    remaining = await client.create_persona(name="Bob", greeting="Hi from Bob.")
    await client.expect_result("update_persona", persona_id=persona_id, greeting=PERSONAL[1])
    await client.expect_result(
        "update_persona", persona_id=persona_id, greeting=PERSONAL[3], dry_run=True
    )
    plan = await client.expect_result(
        "plan_bulk_change", persona_ids=[persona_id], values={"/greeting": PERSONAL[4]}
    )
    await client.expect_result("apply_plan", plan_id=plan["plan_id"])
    both = await client.expect_result(
        "plan_bulk_change",
        persona_ids=[persona_id, remaining],
        values={"/context": "They speak of bicycles."},
    )
    await client.expect_result("apply_plan", plan_id=both["plan_id"])
    return persona_id, remaining


@pytest.mark.file_database
async def test_nothing_about_an_erased_persona_is_left_and_the_journal_verifies(
    open_tool_client: ToolClientFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_tool_client() as client:
        persona_id, remaining = await fill_journal(client)
        path = client.server.app.journal.location
        client.server.app.journal.close()
    assert all(text.encode() in read_data_folder() for text in PERSONAL)
    assert main.run(["journal", "erase", persona_id, "--yes"]) == 0
    assert [text for text in PERSONAL if text.encode() in read_data_folder()] == []
    assert b"Hi from Bob." in read_data_folder()
    result = verify_journal(path)
    assert result.faults == []
    assert result.erased_count > 0
    assert main.run(["journal", "verify"]) == 0
    assert "contents of" in capsys.readouterr().out
    with closing(JournalStore.open(path)) as journal:
        newest = list(journal.entries())[-1]
        assert (newest.kind, newest.persona_id) == ("erase", persona_id)
        assert journal.states(persona_id) == []
        assert journal.states(remaining) != []


async def test_the_history_of_an_erased_persona_has_no_revisions_and_others_are_undone(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as client:
        persona_id, remaining = await fill_journal(client)
        [row] = [
            row
            for row in (await client.expect_result("list_revisions", persona_id=remaining))[
                "revisions"
            ]
            if "plan_id" in row
        ]
        revision = (await client.expect_result("get_persona", persona_id=persona_id))["revision"]
        client.server.app.journal.close()
    assert main.run(["journal", "erase", persona_id, "--yes"]) == 0
    async with open_tool_client() as client:
        page = await client.expect_result("list_revisions", persona_id=persona_id)
        assert not any("revision" in row or "paths" in row for row in page["revisions"])
        assert page["note"].endswith("The contents of its oldest rows were erased.")
        page = await client.expect_result("list_revisions", persona_id=remaining)
        assert "erased" not in page["note"]
        error = await client.expect_error(
            "restore_revision", persona_id=persona_id, revision=revision
        )
        assert "holds no such revision" in error
        assert error.endswith(" was erased.")
        undo = await client.expect_result("plan_bulk_change", undo_of=row["plan_id"])
        await client.expect_result("apply_plan", plan_id=undo["plan_id"])
        assert "context" not in await client.read_persona(remaining)


async def test_an_erased_plan_is_no_plan_and_an_expired_creation_is_erased_too(
    open_tool_client: ToolClientFactory,
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    async with open_tool_client(clock=lambda: yesterday) as client:
        body = {"name": "Ada Canary", "system_prompt": "x", "default_replica_id": "rfe12d8b9597"}
        creation = await client.expect_result("create_persona", **body, dry_run=True)
        persona_id = (await client.expect_result("create_persona", **body))["persona_id"]
        plan = await client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Hi.", dry_run=True
        )
        bulk = await client.expect_result(
            "plan_bulk_change", persona_ids=[persona_id], values={"/greeting": "Hi."}
        )
        client.server.app.journal.close()
    assert main.run(["journal", "erase", persona_id, "--yes"]) == 0
    assert b"Ada Canary" not in read_data_folder()
    async with open_tool_client(clock=lambda: yesterday) as client:
        for planned in (creation, plan, bulk):
            error = await client.expect_error("apply_plan", plan_id=planned["plan_id"])
            assert "were erased from the journal" in error
        error = await client.expect_error("plan_bulk_change", undo_of=bulk["plan_id"])
        assert "were erased from the journal" in error


@pytest.mark.file_database
async def test_an_altered_erased_entry_is_detected(open_tool_client: ToolClientFactory) -> None:
    async with open_tool_client() as client:
        persona_id, _ = await fill_journal(client)
        path = client.server.app.journal.location
        client.server.app.journal.close()
    assert main.run(["journal", "erase", persona_id, "--yes"]) == 0
    with closing(JournalStore.open(path)) as journal:
        db = journal._db  # noqa: SLF001 - anybody can open the file
        db.execute("DROP TRIGGER no_update_entries")
        db.execute("UPDATE entries SET status = 'failed' WHERE seq = 2")
    assert "entry 2 is not as it was written" in verify_journal(path).faults


@pytest.mark.extended  # it waits for the other process as long as SQLite may: 10 s
@pytest.mark.file_database
async def test_while_a_server_uses_the_journal_the_command_says_that_copies_may_be_left(
    tool_client: ToolClient, capsys: pytest.CaptureFixture[str]
) -> None:
    persona_id, _ = await fill_journal(tool_client)
    with closing(JournalStore.open(tool_client.server.app.journal.location)) as journal:
        journal._db.execute("BEGIN")  # noqa: SLF001 - as a reader in another process
        journal._db.execute("SELECT * FROM entries").fetchone()  # noqa: SLF001
        status = main.run(["journal", "erase", persona_id, "--yes"])
    assert status == 1
    assert "Stop the servers" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "status"), [([], 64), (["p0"], 1)])
async def test_a_missing_or_unknown_persona_is_reported(
    tool_client: ToolClient, arguments: list[str], status: int
) -> None:
    await tool_client.create_persona()
    assert main.run(["journal", "erase", *arguments, "--yes"]) == status


async def test_a_person_sees_what_would_be_erased_and_must_agree(
    tool_client: ToolClient, tmp_path: Path
) -> None:
    persona_id, _ = await fill_journal(tool_client)
    tool_client.server.app.journal.close()
    runner, command = CommandRunner(tmp_path, {}), ("journal", "erase", persona_id)
    refused = runner.run_without_sandbox(*command)
    assert refused.status == 5
    assert "Nothing was erased: without a terminal, --yes is needed." in refused.stderr
    declined = runner.run_on_terminal(*command, stdin="no\n")
    assert declined.status == 5
    assert f"entries about 'Ada Canary' ({persona_id})" in declined.stdout
    assert "cannot be restored" in declined.stdout
    assert "2 plans of several objects among them" in declined.stdout
    assert declined.stdout.endswith("Type yes: no\ntavus-mcp: Nothing was erased.\n")
    with closing(open_journal_of_test()) as journal:
        assert len(journal.states(persona_id)) > 1
    done = runner.run_on_terminal(*command, stdin="yes\n")
    assert done.status == 0, done
    with closing(open_journal_of_test()) as journal:
        assert journal.states(persona_id) == []
        assert journal.verify() == []


async def test_nothing_is_erased_when_only_reading_is_allowed(
    tool_client: ToolClient, tmp_path: Path
) -> None:
    persona_id = await tool_client.create_persona()
    runner = CommandRunner(tmp_path, {})
    result = runner.run_without_sandbox("--read-only", "journal", "erase", persona_id, "--yes")
    assert (result.status, "nothing was changed" in result.stderr) == (5, True)


async def test_the_creation_of_an_erased_part_is_erased_too(tool_client: ToolClient) -> None:
    tool = {"name": "find_table", "description": "canary description", "parameters": {}}
    receipt = await tool_client.expect_result("save_tool", **tool)
    part_id = f"tool/{receipt['part']['id']}"
    assert main.run(["journal", "erase", part_id, "--yes"]) == 0
    with closing(open_journal_of_test()) as journal:
        entries = list(journal.entries())
    assert [entry.kind for entry in entries if entry.kind == "intent"] == ["intent"]
    assert not any("canary" in f"{entry.detail}{entry.body}" for entry in entries)


async def test_a_plan_of_another_object_is_not_erased_for_an_unknown_one(
    open_tool_client: ToolClientFactory,
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    async with open_tool_client(clock=lambda: yesterday) as client:
        body = {"name": "Ada", "system_prompt": "x", "default_replica_id": "rfe12d8b9597"}
        await client.expect_result("create_persona", **body, dry_run=True)
    assert main.run(["journal", "erase", "p0", "--yes"]) == 1
    assert verify_journal(journal_of_test()).erased_count == 0


@pytest.mark.file_database
async def test_an_altered_record_of_an_erasing_is_reported(
    tool_client: ToolClient, capsys: pytest.CaptureFixture[str]
) -> None:
    persona_id = await tool_client.create_persona()
    assert main.run(["journal", "erase", persona_id, "--yes"]) == 0
    with closing(open_journal_of_test()) as journal:
        db = journal._db  # noqa: SLF001 - anybody can open the file
        db.execute("DROP TRIGGER no_update_entries")
        db.execute(f"UPDATE entries SET detail = '{{\"{ERASED}\": [7]}}' WHERE kind = 'erase'")  # noqa: S608
    assert main.run(["journal", "verify"]) == 1
    assert "is not as it was written" in capsys.readouterr().err


@pytest.mark.file_database
async def test_more_entries_than_one_record_names_are_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tavus_mcp.journal.erasure._RECORDED_ENTRIES", 3)
    path = tmp_path / "journal.sqlite3"
    with closing(JournalStore.open(path)) as journal:
        for number in range(7):
            journal.append(JournalEntry("seen", "p1", "now", revision=str(number), body="{}"))
        assert journal.erase(ErasureTarget(("p1",))) == (7, True)
        assert [entry.kind for entry in journal.entries()].count("erase") == 3
    result = verify_journal(path)
    assert (result.faults, result.erased_count) == ([], 7)
