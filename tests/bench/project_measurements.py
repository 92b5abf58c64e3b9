"""Measure the comparison of a project with an account, at a Tavus with latency, and its memory."""

from __future__ import annotations

import gc
import time
import tracemalloc
from contextlib import aclosing
from pathlib import Path

import anyio
import bench_personas
from processes import API_KEY, SandboxProcess, run_sandbox
from report import Measurement

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS
from tavus_mcp.journal.journal import Journal
from tavus_mcp.project.plan import PlanOptions
from tavus_mcp.project.pull import PullOptions
from tavus_mcp.project.session import ProjectSession, open_session
from tavus_mcp.sandbox.store import Store
from tavus_mcp.tavus_api.client import TavusApi
from tavus_mcp.tavus_api.pagination import MAX_PAGE_ROWS

LATENCY_SECONDS = 0.02
"""Latency of each request."""
PARTS_PER_PERSONA = 2
PROMPT = (bench_personas.SENTENCE * 300)[:20_000]
COMPARISONS = 2
TRACED_COMPARISONS = 2
_KINDS = 6


def measure_project(folder: Path, personas: int) -> list[Measurement]:
    """Measure ``status`` and ``plan`` of a project: their requests, time and memory.

    The time is compared with the latency of the requests, the memory with the size of the prompts.
    """
    folder = folder / "project"
    folder.mkdir()
    (folder / "tavus.toml").write_text('[environments.bench]\napi_key_env = "KEY"\n')
    state = folder / "account.sqlite3"
    bench_personas.write_sandbox_state(state, personas, PROMPT)
    _add_guardrails(state, personas * PARTS_PER_PERSONA)
    with run_sandbox(folder, state) as sandbox:
        return anyio.run(_measure, folder, sandbox, personas)


def _add_guardrails(state: Path, count: int) -> None:
    store = Store.open(state)
    for number in range(count):
        uuid = f"g{number:012x}"
        row = {
            "uuid": uuid,
            "guardrail_name": f"rule_{number}",
            "guardrail_prompt": bench_personas.SENTENCE,
            "modality": "verbal",
            "created_at": "2026-01-01 00:00:00.000000",
            "updated_at": "2026-01-01 00:00:00.000000",
        }
        store.put("guardrail", uuid, row)
    store.close()


async def _measure(folder: Path, sandbox: SandboxProcess, personas: int) -> list[Measurement]:
    api = TavusApi(sandbox.url, API_KEY)
    app = App(api, load_catalog(), Journal(folder / "journal.sqlite3"))
    count = personas * (1 + PARTS_PER_PERSONA)
    async with aclosing(app):
        await open_session(app, folder, "bench").pull(PullOptions(takes_new=True), _ignore)
        session = open_session(app, folder, "bench")
        sandbox.delay_requests(LATENCY_SECONDS)
        seconds = []
        for _ in range(COMPARISONS):
            sandbox.clear_requests()
            seconds.append(await _time_plan(session, count))
            requests = len(sandbox.read_requests()["requests"])
        sandbox.delay_requests(0)
        memory = await _measure_memory(app, folder, personas)
    pages = 2 * _KINDS + count // MAX_PAGE_ROWS  # the last page of a list may be full
    least_seconds = requests / MAX_CONCURRENT_REQUESTS * LATENCY_SECONDS
    return [
        Measurement(
            "requests of a plan beyond one per object",
            requests - count,
            "requests",
            pages,
            f"{requests:,} requests for {count:,} objects",
            False,
        ),
        Measurement(
            "plan of a project",
            round(min(seconds) / least_seconds, 3),
            "x",
            1.5,
            f"{min(seconds):.2f} s; {requests:,} requests, {MAX_CONCURRENT_REQUESTS} at once, "
            f"{LATENCY_SECONDS * 1000:.0f} ms each",
            True,
            {"objects": count, "seconds": [round(item, 3) for item in seconds]},
        ),
        *memory,
    ]


async def _measure_memory(app: App, folder: Path, personas: int) -> list[Measurement]:
    """Measure what is allocated while a plan is held, and what is left after further ones."""
    held, left = [], []
    tracemalloc.start()
    try:
        for _ in range(TRACED_COMPARISONS):
            planned = await open_session(app, folder, "bench").plan(PlanOptions(), _ignore)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0] - (left[-1] if left else 0))
            del planned
            gc.collect()
            left.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    prompt_bytes = personas * len(PROMPT)
    return [
        Measurement(
            "memory of a plan per byte of its prompts",
            round(held[-1] / prompt_bytes, 2),
            "x",
            3.0,
            f"{held[-1] / 2**20:.1f} MiB; {personas} prompts of {len(PROMPT):,} bytes",
            False,
        ),
        Measurement(
            "memory growth of more plans",
            round((left[-1] - left[0]) / 1024, 1),
            "KiB",
            64,
            f"{left[0] / 1024:.0f} to {left[-1] / 1024:.0f} KiB",
            False,
        ),
    ]


async def _time_plan(session: ProjectSession, count: int) -> float:
    started_at = time.perf_counter()
    planned = await session.plan(PlanOptions(), _ignore)
    seconds = time.perf_counter() - started_at
    if len(planned.comparison.objects) != count or planned.plan.items:
        raise RuntimeError("the plan did not compare the whole account")
    return seconds


async def _ignore(*_: object) -> None:
    """Report no progress."""
