"""A registry tool as it is created (docs: tools/create-tool, pal/llm-tool-delivery)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import MISSING, Field

from tavus_mcp.models.base import JsonObject, NonEmptyStr, StrictModel
from tavus_mcp.models.layers import FunctionName, FunctionParameters

AUTH_FIELDS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "bearer": ("token",),
    "basic": ("username", "password"),
    "api_key": ("name", "value"),
    "hmac": ("secret",),
    "oauth2_client_credentials": ("token_url", "client_id", "client_secret"),
}
"""The fields that each type of authentication requires (vendor client: tool)."""
AUTH_SECRETS: Mapping[str, str] = {
    "bearer": "token",
    "basic": "password",
    "api_key": "value",
    "hmac": "secret",
    "oauth2_client_credentials": "client_secret",
}
"""The field of each type of authentication that holds the secret, which reads mask."""
BODYLESS_METHODS = frozenset({"GET", "HEAD", "DELETE"})
"""Methods that take no ``body_template`` (vendor client: tool)."""

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
TriggerType = Literal["in_call", "post_call"]
Origin = Literal["llm", "vision", "audio"]
OnCall = Literal["generate_filler", "static_filler", "silent", "passthrough"]
OnResolve = Literal["generate_response", "response_in_result", "add_to_context", "fire_and_forget"]


class ToolAuth(StrictModel):
    """Credentials that Tavus sends when it calls the API of a tool.

    ``AUTH_FIELDS`` names the fields of each type. In a change the secret is left out to keep it.
    """

    type: Literal["none", "bearer", "basic", "api_key", "hmac", "oauth2_client_credentials"]
    token: str | MISSING = MISSING
    username: str | MISSING = MISSING
    password: str | MISSING = MISSING
    name: str | MISSING = MISSING
    value: str | MISSING = MISSING
    location: Literal["header", "query"] | MISSING = MISSING
    secret: str | MISSING = MISSING
    token_url: str | MISSING = MISSING
    client_id: str | MISSING = MISSING
    client_secret: str | MISSING = MISSING
    scope: str | MISSING = MISSING


class ToolApi(StrictModel):
    """The HTTPS call that a tool makes; ``timeout`` in seconds."""

    url: NonEmptyStr
    method: HttpMethod | MISSING = MISSING
    timeout: Annotated[float, Field(gt=0, le=60)] | MISSING = MISSING
    content_type: str | MISSING = MISSING
    headers: dict[str, str] | MISSING = MISSING
    query_params: dict[str, str] | MISSING = MISSING
    body_template: JsonObject | MISSING = MISSING
    auth: ToolAuth | MISSING | None = MISSING


class ToolDelivery(StrictModel):
    """The receiver of a call, exactly one of both: the browser, or an API."""

    app_message: bool | MISSING = MISSING
    api: ToolApi | MISSING | None = MISSING


class Tool(StrictModel):
    """The request that creates a tool; a change sends the fields that change, as a plain object."""

    name: FunctionName
    description: NonEmptyStr
    parameters: FunctionParameters | MISSING = MISSING
    trigger_type: TriggerType | MISSING = MISSING
    origin: Origin | MISSING | None = MISSING
    on_call: OnCall | MISSING | None = MISSING
    on_resolve: OnResolve | MISSING | None = MISSING
    static_filler: str | MISSING | None = MISSING
    delivery: ToolDelivery | MISSING = MISSING
    tags: list[NonEmptyStr] | MISSING = MISSING
