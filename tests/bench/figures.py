"""How each figure is measured. What is compared is measured in turns, in the same run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import httpx2
import personas
from peers import (
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
MEMORY_TOLERANCE_MIB = 0.5
"""MiB that resident memory may move without anything having grown: a few arenas."""


def measure_startup(folder: Path, rounds: int) -> list[Measurement]:
    """Measure spawn to the answer of ``tools/list``; one round of each warms the disk."""
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(rounds + 1):
        for name, command in (("ours", SERVER_COMMAND), ("bare", BARE_SERVER_COMMAND)):
            begun = time.perf_counter()
            with start_server(*command, folder=folder) as peer:
                peer.initialize()
                peer.request("tools/list")
                took = milliseconds_since(begun)
            if number:
                times[name].append(took)
    ours, bare = median(times["ours"]), median(times["bare"])
    floor = f"ours {ours:.0f} ms, one-tool bare SDK {bare:.0f} ms"
    detail = {
        "rounds": rounds,
        "ours_ms": _round_values(times["ours"]),
        "bare_ms": _round_values(times["bare"]),
    }
    return [
        Measurement("spawn to tools/list", round(ours / bare, 3), "x", 1.25, floor, True, detail)
    ]


def measure_calls(folder: Path, rounds: int) -> list[Measurement]:
    """Measure one read: ours over stdio, beside its GET and a bare call; then the connections."""
    with (
        run_sandbox(folder) as tavus,
        start_server(*SERVER_COMMAND, folder=folder, **tavus.client_environment) as ours,
        start_server(*BARE_SERVER_COMMAND, folder=folder) as bare,
    ):
        ours.initialize()
        bare.initialize()
        persona_id = ours.call("create_persona", **personas.build_persona())["structuredContent"][
            "persona_id"
        ]
        times = anyio.run(_time_calls, ours, bare, tavus, persona_id, rounds)
    with (
        run_sandbox(folder) as tavus,
        start_server(*SERVER_COMMAND, folder=folder, **tavus.client_environment) as ours,
    ):
        connected = _count_connections(ours, tavus)
    mid = {name: median(values) for name, values in times.items()}
    floor = mid["get"] + mid["bare"]
    beside = f"ours {mid['ours']:.2f} ms, GET {mid['get']:.2f} + bare call {mid['bare']:.2f} ms"
    detail = {"rounds": rounds, **{f"{name}_ms": round(value, 4) for name, value in mid.items()}}
    return [
        Measurement("get_persona", round(mid["ours"] / floor, 3), "x", 1.2, beside, True, detail),
        Measurement("connections for 100 calls", connected, "", 1),
    ]


async def _time_calls(
    ours: ServerProcess, bare: ServerProcess, tavus: SandboxProcess, persona_id: str, rounds: int
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"ours": [], "bare": [], "get": []}
    async with httpx2.AsyncClient(headers={"x-api-key": API_KEY}, trust_env=False) as client:
        for number in range(rounds + 20):
            begun = time.perf_counter()
            ours.call("get_persona", persona_id=persona_id)
            took = {"ours": milliseconds_since(begun)}
            begun = time.perf_counter()
            (await client.get(f"{tavus.url}/personas/{persona_id}")).raise_for_status()
            took["get"] = milliseconds_since(begun)
            begun = time.perf_counter()
            bare.call("answer", question="ready?")
            took["bare"] = milliseconds_since(begun)
            if number >= 20:
                for name, value in took.items():
                    times[name].append(value)
    return times


def _count_connections(ours: ServerProcess, tavus: SandboxProcess) -> int:
    """Count over how many connections a hundred calls of all kinds reach Tavus."""
    ours.initialize()
    made = ours.call("create_persona", **personas.build_persona())["structuredContent"]
    this = {"persona_id": made["persona_id"]}
    for number in range(33):
        ours.call("get_persona", **this)
        ours.call("list_personas")
        ours.call("update_persona", **this, greeting=f"Hello, caller {number}.")
    seen = tavus.read_requests()
    if len(seen["requests"]) < 100:
        raise RuntimeError("the calls did not reach the sandbox")
    return int(seen["connections"])


def measure_surface(folder: Path) -> list[Measurement]:
    """Weigh what the model is shown of the tools, and the output schemas beside it."""
    default, every = _tools(folder), _tools(folder, "--toolsets", "all")
    shown = {tool["name"]: _count_bytes(_select_visible_fields(tool)) for tool in every}
    outputs = {tool["name"]: _count_bytes(tool["outputSchema"]) for tool in default}
    largest = max((name for name in shown if name != "create_persona"), key=shown.__getitem__)
    total = sum(shown[tool["name"]] for tool in default)
    vendor = f"{len(default)} tools; vendor {VENDOR_SURFACE_BYTES:,}"
    return [
        Measurement("model-visible bytes, default", total, "B", 20_000, vendor, detail=shown),
        Measurement(
            "model-visible bytes, all", sum(shown.values()), "B", 34_000, f"{len(every)} tools"
        ),
        Measurement("create_persona", shown["create_persona"], "B", 5_000),
        Measurement("largest other tool", shown[largest], "B", 2_000, largest),
        Measurement("output schemas, default", sum(outputs.values()), "B", 12_000, detail=outputs),
    ]


def _tools(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    with start_server(*SERVER_COMMAND, *arguments, folder=folder) as peer:
        peer.initialize()
        return list(peer.request("tools/list")["tools"])


def _select_visible_fields(tool: dict[str, Any]) -> dict[str, Any]:
    return {name: tool[name] for name in ("name", "description", "inputSchema")}


def measure_memory(folder: Path, calls: int) -> list[Measurement]:
    """Weigh the processes after the first hundred calls and after all of them."""
    with (
        run_sandbox(folder) as tavus,
        start_server(*SERVER_COMMAND, folder=folder, **tavus.client_environment) as ours,
        start_server(*BARE_SERVER_COMMAND, folder=folder) as bare,
    ):
        ours.initialize()
        bare.initialize()
        made = ours.call("create_persona", **personas.build_persona())["structuredContent"]
        mix = _build_call_mix(ours, made["persona_id"])
        weights = {
            "ours": _measure_resident_mib(ours, mix, calls),
            "bare": _measure_resident_mib(
                bare, lambda _: bare.call("answer", question="ready?"), calls
            ),
        }
    (begun, ours_end), (bare_begun, bare_end) = weights["ours"], weights["bare"]
    beside = f"ours {ours_end:.1f} MiB, one-tool bare SDK {bare_end:.1f} MiB"
    grew = f"bare SDK {bare_end - bare_begun:+.1f} MiB"
    growth = round(ours_end - begun, 2)
    return [
        Measurement(
            f"memory after {calls:,} calls", round(ours_end / bare_end, 3), "x", 1.35, beside, True
        ),
        Measurement(
            "memory growth after 100 calls", growth, "MiB", MEMORY_TOLERANCE_MIB, grew, True
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

    def one(number: int) -> object:
        tool, arguments = calls[number % len(calls)]
        return ours.call(tool, **arguments)

    return one


def _measure_resident_mib(
    peer: ServerProcess, call: Callable[[int], object], calls: int
) -> tuple[float, float]:
    for number in range(100):
        call(number)
    begun = peer.resident_kib / 1024
    for number in range(100, calls):
        call(number)
    return begun, peer.resident_kib / 1024


def measure_answers(folder: Path) -> list[Measurement]:
    """Weigh what a model reads: text or structured content, whichever is larger."""
    state = folder / "hundred.sqlite3"
    personas.write_sandbox_state(state, 100)
    with (
        run_sandbox(folder, state) as tavus,
        start_server(*SERVER_COMMAND, folder=folder, **tavus.client_environment) as ours,
    ):
        ours.initialize()
        listed = _measure_answer_bytes(ours.call("list_personas", limit=100, persona_type="user"))
        long = personas.build_persona(prompt=(personas.SENTENCE * 300)[:20_000])
        made = ours.call("create_persona", **long)["structuredContent"]
        read = _measure_answer_bytes(ours.call("get_persona", persona_id=made["persona_id"]))
    return [
        Measurement(
            "list of 100 personas", max(listed.values()), "B", 12_000, _render_byte_counts(listed)
        ),
        Measurement(
            "persona with a 20 kB prompt", max(read.values()), "B", 6_000, _render_byte_counts(read)
        ),
    ]


def _measure_answer_bytes(result: dict[str, Any]) -> dict[str, int]:
    text = "\n".join(part["text"] for part in result["content"])
    return {"text": len(text.encode()), "structured": _count_bytes(result["structuredContent"])}


def _render_byte_counts(byte_counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {weight:,}" for name, weight in byte_counts.items())


def _count_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _round_values(values: list[float]) -> list[float]:
    return [round(value, 1) for value in values]
