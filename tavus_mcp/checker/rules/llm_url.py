"""Rules about the address of a custom LLM.

An address gets one finding at most, that of its worst problem. The finding describes all problems
of the address, and its fix solves all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from tavus_mcp.addresses import is_private_host, is_valid_host
from tavus_mcp.catalog import Catalog
from tavus_mcp.catalog.llm_providers import LlmProvider, find_llm_provider
from tavus_mcp.checker.fixes import FixCall, UnprintedValue, configure, find_placeholder
from tavus_mcp.checker.placeholders import is_placeholder_host, is_unfilled
from tavus_mcp.checker.rule import Check, Violation, rule
from tavus_mcp.checker.rule_factories import Hint
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.masking import is_secret_name

_URL = "/layers/llm/base_url"
_ROUTES = ("/chat/completions", "/completions", "/responses", "/messages", "/embeddings", "/models")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x20\x7f]")
_SET_URL_PLACEHOLDER = configure("llm", base_url="<BASE_URL>")
_SENT_ALL_THE_SAME = "; allow_private_url=true sends it nevertheless"


class _Problem(NamedTuple):
    """A problem of an address: the rule that reports it, and a sentence."""

    rule: str
    message: str


def _reports(name: str) -> Check:
    """Return the check that reports an address whose worst problem is that of the rule."""

    def check(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
        problems = _find_problems(document)
        if problems and problems[0].rule == name:
            message = " ".join(problem.message for problem in problems)
            yield Violation(_URL, message, *_build_hint(name, document))

    return check


@rule("llm-url-placeholder", "error", source="D:persona/llm", blocks_write=True)
def url_placeholder(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An address that was copied from an example leads nowhere."""
    yield from _reports("llm-url-placeholder")(document, catalog)


