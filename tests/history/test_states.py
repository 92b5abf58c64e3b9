"""Texts that name recorded states: found by digest, recomputed, ambiguous, or altered."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.errors import Refused
from tavus_mcp.history.record import READ_AGAIN, record_observed
from tavus_mcp.history.states import find_state, is_at_revision
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.tavus_api.client import TavusApi

pytestmark = pytest.mark.anyio
FIELDS = {"persona_id": "p1", "persona_name": "Ada", "greeting": "Hi."}
LIVE = PersonaDocument({**FIELDS, "tool_ids": ["t1"], "updated_at": "2026-01-01"})


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    api = TavusApi("http://127.0.0.1/v2", "any-key-0123456789")
    app = App(api, load_catalog(), Journal(tmp_path / "journal.sqlite3"))
    yield app
    await app.aclose()


def serialize(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def old_revision(fields: dict[str, Any]) -> str:
    """Return the revision that version 0.1 gave to fields without secrets."""
    return hashlib.sha256(serialize(fields).encode()).hexdigest()[:12]


async def record_as_old_version(app: App, fields: dict[str, Any]) -> str:
    """Record a state as version 0.1 did; return its revision."""
    revision, body = old_revision(fields), serialize(fields)
    entry = JournalEntry("seen", "p1", app.now(), "elsewhere", "seen", revision, body=body)
    await app.journal.append(entry)
    return revision


async def test_a_state_recorded_by_version_0_1_is_no_change_made_elsewhere(app: App) -> None:
    old = await record_as_old_version(app, FIELDS)
    await record_observed(app, LIVE)
    await record_observed(app, LIVE)
    newest, first = await app.journal.entries_of_persona("p1")
    assert (first.revision, newest.tool) == (old, READ_AGAIN)
    assert newest.revision_digest == LIVE.digest != ""


async def test_both_ids_of_a_state_resolve(app: App) -> None:
    old = await record_as_old_version(app, FIELDS)
    await record_observed(app, LIVE)
    before, now = await find_state(app, "p1", old), await find_state(app, "p1", LIVE.digest)
    assert before is not None
    assert now is not None
    assert (before.data, before.revision) == (FIELDS, old)
    assert now.data["tool_ids"] == ["t1"]
    assert await is_at_revision(app, LIVE, old)
    assert await is_at_revision(app, LIVE, LIVE.revision)


async def test_an_old_id_resolves_to_a_state_recorded_by_this_version_only(app: App) -> None:
    """The file of a colleague names it; this journal never held the old id."""
    await record_observed(app, LIVE)
    found = await find_state(app, "p1", old_revision(FIELDS))
    assert found is not None
    assert found.digest == LIVE.digest


async def test_a_revision_of_two_states_is_refused_with_both_digests(app: App) -> None:
    other = "{}"
    for digest in (LIVE.digest, LIVE.revision + "0" * 52):
        entry = JournalEntry("seen", "p1", app.now(), revision=LIVE.revision, body=other)
        await app.journal.append(JournalEntry(**{**vars(entry), "revision_digest": digest}))
    with pytest.raises(Refused, match=f"{LIVE.revision}0{{52}}, {LIVE.digest}|{LIVE.digest}, "):
        await find_state(app, "p1", LIVE.revision)
    with pytest.raises(Refused, match="several states"):
        await is_at_revision(app, LIVE, LIVE.revision)
    assert await find_state(app, "p1", LIVE.digest) is not None
    assert await is_at_revision(app, LIVE, LIVE.digest)


async def test_a_live_state_with_the_same_first_digits_only_is_not_at_the_revision(
    app: App,
) -> None:
    digest = LIVE.revision + "0" * 52
    await app.journal.append(
        JournalEntry(
            "seen", "p1", app.now(), revision=LIVE.revision, revision_digest=digest, body="{}"
        )
    )
    assert not await is_at_revision(app, LIVE, LIVE.revision)


async def test_a_state_whose_stored_document_was_altered_is_not_used(app: App) -> None:
    await record_observed(app, LIVE)
    with closing(sqlite3.connect(app.journal.location)) as db, db:
        db.execute("DROP TRIGGER no_update_documents")
        db.execute("UPDATE documents SET body = replace(body, 'Hi.', 'Pay me.')")
    with pytest.raises(Refused, match="not as it was written"):
        await find_state(app, "p1", LIVE.revision)
