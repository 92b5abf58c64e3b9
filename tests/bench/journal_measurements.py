"""Measure the journal: the entries of one change, and a page of a long history."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import anyio
import bench_personas
from journal_databases import SERVER_URL, create_database
from processes import milliseconds_since
from report import Measurement

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.cli.wiring import JOURNAL_FILE_NAME
from tavus_mcp.history.history_page import read_history_page
from tavus_mcp.history.record import WriteIntent, recorded_write
from tavus_mcp.journal import rows
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import Journal, JournalStore
from tavus_mcp.journal.postgres_database import PostgresLocation
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.tavus_api.client import TavusApi

PERSONA_ID = "p5317866"
_PAGES_OF_INTENT = 6
"""Pages of SQLite's log that an intent writes, each with a header."""
_CREDENTIALS = Credentials("http://127.0.0.1/v2", "bench-key-0123456789")


def measure_journaling(folder: Path, rounds: int) -> list[Measurement]:
    """Measure the time to record the intent and the outcome of one change.

    The intent waits for the disk twice, for the journal and for its anchor: the floor is the time
    of that on this disk, with as many bytes.
    """
    app = App(
        TavusApi("http://127.0.0.1/v2", None), load_catalog(), Journal(folder / "bench.sqlite3")
    )
    times = anyio.run(_time_changes, app, rounds)
    app.journal.close()
    waits = _time_disk_waits(folder, rounds)
    baseline = f"{rounds} changes, worst {max(times):.1f} ms; two waits for the disk {waits:.2f} ms"
    goal = round(5 + 1.5 * waits, 1)
    return [Measurement("journaling a change", round(median(times), 2), "ms", goal, baseline, True)]


def measure_shared_journaling(folder: Path, rounds: int) -> list[Measurement]:
    """Measure how much longer a change takes with a journal in PostgreSQL than in a file.

    The changes alternate. Nothing is measured without a server (``TAVUS_MCP_TEST_POSTGRES``).
    """
    if not SERVER_URL:
        return []
    url = create_database("tavus_mcp_bench")
    journals = {
        "file": Journal(folder / "beside.sqlite3"),
        "PostgreSQL": Journal(PostgresLocation(url, folder)),
    }
    times = anyio.run(_time_alternate_changes, journals, rounds)
    for journal in journals.values():
        journal.close()
    medians = {name: median(values) for name, values in times.items()}
    baseline = ", ".join(f"{name} {value:.1f} ms" for name, value in medians.items())
    value = round(medians["PostgreSQL"] - medians["file"], 2)
    return [Measurement("a change in PostgreSQL beside a file", value, "ms", 10, baseline, True)]


async def _time_alternate_changes(
    journals: dict[str, Journal], rounds: int
) -> dict[str, list[float]]:
    apps = {
        name: App(TavusApi("http://127.0.0.1/v2", None), load_catalog(), journal)
        for name, journal in journals.items()
    }
    times: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(rounds):
        for name, app in apps.items():
            times[name] += await _time_changes(app, 1)
    return times


def measure_history(folder: Path, rounds: int, entry_count: int) -> list[Measurement]:
    """Measure a page of ``list_revisions`` in a journal with so many entries of one persona."""
    path = folder / "long" / JOURNAL_FILE_NAME
    fill_journal(path, entry_count)
    api = TavusApi("http://127.0.0.1/v2", "bench-key-0123456789")
    app = App(api, load_catalog(), Journal(path, _CREDENTIALS))
    times = anyio.run(_time_history, app, rounds)
    app.journal.close()
    floor = _time_indexed_read(path, rounds)
    baseline = (
        f"{entry_count} entries, worst {max(times):.1f} ms; an indexed read of 20 rows "
        f"{floor:.2f} ms"
    )
    value = round(median(times), 2)
    return [Measurement("list_revisions of a long journal", value, "ms", 50, baseline, True)]


def fill_journal(path: Path, entry_count: int) -> None:
    """Write alternating intents and outcomes, each with a state, in few transactions."""
    with closing(JournalStore.open(path, _CREDENTIALS)) as store:
        store.append(JournalEntry("seen", PERSONA_ID, "2026-01-01"))
        account = store.entries_of_persona(PERSONA_ID)[0].account
    with closing(sqlite3.connect(path)) as db, db:
        _, parent = db.execute("SELECT seq, digest FROM head").fetchone()
        for seq in range(2, entry_count + 1):
            is_outcome = (entry_count - seq) % 2 == 0  # the newest intent has one as well
            state = {"persona_id": PERSONA_ID, "greeting": f"Hello {seq}", "context": "x" * 500}
            entry = JournalEntry(
                "outcome" if is_outcome else "intent",
                PERSONA_ID,
                "2026-01-01T00:00:00.000+00:00",
                "update_persona",
                status="applied" if is_outcome else "",
                revision=f"{seq:012x}",
                revision_digest=f"{seq:064x}",
                paths=() if is_outcome else ("/greeting",),
                ref=seq - 1 if is_outcome else 0,
                body=json.dumps(state) if is_outcome else "",
                account=account,
            ).with_position(seq, parent)
            parent = entry.digest
            if entry.body:
                db.execute("INSERT INTO documents VALUES (?, ?)", (entry.body_digest, entry.body))
            db.execute(rows.INSERT, rows.to_row(entry, entry.body_digest))
        db.execute("UPDATE head SET seq = ?, digest = ?", (entry_count, parent))


async def _time_history(app: App, rounds: int) -> list[float]:
    times = []
    for _ in range(rounds + 1):
        started_at = time.perf_counter()
        page = await read_history_page(app, PERSONA_ID, 20, None)
        times.append(round(milliseconds_since(started_at), 2))
        assert len(page.rows) == 20
    return times[1:]  # the first one opens the file


def _time_indexed_read(path: Path, rounds: int) -> float:
    query = "SELECT * FROM entries WHERE persona_id = ? ORDER BY seq DESC LIMIT 20"
    times = []
    with closing(sqlite3.connect(path)) as db:
        for _ in range(rounds):
            started_at = time.perf_counter()
            db.execute(query, (PERSONA_ID,)).fetchall()
            times.append(milliseconds_since(started_at))
    return median(times)


def _time_disk_waits(folder: Path, rounds: int) -> float:
    """Return the median time to write what an intent writes to the disk, in milliseconds."""
    times = []
    pages, line = bytes(_PAGES_OF_INTENT * 4120), b"x" * 131
    with (
        (folder / "pages").open("wb", buffering=0) as log,
        (folder / "line").open("wb", buffering=0) as anchor,
    ):
        for _ in range(rounds):
            started_at = time.perf_counter()
            log.write(pages)
            os.fsync(log.fileno())
            anchor.seek(0)
            anchor.write(line)
            os.fsync(anchor.fileno())
            times.append(milliseconds_since(started_at))
    return median(times)


async def _time_changes(app: App, rounds: int) -> list[float]:
    before = PersonaDocument({"persona_id": "p5317866", **bench_personas.build_persona()})
    times = []
    for number in range(rounds + 1):
        greeting = f"Hello number {number}"
        after = PersonaDocument({**before.data, "greeting": greeting})
        started_at = time.perf_counter()
        change = [Operation("add", "/greeting", greeting)]
        intent = WriteIntent("persona", "update_persona", before, change, after.data)
        async with recorded_write(app, intent) as write:
            pass
        await write.record_outcome("applied", after)
        times.append(milliseconds_since(started_at))
        before = after
    return times[1:]  # the first one creates the file
