"""``recorded_write`` brackets the sending of any kind of object with an intent and an outcome."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.errors import JournalUnavailable, NotFound, RequestRejected, Unavailable
from tavus_mcp.history.record import (
    WriteIntent,
    journal_id,
    record_observed,
    recorded_write,
)
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.tavus_api.client import TavusApi

pytestmark = pytest.mark.anyio
JOURNAL_ID = "tool/t1"


def build_tool(description: str) -> PartDocument:
    """Return a registry tool with a secret, as it is read."""
    api = {"url": "https://api.example.com", "auth": {"type": "bearer", "token": "canary-key-1"}}
    fields = {"name": "book", "description": description, "delivery": {"api": api}}
    return PartDocument("tool", "t1", fields)


BEFORE, AFTER = build_tool("Books a table."), build_tool("Books a room.")
OPERATIONS = (Operation("add", "/description", AFTER.at("/description")),)
INTENT = WriteIntent("tool", "save_tool", BEFORE, OPERATIONS, AFTER.stable_fields())


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    api = TavusApi("http://127.0.0.1/v2", "any-key-0123456789")
    app = App(api, load_catalog(), Journal(tmp_path / "journal.sqlite3"))
    yield app
    await app.aclose()


async def list_entries(app: App) -> list[tuple[str, str]]:
    """Return kind and status of the entries of the tool, oldest first."""
    entries = await app.journal.entries_of_persona(JOURNAL_ID)
    return [(entry.kind, entry.status) for entry in reversed(entries)]


async def test_the_intent_is_recorded_before_the_write_is_sent(app: App) -> None:
    async with recorded_write(app, INTENT) as write:
        assert await list_entries(app) == [("seen", "seen"), ("intent", "")]
        stored = await app.journal.entry(write.intent.seq)
    assert stored is not None
    assert stored.paths == ("/description",)
    assert stored.detail == {"wanted": {"/description": AFTER.at("/description")}}


async def test_the_outcome_holds_the_object_as_it_is_without_its_secrets(app: App) -> None:
    async with recorded_write(app, INTENT) as write:
        pass
    assert await write.record_outcome("applied", AFTER) == []
    assert (await list_entries(app))[-1] == ("outcome", "applied")
    [entry] = await app.journal.states(JOURNAL_ID, AFTER.revision)
    stored = json.loads(entry.body)
    assert stored["description"] == AFTER.at("/description")
    assert stored["delivery"]["api"]["auth"] == {"type": "bearer", "token": MASK}
    assert entry.revision_digest == AFTER.digest


async def test_a_refused_write_is_recorded_as_failed_and_the_refusal_is_raised(app: App) -> None:
    with pytest.raises(RequestRejected, match="no such field"):
        async with recorded_write(app, INTENT):
            raise RequestRejected("no such field", status=400)
    assert (await list_entries(app))[-1] == ("outcome", "failed")


async def test_a_write_without_an_answer_ends_the_block_and_has_no_outcome_yet(app: App) -> None:
    async with recorded_write(app, INTENT) as write:
        raise Unavailable("no answer")
    assert str(write.lost_response) == "no answer"
    assert (await list_entries(app))[-1] == ("intent", "")


async def test_a_cancelled_write_is_pending(app: App) -> None:
    with anyio.CancelScope() as scope:
        async with recorded_write(app, INTENT) as write:
            scope.cancel()
            await anyio.sleep_forever()
    assert app.cancelled_writes == {JOURNAL_ID: write.intent}
    assert (await list_entries(app))[-1] == ("intent", "")


async def test_a_cancelled_creation_is_not_pending_because_its_object_has_no_id(app: App) -> None:
    with anyio.CancelScope() as scope:
        async with recorded_write(app, WriteIntent("tool", "save_tool")):
            scope.cancel()
            await anyio.sleep_forever()
    assert app.cancelled_writes == {}


async def test_a_write_that_cannot_be_recorded_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file instead of a folder")
    api = TavusApi("http://127.0.0.1/v2", "any-key-0123456789")
    app = App(api, load_catalog(), Journal(tmp_path / "data" / "journal.sqlite3"))
    with pytest.raises(JournalUnavailable):
        async with recorded_write(app, INTENT):
            pytest.fail("it was sent")


async def test_an_outcome_that_cannot_be_recorded_is_a_finding(app: App, tmp_path: Path) -> None:
    async with recorded_write(app, INTENT) as write:
        pass
    app.journal.close()
    [finding] = await write.record_outcome("applied", AFTER)
    assert finding.rule == "not-recorded"


async def test_a_failed_read_back_is_a_finding_with_the_hint(app: App) -> None:
    async with recorded_write(app, INTENT) as write:
        pass
    with write.read_back("Read it with get_part."):
        raise NotFound("it is gone", status=404)
    [finding] = write.mismatches
    assert (finding.rule, finding.hint) == ("not-read-back", "Read it with get_part.")
    assert not write.is_read_back


async def test_a_conflict_is_recorded_and_names_the_lost_answer_as_its_cause(app: App) -> None:
    async with recorded_write(app, INTENT) as write:
        raise Unavailable("no answer")
    conflict = await write.record_conflict("unknown", "It is not known.")
    assert conflict.__cause__ is write.lost_response
    assert (await list_entries(app))[-1] == ("outcome", "unknown")


async def test_an_object_is_recorded_as_observed_once_per_revision(app: App) -> None:
    for observed in (BEFORE, BEFORE, AFTER, AFTER):
        await record_observed(app, observed)
    assert await list_entries(app) == [("seen", "seen")] * 2


async def test_objects_of_different_kinds_with_one_id_have_separate_histories(app: App) -> None:
    await record_observed(app, BEFORE)
    assert await app.journal.entries_of_persona("t1") == []
    assert journal_id("persona", "t1") == "t1"
