"""Measure the cost of the journal entries of one change."""

from __future__ import annotations

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
    """Measure the time to record the intent and the outcome of one change."""
    app = App(
        TavusApi("http://127.0.0.1/v2", None), load_catalog(), Journal(folder / "bench.sqlite3")
    )
    times = anyio.run(_time_changes, app, rounds)
    app.journal.close()
    baseline = f"{rounds} changes, worst {max(times):.1f} ms"
    return [Measurement("journaling a change", round(median(times), 2), "ms", 5, baseline, True)]


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
