"""A Tavus API whose errors repeat the request."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def build_echoing_app(app: ASGIApp) -> ASGIApp:
    """Return an application that reads like ``app`` and refuses each write, repeating it."""

    async def repeating(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await app(scope, receive, send)
            return
        body = (await Request(scope, receive).body()).decode()
        await JSONResponse({"error": f"cannot take {body}"}, 400)(scope, receive, send)

    return repeating
