"""Stock replicas, today also called faces, and stock voices (docs: get-replicas, list-voices)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.routes.resource import Resource, both_names
from tavus_mcp.sandbox.store import Row

REPLICAS = Resource(
    kind="replica",
    parameter="replica_id",
    not_found=(400, "Invalid replica_id"),
    paging=http.Paging(limit=10, first_page=1),
)
_VOICES_PAGING = http.Paging(limit=10, first_page=0)


async def list_all(request: Request) -> Response:
    """List replicas by type, ids or model (docs: get-replicas)."""
    name = "replica_type" if "replica_type" in request.query_params else "face_type"
    equals = http.type_filter(request, name, "replica_type")
    if "model_name" in request.query_params:
        equals["model_name"] = request.query_params["model_name"]
    page = http.page_envelope(
        request,
        REPLICAS.paging,
        REPLICAS.kind,
        equals=equals,
        ids=http.split_list(request, "replica_ids", "face_ids"),
    )
    page["data"] = [_public_row(request, row) for row in page["data"]]
    return http.json_response(http.to_path_vocabulary(request, page))


async def read(request: Request) -> Response:
    """Return one replica, flat (docs: get-replica)."""
    row = REPLICAS.requested(request)
    return http.json_response(http.to_path_vocabulary(request, _public_row(request, row)))


async def list_voices(request: Request) -> Response:
    """List voices, searched by name, counted from page 0 (vendor client)."""
    page = http.page_envelope(
        request,
        _VOICES_PAGING,
        "voice",
        text=request.query_params.get("search", ""),
        text_in=("voice_name", "voice_id"),
        tags=http.split_list(request, "tags") or (),
    )
    return http.json_response(page)


def _public_row(request: Request, row: Row) -> Row:
    """Return a replica; its type only if ``verbose`` is set (docs: get-replicas)."""
    defaults = {"thumbnail_video_url": None, "error_message": None, "original_voice_id": None}
    hidden = () if http.query_flag(request, "verbose") else ("replica_type",)
    return {name: value for name, value in (defaults | row).items() if name not in hidden}


ROUTES = (
    *both_names("GET", "/v2/replicas", list_all),
    *both_names("GET", "/v2/replicas/{replica_id}", read),
    ("GET", "/v2/voices", list_voices),
)
