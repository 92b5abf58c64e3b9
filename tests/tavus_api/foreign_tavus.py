"""Stand-ins for other Tavus servers than the sandbox: other words, other shapes, other habits.

They keep what they are given as it is, also fields that nobody knows, and check next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonpatch
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Json = dict[str, Any]

PAL = {
    "persona_id": "pal_id",
    "persona_name": "pal_name",
    "persona_type": "pal_type",
    "default_replica_id": "default_face_id",
    "replica_id": "face_id",
    "replica_name": "face_name",
    "replica_type": "face_type",
    "replica_interruptibility": "pal_interruptibility",
}


def as_stored(value: Any) -> Any:
    """Return JSON as it is."""
    return value


def in_pal_words(value: Any) -> Any:
    """Return JSON with today's field names, in all places: a blunt tool, for fixtures only."""
    if isinstance(value, list):
        return [in_pal_words(item) for item in value]
    if isinstance(value, dict):
        return {PAL.get(key, key): in_pal_words(item) for key, item in value.items()}
    return value


@dataclass
class ForeignTavus:
    """A Tavus under ``/v2/<path>`` that keeps documents as they come.

    ``wrapped`` puts a single read into ``{"data": [...]}``; ``first_page`` is the number of the
    first page; ``speaks`` turns what is stored into what is answered.
    """

    path: str = "pals"
    key: str = "pal_id"
    wrapped: bool = True
    first_page: int = 0
    speaks: Callable[[Any], Any] = as_stored
    lists: Mapping[str, list[Json]] = field(default_factory=dict)
    personas: dict[str, Json] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = await request.body()
        self.asked.append(f"{request.method} {request.url.path}")
        if body:
            self.bodies.append(json.loads(body))
        answer = self._answer(request, json.loads(body) if body else None)
        await answer(scope, receive, send)

    def _answer(self, request: Request, body: Any) -> Response:
        _, version, resource, *rest = request.url.path.rstrip("/").split("/")
        if version == "v2" and resource == self.path:
            return self._one(request, rest[0], body) if rest else self._all(request, body)
        if version == "v2" and resource in self.lists and not rest:
            return self._page(request, self.lists[resource])
        return said(404, {"message": "Not Found"})

    def _all(self, request: Request, body: Any) -> Response:
        if request.method == "GET":
            return self._page(request, list(self.personas.values()))
        persona_id = f"p{len(self.personas):011x}"
        self.personas[persona_id] = {self.key: persona_id, **body, "created_at": "2026-10-01"}
        return said(200, self.speaks({self.key: persona_id, "registration": {"new": True}}))

    def _one(self, request: Request, persona_id: str, body: Any) -> Response:
        if persona_id not in self.personas:
            return said(404, {"error": "PAL not found"})
        before = self.personas[persona_id]
        if request.method == "DELETE":
            del self.personas[persona_id]
            return Response(status_code=204)
        if request.method == "PATCH":
            after = jsonpatch.apply_patch(before, body)
            self.personas[persona_id] = after
            return Response(status_code=304 if after == before else 200)
        shown = self.speaks(before)
        return said(200, {"data": [shown]} if self.wrapped else shown)

    def _page(self, request: Request, rows: list[Json]) -> Response:
        limit = min(int(request.query_params.get("limit", 10)), 25)
        page = int(request.query_params.get("page", self.first_page))
        start = max(0, page - self.first_page) * limit
        shown = [self.speaks(row) for row in rows[start : start + limit]]
        return said(200, {"data": shown, "total_count": len(rows), "beta": True})


def said(status: int, body: Any) -> Response:
    """Return a JSON reply."""
    return Response(json.dumps(body), status, media_type="application/json")
