"""The tools registry and the attachment of tools to personas (docs: tools, pal-tools)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.sandbox import http, tool_validation
from tavus_mcp.sandbox.ids import generate_id, now, now_without_zone
from tavus_mcp.sandbox.routes.resource import Resource, both_names, require_persona
from tavus_mcp.sandbox.store import Row, Store


def _public_row(row: Row) -> Row:
    """Return a tool as it is read: secrets masked, both names of its id (vendor client)."""
    return {"owner_id": None, **tool_validation.mask_secrets(row), "uuid": row["tool_id"]}


TOOLS = Resource(
    kind="tool",
    parameter="tool_id",
    not_found=(400, "Bad Request. Tool not found"),
    paging=http.Paging(limit=10, first_page=1),
    search_fields=("name", "tool_id"),
    has_tags=True,
    render=_public_row,
)
_MAX_ATTACHED_TOOLS = 50
_OWNER_ID = 1
_SYSTEM_TOOL = "Bad Request. Cannot {} system tools"
_TYPE_FILTERS: dict[str, dict[str, Any]] = {
    "user": {"is_system_tool": False},
    "system": {"is_system_tool": True},
    "all": {},
}


async def create(request: Request) -> Response:
    """Register a tool; names are unique in an account (docs: tools/create-tool)."""
    body = await http.read_object(request)
    tool_validation.validate_tool(body)
    store, born = http.store_of(request), now_without_zone()
    row = {
        "tool_id": generate_id("tool"),
        "owner_id": _OWNER_ID,
        **tool_validation.add_defaults(body),
    }
    row |= {"is_system_tool": False, "created_at": born, "updated_at": born}
    with store.write_transaction():
        _refuse_taken_name(store, row)
        store.put("tool", row["tool_id"], row)
    return http.json_response(TOOLS.render(row))


async def list_all(request: Request) -> Response:
    """List tools, the account's own unless another type is requested (vendor client: tool)."""
    kind = request.query_params.get("type", "user")
    if kind not in _TYPE_FILTERS:
        raise http.bad_request("Invalid type: use user, system or all")
    return http.json_response(TOOLS.page(request, _TYPE_FILTERS[kind]))


async def update(request: Request) -> Response:
    """Change a tool with a plain object, not a JSON Patch (vendor client: tool)."""
    changes = await http.read_object(request)
    http.reject_unknown_fields(changes, tool_validation.WRITABLE_FIELDS)
    store = http.store_of(request)
    with store.write_transaction():
        before = _require_user_tool(store, request, "modify")
        after = before | tool_validation.replace_delivery(before, changes)
        tool_validation.validate_tool(
            {name: after[name] for name in tool_validation.WRITABLE_FIELDS & after.keys()}
        )
        _refuse_taken_name(store, after)
        after["updated_at"] = now_without_zone()
        store.put("tool", after["tool_id"], after)
    return http.json_response(TOOLS.render(after))


async def delete(request: Request) -> Response:
    """Delete a tool, also from the personas that have it; its name is free again."""
    store, tool_id = http.store_of(request), request.path_params["tool_id"]
    with store.write_transaction():
        _require_user_tool(store, request, "delete")
        store.remove("tool", tool_id)
        for persona in store.all("persona"):
            if tool_id in persona.get("tool_ids", []):
                _set_tool_ids(
                    store, persona, [item for item in persona["tool_ids"] if item != tool_id]
                )
    return http.empty_response()


async def list_attached(request: Request) -> Response:
    """List a persona's own registered tools, not inline or system ones (docs: list-pal-tools)."""
    store = http.store_of(request)
    attached = require_persona(request).get("tool_ids", [])
    tools = [TOOLS.require(store, tool_id) for tool_id in attached]
    return http.json_response(
        {"data": [TOOLS.render(tool) for tool in tools if not tool.get("is_system_tool")]}
    )


async def attach(request: Request) -> Response:
    """Attach tools; attaching again changes nothing (docs: attach-tools-to-pal)."""
    body = await http.read_object(request)
    http.reject_unknown_fields(body, frozenset({"tool_ids", "tool_id"}))
    tool_ids = body.get("tool_ids", [body["tool_id"]] if "tool_id" in body else None)
    if not isinstance(tool_ids, list) or not 1 <= len(tool_ids) <= _MAX_ATTACHED_TOOLS:
        raise http.bad_request("Bad Request: {'tool_ids': ['Give 1 to 50 tool ids.']}")
    store = http.store_of(request)
    with store.write_transaction():
        persona = require_persona(request, for_change=True)
        tools = [TOOLS.require(store, str(tool_id)) for tool_id in tool_ids]
        attached = list(dict.fromkeys([*persona.get("tool_ids", []), *tool_ids]))
        if len(attached) > _MAX_ATTACHED_TOOLS:
            raise http.bad_request("Bad Request: a PAL can have at most 50 attached tools")
        _set_tool_ids(store, persona, attached)
    return http.json_response({"data": [TOOLS.render(tool) for tool in tools]})


async def detach(request: Request) -> Response:
    """Detach a tool; one answer covers every id that is unknown (docs: detach-tool-from-pal)."""
    store, tool_id = http.store_of(request), request.path_params["tool_id"]
    with store.write_transaction():
        persona = store.get("persona", request.path_params["persona_id"]) or {}
        attached = persona.get("tool_ids", [])
        if tool_id not in attached or persona["persona_type"] != "user":
            raise http.bad_request("Bad Request. Tool not attached to this PAL")
        _set_tool_ids(store, persona, [item for item in attached if item != tool_id])
    return http.empty_response()


def _set_tool_ids(store: Store, persona: Row, tool_ids: list[str]) -> None:
    changed = persona | {"tool_ids": tool_ids, "updated_at": now()}
    store.put("persona", persona["persona_id"], changed)


def _require_user_tool(store: Store, request: Request, action: str) -> Row:
    """Return a tool of the account; system tools, and unknown ids alike, are refused."""
    row = store.get("tool", request.path_params["tool_id"])
    if row is None or row.get("is_system_tool"):
        raise http.bad_request(_SYSTEM_TOOL.format(action))
    return row


def _refuse_taken_name(store: Store, tool: Row) -> None:
    for other in store.all("tool"):
        if other.get("is_system_tool"):
            continue
        if other["name"] == tool["name"] and other["tool_id"] != tool["tool_id"]:
            raise http.HttpError(409, f"A tool named '{tool['name']}' already exists")


ROUTES = (
    ("GET", "/v2/tools", list_all),
    ("POST", "/v2/tools", create),
    ("GET", "/v2/tools/{tool_id}", TOOLS.read),
    ("PATCH", "/v2/tools/{tool_id}", update),
    ("DELETE", "/v2/tools/{tool_id}", delete),
    *both_names("GET", "/v2/personas/{persona_id}/tools", list_attached),
    *both_names("POST", "/v2/personas/{persona_id}/tools", attach),
    *both_names("DELETE", "/v2/personas/{persona_id}/tools/{tool_id}", detach),
)
