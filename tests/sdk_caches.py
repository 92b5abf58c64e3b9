"""Results of the MCP SDK that depend on its input only, computed once for all tests.

Each test builds a server and a client of its own. The SDK then derives the same models from the
same functions, and checks the same output schemas, hundreds of times; that was a third of the time
of the test suite. Only results that hold no state are shared; servers in processes of their own
use the SDK as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp.server.mcpserver.resources import ResourceTemplate
from pydantic import validate_call


def install_caches(patcher: pytest.MonkeyPatch) -> None:
    """Replace the two functions of the SDK by ones with a cache, until the patcher is undone."""
    patcher.setattr(Draft202012Validator, "check_schema", staticmethod(_build_schema_check()))
    patcher.setattr(ResourceTemplate, "from_function", staticmethod(_build_template_factory()))


def _build_schema_check() -> Callable[..., None]:
    check_schema = Draft202012Validator.check_schema
    valid_schemas: set[str] = set()

    def check_schema_once(schema: Any, *arguments: Any, **options: Any) -> None:
        """Check a JSON Schema against its metaschema, unless the same one was valid before."""
        text = json.dumps(schema)
        if text not in valid_schemas:
            check_schema(schema, *arguments, **options)
            valid_schemas.add(text)

    return check_schema_once


def _build_template_factory() -> Callable[..., ResourceTemplate]:
    build_template = ResourceTemplate.from_function
    templates: dict[CodeType, tuple[ResourceTemplate, dict[str, Any]]] = {}

    def from_function(fn: Callable[..., Any], **options: Any) -> ResourceTemplate:
        """Return a template whose model is that of an earlier function with the same code."""
        earlier = templates.get(fn.__code__)
        if earlier is None or earlier[1] != options:
            template = build_template(fn, **options)
            templates[fn.__code__] = template, options
            return template
        return earlier[0].model_copy(update={"fn": validate_call(fn)})

    return from_function
