"""Rules for registered tools (docs: tools/create-tool, pal/llm-tool-delivery)."""

from __future__ import annotations

import copy
import ipaddress
import json
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import MISSING, Field

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.models.layers import FunctionName
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.parts.tool import (
    AUTH_FIELDS,
    AUTH_SECRETS,
    BODYLESS_METHODS,
    HttpMethod,
    OnCall,
    OnResolve,
    Origin,
    ToolAuth,
    TriggerType,
)
from tavus_mcp.sandbox.http import Body, bad_request, validate_body
from tavus_mcp.sandbox.store import Row

_MAX_TEXT_CHARS = 10_000
_SECRET_FIELDS = frozenset(AUTH_SECRETS.values())
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
HttpsUrl = Annotated[str, Field(pattern=r"^https://[^\s]+$")]


class Auth(ToolAuth):
    """Credentials that Tavus sends when it calls the tool (vendor client: tool)."""

    token_url: HttpsUrl | MISSING = MISSING


class Api(Body):
    """The HTTPS call a tool makes (docs: pal/llm-tool-delivery)."""

    url: HttpsUrl
    method: HttpMethod = "POST"
    timeout: Annotated[float, Field(gt=0, le=60)] = 10
    headers: dict[str, str] | MISSING = MISSING
    auth: Auth | None = None
    body_template: Any = None
    query_params: JsonObject | MISSING = MISSING
    content_type: str = "application/json"


class Delivery(Body):
    """The receiver of a call: the browser or an API."""

    app_message: bool = False
    api: Api | None = None


class Tool(Body):
    """The body that creates a tool (docs: tools/create-tool)."""

    name: FunctionName
    description: Annotated[str, Field(min_length=1)]
    parameters: JsonObject | MISSING = MISSING
    origin: Origin | None = None
    trigger_type: TriggerType = "in_call"
    delivery: Delivery | None = None
    on_call: OnCall | None = None
    on_resolve: OnResolve = "fire_and_forget"
    static_filler: str | None = None
    tags: list[str] | MISSING = MISSING


WRITABLE_FIELDS = frozenset(Tool.model_fields)
"""The fields that clients may set."""


def validate_tool(tool: Row) -> None:
    """Refuse a tool that breaks a rule; the reply names the first."""
    validate_body(Tool, tool)
    properties = tool.get("parameters", {}).get("properties", {})
    if not isinstance(properties, dict):
        raise bad_request("Bad Request: parameters.properties must be an object")
    for problem in (
        _size_problem(tool),
        _reserved_name_problem(properties),
        _sensor_problem(tool),
        _filler_problem(tool),
        _post_call_problem(tool),
        _delivery_problem(_delivery(tool)),
        _api_problem(_delivery(tool).get("api") or {}, properties),
    ):
        if problem:
            raise bad_request(f"Bad Request: {problem}")


def add_defaults(tool: Row) -> Row:
    """Return the tool with its defaults (docs: tools/create-tool)."""
    origin = None if tool.get("trigger_type") == "post_call" else "llm"
    full: Row = {
        "parameters": {},
        "origin": origin,
        "trigger_type": "in_call",
        "on_resolve": "fire_and_forget",
        "static_filler": None,
        "tags": [],
    } | tool
    full["delivery"] = _delivery(tool)
    default = "generate_filler" if full["origin"] == "llm" else None
    return {"on_call": default} | full


def mask_secrets(tool: Row) -> Row:
    """Return the tool as a read returns it: secrets masked (vendor client: tool)."""
    auth = _auth(tool)
    if not auth:
        return tool
    masked = {
        name: MASK if name in _SECRET_FIELDS and value else value for name, value in auth.items()
    }
    api = tool["delivery"]["api"] | {"auth": masked}
    return tool | {"delivery": tool["delivery"] | {"api": api}}


