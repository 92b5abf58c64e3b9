"""Pronunciation dictionaries (docs: pronunciation-dictionaries; vendor client: pronunciation)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.sandbox.http import (
    Body,
    Paging,
    Refusal,
    bad_request,
    listed,
    nothing,
    read_object,
    reply,
    shaped,
    store_of,
)
from tavus_mcp.sandbox.ids import mint, now
from tavus_mcp.sandbox.json_patch import applied, read_operations, same, unchanged
from tavus_mcp.sandbox.store import Row, Store

_PAGING = Paging(limit=10, first=0)
_PATH = "/v2/pronunciation-dictionaries"
_ID = "pronunciation_dictionary_id"


class Rule(Body):
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
    rules: Annotated[list[Rule], Field(max_length=10_000)] | MISSING = MISSING


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
    _check(body, "error")
    born = now()
    row = {_ID: mint("dictionary"), "rules": [], **body, "created_at": born, "updated_at": born}
    store_of(request).put("dictionary", row[_ID], row)
    return reply(row)


async def list_all(request: Request) -> Response:
    """List dictionaries, counted from page 0 (vendor client)."""
    return reply(listed(request, _PAGING, "dictionary"))


async def read(request: Request) -> Response:
    """Return one dictionary with its rules (docs: get-pronunciation-dictionary)."""
    return reply(_found(store_of(request), request.path_params["dictionary_id"]))


async def patch(request: Request) -> Response:
    """Apply a JSON Patch."""
    operations = await read_operations(request)
    store = store_of(request)
    with store.writing():
        row = _found(store, request.path_params["dictionary_id"])
        before = {name: row[name] for name in ("name", "rules")}
        after = applied(before, operations)
        if same(before, after):
            return unchanged()
        _check(after, "message")
        row |= after | {"updated_at": now()}
        store.put("dictionary", row[_ID], row)
    return reply(row)


async def delete(request: Request) -> Response:
    """Delete a dictionary."""
    store = store_of(request)
    with store.writing():
        store.remove("dictionary", _found(store, request.path_params["dictionary_id"])[_ID])
    return nothing()


def _check(body: dict[str, Any], key: str) -> None:
    shaped(Dictionary, body, key=key)
    texts = [rule["text"] for rule in body.get("rules", [])]
    if len(set(texts)) < len(texts):
        raise bad_request("Bad Request: each text may have one rule only", key=key)


def _found(store: Store, dictionary_id: str) -> Row:
    row = store.get("dictionary", dictionary_id)
    if row is None:
        raise Refusal(404, "Pronunciation dictionary not found")
    return row
