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
from peers import BARE, KEY, OURS, Peer, Sandbox, milliseconds_since, sandbox, spawned
from report import Figure

VENDOR_BYTES = 66_000
SLACK = 0.5
"""MiB that resident memory may move without anything having grown: a few arenas."""


def start(folder: Path, rounds: int) -> list[Figure]:
    """Measure spawn to the answer of ``tools/list``; one round of each warms the disk."""
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(rounds + 1):
        for name, command in (("ours", OURS), ("bare", BARE)):
            begun = time.perf_counter()
            with spawned(*command, folder=folder) as peer:
                peer.greet()
                peer.ask("tools/list")
                took = milliseconds_since(begun)
            if number:
                times[name].append(took)
    ours, bare = median(times["ours"]), median(times["bare"])
    floor = f"ours {ours:.0f} ms, one-tool bare SDK {bare:.0f} ms"
    detail = {
        "rounds": rounds,
        "ours_ms": _rounded(times["ours"]),
        "bare_ms": _rounded(times["bare"]),
    }
    return [Figure("spawn to tools/list", round(ours / bare, 3), "x", 1.25, floor, True, detail)]


def call(folder: Path, rounds: int) -> list[Figure]:
    """Measure one read: ours over stdio, beside its GET and a bare call; then the connections."""
    with (
        sandbox(folder) as tavus,
        spawned(*OURS, folder=folder, **tavus.as_environment) as ours,
        spawned(*BARE, folder=folder) as bare,
    ):
        ours.greet()
        bare.greet()
        persona_id = ours.call("create_persona", **personas.usual())["structuredContent"][
            "persona_id"
        ]
        times = anyio.run(_three_ways, ours, bare, tavus, persona_id, rounds)
    with (
        sandbox(folder) as tavus,
        spawned(*OURS, folder=folder, **tavus.as_environment) as ours,
    ):
        connected = _connections(ours, tavus)
    mid = {name: median(values) for name, values in times.items()}
    floor = mid["get"] + mid["bare"]
    beside = f"ours {mid['ours']:.2f} ms, GET {mid['get']:.2f} + bare call {mid['bare']:.2f} ms"
    detail = {"rounds": rounds, **{f"{name}_ms": round(value, 4) for name, value in mid.items()}}
    return [
        Figure("get_persona", round(mid["ours"] / floor, 3), "x", 1.2, beside, True, detail),
        Figure("connections for 100 calls", connected, "", 1),
    ]


async def _three_ways(
    ours: Peer, bare: Peer, tavus: Sandbox, persona_id: str, rounds: int
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"ours": [], "bare": [], "get": []}
    async with httpx2.AsyncClient(headers={"x-api-key": KEY}, trust_env=False) as client:
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


def _connections(ours: Peer, tavus: Sandbox) -> int:
    """Count over how many connections a hundred calls of all kinds reach Tavus."""
    ours.greet()
    made = ours.call("create_persona", **personas.usual())["structuredContent"]
    this = {"persona_id": made["persona_id"]}
    for number in range(33):
        ours.call("get_persona", **this)
        ours.call("list_personas")
        ours.call("update_persona", **this, greeting=f"Hello, caller {number}.")
    seen = tavus.requests()
    if len(seen["requests"]) < 100:
        raise RuntimeError("the calls did not reach the sandbox")
    return int(seen["connections"])


def surface(folder: Path) -> list[Figure]:
    """Weigh what the model is shown of the tools, and the output schemas beside it."""
    default, every = _tools(folder), _tools(folder, "--toolsets", "all")
    shown = {tool["name"]: _bytes(_visible(tool)) for tool in every}
    outputs = {tool["name"]: _bytes(tool["outputSchema"]) for tool in default}
    largest = max((name for name in shown if name != "create_persona"), key=shown.__getitem__)
    total = sum(shown[tool["name"]] for tool in default)
    vendor = f"{len(default)} tools; vendor {VENDOR_BYTES:,}"
    return [
        Figure("model-visible bytes, default", total, "B", 20_000, vendor, detail=shown),
        Figure("model-visible bytes, all", sum(shown.values()), "B", 34_000, f"{len(every)} tools"),
        Figure("create_persona", shown["create_persona"], "B", 5_000),
        Figure("largest other tool", shown[largest], "B", 2_000, largest),
        Figure("output schemas, default", sum(outputs.values()), "B", 12_000, detail=outputs),
    ]


def _tools(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    with spawned(*OURS, *arguments, folder=folder) as peer:
        peer.greet()
        return list(peer.ask("tools/list")["tools"])


def _visible(tool: dict[str, Any]) -> dict[str, Any]:
    return {name: tool[name] for name in ("name", "description", "inputSchema")}


def memory(folder: Path, calls: int) -> list[Figure]:
    """Weigh the processes after the first hundred calls and after all of them."""
    with (
        sandbox(folder) as tavus,
        spawned(*OURS, folder=folder, **tavus.as_environment) as ours,
        spawned(*BARE, folder=folder) as bare,
    ):
        ours.greet()
        bare.greet()
        made = ours.call("create_persona", **personas.usual())["structuredContent"]
        mix = _mixed(ours, made["persona_id"])
        weights = {
            "ours": _weighed(ours, mix, calls),
            "bare": _weighed(bare, lambda _: bare.call("answer", question="ready?"), calls),
        }
    (begun, ours_end), (bare_begun, bare_end) = weights["ours"], weights["bare"]
    beside = f"ours {ours_end:.1f} MiB, one-tool bare SDK {bare_end:.1f} MiB"
    grew = f"bare SDK {bare_end - bare_begun:+.1f} MiB"
    growth = round(ours_end - begun, 2)
    return [
        Figure(
            f"memory after {calls:,} calls", round(ours_end / bare_end, 3), "x", 1.35, beside, True
        ),
        Figure("memory growth after 100 calls", growth, "MiB", SLACK, grew, True),
    ]


def _mixed(ours: Peer, persona_id: str) -> Callable[[int], object]:
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


def _weighed(peer: Peer, call: Callable[[int], object], calls: int) -> tuple[float, float]:
    for number in range(100):
        call(number)
    begun = peer.resident / 1024
    for number in range(100, calls):
        call(number)
    return begun, peer.resident / 1024


def answers(folder: Path) -> list[Figure]:
    """Weigh what a model reads: text or structured content, whichever is larger."""
    state = folder / "hundred.sqlite3"
    personas.fill(state, 100)
    with (
        sandbox(folder, state) as tavus,
        spawned(*OURS, folder=folder, **tavus.as_environment) as ours,
    ):
        ours.greet()
        listed = _weights(ours.call("list_personas", limit=100, persona_type="user"))
        long = personas.usual(prompt=(personas.SENTENCE * 300)[:20_000])
        made = ours.call("create_persona", **long)["structuredContent"]
        read = _weights(ours.call("get_persona", persona_id=made["persona_id"]))
    return [
        Figure("list of 100 personas", max(listed.values()), "B", 12_000, _told(listed)),
        Figure("persona with a 20 kB prompt", max(read.values()), "B", 6_000, _told(read)),
    ]


def _weights(result: dict[str, Any]) -> dict[str, int]:
    text = "\n".join(part["text"] for part in result["content"])
    return {"text": len(text.encode()), "structured": _bytes(result["structuredContent"])}


def _told(weights: dict[str, int]) -> str:
    return ", ".join(f"{name} {weight:,}" for name, weight in weights.items())


def _bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 1) for value in values]
