"""Rules about callback addresses of objectives, guardrails and documents."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from tavus_mcp.addresses import is_private_host
from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.parts.part_rule import CheckedPart, part_rule, remove_value
from tavus_mcp.checker.placeholders import is_unfilled
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.base import text
from tavus_mcp.models.secret_urls import iter_url_secrets

_NAME = "callback_url"


def _iter_callbacks(part: CheckedPart) -> Iterator[tuple[str, str]]:
    """Yield JSON Pointer and value of each callback address that is set."""
    places = [("", part.data), *part.rows("/data")]
    for path, item in places:
        if text(item.get(_NAME)):
            yield f"{path}/{_NAME}", text(item[_NAME])


@part_rule(
    "callback-unusable",
    "warning",
    "objectives",
    "guardrail",
    "document",
    source="OAS, J:objectives",
)
def unusable(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tavus posts to the address from its own network."""
    for path, url in _iter_callbacks(part):
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            parts, host = None, ""
        is_web = parts is not None and parts.scheme in ("http", "https") and host != ""
        if is_unfilled(url):
            message = "The address holds a blank that was to be filled in."
        elif not is_web:
            message = "This is no address of the web, so nothing is called."
        elif is_private_host(host):
            message = "This host is this machine or in a private network, which Tavus cannot reach."
        else:
            continue
        yield Violation(path, message, "Give a public address, or remove it: ", remove_value(path))


@part_rule(
    "callback-secret", "warning", "objectives", "guardrail", "document", source="N#61214098743"
)
def secret(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Reads show callback addresses in clear, whatever is in their query."""
    for path, url in _iter_callbacks(part):
        if next(iter_url_secrets(url), None) is not None:
            yield Violation(
                path,
                "The address holds a secret, and every read of the part shows it.",
                "Check the sender in another way, or treat the secret as known to everyone who "
                "can read the account.",
            )
