"""Knowledge-base documents (docs: create-document, get-documents)."""

from __future__ import annotations

from typing import Annotated

from pydantic import MISSING, Field, HttpUrl
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox.http import (
    Body,
    HttpError,
    Paging,
    empty_response,
    json_response,
    page_envelope,
    read_object,
    split_list,
    store_of,
    validate_body,
)
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.store import Row, Store

_PAGING = Paging(limit=10, first_page=0)
Tags = list[Annotated[str, Field(min_length=1)]]


class CrawlConfig(Body):
    """How far a website is followed (docs: create-document)."""

    depth: Annotated[int, Field(ge=1, le=10)] = 1
    max_pages: Annotated[int, Field(ge=1, le=100)] = 10


class NewDocument(Body):
    """The body that creates a document (docs: create-document)."""

    document_url: HttpUrl
    document_name: str = ""
    callback_url: HttpUrl | None = None
    tags: Tags | MISSING = MISSING
    properties: JsonObject | MISSING = MISSING
    crawl_config: CrawlConfig | None = None
    crawl: CrawlConfig | None = None
    # the vendor's own client sends these two; they stand in no docs page
    is_customer_support_document: bool | None = None
    font_size_aware_extraction: bool | None = None


class DocumentChange(Body):
    """The plain object that changes a document (docs: update-document)."""

    document_name: str = ""
    tags: Tags | MISSING = MISSING


def routes() -> list[Route]:
    """Return the routes of the resource."""
    return [
        Route("/v2/documents", list_all, methods=["GET"]),
        Route("/v2/documents", create, methods=["POST"]),
        Route("/v2/documents/tags", list_tags, methods=["GET"]),
        Route("/v2/documents/{document_id}", read, methods=["GET"]),
        Route("/v2/documents/{document_id}", update, methods=["PATCH"]),
        Route("/v2/documents/{document_id}", delete, methods=["DELETE"]),
    ]


async def create(request: Request) -> Response:
    """Create a document; it is ``started`` in the reply and ready when read (docs)."""
    body = await read_object(request)
    validate_body(NewDocument, body)
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
    store_of(request).put("document", row["document_id"], row)
    return json_response(row | {"status": "started", "progress": 0})


async def list_all(request: Request) -> Response:
    """List documents; the envelope tells page and limit, pages count from 0 (docs)."""
    status = request.query_params.get("status")
    page = page_envelope(
        request,
        _PAGING,
        "document",
        equals={"status": status} if status else {},
        text=request.query_params.get("name_or_uuid", ""),
        text_in=("document_name", "document_id"),
        tags=split_list(request, "tags") or (),
    )
    limit, offset = _PAGING.window(request)
    page |= {"page": offset // limit, "limit": limit}
    return json_response(page)


async def list_tags(request: Request) -> Response:
    """Return every tag in use (vendor client)."""
    used = sorted({tag for row in store_of(request).all("document") for tag in row["tags"]})
    return json_response({"tags": used, "total_count": len(used)})


async def read(request: Request) -> Response:
    """Return one document."""
    return json_response(_require_document(store_of(request), request.path_params["document_id"]))


async def update(request: Request) -> Response:
    """Change name or tags by a plain object (docs: update-document)."""
    changes = await read_object(request)
    validate_body(DocumentChange, changes)
    store = store_of(request)
    with store.write_transaction():
        row = _require_document(store, request.path_params["document_id"])
        row |= changes | {"updated_at": now()}
        store.put("document", row["document_id"], row)
    return json_response(row)


async def delete(request: Request) -> Response:
    """Delete a document (docs: delete-document)."""
    if not store_of(request).remove("document", request.path_params["document_id"]):
        raise _not_found_error()
    return empty_response()


def _require_document(store: Store, document_id: str) -> Row:
    row = store.get("document", document_id)
    if row is None:
        raise _not_found_error()
    return row


def _not_found_error() -> HttpError:
    return HttpError(404, "Document not found")
