"""Check a persona of this server: a key that a reference brought there is no key in clear."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.checker.check import check, check_change
from tavus_mcp.models.changes import SetFields
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import Operation

_HEADERS = "/layers/llm/headers"


def check_persona(app: App, document: PersonaDocument) -> list[RuleFinding]:
    """Return all findings about a persona, worst first, each fix once."""
    return check(_name_header_secrets(app, document), app.catalog)


def check_persona_change(
    app: App,
    before: PersonaDocument,
    after: PersonaDocument,
    operations: Sequence[Operation],
    allow: Container[str],
) -> list[RuleFinding]:
    """Return the findings that a change causes or touches; raises ``CheckRefused``."""
    old, new = _name_header_secrets(app, before), _name_header_secrets(app, after)
    return check_change(old, new, operations, app.catalog, allow=allow)


def _name_header_secrets(app: App, document: PersonaDocument) -> PersonaDocument:
    """Return a persona whose headers hold ``{secret:name}`` in place of secrets of this server."""
    headers = document.value(_HEADERS)
    if not app.secrets or not isinstance(headers, dict):
        return document
    named = {name: _name_secrets(app, value) for name, value in headers.items()}
    if named == headers:
        return document
    change = SetFields({_HEADERS: named}, replaced=(_HEADERS,))
    return document.with_data(change.apply(document.data))


def _name_secrets(app: App, value: Any) -> Any:
    if isinstance(value, str):
        for name, secret in app.secrets.items():
            value = value.replace(secret, f"{{secret:{name}}}")
    return value
