"""Two servers with one journal, and a dashboard, that edit one persona in a given order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from edits import EditRequest, EditScript, build_persona
from mcp import Client
from mcp_client import ToolClient, build_test_app, open_api_client, text_of
from scheduler import RecordedRequest, RequestScheduler, ScheduledApp

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings


@dataclass(frozen=True)
class EditAnswer:
    """What an actor was answered: the status or the error, the findings, and its requests."""

    actor: str
    edit: EditRequest
    status: str
    findings: tuple[Mapping[str, Any], ...] = ()
    was_planned: bool = False
    requests: tuple[RecordedRequest, ...] = ()


@dataclass(repr=False)
class TwoServers:
    """Two servers and a dashboard on one Tavus."""

    gates: dict[str, ScheduledApp]
    clients: dict[str, ToolClient]
    dashboard: httpx2.AsyncClient
    recorded_requests: list[RecordedRequest]
    interleavings: set[str] = field(default_factory=set)

    async def play(self, script: EditScript) -> list[EditAnswer]:
        """Run a script on a new persona; return what each actor was answered."""
        self.gates["dashboard"].scheduler = None
        made = await self.dashboard.post("/personas", json=build_persona())
        persona_id = made.json()["persona_id"]
        self.recorded_requests.clear()
        turns = RequestScheduler(script.order)
        turns.register(*script.edits)
        answers: list[EditAnswer] = []
        for gate in self.gates.values():
            gate.scheduler = turns

        async def act(actor: str) -> None:
            undo: dict[str, Any] | None = None
            for edit in script.edits[actor]:
                first = len(self.recorded_requests)
                answer, undo = await self._send_edit(actor, persona_id, edit, undo)
                sent = [item for item in self.recorded_requests[first:] if item.actor == actor]
                answers.append(EditAnswer(**{**vars(answer), "requests": tuple(sent)}))
            turns.release(actor)

        async with anyio.create_task_group() as tasks:
            for actor in script.edits:
                tasks.start_soon(act, actor)
        self.interleavings.add(script.interleaving_key(turns.trace))
        return answers

    async def _send_edit(
        self, actor: str, persona_id: str, edit: EditRequest, undo: dict[str, Any] | None
    ) -> tuple[EditAnswer, dict[str, Any] | None]:
        """Send an edit; return its answer, and the arguments of the call that undoes it."""
        if actor == "dashboard":
            answer = await self.dashboard.patch(f"/personas/{persona_id}", json=list(edit.patch))
            status = "applied" if answer.status_code == 200 else answer.text
            return EditAnswer(actor, edit, status), None
        arguments = {"persona_id": persona_id, **edit.arguments}
        if edit.is_undo:
            if undo is None:
                return EditAnswer(actor, edit, "unchanged"), None
            arguments = undo
        client = self.clients[actor]
        result = await client.call(edit.tool, **arguments)
        receipt = dict(result.structured_content or {})
        findings = list(receipt.get("findings", ()))
        if was_planned := receipt.get("status") == "planned":
            result = await client.call("apply_plan", plan_id=receipt["plan_id"])
            receipt = dict(result.structured_content or {})
            findings += receipt.get("findings", ())
        status = text_of(result) if result.is_error else str(receipt["status"])
        next_undo = receipt.get("undo") or {}
        answered = EditAnswer(actor, edit, status, tuple(findings), was_planned)
        return answered, next_undo.get("arguments")


@asynccontextmanager
async def open_two_servers(
    data: Path, switches: Switches | None = None
) -> AsyncIterator[TwoServers]:
    """Open two servers on one sandbox; they share the journal in a data folder."""
    store = Store.open(None)
    tavus = build_sandbox(store, switches=switches)
    recorded_requests: list[RecordedRequest] = []
    gates = {
        name: ScheduledApp(tavus, store, name, recorded_requests)
        for name in ("one", "two", "dashboard")
    }
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("TAVUS_MCP_DATA_DIR", str(data))
        apps = {name: build_test_app(gates[name]) for name in ("one", "two")}
    servers = {
        name: build_server(app, Settings(toolsets=TOOLSETS)) for name, (app, _) in apps.items()
    }
    async with (
        open_api_client(gates["dashboard"], "http://127.0.0.1/v2") as dashboard,
        Client(servers["one"], mode="legacy") as one,
        Client(servers["two"], mode="legacy") as two,
    ):
        clients = {"one": ToolClient(one, apps["one"][1]), "two": ToolClient(two, apps["two"][1])}
        yield TwoServers(gates, clients, dashboard, recorded_requests)
    store.close()
