"""An API that unlike the sandbox knows one vocabulary only, and stores any document unchecked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonpatch
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

JsonObject = dict[str, Any]

PAL_FIELD_NAMES = {
    "persona_id": "pal_id",
    "persona_name": "pal_name",
    "persona_type": "pal_type",
    "default_replica_id": "default_face_id",
    "replica_id": "face_id",
    "replica_name": "face_name",
    "replica_type": "face_type",
    "replica_interruptibility": "pal_interruptibility",
}


def return_unchanged(value: Any) -> Any:
    """Return a value as it is."""
    return value


def rename_to_pal(value: Any) -> Any:
    """Rename fields to the PAL vocabulary at every depth; for fixtures only."""
    if isinstance(value, list):
        return [rename_to_pal(item) for item in value]
    if isinstance(value, dict):
        return {PAL_FIELD_NAMES.get(key, key): rename_to_pal(item) for key, item in value.items()}
    return value


@dataclass
class PalOnlyApi:
    """An API under ``/v2/<resource_path>`` that stores documents unchecked.

    ``wraps_reads`` wraps a single document into ``{"data": [...]}``; ``first_page`` is the number
    of the first page; ``render`` converts stored documents for responses.
    """

    resource_path: str = "pals"
    id_field: str = "pal_id"
    wraps_reads: bool = True
    first_page: int = 0
    render: Callable[[Any], Any] = return_unchanged
    lists: Mapping[str, list[JsonObject]] = field(default_factory=dict)
    personas: dict[str, JsonObject] = field(default_factory=dict)
    request_lines: list[str] = field(default_factory=list)
    request_bodies: list[Any] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        request = Request(scope, receive)
        body = await request.body()
        self.request_lines.append(f"{request.method} {request.url.path}")
        if body:
            self.request_bodies.append(json.loads(body))
        answer = self._answer(request, json.loads(body) if body else None)
        await answer(scope, receive, send)

    def _answer(self, request: Request, body: Any) -> Response:
        _, version, resource, *rest = request.url.path.rstrip("/").split("/")
        if version == "v2" and resource == self.resource_path:
            return (
                self._answer_one(request, rest[0], body)
                if rest
                else self._answer_collection(request, body)
            )
        if version == "v2" and resource in self.lists and not rest:
            return self._build_page(request, self.lists[resource])
        return build_json_response(404, {"message": "Not Found"})

    def _answer_collection(self, request: Request, body: Any) -> Response:
        if request.method == "GET":
            return self._build_page(request, list(self.personas.values()))
        persona_id = f"p{len(self.personas):011x}"
        self.personas[persona_id] = {self.id_field: persona_id, **body, "created_at": "2026-10-01"}
        return build_json_response(
            200, self.render({self.id_field: persona_id, "registration": {"new": True}})
        )

    def _answer_one(self, request: Request, persona_id: str, body: Any) -> Response:
        if persona_id not in self.personas:
            return build_json_response(404, {"error": "PAL not found"})
        before = self.personas[persona_id]
        if request.method == "DELETE":
            del self.personas[persona_id]
            return Response(status_code=204)
        if request.method == "PATCH":
            after = jsonpatch.apply_patch(before, body)
            self.personas[persona_id] = after
            return Response(status_code=304 if after == before else 200)
        rendered = self.render(before)
        return build_json_response(200, {"data": [rendered]} if self.wraps_reads else rendered)

    def _build_page(self, request: Request, rows: list[JsonObject]) -> Response:
        limit = min(int(request.query_params.get("limit", 10)), 25)
        page = int(request.query_params.get("page", self.first_page))
        start = max(0, page - self.first_page) * limit
        rendered = [self.render(row) for row in rows[start : start + limit]]
        return build_json_response(200, {"data": rendered, "total_count": len(rows), "beta": True})


def build_json_response(status: int, body: Any) -> Response:
    """Return a JSON response."""
    return Response(json.dumps(body), status, media_type="application/json")
