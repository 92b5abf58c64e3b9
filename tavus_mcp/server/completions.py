"""Completions for the arguments of resource templates and prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from tavus_mcp.app import App
from tavus_mcp.deadlines import CallTimedOut, limit_call
from tavus_mcp.errors import ToolFailure
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.tavus_api import pagination
from tavus_mcp.text import suggestion_or_period

_TEMPLATE_ARGUMENT = re.compile(r"\{(\w+)\}")
MAX_COMPLETION_VALUES = 100
"""The most values of one completion result (MCP: completion/complete)."""


def register_completions(server: MCPServer[Any], app: App) -> None:
    """Let hosts complete persona ids, layers and topics while a person types.

    An unknown prompt, template or argument is refused with -32602 (invalid params).
    """

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # untyped in the SDK
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        """Return the values that match what was typed so far."""
        await _require_known_argument(server, ref, argument.name)
        match argument.name:
            case "persona_id" | "first" | "second":
                return _build_completion(await _find_persona_ids(app, argument.value))
            case "layer":
                return _build_completion(_names_with_prefix(LAYER_NAMES, argument.value))
            case "topic":
                return _build_completion(
                    _names_with_prefix(app.catalog.guide_topics, argument.value)
                )
        return None


async def _require_known_argument(
    server: MCPServer[Any], ref: PromptReference | ResourceTemplateReference, argument: str
) -> None:
    """Raise ``MCPError`` for a reference or an argument of it that this server does not have."""
    if isinstance(ref, PromptReference):
        prompts = {prompt.name: prompt for prompt in await server.list_prompts()}
        if ref.name not in prompts:
            raise _invalid(f"There is no such prompt{suggestion_or_period(ref.name, prompts)}")
        arguments = [item.name for item in prompts[ref.name].arguments or ()]
    else:
        templates = [item.uri_template for item in await server.list_resource_templates()]
        if ref.uri not in templates:
            raise _invalid(f"There is no such template. Templates: {', '.join(templates)}.")
        arguments = _TEMPLATE_ARGUMENT.findall(ref.uri)
    if argument not in arguments:
        raise _invalid(
            f"There is no such argument{suggestion_or_period(argument, arguments)} "
            f"Arguments: {', '.join(arguments)}."
        )


def _invalid(message: str) -> MCPError:
    return MCPError(INVALID_PARAMS, message)


async def _find_persona_ids(app: App, text: str) -> list[str]:
    """Return ids of the first page of personas whose id starts with or name contains ``text``."""
    try:
        with limit_call(app.limits):
            page = await app.api.fetch_page(pagination.PERSONAS, pagination.MAX_PAGE_ROWS)
    except (ToolFailure, CallTimedOut):
        return []  # an error would interrupt a person who is typing
    wanted = text.casefold()
    return [
        pagination.PERSONAS.row_id(row)
        for row in page.rows
        if pagination.PERSONAS.row_id(row).startswith(text)
        or wanted in str(row.get("persona_name") or "").casefold()
    ]


def _names_with_prefix(names: Iterable[str], prefix: str) -> list[str]:
    return [name for name in names if name.startswith(prefix)]


def _build_completion(values: list[str]) -> Completion:
    return Completion(
        values=values[:MAX_COMPLETION_VALUES],
        total=len(values),
        has_more=len(values) > MAX_COMPLETION_VALUES,
    )
