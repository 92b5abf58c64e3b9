"""Rules about a custom LLM: its address, key and request settings."""

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
from tavus_mcp.checker.rule_factories import Hint, Match, no_effect, requires
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import is_secret_name

_URL = "/layers/llm/base_url"
_MODEL = "/layers/llm/model"
_HEADERS = "/layers/llm/headers"
_ROUTES = ("/chat/completions", "/completions", "/responses", "/messages")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x20\x7f]")
_HOST_PATTERN = re.compile(r"[^\s\x00-\x20\x7f%<>\\^`{|}]+")
_SET_URL_PLACEHOLDER = configure("llm", base_url="<BASE_URL>")


def _is_custom(document: PersonaDocument, catalog: Catalog) -> bool:
    return document.has_custom_llm


@rule("llm-key-missing", "error", source="N#61544566878", blocks_write=True)
@requires(
    "/layers/llm/api_key",
    message="A base_url without an api_key: Tavus takes a custom LLM only with both.",
    when=_is_custom,
)
def key_missing(match: Match) -> Hint:
    """base_url and api_key come together or not at all: Tavus answers 400 to one alone."""
    hosted = configure("llm", model=match.catalog.recommended_llm(), unset=["base_url"])
    add_key = configure("llm", api_key_ref="<KEY_NAME>")
    return add_key, ", or back to a hosted model: ", alternative_fix(hosted)


@rule("llm-key-without-url", "warning", source="D:persona/llm, N#61544566878")
def key_without_url(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Hosted models need no key, so this one has no effect."""
    model = document.text(_MODEL)
    if model and not model.lower().startswith("tavus-"):
        return  # llm-model-without-url says what is missing
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
@requires(
    _MODEL,
    message="A base_url without a model: your endpoint needs to be asked for one it has.",
    when=_is_custom,
)
def endpoint_without_model(match: Match) -> Hint:
    """Without a model the endpoint is asked for the default: a hosted model that it lacks."""
    return (configure("llm", model="<MODEL>"),)


@rule("llm-endpoint-hosted-model", "warning", source="D:persona/llm")
def endpoint_hosted_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Only Tavus has the hosted models; a custom LLM does not."""
    if document.has_custom_llm and document.text(_MODEL).startswith("tavus-"):
        yield Violation(
            _MODEL,
            "Your endpoint is asked for a model that only Tavus hosts.",
            "Name one it has: ",
            configure("llm", model="<MODEL>"),
            "; or use the hosted one: ",
            alternative_fix(unset_fields("llm", "base_url", "api_key")),
        )


@rule("llm-url-route", "error", source="D:persona/llm")
def url_route(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus appends /chat/completions itself: a base_url with a route would have it twice."""
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
    """base_url must be an http or https address with a host."""
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
    """Without TLS the key and the conversation can be read on the way."""
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
    """Servers of Tavus call the endpoint; they cannot reach this machine's network."""
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
    """Reads and logs contain base_url, while keys are masked."""
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
    """Tavus appends a route to base_url, which would end up inside of the query."""
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
    """Older pages put the key into headers; its place is api_key, which is masked and checked."""
    headers = document.value(_HEADERS)
    if not isinstance(headers, dict) or not document.has_custom_llm:
        return
    has_key = document.is_set("/layers/llm/api_key")
    add_key = (configure("llm", api_key_ref="<KEY_NAME>"), ", then ")
    for path in (_HEADERS + pointer_of([name]) for name in headers if is_secret_name(str(name))):
        yield Violation(
            path,
            "A header carries a key; its place is api_key.",
            *(("api_key is set, so remove it here: ",) if has_key else add_key),
            unset_fields("llm", "headers") if len(headers) == 1 else remove(path),
        )


@rule("llm-endpoint-only", "warning", source="D:persona/llm, J:persona/llm")
@no_effect(
    (_HEADERS, "/layers/llm/default_query"),
    when=lambda document, _: not document.has_custom_llm,
    because="{name} goes to a custom LLM only, and there is no base_url.",
)
def endpoint_only(match: Match) -> Hint:
    """Nothing can be added to the requests that Tavus sends to hosted models."""
    add_endpoint = alternative_fix(_SET_URL_PLACEHOLDER)
    return match.unset(), ", or add your own endpoint: ", add_endpoint


def _base_url_parts(document: PersonaDocument) -> SplitResult | None:
    """Return the parts of base_url, or None if it is not an address."""
    return _parse_url(document.text(_URL))


def _parse_url(url: str) -> SplitResult | None:
    if _CONTROL_CHARACTERS.search(url):
        return None  # urlsplit would drop these silently
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _set_url(parts: SplitResult) -> FixCall:
    """Return the call that sets an address; a placeholder if it may contain a secret."""
    if parts.username or parts.password or parts.query or parts.fragment:
        return _SET_URL_PLACEHOLDER
    return configure("llm", base_url=UnprintedValue(_fix_url(parts).geturl()))


def _fix_url(parts: SplitResult) -> SplitResult:
    """Return an address with all its problems fixed, so that no fix undoes another one."""
    path = parts.path.rstrip("/")
    route = next((route for route in _ROUTES if path.endswith(route)), "")
    scheme = parts.scheme if is_private_host(parts.hostname or "") else "https"
    return parts._replace(scheme=scheme, path=path.removesuffix(route), query="", fragment="")


def _prepend_https(url: str) -> FixCall:
    """Return the call that adds a missing https://, or a placeholder for the address."""
    parts = None if ":" in url else _parse_url(f"https://{url}")
    if parts is None or not _is_host(parts) or is_private_host(parts.hostname or ""):
        return _SET_URL_PLACEHOLDER
    return _set_url(parts)


def _split_query_arguments(parts: SplitResult) -> dict[str, object]:
    """Return base_url and default_query as arguments; secrets in the query are left out."""
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
    """Return True if an address has a valid host and, if any, a valid port."""
    try:
        port = parts.port
    except ValueError:
        return False
    return port != 0 and _HOST_PATTERN.fullmatch(parts.hostname or "") is not None