def replace_delivery(before: Row, changes: Row) -> Row:
    """Return changes with ``delivery`` as a PATCH stores it (docs: update-tool).

    It is replaced as a whole, and null means the default. A secret that the new credentials of the
    same type leave out is kept.
    """
    if "delivery" not in changes:
        return changes
    after = copy.deepcopy(changes)
    if after["delivery"] is None:
        after["delivery"] = {"app_message": True}
    old, new = _auth(before), _auth(after)
    if old and new and old.get("type") == new.get("type"):
        for name in _SECRET_FIELDS & old.keys():
            new.setdefault(name, old[name])
    return after


def _auth(tool: Row) -> dict[str, Any]:
    auth = get_at(tool, "/delivery/api/auth")
    return auth if isinstance(auth, dict) else {}


def _delivery(tool: Row) -> Row:
    delivery: Row | None = tool.get("delivery")
    return {"app_message": True} if delivery is None else delivery


def _size_problem(tool: Row) -> str:
    text = tool["description"] + json.dumps(tool.get("parameters", {}))
    return (
        "description and parameters exceed 10000 characters" if len(text) > _MAX_TEXT_CHARS else ""
    )


def _reserved_name_problem(properties: dict[str, Any]) -> str:
    taken = [name for name in properties if name.startswith("tavus_")]
    return f"parameter names beginning with tavus_ are reserved: {taken}" if taken else ""


def _sensor_problem(tool: Row) -> str:
    if tool.get("origin") not in {"vision", "audio"}:
        return ""
    if tool.get("on_call"):
        return "on_call must be absent for vision and audio tools"
    wrong = tool.get("on_resolve", "fire_and_forget") != "fire_and_forget"
    return "on_resolve must be fire_and_forget for vision and audio tools" if wrong else ""


def _filler_problem(tool: Row) -> str:
    lacks = tool.get("on_call") == "static_filler" and not tool.get("static_filler")
    return "on_call static_filler needs static_filler" if lacks else ""


def _post_call_problem(tool: Row) -> str:
    lacks = tool.get("trigger_type") == "post_call" and not _delivery(tool).get("api")
    return "post_call tools need delivery.api" if lacks else ""


def _delivery_problem(delivery: dict[str, Any]) -> str:
    both = bool(delivery.get("app_message")) == bool(delivery.get("api"))
    return "delivery needs exactly one of app_message and api" if both else ""


def _api_problem(api: dict[str, Any], properties: dict[str, Any]) -> str:
    if not api:
        return ""
    auth = api.get("auth") or {"type": "none"}
    if api.get("body_template") is not None and api.get("method") in BODYLESS_METHODS:
        return f"body_template cannot be used with {api['method']}"
    if auth["type"] == "hmac":
        wrong = [name for name in ("body_template", "query_params") if api.get(name)]
        if wrong or _PLACEHOLDER.search(api["url"]):
            return "auth type hmac excludes body_template, query_params and url placeholders"
    texts = json.dumps([api.get(name) for name in ("url", "query_params")])
    unknown = sorted(set(_PLACEHOLDER.findall(texts)) - properties.keys())
    if unknown:
        return f"placeholders are not declared in parameters.properties: {unknown}"
    return _host_problem(api["url"]) or _credentials_problem(auth)


def _host_problem(url: str) -> str:
    """Describe a host that is not static or not public (docs: llm-tool-delivery)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "delivery.api.url is no address"
    if "{" in parts.netloc:
        return "the host of delivery.api.url cannot have placeholders"
    return "" if _is_public(host) else "delivery.api.url must be a public host"


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.rstrip(".") and not host.endswith((".localhost", ".local", ".internal"))


def _credentials_problem(auth: dict[str, Any]) -> str:
    if MASK in auth.values():
        return "auth holds the masked placeholder; omit the field to keep the stored secret"
    absent = [name for name in AUTH_FIELDS[auth["type"]] if not auth.get(name)]
    return f"auth type {auth['type']} needs {absent}" if absent else ""
