"""Resources: personas, layers, revisions, the catalog, the schema of a persona, short guides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from tavus_mcp.app import App
from tavus_mcp.deadlines import CallTimedOut, limit_call
from tavus_mcp.errors import NotFound, Refused, ToolFailure
from tavus_mcp.history import revisions
from tavus_mcp.models.base import parse_id
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.models.persona import Persona
from tavus_mcp.personas.summary import persona_summary
from tavus_mcp.server.served_tools import UnservedTools
from tavus_mcp.server.text_rendering import without_nulls
from tavus_mcp.tavus_api import pagination
from tavus_mcp.text import render_compact_json, suggestion_or_period

PERSONAS_URI = "tavus://personas"
_JSON, _TEXT = "application/json", "text/markdown"


def register_resources(server: MCPServer[Any], app: App, unserved: UnservedTools) -> None:
    """Add the resources and their templates to a server."""
    _register_personas(server, app, unserved)
    _register_reference_resources(server, app, unserved)


def _register_personas(server: MCPServer[Any], app: App, unserved: UnservedTools) -> None:
    async def render(fetch: Callable[[], Awaitable[Any]]) -> str:
        return await _render_masked(app, unserved, fetch)

    @server.resource(PERSONAS_URI, title="All personas", mime_type=_JSON)
    async def personas() -> str:
        """Every persona of the account: id, name, model, mode, replica."""
        return await render(lambda: list_personas(app))

    @server.resource("tavus://personas/{persona_id}", title="A persona", mime_type=_JSON)
    async def persona(persona_id: str) -> str:
        """One persona as a whole document, with its revision; keys are masked."""
        return await render(lambda: _read_persona(app, persona_id))

    @server.resource(
        "tavus://personas/{persona_id}/layers/{layer}", title="A persona's layer", mime_type=_JSON
    )
    async def persona_layer(persona_id: str, layer: str) -> str:
        """One layer of a persona; keys are masked."""
        return await render(lambda: _read_layer(app, persona_id, layer))

    @server.resource(
        "tavus://personas/{persona_id}/revisions/{revision}",
        title="A persona as it was",
        mime_type=_JSON,
    )
    async def persona_revision(persona_id: str, revision: str) -> str:
        """One persona as the journal holds it at a revision; keys are masked."""
        return await render(lambda: _read_revision(app, persona_id, revision))


def _register_reference_resources(
    server: MCPServer[Any], app: App, unserved: UnservedTools
) -> None:
    @server.resource("tavus://schema/persona", title="Schema of a persona", mime_type=_JSON)
    async def schema() -> str:
        """The JSON Schema of a persona, made from the models this server checks with."""
        return render_compact_json(Persona.model_json_schema())

    @server.resource("tavus://catalog/{layer}", title="Options of a layer", mime_type=_JSON)
    async def catalog(layer: str) -> str:
        """Fields, values, models and deprecations of a layer."""
        _require_known(layer, LAYER_NAMES, "layer")
        return render_compact_json(unserved.adapt_value(app.catalog.describe(layer)))

    @server.resource("tavus://guide/{topic}", title="A short guide", mime_type=_TEXT)
    async def guide(topic: str) -> str:
        """What to know about one topic, and which tools to call."""
        _require_known(topic, app.catalog.guide_topics, "topic")
        return unserved.adapt_text(app.catalog.guide(topic))


async def _render_masked(
    app: App, unserved: UnservedTools, fetch: Callable[[], Awaitable[Any]]
) -> str:
    """Return what ``fetch`` reads as masked JSON; failures become MCP's resource errors."""
    try:
        with limit_call(app.limits):
            return render_compact_json(app.masker.mask(await fetch()))
    except CallTimedOut:
        raise ResourceError("Reading this took too long and was stopped.") from None
    except ToolFailure as error:
        text = unserved.adapt_text(app.masker.mask_text(str(error)))
        is_missing = isinstance(error, (NotFound, Refused))
        raise (ResourceNotFoundError if is_missing else ResourceError)(text) from error


async def list_personas(app: App) -> Any:
    """Return a short row for every persona of the account."""
    rows = [
        persona_summary(row, app.catalog) async for row in app.api.iter_all(pagination.PERSONAS)
    ]
    return {"personas": without_nulls(rows), "total_count": len(rows)}


async def _read_persona(app: App, persona_id: str) -> Any:
    document = await app.api.get_persona(_require_valid_id(persona_id))
    return {"persona": document.data, "revision": document.revision}


async def _read_layer(app: App, persona_id: str, layer: str) -> Any:
    _require_known(layer, LAYER_NAMES, "layer")
    document = await app.api.get_persona(_require_valid_id(persona_id))
    return {layer: document.layer(layer), "revision": document.revision}


async def _read_revision(app: App, persona_id: str, revision: str) -> Any:
    document = await revisions.load_revision(app, _require_valid_id(persona_id), revision)
    return {"persona": document.data, "revision": document.revision}


def _require_valid_id(text: str) -> str:
    try:
        return parse_id(text)
    except ValueError as error:
        raise ResourceNotFoundError(f"persona_id: {error}.") from None


def _require_known(name: str, allowed: tuple[str, ...], kind: str) -> None:
    if name not in allowed:
        raise ResourceNotFoundError(
            f"There is no {kind} of that name{suggestion_or_period(name, allowed)} "
            f"Allowed: {', '.join(allowed)}."
        )
