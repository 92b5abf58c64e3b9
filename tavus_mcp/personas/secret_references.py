"""Putting secrets in place of their names, the moment before a change is made of them.

A caller names a key: ``api_key_ref: "openai"`` where a key belongs, ``{secret:openai}`` inside a
header or a query value. Only there: in a prompt the words would stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import MISSING

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.findings import RuleFinding

KEY_REFERENCE_FIELD = "api_key_ref"
KEY_FIELD = "api_key"
SECRET_PLACEHOLDER = re.compile(r"\{secret:([A-Za-z0-9_]{1,64})\}")
REFERENCE_CONTAINERS = frozenset({"headers", "default_query", "extra_body"})
"""Where a secret is named as ``{secret:name}``."""


def resolve_references(app: App, value: Any, path: str = "") -> Any:
    """Return a copy of ``value`` with every named secret in place.

    Raises ``InvalidArgument`` when a name is not set, or a key is given in both ways.
    """
    if isinstance(value, list):
        return [
            resolve_references(app, item, f"{path}/{index}") for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        here = f"{path}/{key}"
        if key == KEY_REFERENCE_FIELD and isinstance(item, str):
            if "api_key" in value:
                raise InvalidArgument([f"{path}/api_key: give api_key_ref or api_key, not both."])
            result["api_key"] = app.secret(item, argument_path=here)
        elif key in REFERENCE_CONTAINERS:
            result[key] = _resolve_in_value(app, item, here)
        else:
            result[key] = resolve_references(app, item, here)
    return result


def resolve_key_argument(app: App, literal: object, reference: object, path: str) -> dict[str, str]:
    """Return the key to send when a reference names it; refuse a key given in both ways."""
    if reference is MISSING:
        return {}
    if literal is not MISSING:
        raise InvalidArgument(["/api_key: give api_key_ref or api_key, not both."])
    return {path: app.secret(str(reference), argument_path="/api_key_ref")}


def literal_key_findings(value: Any, path: str = "") -> list[RuleFinding]:
    """Return a finding for each key that was given literally, where the model has seen it."""
    if isinstance(value, list):
        return [
            hit for i, item in enumerate(value) for hit in literal_key_findings(item, f"{path}/{i}")
        ]
    if not isinstance(value, dict):
        return []
    found = []
    for key, item in value.items():
        inside = key if key.startswith("/") else f"{path}/{key}"
        place = str(value["path"]) if key == "value" and "path" in value else inside
        if place.endswith("/api_key") and isinstance(item, str) and item:
            found.append(_literal_key_finding(place))
        found += literal_key_findings(item, place)
    return found


def _literal_key_finding(path: str) -> RuleFinding:
    return RuleFinding(
        severity="warning",
        path=path,
        message="This key was given literally, so it stands in the conversation with the model.",
        hint="Next time set TAVUS_SECRET_<NAME> for the server and give api_key_ref; masked here.",
        rule="literal-key",
    )


def resolve_placeholders(app: App, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return headers and query values with the secrets that they name."""
    return {place: _resolve_in_value(app, value, place) for place, value in values.items()}


def _resolve_in_value(app: App, value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return {key: _resolve_in_value(app, item, f"{path}/{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve_in_value(app, item, f"{path}/{index}") for index, item in enumerate(value)]
    return resolve_text_placeholders(app, value, path) if isinstance(value, str) else value


def resolve_text_placeholders(app: App, text: str, path: str) -> str:
    """Return a text of a header or a query with the secrets that it names."""
    return SECRET_PLACEHOLDER.sub(lambda found: app.secret(found[1], argument_path=path), text)
