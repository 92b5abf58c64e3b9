"""What auditing a whole account costs, at a Tavus that takes its time for every request."""

from __future__ import annotations

import time
from pathlib import Path

import personas
from figures import MEMORY_TOLERANCE_MIB
from peers import SERVER_COMMAND, SandboxProcess, ServerProcess, run_sandbox, start_server
from report import Measurement

from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS

LATENCY_SECONDS = 0.02
"""Seconds that each request takes at Tavus."""
ACCOUNT_SIZE_RATIO = 10
"""The smaller account is so many times smaller."""
AUDIT_COUNT = 3


def measure_audit(folder: Path, count: int) -> list[Measurement]:
    """Measure an audit of so many personas, beside the time its requests must take; weigh it."""
    few, many = folder / "few.sqlite3", folder / "many.sqlite3"
    personas.write_sandbox_state(few, count // ACCOUNT_SIZE_RATIO)
    personas.write_sandbox_state(many, count)
    with (
        run_sandbox(folder, few) as small,
        start_server(
            *SERVER_COMMAND, "--toolsets", "all", folder=folder, **small.client_environment
        ) as ours,
    ):
        ours.initialize()
        _run_audit(ours, small, count // ACCOUNT_SIZE_RATIO)
        after_few = ours.resident_kib / 1024
    with (
        run_sandbox(folder, many) as large,
        start_server(
            *SERVER_COMMAND, "--toolsets", "all", folder=folder, **large.client_environment
        ) as ours,
    ):
        ours.initialize()
        large.delay_requests(LATENCY_SECONDS)
        times, weights = [], []
        for _ in range(AUDIT_COUNT):
            took, requests = _run_audit(ours, large, count)
            times.append(took)
            weights.append(ours.resident_kib / 1024)
    floor = requests / MAX_CONCURRENT_REQUESTS * LATENCY_SECONDS
    best = min(times)
    beside = (
        f"{best:.2f} s; {requests:,} requests, {MAX_CONCURRENT_REQUESTS} at once, "
        f"{LATENCY_SECONDS * 1000:.0f} ms each"
    )
    detail = {"personas": count, "seconds": [round(took, 3) for took in times]}
    grew = f"{after_few:.1f} to {weights[0]:.1f} MiB"
    again = f"{weights[0]:.1f} to {weights[-1]:.1f} MiB"
    return [
        Measurement("audit of an account", round(best / floor, 3), "x", 1.5, beside, True, detail),
        Measurement(
            f"memory of an audit {ACCOUNT_SIZE_RATIO} times as large",
            round(weights[0] - after_few, 1),
            "MiB",
            2.0,
            grew,
            True,
        ),
        Measurement(
            "memory growth of more audits",
            round(weights[-1] - weights[0], 1),
            "MiB",
            MEMORY_TOLERANCE_MIB,
            again,
            True,
        ),
    ]


def _run_audit(ours: ServerProcess, tavus: SandboxProcess, count: int) -> tuple[float, int]:
    """Audit the account; return the seconds, and the requests as Tavus saw them."""
    tavus.clear_requests()
    begun = time.perf_counter()
    report = ours.call("audit_personas")["structuredContent"]
    took = time.perf_counter() - begun
    if (report["checked"], report["complete"]) != (count, True):
        raise RuntimeError("the audit did not see the whole account")
    return took, len(tavus.read_requests()["requests"])
