"""What writing down a change costs: the lines around one request, on disk."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import anyio
import personas
from peers import milliseconds_since
from report import Measurement

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.history.record import WriteIntent, recorded_write
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import Operation
from tavus_mcp.tavus_api.client import TavusApi


def measure_journaling(folder: Path, rounds: int) -> list[Measurement]:
    """Measure intent and outcome of one change, with the look at what is known before."""
    app = App(
        TavusApi("http://127.0.0.1/v2", None), load_catalog(), Journal(folder / "bench.sqlite3")
    )
    took = anyio.run(_time_changes, app, rounds)
    app.journal.close()
    beside = f"{rounds} changes, worst {max(took):.1f} ms"
    return [Measurement("journaling a change", round(median(took), 2), "ms", 5, beside, True)]


async def _time_changes(app: App, rounds: int) -> list[float]:
    before = PersonaDocument({"persona_id": "p5317866", **personas.build_persona()})
    took = []
    for number in range(rounds + 1):
        greeting = f"Hello number {number}"
        after = PersonaDocument({**before.data, "greeting": greeting})
        begun = time.perf_counter()
        change = [Operation("add", "/greeting", greeting)]
        intent = WriteIntent("persona", "update_persona", before, change, after.data)
        async with recorded_write(app, intent) as write:
            pass
        await write.record_outcome("applied", after)
        took.append(milliseconds_since(begun))
        before = after
    return took[1:]