@rule("llm-url-unusable", "error", source="D:persona/llm", blocks_write=True)
def url_unusable(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """base_url must be an http or https address with a host."""
    yield from _reports("llm-url-unusable")(document, catalog)


@rule("llm-url-credentials", "error", source="D:persona/llm", blocks_write=True)
def url_credentials(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Reads and logs contain base_url, while keys are masked."""
    yield from _reports("llm-url-credentials")(document, catalog)


@rule("llm-url-private", "error", source="D:persona/llm", blocks_write=True)
def url_private(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Servers of Tavus call the endpoint; they cannot reach this machine's network."""
    yield from _reports("llm-url-private")(document, catalog)


@rule("llm-url-not-https", "error", source="D:persona/llm", blocks_write=True)
def url_not_https(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without TLS the key and the conversation can be read on the way."""
    yield from _reports("llm-url-not-https")(document, catalog)


@rule("llm-url-route", "error", source="D:persona/llm")
def url_route(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus appends /chat/completions itself: a base_url with a route would have it twice."""
    yield from _reports("llm-url-route")(document, catalog)


@rule("llm-url-path", "error", source="D:persona/llm")
def url_path(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Known providers answer at one path; at any other there is no /chat/completions."""
    yield from _reports("llm-url-path")(document, catalog)


@rule("llm-url-query", "warning", source="D:persona/llm")
def url_query(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus appends a route to base_url, which would end up inside of the query."""
    yield from _reports("llm-url-query")(document, catalog)


def _find_problems(document: PersonaDocument) -> list[_Problem]:
    """Return the problems of base_url, worst first; those that refuse a write come first."""
    url = document.text(_URL)
    if not url or find_placeholder(url):  # placeholder-of-ours reports it
        return []
    parts = _parse_url(url)
    if is_unfilled(url) or (parts and is_placeholder_host(parts.hostname or "")):
        return [_Problem("llm-url-placeholder", "base_url holds a placeholder.")]
    if parts is None or parts.scheme not in ("http", "https") or not _has_valid_host(parts):
        return [_Problem("llm-url-unusable", "base_url is not a web address.")]
    problems = [*_find_unsafe_parts(parts)]
    if _route_of(parts):
        message = "base_url ends in a route; Tavus appends /chat/completions itself."
        problems.append(_Problem("llm-url-route", message))
    if message := _describe_wrong_path(parts):
        problems.append(_Problem("llm-url-path", message))
    if parts.query or parts.fragment:
        message = "base_url holds a query or fragment; Tavus appends a route to its end."
        problems.append(_Problem("llm-url-query", message))
    return problems


def _find_unsafe_parts(parts: SplitResult) -> Iterator[_Problem]:
    is_private = is_private_host(parts.hostname or "")
    if parts.username or parts.password:
        message = "base_url holds a user or password, which every read shows."
        yield _Problem("llm-url-credentials", message)
    if is_private:
        message = "base_url is an address of this machine or a private network; "
        yield _Problem("llm-url-private", f"{message}Tavus cannot reach it.")
    if parts.scheme == "http" and not is_private:
        message = "base_url is not https: the key and the conversation travel in the clear."
        yield _Problem("llm-url-not-https", message)


def _describe_wrong_path(parts: SplitResult) -> str:
    """Return why a known provider does not answer at this address, or an empty text."""
    host = parts.hostname or ""
    provider = find_llm_provider(host)
    if provider is None or provider.has_api_at(host, _path_without_route(parts)):
        return ""
    if provider.is_website(host):
        return f"This is a website of {provider.name}, not its API."
    return f"{provider.name} has no /chat/completions at this path."


def _build_hint(name: str, document: PersonaDocument) -> Hint:
    """Return the hint for an address whose worst problem is that of the rule."""
    url = document.text(_URL)
    parts = _parse_url(url)
    if name == "llm-url-placeholder":
        return "Put the public https address of your endpoint there: ", _SET_URL_PLACEHOLDER
    if parts is None or name == "llm-url-unusable":
        return "It begins with https:// and a host: ", _prepend_https(url)
    if name == "llm-url-credentials":
        fix = configure("llm", base_url="<BASE_URL>", api_key_ref="<KEY_NAME>")
        return "Give the key apart from the address: ", fix
    if name == "llm-url-private":
        lead = "Make it reachable by a public https address (a tunnel will do): "
        return lead, _SET_URL_PLACEHOLDER, _SENT_ALL_THE_SAME
    fix, note = _fix_address(parts), ""
    if parts.query:
        note = '; a key in it is given as default_query={"key": "{secret:name}"}'
    if name == "llm-url-not-https":
        return fix, note or _SENT_ALL_THE_SAME
    lead = {
        "llm-url-route": "Leave out the route: ",
        "llm-url-query": "Give the query apart from the address: ",
    }.get(name, "Set the right address: ")
    return (lead, fix, note) if note else (lead, fix)


def _fix_address(parts: SplitResult) -> FixCall:
    """Return the call that solves all problems of an address; secrets in it are left out."""
    query = {
        name: UnprintedValue(value)
        for name, value in parse_qsl(parts.query)
        if not is_secret_name(name)
    }
    more = {"default_query": query} if query else {}
    return configure("llm", base_url=_corrected_address(parts), **more)


def _corrected_address(parts: SplitResult) -> str | UnprintedValue:
    """Return the corrected address; it is printed if all of it is known, since paths hold keys."""
    host, path = parts.hostname or "", _path_without_route(parts)
    provider = find_llm_provider(host)
    if provider is not None and (path in provider.paths or not provider.has_api_at(host, path)):
        return _address_of_provider(provider, parts)
    return UnprintedValue(parts._replace(scheme="https", path=path, query="", fragment="").geturl())


def _address_of_provider(provider: LlmProvider, parts: SplitResult) -> str:
    """Return the address that Tavus needs for a provider, or a placeholder if it varies."""
    if not provider.paths:
        return "<BASE_URL>"
    path, host = _path_without_route(parts), parts.netloc.rpartition("@")[2]
    if provider.is_website(parts.hostname or ""):
        if "*" in provider.hosts[0]:
            return "<BASE_URL>"
        host = provider.hosts[0]
    return f"https://{host}{path if path in provider.paths else provider.paths[0]}"


def _route_of(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    return next((route for route in _ROUTES if path.endswith(route)), "")


def _path_without_route(parts: SplitResult) -> str:
    return parts.path.rstrip("/").removesuffix(_route_of(parts)).rstrip("/")


def _parse_url(url: str) -> SplitResult | None:
    """Return the parts of an address, or None if it is none."""
    if _CONTROL_CHARACTERS.search(url):
        return None  # urlsplit would drop these silently
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _prepend_https(url: str) -> FixCall:
    """Return the call that adds a missing https://, or a placeholder for the address."""
    parts = None if ":" in url else _parse_url(f"https://{url}")
    if parts is None or not _has_valid_host(parts) or is_private_host(parts.hostname or ""):
        return _SET_URL_PLACEHOLDER
    if parts.username or parts.query or parts.fragment:
        return _SET_URL_PLACEHOLDER
    return configure("llm", base_url=_corrected_address(parts))


def _has_valid_host(parts: SplitResult) -> bool:
    """Return True if an address has a valid host and, if any, a valid port."""
    try:
        port = parts.port
    except ValueError:
        return False
    return port != 0 and is_valid_host(parts.hostname or "")
