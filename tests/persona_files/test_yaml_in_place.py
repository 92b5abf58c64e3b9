"""Bringing a file up to date touches what differs; comments and spacing are people's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml_edge_cases import OBJECTS

from tavus_mcp.models.json_patch import diff
from tavus_mcp.persona_files.persona_file import with_identity
from tavus_mcp.persona_files.yaml_editor import update_yaml
from tavus_mcp.persona_files.yaml_reader import parse_yaml
from tavus_mcp.persona_files.yaml_writer import render_mapping

FILE = """\
# Our front desk.   Ask Kim before you change it.

persona_name: 'Front desk'   # shown in the lobby
system_prompt: |   # reviewed in May
    You help.

    Be kind.

# --- voice and mind ---
layers:

    llm:   # the brain
        model: tavus-gpt-oss  # fast
        # no tools so far
    tts:
      # the voice
      tts_engine: cartesia
      voice_settings: {speed: 1.0, volume: 1}  # calm
languages:
- en   # first
# German since June
- "de"
greeting:
# the end
"""


def build_changed_data(**fields: Any) -> dict[str, Any]:
    return {**parse_yaml(FILE).to_data(), **fields}


def diff_lines(old: str, new: str) -> tuple[list[str], list[str]]:
    """Return the lines that are gone, and those that are new."""
    before, after = old.splitlines(), new.splitlines()
    return (
        [line for line in before if line not in after],
        [line for line in after if line not in before],
    )


@given(before=OBJECTS, other=OBJECTS, data=st.data())
@settings(max_examples=50, deadline=None)
def test_an_updated_file_contains_exactly_the_new_data(
    before: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    kept = {key: before[key] for key in before if data.draw(st.booleans())}
    wanted = {**other, **kept} if data.draw(st.booleans()) else {**kept, **other}
    text = "\n".join(["# opening", "first: 1  # one", *render_mapping(before), "# end"]) + "\n"
    got = update_yaml(text, {"first": 1, **wanted})
    assert diff(parse_yaml(got).to_data(), {"first": 1, **wanted}) == []
    assert got.startswith("# opening\nfirst: 1  # one\n")
    assert got.endswith("# end\n")


@given(data=OBJECTS)
@settings(max_examples=30, deadline=None)
def test_a_file_with_the_same_data_is_left_unchanged(data: dict[str, Any]) -> None:
    text = "\n".join(render_mapping(data)) + "\n"
    assert update_yaml(text, dict(reversed(data.items()))) == text


def test_an_id_and_a_revision_are_inserted_first_and_nothing_else_changes() -> None:
    got = with_identity(FILE, "p1", "b5f5eb0774a3")
    assert got == FILE.replace(
        "persona_name:", "persona_id: p1\nrevision: b5f5eb0774a3\npersona_name:", 1
    )
    again = with_identity(got, "p1", "63a9031dfc1f")
    assert diff_lines(got, again) == (["revision: b5f5eb0774a3"], ['revision: "63a9031dfc1f"'])


LAYERS = parse_yaml(FILE).to_data()["layers"]
CHANGES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "a word": (
        build_changed_data(persona_name="Reception: day"),
        ["persona_name: 'Front desk'   # shown in the lobby"],
        ['persona_name: "Reception: day"   # shown in the lobby'],
    ),
    "a word that becomes a text of several lines": (
        build_changed_data(persona_name="One\nTwo"),
        ["persona_name: 'Front desk'   # shown in the lobby"],
        ["persona_name: |-   # shown in the lobby", "  One", "  Two"],
    ),
    "a prompt": (
        build_changed_data(system_prompt="You listen.\n"),
        ["    You help.", "    Be kind."],
        ["  You listen."],
    ),
    "a prompt that becomes one line": (
        build_changed_data(system_prompt="You listen."),
        ["system_prompt: |   # reviewed in May", "    You help.", "    Be kind."],
        ["system_prompt: You listen.   # reviewed in May"],
    ),
    "a new field of a layer": (
        build_changed_data(
            layers={**LAYERS, "llm": {**LAYERS["llm"], "speculative_inference": False}}
        ),
        [],
        ["        speculative_inference: false"],
    ),
    "a new layer": (
        build_changed_data(layers={**LAYERS, "stt": {"hotwords": "a\nb"}}),
        [],
        ["    stt:", "      hotwords: |-", "        a", "        b"],
    ),
    "what stands in brackets": (
        build_changed_data(
            layers={**LAYERS, "tts": {**LAYERS["tts"], "voice_settings": {"speed": 1.5}}}
        ),
        ["      voice_settings: {speed: 1.0, volume: 1}  # calm"],
        ['      voice_settings: {"speed": 1.5}  # calm'],
    ),
    "an item": (build_changed_data(languages=["fr", "de"]), ["- en   # first"], ["- fr   # first"]),
    "one item more": (build_changed_data(languages=["en", "de", "fr"]), [], ["- fr"]),
    "one item less": (build_changed_data(languages=["en"]), ['- "de"'], []),
    "what was empty": (build_changed_data(greeting="Hi"), ["greeting:"], ["greeting: Hi"]),
    "a removed field": (
        {key: value for key, value in build_changed_data().items() if key != "persona_name"},
        ["persona_name: 'Front desk'   # shown in the lobby"],
        [],
    ),
    "a word that becomes an object": (
        build_changed_data(persona_name={"a": 1}),
        ["persona_name: 'Front desk'   # shown in the lobby"],
        ["persona_name:   # shown in the lobby", "  a: 1"],
    ),
    "a list that becomes empty": (
        build_changed_data(languages=[]),
        ["languages:", "- en   # first", "# German since June", '- "de"'],
        ["languages: []"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_change_affects_only_its_own_lines(name: str, end: str) -> None:
    data, gone, new = CHANGES[name]
    text = FILE.replace("\n", end)
    got = update_yaml(text, data)
    assert diff(parse_yaml(got).to_data(), data) == []
    assert diff_lines(text, got) == (gone, new)
    assert got.count("\r") == (got.count("\n") if end == "\r\n" else 0)


@pytest.mark.parametrize("gap", ["", "\ufeff", "---\n", "%YAML 1.2\n---\n"])
def test_comments_before_the_first_key_stay_in_place(gap: str) -> None:
    got = with_identity(gap + "persona_name: Ada\n", "p1", None)
    assert got == gap + "persona_id: p1\npersona_name: Ada\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', '{"persona_id": "p1", "a": 1}'),
        ('{\n  "a": 1\n}\n', '{\n  "persona_id": "p1",\n  "a": 1\n}\n'),
        ('{\n\t"a": 1\n}\n', '{\n\t"persona_id": "p1",\n\t"a": 1\n}\n'),
        ('{"persona_id": "p0", "a": 1}', '{"persona_id": "p1", "a": 1}'),
    ],
)
def test_an_updated_json_file_stays_json(text: str, expected: str) -> None:
    assert with_identity(text, "p1", None) == expected


def test_a_file_that_cannot_be_edited_in_place_is_rewritten_below_its_header() -> None:
    """Ours: a key on a line of its own is rare; the result still says exactly what it must."""
    text = "# ours\n# really\n\n? a # x\n: 1\n? b\n: 2\n"
    assert update_yaml(text, {"a": 3, "c": 4}) == "# ours\n# really\n\na: 3\nc: 4\n"
    assert update_yaml(text, {"a": 1}) == "# ours\n# really\n\n? a # x\n: 1\n"
