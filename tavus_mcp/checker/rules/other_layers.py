"""Rules about the newer layers: conferencing, capabilities, knowledge_base and transport."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import (
    FixCall,
    UnprintedValue,
    alternative_fix,
    build_fix,
    configure,
    remove,
    set_at,
    unset_fields,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest

_USERNAME_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_CHUNK_COUNT_RANGE = (1, 50)
_CHUNK_RADIUS_RANGE = (0, 10)
_SCORE_THRESHOLD_RANGE = (0, 1)
_USE_ECHO_MODE = update_fields(pipeline_mode="echo", unset=["system_prompt", "context"])


@rule("conferencing-without-replica", "error", source="V:pal.py, V:meetings.py", blocks_write=True)
def conferencing_without_replica(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[Violation]:
    """Nobody is there to choose a face when a meeting calls."""
    if document.layer("conferencing") and not document.is_set("/default_replica_id"):
        yield Violation(
            "/layers/conferencing",
            "A meeting identity needs a default_replica_id, and there is none.",
            update_fields(default_replica_id="<REPLICA_ID>"),
        )


@rule(
    "conferencing-sent-alone",
    "info",
    source="V:recipes/meetings.py, P:pal/editing-lifecycle",
    no_fix_reason="Nothing is wrong; it is to be known before it is changed.",
)
def conferencing_sent_alone(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """It bypasses drafts, so Tavus wants it apart from all else."""
    if document.layer("conferencing"):
        yield Violation(
            "/layers/conferencing",
            "Changes of this layer must be sent alone, and apply at once.",
            alternative_fix(configure("conferencing", username="<USERNAME>")),
            " and nothing else in the same ",
            "call.",
        )


@rule("conferencing-username-odd", "warning", source="V:pal.py, N#60451487063")
def conferencing_username_odd(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """It becomes the part of a mail address before the @."""
    name = document.text("/layers/conferencing/username")
    if name and not _USERNAME_PATTERN.fullmatch(name):
        yield Violation(
            "/layers/conferencing/username",
            "username becomes the name part of a mail address; it has characters unfit for one.",
            "Letters, digits, dots and hyphens: ",
            configure("conferencing", username=_fix_username(name)),
        )


@rule("capabilities-search-unguarded", "warning", source="V:pal.py")
def search_unguarded(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What a web page says could become an instruction."""
    layer = document.layer("capabilities")
    guard = "search_results_prompt_injection_prevention_enabled"
    if layer.get("search_enabled") is True and layer.get(guard) is False:
        yield Violation(
            f"/layers/capabilities/{guard}",
            "The persona searches the web with the guard against hidden instructions switched off.",
            configure("capabilities", **{guard: True}),
        )


@rule("mcp-not-enabled", "warning", source="N#71397737169, V:pal.py")
def mcp_not_enabled(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The layer narrows something that is not switched on."""
    capabilities = document.layer("capabilities")
    if document.layer("mcp") and capabilities.get("mcp_enabled") is not True:
        enable = (
            configure("capabilities", mcp_enabled=True)
            if capabilities
            else set_at("/layers/capabilities", {"mcp_enabled": True})
        )
        yield Violation(
            "/layers/mcp",
            "The mcp layer limits connectors, and capabilities.mcp_enabled is not true.",
            enable,
            ", or ",
            alternative_fix(remove("/layers/mcp")),
        )


@rule("knowledge-base-without-documents", "warning", source="V:recipes/knowledge.py")
def without_documents(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """How to search is set, but there is nothing to be searched."""
    attached = any(document.is_set(f"/{name}") for name in ("document_ids", "document_tags"))
    if document.layer("knowledge_base") and not attached:
        yield Violation(
            "/layers/knowledge_base",
            "Search is configured, and no documents are attached.",
            update_fields(document_ids=["<DOCUMENT_ID>"]),
        )


@rule("knowledge-base-odd-number", "warning", source="V:recipes/knowledge.py")
def unusual_number(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """No ranges are documented, but some numbers can hardly be meant."""
    ranges = {
        "rag_score_threshold": _SCORE_THRESHOLD_RANGE,
        "rag_n_chunks": _CHUNK_COUNT_RANGE,
        "rag_surrounding_chunk_radius": _CHUNK_RADIUS_RANGE,
    }
    for name, (least, most) in ranges.items():
        value = document.number(f"/layers/knowledge_base/{name}")
        if value is not None and not least <= value <= most:
            yield Violation(
                f"/layers/knowledge_base/{name}",
                f"{name} is usually from {least} to {most}.",
                "Leave it to Tavus: ",
                unset_fields("knowledge_base", name),
            )


@rule("knowledge-base-english-only", "info", source="J:language-support")
def english_only(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Documents are found in English only."""
    spoken = document.languages
    if spoken and "en" not in spoken and document.is_set("/document_ids"):
        yield Violation(
            "/document_ids",
            "Documents work in English only, and the persona does not speak it.",
            "Put what it must know into the prompt, and take them off: ",
            *_move_documents_to_prompt(document),
        )


@rule("transport-livekit-mode", "error", source="J:livekit")
def livekit_mode(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """In a LiveKit room Tavus only renders what your own agent says."""
    kind = document.text("/layers/transport/transport_type")
    if kind == "livekit" and document.mode != "echo":
        yield Violation(
            "/layers/transport/transport_type",
            "LiveKit goes with pipeline_mode echo only.",
            _USE_ECHO_MODE,
            ", or ",
            alternative_fix(unset_fields("transport", "transport_type")),
        )


@rule("transport-type-unknown", "warning", source="J:livekit")
def type_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The docs name one other transport."""
    kind = document.text("/layers/transport/transport_type")
    facts = catalog.field("transport", "transport_type")
    if kind and facts and kind not in facts.allowed_values:
        close = find_nearest(kind, facts.allowed_values)
        instead = f"Did you mean {close!r}, which goes with mode echo? " if close else ""
        yield Violation(
            "/layers/transport/transport_type",
            f"The docs know {', '.join(facts.allowed_values)} only.",
            f"{instead}For ordinary rooms: ",
            unset_fields("transport", "transport_type"),
        )


@rule("transport-microphone-mode", "warning", source="P:echo-mode")
def microphone_mode(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Echoing the microphone is a way of echo mode."""
    given = document.is_set("/layers/transport/input_settings/microphone")
    if given and document.mode != "echo":
        yield Violation(
            "/layers/transport/input_settings/microphone",
            "input_settings.microphone is used by mode echo only.",
            unset_fields("transport", "input_settings/microphone"),
            ", or ",
            alternative_fix(_USE_ECHO_MODE),
        )


def _move_documents_to_prompt(document: PersonaDocument) -> tuple[str | FixCall, ...]:
    """Return the calls that add to the prompt what documents held, and leave its text."""
    if not document.text("/system_prompt"):
        return (update_fields(system_prompt="<PROMPT>", unset=["document_ids"]),)
    add = build_fix("edit_prompt", find="<OLD_TEXT>", replace="<NEW_TEXT>")
    return add, ", then ", update_fields(unset=["document_ids"])


def _fix_username(name: str) -> str | UnprintedValue:
    """Return a user name without what a mail address does not take."""
    letters = re.sub(r"[^A-Za-z0-9._-]+", "-", name.partition("@")[0]).strip("._-")
    return UnprintedValue(letters) if letters else "<USERNAME>"
