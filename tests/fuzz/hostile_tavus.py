"""A Tavus whose answers are damaged, hostile, or of another kind than expected."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass

from hostile_values import dump, mutate, mutate_bytes, random_text
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STATUSES = (200, 200, 200, 201, 204, 301, 304, 400, 401, 402, 404, 409, 413, 422, 500)
"""None of those that are tried again, which would only cost time."""


@dataclass
class HostileTavus:
    """Passes requests to a sandbox, and changes its answers while ``is_hostile``."""

    app: ASGIApp
    source: random.Random
    is_hostile: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; about half of the answers are as the sandbox gave them."""
        if not self.is_hostile or self.source.random() < 0.4:
            await self.app(scope, receive, send)
            return
        parts: list[Message] = []

        async def collect(message: Message) -> None:
            parts.append(message)

        await self.app(scope, receive, collect)
        body = b"".join(part.get("body", b"") for part in parts)
        status = int(parts[0]["status"])
        await self._change(status, body)(scope, receive, send)

    def _change(self, status: int, body: bytes) -> Response:
        source, kind = self.source, self.source.random()
        headers: dict[str, str] = {}
        if kind < 0.6 and body:
            body = dump(mutate(source, json.loads(body), rate=0.1))
        elif kind < 0.7:
            body = mutate_bytes(source, body)
        elif kind < 0.9:
            status = source.choice(_STATUSES)
            body = dump({source.choice(("error", "message", "detail")): random_text(source)})
        else:
            text = random_text(source)
            headers = {"retry-after": ascii(text)[:5_000], "set-cookie": f"a={len(text)}"}
            body = source.choice((body, b"<" * 20_000, gzip.compress(body), b"", b"[" * 5_000))
            if source.random() < 0.5:
                headers["content-encoding"] = source.choice(("gzip", "gzip, gzip", "br", "deflate"))
        body = b"" if status in (204, 304) else body
        return Response(body, status, {**headers, "content-type": "application/json"})
