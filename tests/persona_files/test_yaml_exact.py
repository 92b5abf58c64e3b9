"""What is written as YAML is read back exactly, by us and by others."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from yaml_edge_cases import JSON, KEYS, OBJECTS, WORDS, exactly, nested

from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.persona_files.persona_file import FIELDS_NOT_IN_FILE, PersonaFile, parse_persona_file
from tavus_mcp.persona_files.yaml_reader import BadFile, parse_yaml
from tavus_mcp.persona_files.yaml_writer import MAX_NESTING_LEVELS, render_mapping

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


def written(data: dict[str, Any]) -> str:
    return "\n".join(render_mapping(data)) + "\n"


@given(data=OBJECTS)
@example(data={word: word for word in WORDS})
@example(data={"list": list(WORDS), "lists": [[word, [word]] for word in WORDS]})
@example(data={"a": nested(MAX_NESTING_LEVELS - 3)})
@example(data={"prompt": "Line of a very long prompt, with words.\n" * 5_000})
@example(data={"surrogate": "\ud800 alone", "\udc00": 1})
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_back_exactly(data: dict[str, Any]) -> None:
    text = written(data)
    text.encode()
    got = parse_yaml(text).to_data()
    assert exactly(got) == exactly(data)
    assert list(got) == list(data)


@given(data=OBJECTS)
@settings(max_examples=40, deadline=None)
def test_another_reader_reads_the_same(data: dict[str, Any]) -> None:
    """YAML 1.2: the library's own constructor, which knows nothing of our reading."""
    assert exactly(YAML(typ="safe", pure=True).load(written(data))) == exactly(data)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_a_text_to_readers_of_yaml_1_1_too(word: str) -> None:
    """Ours: editors and hosting sites read 1.1, where NO is false and 12:30:00 a number."""
    old = YAML(typ="safe", pure=True)
    old.version = (1, 1)
    got = old.load("%YAML 1.1\n---\n" + written({"k": word, "l": [word]}))
    assert got == {"k": word, "l": [word]}


@given(data=OBJECTS)
@settings(max_examples=40, deadline=None)
def test_json_is_yaml(data: dict[str, Any]) -> None:
    for text in (json.dumps(data), json.dumps(data, indent=2), json.dumps(data, indent="\t")):
        assert exactly(parse_yaml(text).to_data()) == exactly(data)


OURS = (KEYS | st.sampled_from(list(FIELDS))).filter(
    lambda key: key not in FIELDS_NOT_IN_FILE and to_persona_names({key: 0}) == {key: 0}
)
"""Keys that a file holds, under their one name."""


@given(fields=st.dictionaries(OURS, JSON, max_size=5))
@example(fields=FIELDS)
@settings(max_examples=100, deadline=None)
def test_a_persona_comes_back_from_its_file_with_its_id_and_revision(
    fields: dict[str, Any],
) -> None:
    text = PersonaFile(fields, "p1", "63e903100000").render()
    got = parse_persona_file(text)
    assert exactly(got.fields) == exactly(fields)
    assert (got.persona_id, got.revision) == ("p1", "63e903100000")


def shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@given(fields=OBJECTS, order=st.randoms(use_true_random=False))
@example(fields=FIELDS, order=random.Random(1))  # noqa: S311 - no secret
@settings(max_examples=40, deadline=None)
def test_the_same_persona_is_the_same_file_in_whatever_order_it_is_read(
    fields: dict[str, Any], order: random.Random
) -> None:
    assert PersonaFile(shuffled(fields, order), "p1", "r").render() == (
        PersonaFile(fields, "p1", "r").render()
    )


def test_a_file_looks_like_this() -> None:
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
def test_a_text_that_no_block_can_hold_is_quoted_line_by_line(text: str) -> None:
    """Ours: invisible and direction characters are to be seen, and a diff is to show lines."""
    lines = written({"prompt": text}).splitlines()
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
def test_words_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    """YAML 1.2.2, 10.3: the core schema."""
    assert exactly(parse_yaml(f"k: {text}\n").to_data()) == exactly({"k": value})


def test_a_persona_too_deep_for_a_file_is_refused() -> None:
    with pytest.raises(BadFile, match="deeper than 100"):
        PersonaFile({"a": nested(MAX_NESTING_LEVELS + 5)}).render()
