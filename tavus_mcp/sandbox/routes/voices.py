"""Voices; stock only (docs: list-voices, voices)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.sandbox.http import Paging, json_response, page_envelope, split_list

_VOICES_PAGING = Paging(limit=10, first_page=0)


def routes() -> list[Route]:
    """Return the routes of the resource."""
    return [Route("/v2/voices", list_voices, methods=["GET"])]


async def list_voices(request: Request) -> Response:
    """List voices, searched by name, counted from page 0 (vendor client)."""
    page = page_envelope(
        request,
        _VOICES_PAGING,
        "voice",
        text=request.query_params.get("search", ""),
        text_in=("voice_name", "voice_id"),
        tags=split_list(request, "tags") or (),
    )
    return json_response(page)
