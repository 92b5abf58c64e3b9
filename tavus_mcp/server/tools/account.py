"""The toolset ``account``: what a persona can point at."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from tavus_mcp.app import App
from tavus_mcp.listings import ListQuery, read_list_page
from tavus_mcp.personas.read import pick_fields
from tavus_mcp.server.results import Page
from tavus_mcp.server.shared_parameters import Cursor, Limit, NameContains, doc
from tavus_mcp.server.toolset import Toolset
from tavus_mcp.tavus_api import pagination

account = Toolset("account")

_replica_query = partial(
    ListQuery,
    pagination.REPLICAS,
    pick_fields("replica_id", "replica_name", "replica_type", "status", "model_name"),
    "replica_name",
)
_voice_query = partial(
    ListQuery,
    pagination.VOICES,
    pick_fields("voice_id", "voice_name", "replica_id", "provider", "language", "tags"),
    "voice_name",
)
_document_query = partial(
    ListQuery,
    pagination.DOCUMENTS,
    pick_fields("document_id", "document_name", "status", "progress", "tags", "error_message"),
    "document_name",
)
_objectives_query = partial(
    ListQuery,
    pagination.OBJECTIVES,
    pick_fields("objectives_id", "uuid", "name", "objective_name", "status", "created_at"),
    "name",
)
_guardrail_query = partial(
    ListQuery,
    pagination.GUARDRAILS,
    pick_fields("uuid", "guardrail_name", "guardrail_prompt", "modality", "tags"),
    "guardrail_name",
)
_registry_tool_query = partial(
    ListQuery,
    pagination.REGISTRY_TOOLS,
    pick_fields("tool_id", "name", "description", "origin", "trigger_type", "tags"),
    "name",
)


async def page_of(app: App, query: ListQuery) -> Page:
    """Read a page of a list of the account."""
    return Page(**vars(await read_list_page(app, query)))


@account.read("List replicas")
async def list_replicas(
    app: App,
    name_contains: NameContains = None,
    replica_type: Annotated[Literal["user", "system"] | None, doc("system: stock replicas")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page:
    """List replicas: the faces that default_replica_id can name."""
    query = {"verbose": "true"} | ({"replica_type": replica_type} if replica_type else {})
    return await page_of(app, _replica_query(limit, cursor, name_contains, query))


@account.read("List voices")
async def list_voices(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> Page:
    """List Tavus Voices: what voice_id of the TTS layer can name."""
    return await page_of(app, _voice_query(limit, cursor, name_contains))


@account.read("List documents")
async def list_documents(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> Page:
    """List knowledge base documents, with status and tags."""
    return await page_of(app, _document_query(limit, cursor, name_contains))


@account.read("List objectives")
async def list_objectives(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> Page:
    """List objective sets: what a persona's objectives can name."""
    return await page_of(app, _objectives_query(limit, cursor, name_contains))


@account.read("List guardrails")
async def list_guardrails(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> Page:
    """List individual guardrails (not the legacy sets)."""
    return await page_of(app, _guardrail_query(limit, cursor, name_contains))


@account.read("List registry tools")
async def list_registry_tools(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> Page:
    """List tools of the registry: what a persona's tool_ids can name."""
    return await page_of(app, _registry_tool_query(limit, cursor, name_contains))
