"""Replace references to secrets by the secrets, just before a change is built from them.

A caller names a secret: ``api_key_ref: "openai"`` where a key belongs, ``{secret:openai}`` inside a
header or a query value. Elsewhere, as in a prompt, such text is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import MISSING

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.text import quote_path

KEY_REFERENCE_FIELD = "api_key_ref"
KEY_FIELD = "api_key"
SECRET_PLACEHOLDER = re.compile(r"\{secret:([A-Za-z0-9_]{1,64})\}")
REFERENCE_CONTAINERS = frozenset({"headers", "default_query", "extra_body"})
"""Fields in which a secret is referred to as ``{secret:name}``."""


def resolve_references(app: App, value: Any, path: str = "") -> Any:
    """Return a copy of ``value`` with every reference replaced by its secret.

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
        inner = f"{path}/{key}"
        if key == KEY_REFERENCE_FIELD and isinstance(item, str):
            if KEY_FIELD in value:
                raise InvalidArgument(
                    [f"{quote_path(path)}/api_key: give api_key_ref or api_key, not both."]
                )
            result[KEY_FIELD] = app.secret_key(item, argument_path=inner)
        elif key in REFERENCE_CONTAINERS:
            result[key] = _resolve_in_value(app, item, inner)
        else:
            result[key] = resolve_references(app, item, inner)
    return result


def resolve_key_argument(app: App, literal: object, reference: object, path: str) -> dict[str, str]:
    """Return the referenced key by its path, empty without one; a key in both ways is refused."""
    if reference is MISSING:
        return {}
    if literal is not MISSING:
        raise InvalidArgument(["/api_key: give api_key_ref or api_key, not both."])
    return {path: app.secret_key(str(reference), argument_path="/api_key_ref")}


def literal_key_findings(value: Any, path: str = "") -> list[RuleFinding]:
    """Return a finding for each key that a call contains itself, so that the model has seen it.

    ``value`` is a nested object, an object by JSON Pointer, or a JSON Patch.
    """
    if isinstance(value, list):
        return [
            finding
            for index, item in enumerate(value)
            for finding in literal_key_findings(item, f"{path}/{index}")
        ]
    if not isinstance(value, dict):
        return []
    findings = []
    for key, item in value.items():
        inner = key if key.startswith("/") else f"{path}/{key}"
        if key == "value" and "path" in value:  # of an operation of a patch
            inner = str(value["path"])
        if inner.endswith(f"/{KEY_FIELD}") and isinstance(item, str) and item:
            findings.append(_literal_key_finding(inner))
        findings += literal_key_findings(item, inner)
    return findings


def _literal_key_finding(path: str) -> RuleFinding:
    return warning(
        "literal-key",
        "The call contains this key itself, so the model has seen it. Answers and the journal mask "
        "it.",
        path=path,
        hint="Set TAVUS_SECRET_<NAME> in the server's environment and give api_key_ref instead.",
    )


def resolve_placeholders(app: App, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return header and query values, by path, with their placeholders replaced."""
    return {path: _resolve_in_value(app, value, path) for path, value in values.items()}


def _resolve_in_value(app: App, value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return {key: _resolve_in_value(app, item, f"{path}/{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve_in_value(app, item, f"{path}/{index}") for index, item in enumerate(value)]
    return resolve_text_placeholders(app, value, path) if isinstance(value, str) else value


def resolve_text_placeholders(app: App, text: str, path: str) -> str:
    """Return a header or query value with its placeholders replaced; ``path`` is for errors."""
    return SECRET_PLACEHOLDER.sub(lambda match: app.secret(match[1], argument_path=path), text)
