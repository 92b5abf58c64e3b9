"""What auditing a whole account costs, at a Tavus that takes its time for every request."""

from __future__ import annotations

import time
from pathlib import Path

import personas
from figures import SLACK
from peers import OURS, Peer, Sandbox, sandbox, spawned
from report import Figure

from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS

LATENCY = 0.02
"""Seconds that each request takes at Tavus."""
FEW = 10
"""The smaller account is so many times smaller."""
AUDITS = 3


def audit(folder: Path, count: int) -> list[Figure]:
    """Measure an audit of so many personas, beside the time its requests must take; weigh it."""
    few, many = folder / "few.sqlite3", folder / "many.sqlite3"
    personas.fill(few, count // FEW)
    personas.fill(many, count)
    with (
        sandbox(folder, few) as small,
        spawned(*OURS, "--toolsets", "all", folder=folder, **small.as_environment) as ours,
    ):
        ours.greet()
        _audited(ours, small, count // FEW)
        after_few = ours.resident / 1024
    with (
        sandbox(folder, many) as large,
        spawned(*OURS, "--toolsets", "all", folder=folder, **large.as_environment) as ours,
    ):
        ours.greet()
        large.slow(LATENCY)
        times, weights = [], []
        for _ in range(AUDITS):
            took, requests = _audited(ours, large, count)
            times.append(took)
            weights.append(ours.resident / 1024)
    floor = requests / MAX_CONCURRENT_REQUESTS * LATENCY
    best = min(times)
    beside = (
        f"{best:.2f} s; {requests:,} requests, {MAX_CONCURRENT_REQUESTS} at once, "
        f"{LATENCY * 1000:.0f} ms each"
    )
    detail = {"personas": count, "seconds": [round(took, 3) for took in times]}
    grew = f"{after_few:.1f} to {weights[0]:.1f} MiB"
    again = f"{weights[0]:.1f} to {weights[-1]:.1f} MiB"
    return [
        Figure("audit of an account", round(best / floor, 3), "x", 1.5, beside, True, detail),
        Figure(
            f"memory of an audit {FEW} times as large",
            round(weights[0] - after_few, 1),
            "MiB",
            2.0,
            grew,
            True,
        ),
        Figure(
            "memory growth of more audits",
            round(weights[-1] - weights[0], 1),
            "MiB",
            SLACK,
            again,
            True,
        ),
    ]


def _audited(ours: Peer, tavus: Sandbox, count: int) -> tuple[float, int]:
    """Audit the account; return the seconds, and the requests as Tavus saw them."""
    tavus.forget_requests()
    begun = time.perf_counter()
    report = ours.call("audit_personas")["structuredContent"]
    took = time.perf_counter() - begun
    if (report["checked"], report["complete"]) != (count, True):
        raise RuntimeError("the audit did not see the whole account")
    return took, len(tavus.requests()["requests"])
