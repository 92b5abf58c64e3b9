"""Objective sets (docs: create-objectives, patch-objectives; vendor client: objective)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import MISSING, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.json_patch import not_modified_response
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row


def _public_row(row: Row) -> Row:
    """Return a set as it is read, with both names of its id and of its name (vendor client)."""
    public = {name: value for name, value in row.items() if name != _TYPE_FIELD}
    return public | {"uuid": row["objectives_id"], "objectives_name": row["name"]}


_WRITABLE_FIELDS = ("name", "data", "allow_loops")
_TYPE_FIELD = "objectives_type"
OBJECTIVES = Resource(
    kind="objectives",
    parameter="objectives_id",
    not_found=(400, "Invalid objectives_id"),
    paging=http.Paging(limit=25, first_page=1),
    search_fields=("name", "objectives_id"),
    render=_public_row,
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
        Route(one, OBJECTIVES.read, methods=["GET"]),
        Route(one, patch, methods=["PATCH"]),
        Route(one, OBJECTIVES.delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create a set; the reply has id, name, status and time (docs: create-objectives)."""
    body = await http.read_object(request, key="message")
    _validate_set(body)
    born = now()
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
        OBJECTIVES.page(request, http.type_filter(request, "type", _TYPE_FIELD))
    )


async def patch(request: Request) -> Response:
    """Apply a JSON Patch; the reply is one sentence (docs: patch-objectives)."""
    row = await OBJECTIVES.patch(request, _WRITABLE_FIELDS, _validate_set)
    if row is None:
        return not_modified_response()
    return http.json_response({"message": "Objective updated successfully"})


def _validate_set(body: dict[str, Any]) -> None:
    http.validate_body(ObjectiveSet, body, key="message")
    for problem in _find_problems(body["data"], allow_loops=bool(body.get("allow_loops"))):
        raise http.bad_request(f"Bad Request: {problem}", key="message")


def _find_problems(items: list[dict[str, Any]], *, allow_loops: bool) -> Iterator[str]:
    """Yield the problems in the links between objectives (vendor client)."""
    names = [item["objective_name"] for item in items]
    following = {item["objective_name"]: _next_objectives(item) for item in items}
    if len(following) < len(names):
        yield "objective names must be unique"
    for item in items:
        if item.get("next_conditional_objectives") and item.get("next_required_objective"):
            yield "use next_conditional_objectives or next_required_objective, not both"
    for name, targets in following.items():
        if not targets <= set(names):
            yield f"{name} leads to an objective that does not exist"
        if name in targets and not allow_loops:
            yield f"{name} leads to itself"
    if len(set(names) - set().union(*following.values())) != 1 and not allow_loops:
        yield "there must be exactly one objective that no other leads to"
    if not allow_loops and _has_loop(names, following):
        yield "the objectives form a loop"


def _next_objectives(item: dict[str, Any]) -> set[str]:
    required = item.get("next_required_objective")
    return set(item.get("next_conditional_objectives", {})) | ({required} if required else set())


def _has_loop(names: list[str], successors: dict[str, set[str]]) -> bool:
    """Return True if objectives remain when those without successors are removed repeatedly."""
    remaining = {name: set(successors[name]) for name in names}
    while ends := [name for name, targets in remaining.items() if not targets]:
        remaining = {name: targets - set(ends) for name, targets in remaining.items() if targets}
    return bool(remaining)
