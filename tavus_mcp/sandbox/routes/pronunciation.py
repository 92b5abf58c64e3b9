"""Pronunciation dictionaries (docs: pronunciation-dictionaries; vendor client: pronunciation)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.json_patch import (
    apply_operations,
    is_equal_json,
    not_modified_response,
    read_operations,
)
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row

_PATH = "/v2/pronunciation-dictionaries"
_PATCH_PATHS = ("/name", "/rules")
_ID_FIELD = "pronunciation_dictionary_id"


def _public_row(row: Row) -> Row:
    """Return a dictionary as it is read, with both names of its id (vendor client)."""
    rules = row.get("rules") or []
    return {**row, "rules": rules, "rules_count": len(rules), "uuid": row[_ID_FIELD]}


def _list_row(row: Row) -> Row:
    """Return a row of the list, which has no rules but their number (docs)."""
    return {name: value for name, value in _public_row(row).items() if name != "rules"}


DICTIONARIES = Resource(
    kind="dictionary",
    parameter="dictionary_id",
    not_found=(404, "Pronunciation dictionary not found"),
    not_found_key="message",
    paging=http.Paging(limit=10, first_page=0, order="desc"),
    render=_public_row,
)


class PronunciationRule(http.Body):
    """The pronunciation of one text (docs: pronunciation-dictionaries)."""

    text: Annotated[str, Field(min_length=1, max_length=200)]
    pronunciation: Annotated[str, Field(min_length=1, max_length=500)]
    type: Literal["alias", "ipa"]
    alphabet: Literal["ipa"] | None = None
    case_sensitive: bool = False
    word_boundaries: bool = True


class Dictionary(http.Body):
    """The body that creates a dictionary."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    rules: Annotated[list[PronunciationRule], Field(max_length=10_000)] | MISSING = MISSING


async def create(request: Request) -> Response:
    """Create a dictionary; the reply is 201 (docs: create-pronunciation-dictionary)."""
    body = await http.read_object(request)
    if not body.get("name"):
        raise http.bad_request("Invalid request: name is required")
    _validate_dictionary(body)
    born = now()
    row = {
        _ID_FIELD: generate_id("dictionary"),
        "rules": [],
        **body,
        "created_at": born,
        "updated_at": born,
    }
    http.store_of(request).put("dictionary", row[_ID_FIELD], row)
    return http.json_response(_public_row(row), 201)


async def list_all(request: Request) -> Response:
    """List dictionaries, newest first, counted from page 0 (docs)."""
    page = DICTIONARIES.page(request, render=_list_row)
    limit, offset = DICTIONARIES.paging.window(request)
    return http.json_response(page | {"page": offset // limit, "limit": limit})


async def patch(request: Request) -> Response:
    """Apply a JSON Patch to the name or all rules; other paths are ignored (docs)."""
    operations = [
        operation
        for operation in await read_operations(request)
        if operation["path"].split("/")[1:2] in (["name"], ["rules"])
    ]
    if any(operation["path"] not in _PATCH_PATHS for operation in operations):
        raise http.bad_request("Invalid request: rules can only be replaced as a whole")
    store = http.store_of(request)
    with store.write_transaction():
        row = DICTIONARIES.requested(request)
        before = {"name": row["name"], "rules": row.get("rules") or []}
        after = apply_operations(before, operations)
        if is_equal_json(before, after):
            return not_modified_response()
        _validate_dictionary(after)
        row |= {"rules": []} | after | {"updated_at": now()}
        store.put("dictionary", row[_ID_FIELD], row)
    return http.json_response(_public_row(row))


async def delete(request: Request) -> Response:
    """Delete a dictionary; personas that used it read null (docs)."""
    store = http.store_of(request)
    with store.write_transaction():
        key = DICTIONARIES.requested(request)[_ID_FIELD]
        store.remove("dictionary", key)
        for persona in store.all("persona"):
            tts = persona["layers"].get("tts")
            if isinstance(tts, dict) and tts.get(_ID_FIELD) == key:
                tts[_ID_FIELD] = None
                store.put("persona", persona["persona_id"], persona)
    return http.empty_response()


def _validate_dictionary(body: Row) -> None:
    http.validate_body(Dictionary, body)
    texts = [rule["text"] for rule in body.get("rules", [])]
    if len(set(texts)) < len(texts):
        raise http.bad_request("Invalid request: duplicate text values in rules")


ROUTES = (
    ("GET", _PATH, list_all),
    ("POST", _PATH, create),
    ("GET", f"{_PATH}/{{dictionary_id}}", DICTIONARIES.read),
    ("PATCH", f"{_PATH}/{{dictionary_id}}", patch),
    ("DELETE", f"{_PATH}/{{dictionary_id}}", delete),
)
