"""``Document``, ``Masker`` and the two vocabularies: pure rules that must always hold."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.masking import MASK, Masker, is_masked, is_secret_name
from tavus_mcp.models.vocabularies import (
    PAL_VOCABULARY,
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


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "API-KEY", "x-api-key", "Authorization", "access_token", "client_secret",
     "password", "Cookie", "secret", "tokens", "elevenlabs_api_key", "aws_access_key"],
)  # fmt: skip
def test_names_of_secret_fields_are_recognised(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["model", "monkey", "keyboard", "max_tokens_per_turn", "author", "persona_name", "hotkey"],
)
def test_names_of_other_fields_are_not_treated_as_secret(name: str) -> None:
    assert not is_secret_name(name)


SECRETS = st.text("abcdefXYZ0123-_", min_size=6, max_size=12)


@given(secret=SECRETS, before=st.text(max_size=5), after=st.text(max_size=5))
@settings(max_examples=examples(100))
def test_a_known_secret_is_masked_everywhere(secret: str, before: str, after: str) -> None:
    value = {"note": [before + secret + after], "deep": {"x": secret}, "api_key": "other"}
    shown = json.dumps(Masker([secret]).mask(value))
    assert secret not in shown
    assert "other" not in shown


@given(value=OBJECTS)
@settings(max_examples=examples(80))
def test_masking_is_idempotent_and_preserves_the_structure(value: Any) -> None:
    masker = Masker(["secret-value"])
    once = masker.mask(value)
    assert masker.mask(once) == once
    assert once.keys() == value.keys()


def test_a_secret_that_starts_with_another_is_masked_completely() -> None:
    for number in range(40):
        short = f"secret-{number:02}"
        shown = Masker([short, short + "-and-more"]).mask_text(f"<{short}-and-more>")
        assert shown == f"<{MASK}>"


def test_a_short_value_is_not_masked_everywhere() -> None:
    """Ours: hiding 'low' or 'en' would make every answer unreadable."""
    assert Masker(["low"]).mask_text("slow and low") == "slow and low"


def test_header_values_are_masked_except_for_harmless_headers() -> None:
    headers = {"X-Anything": "v", "Content-Type": "application/json", "accept": "a"}
    shown = Masker().mask({"headers": headers})["headers"]
    assert shown == {"X-Anything": MASK, "Content-Type": "application/json", "accept": "a"}


def test_an_empty_key_is_not_masked() -> None:
    assert Masker().mask({"api_key": ""}) == {"api_key": ""}


@pytest.mark.parametrize("text", [MASK, "sk-1****", "****abcd", "•••••", "***"])
def test_masks_are_recognised(text: str) -> None:
    assert is_masked(text)


@pytest.mark.parametrize("text", ["", "sk-live-1", "**", "a" * 30 + "***", 5, None, ["***"]])
def test_other_texts_are_not_recognised_as_masks(text: object) -> None:
    assert not is_masked(text)


def test_secrets_are_collected_from_arguments_at_any_depth_without_masks() -> None:
    masker = Masker()
    masker.add_secrets_from({"a": [{"api_key": "deep-key-1"}], "token": MASK, "name": "not-a-key"})
    assert masker.mask_text("deep-key-1 not-a-key") == f"{MASK} not-a-key"
