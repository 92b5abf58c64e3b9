"""Subscriptions by an MCP client in both eras: own writes at once, other changes by reading."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_client import ToolClient, build_test_app
from mcp_types import ResourceUpdatedNotification
from starlette.types import ASGIApp

from tavus_mcp.server.resource_watch import MAX_POLL_INTERVAL_SECONDS, WatchClock
from tavus_mcp.server.server import build_server
from tavus_mcp.server.subscriptions import MAX_SUBSCRIBED_RESOURCES
from tavus_mcp.settings import Settings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed"),
]

ERAS = ["legacy", "2026-07-28"]
PERSONAS = "tavus://personas"
DEADLINE_SECONDS = 10
TURNS_OF_THE_LOOP = 30
"""More than a notification needs from the watcher to the client."""


class ManualClock(WatchClock):
    """A clock that a test moves. ``waits`` are the seconds that the watcher wanted to wait."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []
        self._moved = anyio.Event()
        self._is_waiting = anyio.Event()

    def now(self) -> float:
        return self.seconds

    async def wait(self, event: anyio.Event, seconds: float) -> None:
        ends_at = self.seconds + seconds
        self.waits.append(seconds)
        self._is_waiting.set()
        while not event.is_set() and self.seconds < ends_at:
            async with anyio.create_task_group() as tasks:
                for waited_for in (event, self._moved):
                    tasks.start_soon(wait_and_cancel, waited_for, tasks.cancel_scope)
        self._is_waiting = anyio.Event()

    async def settle(self) -> None:
        """Return when the watcher has nothing to do."""
        with anyio.fail_after(DEADLINE_SECONDS):
            await let_others_run()
            await self._is_waiting.wait()
            await let_others_run()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and the watcher do what is due."""
        self.seconds += seconds
        moved, self._moved = self._moved, anyio.Event()
        moved.set()
        await self.settle()


async def let_others_run() -> None:
    """Let every task run that can; all of them are in this event loop."""
    for _ in range(TURNS_OF_THE_LOOP):
        await anyio.lowlevel.checkpoint()


async def wait_and_cancel(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


class Subscriber:
    """A client of a server with a manual clock, and the addresses that it was notified of."""

    def __init__(self, tools: ToolClient, clock: ManualClock, mode: str) -> None:
        self.tools = tools
        self.clock = clock
        self.mode = mode
        self.updates: list[str] = []

    async def take_updates(self) -> list[str]:
        """Return the notified addresses since the last call, when nothing more is to come."""
        await self.clock.settle()
        updates, self.updates = self.updates, []
        return updates

    async def take_note(self, message: Any) -> None:
        if self.mode == "legacy" and isinstance(message, ResourceUpdatedNotification):
            self.updates.append(str(message.params.uri))

    @asynccontextmanager
    async def subscribe(self, *uris: str) -> AsyncIterator[Sequence[str]]:
        """Subscribe in this block; yields the addresses that the server honors."""
        if self.mode == "legacy":
            for uri in uris:
                await self.tools.client.subscribe_resource(uri)
            yield uris
            for uri in uris:
                await self.tools.client.unsubscribe_resource(uri)
            return
        async with (
            self.tools.client.listen(resource_subscriptions=uris) as stream,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._read_events, stream)
            yield stream.honored.resource_subscriptions or []
            tasks.cancel_scope.cancel()

    async def _read_events(self, stream: Any) -> None:
        async for event in stream:
            self.updates.append(event.uri)

    def count_reads(self) -> int:
        """Return the number of requests to Tavus since the last call."""
        count = len(self.tools.transport.requests)
        self.tools.transport.requests.clear()
        return count


@asynccontextmanager
async def open_subscriber(sandbox: ASGIApp, mode: str) -> AsyncIterator[Subscriber]:
    app, transport = build_test_app(sandbox)
    clock = ManualClock()
    server = build_server(app, Settings(), clock)
    subscriber: Subscriber

    async def handle(message: Any) -> None:
        await subscriber.take_note(message)

    async with Client(server, mode=mode, message_handler=handle) as client:
        subscriber = Subscriber(ToolClient(client, transport, server), clock, mode)
        yield subscriber


@pytest.fixture(params=ERAS)
async def subscriber(request: pytest.FixtureRequest, sandbox: ASGIApp) -> AsyncIterator[Subscriber]:
    async with open_subscriber(sandbox, request.param) as opened:
        yield opened


async def test_an_own_change_is_notified_without_waiting(subscriber: Subscriber) -> None:
    """Own changes are notified at once."""
    persona_id = await subscriber.tools.create_persona(layers={"stt": {"hotwords": "Tavus"}})
    uri = f"{PERSONAS}/{persona_id}"
    async with subscriber.subscribe(uri, f"{uri}/layers/tts", f"{uri}/layers/stt"):
        await subscriber.clock.settle()
        await subscriber.tools.expect_result(
            "configure_tts", persona_id=persona_id, tts_engine="cartesia"
        )
        assert sorted(await subscriber.take_updates()) == [uri, f"{uri}/layers/tts"]
        await subscriber.clock.advance(MAX_POLL_INTERVAL_SECONDS)
        assert await subscriber.take_updates() == [], "the same change is notified once"


async def test_a_change_in_the_dashboard_is_noticed_by_reading(subscriber: Subscriber) -> None:
    persona_id = await subscriber.tools.create_persona()
    uri = f"{PERSONAS}/{persona_id}"
    async with subscriber.subscribe(uri, f"{uri}/layers/tts"):
        await subscriber.clock.settle()
        await subscriber.tools.edit_in_dashboard(persona_id, "/greeting", "Good morning")
        assert await subscriber.take_updates() == []
        await subscriber.clock.advance(10)
        assert await subscriber.take_updates() == [uri]


async def test_the_list_of_personas_changes_with_creations_and_deletions(
    subscriber: Subscriber,
) -> None:
    async with subscriber.subscribe(PERSONAS):
        await subscriber.clock.settle()
        persona_id = await subscriber.tools.create_persona()
        await subscriber.clock.advance(2)
        assert await subscriber.take_updates() == [PERSONAS]
        await subscriber.tools.delete_persona(persona_id)
        await subscriber.clock.advance(2)
        assert await subscriber.take_updates() == [PERSONAS]


async def test_the_deletion_of_a_subscribed_persona_is_notified(subscriber: Subscriber) -> None:
    persona_id = await subscriber.tools.create_persona()
    uri = f"{PERSONAS}/{persona_id}"
    async with subscriber.subscribe(uri):
        await subscriber.clock.settle()
        await subscriber.tools.delete_persona(persona_id)
        await subscriber.clock.advance(2)
        assert await subscriber.take_updates() == [uri]


async def test_reading_becomes_seldom_while_nothing_changes_and_often_after_a_change(
    subscriber: Subscriber,
) -> None:
    persona_id = await subscriber.tools.create_persona()
    async with subscriber.subscribe(f"{PERSONAS}/{persona_id}"):
        await subscriber.clock.settle()
        subscriber.clock.waits.clear()
        for seconds in (10, 20, 40, 80, 160, 300):
            await subscriber.clock.advance(seconds)
        assert subscriber.clock.waits == [20, 40, 80, 160, 300, 300]
        await subscriber.tools.edit_in_dashboard(persona_id, "/greeting", "Good morning")
        await subscriber.clock.advance(300)
        assert await subscriber.take_updates() == [f"{PERSONAS}/{persona_id}"]
        assert subscriber.clock.waits[-1] == 10


async def test_nothing_is_read_that_is_not_subscribed(subscriber: Subscriber) -> None:
    """Resources without a subscription are not read."""
    persona_id = await subscriber.tools.create_persona()
    other_id = await subscriber.tools.create_persona(name="Other")
    subscriber.count_reads()
    await subscriber.clock.advance(10 * MAX_POLL_INTERVAL_SECONDS)
    assert subscriber.count_reads() == 0
    async with subscriber.subscribe(f"{PERSONAS}/{persona_id}"):
        await subscriber.clock.settle()
        lines = subscriber.tools.transport.request_lines
        assert lines == [f"GET /v2/personas/{persona_id}"]
        subscriber.count_reads()
        await subscriber.tools.expect_result("get_persona", persona_id=other_id)
        assert subscriber.count_reads() == 1
    await subscriber.clock.advance(10 * MAX_POLL_INTERVAL_SECONDS)
    assert subscriber.count_reads() == 0


async def test_resources_that_never_change_are_not_read(subscriber: Subscriber) -> None:
    persona_id = await subscriber.tools.create_persona()
    read = await subscriber.tools.expect_result("get_persona", persona_id=persona_id)
    fixed = [
        "tavus://schema/persona",
        "tavus://catalog/tts",
        f"{PERSONAS}/{persona_id}/revisions/{read['revision']}",
    ]
    subscriber.count_reads()
    async with subscriber.subscribe(*fixed) as honored:
        assert list(honored) == fixed
        await subscriber.clock.advance(MAX_POLL_INTERVAL_SECONDS)
        assert subscriber.count_reads() == 0


async def test_a_failed_read_is_tried_again_later(subscriber: Subscriber) -> None:
    persona_id = await subscriber.tools.create_persona()
    uri = f"{PERSONAS}/{persona_id}"
    async with subscriber.subscribe(uri):
        await subscriber.clock.settle()
        await subscriber.tools.edit_in_dashboard(persona_id, "/greeting", "Good morning")
        await subscriber.tools.control_sandbox(
            "POST",
            "/faults",
            {"kind": "status", "method": "GET", "path": "/v2/personas/*", "status": 403},
        )
        await subscriber.clock.advance(10)
        assert await subscriber.take_updates() == []
        await subscriber.tools.control_sandbox("DELETE", "/faults")
        await subscriber.clock.advance(20)
        assert await subscriber.take_updates() == [uri]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_capabilities_say_what_is_served(sandbox: ASGIApp, mode: str) -> None:
    async with open_subscriber(sandbox, mode) as subscriber:
        capabilities = subscriber.tools.client.server_capabilities
    assert capabilities.resources is not None
    assert capabilities.resources.subscribe is True
    for lists in (capabilities.tools, capabilities.prompts, capabilities.resources):
        assert lists is not None
        assert not lists.list_changed, "no list changes while the server runs"


async def test_a_subscription_above_the_limit_is_refused(sandbox: ASGIApp) -> None:
    async with open_subscriber(sandbox, "legacy") as subscriber:
        client = subscriber.tools.client
        for number in range(MAX_SUBSCRIBED_RESOURCES):
            await client.subscribe_resource(f"{PERSONAS}/p{number:011x}/revisions/a")
        await client.subscribe_resource(f"{PERSONAS}/p{0:011x}/revisions/a")
        with pytest.raises(MCPError, match="At most 100 resources"):
            await client.subscribe_resource(PERSONAS)
        await client.unsubscribe_resource(f"{PERSONAS}/p{0:011x}/revisions/a")
        await client.subscribe_resource(PERSONAS)


async def test_a_stream_honors_as_many_resources_as_the_limit_leaves(sandbox: ASGIApp) -> None:
    uris = [f"{PERSONAS}/p{number:011x}/revisions/a" for number in range(150)]
    async with open_subscriber(sandbox, "2026-07-28") as subscriber:
        async with subscriber.subscribe(*uris) as honored:
            assert list(honored) == uris[:MAX_SUBSCRIBED_RESOURCES]
            async with subscriber.subscribe(PERSONAS) as more:
                assert list(more) == []
        async with subscriber.subscribe(PERSONAS) as after:
            assert list(after) == [PERSONAS]


UNSERVED = [
    "tavus://persona",
    f"{PERSONAS}/p1af207b8189/layers/ears",
    f"{PERSONAS}/../keys",
    "https://example.com",
]


async def test_addresses_without_a_resource_are_refused_or_not_honored(sandbox: ASGIApp) -> None:
    async with open_subscriber(sandbox, "legacy") as subscriber:
        for uri in UNSERVED:
            with pytest.raises(MCPError, match="no such resource") as caught:
                await subscriber.tools.client.subscribe_resource(uri)
            assert caught.value.error.code == -32602
        await subscriber.tools.client.unsubscribe_resource(PERSONAS)
    async with (
        open_subscriber(sandbox, "2026-07-28") as subscriber,
        subscriber.subscribe(*UNSERVED, PERSONAS) as honored,
    ):
        assert list(honored) == [PERSONAS]


async def test_a_stream_honors_no_changes_of_lists(sandbox: ASGIApp) -> None:
    async with (
        open_subscriber(sandbox, "2026-07-28") as subscriber,
        subscriber.tools.client.listen(
            tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True
        ) as stream,
    ):
        assert stream.honored.model_dump(exclude_none=True) == {}


async def test_the_end_of_a_connection_ends_its_subscriptions(sandbox: ASGIApp) -> None:
    async with open_subscriber(sandbox, "legacy") as subscriber:
        watcher = subscriber.tools.server.subscriptions.watcher
        await subscriber.tools.client.subscribe_resource(PERSONAS)
        assert watcher.polled_uris == (PERSONAS,)
    assert watcher.polled_uris == ()


async def test_a_cancelled_stream_ends_its_subscriptions(sandbox: ASGIApp) -> None:
    async with open_subscriber(sandbox, "2026-07-28") as subscriber:
        watcher = subscriber.tools.server.subscriptions.watcher
        with anyio.CancelScope() as scope:
            async with subscriber.subscribe(PERSONAS):
                assert watcher.polled_uris == (PERSONAS,)
                scope.cancel()
                await anyio.sleep_forever()
        await subscriber.clock.settle()
        assert watcher.polled_uris == ()


async def test_two_streams_of_one_resource_share_its_reads(sandbox: ASGIApp) -> None:
    async with open_subscriber(sandbox, "2026-07-28") as subscriber:
        persona_id = await subscriber.tools.create_persona()
        uri = f"{PERSONAS}/{persona_id}"
        async with subscriber.subscribe(uri):
            async with subscriber.subscribe(uri):
                await subscriber.clock.settle()
                subscriber.count_reads()
                await subscriber.tools.edit_in_dashboard(persona_id, "/greeting", "Hi")
                await subscriber.clock.advance(10)
                assert subscriber.count_reads() == 1
                assert await subscriber.take_updates() == [uri, uri]
            await subscriber.tools.edit_in_dashboard(persona_id, "/greeting", "Hello")
            await subscriber.clock.advance(10)
            assert await subscriber.take_updates() == [uri]
