"""Requests of several actors, let through one at a time in a drawn order."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.sandbox.store import Store

UNKNOWN_FIELD = "not_yet_known"
"""A field that this Tavus shows and nobody here knows."""


@dataclass
class RequestScheduler:
    """Lets one request pass when every actor waits or has left; ``order`` chooses among them."""

    order: Sequence[int] = ()
    trace: list[str] = field(default_factory=list)
    _running: set[str] = field(default_factory=set)
    _waiting: dict[str, anyio.Event] = field(default_factory=dict)

    def register(self, *actors: str) -> None:
        """Count actors in before any of them begins."""
        self._running.update(actors)

    async def wait_for_turn(self, actor: str) -> None:
        """Wait for this actor's turn; its turn ends when it asks again or leaves."""
        self._waiting[actor] = turn = anyio.Event()
        self.release(actor)
        await turn.wait()

    def release(self, actor: str) -> None:
        """Mark an actor as finished; the next one starts when no request is in progress."""
        self._running.discard(actor)
        if self._running or not self._waiting:
            return
        names = sorted(self._waiting)
        number = len(self.trace)
        chosen = names[(self.order[number] if number < len(self.order) else 0) % len(names)]
        self.trace.append(chosen)
        self._running.add(chosen)
        self._waiting.pop(chosen).set()


@dataclass
class RecordedRequest:
    """One request that passed: its actor, its content, and the persona before and after it."""

    actor: str
    method: str
    status: int
    operations: list[dict[str, Any]]
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass
class ScheduledApp:
    """An ASGI application whose requests wait for their turn and are written down."""

    app: ASGIApp
    store: Store
    actor: str
    recorded_requests: list[RecordedRequest]
    scheduler: RequestScheduler | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.scheduler is not None:
            await self.scheduler.wait_for_turn(self.actor)
        persona_id = scope["path"].rpartition("/")[2]
        body = await _read_body(receive)
        before = self.store.get("persona", persona_id) or {}
        status, headers, answer = await run_app(self.app, scope, body)
        after = self.store.get("persona", persona_id) or {}
        operations = json.loads(body) if scope["method"] == "PATCH" else []
        self.recorded_requests.append(
            RecordedRequest(self.actor, scope["method"], status, operations, before, after)
        )
        if scope["method"] == "GET" and before:
            answer = _add_unknown_fields(answer)
            headers = {**headers, b"content-length": str(len(answer)).encode()}
        start = {"type": "http.response.start", "status": status, "headers": list(headers.items())}
        await send(start)
        await send({"type": "http.response.body", "body": answer})


@dataclass
class AppWithoutTestOperations:
    """A Tavus that cannot do ``test`` operations: it refuses every patch that holds one."""

    app: ASGIApp
    on_refusal: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        if b'"test"' not in body or scope["method"] != "PATCH":
            await self.app(scope, _replay_body(body), send)
            return
        self.on_refusal()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 422, "headers": headers})
        body = {"message": "op 'test' is not supported"}
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@dataclass
class AppWithHook:
    """Does something before each request."""

    app: ASGIApp
    before_request: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.before_request()
        await self.app(scope, receive, send)


async def run_app(
    app: ASGIApp, scope: Scope, body: bytes
) -> tuple[int, Mapping[bytes, bytes], bytes]:
    """Run an application to its end; return status, headers and body of its answer."""
    messages: list[Message] = []

    async def listen(message: Message) -> None:
        messages.append(message)

    await app(scope, _replay_body(body), listen)
    text = b"".join(message.get("body", b"") for message in messages)
    return messages[0]["status"], dict(messages[0]["headers"]), text


async def _read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay_body(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _add_unknown_fields(answer: bytes) -> bytes:
    document = json.loads(answer)
    document[UNKNOWN_FIELD] = {"kept": True}
    document["layers"].setdefault("llm", {})[UNKNOWN_FIELD] = 7
    return json.dumps(document).encode()
