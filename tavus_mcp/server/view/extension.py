"""MCP Apps on this server: which tools link to the view, and which clients get to see that."""

from __future__ import annotations

from typing import Any

from mcp.server.apps import Apps, ResourceCsp
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.resources import FunctionResource

from tavus_mcp.models.base import JsonObject
from tavus_mcp.server.toolset import ToolSpec
from tavus_mcp.server.view.document import view_document
from tavus_mcp.server.view.negotiation import (
    VIEW_MIME_TYPE,
    VIEW_URI,
    declares_apps,
    without_view,
)

DRAWABLE_RESULTS = frozenset(
    {
        *("Receipt", "PlanReceipt", "PartReceipt", "PromptEdit", "Suggestion", "BulkPlan"),
        *("Comparison", "MetricsReport", "AuditReport"),
    }
)
"""The models of results that the view has a page for."""
_FILTERED_METHODS = frozenset({"tools/list", "resources/list"})


def build_extension() -> Apps:
    """Return the extension with the view as its resource; the document is read when asked for."""
    # No domain at all: the document has everything in it.
    csp = ResourceCsp(connect_domains=[], resource_domains=[]).model_dump(
        by_alias=True, exclude_none=True
    )
    apps = Apps()
    apps.add_resource(
        FunctionResource(
            uri=VIEW_URI,
            name="view",
            title="View of results",
            description="Plans, comparisons, measured calls and audits, as a page in the host.",
            mime_type=VIEW_MIME_TYPE,
            meta={"ui": {"csp": csp, "prefersBorder": True}},
            fn=view_document,
        )
    )
    return apps


def link_to_view(spec: ToolSpec) -> JsonObject | None:
    """Return the ``_meta`` of a tool: the view that draws its results, and who may call it."""
    if spec.for_view_only:
        return {"ui": {"resourceUri": VIEW_URI, "visibility": ["app"]}}
    if spec.result_names & DRAWABLE_RESULTS:
        return {"ui": {"resourceUri": VIEW_URI}}
    return None


async def hide_view(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Leave the view out of lists for a client that does not declare MCP Apps (a middleware)."""
    result = await call_next(ctx)
    if ctx.method not in _FILTERED_METHODS or not isinstance(result, dict):
        return result
    client = ctx.session.client_capabilities
    declared = client.model_dump(by_alias=True, exclude_none=True) if client else None
    return result if declares_apps(declared) else without_view(result)
