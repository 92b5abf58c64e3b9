"""Faults on demand: statuses, slow and broken replies, and broken connections.

The middleware is the outermost layer, like the network. Over TCP a reset really resets the
connection, with the transport that ``http_server`` puts into the scope; in process it raises.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import anyio
from pydantic import Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.sandbox.http import Body

RESET_EXTENSION = "tavus_mcp.sandbox.reset"
"""The ASGI extension that breaks the connection: ``{"abort": callable}``."""
CONTROL_PATH = "/_sandbox"
"""Path of the sandbox's own controls; faults and the request log do not concern them."""
_MAX_LOGGED_REQUESTS = 2_000
_BAD_GATEWAY_HTML = (
    b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
)

FaultKind = Literal[
    "status", "reset_before", "reset_after", "slow", "html", "cut_json", "cut_body", "empty"
]


class Fault(Body):
    """A planned fault: which requests, how, and how often (``times`` 0: until cleared)."""

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    times: Annotated[int, Field(ge=0)] = 1
    skip: Annotated[int, Field(ge=0)] = 0
    delay: Annotated[float, Field(ge=0)] = 0.0

    def matches(self, method: str, path: str) -> bool:
        """Return True if the fault applies to this request."""
        return self.method.upper() in {"*", method} and fnmatchcase(path, self.path.rstrip("/"))


@dataclass
class _PlannedFault:
    """A fault with the numbers of requests still to skip and still to fail."""

    fault: Fault
    remaining_skips: int
    remaining_uses: int | None


class Faults:
    """The planned faults and the log of received requests."""

    def __init__(self) -> None:
        self._planned_faults: list[_PlannedFault] = []
        self.log: deque[dict[str, Any]] = deque(maxlen=_MAX_LOGGED_REQUESTS)
        self.connections: set[tuple[str, int]] = set()

    def plan(self, fault: Fault) -> None:
        """Add a fault; the one planned first applies first."""
        self._planned_faults.append(_PlannedFault(fault, fault.skip, fault.times or None))

    def clear(self) -> None:
        """Remove every planned fault."""
        self._planned_faults.clear()

    def clear_requests(self) -> None:
        """Empty the log."""
        self.log.clear()
        self.connections.clear()

    def take_next(self, method: str, path: str) -> Fault | None:
        """Return the fault that applies to this request, and count it."""
        for planned in self._planned_faults:
            if not planned.fault.matches(method, path):
                continue
            if planned.remaining_skips:
                planned.remaining_skips -= 1
                continue
            if planned.remaining_uses is not None:
                planned.remaining_uses -= 1
            self._planned_faults = [
                item for item in self._planned_faults if item.remaining_uses != 0
            ]
            return planned.fault
        return None


class FaultMiddleware:
    """Logs each request, adds the latency, and applies planned faults."""

    def __init__(self, app: ASGIApp, faults: Faults, latency: float = 0.0) -> None:
        self._app = app
        self._faults = faults
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log the request, then answer it or apply a fault."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PATH):
            await self._app(scope, receive, send)
            return
        entry = {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "status": None,
        }
        self._faults.log.append(entry)
        if scope.get("client"):
            self._faults.connections.add((scope["client"][0], scope["client"][1]))
        if self._latency:
            await anyio.sleep(self._latency)

        async def send_and_log(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        fault = self._faults.take_next(scope["method"], scope["path"].rstrip("/"))
        if fault is None:
            await self._app(scope, receive, send_and_log)
        else:
            await self._inject(fault, scope, receive, send_and_log)

    async def _inject(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep(fault.delay)
        if fault.kind == "reset_before":
            await _reset_connection(scope, receive)
        elif fault.kind == "slow":
            await self._app(scope, receive, send)
        elif fault.kind == "status":
            body = {"message": "Injected fault"} if fault.body is None else fault.body
            await _send_response(send, fault, 503, "application/json", json.dumps(body).encode())
        elif fault.kind == "html":
            await _send_response(send, fault, 502, "text/html", _BAD_GATEWAY_HTML)
        else:
            await self._corrupt_reply(fault, scope, receive, send)

    async def _corrupt_reply(
        self, fault: Fault, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the request take effect, then corrupt its reply."""
        status, body = await _capture_response(self._app, scope, receive)
        if fault.kind == "reset_after":
            await _reset_connection(scope, receive)
        elif fault.kind == "cut_body":
            await _send_response(send, fault, status, "application/json", body, truncate=True)
            await _reset_connection(scope, receive, hard=False)
        else:
            sent = b"" if fault.kind == "empty" else body[: len(body) // 2]
            await _send_response(send, fault, status, "application/json", sent)


async def _capture_response(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[int, bytes]:
    """Run the app and return the status and body that it would have sent."""
    status, parts = 500, [b""]

    async def record(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    await app(scope, receive, record)
    return status, b"".join(parts)


async def _send_response(
    send: Send, fault: Fault, status: int, media: str, body: bytes, *, truncate: bool = False
) -> None:
    headers = {"content-type": media, "content-length": str(len(body))} | fault.headers
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    start = {"type": "http.response.start", "status": fault.status or status, "headers": raw}
    await send(start)
    sent = body[: len(body) // 2] if truncate else body
    await send({"type": "http.response.body", "body": sent, "more_body": truncate})


async def _reset_connection(scope: Scope, receive: Receive, *, hard: bool = True) -> None:
    """Break the connection and wait until the server has noticed."""
    extension = scope.get("extensions", {}).get(RESET_EXTENSION)
    if extension is None:
        raise ConnectionResetError("the sandbox was told to reset this connection")
    extension["abort"](hard)
    while (await receive())["type"] != "http.disconnect":
        pass
