"""Two server processes on two data folders, one PostgreSQL and one Tavus: changes and undos.

The servers are called at the same time, each by a thread that draws changes of a few personas.
Afterwards the journal, the receipts and the personas of the sandbox must agree.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from processes import API_KEY, SERVER_COMMAND, ServerProcess, run_sandbox, start_server

from tavus_mcp.history.record import EXTERNAL_CHANGE
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.postgres_database import PostgresLocation

PERSONA_COUNT = 12
UNDO_DEPTH = 5
"""The newest changes of a server, of which one is undone."""
_TIMES = frozenset({"created_at", "updated_at"})
_FIELDS = ("greeting", "context")


@dataclass
class Caller:
    """Draws and makes the calls of one server; keeps what the server answered."""

    server: ServerProcess
    name: str
    random: Random
    persona_ids: list[str]
    shared_plans: list[str]
    """The plans of both servers, which either may apply at any time."""
    figures: Counter[str] = field(default_factory=Counter)
    applied: list[dict[str, Any]] = field(default_factory=list)
    applied_plans: list[str] = field(default_factory=list)
    undos: list[dict[str, Any]] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Make calls until ``count`` of them changed a persona."""
        number = 0
        while len(self.applied) < count:
            number += 1
            kind = self.random.randrange(10)
            if kind == 0:
                self._plan(number)
            elif kind < 3 and self.shared_plans:
                plan_id = self.random.choice(self.shared_plans[-3:])
                if self._call("plan", "apply_plan", plan_id=plan_id):
                    self.applied_plans.append(plan_id)
            elif kind < 7 and self.undos:
                newest = self.undos[-UNDO_DEPTH:]
                undo = self.random.choice(newest)
                self.undos.remove(undo)
                self._call("undo", undo["tool"], **undo["arguments"])
            else:
                self._call("change", "update_persona", **self._draw_change(number))

    def _draw_change(self, number: int) -> dict[str, Any]:
        persona_id = self.random.choice(self.persona_ids)
        name = self.random.choice(_FIELDS)
        return {"persona_id": persona_id, name: f"{name} {number} by {self.name}"}

    def _plan(self, number: int) -> None:
        change = {**self._draw_change(number), "context": f"planned {number} by {self.name}"}
        result = self._request("update_persona", dry_run=True, **change)
        if not result.get("isError"):
            self.shared_plans.append(result["structuredContent"]["plan_id"])

    def _call(self, kind: str, tool: str, **arguments: Any) -> bool:
        """Call a tool; return whether it changed a persona."""
        result = self._request(tool, **arguments)
        if result.get("isError"):
            text = result["content"][0]["text"]
            if not is_expected_refusal(text):
                raise AssertionError(f"{tool} {arguments}: {text}")
            self.figures[f"{kind}: refused as a conflict or as used"] += 1
            return False
        receipt = result["structuredContent"]
        self.figures[f"{kind}: {receipt['status']}"] += 1
        if receipt["status"] != "applied":
            return False
        self.applied.append(receipt)
        if undo := receipt.get("undo"):
            self.undos.append(undo)
        return True

    def _request(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.server.request("tools/call", name=tool, arguments=arguments)


def is_expected_refusal(text: str) -> bool:
    """Tell whether a call was refused because of what another one did before it."""
    reasons = ("were edited after", "changed", "conflict", "was used", "already")
    return any(reason in text.lower() for reason in reasons)


def run_shared_journal(url: str, folder: Path, count: int, seed: int) -> Counter[str]:
    """Make ``count`` changes and undos by two servers; return what happened in numbers.

    Raises ``AssertionError`` where an entry or a change was lost or doubled.
    """
    with ExitStack() as stack:
        sandbox = stack.enter_context(run_sandbox(folder))
        variables = {**sandbox.client_environment, "TAVUS_MCP_JOURNAL": url}
        servers = [
            stack.enter_context(
                start_server(
                    *SERVER_COMMAND, folder=folder / name, **variables, TAVUS_MCP_AUTHOR=name
                )
            )
            for name in ("one", "two")
        ]
        for server in servers:
            server.initialize()
        persona_ids = [
            create_persona(server) for server in servers for _ in range(PERSONA_COUNT // 2)
        ]
        plans: list[str] = []
        callers = [
            Caller(server, name, Random(f"{seed} {name}"), persona_ids, plans)  # noqa: S311
            for server, name in zip(servers, ("one", "two"), strict=True)
        ]
        with ThreadPoolExecutor(len(callers)) as pool:
            for finished in [pool.submit(caller.run, count // 2) for caller in callers]:
                finished.result()
        states = {name: read_stored_persona(sandbox.url, name) for name in persona_ids}
    with closing(JournalStore.open(PostgresLocation(url, folder / "one"))) as journal:
        figures = check_journal(journal, callers, states)
    for name in ("one", "two"):
        verify_by_command(url, folder / name)
    return figures


def check_journal(
    journal: JournalStore, callers: list[Caller], states: dict[str, dict[str, Any]]
) -> Counter[str]:
    """Compare the journal with the receipts and with the stored personas."""
    entries = list(journal.entries())
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert journal.verify() == []
    outcomes = [entry for entry in entries if entry.kind == "outcome"]
    intents = {entry.seq: entry for entry in entries if entry.kind == "intent"}
    answered = Counter(entry.ref for entry in outcomes)
    assert answered == Counter(dict.fromkeys(intents, 1)), "an intent has not one outcome"
    for caller in callers:
        check_receipts(caller, outcomes)
    plans = Counter(plan for caller in callers for plan in caller.applied_plans)
    assert set(plans.values()) <= {1}, "a plan was applied twice"
    for persona_id, stored in states.items():
        newest = next(entry for entry in journal.states(persona_id))
        state = json.loads(newest.body)
        different = {
            name: (stored.get(name), state.get(name))
            for name in state.keys() | (stored.keys() - _TIMES)
            if (stored.get(name) or None) != (state.get(name) or None)
        }
        assert not different, (persona_id, different)
    figures = sum((caller.figures for caller in callers), Counter[str]())
    figures["calls"] = figures.total()
    figures["applied"] = sum(len(caller.applied) for caller in callers)
    figures["states seen before their outcome was recorded"] = sum(
        entry.kind == "seen" and entry.tool == EXTERNAL_CHANGE for entry in entries
    )
    figures["entries of the journal"] = len(entries)
    figures["plans applied, each once"] = len(plans)
    return figures


def check_receipts(caller: Caller, outcomes: list[JournalEntry]) -> None:
    """Require one outcome for each receipt of a server, and one receipt for each outcome."""
    recorded = Counter(
        (entry.persona_id, entry.revision)
        for entry in outcomes
        if entry.author == caller.name
        and entry.status == "applied"
        and entry.tool != "create_persona"
    )
    received = Counter((item["persona_id"], item["revision"]) for item in caller.applied)
    assert recorded == received, (recorded - received, received - recorded)


def create_persona(server: ServerProcess) -> str:
    """Create a persona; return its id."""
    body = {"name": "Bot", "system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
    created = server.call("create_persona", **body, greeting="Hi.", context="None.")
    return str(created["structuredContent"]["persona_id"])


def read_stored_persona(base_url: str, persona_id: str) -> dict[str, Any]:
    """Return a persona as the sandbox holds it."""
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{base_url}/personas/{persona_id}", headers={"x-api-key": API_KEY}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310 - loopback
        answer = json.loads(response.read())
    return dict(answer["data"][0] if "data" in answer else answer)


def verify_by_command(url: str, folder: Path) -> None:
    """Run ``tavus-mcp journal verify`` with the anchor of a data folder."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("TAVUS_")}
    environment = {**inherited, "TAVUS_MCP_JOURNAL": url, "TAVUS_MCP_DATA_DIR": str(folder)}
    subprocess.run(
        [sys.executable, *SERVER_COMMAND, "journal", "verify"],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
