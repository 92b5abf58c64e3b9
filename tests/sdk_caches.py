"""Results of the MCP SDK and httpx2 that depend on their input only, computed once for all tests.

Each test builds a server and a client of its own. The SDK then derives the same models from the
same functions, lists the same tools, and checks the same output schemas, and httpx2 reads the same
certificates, hundreds of times; that was half of the time of the test suite. Only results that hold
no state are shared; servers in processes of their own use the libraries as they are.
"""

from __future__ import annotations

import inspect
import json
import os
import ssl
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from types import CodeType
from typing import Any

import httpcore2
import pytest
from jsonschema import Draft202012Validator
from mcp import ClientSession
from mcp.server.mcpserver.resources import ResourceTemplate, types
from mcp_types import CallToolResult
from pydantic import validate_call

from tavus_mcp.server.surface import load_surface


def install_caches(patcher: pytest.MonkeyPatch) -> None:
    """Replace functions of the libraries by ones with a cache, until the patcher is undone."""
    patcher.setattr(Draft202012Validator, "check_schema", staticmethod(_build_schema_check()))
    patcher.setattr(ResourceTemplate, "from_function", staticmethod(_build_template_factory()))
    patcher.setattr(types, "validate_call", _validate_at_first_call)
    patcher.setattr(ClientSession, "validate_tool_result", _build_result_check())
    patcher.setattr(httpcore2, "default_ssl_context", _build_context_factory())
    patcher.setitem(sys.modules, "sniffio", None)  # httpx2 looks for it at every request


def _build_context_factory() -> Callable[..., ssl.SSLContext]:
    build_context = httpcore2.default_ssl_context
    contexts: dict[tuple[str | None, ...], ssl.SSLContext] = {}

    def default_ssl_context(*, _trust_env: bool = True) -> ssl.SSLContext:
        """Return the context of the same variables; reading certificates takes 20 ms."""
        names = ("SSL_CERT_FILE", "SSL_CERT_DIR") if _trust_env else ()
        key = tuple(os.environ.get(name) for name in names)
        if key not in contexts:
            contexts[key] = build_context(_trust_env=_trust_env)
        return contexts[key]

    return default_ssl_context


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
        return earlier[0].model_copy(update={"fn": _validate_at_first_call(fn)})

    return from_function


def _validate_at_first_call(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Do as ``validate_call``, but build the model of the arguments when it is needed."""
    if not inspect.iscoroutinefunction(fn):
        return validate_call(fn)
    validated: list[Callable[..., Any]] = []

    @wraps(fn)
    async def call(*arguments: Any, **options: Any) -> Any:
        if not validated:
            validated.append(validate_call(fn))
        return await validated[0](*arguments, **options)

    return call


def _build_result_check() -> Callable[..., Awaitable[None]]:
    validate_result = ClientSession.validate_tool_result
    validators: dict[str, Draft202012Validator] = {}

    async def validate_tool_result(
        session: ClientSession, name: str, result: CallToolResult
    ) -> None:
        """Accept a result of our server that is valid by the rendered schema of the tool.

        The rest is left to the SDK, which asks the server for all of its tools first.
        """
        tool = load_surface()["tools"].get(name)
        if tool and session.server_info and session.server_info.name == "tavus-mcp":
            if name not in validators:
                validators[name] = Draft202012Validator(tool["listed"]["outputSchema"])
            if validators[name].is_valid(result.structured_content):
                return
        await validate_result(session, name, result)

    return validate_tool_result
