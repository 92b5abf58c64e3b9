"""Objective sets (docs: create-objectives, patch-objectives; vendor client: objective)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox.http import (
    Body,
    Paging,
    bad_request,
    chosen_type,
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

_PAGING = Paging(limit=25, first=1)
_WRITTEN = ("name", "data", "allow_loops")
_HIDDEN = "objectives_type"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", max_length=100)]


class Objective(Body):
    """One goal of a conversation, and what comes after it (docs: objectives)."""

    objective_name: Name
    objective_prompt: Annotated[str, Field(min_length=1, max_length=10_000)]
    confirmation_mode: Literal["auto", "manual"] = "auto"
    output_variables: Annotated[list[str], Field(max_length=50)] | MISSING = MISSING
    modality: Literal["verbal", "visual", "audio"] = "verbal"
    next_conditional_objectives: dict[str, str] | MISSING = MISSING
    next_required_objective: str = ""
    callback_url: Annotated[str, Field(max_length=2048)] = ""
    tool_call: JsonObject | None = None


class ObjectiveSet(Body):
    """The body that creates a set (docs: create-objectives)."""

    name: str = ""
    data: Annotated[list[Objective], Field(min_length=1, max_length=50)]
    allow_loops: bool = False


def routes() -> list[Route]:
    """Return the routes of the resource."""
    one = "/v2/objectives/{objectives_id}"
    return [
        Route("/v2/objectives", list_all, methods=["GET"]),
        Route("/v2/objectives", create, methods=["POST"]),
        Route("/v2/objectives/validate", validate, methods=["POST"]),
        Route(one, read, methods=["GET"]),
        Route(one, patch, methods=["PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create a set; the reply tells id, name, status and birth (docs: create-objectives)."""
    body = await read_object(request, key="message")
    _check(body)
    born = now()
    row = {"objectives_id": mint("objectives"), "name": "", "allow_loops": False, **body}
    row |= {_HIDDEN: "user", "created_at": born, "updated_at": born}
    store_of(request).put("objectives", row["objectives_id"], row)
    return reply(
        {
            "objectives_id": row["objectives_id"],
            "objective_name": row["name"] or row["data"][0]["objective_name"],
            "status": "active",
            "created_at": born,
        }
    )


async def validate(request: Request) -> Response:
    """Check a set without keeping it (vendor client)."""
    _check(await read_object(request, key="message"))
    return reply({"valid": True})


async def list_all(request: Request) -> Response:
    """List sets."""
    page = listed(
        request,
        _PAGING,
        "objectives",
        equals=chosen_type(request, "type", stored_as=_HIDDEN),
        text=request.query_params.get("name_or_uuid", ""),
        text_in=("name", "objectives_id"),
    )
    page["data"] = [_shown(row) for row in page["data"]]
    return reply(page)


async def read(request: Request) -> Response:
    """Return one set, flat."""
    return reply(_shown(_found(store_of(request), request.path_params["objectives_id"])))


async def patch(request: Request) -> Response:
    """Apply a JSON Patch; the reply is one sentence (docs: patch-objectives)."""
    operations = await read_operations(request)
    store = store_of(request)
    with store.writing():
        row = _found(store, request.path_params["objectives_id"])
        before = {name: row[name] for name in _WRITTEN}
        after = applied(before, operations)
        if same(before, after):
            return unchanged()
        _check(after)
        store.put("objectives", row["objectives_id"], row | after | {"updated_at": now()})
    return reply({"message": "Objective updated successfully"})


async def delete(request: Request) -> Response:
    """Delete a set (docs: delete-objectives)."""
    store = store_of(request)
    with store.writing():
        row = _found(store, request.path_params["objectives_id"])
        store.remove("objectives", row["objectives_id"])
    return nothing()


def _found(store: Store, objectives_id: str) -> Row:
    row = store.get("objectives", objectives_id)
    if row is None:
        raise bad_request("Invalid objectives_id")
    return row


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != _HIDDEN}


def _check(body: dict[str, Any]) -> None:
    shaped(ObjectiveSet, body, key="message")
    for complaint in _complaints(body["data"], loops=bool(body.get("allow_loops"))):
        raise bad_request(f"Bad Request: {complaint}", key="message")


def _complaints(items: list[dict[str, Any]], *, loops: bool) -> Iterator[str]:
    """Yield what is wrong with the way the objectives hang together (vendor client)."""
    names = [item["objective_name"] for item in items]
    following = {item["objective_name"]: _next(item) for item in items}
    if len(following) < len(names):
        yield "objective names must be unique"
    for item in items:
        if item.get("next_conditional_objectives") and item.get("next_required_objective"):
            yield "use next_conditional_objectives or next_required_objective, not both"
    for name, targets in following.items():
        if not targets <= set(names):
            yield f"{name} leads to an objective that does not exist"
        if name in targets and not loops:
            yield f"{name} leads to itself"
    if len(set(names) - set().union(*following.values())) != 1 and not loops:
        yield "there must be exactly one objective that no other leads to"
    if not loops and _loops(names, following):
        yield "the objectives form a loop"


def _next(item: dict[str, Any]) -> set[str]:
    required = item.get("next_required_objective")
    return set(item.get("next_conditional_objectives", {})) | ({required} if required else set())


def _loops(names: list[str], following: dict[str, set[str]]) -> bool:
    """Take away objectives that lead nowhere until none is left; a loop never is."""
    left = {name: set(following[name]) for name in names}
    while ends := [name for name, targets in left.items() if not targets]:
        left = {name: left[name] - set(ends) for name in left if name not in ends}
    return bool(left)
