"""A call ends within its limit and reports the known outcome; a slow one reports progress.

The limits of these servers are fractions of a second, and the sandbox never answers, so the tests
do not depend on the speed of the machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_client import ToolClient, build_test_app, text_of
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressReporter
from tavus_mcp.deadlines import (
    CallLimits,
    CallTimedOut,
    has_time_for_more,
    limit_call,
    pause_for_person,
    time_left,
    time_left_for_write,
)
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

pytestmark = pytest.mark.anyio
SHORT = CallLimits(
    seconds=0.5, stop_seconds=1.5, first_progress_seconds=0.02, progress_interval_seconds=0.05
)
LONGER = CallLimits(seconds=3.0, stop_seconds=5.0)
"""Leaves 0.6 s for reading back."""
STOPPED = CallLimits(seconds=9.0, stop_seconds=0.1)


@dataclass
class HangingApp:
    """A sandbox that carries out some requests and never answers them."""

    app: ASGIApp
    hangs: Callable[[str, str], bool] = lambda _method, _path: False
    requests: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests.append(f"{scope['method']} {scope['path']}")
        if self.hangs(scope["method"], scope["path"]):
            await self.app(scope, receive, _discard)
            await anyio.sleep_forever()
        await self.app(scope, receive, send)


async def _discard(_message: Message) -> None:
    """Discard an answer."""


@dataclass
class SlowCase:
    """A client of a server with short limits, its App, and the Tavus that it calls."""

    tool_client: ToolClient
    app: App
    tavus: HangingApp
    journal_path: Path

    async def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail in time; return the text of the error."""
        with anyio.fail_after(5):
            return await self.tool_client.expect_error(tool, **arguments)

    def outcomes(self) -> list[str]:
        """Return the statuses of all outcomes in the journal, oldest first."""
        journal = JournalStore.open(self.journal_path)
        statuses = [entry.status for entry in journal.entries() if entry.kind == "outcome"]
        journal.close()
        return statuses


@asynccontextmanager
async def open_slow_case(
    sandbox: ASGIApp, tmp_path: Path, limits: CallLimits = SHORT
) -> AsyncIterator[SlowCase]:
    tavus = HangingApp(sandbox)
    app, transport = build_test_app(tavus, limits=limits)
    server = build_server(app, Settings(toolsets=TOOLSETS))
    async with Client(server, mode="legacy") as client:
        tool_client = ToolClient(client, transport, server)
        yield SlowCase(tool_client, app, tavus, tmp_path / "data" / "journal.sqlite3")


READS = {
    "list_personas": {},
    "list_personas by name": {"name_contains": "x"},
    "get_persona": {"persona_id": "p1"},
    "list_replicas": {},
    "list_conversations": {},
    "check_persona": {"persona_id": "p1"},
    "compare_personas": {"first": "p1", "second": "p2"},
    "update_persona": {"persona_id": "p1", "greeting": "Hi"},
    "create_persona": {"name": "A", "system_prompt": "You help.", "based_on": "p1"},
}


@pytest.mark.parametrize("case", READS)
async def test_a_read_that_hangs_ends_with_an_answer(
    sandbox: ASGIApp, tmp_path: Path, case: str
) -> None:
    async with open_slow_case(sandbox, tmp_path) as slow:
        slow.tavus.hangs = lambda _method, _path: True
        text = await slow.call(case.split()[0], **READS[case])
    assert "No answer from Tavus" in text
    assert "no complete answer came within" in text


async def test_a_change_without_an_answer_is_read_back(sandbox: ASGIApp, tmp_path: Path) -> None:
    async with open_slow_case(sandbox, tmp_path, LONGER) as slow:
        persona_id = await slow.tool_client.create_persona()
        slow.tavus.hangs = lambda method, _path: method == "PATCH"
        receipt = await slow.tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Hi"
        )
    assert receipt["status"] == "applied"
    assert [finding["message"] for finding in receipt["findings"] if "lost" in finding["message"]]


async def test_a_change_without_any_answer_is_journaled_and_reported_as_unknown(
    sandbox: ASGIApp, tmp_path: Path
) -> None:
    async with open_slow_case(sandbox, tmp_path) as slow:
        persona_id = await slow.tool_client.create_persona()
        hanging = False

        def hangs(method: str, _path: str) -> bool:
            nonlocal hanging
            hanging = hanging or method == "PATCH"
            return hanging

        slow.tavus.hangs = hangs
        text = await slow.call("update_persona", persona_id=persona_id, greeting="Hi")
        assert "not certain" in text
        assert slow.outcomes()[-1] == "unknown"


