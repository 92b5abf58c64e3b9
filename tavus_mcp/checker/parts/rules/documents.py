"""Rules about documents: what Tavus can read, and what became of one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from tavus_mcp.addresses import is_private_host
from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.parts.part_rule import CheckedPart, part_rule, remove_value
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.secret_urls import iter_url_secrets
from tavus_mcp.text import quote_foreign

_URL = "/document_url"
_FILE_TYPES = frozenset(
    {".pdf", ".txt", ".docx", ".doc", ".png", ".jpg", ".pptx", ".csv", ".xlsx"}
    | {".jpeg", ".md", ".json"}  # the vendor's client only
)
_EXTENSION = re.compile(r"\.[a-z][a-z0-9]{1,4}")
_PAGE_TYPES = frozenset({"", ".html", ".htm", ".php", ".asp", ".aspx", ".jsp", ".xhtml"})
_ERRORS = {
    "file_download_failed": "Tavus could not download the file",
    "file_format_unsupported": "the format is not supported",
    "file_size_too_large": "the file is larger than 50 MB",
    "file_empty": "the file is empty",
    "invalid_file_url": "the address is not valid",
    "website_processing_failed": "the website could not be read",
}


def _split_url(part: CheckedPart) -> tuple[str, str, str]:
    """Return scheme, host and extension of the address, empty where it cannot be read."""
    try:
        parts = urlsplit(part.text(_URL))
        return parts.scheme, parts.hostname or "", posixpath.splitext(parts.path)[1].lower()
    except ValueError:
        return "", "", ""


@part_rule(
    "document-url-unusable", "error", "document", source="OAS, J:knowledge-base", blocks_write=True
)
def url_unusable(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tavus downloads the document itself, without a login."""
    scheme, host, _ = _split_url(part)
    if part.text(_URL) and (scheme not in ("http", "https") or not host):
        yield Violation(
            _URL,
            "This is no address of the web; the API takes no upload and no path of a file.",
            "Put the file at an address that anyone can read, and give that.",
        )


@part_rule("document-url-private", "error", "document", source="OAS, J:knowledge-base")
def url_private(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """An address of a private network cannot be reached by Tavus."""
    scheme, host, _ = _split_url(part)
    if scheme and host and is_private_host(host):
        yield Violation(
            _URL,
            "This host is this machine or in a private network, which Tavus cannot reach.",
            "Give a public address.",
        )


@part_rule("document-url-signed", "info", "document", source="OAS")
def url_signed(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A signed link ends, and every read shows it."""
    if next(iter_url_secrets(part.text(_URL)), None) is not None:
        yield Violation(
            _URL,
            "The address holds a key or a signature. Every read shows it, and once it has expired "
            "the document cannot be created again.",
            "Keep the file, so that it can be given a new address.",
        )


@part_rule("document-type-unknown", "warning", "document", source="OAS, V:client/http.py")
def type_unknown(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """The documented types of files, and pages of the web."""
    _, _, extension = _split_url(part)
    if _EXTENSION.fullmatch(extension) and extension not in _FILE_TYPES | _PAGE_TYPES:
        yield Violation(
            _URL,
            f"Files of type {quote_foreign(extension)} are not among those that Tavus reads.",
            "Give a PDF, a text, an Office file, a picture or a web page.",
        )


@part_rule("document-crawl-of-file", "warning", "document", source="OAS")
def crawl_of_file(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Only web pages have links to follow."""
    _, _, extension = _split_url(part)
    if part.is_set("/crawl") and extension in _FILE_TYPES - {".md", ".json", ".txt"}:
        yield Violation(
            "/crawl",
            "crawl has no effect: this is a file, which has no links to follow.",
            remove_value("/crawl"),
        )


@part_rule("document-not-ready", "warning", "document", source="OAS, J:knowledge-base")
def not_ready(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A document that could not be processed is not used in calls."""
    if not part.is_stored:
        return
    status = part.text("/status")
    if status == "error":
        reason = _ERRORS.get(part.text("/error_message"), "Tavus could not process it")
        yield Violation(
            "/status",
            f"The document is not used: {reason}.",
            "Create it again from an address that works, and delete this one.",
        )
    elif status in ("started", "processing", "recrawling"):
        yield Violation(
            "/status",
            f"The document is still {'read again' if status == 'recrawling' else 'processed'}.",
            "Wait some minutes.",
        )
