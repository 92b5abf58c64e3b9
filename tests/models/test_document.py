"""``PersonaDocument``: parsing of responses, and revisions."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from persona_json import OBJECTS
from property_examples import examples

from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.masking import MASK


@pytest.mark.parametrize(
    "raw",
    [
        {"persona_id": "p1", "persona_name": "A"},
        {"pal_id": "p1", "pal_name": "A"},
        {"data": [{"pal_id": "p1", "persona_name": "A"}]},
        {"data": {"persona_id": "p1", "pal_name": "A"}},
        {"uuid": "p1", "persona_name": "A"},
    ],
)
def test_a_reply_is_read_flat_or_wrapped_in_either_vocabulary(raw: dict[str, Any]) -> None:
    """Tavus: docs wrap a single read, practice does not (section 12, row 2)."""
    document = PersonaDocument.parse(raw)
    assert (document.persona_id, document.name, document.mode) == ("p1", "A", "full")


def shuffle_keys(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffle_keys(value[key], order) for key in keys}
    if isinstance(value, list):
        return [shuffle_keys(item, order) for item in value]
    return value


@given(document=OBJECTS, order=st.randoms(use_true_random=False))
@settings(max_examples=examples(100))
def test_a_revision_does_not_depend_on_the_order_of_keys(
    document: Any, order: random.Random
) -> None:
    assert (
        PersonaDocument(shuffle_keys(document, order)).revision
        == PersonaDocument(document).revision
    )


@given(document=OBJECTS, later=st.text(max_size=5))
@settings(max_examples=examples(50))
def test_a_revision_does_not_change_with_the_time_of_the_last_write(
    document: Any, later: str
) -> None:
    assert (
        PersonaDocument({**document, "updated_at": later}).revision
        == PersonaDocument(document).revision
    )


@given(before=OBJECTS, after=OBJECTS)
@settings(max_examples=examples(100))
def test_two_documents_have_one_revision_only_when_they_are_the_same(
    before: Any, after: Any
) -> None:
    alike = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    hidden = any(name in json.dumps([before, after]) for name in ('"headers"',))
    if not hidden:
        assert (PersonaDocument(before).revision == PersonaDocument(after).revision) is alike


def test_a_revision_depends_only_on_whether_a_key_is_set() -> None:
    def revision(llm: dict[str, Any]) -> str:
        return PersonaDocument({"layers": {"llm": llm}}).revision

    assert revision({"api_key": "one-key"}) == revision({"api_key": "other-key"})
    assert revision({"api_key": "one-key"}) == revision({"api_key": MASK})
    assert revision({"api_key": "one-key"}) != revision({})
    assert revision({"model": "a"}) != revision({"model": "b"})


@pytest.mark.parametrize("text", ["\ud800", "é", "\u2028", "😀"])
def test_any_text_has_a_revision(text: str) -> None:
    assert len(PersonaDocument({"persona_name": text}).revision) == 12
