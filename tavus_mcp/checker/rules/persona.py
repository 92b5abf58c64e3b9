"""Rules about the top-level fields of a persona."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import (
    Alternative,
    FixCall,
    UnprintedValue,
    find_placeholder,
    remove,
    unset_fields,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rule_factories import Hint, Match, no_effect, requires
from tavus_mcp.checker.rules.placeholders import fix_ids
from tavus_mcp.checker.rules.values import name_value
from tavus_mcp.deprecations.fields import move_documents
from tavus_mcp.models.base import text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest, strip_quotes

FIELD_UNDOCUMENTED = "field-undocumented"
"""Reported only where no other rule reports the field."""

_SEARCH = "/layers/capabilities/search_enabled"
_SEARCH_GUARD = "search_results_prompt_injection_prevention_enabled"
_ID_LISTS = ("document_ids", "guardrail_ids", "tool_ids")


@rule("name-missing", "info", source="D:create-persona")
@requires("/persona_name", message="The persona has no name.")
def name_missing(match: Match) -> Hint:
    """The name is displayed in the call, and identifies the persona in lists."""
    return "Give it one: ", update_fields(name="<NAME>")


@rule("name-in-quotes", "info", source="D:create-persona")
def name_in_quotes(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Blanks and quotation marks around the name are displayed with it."""
    name = document.value("/persona_name")
    bare_name = strip_quotes(name) if isinstance(name, str) else ""
    if bare_name and bare_name != name:
        yield Violation(
            "/persona_name",
            "The name has blanks or quotation marks around it, which are shown with it.",
            "Without them: ",
            update_fields(name=UnprintedValue(bare_name)),
        )


@rule("replica-missing", "info", source="D:create-persona")
@requires(
    "/default_replica_id",
    message="There is no default replica, so every conversation must name one.",
    when=lambda document, _: not document.layer("conferencing"),  # see conferencing-without-replica
)
def replica_missing(match: Match) -> Hint:
    """Without a default replica a conversation that names none cannot start."""
    return (update_fields(default_replica_id="<REPLICA_ID>"),)


