"""Guardrails: single ones, and the legacy sets on the same path (docs: guardrails, legacy sets).

Each item of a set is a single guardrail as well, with an id of its own; both change together.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now_with_space
from tavus_mcp.sandbox.json_patch import (
    Operations,
    apply_operations,
    invalid_operation,
    is_equal_json,
    not_modified_response,
    read_operations,
)
from tavus_mcp.sandbox.routes.resource import Resource, remove_reference
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.sandbox.switches import switches_of

_TYPE_FIELD = "guardrail_type"
_SET_FIELD = "guardrails_id"
_DEFAULTS: Row = {"modality": "verbal", "callback_url": "", "app_message": True, "tags": []}
_ITEM_DEFAULTS: Row = {"modality": "verbal", "callback_url": ""}
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


def _writable_part(row: Row) -> Row:
    """Return what a patch of a single guardrail changes: its fields, but no empty ``tool_call``."""
    fields = {name: row[name] for name in Guardrail.model_fields if row.get(name) is not None}
    return _DEFAULTS | {
        name: value for name, value in fields.items() if name != "tool_call" or value
    }


def _public_row(row: Row) -> Row:
    """Return a single guardrail as it is read."""
    times = {name: row.get(name) for name in ("created_at", "updated_at")}
    return {"uuid": row["uuid"], **_writable_part(row), **times}


def _writable_set(row: Row) -> Row:
    """Return what a patch of a set changes; its items carry the ids of the single guardrails."""
    items = [
        _ITEM_DEFAULTS | {name: value for name, value in item.items() if value is not None}
        for item in row.get("data", [])
    ]
    return {"name": row.get("name", ""), "data": items}


def _public_set(row: Row) -> Row:
    """Return a set as it is read, with both names of its id (docs: legacy-guardrail-sets)."""
    times = {name: row.get(name) for name in ("created_at", "updated_at")}
    return {_SET_FIELD: row[_SET_FIELD], "uuid": row[_SET_FIELD], **_writable_set(row), **times}


GUARDRAILS = Resource(
    kind="guardrail",
    parameter="guardrail_id",
    not_found=(404, "Guardrails not found"),
    id_pattern=r"g[0-9a-f]+|[0-9a-f-]{36}",  # this sandbox once gave single guardrails a UUID
    malformed="Invalid guardrails_id",
    paging=http.Paging(limit=10, first_page=1),
    search_fields=("guardrail_name", "uuid"),
    has_tags=True,
    render=_public_row,
)
GUARDRAIL_SETS = replace(
    GUARDRAILS,
    kind="guardrails",
    search_fields=("name", "guardrails_id"),
    has_tags=False,
    render=_public_set,
)


async def create(request: Request) -> Response:
    """Create one guardrail, or a legacy set when there is no ``guardrail_name`` on top."""
    body = await http.read_object(request, key="message")
    store = http.store_of(request)
    if "data" in body and "guardrail_name" not in body:
        return http.json_response(_create_set(store, body))
    http.validate_body(Guardrail, body, key="message")
    row = _new_guardrail(body)
    store.put("guardrail", row["uuid"], row)
    return http.json_response(_public_row(row))


async def list_all(request: Request) -> Response:
    """List the legacy sets, or single guardrails with ``legacy=false`` (docs: guardrails)."""
    equals = http.type_filter(request, "type", _TYPE_FIELD)
    first_page = 0 if switches_of(request).guardrail_pages == "from_0" else 1
    paging = replace(GUARDRAILS.paging, first_page=first_page)
    if http.query_flag(request, "legacy", default=True):
        return http.json_response(replace(GUARDRAIL_SETS, paging=paging).page(request, equals))
    verbose = http.query_flag(request, "verbose")
    render = partial(_verbose_row, http.store_of(request)) if verbose else None
    page = replace(GUARDRAILS, paging=paging).page(request, equals, render=render)
    return http.json_response(page)


async def read(request: Request) -> Response:
    """Return one guardrail or one legacy set."""
    resource, row = _requested(request)
    verbose = resource is GUARDRAILS and http.query_flag(request, "verbose")
    return http.json_response(
        _verbose_row(http.store_of(request), row) if verbose else resource.render(row)
    )


async def patch(request: Request) -> Response:
    """Apply a JSON Patch (docs: patch-guardrails); a set answers a sentence."""
    operations = await read_operations(request)
    store = http.store_of(request)
    with store.write_transaction():
        resource, row = _requested(request)
        is_single = resource is GUARDRAILS
        changed = _patch_single(row, operations) if is_single else _patch_set(row, operations)
        if changed is None:
            return not_modified_response()
        changed["updated_at"] = now_with_space()
        if is_single:
            store.put("guardrail", row["uuid"], changed)
            _update_item(store, changed)
        else:
            changed = _store_set(store, changed, row)
    if is_single or switches_of(request).set_patch_answer == "document":
        return http.json_response(resource.render(changed))
    return http.json_response({"message": "Guardrails updated successfully"})


async def delete(request: Request) -> Response:
    """Delete it, and a set with all its items, also from the personas (docs: delete-guardrails)."""
    store = http.store_of(request)
    with store.write_transaction():
        resource, row = _requested(request)
        if resource is GUARDRAILS:
            _delete_single(store, row["uuid"])
            _update_item(store, row, is_deleted=True)
        else:
            store.remove("guardrails", row[_SET_FIELD])
            remove_reference(store, _SET_FIELD, row[_SET_FIELD])
            for item in row["data"]:
                _delete_single(store, item.get("uuid", ""))
    return http.empty_response()


def _new_guardrail(fields: Row) -> Row:
    born = now_with_space()
    row = {"uuid": generate_id("guardrail"), **_writable_part(fields), _TYPE_FIELD: "user"}
    return row | {"created_at": born, "updated_at": born}


def _create_set(store: Store, body: dict[str, Any]) -> Row:
    http.validate_body(GuardrailSet, body, key="message")
    born = now_with_space()
    row = {_SET_FIELD: generate_id("guardrails"), "name": "", **body, _TYPE_FIELD: "user"}
    row |= {"created_at": born, "updated_at": born}
    with store.write_transaction():
        _store_set(store, row, {"data": []})
    return {
        _SET_FIELD: row[_SET_FIELD],
        "guardrails_name": row["name"],
        "status": "active",
        "created_at": born,
    }


def _store_set(store: Store, row: Row, before: Row) -> Row:
    """Write a set and a single guardrail for each of its items; return the set.

    An item without an id gets a new one. Guardrails of items that are gone are deleted; personas
    keep their ids (docs: legacy-guardrail-sets).
    """
    items, seen = [], set()
    for item in row["data"]:
        single = (
            store.get("guardrail", item.get("uuid", "")) if item.get("uuid") not in seen else None
        )
        single = (single or _new_guardrail(item)) | item | {_SET_FIELD: row[_SET_FIELD]}
        if item.get("uuid") in seen or "uuid" not in item:
            single["uuid"] = generate_id("guardrail")
        seen.add(single["uuid"])
        store.put("guardrail", single["uuid"], single)
        items.append({**_ITEM_DEFAULTS, **item, "uuid": single["uuid"]})
    for item in before["data"]:
        if item.get("uuid") not in seen:
            store.remove("guardrail", item.get("uuid", ""))
    row = row | {"data": items}
    store.put("guardrails", row[_SET_FIELD], row)
    return row


def _patch_single(row: Row, operations: Operations) -> Row | None:
    """Return a patched guardrail, or None if nothing changed."""
    before = _writable_part(row)
    after = apply_operations(before, operations, http_error=invalid_operation())
    if is_equal_json(before, after):
        return None
    fields = {name: value for name, value in after.items() if value is not None}
    http.validate_body(Guardrail, fields, key="message")
    rest = {name: value for name, value in row.items() if name not in Guardrail.model_fields}
    return rest | _writable_part(fields)


def _patch_set(row: Row, operations: Operations) -> Row | None:
    """Return a patched set, or None if nothing changed."""
    before = _writable_set(row)
    operations = [_without_new_ids(operation) for operation in operations]
    after = apply_operations(before, operations, http_error=invalid_operation())
    if is_equal_json(before, after):
        return None
    items = after["data"] if isinstance(after.get("data"), list) else []
    bodies = [_without_id(item) for item in items]
    checked = {**after, "data": bodies} if items else after
    http.validate_body(GuardrailSet, checked, key="message")
    known = {item.get("uuid") for item in before["data"]}
    if any(item.get("uuid") not in {*known, None} for item in items):
        raise http.bad_request("Bad Request: uuid cannot be changed", key="message")
    return row | {"name": after.get("name", ""), "data": items}


def _without_new_ids(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation whose new items have no ids: a replaced item gets a new one (docs)."""
    value = operation.get("value")
    if operation["op"] not in {"add", "replace"} or not operation["path"].startswith("/data"):
        return operation
    if isinstance(value, list):
        return {**operation, "value": [_without_id(item) for item in value]}
    return {**operation, "value": _without_id(value)}


