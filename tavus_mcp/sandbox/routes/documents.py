"""Knowledge-base documents (docs: create-document, get-documents)."""

from __future__ import annotations

from typing import Annotated

from pydantic import MISSING, Field, HttpUrl
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row


def _public_row(row: Row) -> Row:
    """Return a document as it is read, with both names of its id (vendor client)."""
    return {**row, "uuid": row["document_id"]}


def _verbose_row(row: Row) -> Row:
    """Return a document as a verbose read returns it (vendor client: capabilities)."""
    return {**_public_row(row), "display_status": row["status"]}


DOCUMENTS = Resource(
    kind="document",
    parameter="document_id",
    not_found=(404, "Document not found"),
    paging=http.Paging(limit=10, first_page=0),
    search_fields=("document_name", "document_id"),
    has_tags=True,
    render=_public_row,
)
Tags = list[Annotated[str, Field(min_length=1)]]


class CrawlConfig(http.Body):
    """Limits of crawling a website (docs: create-document)."""

    depth: Annotated[int, Field(ge=1, le=10)] = 1
    max_pages: Annotated[int, Field(ge=1, le=100)] = 10


class NewDocument(http.Body):
    """The body that creates a document (docs: create-document)."""

    document_url: HttpUrl
    document_name: str = ""
    callback_url: HttpUrl | None = None
    tags: Tags | MISSING = MISSING
    properties: JsonObject | MISSING = MISSING
    crawl_config: CrawlConfig | None = None
    crawl: CrawlConfig | None = None
    # the vendor's own client sends these; no docs page has them
    participant_tags: Tags | MISSING = MISSING
    custom_description: str | MISSING = MISSING
    is_customer_support_document: bool | None = None
    font_size_aware_extraction: bool | None = None


class DocumentChange(http.Body):
    """The body that changes a document (docs: update-document)."""

    document_name: str = ""
    tags: Tags | MISSING = MISSING


def routes() -> list[Route]:
    """Return the routes of the resource."""
    return [
        Route("/v2/documents", list_all, methods=["GET"]),
        Route("/v2/documents", create, methods=["POST"]),
        Route("/v2/documents/tags", DOCUMENTS.list_tags, methods=["GET"]),
        Route("/v2/documents/{document_id}", read, methods=["GET"]),
        Route("/v2/documents/{document_id}", update, methods=["PATCH"]),
        Route("/v2/documents/{document_id}", DOCUMENTS.delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create a document; it is ``started`` in the reply and ready when read (docs)."""
    body = await http.read_object(request)
    http.validate_body(NewDocument, body)
    born = now()
    row = {
        "document_id": generate_id("document"),
        "document_name": "",
        "tags": [],
        "callback_url": None,
        "error_message": None,
        "crawl_config": None,
        **body,
        "status": "ready",
        "progress": 100,
        "created_at": born,
        "updated_at": born,
    }
    http.store_of(request).put("document", row["document_id"], row)
    return http.json_response(_public_row(row) | {"status": "started", "progress": 0})


async def list_all(request: Request) -> Response:
    """List documents with page and limit; pages count from 0 (docs: get-documents)."""
    status = request.query_params.get("status")
    render = _verbose_row if http.query_flag(request, "verbose") else None
    page = DOCUMENTS.page(request, {"status": status} if status else None, render=render)
    limit, offset = DOCUMENTS.paging.window(request)
    return http.json_response(page | {"page": offset // limit, "limit": limit})


async def read(request: Request) -> Response:
    """Return one document; ``verbose`` adds its status for display (vendor client)."""
    row = DOCUMENTS.requested(request)
    render = _verbose_row if http.query_flag(request, "verbose") else _public_row
    return http.json_response(render(row))


async def update(request: Request) -> Response:
    """Change name or tags with a plain object (docs: update-document)."""
    changes = await http.read_object(request)
    http.validate_body(DocumentChange, changes)
    store = http.store_of(request)
    with store.write_transaction():
        row = DOCUMENTS.requested(request)
        row |= changes | {"updated_at": now()}
        store.put("document", row["document_id"], row)
    return http.json_response(_public_row(row))
