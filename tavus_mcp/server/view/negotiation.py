"""What of the view a client gets to see: all if it declares MCP Apps, else nothing.

Imports only the standard library, because lists are answered before the SDK is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXTENSION_ID = "io.modelcontextprotocol/ui"
VIEW_MIME_TYPE = "text/html;profile=mcp-app"
VIEW_URI = "ui://tavus-mcp/view.html"

Wire = dict[str, Any]
"""A message of the protocol or a part of it, as JSON."""


def declares_apps(capabilities: Mapping[str, Any] | None) -> bool:
    """Tell whether the capabilities of a client, as JSON, name MCP Apps and the view's type."""
    extensions = (capabilities or {}).get("extensions")
    extension = extensions.get(EXTENSION_ID) if isinstance(extensions, Mapping) else None
    mime_types = extension.get("mimeTypes") if isinstance(extension, Mapping) else None
    return isinstance(mime_types, list | tuple) and VIEW_MIME_TYPE in mime_types


def without_view(result: Wire) -> Wire:
    """Return the result of ``tools/list`` or ``resources/list`` without everything of the view."""
    if "tools" in result:
        tools = [_without_link(tool) for tool in result["tools"] if not _is_for_view_only(tool)]
        return {**result, "tools": tools}
    if "resources" in result:
        return {**result, "resources": [r for r in result["resources"] if r["uri"] != VIEW_URI]}
    return result


def _is_for_view_only(tool: Wire) -> bool:
    return "model" not in _link(tool).get("visibility", ["model"])


def _without_link(tool: Wire) -> Wire:
    """Return a tool without its link to the view."""
    meta = {name: value for name, value in tool.get("_meta", {}).items() if name != "ui"}
    rest = {name: value for name, value in tool.items() if name != "_meta"}
    return {**rest, "_meta": meta} if meta else rest


def _link(tool: Wire) -> Wire:
    return dict(tool.get("_meta", {}).get("ui", {}))
