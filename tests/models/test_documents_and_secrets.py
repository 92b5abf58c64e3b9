"""``Document``, ``Masker`` and the two vocabularies: pure rules that must always hold."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.masking import MASK, Masker, is_masked, is_secret_name
from tavus_mcp.models.vocabularies import (
    pointer_to_pal_names,
    pointer_to_persona_names,
    to_pal_names,
    to_persona_names,
)

PERSONA_NAMES = [
    "persona_id",
    "persona_name",
    "persona_type",
    "default_replica_id",
    "replica_id",
    "replica_ids",
    "replica_name",
    "replica_type",
    "replica_interruptibility",
]
NAMES = st.sampled_from([*PERSONA_NAMES, "layers", "system_prompt", "headers", "tools", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=5)


@given(document=OBJECTS)
@settings(max_examples=150, deadline=None)
def test_a_document_in_our_words_comes_back_from_pal_words_unchanged(document: Any) -> None:
    assert to_persona_names(to_pal_names(document)) == document
    assert to_persona_names(document) == document


@given(document=OBJECTS)
@settings(max_examples=100, deadline=None)
def test_translating_twice_is_translating_once(document: Any) -> None:
    once = to_pal_names(document)
    assert to_pal_names(once) == once


@given(parts=st.lists(NAMES, min_size=1, max_size=4))
def test_pointers_come_back_unchanged_and_lead_to_the_same_place(parts: list[str]) -> None:
    pointer = "/" + "/".join(parts)
    document: Any = "here"
    for part in reversed(parts):
        document = {part: document}
    assert pointer_to_persona_names(pointer_to_pal_names(pointer)) == pointer
    assert PersonaDocument(to_pal_names(document)).at(pointer_to_pal_names(pointer)) == "here"


@pytest.mark.parametrize("name", ["headers", "extra_body", "default_query", "parameters"])
def test_what_belongs_to_other_people_is_not_renamed(name: str) -> None:
    document = {name: {"pal_id": 1, "persona_id": 2}}
    assert to_persona_names(document) == document
    assert to_pal_names(document) == document


def test_of_two_spellings_the_one_that_was_asked_for_wins() -> None:
    both = {"persona_name": "ours", "pal_name": "theirs"}
    assert to_persona_names(both) == {"persona_name": "ours"}
    assert to_pal_names(both) == {"pal_name": "theirs"}


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


def shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, order) for item in value]
    return value


@given(document=OBJECTS, order=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_revision_does_not_depend_on_the_order_of_keys(
    document: Any, order: random.Random
) -> None:
    assert PersonaDocument(shuffled(document, order)).revision == PersonaDocument(document).revision


@given(document=OBJECTS, later=st.text(max_size=5))
@settings(max_examples=50, deadline=None)
def test_a_revision_does_not_change_with_the_time_of_the_last_write(
    document: Any, later: str
) -> None:
    assert (
        PersonaDocument({**document, "updated_at": later}).revision
        == PersonaDocument(document).revision
    )


@given(before=OBJECTS, after=OBJECTS)
@settings(max_examples=100, deadline=None)
def test_two_documents_have_one_revision_only_when_they_are_the_same(
    before: Any, after: Any
) -> None:
    alike = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    hidden = any(name in json.dumps([before, after]) for name in ('"headers"',))
    if not hidden:
        assert (PersonaDocument(before).revision == PersonaDocument(after).revision) is alike


def test_a_revision_tells_nothing_of_a_key_but_that_there_is_one() -> None:
    def revision(llm: dict[str, Any]) -> str:
        return PersonaDocument({"layers": {"llm": llm}}).revision

    assert revision({"api_key": "one-key"}) == revision({"api_key": "other-key"})
    assert revision({"api_key": "one-key"}) == revision({"api_key": MASK})
    assert revision({"api_key": "one-key"}) != revision({})
    assert revision({"model": "a"}) != revision({"model": "b"})


@pytest.mark.parametrize("text", ["\ud800", "é", "\u2028", "😀"])
def test_any_text_has_a_revision(text: str) -> None:
    assert len(PersonaDocument({"persona_name": text}).revision) == 12


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "API-KEY", "x-api-key", "Authorization", "access_token", "client_secret",
     "password", "Cookie", "secret", "tokens", "elevenlabs_api_key", "aws_access_key"],
)  # fmt: skip
def test_names_that_hold_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["model", "monkey", "keyboard", "max_tokens_per_turn", "author", "persona_name", "hotkey"],
)
def test_names_that_hold_none_are_not_taken_for_secret(name: str) -> None:
    assert not is_secret_name(name)


SECRETS = st.text("abcdefXYZ0123-_", min_size=6, max_size=12)


@given(secret=SECRETS, before=st.text(max_size=5), after=st.text(max_size=5))
@settings(max_examples=100, deadline=None)
def test_a_known_value_is_hidden_wherever_it_stands(secret: str, before: str, after: str) -> None:
    value = {"note": [before + secret + after], "deep": {"x": secret}, "api_key": "other"}
    shown = json.dumps(Masker([secret]).mask(value))
    assert secret not in shown
    assert "other" not in shown


@given(value=OBJECTS)
@settings(max_examples=80, deadline=None)
def test_masking_twice_is_masking_once_and_changes_no_shape(value: Any) -> None:
    masker = Masker(["secret-value"])
    once = masker.mask(value)
    assert masker.mask(once) == once
    assert once.keys() == value.keys()


def test_a_secret_that_begins_with_another_is_hidden_whole() -> None:
    for number in range(40):
        short = f"secret-{number:02}"
        shown = Masker([short, short + "-and-more"]).mask_text(f"<{short}-and-more>")
        assert shown == f"<{MASK}>"


def test_a_short_value_is_not_hidden_everywhere() -> None:
    """Ours: hiding 'low' or 'en' would make every answer unreadable."""
    assert Masker(["low"]).mask_text("slow and low") == "slow and low"


def test_the_values_of_headers_are_hidden_but_for_the_plain_ones() -> None:
    headers = {"X-Anything": "v", "Content-Type": "application/json", "accept": "a"}
    shown = Masker().mask({"headers": headers})["headers"]
    assert shown == {"X-Anything": MASK, "Content-Type": "application/json", "accept": "a"}


def test_an_empty_key_is_shown_as_the_nothing_it_is() -> None:
    assert Masker().mask({"api_key": ""}) == {"api_key": ""}


@pytest.mark.parametrize("text", [MASK, "sk-1****", "****abcd", "•••••", "***"])
def test_masks_are_recognised(text: str) -> None:
    assert is_masked(text)


@pytest.mark.parametrize("text", ["", "sk-live-1", "**", "a" * 30 + "***", 5, None, ["***"]])
def test_what_is_no_mask_is_not_taken_for_one(text: object) -> None:
    assert not is_masked(text)


def test_learning_from_arguments_finds_keys_at_any_depth_and_no_masks() -> None:
    masker = Masker()
    masker.add_secrets_from({"a": [{"api_key": "deep-key-1"}], "token": MASK, "name": "not-a-key"})
    assert masker.mask_text("deep-key-1 not-a-key") == f"{MASK} not-a-key"