async def test_a_creation_without_an_answer_is_found(
    sandbox: ASGIApp, tmp_path: Path, store: Store
) -> None:
    async with open_slow_case(sandbox, tmp_path, LONGER) as slow:
        slow.tavus.hangs = lambda method, _path: method == "POST"
        receipt = await slow.tool_client.expect_result(
            "create_persona", name="Once", system_prompt="You help."
        )
    rows = [row for row in store.all("persona") if row["persona_name"] == "Once"]
    assert [row["persona_id"] for row in rows] == [receipt["persona_id"]]


async def test_a_creation_that_cannot_be_looked_for_is_unknown(
    sandbox: ASGIApp, tmp_path: Path
) -> None:
    async with open_slow_case(sandbox, tmp_path) as slow:
        slow.tavus.hangs = lambda _method, _path: True
        text = await slow.call("create_persona", name="Once", system_prompt="You help.")
        assert "not known whether it was created" in text
        assert slow.outcomes()[-1] == "unknown"


async def test_a_write_is_not_begun_without_time_to_verify_it(
    sandbox: ASGIApp, tmp_path: Path
) -> None:
    limits = CallLimits(seconds=0.0, stop_seconds=5.0)
    async with open_slow_case(sandbox, tmp_path, limits) as slow:
        text = await slow.call("create_persona", name="Late", system_prompt="You help.")
        assert "not sent" in text
        assert slow.tavus.requests == []
        assert slow.outcomes() == ["failed"]


async def test_a_call_that_does_not_end_by_itself_is_stopped(
    sandbox: ASGIApp, tmp_path: Path, store: Store
) -> None:
    async with open_slow_case(sandbox, tmp_path, STOPPED) as slow:
        slow.tavus.hangs = lambda method, _path: method == "GET"
        text = await slow.call("get_persona", persona_id="p1")
    assert "took too long and was stopped" in text


async def test_progress_is_reported_while_tavus_is_slow(sandbox: ASGIApp, tmp_path: Path) -> None:
    values: list[float] = []

    async def note(progress: float, _total: float | None, message: str | None) -> None:
        assert message == "Waiting for Tavus"
        values.append(progress)

    async with open_slow_case(sandbox, tmp_path) as slow:
        slow.tavus.hangs = lambda _method, _path: True
        client = slow.tool_client.client
        result = await client.call_tool("list_personas", {}, progress_callback=note)
    assert result.is_error
    assert "No answer" in text_of(result)
    assert len(values) >= 3
    assert values == sorted(set(values))
    assert max(values) < 1


async def test_errors_keep_their_text_when_progress_is_wanted(
    sandbox: ASGIApp, tmp_path: Path
) -> None:
    async def ignore(_progress: float, _total: float | None, _message: str | None) -> None:
        """Request progress, so that the call runs beside the task that reports it."""

    async with open_slow_case(sandbox, tmp_path) as slow:
        result = await slow.tool_client.client.call_tool(
            "get_persona", {"persona_id": "p1"}, progress_callback=ignore
        )
    assert "no such persona" in text_of(result)


async def test_waiting_for_a_person_does_not_count() -> None:
    with limit_call(CallLimits(seconds=0.2, stop_seconds=0.05)):
        before = time_left()
        with pause_for_person():
            await anyio.sleep(0.1)  # a person thinks, for longer than the call may take
        assert time_left() > before - 0.05


async def test_work_that_reports_its_own_progress_silences_the_waiting_message() -> None:
    async def ignore(_done: float, _total: float | None) -> None:
        """Take a notification."""

    with limit_call(SHORT) as deadline:
        assert not deadline.has_reported
        await ProgressReporter(ignore).advance(10)
        assert deadline.has_reported


async def test_time_left_is_infinite_without_a_call_and_shrinks_in_one() -> None:
    assert time_left() == float("inf")
    assert has_time_for_more()
    with limit_call(CallLimits(seconds=10)):
        assert 7 < time_left_for_write() < time_left() <= 10
        assert has_time_for_more()
    with limit_call(CallLimits(seconds=0)):
        assert not has_time_for_more()
    with pytest.raises(CallTimedOut), limit_call(CallLimits(stop_seconds=0)):
        await anyio.sleep_forever()
