"""Completions for the arguments of resource templates and prompts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from tavus_mcp.app import App
from tavus_mcp.errors import ToolFailure
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.tavus_api import pagination

MAX_COMPLETION_VALUES = 100
"""The most values of one completion result (MCP: completion/complete)."""


def register_completions(server: MCPServer[Any], app: App) -> None:
    """Let hosts complete persona ids, layers and topics while a person types."""

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]  # untyped in the SDK
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        """Return the values that match what was typed so far."""
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


async def _find_persona_ids(app: App, text: str) -> list[str]:
    """Return ids of the first page of personas whose id starts with or name contains ``text``."""
    try:
        page = await app.api.fetch_page(pagination.PERSONAS, pagination.MAX_PAGE_ROWS)
    except ToolFailure:
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
