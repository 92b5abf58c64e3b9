"""Guardrails: single ones, and the legacy sets on the same path (docs: guardrails, legacy sets)."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.json_patch import (
    apply_operations,
    is_equal_json,
    not_modified_response,
    read_operations,
)
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row, Store

_TYPE_FIELD = "guardrail_type"
_SERVER_FIELDS = frozenset({"uuid", "guardrails_id", "guardrail_type", "created_at", "updated_at"})
_NOT_FOUND = (404, "Guardrails not found")
_PAGING = http.Paging(limit=10, first_page=1)
Tag = Annotated[str, Field(min_length=1, max_length=64)]


class Guardrail(http.Body):
    """One rule for the persona (docs: create-guardrails)."""

    guardrail_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=100)]
    guardrail_prompt: Annotated[str, Field(min_length=1, max_length=1000)]
    modality: Literal["verbal", "visual", "audio"] = "verbal"
    callback_url: Annotated[str, Field(max_length=2048)] = ""
    app_message: bool = True
    tags: Annotated[list[Tag], Field(max_length=32)] | MISSING = MISSING
    tool_call: JsonObject | None = None


class GuardrailSet(http.Body):
    """The legacy body: several at once, under one name (docs: legacy-guardrail-sets)."""

    name: str = ""
    data: Annotated[list[Guardrail], Field(min_length=1)]


def _public_row(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != _TYPE_FIELD}


GUARDRAILS = Resource(
    kind="guardrail",
    parameter="guardrail_id",
    not_found=_NOT_FOUND,
    paging=_PAGING,
    search_fields=("guardrail_name", "uuid"),
    has_tags=True,
    render=_public_row,
)
GUARDRAIL_SETS = Resource(
    kind="guardrails",
    parameter="guardrail_id",
    not_found=_NOT_FOUND,
    paging=_PAGING,
    search_fields=("name", "guardrails_id"),
    render=_public_row,
)


def routes() -> list[Route]:
    """Return the routes of the resource."""
    one = "/v2/guardrails/{guardrail_id}"
    return [
        Route("/v2/guardrails", list_all, methods=["GET"]),
        Route("/v2/guardrails", create, methods=["POST"]),
        Route("/v2/guardrails/tags", GUARDRAILS.list_tags, methods=["GET"]),
        Route(one, read, methods=["GET"]),
        Route(one, patch, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create one guardrail, or a legacy set when there is no ``guardrail_name`` on top."""
    body = await http.read_object(request, key="message")
    store, born = http.store_of(request), now()
    if "data" in body and "guardrail_name" not in body:
        return http.json_response(_create_set(store, body, born))
    http.validate_body(Guardrail, body, key="message")
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
    return http.json_response(_public_row(row))


async def list_all(request: Request) -> Response:
    """List the legacy sets, or single guardrails with ``legacy=false`` (docs: guardrails)."""
    equals = http.type_filter(request, "type", _TYPE_FIELD)
    if http.query_flag(request, "legacy", default=True):
        return http.json_response(GUARDRAIL_SETS.page(request, equals))
    verbose = http.query_flag(request, "verbose")
    render = partial(_with_persona_refs, http.store_of(request)) if verbose else None
    return http.json_response(GUARDRAILS.page(request, equals, render=render))


async def read(request: Request) -> Response:
    """Return one guardrail or one legacy set."""
    resource, row = _requested(request)
    verbose = resource is GUARDRAILS and http.query_flag(request, "verbose")
    return http.json_response(
        _with_persona_refs(http.store_of(request), row) if verbose else resource.render(row)
    )


async def patch(request: Request) -> Response:
    """Apply a JSON Patch (docs: patch-guardrails)."""
    operations = await read_operations(request)
    store, key = http.store_of(request), request.path_params["guardrail_id"]
    with store.write_transaction():
        resource, row = _requested(request)
        before = {name: value for name, value in row.items() if name not in _SERVER_FIELDS}
        after = apply_operations(before, operations)
        if is_equal_json(before, after):
            return not_modified_response()
        http.validate_body(
            Guardrail if resource is GUARDRAILS else GuardrailSet,
            _without_nulls(after),
            key="message",
        )
        server_fields = {name: row[name] for name in _SERVER_FIELDS & row.keys()}
        row = server_fields | after | {"updated_at": now()}
        store.put(resource.kind, key, row)
    return http.json_response(_public_row(row))


async def delete(request: Request) -> Response:
    """Delete it, also from the personas that use it (docs: delete-guardrails)."""
    store, key = http.store_of(request), request.path_params["guardrail_id"]
    with store.write_transaction():
        resource, _ = _requested(request)
        store.remove(resource.kind, key)
        for persona in _personas_with_guardrail(store, key):
            persona["guardrail_ids"] = [item for item in persona["guardrail_ids"] if item != key]
            store.put("persona", persona["persona_id"], persona)
    return http.empty_response()


def _create_set(store: Store, body: dict[str, Any], created_at: str) -> Row:
    http.validate_body(GuardrailSet, body, key="message")
    row = {"guardrails_id": generate_id("guardrails"), "name": "", **body}
    row |= {"guardrail_type": "user", "created_at": created_at, "updated_at": created_at}
    store.put("guardrails", row["guardrails_id"], row)
    return {
        "guardrails_id": row["guardrails_id"],
        "guardrails_name": row["name"],
        "status": "active",
        "created_at": created_at,
    }


def _requested(request: Request) -> tuple[Resource, Row]:
    """Return the guardrail or the legacy set that a path names, with its resource."""
    row = http.store_of(request).get(GUARDRAILS.kind, request.path_params[GUARDRAILS.parameter])
    return (GUARDRAIL_SETS, GUARDRAIL_SETS.requested(request)) if row is None else (GUARDRAILS, row)


def _personas_with_guardrail(store: Store, key: str) -> list[Row]:
    return [row for row in store.all("persona") if key in row.get("guardrail_ids", [])]


def _with_persona_refs(store: Store, row: Row) -> Row:
    refs = [
        {"persona_id": user["persona_id"], "persona_name": user["persona_name"]}
        for user in _personas_with_guardrail(store, row["uuid"])
    ]
    return row | {"persona_refs": refs}


def _without_nulls(row: Row) -> Row:
    """Return the fields that are set: a read returns unset ones as null."""
    return {name: value for name, value in row.items() if value is not None}
