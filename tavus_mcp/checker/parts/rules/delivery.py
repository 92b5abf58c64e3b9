"""Rules about the delivery of a tool's calls: to the browser, or to an API over HTTPS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from tavus_mcp.addresses import is_private_host, is_valid_host
from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.function_fixes import properties_of
from tavus_mcp.checker.parts.part_rule import CheckedPart, part_rule, remove_value, set_value
from tavus_mcp.checker.placeholders import is_unfilled
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.parts.tool import BODYLESS_METHODS
from tavus_mcp.text import find_nearest, quote_foreign

_API = "/delivery/api"
_URL = f"{_API}/url"
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_SOURCE = "P:llm-tool-delivery, V:schemas/tool.py"


@part_rule("tool-delivery", "error", "tool", source="P:tools/create-tool", blocks_write=True)
def delivery(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A call goes one way: to the browser, or to an API."""
    if not isinstance(part.at("/delivery"), dict):
        return
    message, api = part.at("/delivery/app_message"), part.at(_API)
    if message and api:
        yield Violation(
            "/delivery",
            "delivery has app_message and api; a call goes one way only.",
            "Keep the API: ",
            set_value("/delivery/app_message", False),
        )
    elif not message and not api:
        yield Violation(
            "/delivery",
            "delivery has neither app_message nor api, so calls go nowhere.",
            "Give an api, or let the browser carry the calls out: ",
            remove_value("/delivery"),
        )


@part_rule(
    "tool-post-call-without-api", "error", "tool", source="P:post-call-tool", blocks_write=True
)
def post_call_without_api(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """After the call there is no browser to deliver to."""
    if part.text("/trigger_type") == "post_call" and not part.is_set(_API):
        yield Violation(
            "/delivery",
            "A tool that runs after the call needs delivery.api.",
            "Give delivery.api, or let it run in the call: ",
            set_value("/trigger_type", "in_call"),
        )


def _parse_url(part: CheckedPart) -> SplitResult | None:
    """Return the parts of the address, or None where there is none that can be read."""
    try:
        parts = urlsplit(part.text(_URL))
        _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts


@part_rule("tool-url-unusable", "error", "tool", source=_SOURCE, blocks_write=True)
def url_unusable(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tavus calls addresses of https only."""
    url = part.text(_URL)
    if not url or is_unfilled(url):
        return
    parts = _parse_url(part)
    if parts is not None and parts.scheme == "http" and parts.hostname:
        yield Violation(
            _URL, "The address must begin with https://.", set_value(_URL, "https" + url[4:])
        )
    elif parts is None or parts.scheme != "https" or not parts.hostname:
        yield Violation(_URL, "This is no address that begins with https://.", "Give the address.")


@part_rule("tool-url-not-filled", "error", "tool", source=_SOURCE, blocks_write=True)
def url_not_filled(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A blank of a template is no host."""
    if is_unfilled(part.text(_URL)):
        yield Violation(_URL, "The address holds a blank that was to be filled in.", "Fill it in.")


@part_rule("tool-url-private", "error", "tool", source=_SOURCE, blocks_write=True)
def url_private(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Tavus calls from its own network, and refuses hosts that are not public."""
    parts = _parse_url(part)
    host = parts.hostname if parts else ""
    if host and "{" not in host and is_valid_host(host) and is_private_host(host):
        yield Violation(
            _URL,
            "This host is this machine or in a private network; Tavus calls public hosts only.",
            "Give the public address.",
        )


@part_rule("tool-url-host-varies", "error", "tool", source=_SOURCE, blocks_write=True)
def url_host_varies(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Arguments may be part of path and query only: the host is fixed."""
    url = part.text(_URL)
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    if _PLACEHOLDER.search(authority) and not is_unfilled(url):
        yield Violation(
            _URL,
            "An argument is part of the host; it may be part of the path and of the query only.",
            "Give a fixed host.",
        )


@part_rule("tool-argument-undeclared", "error", "tool", source=_SOURCE, blocks_write=True)
def argument_undeclared(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """What an address names in braces is an argument of the tool."""
    declared = properties_of(part.object_at("/parameters"))
    for name in ("url", "query_params"):
        value = part.at(f"{_API}/{name}")
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        for argument in dict.fromkeys(_PLACEHOLDER.findall(text)):
            if argument in declared or is_unfilled(text):
                continue
            nearest = find_nearest(argument, map(str, declared))
            yield Violation(
                f"{_API}/{name}",
                f"{{{argument}}} is no argument of parameters.properties.",
                f"Did you mean {quote_foreign(nearest)}?"
                if nearest
                else "Describe it there, or write a fixed value.",
            )


@part_rule("tool-body-refused", "error", "tool", source=_SOURCE, blocks_write=True)
def body_refused(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """These methods of HTTP have no body."""
    method = part.text(f"{_API}/method")
    if method in BODYLESS_METHODS and part.is_set(f"{_API}/body_template"):
        yield Violation(
            f"{_API}/body_template",
            f"body_template cannot be used with {method}.",
            remove_value(f"{_API}/body_template"),
        )
