"""A Tavus API whose errors repeat the request."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def build_echoing_app(app: ASGIApp) -> ASGIApp:
    """Return an application that reads like ``app`` and refuses each write, repeating it.

    A patch of ``test`` operations alone is accepted: it only asks whether the persona was edited.
    """

    async def repeating(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await app(scope, receive, send)
            return
        content = await Request(scope, receive).body()
        body = json.loads(content or b"null")
        if isinstance(body, list) and all(item["op"] == "test" for item in body):

            async def replay() -> Message:
                return {"type": "http.request", "body": content}

            await app(scope, replay, send)
            return
        await JSONResponse({"error": f"cannot take {content.decode()}"}, 400)(scope, receive, send)

    return repeating