@rule("replica-is-a-persona", "error", source="D:create-persona, V:pal_urls.py")
def replica_is_a_persona(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Ids of personas and replicas look alike; those of replicas begin with r."""
    pattern = catalog.persona_fields["persona_id"].pattern
    if pattern and re.match(pattern, document.text("/default_replica_id")):
        yield Violation(
            "/default_replica_id",
            "This is the id of a persona; replicas have ids that begin with r.",
            update_fields(default_replica_id="<REPLICA_ID>"),
        )


@rule(
    "stock-persona",
    "info",
    source="D:get-personas, N#70219330625",
    no_fix_reason="Only Tavus can change it; a copy is another persona.",
)
def stock_persona(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Stock personas belong to Tavus, which answers 400 to a patch."""
    if document.value("/persona_type") == "system":
        yield Violation(
            "/persona_type",
            "A stock persona of Tavus can be read but not changed.",
            "Make a copy that you can change: create_persona with based_on and a name.",
        )


@rule("guardrails-both-generations", "warning", source="P:legacy-guardrail-sets")
def guardrails_both_generations(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Beside single guardrails a guardrail set was found to have no effect."""
    if document.is_set("/guardrails_id") and _has_single_guardrails(document):
        yield Violation(
            "/guardrails_id",
            "The persona has a legacy guardrail set and single guardrails; the set may have no "
            "effect.",
            "Keep the single guardrails and remove the set: ",
            update_fields(unset=["guardrails_id"]),
        )


@rule("guardrails-legacy", "warning", source="P:legacy-guardrail-sets, N#61101964180")
def guardrails_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One team found that a guardrail set had no effect, where single guardrails had."""
    if document.is_set("/guardrails_id") and not _has_single_guardrails(document):
        yield Violation(
            "/guardrails_id",
            f"Guardrail sets are legacy{catalog.deprecated_since('/guardrails_id')}; "
            "one team reports that its set had no effect.",
            update_fields(guardrails=["<GUARDRAIL_ID>"], unset=["guardrails_id"]),
        )


@rule("too-many-ids", "error", source="V:pal.py, GO", blocks_write=True)
def too_many_ids(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus limits the number of attachments."""
    for facts in catalog.persona_fields:
        ids = document.value(f"/{facts.name}") if facts.max_items else None
        if facts.max_items and isinstance(ids, list) and len(ids) > facts.max_items:
            yield Violation(
                f"/{facts.name}",
                f"The list has {len(ids)} ids, and Tavus takes at most {facts.max_items}.",
                "Keep the first ones, or choose others: ",
                _deduplicate_ids(document, catalog, facts.name),
            )


@rule("id-repeated", "info", source="V:pal.py")
def id_repeated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A repeated id has no effect; it is probably a mistake of copying."""
    for name in _ID_LISTS:
        seen: set[str] = set()
        for index, item in document.entries(f"/{name}"):
            if item in seen:
                yield Violation(
                    f"/{name}/{index}",
                    "This id is in the list twice.",
                    "List each id once: ",
                    _deduplicate_ids(document, catalog, name),
                )
            seen.add(item)


@rule(
    "field-not-read-back",
    "info",
    source="V:pal.py",
    no_fix_reason="Nothing is wrong with it; it is only never shown.",
)
def field_not_read_back(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus takes some fields but does not return them, so a read cannot confirm them."""
    for facts in catalog.persona_fields:
        if facts.writable and not facts.readable and document.is_set(f"/{facts.name}"):
            yield Violation(
                f"/{facts.name}",
                f"Tavus stores {facts.name} but does not return it in reads.",
                "Keep a copy of your own. A read without it does not mean that it was removed.",
            )


@rule("memory-line-blank", "info", source="V:pal.py")
def memory_line_blank(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Each line is one memory; a blank line is none."""
    lines = document.value("/memories")
    for index, line in document.entries("/memories"):
        if not line.strip():
            yield Violation(
                f"/memories/{index}",
                "This memory line has no text.",
                "Remove it: ",
                update_fields(memories=[UnprintedValue(item) for item in lines if text(item)]),
            )


@rule("language-not-a-code", "warning", source="J:language-support, N1")
def language_not_a_code(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A persona's languages are codes; the language of a conversation is a name."""
    for index, value in document.entries("/languages"):
        language = catalog.languages.find(text(value))
        if language and language.code != value:
            yield Violation(
                f"/languages/{index}",
                f"This is not a code; the code of the language is {language.code!r}.",
                _fix_languages(document, catalog),
            )


@rule(
    "language-unknown",
    "warning",
    source="J:language-support, N1",
    no_fix_reason="Tavus may speak more languages than are known here.",
)
def language_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The list of languages that is known here may be older than what Tavus speaks."""
    for index, value in document.entries("/languages"):
        if text(value) and not find_placeholder(value) and not catalog.languages.find(text(value)):
            code = find_language_code(value, catalog) or _nearest_language_code(value, catalog)
            yield Violation(
                f"/languages/{index}",
                f"{name_value(text(value), 'language')} is not known here; Tavus decides "
                f"whether it "
                "takes it. Not checked, because it depends on this value: whether it is heard and "
                "spoken.",
                f"Nearest: {code}." if code else "Codes look like 'en'.",
            )


@rule("language-repeated", "info", source="N1")
def language_repeated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A repeated language has no effect."""
    codes = [code for _, code in document.entries("/languages")]
    if len(set(codes)) < len(codes):
        yield Violation(
            "/languages",
            "A language is listed twice.",
            "List each once: ",
            _fix_languages(document, catalog),
        )


@rule("disclosure-off", "info", source="N1")
def disclosure_off(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The European Union requires that people know that they talk to an AI."""
    if document.value("/disclosure_type") == "off":
        yield Violation(
            "/disclosure_type",
            "The persona never says that it is an AI, even in conversations under policy eu.",
            "To say it in those conversations: ",
            update_fields(disclosure_type="auto"),
        )


@rule("disclosure-text-unused", "warning", source="N1")
@no_effect(
    ("/verbal_disclosure", "/visual_disclosure"),
    when=lambda document, _: document.value("/disclosure_type") == "off",
    because="{name} has no effect, because disclosure_type is off.",
)
def disclosure_text_unused(match: Match) -> Hint:
    """The text of the disclosure is not used while the disclosure is off."""
    removal = Alternative(match.unset())
    return update_fields(disclosure_type="auto"), ", or remove the text: ", removal


@rule("documents-inside-layers", "warning", source="D:create-persona")
def documents_inside_layers(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An example of the docs has documents inside of layers, where Tavus ignores them."""
    operations = move_documents(document, catalog)
    moved = {operation.path: operation for operation in operations if operation.kind == "set"}
    for operation in operations:
        if operation.kind == "remove":
            name = operation.path.rpartition("/")[2]
            # A write that changes the list moves it as well (personas.current_spelling).
            yield Violation(
                operation.path,
                f"{name} has no effect inside layers; it belongs at the top level of the persona.",
                *conversion_calls([moved.get(f"/{name}", operation)]),
            )


@rule("audio-only-on-persona", "warning", source="J:changelog, SEED")
def audio_only_on_persona(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """audio_only is a property of a conversation; on a persona it has no effect."""
    if "audio_only" in document.data:
        yield Violation(
            "/audio_only",
            "audio_only is not a field of a persona.",
            "Give audio_only=true when you create a conversation, and remove it here: ",
            remove("/audio_only"),
        )


@rule(FIELD_UNDOCUMENTED, "info", source="V:pal.py, N#71397737169")
def field_undocumented(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A field that is in no page of the docs may have no effect, or lose it without notice."""
    for layer in catalog.layer_names:
        for facts in catalog.fields(layer) if document.layer(layer) else ():
            if facts.status not in ("undocumented", "unknown"):
                continue
            path = f"/layers/{layer}/{facts.name}"
            if not document.is_set(path):
                continue
            if facts.name == "ambient_awareness":
                continue  # see perception-ambient-awareness
            if facts.name == "mcp_enabled" and document.layer("mcp"):
                continue  # the mcp layer needs it: see mcp-not-enabled
            if facts.name == _SEARCH_GUARD and document.value(_SEARCH) is True:
                continue  # it protects the search: see capabilities-search-unguarded
            names = [facts.name]
            if path == _SEARCH and document.is_set(f"/layers/{layer}/{_SEARCH_GUARD}"):
                names.append(_SEARCH_GUARD)  # of no use without the search
            successor = f"The documented field is {facts.successor}. " if facts.successor else ""
            yield Violation(
                path,
                f"{facts.name} is undocumented: {facts.summary}",
                f"{successor}If a call shows no effect, remove it: ",
                unset_fields(layer, *names),
            )


def _deduplicate_ids(document: PersonaDocument, catalog: Catalog, name: str) -> FixCall:
    """Return the call that sends each id of a list once, and no more than Tavus takes."""
    ids = fix_ids(f"/{name}", document.value(f"/{name}"))
    return update_fields(**{name: ids[: catalog.persona_fields[name].max_items]})


def _has_single_guardrails(document: PersonaDocument) -> bool:
    return document.is_set("/guardrail_ids") or document.is_set("/guardrail_tags")


def _fix_languages(document: PersonaDocument, catalog: Catalog) -> FixCall:
    """Return the call that lists each language once, by its code."""
    codes = []
    for _, value in document.entries("/languages"):
        language = catalog.languages.find(text(value))
        codes.append(language.code if language else UnprintedValue(value))
    return update_fields(languages=list(dict.fromkeys(codes)))


def find_language_code(value: str, catalog: Catalog) -> str | None:
    """Return the code of a language by a common spelling: "Spanish", "EN", "en-US"."""
    languages = catalog.languages
    language = languages.find(text(value)) or languages.find(
        value.replace("_", "-").partition("-")[0]
    )
    return language.code if language else None


def _nearest_language_code(value: str, catalog: Catalog) -> str | None:
    """Return the code of the language with the most similar name."""
    close = find_nearest(value, (language.name for language in catalog.languages))
    language = catalog.languages.find(close) if close else None
    return language.code if language else None
