"""The toolset ``account``: what a persona can point at."""

from __future__ import annotations

from typing import Annotated, Literal

from tavus_mcp.app import App
from tavus_mcp.listings import ListQuery, read_list_page
from tavus_mcp.personas.read import pick_fields
from tavus_mcp.server.parameters import Cursor, Limit, NameContains, doc
from tavus_mcp.server.results import (
    DocumentPage,
    GuardrailPage,
    ObjectivesPage,
    RegistryToolPage,
    ReplicaPage,
    VoicePage,
)
from tavus_mcp.server.toolset import Toolset
from tavus_mcp.tavus_api import pagination

account = Toolset("account")

_REPLICA = pick_fields("replica_id", "replica_name", "replica_type", "status", "model_name")
_VOICE = pick_fields("voice_id", "voice_name", "replica_id", "provider", "language", "tags")
_DOCUMENT = pick_fields(
    "document_id", "document_name", "status", "progress", "tags", "error_message"
)
_OBJECTIVES = pick_fields("objectives_id", "uuid", "name", "objective_name", "status", "created_at")
_GUARDRAIL = pick_fields("uuid", "guardrail_name", "guardrail_prompt", "modality", "tags")
_TOOL = pick_fields("tool_id", "name", "description", "origin", "trigger_type", "tags")


@account.read("List replicas")
async def list_replicas(
    app: App,
    name_contains: NameContains = None,
    replica_type: Annotated[Literal["user", "system"] | None, doc("system: stock replicas")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ReplicaPage:
    """List replicas: the faces that default_replica_id can name."""
    query = {"verbose": "true"} | ({"replica_type": replica_type} if replica_type else {})
    page = await read_list_page(
        app,
        ListQuery(
            pagination.REPLICAS, _REPLICA, "replica_name", limit, cursor, name_contains, query=query
        ),
    )
    return ReplicaPage(
        replicas=page.rows, total_count=page.total_count, next_cursor=page.next_cursor
    )


@account.read("List voices")
async def list_voices(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> VoicePage:
    """List Tavus Voices: what voice_id of the TTS layer can name."""
    page = await read_list_page(
        app, ListQuery(pagination.VOICES, _VOICE, "voice_name", limit, cursor, name_contains)
    )
    return VoicePage(voices=page.rows, total_count=page.total_count, next_cursor=page.next_cursor)


@account.read("List documents")
async def list_documents(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> DocumentPage:
    """List knowledge base documents, with status and tags."""
    page = await read_list_page(
        app,
        ListQuery(pagination.DOCUMENTS, _DOCUMENT, "document_name", limit, cursor, name_contains),
    )
    return DocumentPage(
        documents=page.rows, total_count=page.total_count, next_cursor=page.next_cursor
    )


@account.read("List objectives")
async def list_objectives(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> ObjectivesPage:
    """List objective sets: what a persona's objectives can name."""
    page = await read_list_page(
        app, ListQuery(pagination.OBJECTIVES, _OBJECTIVES, "name", limit, cursor, name_contains)
    )
    return ObjectivesPage(
        objectives=page.rows, total_count=page.total_count, next_cursor=page.next_cursor
    )


@account.read("List guardrails")
async def list_guardrails(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> GuardrailPage:
    """List individual guardrails (not the legacy sets)."""
    page = await read_list_page(
        app,
        ListQuery(
            pagination.GUARDRAILS, _GUARDRAIL, "guardrail_name", limit, cursor, name_contains
        ),
    )
    return GuardrailPage(
        guardrails=page.rows, total_count=page.total_count, next_cursor=page.next_cursor
    )


@account.read("List registry tools")
async def list_registry_tools(
    app: App, name_contains: NameContains = None, limit: Limit = 20, cursor: Cursor = None
) -> RegistryToolPage:
    """List tools of the registry: what a persona's tool_ids can name."""
    page = await read_list_page(
        app, ListQuery(pagination.REGISTRY_TOOLS, _TOOL, "name", limit, cursor, name_contains)
    )
    return RegistryToolPage(
        registry_tools=page.rows, total_count=page.total_count, next_cursor=page.next_cursor
    )