def _without_id(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if name != "uuid"}


def _update_item(store: Store, single: Row, *, is_deleted: bool = False) -> None:
    """Change or remove the item of the set that a single guardrail belongs to."""
    row = store.get("guardrails", single.get(_SET_FIELD, ""))
    if row is None:
        return
    items = [
        item for item in row["data"] if not (is_deleted and item.get("uuid") == single["uuid"])
    ]
    for item in items:
        if item.get("uuid") == single["uuid"]:
            item |= {name: single[name] for name in item.keys() & _writable_part(single).keys()}
    store.put("guardrails", row[_SET_FIELD], row | {"data": items})


def _delete_single(store: Store, key: str) -> None:
    store.remove("guardrail", key)
    remove_reference(store, "guardrail_ids", key)


def _requested(request: Request) -> tuple[Resource, Row]:
    """Return the guardrail or the legacy set that a path names, with its resource."""
    row = http.store_of(request).get(GUARDRAILS.kind, request.path_params[GUARDRAILS.parameter])
    return (GUARDRAIL_SETS, GUARDRAIL_SETS.requested(request)) if row is None else (GUARDRAILS, row)


def _verbose_row(store: Store, row: Row) -> Row:
    """Return a guardrail as a verbose read returns it: with the personas that use it (live)."""
    users = [user for user in store.all("persona") if row["uuid"] in user.get("guardrail_ids", [])]
    refs = [{"id": user["persona_id"], "name": user["persona_name"]} for user in users]
    return _public_row(row) | {_TYPE_FIELD: row.get(_TYPE_FIELD, "user"), "persona_refs": refs}


ROUTES = (
    ("GET", "/v2/guardrails", list_all),
    ("POST", "/v2/guardrails", create),
    ("GET", "/v2/guardrails/tags", GUARDRAILS.list_tags),
    ("GET", "/v2/guardrails/{guardrail_id}", read),
    ("PATCH", "/v2/guardrails/{guardrail_id}", patch),
    ("DELETE", "/v2/guardrails/{guardrail_id}", delete),
)
