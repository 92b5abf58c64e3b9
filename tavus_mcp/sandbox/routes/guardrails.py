"""Guardrails: single ones, and the legacy sets on the same path (docs: guardrails, legacy sets)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox.http import (
    Body,
    HttpError,
    Paging,
    empty_response,
    json_response,
    page_envelope,
    query_flag,
    read_object,
    split_list,
    store_of,
    type_filter,
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

_PAGING = Paging(limit=10, first_page=1)
_SERVER_FIELDS = frozenset({"uuid", "guardrails_id", "guardrail_type", "created_at", "updated_at"})
Tag = Annotated[str, Field(min_length=1, max_length=64)]


class Guardrail(Body):
    """One thing the persona must or must not do (docs: create-guardrails)."""

    guardrail_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=100)]
    guardrail_prompt: Annotated[str, Field(min_length=1, max_length=1000)]
    modality: Literal["verbal", "visual", "audio"] = "verbal"
    callback_url: Annotated[str, Field(max_length=2048)] = ""
    app_message: bool = True
    tags: Annotated[list[Tag], Field(max_length=32)] | MISSING = MISSING
    tool_call: JsonObject | None = None


class GuardrailSet(Body):
    """The legacy body: several at once, under one name (docs: legacy-guardrail-sets)."""

    name: str = ""
    data: Annotated[list[Guardrail], Field(min_length=1)]


def routes() -> list[Route]:
    """Return the routes of the resource."""
    one = "/v2/guardrails/{guardrail_id}"
    return [
        Route("/v2/guardrails", list_all, methods=["GET"]),
        Route("/v2/guardrails", create, methods=["POST"]),
        Route("/v2/guardrails/tags", list_tags, methods=["GET"]),
        Route(one, read, methods=["GET"]),
        Route(one, patch, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create one guardrail, or a legacy set when there is no ``guardrail_name`` on top."""
    body = await read_object(request, key="message")
    store, born = store_of(request), now()
    if "data" in body and "guardrail_name" not in body:
        return json_response(_create_set(store, body, born))
    validate_body(Guardrail, body, key="message")
    row = {
        "uuid": generate_id("guardrail"),
        "modality": "verbal",
        "callback_url": None,
        "app_message": True,
        "tags": [],
        **body,
        "guardrail_type": "user",
        "created_at": born,
        "updated_at": born,
    }
    store.put("guardrail", row["uuid"], row)
    return json_response(_public_row(row))


async def list_all(request: Request) -> Response:
    """List the legacy sets, or single guardrails with ``legacy=false`` (docs: guardrails)."""
    legacy = query_flag(request, "legacy", default=True)
    page = page_envelope(
        request,
        _PAGING,
        "guardrails" if legacy else "guardrail",
        equals=type_filter(request, "type", stored_as="guardrail_type"),
        text=request.query_params.get("name_or_uuid", ""),
        text_in=("name", "guardrails_id") if legacy else ("guardrail_name", "uuid"),
        tags=() if legacy else split_list(request, "tags") or (),
    )
    verbose = query_flag(request, "verbose") and not legacy
    store = store_of(request)
    page["data"] = [
        _with_persona_refs(store, row) if verbose else _public_row(row) for row in page["data"]
    ]
    return json_response(page)


async def list_tags(request: Request) -> Response:
    """Return every tag in use (docs: guardrails/tags)."""
    used = sorted({tag for row in store_of(request).all("guardrail") for tag in row["tags"]})
    return json_response({"tags": used, "total_count": len(used)})


async def read(request: Request) -> Response:
    """Return one guardrail or one legacy set."""
    store = store_of(request)
    kind, row = _require_guardrail(store, request.path_params["guardrail_id"])
    verbose = kind == "guardrail" and query_flag(request, "verbose")
    return json_response(_with_persona_refs(store, row) if verbose else _public_row(row))


async def patch(request: Request) -> Response:
    """Apply a JSON Patch (docs: patch-guardrails)."""
    operations = await read_operations(request)
    store, key = store_of(request), request.path_params["guardrail_id"]
    with store.write_transaction():
        kind, row = _require_guardrail(store, key)
        before = {name: value for name, value in row.items() if name not in _SERVER_FIELDS}
        after = apply_operations(before, operations)
        if is_equal_json(before, after):
            return not_modified_response()
        validate_body(
            GuardrailSet if kind == "guardrails" else Guardrail,
            _without_nulls(after),
            key="message",
        )
        kept = {name: row[name] for name in _SERVER_FIELDS & row.keys()}
        row = kept | after | {"updated_at": now()}
        store.put(kind, key, row)
    return json_response(_public_row(row))


async def delete(request: Request) -> Response:
    """Delete it, also from the personas that used it (docs: delete-guardrails)."""
    store, key = store_of(request), request.path_params["guardrail_id"]
    with store.write_transaction():
        kind, _ = _require_guardrail(store, key)
        store.remove(kind, key)
        for persona in _personas_with_guardrail(store, key):
            persona["guardrail_ids"] = [it for it in persona["guardrail_ids"] if it != key]
            store.put("persona", persona["persona_id"], persona)
    return empty_response()


def _create_set(store: Store, body: dict[str, Any], created_at: str) -> Row:
    validate_body(GuardrailSet, body, key="message")
    row = {"guardrails_id": generate_id("guardrails"), "name": "", **body}
    row |= {"guardrail_type": "user", "created_at": created_at, "updated_at": created_at}
    store.put("guardrails", row["guardrails_id"], row)
    return {
        "guardrails_id": row["guardrails_id"],
        "guardrails_name": row["name"],
        "status": "active",
        "created_at": created_at,
    }


def _require_guardrail(store: Store, key: str) -> tuple[str, Row]:
    for kind in ("guardrail", "guardrails"):
        row = store.get(kind, key)
        if row is not None:
            return kind, row
    raise HttpError(404, "Guardrails not found")


def _personas_with_guardrail(store: Store, key: str) -> list[Row]:
    return [row for row in store.all("persona") if key in row.get("guardrail_ids", [])]


def _public_row(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "guardrail_type"}


def _with_persona_refs(store: Store, row: Row) -> Row:
    refs = [
        {"persona_id": user["persona_id"], "persona_name": user["persona_name"]}
        for user in _personas_with_guardrail(store, row["uuid"])
    ]
    return row | {"persona_refs": refs}


def _without_nulls(row: Row) -> Row:
    """A read shows unset fields as null, which nobody has to write."""
    return {name: value for name, value in row.items() if value is not None}
