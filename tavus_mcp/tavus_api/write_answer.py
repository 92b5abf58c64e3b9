"""What Tavus answers to the change or the publication of a persona."""

from __future__ import annotations

from dataclasses import dataclass

from tavus_mcp.models.base import JsonObject
from tavus_mcp.tavus_api.responses import TavusResponse, parse_json


@dataclass(frozen=True)
class WriteAnswer:
    """The answer to a change, as far as it says what became of it (docs: draft-and-live).

    ``is_changed`` is False for 304. ``is_draft`` is set when the answer names a draft, so that the
    live persona is unchanged. ``has_discarded_edits`` is set when unpublished edits of the
    dashboard were discarded for it.
    """

    is_changed: bool = True
    is_draft: bool = False
    has_discarded_edits: bool = False


def parse_write_answer(response: TavusResponse) -> WriteAnswer:
    """Return the answer in a response; its body may be empty or anything (docs show none)."""
    if response.status_code == 304:
        return WriteAnswer(is_changed=False)
    body = _parse_body(response)
    return WriteAnswer(
        is_draft=body.get("is_draft") is True or bool(body.get("publish_url")),
        has_discarded_edits=body.get("discarded_maker_changes") is True,
    )


def _parse_body(response: TavusResponse) -> JsonObject:
    try:
        body = parse_json(response.content)
    except ValueError:
        return {}
    if isinstance(body, dict) and isinstance(body.get("data"), dict):
        body = body["data"]
    return body if isinstance(body, dict) else {}
