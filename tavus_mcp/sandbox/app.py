"""The sandbox as an ASGI application: its routes and its middleware; also without a port."""

from __future__ import annotations

import hmac
from functools import cache
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.sandbox.faults import FaultMiddleware, Faults
from tavus_mcp.sandbox.http import HttpError, json_response, render_http_error
from tavus_mcp.sandbox.routes import (
    chat,
    control,
    conversations,
    documents,
    guardrails,
    objectives,
    personas,
    pronunciation,
    registry_tools,
    replicas,
    skills,
)
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches

_ROUTE_MODULES = (
    personas,
    replicas,
    documents,
    objectives,
    guardrails,
    registry_tools,
    pronunciation,
    skills,
    conversations,
    chat,
    control,
)


def build_sandbox(
    store: Store,
    *,
    key: str | None = None,
    latency: float = 0.0,
    switches: Switches | None = None,
) -> Starlette:
    """Return a local Tavus over ``store``.

    Without ``key`` any non-empty ``x-api-key`` is accepted. Each reply is delayed by ``latency``
    seconds. ``switches`` are those at the start; the control route changes them.
    """
    faults = Faults()
    app = Starlette(
        routes=_list_routes(),
        middleware=[
            Middleware(FaultMiddleware, faults=faults, latency=latency),
            Middleware(ApiKeyMiddleware, key=key),
        ],
        exception_handlers={HttpError: render_http_error, HTTPException: _render_http_exception},
    )
    app.router.redirect_slashes = False
    app.state.store = store
    app.state.faults = faults
    app.state.switches = switches or Switches()
    app.state.any_key = key is None
    return app


class SandboxTransport(httpx2.ASGITransport):
    """An HTTP transport to a sandbox in this process; closing it closes the state."""

    def __init__(self, state: Path | None) -> None:
        self._store = Store.open(state)
        super().__init__(app=build_sandbox(self._store))

    async def aclose(self) -> None:
        """Close the state file."""
        self._store.close()


@cache
def _list_routes() -> list[BaseRoute]:
    """Return the routes, which hold no state, for all sandboxes of the process."""
    return [
        Route(path, endpoint, methods=[method])
        for module in _ROUTE_MODULES
        for method, path, endpoint in module.ROUTES
    ]


class ApiKeyMiddleware:
    """Checks the API key and ignores a trailing slash (docs: authentication, objectives)."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._is_accepted(Headers(scope=scope).get("x-api-key", "")):
            path = scope["path"].rstrip("/") or "/"
            await self._app({**scope, "path": path}, receive, send)
        else:
            await json_response({"message": "Invalid access token"}, 401)(scope, receive, send)

    def _is_accepted(self, provided_key: str) -> bool:
        if self._key is None:
            return bool(provided_key.strip())
        return hmac.compare_digest(provided_key.encode(), self._key.encode())


async def _render_http_exception(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return json_response(
        {"message": "Not Found" if status == 404 else "Method Not Allowed"}, status
    )
