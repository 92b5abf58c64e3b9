"""``explain``, ids and the small diff of a receipt: sentences that say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from pydantic import ValidationError

from tavus_mcp.models.base import parse_id
from tavus_mcp.models.changes import EditText, SetFields
from tavus_mcp.models.json_patch import Operation, apply_patch, diff
from tavus_mcp.models.masking import Masker
from tavus_mcp.models.persona import Persona
from tavus_mcp.models.receipt import MAX_UNABRIDGED_CHARS, changes_of
from tavus_mcp.models.validation_errors import error_messages, render_errors

CANARY = "canary-value-19"


def explain_mistakes(persona: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Persona.model_validate(persona)
    return render_errors(caught.value, Persona.model_json_schema())


@pytest.mark.parametrize(
    ("persona", "sentence"),
    [
        ({"persona_nam": CANARY}, "/persona_nam: unknown field; did you mean 'persona_name'?"),
        ({"layers": {"llm": {"modle": CANARY}}}, "/layers/llm/modle: unknown field; did you mean"),
        ({"layers": {"llm": 5}}, "/layers/llm: must be an object."),
        ({"layers": {"tts": {"tts_engine": "elevenlab"}}}, "did you mean 'elevenlabs'"),
        ({"pipeline_mode": CANARY}, "must be one of full, echo, speech-to-speech."),
        ({"layers": {"stt": {"smart_turn_detection": CANARY}}}, "must be true or false."),
        ({"layers": {"knowledge_base": {"rag_n_chunks": 1.5}}}, "must be a whole number."),
        ({"layers": {"knowledge_base": {"rag_n_chunks": -1}}}, "must be at least 0."),
        (
            {"layers": {"tts": {"voice_settings": {"speed": "fast"}}}},
            "/layers/tts/voice_settings/speed: must be a number, not a word.",
        ),
        ({"layers": {"tts": {"voice_settings": {"style": 2}}}}, "must be at most 1."),
        ({"document_ids": CANARY}, "/document_ids: must be a list."),
        ({"document_ids": [""]}, "/document_ids/0: must not be empty."),
        ({"guardrail_ids": ["g"] * 51}, "/guardrail_ids: must have at most 50 items."),
        ({"system_prompt": 5}, "/system_prompt: must be text."),
        (
            {"layers": {"llm": {"tools": [{"type": "function"}]}}},
            "/layers/llm/tools/0/function: is",
        ),
        (
            {"layers": {"llm": {"tools": [{"function": {"name": "a b"}}]}}},
            "/layers/llm/tools/0/function/name: must match",
        ),
        ({"layers": {"a/b": 1}}, "/layers/a~1b: unknown field"),
        (
            {"layers": {"perception": {"visual_awareness_queries": ["x" * 10_001]}}},
            "/layers/perception/visual_awareness_queries/0: must have at most 10000 characters.",
        ),
    ],
)
def test_a_validation_error_names_its_path_and_the_allowed_values(
    persona: dict[str, Any], sentence: str
) -> None:
    said = " ".join(explain_mistakes(persona))
    assert sentence in said
    assert CANARY not in said
    assert "pydantic" not in said


def test_up_to_a_dozen_errors_are_listed_and_the_rest_is_counted() -> None:
    said = explain_mistakes({f"unknown_{number}": CANARY for number in range(20)})
    assert len(said) == 13
    assert said[-1] == "And 8 more."


@given(
    persona=st.dictionaries(
        st.sampled_from([*Persona.model_fields, "zzz"]),
        st.recursive(
            st.none() | st.integers() | st.just(CANARY),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["llm", "tts", "model", "tools"]), inner, max_size=2
                )
            ),
            max_leaves=4,
        ),
        max_size=4,
    )
)
@settings(max_examples=examples(150))
def test_validation_errors_never_repeat_a_value(persona: dict[str, Any]) -> None:
    """Ours: a rejected value may be a secret."""
    try:
        Persona.model_validate(persona)
    except ValidationError as error:
        found = error_messages(error, Persona.model_json_schema())
        assert found
        assert all(path.startswith("/") for path, _ in found)
        assert CANARY not in str(found)


@pytest.mark.parametrize("text", ["p1", "P-1_x", "d8-5c71baca86fc", "a" * 64, "0"])
def test_valid_ids_are_accepted(text: str) -> None:
    assert parse_id(text) == text


@given(text=st.text(max_size=70))
@settings(max_examples=examples(100))
def test_an_id_cannot_leave_its_path_segment(text: str) -> None:
    plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    fine = 1 <= len(text) <= 64 and plain and text[0].isalnum()
    if fine:
        assert parse_id(text) == text
    else:
        with pytest.raises(ValueError, match="not an id"):
            parse_id(text)


TEXTS = st.text("ab ", min_size=1, max_size=12)


@given(shared=st.integers(100, 400), old=TEXTS, new=TEXTS)
@settings(max_examples=examples(80))
def test_a_long_text_is_rendered_as_an_excerpt_with_the_difference(
    shared: int, old: str, new: str
) -> None:
    head, tail = "x" * shared, "y" * shared
    before, after = head + old + tail, head + new + tail
    if before == after:
        return
    operation = Operation("add", "/greeting", after)
    (change,) = changes_of({"greeting": before}, [operation], Masker())
    assert change.before != change.after
    assert len(change.before) < MAX_UNABRIDGED_CHARS
    assert change.before.strip("…") in before
    assert change.after.strip("…") in after


def test_a_short_text_is_displayed_in_full() -> None:
    operation = Operation("add", "/greeting", "Hello!")
    (change,) = changes_of({"greeting": "Hi!"}, [operation], Masker())
    assert (change.before, change.after) == ("Hi!", "Hello!")


FIELDS = st.dictionaries(
    st.sampled_from(["/a", "/b/c", "/b/d/e", "/f"]),
    st.integers() | st.text(max_size=3) | st.dictionaries(st.sampled_from("xy"), st.integers()),
    max_size=4,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(),
        "b": st.dictionaries(st.sampled_from(["c", "d", "keep"]), st.integers()),
        "keep": st.integers(),
    },
)


@given(document=DOCUMENTS, values=FIELDS)
@settings(max_examples=examples(150))
def test_setting_fields_leaves_the_rest_unchanged_and_is_idempotent(
    document: dict[str, Any], values: dict[str, Any]
) -> None:
    change = SetFields(values)
    once = change.apply(document)
    assert change.apply(once) == once
    assert once.get("keep") == document.get("keep")
    if isinstance(document.get("b"), dict) and "keep" in document["b"]:
        assert once["b"]["keep"] == document["b"]["keep"]
    assert apply_patch(document, diff(document, once)) == once


def test_editing_a_text_changes_no_other_field_and_not_its_input() -> None:
    document = {"system_prompt": "one two", "greeting": "one"}
    assert EditText("system_prompt", "one", "1").apply(document) == {
        "system_prompt": "1 two",
        "greeting": "one",
    }
    assert document["system_prompt"] == "one two"
