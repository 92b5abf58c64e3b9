"""Rules about a custom LLM: its address, its key, and what is sent along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, urlsplit

from tavus_mcp.addresses import is_private_host
from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    FixCall,
    UnprintedValue,
    alternative_fix,
    configure,
    remove,
    unset_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import is_secret_name

_URL = "/layers/llm/base_url"
_ROUTES = ("/chat/completions", "/completions", "/responses", "/messages")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x20\x7f]")
_HOST_PATTERN = re.compile(r"[^\s\x00-\x20\x7f%<>\\^`{|}]+")
_SET_URL_PLACEHOLDER = configure("llm", base_url="<BASE_URL>")


@rule("llm-key-missing", "error", source="N#61544566878", blocks_write=True)
def key_missing(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus answers 400: base_url and api_key come together or not at all."""
    if document.has_custom_llm and not document.is_set("/layers/llm/api_key"):
        yield Violation(
            "/layers/llm/api_key",
            "A base_url without an api_key: Tavus takes a custom LLM only with both.",
            configure("llm", api_key_ref="<KEY_NAME>"),
            ", or back to a hosted model: ",
            alternative_fix(configure("llm", model=catalog.recommended_llm(), unset=["base_url"])),
        )


@rule("llm-key-without-url", "warning", source="D:persona/llm, N#61544566878")
def key_without_url(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Hosted models need no key, so this one looks as if it were used."""
    model = document.text("/layers/llm/model")
    if model and not model.lower().startswith("tavus-"):
        return  # the model has a rule of its own, which says what is missing
    if document.is_set("/layers/llm/api_key") and not document.has_custom_llm:
        yield Violation(
            "/layers/llm/api_key",
            "A key without a base_url: hosted models need none.",
            "Remove it: ",
            unset_fields("llm", "api_key"),
            "; or add your own endpoint: ",
            alternative_fix(_SET_URL_PLACEHOLDER),
        )


@rule("llm-endpoint-without-model", "warning", source="D:persona/llm")
def endpoint_without_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Your endpoint is asked for a model by name, and the default is a hosted one."""
    if document.has_custom_llm and not document.is_set("/layers/llm/model"):
        yield Violation(
            "/layers/llm/model",
            "A base_url without a model: your endpoint needs to be asked for one it has.",
            configure("llm", model="<MODEL>"),
        )


@rule("llm-endpoint-hosted-model", "warning", source="D:persona/llm")
def endpoint_hosted_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Other people's endpoints have no model of Tavus."""
    if document.has_custom_llm and document.text("/layers/llm/model").startswith("tavus-"):
        yield Violation(
            "/layers/llm/model",
            "Your endpoint is asked for a model that only Tavus hosts.",
            "Name one it has: ",
            configure("llm", model="<MODEL>"),
            "; or use the hosted one: ",
            alternative_fix(unset_fields("llm", "base_url", "api_key")),
        )


@rule("llm-url-route", "error", source="D:persona/llm")
def url_route(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus appends /chat/completions itself, so the address would hold it twice."""
    parts = _base_url_parts(document)
    if parts and parts.path.rstrip("/").endswith(_ROUTES):
        yield Violation(
            _URL,
            "base_url ends in a route; Tavus appends /chat/completions itself.",
            "Leave out the route, as in https://api.openai.com/v1: ",
            _set_url(parts),
        )


@rule("llm-url-unusable", "error", source="D:persona/llm", blocks_write=True)
def url_unusable(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What is no web address cannot be called."""
    if not document.has_custom_llm:
        return
    parts = _base_url_parts(document)
    if parts is None or parts.scheme not in ("http", "https") or not _is_host(parts):
        yield Violation(
            _URL,
            "base_url is no web address.",
            "It begins with https:// and a host: ",
            _prepend_https(document.text(_URL)),
        )


@rule("llm-url-not-https", "error", source="D:persona/llm", blocks_write=True)
def url_not_https(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without TLS the key and every word of the call are readable on the way."""
    parts = _base_url_parts(document)
    if parts and parts.scheme == "http" and parts.hostname and not is_private_host(parts.hostname):
        yield Violation(
            _URL,
            "base_url is not https: the key and the conversation travel in the clear.",
            _set_url(parts),
            "; allow_private_url=true sends it all the same",
        )


@rule("llm-url-private", "error", source="D:persona/llm", blocks_write=True)
def url_private(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The endpoint is called by Tavus's servers, not by this machine."""
    parts = _base_url_parts(document)
    if parts and parts.hostname and is_private_host(parts.hostname):
        yield Violation(
            _URL,
            "base_url is an address of this machine or a private network; Tavus cannot reach it.",
            "Make it reachable by a public https address (a tunnel will do): ",
            _SET_URL_PLACEHOLDER,
            "; allow_private_url=true sends it all the same",
        )


@rule("llm-url-credentials", "error", source="D:persona/llm", blocks_write=True)
def url_credentials(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Addresses are shown and logged; keys are masked."""
    parts = _base_url_parts(document)
    if parts and (parts.username or parts.password):
        yield Violation(
            _URL,
            "base_url holds a user or password, which every read shows.",
            "Give the key apart from the address: ",
            configure("llm", base_url="<BASE_URL>", api_key_ref="<KEY_NAME>"),
        )


@rule("llm-url-query", "warning", source="D:persona/llm")
def url_query(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The route is appended to the end, so it would land inside the query."""
    parts = _base_url_parts(document)
    if parts and (parts.query or parts.fragment):
        yield Violation(
            _URL,
            "base_url holds a query or fragment; Tavus appends a route to its end.",
            "Give the query apart from the address: ",
            configure("llm", **_split_query_arguments(parts)),
            '; a key in it is given as default_query={"key": "{secret:name}"}',
        )


@rule("llm-key-in-headers", "warning", source="J:persona/llm")
def key_in_headers(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older pages put the key there; its place is api_key, which is masked and checked."""
    headers = document.value("/layers/llm/headers")
    if not isinstance(headers, dict) or not document.has_custom_llm:
        return
    has_key = document.is_set("/layers/llm/api_key")
    for name in headers:
        if is_secret_name(str(name)):
            path = "/layers/llm/headers" + pointer_of([name])
            give = () if has_key else (configure("llm", api_key_ref="<KEY_NAME>"), ", then ")
            yield Violation(
                path,
                "A header carries a key; its place is api_key.",
                "" if give else "api_key is set, so remove it here: ",
                *give,
                unset_fields("llm", "headers") if len(headers) == 1 else remove(path),
            )


@rule("llm-endpoint-only", "warning", source="D:persona/llm, J:persona/llm")
def endpoint_only(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Hosted models are not reached by a request of yours, so nothing can be added to it."""
    if document.has_custom_llm:
        return
    for name in ("headers", "default_query"):
        if document.is_set(f"/layers/llm/{name}"):
            yield Violation(
                f"/layers/llm/{name}",
                f"{name} goes to a custom LLM only, and there is no base_url.",
                unset_fields("llm", name),
                ", or add your own endpoint: ",
                alternative_fix(_SET_URL_PLACEHOLDER),
            )


def _base_url_parts(document: PersonaDocument) -> SplitResult | None:
    """Return the parts of base_url, or None when it cannot be read as an address."""
    return _parse_url(document.text(_URL))


def _parse_url(url: str) -> SplitResult | None:
    if _CONTROL_CHARACTERS.search(url):
        return None  # urlsplit would drop these silently
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _set_url(parts: SplitResult) -> FixCall:
    """Return the call that sets an address; one that may hold a secret is not repeated."""
    if parts.username or parts.password or parts.query or parts.fragment:
        return _SET_URL_PLACEHOLDER
    return configure("llm", base_url=UnprintedValue(_fix_url(parts).geturl()))


def _fix_url(parts: SplitResult) -> SplitResult:
    """Return an address with everything mended at once, so that no fix undoes another."""
    path = parts.path.rstrip("/")
    route = next((route for route in _ROUTES if path.endswith(route)), "")
    scheme = parts.scheme if is_private_host(parts.hostname or "") else "https"
    return parts._replace(scheme=scheme, path=path.removesuffix(route), query="", fragment="")


def _prepend_https(url: str) -> FixCall:
    """Return the call that puts https:// before what is an address but for that."""
    parts = None if ":" in url else _parse_url(f"https://{url}")
    if parts is None or not _is_host(parts) or is_private_host(parts.hostname or ""):
        return _SET_URL_PLACEHOLDER
    return _set_url(parts)


def _split_query_arguments(parts: SplitResult) -> dict[str, object]:
    """Return address and query as arguments of their own, but for keys: these are hidden."""
    if parts.username or parts.password:
        return {"base_url": "<BASE_URL>"}
    query = {
        name: UnprintedValue(value)
        for name, value in parse_qsl(parts.query)
        if not is_secret_name(name)
    }
    address = {"base_url": UnprintedValue(_fix_url(parts).geturl())}
    return address | ({"default_query": query} if query else {})


def _is_host(parts: SplitResult) -> bool:
    """Tell whether an address names a host and, if any, a port that can be."""
    try:
        port = parts.port
    except ValueError:
        return False
    return port != 0 and _HOST_PATTERN.fullmatch(parts.hostname or "") is not None
