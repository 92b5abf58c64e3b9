"""Rules about a custom LLM: its model, its key and its request settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    Alternative,
    configure,
    remove,
    unset_fields,
)
from tavus_mcp.checker.placeholders import SECRET_REFERENCE
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, no_effect, requires
from tavus_mcp.deprecations.fields import FALSE_WORDS
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.models.masking import is_secret_name

_MODEL = "/layers/llm/model"
_HEADERS = "/layers/llm/headers"
_STREAM = "/layers/llm/extra_body/stream"
_AUTH_SCHEME = re.compile(r"(?:authorization:\s*)?(bearer|basic|token)\s+\S", re.IGNORECASE)


def _is_custom(document: PersonaDocument, catalog: Catalog) -> bool:
    return document.has_custom_llm


@rule("llm-key-missing", "error", source="N#61544566878", blocks_write=True)
@requires(
    "/layers/llm/api_key",
    message="base_url is set without api_key. Tavus takes a custom LLM only with both.",
    when=_is_custom,
)
def key_missing(match: Match) -> Hint:
    """base_url and api_key come together or not at all: Tavus answers 400 to one alone."""
    unset = [name for name in ("base_url", "api_key") if name in match.document.layer("llm")]
    hosted = configure("llm", model=match.catalog.recommended_llm(), unset=unset)
    add_key = configure("llm", api_key_ref="<KEY_NAME>")
    return add_key, ", or back to a hosted model: ", Alternative(hosted)


@rule("llm-key-without-url", "warning", source="D:persona/llm, N#61544566878")
def key_without_url(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Hosted models need no key, so this one has no effect."""
    model = document.text(_MODEL)
    if model and not model.lower().startswith("tavus-"):
        return  # llm-model-without-url says what is missing
    if document.is_set("/layers/llm/api_key") and not document.has_custom_llm:
        yield Violation(
            "/layers/llm/api_key",
            "api_key is set without base_url. Hosted models need no key.",
            "Remove it: ",
            unset_fields("llm", "api_key"),
            "; or add your own endpoint: ",
            _add_endpoint(document),
        )


@rule("llm-endpoint-without-model", "warning", source="D:persona/llm")
@requires(
    _MODEL,
    message="base_url is set without model. Name a model that your endpoint has.",
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
            "Only Tavus hosts this model; your endpoint does not have it.",
            "Name one it has: ",
            configure("llm", model="<MODEL>"),
            "; or use the hosted one: ",
            Alternative(unset_fields("llm", "base_url", "api_key")),
        )


@rule("llm-key-with-scheme", "error", source="D:persona/llm")
def key_with_scheme(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus writes the scheme of the Authorization header; with two of them it is invalid."""
    for layer in ("llm", "tts"):
        path = f"/layers/{layer}/api_key"
        scheme = _AUTH_SCHEME.match(document.text(path))
        if scheme and (layer != "llm" or document.has_custom_llm):
            yield Violation(
                path,
                f"The key begins with {scheme[1].capitalize()}, which is not part of a key: "
                "Tavus adds it.",
                "Give the key alone: ",
                configure(layer, api_key_ref="<KEY_NAME>"),
            )


@rule("llm-stream-off", "error", source="D:persona/llm")
def stream_off(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus speaks the answer while it is streamed, and cannot read one that is not."""
    value = document.value(_STREAM)
    if value is False or (isinstance(value, str) and value.strip().lower() in FALSE_WORDS):
        yield Violation(
            _STREAM,
            "stream is off, and Tavus reads streamed answers only.",
            "Remove it: ",
            remove(_STREAM),
        )


@rule("llm-key-in-headers", "warning", source="J:persona/llm")
def key_in_headers(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Older pages put the key into headers; its place is api_key, which is masked and checked.

    A header with a reference to a secret is meant (OAS has Authorization in an example).
    """
    headers = document.value(_HEADERS)
    if not isinstance(headers, dict) or not document.has_custom_llm:
        return
    has_key = document.is_set("/layers/llm/api_key")
    add_key = (configure("llm", api_key_ref="<KEY_NAME>"), ", then ")
    for name, value in headers.items():
        is_reference = isinstance(value, str) and SECRET_REFERENCE.search(value)
        if is_reference or not is_secret_name(str(name)):
            continue
        path = _HEADERS + pointer_of([name])
        yield Violation(
            path,
            "This header holds a key. Keys belong in api_key.",
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
    return match.unset(), ", or add your own endpoint: ", _add_endpoint(match.document)


def _add_endpoint(document: PersonaDocument) -> Alternative:
    """Return the call that adds a custom LLM: its address, and what is missing beside it."""
    needed = {"base_url": "<BASE_URL>"}
    if not document.is_set("/layers/llm/api_key"):
        needed["api_key_ref"] = "<KEY_NAME>"
    if not document.is_set(_MODEL) or document.text(_MODEL).lower().startswith("tavus-"):
        needed["model"] = "<MODEL>"
    return Alternative(configure("llm", **needed))
