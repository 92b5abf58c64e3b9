"""Rules about a custom LLM: its address, its key, and what is sent along."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from tavus_mcp.catalog import Catalog
from tavus_mcp.models.document import Document
from tavus_mcp.models.patch import pointer_of
from tavus_mcp.models.secrets import is_secret_name
from tavus_mcp.usecases.rules.look import at, configure, custom_llm, drop, is_set, recommended, text
from tavus_mcp.usecases.rules.rule import Hit, rule

_URL = "/layers/llm/base_url"
_ROUTES = ("/chat/completions", "/completions", "/responses", "/messages")
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".lan")
_GIVE_URL = f"{configure('llm', base_url=...)}"


@rule("llm-key-missing", "error", source="N#61544566878", refuses=True)
def key_missing(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Tavus answers 400: base_url and api_key come together or not at all."""
    if custom_llm(document) and not is_set(at(document, "/layers/llm/api_key")):
        yield Hit(
            "/layers/llm/api_key",
            "A base_url without an api_key: Tavus takes a custom LLM only with both.",
            f"{configure('llm', api_key_ref=...)}, or back to a hosted model: "
            f"{configure('llm', model=recommended(catalog), unset=['base_url'])}.",
        )


@rule("llm-key-without-url", "warning", source="D:persona/llm, N#61544566878")
def key_without_url(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Hosted models need no key, so this one looks as if it were used."""
    if is_set(at(document, "/layers/llm/api_key")) and not custom_llm(document):
        yield Hit(
            "/layers/llm/api_key",
            "A key without a base_url: hosted models need none.",
            f"Your own endpoint: {_GIVE_URL}; else remove it: {drop('llm', 'api_key')}.",
        )


@rule("llm-endpoint-without-model", "warning", source="D:persona/llm")
def endpoint_without_model(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Your endpoint is asked for a model by name, and the default is a hosted one."""
    if custom_llm(document) and not is_set(at(document, "/layers/llm/model")):
        yield Hit(
            "/layers/llm/model",
            "A base_url without a model: your endpoint needs to be asked for one it has.",
            f"{configure('llm', model=...)}.",
        )


@rule("llm-endpoint-hosted-model", "warning", source="D:persona/llm")
def endpoint_hosted_model(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Other people's endpoints have no model of Tavus."""
    if custom_llm(document) and text(at(document, "/layers/llm/model")).startswith("tavus-"):
        yield Hit(
            "/layers/llm/model",
            "Your endpoint is asked for a model that only Tavus hosts.",
            f"Name one it has: {configure('llm', model=...)}; or use the hosted one: "
            f"{drop('llm', 'base_url', 'api_key')}.",
        )


@rule("llm-url-route", "error", source="D:persona/llm")
def url_route(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Tavus appends /chat/completions itself, so the address would hold it twice."""
    parts = _address(document)
    if parts and parts.path.rstrip("/").endswith(_ROUTES):
        yield Hit(
            _URL,
            "base_url ends in a route; Tavus appends /chat/completions itself.",
            f"Leave out the route, as in https://api.openai.com/v1: {_GIVE_URL}.",
        )


@rule("llm-url-unusable", "error", source="D:persona/llm")
def url_unusable(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """What is no web address cannot be called."""
    if not custom_llm(document):
        return
    parts = _address(document)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        yield Hit(
            _URL,
            "base_url is no web address.",
            f"It begins with https:// and a host: {_GIVE_URL}.",
        )


@rule("llm-url-not-https", "warning", source="D:persona/llm")
def url_not_https(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Without TLS the key and every word of the call are readable on the way."""
    parts = _address(document)
    if parts and parts.scheme == "http" and parts.hostname and not _is_private(parts.hostname):
        yield Hit(
            _URL,
            "base_url is not https: the key and the conversation travel in the clear.",
            f"{_GIVE_URL}, with https.",
        )


@rule("llm-url-private", "error", source="D:persona/llm")
def url_private(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The endpoint is called by Tavus's servers, not by this machine."""
    parts = _address(document)
    if parts and parts.hostname and _is_private(parts.hostname):
        yield Hit(
            _URL,
            "base_url is an address of this machine or a private network; Tavus cannot reach it.",
            f"Make it reachable by a public https address (a tunnel will do): {_GIVE_URL}.",
        )


@rule("llm-url-credentials", "warning", source="D:persona/llm")
def url_credentials(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Addresses are shown and logged; keys are masked."""
    parts = _address(document)
    if parts and (parts.username or parts.password):
        yield Hit(
            _URL,
            "base_url holds a user or password, which every read shows.",
            f"{configure('llm', base_url=..., api_key_ref=...)}, with the key out of the address.",
        )


@rule("llm-url-query", "warning", source="D:persona/llm")
def url_query(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The route is appended to the end, so it would land inside the query."""
    parts = _address(document)
    if parts and (parts.query or parts.fragment):
        yield Hit(
            _URL,
            "base_url holds a query or fragment; Tavus appends a route to its end.",
            f"{configure('llm', base_url=..., default_query=...)}, with the query out of the "
            "address.",
        )


@rule("llm-key-in-headers", "warning", source="J:persona/llm")
def key_in_headers(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Older pages put the key there; its place is api_key, which is masked and checked."""
    headers = at(document, "/layers/llm/headers")
    for name in headers if isinstance(headers, dict) else ():
        if is_secret_name(str(name)):
            yield Hit(
                "/layers/llm/headers" + pointer_of([name]),
                "A header carries a key; its place is api_key.",
                f"{configure('llm', api_key_ref=..., unset=['headers'])}, and set the other "
                "headers again.",
            )


@rule("llm-endpoint-only", "warning", source="D:persona/llm, J:persona/llm")
def endpoint_only(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Hosted models are not reached by a request of yours, so nothing can be added to it."""
    if custom_llm(document):
        return
    for name in ("headers", "default_query"):
        if is_set(at(document, f"/layers/llm/{name}")):
            yield Hit(
                f"/layers/llm/{name}",
                f"{name} goes to a custom LLM only, and there is no base_url.",
                f"{drop('llm', name)}, or your own endpoint: {_GIVE_URL}.",
            )


def _address(document: Document) -> SplitResult | None:
    """Return the parts of base_url, or None when it cannot be read as an address."""
    try:
        return urlsplit(text(at(document, _URL)))
    except ValueError:
        return None


def _is_private(host: str) -> bool:
    if f".{host.lower().rstrip('.')}".endswith(_LOCAL_NAMES):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


RULES = (
    key_missing,
    key_without_url,
    endpoint_without_model,
    endpoint_hosted_model,
    url_route,
    url_unusable,
    url_not_https,
    url_private,
    url_credentials,
    url_query,
    key_in_headers,
    endpoint_only,
)
