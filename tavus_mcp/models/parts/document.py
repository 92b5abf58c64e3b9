"""A document of the knowledge base as it is created (docs: create-document)."""

from __future__ import annotations

from typing import Annotated

from pydantic import MISSING, Field

from tavus_mcp.models.base import NonEmptyStr, StrictModel


class Crawl(StrictModel):
    """The limits of crawling a web page."""

    depth: Annotated[int, Field(ge=1, le=10)] | MISSING = MISSING
    max_pages: Annotated[int, Field(ge=1, le=100)] | MISSING = MISSING


class KnowledgeDocument(StrictModel):
    """The request that creates a document; only its name and tags can be changed afterwards.

    The last four fields are known to the vendor's client only.
    """

    document_url: NonEmptyStr
    document_name: str | MISSING = MISSING
    callback_url: str | MISSING = MISSING
    tags: list[NonEmptyStr] | MISSING = MISSING
    crawl: Crawl | MISSING = MISSING
    participant_tags: list[NonEmptyStr] | MISSING = MISSING
    custom_description: str | MISSING = MISSING
    is_customer_support_document: bool | MISSING = MISSING
    font_size_aware_extraction: bool | MISSING = MISSING
