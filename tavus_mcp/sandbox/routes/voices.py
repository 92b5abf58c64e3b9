"""Voices; stock only (docs: list-voices, voices)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.sandbox.http import Paging, listed, reply, split_list

_PAGING = Paging(limit=10, first=0)


def routes() -> list[Route]:
    """Return the routes of the resource."""
    return [Route("/v2/voices", list_all, methods=["GET"])]


async def list_all(request: Request) -> Response:
    """List voices, searched by name, counted from page 0 (vendor client)."""
    page = listed(
        request,
        _PAGING,
        "voice",
        text=request.query_params.get("search", ""),
        text_in=("voice_name", "voice_id"),
        tags=split_list(request, "tags") or (),
    )
    return reply(page)
