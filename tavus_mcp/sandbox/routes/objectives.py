"""Objective sets (docs: create-objectives, patch-objectives; vendor client: objective)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now_with_space
from tavus_mcp.sandbox.json_patch import (
    apply_operations,
    invalid_operation,
    is_equal_json,
    not_modified_response,
    read_operations,
)
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row
from tavus_mcp.sandbox.switches import switches_of

_OWNER_ID = 1
_ITEM_DEFAULTS: Row = {
    "confirmation_mode": "auto",
    "output_variables": [],
    "modality": "verbal",
    "next_required_objective": "",
    "next_conditional_objectives": {},
    "callback_url": "",
}


def _writable_part(row: Row) -> Row:
    """Return what a patch changes: each item has both links, empty ones too (live reads)."""
    return {
        "name": row.get("name", ""),
        "allow_loops": row.get("allow_loops", False),
        "data": [_render_item(item) for item in row.get("data", [])],
    }


def _render_item(item: Row) -> Row:
    full = {**_ITEM_DEFAULTS, **item}
    return {name: value for name, value in full.items() if name != "tool_call" or value}


def _public_row(row: Row) -> Row:
    """Return a set as it is read: flat, with the id in ``uuid`` only (live reads)."""
    return {
        "uuid": row["objectives_id"],
        "owner_id": _OWNER_ID,
        **_writable_part(row),
        "created_at": row.get("created_at"),
        "updated_at": row.get("updated_at"),
        "is_deleted": False,
    }


def _list_row(row: Row) -> Row:
    """Return a row of the list, with both names of the id and of the name (docs, vendor client)."""
    return {
        **_public_row(row),
        "objectives_id": row["objectives_id"],
        "objectives_name": row.get("name", ""),
    }


_TYPE_FIELD = "objectives_type"
OBJECTIVES = Resource(
    kind="objectives",
    parameter="objectives_id",
    not_found=(404, "Objective not found"),
    id_pattern=r"o[0-9a-f]+",
    malformed="Invalid objectives_id",
    paging=http.Paging(limit=10, first_page=1),
    search_fields=("name", "objectives_id"),
    reference_field="objectives_id",
    render=_public_row,
)
_ROOT_ERROR = (
    "Objective chain must have exactly one root (an objective not referenced by any other)"
)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=100)]


class Objective(http.Body):
    """One goal of a conversation and its successors (docs: objectives)."""

    objective_name: Name
    objective_prompt: Annotated[str, Field(min_length=1, max_length=10_000)]
    confirmation_mode: Literal["auto", "manual"] = "auto"
    output_variables: Annotated[list[str], Field(max_length=50)] | MISSING = MISSING
    modality: Literal["verbal", "visual", "audio"] = "verbal"
    next_conditional_objectives: dict[str, str] | MISSING = MISSING
    next_required_objective: str = ""
    callback_url: Annotated[str, Field(max_length=2048)] = ""
    tool_call: JsonObject | None = None


class ObjectiveSet(http.Body):
    """The body that creates a set (docs: create-objectives)."""

    name: Annotated[str, Field(max_length=100)] = ""
    data: Annotated[list[Objective], Field(min_length=1, max_length=50)]
    allow_loops: bool = False


async def create(request: Request) -> Response:
    """Create a set; the reply has id, name, status and time (docs: create-objectives)."""
    body = await http.read_object(request, key="message")
    _validate_set(body)
    born = now_with_space()
    row = {"objectives_id": generate_id("objectives"), "name": "", "allow_loops": False, **body}
    row |= {_TYPE_FIELD: "user", "created_at": born, "updated_at": born}
    http.store_of(request).put("objectives", row["objectives_id"], row)
    return http.json_response(
        {
            "objectives_id": row["objectives_id"],
            "objective_name": row["name"] or row["data"][0]["objective_name"],
            "status": "active",
            "created_at": born,
        }
    )


async def validate(request: Request) -> Response:
    """Check a set without storing it (vendor client)."""
    _validate_set(await http.read_object(request, key="message"))
    return http.json_response({"valid": True})


async def list_all(request: Request) -> Response:
    """List sets."""
    return http.json_response(
        OBJECTIVES.page(request, http.type_filter(request, "type", _TYPE_FIELD), render=_list_row)
    )


async def read(request: Request) -> Response:
    """Return one set; the docs wrap it in ``data``, live reads do not."""
    body = _public_row(OBJECTIVES.requested(request))
    is_wrapped = switches_of(request).objective_reads == "wrapped"
    return http.json_response({"data": [body]} if is_wrapped else body)


async def patch(request: Request) -> Response:
    """Apply a JSON Patch; the result of all of it is checked (docs: patch-objectives)."""
    operations = await read_operations(request)
    store = http.store_of(request)
    with store.write_transaction():
        row = OBJECTIVES.requested(request)
        before = _writable_part(row)
        after = apply_operations(before, operations, http_error=invalid_operation())
        if is_equal_json(before, after):
            return not_modified_response()
        _validate_set(after)
        row |= {"name": "", "allow_loops": False} | after | {"updated_at": now_with_space()}
        store.put("objectives", row["objectives_id"], row)
    if switches_of(request).set_patch_answer == "document":
        return http.json_response(_public_row(row))
    return http.json_response({"message": "Objective updated successfully"})


def _validate_set(body: dict[str, Any]) -> None:
    http.validate_body(ObjectiveSet, body, key="message")
    for problem in _find_problems(body["data"], allow_loops=bool(body.get("allow_loops"))):
        raise http.bad_request(problem, key="message")


def _find_problems(items: list[dict[str, Any]], *, allow_loops: bool) -> Iterator[str]:
    """Yield the problems in the links between objectives (vendor client)."""
    names = [item["objective_name"] for item in items]
    following = {item["objective_name"]: _next_objectives(item) for item in items}
    if len(following) < len(names):
        yield "Bad Request: objective names must be unique"
    for item in items:
        if item.get("next_conditional_objectives") and item.get("next_required_objective"):
            yield (
                "Bad Request: use next_conditional_objectives or next_required_objective, not both"
            )
    for name, targets in following.items():
        if not targets <= set(names):
            yield f"Bad Request: {name} leads to an objective that does not exist"
        if name in targets and not allow_loops:
            yield f"Bad Request: {name} leads to itself"
    if len(set(names) - set().union(*following.values())) != 1 and not allow_loops:
        yield _ROOT_ERROR
    if not allow_loops and _has_loop(names, following):
        yield "Bad Request: the objectives form a loop"


def _next_objectives(item: dict[str, Any]) -> set[str]:
    required = item.get("next_required_objective")
    return set(item.get("next_conditional_objectives", {})) | ({required} if required else set())


def _has_loop(names: list[str], successors: dict[str, set[str]]) -> bool:
    """Return True if objectives remain when those without successors are removed repeatedly."""
    remaining = {name: set(successors[name]) for name in names}
    while ends := [name for name, targets in remaining.items() if not targets]:
        remaining = {name: targets - set(ends) for name, targets in remaining.items() if targets}
    return bool(remaining)


ROUTES = (
    ("GET", "/v2/objectives", list_all),
    ("POST", "/v2/objectives", create),
    ("POST", "/v2/objectives/validate", validate),
    ("GET", "/v2/objectives/{objectives_id}", read),
    ("PATCH", "/v2/objectives/{objectives_id}", patch),
    ("DELETE", "/v2/objectives/{objectives_id}", OBJECTIVES.delete),
)
