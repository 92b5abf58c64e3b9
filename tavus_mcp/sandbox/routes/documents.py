"""Knowledge-base documents (docs: create-document, get-documents)."""

from __future__ import annotations

import posixpath
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import MISSING, Field, HttpUrl
from starlette.requests import Request
from starlette.responses import Response

from tavus_mcp.models.base import JsonObject
from tavus_mcp.sandbox import http
from tavus_mcp.sandbox.ids import generate_id, now
from tavus_mcp.sandbox.routes.resource import Resource
from tavus_mcp.sandbox.store import Row, Store
from tavus_mcp.sandbox.switches import switches_of

_MAX_CRAWL_DOCUMENTS = 100
_RECRAWL_COOLDOWN = timedelta(hours=1)
_CRAWL_LIMIT_ERROR = (
    f"Crawl document limit reached ({_MAX_CRAWL_DOCUMENTS}). Contact Tavus to raise it."
)


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
    not_found_key="message",
    paging=http.Paging(limit=10, first_page=0),
    search_fields=("document_name", "document_id"),
    has_tags=True,
    reference_field="document_ids",
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


class Recrawl(http.Body):
    """The body that reads a website again; its limits are those of this run (docs: recrawl)."""

    crawl: CrawlConfig | None = None


async def create(request: Request) -> Response:
    """Create a document; it is ``started`` in the reply and ready when read (docs)."""
    body = await http.read_object(request)
    http.validate_body(NewDocument, body)
    crawl = body.pop("crawl", None) or body.pop("crawl_config", None)
    store, born = http.store_of(request), now()
    row = {
        "document_id": generate_id("document"),
        "tags": [],
        "callback_url": None,
        "error_message": None,
        **body,
        "document_name": body.get("document_name") or _default_name(body["document_url"]),
        **_new_status(request, "started"),
        **_crawl_fields(body["document_url"], crawl, born),
        "created_at": born,
        "updated_at": born,
    }
    with store.write_transaction():
        crawled = [item for item in store.all("document") if item.get("crawl_config")]
        if crawl and len(crawled) >= _MAX_CRAWL_DOCUMENTS:
            raise http.HttpError(429, _CRAWL_LIMIT_ERROR)
        store.put("document", row["document_id"], row)
    return http.json_response(_public_row(row) | {"status": "started", "progress": 0})


async def recrawl(request: Request) -> Response:
    """Read a website again (docs: recrawl-document)."""
    await http.read_body(request, Recrawl)
    store = http.store_of(request)
    with store.write_transaction():
        row = DOCUMENTS.requested(request)
        _refuse_recrawl(row)
        row |= _new_status(request, "recrawling")
        row |= {"last_crawled_at": now(), "crawl_count": row.get("crawl_count", 1) + 1}
        row |= {"error_message": None, "updated_at": now()}
        store.put("document", row["document_id"], row)
    return http.json_response(_public_row(row) | {"status": "recrawling", "progress": None}, 202)


def set_status(store: Store, document_id: str, changes: Row) -> None:
    """Set status, progress and error of a document, as its processing does."""
    with store.write_transaction():
        row = DOCUMENTS.require(store, document_id) | changes | {"updated_at": now()}
        store.put("document", document_id, row)


def _new_status(request: Request, status: str) -> Row:
    """Return the status that is stored: ready at once, or the given one until it is processed."""
    if switches_of(request).documents == "ready":
        return {"status": "ready", "progress": 100}
    return {"status": status, "progress": 0 if status == "started" else None}


def _default_name(url: str) -> str:
    parts = urlsplit(url)
    return posixpath.basename(parts.path) or parts.netloc


def _crawl_fields(url: str, crawl: dict[str, Any] | None, born: str) -> Row:
    if crawl is None:
        return {"crawl_config": None}
    config = CrawlConfig.model_validate(crawl).model_dump()
    return {
        "crawl_config": config,
        "crawled_urls": [url],
        "last_crawled_at": born,
        "crawl_count": 1,
    }


def _refuse_recrawl(row: Row) -> None:
    """Refuse a recrawl that is too early, or of a document that was not crawled (docs)."""
    if not row.get("crawl_config"):
        raise http.bad_request("Document was not created with crawl configuration")
    if row["status"] not in {"ready", "error"}:
        raise http.HttpError(
            409,
            "Document must be in 'ready' or 'error' state to recrawl, current status: "
            f"{row['status']}",
        )
    last = datetime.fromisoformat(row.get("last_crawled_at") or row["created_at"])
    minutes = int((_RECRAWL_COOLDOWN - (datetime.now(UTC) - last)).total_seconds() // 60) + 1
    if row.get("crawl_count", 1) > 1 and minutes > 0:
        raise http.HttpError(
            429, f"Recrawl cooldown: please wait {minutes} minutes before recrawling again"
        )


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
    if not isinstance(changes.get("document_name", ""), str):
        raise http.bad_request("Invalid request: document_name must be a string")
    http.validate_body(DocumentChange, changes)
    store = http.store_of(request)
    with store.write_transaction():
        row = DOCUMENTS.requested(request)
        row |= changes | {"updated_at": now()}
        store.put("document", row["document_id"], row)
    return http.json_response(_public_row(row))


ROUTES = (
    ("GET", "/v2/documents", list_all),
    ("POST", "/v2/documents", create),
    ("GET", "/v2/documents/tags", DOCUMENTS.list_tags),
    ("GET", "/v2/documents/{document_id}", read),
    ("PATCH", "/v2/documents/{document_id}", update),
    ("DELETE", "/v2/documents/{document_id}", DOCUMENTS.delete),
    ("POST", "/v2/documents/{document_id}/recrawl", recrawl),
)
