"""Rules about the newer layers: conferencing, capabilities, knowledge_base and transport."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    Alternative,
    UnprintedValue,
    configure,
    remove,
    set_at,
    unset_at,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, no_effect, requires, within_catalog_limits
from tavus_mcp.models.document import PersonaDocument

_USERNAME_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_TRANSPORT_TYPE = "/layers/transport/transport_type"


class _Range(NamedTuple):
    minimum: float
    maximum: float


_USUAL_RANGES = {
    "rag_score_threshold": _Range(0, 1),
    "rag_n_chunks": _Range(1, 50),
    "rag_surrounding_chunk_radius": _Range(0, 10),
}
_USE_ECHO_MODE = update_fields(pipeline_mode="echo", unset=["system_prompt", "context"])


@rule("conferencing-without-replica", "error", source="V:pal.py, V:meetings.py", blocks_write=True)
@requires(
    "/layers/conferencing",
    "/default_replica_id",
    message="The conferencing layer needs a default_replica_id, which is not set.",
    when=lambda document, _: bool(document.layer("conferencing")),
)
def conferencing_without_replica(match: Match) -> Hint:
    """A meeting that calls the persona cannot choose a replica."""
    return (update_fields(default_replica_id="<REPLICA_ID>"),)


@rule(
    "conferencing-sent-alone",
    "info",
    source="V:recipes/meetings.py, P:pal/editing-lifecycle",
    no_fix_reason="Nothing is wrong; it matters when the layer is changed.",
)
def conferencing_sent_alone(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Changes of the conferencing layer bypass drafts; Tavus takes them in a separate request."""
    if document.layer("conferencing"):
        yield Violation(
            "/layers/conferencing",
            "Tavus takes changes of this layer only in a request of their own, and applies them "
            "at once.",
            Alternative(configure("conferencing", username="<USERNAME>")),
            " and nothing else in the same call.",
        )


@rule("conferencing-username-odd", "warning", source="V:pal.py, N#60451487063")
def conferencing_username_odd(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """username becomes the part of a mail address before the @."""
    name = document.text("/layers/conferencing/username")
    if name and not _USERNAME_PATTERN.fullmatch(name):
        yield Violation(
            "/layers/conferencing/username",
            "username becomes the first part of a mail address, and has characters that are not "
            "allowed there.",
            "Use letters, digits, dots and hyphens: ",
            configure("conferencing", username=_fix_username(name)),
        )


@rule("capabilities-search-unguarded", "warning", source="V:pal.py")
def search_unguarded(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without the guard a text on a web page can become an instruction."""
    layer = document.layer("capabilities")
    guard = "search_results_prompt_injection_prevention_enabled"
    if layer.get("search_enabled") is True and layer.get(guard) is False:
        yield Violation(
            f"/layers/capabilities/{guard}",
            "The persona searches the web, and the protection against hidden instructions is off.",
            configure("capabilities", **{guard: True}),
        )


@rule("mcp-not-enabled", "warning", source="N#71397737169, V:pal.py")
def mcp_not_enabled(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The mcp layer limits connectors, which have no effect unless they are enabled."""
    capabilities = document.layer("capabilities")
    if document.layer("mcp") and capabilities.get("mcp_enabled") is not True:
        enable = (
            configure("capabilities", mcp_enabled=True)
            if capabilities
            else set_at("/layers/capabilities", {"mcp_enabled": True})
        )
        yield Violation(
            "/layers/mcp",
            "The mcp layer has no effect, because capabilities.mcp_enabled is not true.",
            enable,
            ", or ",
            Alternative(remove("/layers/mcp")),
        )


@rule("knowledge-base-without-documents", "warning", source="V:recipes/knowledge.py")
@requires(
    "/layers/knowledge_base",
    "/document_ids",
    "/document_tags",
    message="The knowledge_base layer has no effect, because no documents are attached.",
    when=lambda document, _: bool(document.layer("knowledge_base")),
)
def without_documents(match: Match) -> Hint:
    """The knowledge_base layer configures a search of documents, and none are attached."""
    return (update_fields(document_ids=["<DOCUMENT_ID>"]),)


def _ranges(document: PersonaDocument, catalog: Catalog) -> Iterator[tuple[str, _Range]]:
    for name, usual in _USUAL_RANGES.items():
        yield f"/layers/knowledge_base/{name}", usual


@rule("knowledge-base-odd-number", "warning", source="V:recipes/knowledge.py")
@within_catalog_limits(
    _ranges, "{name} is usually from {facts.minimum} to {facts.maximum}; the docs give no range."
)
def unusual_number(match: Match) -> Hint:
    """The docs give no ranges, but these numbers are probably mistakes."""
    return "Leave it to Tavus: ", match.unset()


@rule("knowledge-base-english-only", "warning", source="J:language-support")
def english_only(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus searches documents in English only."""
    languages = document.languages
    if languages and "en" not in languages and document.is_set("/document_ids"):
        yield Violation(
            "/document_ids",
            "Documents are found in English only, and the persona has other languages.",
            "Write what it must know into system_prompt, then remove the documents: ",
            update_fields(unset=["document_ids"]),
        )


@rule("transport-livekit-mode", "error", source="J:livekit")
def livekit_mode(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """In a LiveKit room Tavus renders the speech of another agent, which is echo mode."""
    if document.text(_TRANSPORT_TYPE) == "livekit" and document.mode != "echo":
        yield Violation(
            _TRANSPORT_TYPE,
            "LiveKit works with pipeline_mode echo only.",
            _USE_ECHO_MODE,
            ", or ",
            Alternative(unset_at(_TRANSPORT_TYPE)),
        )


@rule("transport-microphone-mode", "warning", source="P:echo-mode")
@no_effect(
    ("/layers/transport/input_settings/microphone",),
    when=lambda document, _: document.mode != "echo",
    because="input_settings.microphone has no effect: only mode echo uses it.",
)
def microphone_mode(match: Match) -> Hint:
    """Only echo mode can send the microphone's audio to the replica."""
    return match.unset(), ", or ", Alternative(_USE_ECHO_MODE)


def _fix_username(name: str) -> str | UnprintedValue:
    """Return a user name without characters that a mail address does not take."""
    letters = re.sub(r"[^A-Za-z0-9._-]+", "-", name.partition("@")[0]).strip("._-")
    return UnprintedValue(letters) if letters else "<USERNAME>"
