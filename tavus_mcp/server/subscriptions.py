"""Subscriptions to resources in both eras of the protocol.

Until 2025-11-25 a client sends ``resources/subscribe`` for each resource, and notifications come on
the connection. Since 2026-07-28 it sends ``subscriptions/listen``, whose answer is the stream of
notifications; the first one names what is honored. Lists never change while a server runs, so no
change of a list is ever announced or honored.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionFilter,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from tavus_mcp.app import App
from tavus_mcp.models.base import is_id
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.server.resource_watch import ResourceWatcher, WatchClock
from tavus_mcp.text import quote_foreign

MAX_SUBSCRIBED_RESOURCES = 100
"""Subscriptions of all clients of one server together."""
MAX_LISTEN_STREAMS = 16
"""Answers of ``subscriptions/listen`` that are open at the same time."""
_PERSONA_PARTS = re.compile(r"tavus://personas/(?P<persona>[^/]+)(/layers/(?P<layer>[^/]+))?(/.*)?")
_LIST_CAPABILITIES = ("prompts", "resources", "tools")

Context = ServerRequestContext[Any, Any]


@dataclass
class Subscriber:
    """A connection until 2025-11-25, with the resources that it subscribed to."""

    session: ServerSession
    uris: set[str] = field(default_factory=set)


class Subscriptions:
    """The subscriptions of the clients of one server; ``watcher`` notices the changes."""

    def __init__(self, server: MCPServer[Any], app: App, clock: WatchClock) -> None:
        self._server = server
        self._bus = InMemorySubscriptionBus()
        self._listen = ListenHandler(self._bus, max_subscriptions=MAX_LISTEN_STREAMS)
        self._subscribers: dict[int, Subscriber] = {}
        self._count = 0
        self.watcher = ResourceWatcher(app, self._publish, clock)

    def register(self, server: Server[Any]) -> None:
        """Serve the three methods; by their presence the SDK derives the capabilities."""
        server.add_request_handler("resources/subscribe", SubscribeRequestParams, self.subscribe)
        server.add_request_handler(
            "resources/unsubscribe", UnsubscribeRequestParams, self.unsubscribe
        )
        server.add_request_handler(
            "subscriptions/listen", SubscriptionsListenRequestParams, self.listen
        )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Notice changes in this block; at its end every subscription has ended."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.watcher.run)
            try:
                yield
            finally:
                for subscriber in self._subscribers.values():
                    self._release(subscriber.uris)
                self._subscribers.clear()
                tasks.cancel_scope.cancel()

    async def subscribe(self, ctx: Context, params: SubscribeRequestParams) -> EmptyResult:
        """Serve ``resources/subscribe``; subscribing again changes nothing.

        Raises ``MCPError``: -32602 for an address without a resource, -32600 above the limit.
        """
        if not await self._find_served([params.uri]):
            message = f"There is no such resource: {quote_foreign(params.uri)}"
            raise MCPError(INVALID_PARAMS, message)
        subscriber = self._subscribers.setdefault(_connection_id(ctx), Subscriber(ctx.session))
        if params.uri not in subscriber.uris:
            if self._count >= MAX_SUBSCRIBED_RESOURCES:
                raise MCPError(
                    INVALID_REQUEST,
                    f"At most {MAX_SUBSCRIBED_RESOURCES} resources can be subscribed at a time.",
                )
            subscriber.uris.add(params.uri)
            self._hold([params.uri])
        return EmptyResult()

    async def unsubscribe(self, ctx: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        """Serve ``resources/unsubscribe``; without a subscription nothing happens."""
        subscriber = self._subscribers.get(_connection_id(ctx))
        if subscriber is not None and params.uri in subscriber.uris:
            subscriber.uris.remove(params.uri)
            self._release([params.uri])
            if not subscriber.uris:
                del self._subscribers[_connection_id(ctx)]
        return EmptyResult()

    async def listen(
        self, ctx: Context, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve ``subscriptions/listen`` until the client ends it.

        Honored are the resources that are served, as many as the limit leaves.
        """
        wanted = list(dict.fromkeys(params.notifications.resource_subscriptions or ()))
        served = await self._find_served(wanted)
        honored = served[: MAX_SUBSCRIBED_RESOURCES - self._count]
        notifications = SubscriptionFilter(resource_subscriptions=honored or None)
        with self._hold_in_block(honored):
            return await self._listen(
                ctx, params.model_copy(update={"notifications": notifications})
            )

    async def _publish(self, uri: str) -> None:
        """Notify every client that subscribed to a resource."""
        await self._bus.publish(ResourceUpdated(uri))
        for subscriber in list(self._subscribers.values()):
            if uri in subscriber.uris:
                await subscriber.session.send_resource_updated(uri)

    async def _find_served(self, uris: Sequence[str]) -> list[str]:
        """Return those of some addresses at which a resource can be."""
        fixed = {str(item.uri) for item in await self._server.list_resources()}
        templates = [item.uri_template for item in await self._server.list_resource_templates()]
        patterns = [re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(item)) for item in templates]
        return [
            uri
            for uri in uris
            if uri in fixed
            or (any(re.fullmatch(item, uri) for item in patterns) and _has_valid_parts(uri))
        ]

    @contextmanager
    def _hold_in_block(self, uris: Sequence[str]) -> Iterator[None]:
        self._hold(uris)
        try:
            yield
        finally:
            self._release(uris)

    def _hold(self, uris: Sequence[str]) -> None:
        self._count += len(uris)
        for uri in uris:
            self.watcher.add(uri)

    def _release(self, uris: Sequence[str] | set[str]) -> None:
        self._count -= len(uris)
        for uri in uris:
            self.watcher.remove(uri)


async def announce_fixed_lists(ctx: Any, call_next: Any) -> Any:
    """Middleware: say in the capabilities that no list changes.

    Since 2026-07-28 the SDK announces changes of all lists as soon as it serves
    ``subscriptions/listen``.
    """
    result = await call_next(ctx)
    if ctx.method == "server/discover" and isinstance(result, Mapping):
        capabilities = result["capabilities"]
        for name in _LIST_CAPABILITIES:
            if name in capabilities:
                capabilities[name]["listChanged"] = False
    return result


def _connection_id(ctx: Context) -> int:
    """Return what tells connections apart: the parameters of ``initialize`` belong to one."""
    return id(ctx.session.client_params)


def _has_valid_parts(uri: str) -> bool:
    """Tell whether the id and the layer in the address of a persona can exist."""
    match = _PERSONA_PARTS.fullmatch(uri)
    if match is None:
        return True
    return is_id(match["persona"]) and match["layer"] in (None, *LAYER_NAMES)
