"""The secrets of a registry tool: ``{secret:name}`` in its credentials, headers and query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.models.parts.tool import AUTH_SECRETS
from tavus_mcp.personas.secret_references import SECRET_PLACEHOLDER, resolve_placeholders

_CONTAINERS = ("auth", "headers", "query_params")
"""Members of the delivery to an API in which a secret is referred to."""


def resolve_tool_secrets(app: App, fields: JsonObject) -> JsonObject:
    """Return the fields of a tool with every reference to a secret replaced by the secret.

    Raises ``InvalidArgument`` for a name that the environment of the server does not have.
    """
    api = get_at(fields, "/delivery/api")
    if not isinstance(api, dict):
        return fields
    named = {f"/delivery/api/{name}": api[name] for name in _CONTAINERS if name in api}
    resolved = resolve_placeholders(app, named)
    values = {path.rpartition("/")[2]: value for path, value in resolved.items()}
    return {**fields, "delivery": {**fields["delivery"], "api": {**api, **values}}}


def literal_secret_findings(values: Mapping[str, Any]) -> list[RuleFinding]:
    """Return a finding for each secret that a call contains itself, so that the model saw it."""
    auth = get_at(values.get("/delivery"), "/api/auth")
    if not isinstance(auth, dict):
        return []
    return [
        warning(
            "literal-key",
            "The call contains this secret itself, so the model has seen it. Answers and the "
            "journal mask it.",
            path=f"/delivery/api/auth/{name}",
            hint="Set TAVUS_SECRET_<NAME> in the server's environment and give {secret:name}.",
        )
        for name in AUTH_SECRETS.values()
        if isinstance(auth.get(name), str)
        and auth[name]
        and not SECRET_PLACEHOLDER.fullmatch(auth[name])
    ]
