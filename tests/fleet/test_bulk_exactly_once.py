"""Each persona is changed at most once, whatever fails and however often the plan is applied."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from account import read_stored_personas, store_equal_personas
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp_client import ToolClient, build_test_app
from property_examples import examples
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

PERSONAS = 4
FAULTS = (
    "nothing",
    "refused",
    "lost before",
    "lost after",
    "edited",
    "forbidden",
    "gone",
    "broken",
)


class FaultInjectingApp:
    """Injects planned faults into requests, and counts the writes that took effect."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app, self.store = app, store
        self.plan: list[str] = []
        self.changed: Counter[str] = Counter()
        self.edits = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.plan.pop(0) if self.plan else "nothing"
        persona_id = scope["path"].rsplit("/", 1)[-1]
        if fault == "edited":
            self._edit(persona_id)
        if fault == "gone":
            self.store.remove("persona", persona_id)
        if fault in ("refused", "forbidden", "broken"):
            status = {"refused": 400, "forbidden": 401, "broken": 500}[fault]
            await _send_status(send, status)
            return
        if fault == "lost before":
            raise TimeoutError
        before = (self.store.get("persona", persona_id) or {}).get("greeting")
        await self.app(scope, receive, _discard_message if fault == "lost after" else send)
        after = (self.store.get("persona", persona_id) or {}).get("greeting")
        self.changed[persona_id] += before != after
        if fault == "lost after":
            raise TimeoutError

    def _edit(self, persona_id: str) -> None:
        """Edit a persona as another client would, and remove its greeting."""
        row = self.store.get("persona", persona_id)
        if row is not None:
            self.edits += 1
            stamp = f"2026-11-02T00:00:{self.edits:02}.000000+00:00"
            unchanged = {key: value for key, value in row.items() if key != "greeting"}
            edited = {**unchanged, "context": f"edit {self.edits}", "updated_at": stamp}
            self.store.put("persona", persona_id, edited)


async def _discard_message(_message: Any) -> None:
    """Discard a response message."""


async def _send_status(send: Send, status: int) -> None:
    body = json.dumps({"message": "This happens."}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as opened:
        yield opened


async def run_attempts(
    tries: list[list[str]],
) -> tuple[FaultInjectingApp, list[dict[str, Any]]]:
    """Plan, then apply in one new server for each try, with the faults of that try."""
    store = Store.open(None)
    ids = store_equal_personas(store, PERSONAS)
    api = FaultInjectingApp(build_sandbox(store), store)
    plan_id = ""
    for number, faults in enumerate([[], *tries, []]):
        app, wire = build_test_app(api)
        server = build_server(app, Settings(toolsets=TOOLSETS))
        async with Client(server, mode="legacy") as session:
            client = ToolClient(session, wire, server)
            if not number:
                hello = {"values": {"/greeting": "Hello."}}
                plan = await client.expect_result("plan_bulk_change", everything=True, **hello)
                plan_id = plan["plan_id"]
                continue
            api.plan = list(faults)
            await client.call("apply_plan", plan_id=plan_id)
    rows = read_stored_personas(store, *ids)
    store.close()
    return api, rows


@example(tries=[["nothing"] * 4 + ["lost after"] * 4 + ["lost before"] * 4, ["edited"] * 4])
@given(
    tries=st.lists(
        st.lists(st.sampled_from(FAULTS), min_size=1, max_size=12), min_size=1, max_size=2
    )
)
@settings(
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_each_persona_is_changed_at_most_once(
    portal: BlockingPortal,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    tries: list[list[str]],
) -> None:
    monkeypatch.setenv("TAVUS_MCP_DATA_DIR", str(tmp_path_factory.mktemp("once")))
    api, rows = portal.call(run_attempts, tries)
    assert all(count <= 1 for count in api.changed.values()), api.changed
    for row in filter(None, rows):
        # the last try has no faults: only personas that others edited or deleted stay unchanged
        assert "greeting" in row or "context" in row
        assert api.changed[row["persona_id"]] or "greeting" not in row
