"""Persona and PAL names: translation in both directions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from persona_json import NAMES, OBJECTS
from property_examples import examples

from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.vocabularies import (
    PAL_VOCABULARY,
    pointer_to_persona_names,
    to_pal_names,
    to_persona_names,
)


@given(document=OBJECTS)
@settings(max_examples=examples(150))
def test_a_document_round_trips_through_pal_names(document: Any) -> None:
    assert to_persona_names(to_pal_names(document)) == document
    assert to_persona_names(document) == document


@given(document=OBJECTS)
@settings(max_examples=examples(100))
def test_translation_is_idempotent(document: Any) -> None:
    once = to_pal_names(document)
    assert to_pal_names(once) == once


@given(parts=st.lists(NAMES, min_size=1, max_size=4))
def test_pointers_round_trip_and_resolve_to_the_same_value(parts: list[str]) -> None:
    pointer = "/" + "/".join(parts)
    document: Any = "here"
    for part in reversed(parts):
        document = {part: document}
    assert pointer_to_persona_names(PAL_VOCABULARY.pointer(pointer)) == pointer
    assert PersonaDocument(to_pal_names(document)).at(PAL_VOCABULARY.pointer(pointer)) == "here"


@pytest.mark.parametrize("name", ["headers", "extra_body", "default_query", "parameters"])
def test_names_inside_free_form_objects_are_not_renamed(name: str) -> None:
    document = {name: {"pal_id": 1, "persona_id": 2}}
    assert to_persona_names(document) == document
    assert to_pal_names(document) == document


def test_the_requested_spelling_takes_precedence() -> None:
    both = {"persona_name": "ours", "pal_name": "theirs"}
    assert to_persona_names(both) == {"persona_name": "ours"}
    assert to_pal_names(both) == {"pal_name": "theirs"}
