"""Replicas, today also called faces; stock only (docs: get-replica, get-replicas)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.sandbox.http import (
    Paging,
    bad_request,
    json_response,
    page_envelope,
    query_flag,
    split_list,
    store_of,
    to_path_vocabulary,
    type_filter,
)
from tavus_mcp.sandbox.store import Row

_PAGING = Paging(limit=10, first_page=1)


def routes() -> list[Route]:
    """Return the routes of both names of the resource."""
    return [
        route
        for path in ("/v2/replicas", "/v2/faces")
        for route in (
            Route(path, list_all, methods=["GET"]),
            Route(f"{path}/{{replica_id}}", read, methods=["GET"]),
        )
    ]


async def list_all(request: Request) -> Response:
    """List replicas by type, ids or model (docs: get-replicas)."""
    name = "replica_type" if "replica_type" in request.query_params else "face_type"
    equals = type_filter(request, name, stored_as="replica_type")
    if "model_name" in request.query_params:
        equals["model_name"] = request.query_params["model_name"]
    page = page_envelope(
        request,
        _PAGING,
        "replica",
        equals=equals,
        ids=split_list(request, "replica_ids", "face_ids"),
    )
    page["data"] = [_public_row(request, row) for row in page["data"]]
    return json_response(to_path_vocabulary(request, page))


async def read(request: Request) -> Response:
    """Return one replica, flat (docs: get-replica)."""
    row = store_of(request).get("replica", request.path_params["replica_id"])
    if row is None:
        raise bad_request("Invalid replica_id")
    return json_response(to_path_vocabulary(request, _public_row(request, row)))


def _public_row(request: Request, row: Row) -> Row:
    """The type is told only when ``verbose`` is asked for (docs: get-replicas)."""
    told = {
        "thumbnail_video_url": None,
        "error_message": None,
        "original_voice_id": None,
    } | row
    if not query_flag(request, "verbose"):
        del told["replica_type"]
    return told
