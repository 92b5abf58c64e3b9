"""Pronunciation dictionaries (docs: pronunciation-dictionaries; vendor client: pronunciation)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.sandbox.http import (
    Body,
    HttpError,
    Paging,
    bad_request,
    empty_response,
    json_response,
    page_envelope,
    read_object,
    store_of,
    validate_body,
)
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.json_patch import (
    apply_operations,
    is_equal_json,
    not_modified_response,
    read_operations,
)
from tavus_mcp.sandbox.store import Row, Store

_PAGING = Paging(limit=10, first_page=0)
_PATH = "/v2/pronunciation-dictionaries"
_ID_FIELD = "pronunciation_dictionary_id"


class PronunciationRule(Body):
    """How one text is said (docs: pronunciation-dictionaries)."""

    text: Annotated[str, Field(min_length=1, max_length=200)]
    pronunciation: Annotated[str, Field(min_length=1, max_length=500)]
    type: Literal["alias", "ipa"] = "alias"
    alphabet: Literal["ipa"] | None = None
    case_sensitive: bool = False
    word_boundaries: bool = True


class Dictionary(Body):
    """The body that creates a dictionary."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    rules: Annotated[list[PronunciationRule], Field(max_length=10_000)] | MISSING = MISSING


def routes() -> list[Route]:
    """Return the routes of the resource."""
    return [
        Route(_PATH, list_all, methods=["GET"]),
        Route(_PATH, create, methods=["POST"]),
        Route(f"{_PATH}/{{dictionary_id}}", read, methods=["GET"]),
        Route(f"{_PATH}/{{dictionary_id}}", patch, methods=["PATCH"]),
        Route(f"{_PATH}/{{dictionary_id}}", delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create a dictionary."""
    body = await read_object(request)
    _validate_dictionary(body, "error")
    born = now()
    row = {
        _ID_FIELD: generate_id("dictionary"),
        "rules": [],
        **body,
        "created_at": born,
        "updated_at": born,
    }
    store_of(request).put("dictionary", row[_ID_FIELD], row)
    return json_response(row)


async def list_all(request: Request) -> Response:
    """List dictionaries, counted from page 0 (vendor client)."""
    return json_response(page_envelope(request, _PAGING, "dictionary"))


async def read(request: Request) -> Response:
    """Return one dictionary with its rules (docs: get-pronunciation-dictionary)."""
    return json_response(
        _require_dictionary(store_of(request), request.path_params["dictionary_id"])
    )


async def patch(request: Request) -> Response:
    """Apply a JSON Patch."""
    operations = await read_operations(request)
    store = store_of(request)
    with store.write_transaction():
        row = _require_dictionary(store, request.path_params["dictionary_id"])
        before = {name: row[name] for name in ("name", "rules")}
        after = apply_operations(before, operations)
        if is_equal_json(before, after):
            return not_modified_response()
        _validate_dictionary(after, "message")
        row |= after | {"updated_at": now()}
        store.put("dictionary", row[_ID_FIELD], row)
    return json_response(row)


async def delete(request: Request) -> Response:
    """Delete a dictionary."""
    store = store_of(request)
    with store.write_transaction():
        store.remove(
            "dictionary",
            _require_dictionary(store, request.path_params["dictionary_id"])[_ID_FIELD],
        )
    return empty_response()


def _validate_dictionary(body: dict[str, Any], key: str) -> None:
    validate_body(Dictionary, body, key=key)
    texts = [rule["text"] for rule in body.get("rules", [])]
    if len(set(texts)) < len(texts):
        raise bad_request("Bad Request: each text may have one rule only", key=key)


def _require_dictionary(store: Store, dictionary_id: str) -> Row:
    row = store.get("dictionary", dictionary_id)
    if row is None:
        raise HttpError(404, "Pronunciation dictionary not found")
    return row
