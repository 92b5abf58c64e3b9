"""Rules about the top-level fields of a persona."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.checker.fixes import (
    FixCall,
    UnprintedValue,
    alternative_fix,
    remove,
    unset_fields,
    update_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rules.texts import fix_ids
from tavus_mcp.models.base import indexed_texts, is_set, text
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest, strip_quotes

FIELD_UNDOCUMENTED = "field-undocumented"
"""Said of a place only when nothing more exact is."""

_ID_LISTS = ("document_ids", "guardrail_ids", "tool_ids")


@rule("name-missing", "info", source="D:create-persona")
def name_missing(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The name is shown in the call, and tells personas apart in lists."""
    if not document.is_set("/persona_name"):
        yield Violation(
            "/persona_name",
            "The persona has no name.",
            "Give it one: ",
            update_fields(name="<NAME>"),
        )


@rule("name-in-quotes", "info", source="D:create-persona")
def name_in_quotes(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The name is shown in the call as it stands, with what copying left around it."""
    name = document.value("/persona_name")
    if isinstance(name, str) and is_set(bare := strip_quotes(name)) and bare != name:
        yield Violation(
            "/persona_name",
            "Blanks or quotation marks stand around the name, and are shown with it.",
            "Without them: ",
            update_fields(name=UnprintedValue(bare)),
        )


@rule("replica-missing", "info", source="D:create-persona")
def replica_missing(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without a default replica a conversation that names none cannot start."""
    if document.layer("conferencing"):
        return  # that layer has a rule of its own, which says more
    if not document.is_set("/default_replica_id"):
        yield Violation(
            "/default_replica_id",
            "No default replica: every conversation must name one.",
            update_fields(default_replica_id="<REPLICA_ID>"),
        )


@rule("replica-is-a-persona", "error", source="D:create-persona, V:pal_urls.py")
def replica_is_a_persona(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Both ids are short and hexadecimal; those of replicas begin with r, also as faces."""
    facts = catalog.persona_fields.find("persona_id")
    replica = document.text("/default_replica_id")
    if facts and facts.pattern and re.match(facts.pattern, replica):
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
    """Stock personas belong to Tavus: a patch answers 400."""
    if document.value("/persona_type") == "system":
        yield Violation(
            "/persona_type",
            "A stock persona of Tavus can be read but not changed.",
            "Make your own of it: create_persona with based_on and a name.",
        )


@rule("guardrails-both-generations", "warning", source="P:legacy-guardrail-sets")
def guardrails_both_generations(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Beside single guardrails a set was found to have no effect."""
    if document.is_set("/guardrails_id") and _has_single_guardrails(document):
        yield Violation(
            "/guardrails_id",
            "A legacy guardrail set stands beside single guardrails; only these are sure to hold.",
            "Keep guardrail_ids and remove the set: ",
            update_fields(unset=["guardrails_id"]),
        )


@rule("guardrails-legacy", "warning", source="P:legacy-guardrail-sets, N#61101964180")
def guardrails_legacy(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One team found that a set had no effect, where single guardrails had."""
    if document.is_set("/guardrails_id") and not _has_single_guardrails(document):
        yield Violation(
            "/guardrails_id",
            f"Guardrail sets are legacy{catalog.deprecated_since('/guardrails_id')}; "
            "one team found theirs without effect.",
            update_fields(guardrails=["<GUARDRAIL_ID>"], unset=["guardrails_id"]),
        )


@rule("too-many-ids", "error", source="V:pal.py, GO", blocks_write=True)
def too_many_ids(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Tavus takes a limited number of attachments."""
    for facts in catalog.persona_fields:
        value = document.value(f"/{facts.name}")
        if facts.max_items and isinstance(value, list) and len(value) > facts.max_items:
            yield Violation(
                f"/{facts.name}",
                f"{len(value)} ids, and Tavus takes at most {facts.max_items}.",
                "The first of them are kept, unless you choose others: ",
                _deduplicate_ids(catalog, facts.name, value),
            )


@rule("id-repeated", "info", source="V:pal.py")
def id_repeated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An id counts once; a second time is a slip of copying."""
    for name in _ID_LISTS:
        seen: set[str] = set()
        listed = document.value(f"/{name}")
        for index, value in indexed_texts(listed):
            if value in seen:
                yield Violation(
                    f"/{name}/{index}",
                    "The same id stands here twice.",
                    "Send each once: ",
                    _deduplicate_ids(catalog, name, listed),
                )
            seen.add(value)


@rule(
    "field-not-read-back",
    "info",
    source="V:pal.py",
    no_fix_reason="Nothing is wrong with it; it is only never shown.",
)
def field_not_read_back(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Some fields are taken but never shown again, so a read is no proof."""
    for facts in catalog.persona_fields:
        if facts.writable and not facts.readable and document.is_set(f"/{facts.name}"):
            yield Violation(
                f"/{facts.name}",
                f"Tavus takes {facts.name} but does not show it in reads.",
                "Keep your own copy; that a read lacks it does not mean that it is gone.",
            )


@rule("memory-line-blank", "warning", source="V:pal.py")
def memory_line_blank(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Each line is one thing to remember; a blank one is none."""
    lines = document.value("/memories")
    for index, line in indexed_texts(lines):
        if not line.strip():
            yield Violation(
                f"/memories/{index}",
                "A memory line without text.",
                "Leave it out: ",
                update_fields(memories=[UnprintedValue(one) for one in lines if text(one)]),
            )


@rule("language-unknown", "warning", source="J:language-support, N1")
def language_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The list takes codes, while a conversation's language takes names: they are mixed up."""
    codes = {language.code for language in catalog.languages}
    listed = list(document.entries("/languages"))
    for index, value in listed:
        if value not in codes:
            code = find_language_code(value, catalog)
            yield Violation(
                f"/languages/{index}",
                "Not a code of a language that Tavus speaks.",
                f"Did you mean {code!r}? " if code else "Codes look like 'en': ",
                _fix_languages(document, catalog),
            )


@rule("language-repeated", "info", source="N1")
def language_repeated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A language counts once."""
    found = [code for _, code in document.entries("/languages")]
    if len(set(found)) < len(found):
        yield Violation(
            "/languages",
            "A language is listed twice.",
            "List each once: ",
            _fix_languages(document, catalog),
        )


@rule("disclosure-off", "info", source="N1")
def disclosure_off(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """In the European Union people must be told that they talk to a machine."""
    if document.value("/disclosure_type") == "off":
        yield Violation(
            "/disclosure_type",
            "The persona never says that it is an AI, also in conversations under policy eu.",
            "Have it said there only: ",
            update_fields(disclosure_type="auto"),
        )


@rule("disclosure-text-unused", "warning", source="N1")
def disclosure_text_unused(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A text for the disclosure looks as if it were said."""
    if document.value("/disclosure_type") != "off":
        return
    for name in ("verbal_disclosure", "visual_disclosure"):
        if document.is_set(f"/{name}"):
            yield Violation(
                f"/{name}",
                "There is a text for the disclosure, but disclosure_type is off.",
                update_fields(disclosure_type="auto"),
                ", or remove the text: ",
                alternative_fix(update_fields(unset=[name])),
            )


@rule("documents-inside-layers", "warning", source="D:create-persona")
def documents_inside_layers(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """One example of the docs nests them there, where they attach nothing."""
    layers = document.value("/layers")
    for name in ("document_ids", "document_tags"):
        if isinstance(layers, dict) and name in layers:
            there = remove(f"/layers/{name}")  # a change of the list moves it: usecases.spelling
            taken = document.is_set(f"/{name}") or not is_set(layers[name])
            yield Violation(
                f"/layers/{name}",
                f"{name} stands inside layers; documents are attached at the top level.",
                there if taken else update_fields(**{name: UnprintedValue(layers[name])}),
            )


@rule("audio-only-on-persona", "warning", source="J:changelog, SEED")
def audio_only_on_persona(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """It is a property of a conversation; on a persona it changes nothing."""
    if "audio_only" in document.data:
        yield Violation(
            "/audio_only",
            "audio_only is no field of a persona.",
            "Give audio_only=true when the conversation is created, and remove it here: ",
            remove("/audio_only"),
        )


@rule(FIELD_UNDOCUMENTED, "info", source="V:pal.py, N#71397737169")
def field_undocumented(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """What stands in no docs page may do nothing, or stop doing it without notice."""
    for layer in catalog.layer_names:
        stored = document.layer(layer)
        facts_of = catalog.fields(layer) if stored else ()
        for facts in facts_of:
            if facts.name == "mcp_enabled" and document.layer("mcp"):
                continue  # the mcp layer needs it: a rule of its own says so
            if facts.status in ("undocumented", "unknown") and _is_field_set(stored, facts):
                successor = facts.successor
                yield Violation(
                    f"/layers/{layer}/{facts.name}",
                    f"{facts.name} stands in no docs page: {facts.summary}",
                    (f"Documented is {successor}. " if successor else "")
                    + "If a call shows no effect: ",
                    unset_fields(layer, facts.name),
                )


def _deduplicate_ids(catalog: Catalog, name: str, listed: list[Any]) -> FixCall:
    """Return the call that sends a list of ids each once, and no more than Tavus takes."""
    max_items = catalog.persona_fields[name].max_items
    return update_fields(**{name: fix_ids(f"/{name}", listed)[:max_items]})


def _is_field_set(stored: dict[str, object], facts: FieldFacts) -> bool:
    # ambient_awareness has a rule of its own, that says more
    return facts.name != "ambient_awareness" and is_set(stored.get(facts.name))


def _has_single_guardrails(document: PersonaDocument) -> bool:
    return document.is_set("/guardrail_ids") or document.is_set("/guardrail_tags")


def _fix_languages(document: PersonaDocument, catalog: Catalog) -> FixCall:
    """Return the call that lists each language once, by its code."""
    codes = {language.code for language in catalog.languages}
    meant = [
        one if one in codes else find_language_code(one, catalog) or "<LANGUAGE_CODE>"
        for _, one in document.entries("/languages")
    ]
    return update_fields(languages=list(dict.fromkeys(meant)))


def find_language_code(value: str, catalog: Catalog) -> str | None:
    """Return the code of a language by what people write: "Spanish", "EN", "en-US"."""
    named = catalog.languages.find(text(value))
    regional = catalog.languages.find(value.replace("_", "-").partition("-")[0])
    close = find_nearest(value, (language.name for language in catalog.languages))
    known = named or regional or (catalog.languages.find(close) if close else None)
    return known.code if known else None
