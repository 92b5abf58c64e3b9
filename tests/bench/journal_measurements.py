"""Measure the cost of the journal entries of one change."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median

import anyio
import bench_personas
from processes import milliseconds_since
from report import Measurement

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.history.record import WriteIntent, recorded_write
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.tavus_api.client import TavusApi


def measure_journaling(folder: Path, rounds: int) -> list[Measurement]:
    """Measure the time to record the intent and the outcome of one change.

    The intent waits for the disk twice, for the journal and for its anchor: the floor is the time
    of that on this disk.
    """
    app = App(
        TavusApi("http://127.0.0.1/v2", None), load_catalog(), Journal(folder / "bench.sqlite3")
    )
    times = anyio.run(_time_changes, app, rounds)
    app.journal.close()
    sync = _time_sync(folder, rounds)
    baseline = f"{rounds} changes, worst {max(times):.1f} ms; one wait for the disk {sync:.2f} ms"
    goal = round(5 + 3 * sync, 1)
    return [Measurement("journaling a change", round(median(times), 2), "ms", goal, baseline, True)]


def _time_sync(folder: Path, rounds: int) -> float:
    """Return the median time to write a few bytes to the disk, in milliseconds."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(rounds):
            started_at = time.perf_counter()
            file.write(b"x" * 100)
            os.fsync(file.fileno())
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
