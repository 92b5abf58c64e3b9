"""Pronunciation dictionaries (docs: pronunciation-dictionaries; vendor client: pronunciation)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.json_patch import not_modified_response
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row

_PATH = "/v2/pronunciation-dictionaries"
_ID_FIELD = "pronunciation_dictionary_id"


def _public_row(row: Row) -> Row:
    """Return a dictionary as it is read, with both names of its id (vendor client)."""
    return {**row, "uuid": row[_ID_FIELD]}


DICTIONARIES = Resource(
    kind="dictionary",
    parameter="dictionary_id",
    not_found=(404, "Pronunciation dictionary not found"),
    paging=http.Paging(limit=10, first_page=0),
    render=_public_row,
)


class PronunciationRule(http.Body):
    """The pronunciation of one text (docs: pronunciation-dictionaries)."""

    text: Annotated[str, Field(min_length=1, max_length=200)]
    pronunciation: Annotated[str, Field(min_length=1, max_length=500)]
    type: Literal["alias", "ipa"] = "alias"
    alphabet: Literal["ipa"] | None = None
    case_sensitive: bool = False
    word_boundaries: bool = True


class Dictionary(http.Body):
    """The body that creates a dictionary."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    rules: Annotated[list[PronunciationRule], Field(max_length=10_000)] | MISSING = MISSING


def routes() -> list[Route]:
    """Return the routes of the resource."""
    return [
        Route(_PATH, list_all, methods=["GET"]),
        Route(_PATH, create, methods=["POST"]),
        Route(f"{_PATH}/{{dictionary_id}}", DICTIONARIES.read, methods=["GET"]),
        Route(f"{_PATH}/{{dictionary_id}}", patch, methods=["PATCH"]),
        Route(f"{_PATH}/{{dictionary_id}}", DICTIONARIES.delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create a dictionary."""
    body = await http.read_object(request)
    _validate_dictionary(body, "error")
    born = now()
    row = {
        _ID_FIELD: generate_id("dictionary"),
        "rules": [],
        **body,
        "created_at": born,
        "updated_at": born,
    }
    http.store_of(request).put("dictionary", row[_ID_FIELD], row)
    return http.json_response(row)


async def list_all(request: Request) -> Response:
    """List dictionaries, counted from page 0 (vendor client)."""
    return http.json_response(DICTIONARIES.page(request))


async def patch(request: Request) -> Response:
    """Apply a JSON Patch."""
    row = await DICTIONARIES.patch(request, ("name", "rules"), _validate_patched)
    return not_modified_response() if row is None else http.json_response(row)


def _validate_patched(dictionary: Row) -> None:
    _validate_dictionary(dictionary, "message")


def _validate_dictionary(body: Row, key: str) -> None:
    http.validate_body(Dictionary, body, key=key)
    texts = [rule["text"] for rule in body.get("rules", [])]
    if len(set(texts)) < len(texts):
        raise http.bad_request("Bad Request: each text may have one rule only", key=key)
