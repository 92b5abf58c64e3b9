"""Written YAML is read back exactly, by our reader and by other libraries."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from property_examples import examples
from ruamel.yaml import YAML
from yaml_edge_cases import (
    JSON,
    KEYS,
    OBJECTS,
    TRICKY_STRINGS,
    build_exact_form,
    build_nested_value,
)

from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.persona_files.persona_file import FIELDS_NOT_IN_FILE, PersonaFile, parse_persona_file
from tavus_mcp.persona_files.yaml_reader import MAX_NESTING_LEVELS, BadFile, parse_yaml
from tavus_mcp.persona_files.yaml_writer import render_yaml

FIELDS = {
    "persona_name": "Ada",
    "pipeline_mode": "full",
    "system_prompt": "You help.\n\nBe kind.\n",
    "layers": {
        "llm": {
            "model": "tavus-gpt-oss",
            "tools": [
                {"type": "function", "function": {"name": "f", "parameters": {"b": 1, "a": 2}}}
            ],
        },
        "tts": {"voice_settings": {"speed": 1.0, "stability": 1e-7}},
    },
    "zebra": 1,
    "aardvark": {"b": [], "a": {}},
}


@given(data=OBJECTS)
@example(data={word: word for word in TRICKY_STRINGS})
@example(data={"list": list(TRICKY_STRINGS), "lists": [[word, [word]] for word in TRICKY_STRINGS]})
@example(data={"a": build_nested_value(MAX_NESTING_LEVELS - 3)})
@example(data={"prompt": "Line of a very long prompt, with words.\n" * 5_000})
@example(data={"surrogate": "\ud800 alone", "\udc00": 1})
@settings(max_examples=examples(100))
def test_written_yaml_is_read_back_exactly(data: dict[str, Any]) -> None:
    text = render_yaml(data)
    text.encode()
    got = parse_yaml(text).to_data()
    assert build_exact_form(got) == build_exact_form(data)
    assert list(got) == list(data)


@given(data=OBJECTS)
@settings(max_examples=examples(40))
def test_another_yaml_library_reads_the_same_values(data: dict[str, Any]) -> None:
    """YAML 1.2: the library's own constructor is independent of our reader."""
    assert build_exact_form(
        YAML(typ="safe", pure=True).load(render_yaml(data))
    ) == build_exact_form(data)


@pytest.mark.parametrize("word", TRICKY_STRINGS)
def test_ambiguous_words_are_strings_for_yaml_1_1_readers(word: str) -> None:
    """Editors and hosting sites read YAML 1.1, where NO is false and 12:30:00 a number."""
    old = YAML(typ="safe", pure=True)
    old.version = (1, 1)
    got = old.load("%YAML 1.1\n---\n" + render_yaml({"k": word, "l": [word]}))
    assert got == {"k": word, "l": [word]}


@given(data=OBJECTS)
@settings(max_examples=examples(40))
def test_json_text_is_read_as_yaml(data: dict[str, Any]) -> None:
    for text in (json.dumps(data), json.dumps(data, indent=2), json.dumps(data, indent="\t")):
        assert build_exact_form(parse_yaml(text).to_data()) == build_exact_form(data)


OURS = (KEYS | st.sampled_from(list(FIELDS))).filter(
    lambda key: key not in FIELDS_NOT_IN_FILE and to_persona_names({key: 0}) == {key: 0}
)
"""Keys of persona fields, by the name that a file uses."""


@given(
    fields=st.dictionaries(OURS, JSON, max_size=5).filter(
        lambda fields: to_persona_names(fields) == fields
    )
)
@example(fields=FIELDS)
@settings(max_examples=examples(100))
def test_a_persona_file_round_trips_with_its_id_and_revision(
    fields: dict[str, Any],
) -> None:
    text = PersonaFile(fields, "p1", "63e903100000").render()
    got = parse_persona_file(text)
    assert build_exact_form(got.fields) == build_exact_form(fields)
    assert (got.persona_id, got.revision) == ("p1", "63e903100000")


def shuffle_keys(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffle_keys(value[key], order) for key in keys}
    return [shuffle_keys(item, order) for item in value] if isinstance(value, list) else value


@given(fields=OBJECTS, order=st.randoms(use_true_random=False))
@example(fields=FIELDS, order=random.Random(1))  # noqa: S311 - no secret
@settings(max_examples=examples(40))
def test_the_file_does_not_depend_on_the_order_of_keys(
    fields: dict[str, Any], order: random.Random
) -> None:
    assert PersonaFile(shuffle_keys(fields, order), "p1", "r").render() == (
        PersonaFile(fields, "p1", "r").render()
    )


def test_the_file_format_matches_the_example() -> None:
    text = PersonaFile(
        {**FIELDS, "greeting": "no", "context": "x" * 90}, "p1", "b5f5eb0774a3"
    ).render()
    assert "\n".join(line for line in text.splitlines() if not line.startswith("#")) == (
        f"""\
persona_id: p1
revision: b5f5eb0774a3
persona_name: Ada
pipeline_mode: full
system_prompt: |
  You help.

  Be kind.
context: |-
  {"x" * 90}
greeting: "no"
layers:
  llm:
    model: tavus-gpt-oss
    tools:
      - type: function
        function:
          name: f
          parameters:
            a: 2
            b: 1
  tts:
    voice_settings:
      speed: 1.0
      stability: 1.0e-07
aardvark:
  a: {{}}
  b: []
zebra: 1"""
    )


@pytest.mark.parametrize("text", ["a\rb\nc\n  d", "\u202eabc\nb\nc", "tab\x0b\n# b\n\n"])
def test_a_text_unsuited_to_a_block_scalar_is_quoted_line_by_line(text: str) -> None:
    """Invisible and direction characters are visible, and a diff shows single lines."""
    lines = render_yaml({"prompt": text}).splitlines()
    assert len(lines) == text.count("\n") + 1
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("012", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("True", True),
        ("NULL", None),
        ("", None),
        ("yes", "yes"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("0b1", "0b1"),
        ("<<", "<<"),
        ("=", "="),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """YAML 1.2.2, 10.3: the core schema."""
    assert build_exact_form(parse_yaml(f"k: {text}\n").to_data()) == build_exact_form({"k": value})


def test_a_too_deeply_nested_persona_is_refused() -> None:
    with pytest.raises(BadFile, match="deeper than 100"):
        PersonaFile({"a": build_nested_value(MAX_NESTING_LEVELS + 5)}).render()
