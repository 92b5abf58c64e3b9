"""Measure the server: start-up, calls, surface, memory, results.

What is compared is measured alternately, in the same run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import bench_personas
import httpx2
from processes import (
    API_KEY,
    BARE_SERVER_COMMAND,
    SERVER_COMMAND,
    SandboxProcess,
    ServerProcess,
    milliseconds_since,
    run_sandbox,
    start_server,
)
from report import Measurement

VENDOR_SURFACE_BYTES = 66_000
_WARM_UP_ROUNDS = 20
MEMORY_TOLERANCE_MIB = 0.5
"""Change of resident memory that is not growth: a few arenas of the allocator."""


def measure_startup(folder: Path, rounds: int) -> list[Measurement]:
    """Measure the time from the start of the process to ``tools/list`` and to a first call.

    An additional first round fills the disk cache.
    """
    lists: dict[str, list[float]] = {"ours": [], "bare": []}
    calls: dict[str, list[float]] = {"ours": [], "bare": []}
    commands = {"ours": SERVER_COMMAND, "bare": BARE_SERVER_COMMAND}
    first_calls: dict[str, tuple[str, dict[str, Any]]] = {
        "ours": ("describe_layer", {"layer": "llm"}),
        "bare": ("answer", {"question": "ready?"}),
    }
    for number in range(rounds + 1):
        for name, command in commands.items():
            tool, arguments = first_calls[name]
            started_at = time.perf_counter()
            with start_server(*command, folder=folder) as server:
                server.initialize()
                server.request("tools/list")
                listed_after = milliseconds_since(started_at)
                server.call(tool, **arguments)
                called_after = milliseconds_since(started_at)
            if number:
                lists[name].append(listed_after)
                calls[name].append(called_after)
    return [
        _compare_times("spawn to tools/list", lists, 0.25),
        _compare_times("spawn to the first call", calls, 1.2),
    ]


def _compare_times(name: str, times: dict[str, list[float]], goal: float) -> Measurement:
    ours, bare = median(times["ours"]), median(times["bare"])
    baseline = f"ours {ours:.0f} ms, one-tool bare SDK {bare:.0f} ms"
    detail = {
        "rounds": len(times["ours"]),
        "ours_ms": _round_values(times["ours"]),
        "bare_ms": _round_values(times["bare"]),
    }
    return Measurement(name, round(ours / bare, 3), "x", goal, baseline, True, detail)


def measure_calls(folder: Path, rounds: int) -> list[Measurement]:
    """Measure get_persona beside a GET and a call of the bare server."""
    with (
        run_sandbox(folder) as sandbox,
        start_server(*SERVER_COMMAND, folder=folder, **sandbox.client_environment) as ours,
        start_server(*BARE_SERVER_COMMAND, folder=folder) as bare,
    ):
        ours.initialize()
        bare.initialize()
        persona_id = ours.call("create_persona", **bench_personas.build_persona())[
            "structuredContent"
        ]["persona_id"]
        times = anyio.run(_time_calls, ours, bare, sandbox, persona_id, rounds)
    medians = {name: median(values) for name, values in times.items()}
    ours_ms, get_ms, bare_ms = medians["ours"], medians["get"], medians["bare"]
    ratio = round(ours_ms / (get_ms + bare_ms), 3)
    baseline = f"ours {ours_ms:.2f} ms, GET {get_ms:.2f} + bare call {bare_ms:.2f} ms"
    detail = {
        "rounds": rounds,
        **{f"{name}_ms": round(value, 4) for name, value in medians.items()},
    }
    return [Measurement("get_persona", ratio, "x", 1.2, baseline, True, detail)]


async def _time_calls(
    ours: ServerProcess, bare: ServerProcess, sandbox: SandboxProcess, persona_id: str, rounds: int
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"ours": [], "bare": [], "get": []}
    async with httpx2.AsyncClient(headers={"x-api-key": API_KEY}, trust_env=False) as client:
        for number in range(rounds + _WARM_UP_ROUNDS):
            started_at = time.perf_counter()
            ours.call("get_persona", persona_id=persona_id)
            elapsed = {"ours": milliseconds_since(started_at)}
            started_at = time.perf_counter()
            (await client.get(f"{sandbox.url}/personas/{persona_id}")).raise_for_status()
            elapsed["get"] = milliseconds_since(started_at)
            started_at = time.perf_counter()
            bare.call("answer", question="ready?")
            elapsed["bare"] = milliseconds_since(started_at)
            if number >= _WARM_UP_ROUNDS:
                for name, value in elapsed.items():
                    times[name].append(value)
    return times


def measure_connections(folder: Path) -> list[Measurement]:
    """Measure the number of connections to Tavus that 100 calls of several tools use."""
    with (
        run_sandbox(folder) as sandbox,
        start_server(*SERVER_COMMAND, folder=folder, **sandbox.client_environment) as ours,
    ):
        ours.initialize()
        created = ours.call("create_persona", **bench_personas.build_persona())
        persona_id = created["structuredContent"]["persona_id"]
        for number in range(33):
            ours.call("get_persona", persona_id=persona_id)
            ours.call("list_personas")
            ours.call("update_persona", persona_id=persona_id, greeting=f"Hello, caller {number}.")
        log = sandbox.read_requests()
    if len(log["requests"]) < 100:
        raise RuntimeError("the calls did not reach the sandbox")
    return [Measurement("connections for 100 calls", int(log["connections"]), "", 1)]


def measure_surface(folder: Path) -> list[Measurement]:
    """Measure the size of the tools as a model reads them, and of the output schemas."""
    default_tools, all_tools = _list_tools(folder), _list_tools(folder, "--toolsets", "all")
    sizes = {tool["name"]: _count_bytes(_select_visible_fields(tool)) for tool in all_tools}
    output_sizes = {tool["name"]: _count_bytes(tool["outputSchema"]) for tool in default_tools}
    largest = max((name for name in sizes if name != "create_persona"), key=sizes.__getitem__)
    default_size = sum(sizes[tool["name"]] for tool in default_tools)
    vendor = f"{len(default_tools)} tools; vendor {VENDOR_SURFACE_BYTES:,}"
    all_size, all_count = sum(sizes.values()), f"{len(all_tools)} tools"
    return [
        Measurement(
            "model-visible bytes, default", default_size, "B", 23_500, vendor, detail=sizes
        ),
        Measurement("model-visible bytes, all", all_size, "B", 40_000, all_count),
        Measurement("create_persona", sizes["create_persona"], "B", 5_000),
        Measurement("largest other tool", sizes[largest], "B", 2_000, largest),
        Measurement(
            "output schemas, default",
            sum(output_sizes.values()),
            "B",
            13_500,
            detail=output_sizes,
        ),
    ]


def _list_tools(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    with start_server(*SERVER_COMMAND, *arguments, folder=folder) as server:
        server.initialize()
        return list(server.request("tools/list")["tools"])


def _select_visible_fields(tool: dict[str, Any]) -> dict[str, Any]:
    return {name: tool[name] for name in ("name", "description", "inputSchema")}


def measure_memory(folder: Path, calls: int) -> list[Measurement]:
    """Measure the memory of the processes after 100 calls and after all of them."""
    with (
        run_sandbox(folder) as sandbox,
        start_server(*SERVER_COMMAND, folder=folder, **sandbox.client_environment) as ours,
        start_server(*BARE_SERVER_COMMAND, folder=folder) as bare,
    ):
        ours.initialize()
        bare.initialize()
        ours.wait_until_loaded()
        created = ours.call("create_persona", **bench_personas.build_persona())
        call_ours = _build_call_mix(ours, created["structuredContent"]["persona_id"])
        ours_start, ours_end = _measure_resident_mib(ours, call_ours, calls)
        bare_start, bare_end = _measure_resident_mib(
            bare, lambda _: bare.call("answer", question="ready?"), calls
        )
    return [
        Measurement(
            f"memory after {calls:,} calls",
            round(ours_end / bare_end, 3),
            "x",
            1.35,
            f"ours {ours_end:.1f} MiB, one-tool bare SDK {bare_end:.1f} MiB",
            True,
        ),
        Measurement(
            "memory growth after 100 calls",
            round(ours_end - ours_start, 2),
            "MiB",
            MEMORY_TOLERANCE_MIB,
            f"bare SDK {bare_end - bare_start:+.1f} MiB",
            True,
        ),
    ]


def _build_call_mix(ours: ServerProcess, persona_id: str) -> Callable[[int], object]:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_persona", {"persona_id": persona_id}),
        ("list_personas", {}),
        ("configure_llm", {"persona_id": persona_id, "temperature": 0.5, "dry_run": True}),
        ("check_persona", {"persona_id": persona_id}),
        ("describe_layer", {"layer": "llm"}),
    ]

    def call(number: int) -> object:
        tool, arguments = calls[number % len(calls)]
        return ours.call(tool, **arguments)

    return call


def _measure_resident_mib(
    server: ServerProcess, call: Callable[[int], object], calls: int
) -> tuple[float, float]:
    """Return the resident memory after 100 calls and after ``calls`` calls."""
    for number in range(100):
        call(number)
    start_mib = server.resident_kib / 1024
    for number in range(100, calls):
        call(number)
    return start_mib, server.resident_kib / 1024


def measure_results(folder: Path) -> list[Measurement]:
    """Measure the size of results: text or structured content, whichever is larger."""
    state = folder / "hundred.sqlite3"
    bench_personas.write_sandbox_state(state, 100)
    with (
        run_sandbox(folder, state) as sandbox,
        start_server(*SERVER_COMMAND, folder=folder, **sandbox.client_environment) as ours,
    ):
        ours.initialize()
        list_sizes = _result_sizes(ours.call("list_personas", limit=100, persona_type="user"))
        prompt = (bench_personas.SENTENCE * 300)[:20_000]
        created = ours.call("create_persona", **bench_personas.build_persona(prompt=prompt))
        persona_id = created["structuredContent"]["persona_id"]
        read_sizes = _result_sizes(ours.call("get_persona", persona_id=persona_id))
    return [
        Measurement(name, max(sizes.values()), "B", goal, _render_byte_counts(sizes))
        for name, sizes, goal in (
            ("list of 100 personas", list_sizes, 12_000),
            ("persona with a 20 kB prompt", read_sizes, 6_000),
        )
    ]


def _result_sizes(result: dict[str, Any]) -> dict[str, int]:
    text = "\n".join(part["text"] for part in result["content"])
    return {"text": len(text.encode()), "structured": _count_bytes(result["structuredContent"])}


def _render_byte_counts(byte_counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {size:,}" for name, size in byte_counts.items())


def _count_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _round_values(values: list[float]) -> list[float]:
    return [round(value, 1) for value in values]
