"""Validation errors as sentences that say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from pydantic import ValidationError

from tavus_mcp.models.persona import Persona
from tavus_mcp.models.validation_errors import parse_errors, render_errors

CANARY = "canary-value-19"


def list_errors(persona: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Persona.model_validate(persona)
    return render_errors(caught.value, Persona.model_json_schema())


@pytest.mark.parametrize(
    ("persona", "sentence"),
    [
        ({"persona_nam": CANARY}, "/persona_nam: unknown field; did you mean 'persona_name'?"),
        ({"layers": {"llm": {"modle": CANARY}}}, "/layers/llm/modle: unknown field; did you mean"),
        ({"layers": {"llm": 5}}, "/layers/llm: must be an object."),
        ({"layers": {"tts": {"tts_engine": True}}}, "must be one of cartesia, elevenlabs,"),
        ({"pipeline_mode": 5}, "must be one of full, echo, speech-to-speech."),
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
    text = " ".join(list_errors(persona))
    assert sentence in text
    assert CANARY not in text
    assert "pydantic" not in text


def test_up_to_a_dozen_errors_are_listed_and_the_rest_is_counted() -> None:
    sentences = list_errors({f"unknown_{number}": CANARY for number in range(20)})
    assert len(sentences) == 14
    assert sentences[12] == "And 8 more."


def test_the_fields_of_an_object_are_listed_once_for_all_unknown_ones() -> None:
    persona = {"layers": {"llm": {"zzz": 1, "qqq": 2}, "stt": {"xxx": 3}}}
    sentences = list_errors(persona)
    assert sentences[:3] == [
        "/layers/llm/zzz: unknown field.",
        "/layers/llm/qqq: unknown field.",
        "/layers/stt/xxx: unknown field.",
    ]
    assert sentences[3].startswith("Fields of /layers/llm: model, base_url, ")
    assert sentences[4].startswith("Fields of /layers/stt: stt_engine, hotwords, ")
    assert len(sentences) == 5


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
    """A rejected value may be a secret."""
    try:
        Persona.model_validate(persona)
    except ValidationError as error:
        errors = parse_errors(error, Persona.model_json_schema())
        assert errors
        assert all(item.path.startswith("/") for item in errors)
        assert not any(CANARY in item.path + item.message for item in errors)
