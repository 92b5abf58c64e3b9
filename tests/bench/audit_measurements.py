"""Measure the audit of a whole account, at a Tavus with latency."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bench_personas
from processes import SERVER_COMMAND, SandboxProcess, ServerProcess, run_sandbox, start_server
from report import Measurement
from server_measurements import MEMORY_TOLERANCE_MIB

from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS

LATENCY_SECONDS = 0.02
"""Latency of each request."""
ACCOUNT_SIZE_RATIO = 10
"""Size of the large account divided by that of the small one."""
AUDIT_COUNT = 3


def measure_audit(folder: Path, count: int) -> list[Measurement]:
    """Measure audits of ``count`` personas: their time, and the memory of the server.

    The time is compared with the latency of their requests, the memory with that of an audit of
    fewer personas.
    """
    with _serve_account(folder, count // ACCOUNT_SIZE_RATIO) as (server, sandbox):
        _run_audit(server, sandbox, count // ACCOUNT_SIZE_RATIO)
        small_account_mib = server.resident_kib / 1024
    times, memory_mib = [], []
    with _serve_account(folder, count) as (server, sandbox):
        sandbox.delay_requests(LATENCY_SECONDS)
        for _ in range(AUDIT_COUNT):
            seconds, request_count = _run_audit(server, sandbox, count)
            times.append(seconds)
            memory_mib.append(server.resident_kib / 1024)
    least_seconds = request_count / MAX_CONCURRENT_REQUESTS * LATENCY_SECONDS
    return [
        Measurement(
            "audit of an account",
            round(min(times) / least_seconds, 3),
            "x",
            1.5,
            f"{min(times):.2f} s; {request_count:,} requests, {MAX_CONCURRENT_REQUESTS} at once, "
            f"{LATENCY_SECONDS * 1000:.0f} ms each",
            True,
            {"personas": count, "seconds": [round(seconds, 3) for seconds in times]},
        ),
        Measurement(
            f"memory of an audit {ACCOUNT_SIZE_RATIO} times as large",
            round(memory_mib[0] - small_account_mib, 1),
            "MiB",
            2.0,
            f"{small_account_mib:.1f} to {memory_mib[0]:.1f} MiB",
            True,
        ),
        Measurement(
            "memory growth of more audits",
            round(memory_mib[-1] - memory_mib[0], 1),
            "MiB",
            MEMORY_TOLERANCE_MIB,
            f"{memory_mib[0]:.1f} to {memory_mib[-1]:.1f} MiB",
            True,
        ),
    ]


@contextmanager
def _serve_account(folder: Path, count: int) -> Iterator[tuple[ServerProcess, SandboxProcess]]:
    """Start our server at a sandbox with ``count`` personas."""
    state = folder / f"{count}-personas.sqlite3"
    bench_personas.write_sandbox_state(state, count)
    with (
        run_sandbox(folder, state) as sandbox,
        start_server(
            *SERVER_COMMAND, "--toolsets", "all", folder=folder, **sandbox.client_environment
        ) as server,
    ):
        server.initialize()
        server.wait_until_loaded()
        yield server, sandbox


def _run_audit(server: ServerProcess, sandbox: SandboxProcess, count: int) -> tuple[float, int]:
    """Audit the account; return the seconds and the number of requests."""
    sandbox.clear_requests()
    started_at = time.perf_counter()
    report = server.call("audit_personas")["structuredContent"]
    seconds = time.perf_counter() - started_at
    if (report["checked"], report["complete"]) != (count, True):
        raise RuntimeError("the audit did not check the whole account")
    return seconds, len(sandbox.read_requests()["requests"])
