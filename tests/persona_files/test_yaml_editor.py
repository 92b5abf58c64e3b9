"""Updating a file changes the values that differ and keeps its comments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from yaml_edge_cases import OBJECTS

from tavus_mcp.models.json_patch import diff
from tavus_mcp.persona_files.persona_file import with_identity
from tavus_mcp.persona_files.yaml_editor import update_yaml
from tavus_mcp.persona_files.yaml_reader import parse_yaml
from tavus_mcp.persona_files.yaml_writer import render_yaml

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
    """Return the removed and the added lines."""
    before, after = old.splitlines(), new.splitlines()
    return (
        [line for line in before if line not in after],
        [line for line in after if line not in before],
    )


@given(before=OBJECTS, other=OBJECTS, data=st.data())
@settings(max_examples=examples(50))
def test_an_updated_file_contains_exactly_the_new_data(
    before: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    retained = {key: before[key] for key in before if data.draw(st.booleans())}
    wanted = {**other, **retained} if data.draw(st.booleans()) else {**retained, **other}
    text = "\n".join(["# opening", "first: 1  # one", render_yaml(before) + "# end"]) + "\n"
    got = update_yaml(text, {"first": 1, **wanted})
    assert diff(parse_yaml(got).to_data(), {"first": 1, **wanted}) == []
    assert got.startswith("# opening\nfirst: 1  # one\n")
    assert got.endswith("# end\n")


@pytest.mark.extended
@pytest.mark.parametrize("line", ["# same\n", "\n"])
def test_a_file_with_many_alike_lines_is_changed_in_its_place(line: str) -> None:
    text = "name: Ada\n" + line * 40_000 + "model: a\n"  # all pairs of them would take minutes
    changed = update_yaml(text, {"id": "p1", "name": "Ada", "model": "b"})
    assert changed == f"id: p1\n{text[:-2]}b\n"


@given(data=OBJECTS)
@settings(max_examples=examples(30))
def test_a_file_with_the_same_data_is_left_unchanged(data: dict[str, Any]) -> None:
    text = render_yaml(data)
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
        ["persona_name: |-   # shown in the lobby", "    One", "    Two"],
    ),
    "a prompt": (
        build_changed_data(system_prompt="You listen.\n"),
        ["    You help.", "    Be kind."],
        ["    You listen."],
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
        ["    stt:", "        hotwords: |-", "            a", "            b"],
    ),
    "what stands in brackets": (
        build_changed_data(
            layers={**LAYERS, "tts": {**LAYERS["tts"], "voice_settings": {"speed": 1.5}}}
        ),
        ["        voice_settings: {speed: 1.0, volume: 1}  # calm"],
        ["        voice_settings: {speed: 1.5}  # calm"],
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
        ["persona_name:   # shown in the lobby", "    a: 1"],
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


MIXED = FILE.replace("        # the voice", "      # the voice").replace(
    "        tts_e", "      tts_e"
)
MIXED = MIXED.replace("        voice_settings", "      voice_settings")


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_with_mixed_indents_keeps_its_comments(name: str) -> None:
    data, gone, _ = CHANGES[name]
    text = update_yaml(MIXED, data)
    assert diff(parse_yaml(text).to_data(), data) == []
    expected = [line.split("#")[1] for line in FILE.splitlines() if "#" in line]
    if name in ("a removed field", "a list that becomes empty"):
        expected = [words for words in expected if not any(words in line for line in gone)]
    assert [line.split("#")[1] for line in text.splitlines() if "#" in line] == expected


FOLDED = "p: >   # c\n  fold\n  ed\n\n  x\n   more\n  y z\n\n# end\nq: 1\n"
COMMENTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "below a removed folded text": (FOLDED, {"q": 2}, "\n# end\nq: 2\n"),
    "of a folded text that becomes one line": (
        FOLDED,
        {"p": "x", "q": 1},
        "p: x   # c\n\n# end\nq: 1\n",
    ),
    "beside a folded text that stays": (
        FOLDED + "r: 1\n",
        {"p": "fold ed\nx\n more\ny z\n", "q": 1, "r": 2},
        FOLDED + "r: 2\n",
    ),
    "above a removed member, below an empty one": (
        "b:\n  c:\n# end\nd: 1\n",
        {"b": {"c": None}},
        "b:\n  c:\n# end\n",
    ),
    "below an empty member with a new one": (
        "b:\n  c:\n# end\nd: 1\n",
        {"b": {"c": None, "e": 2}, "d": 1},
        "b:\n  c:\n  e: 2\n# end\nd: 1\n",
    ),
    "below the key of a list": (
        "d: # d\n  # e\n  - a\n",
        {"d": ["a", "b"]},
        "d: # d\n  # e\n  - a\n  - b\n",
    ),
    "in brackets that stay": (
        "x: {a: 1, # x\n   b: 2}\n# c\ny: 1\n",
        {"x": {"a": 1, "b": 2}, "y": 2},
        "x: {a: 1, # x\n   b: 2}\n# c\ny: 2\n",
    ),
    "behind brackets that change": (
        "x: [1, 2]   # x\ny: 1\n",
        {"x": [1], "y": 1},
        "x: [1]   # x\ny: 1\n",
    ),
    "below a removed item": (
        'a:\n   b:\n     - c:  1   # u\n       d: 2 # v\n       # w\n   e: "x" \n...\n# z\n',
        {"a": {"b": [{"c": 1}], "e": "x"}},
        'a:\n   b:\n     - c: 1   # u\n       # w\n   e: "x" \n...\n# z\n',
    ),
    "deeper than the block that precedes it": (
        "a:\n  b: 1\n      # deep\nc: 1\n",
        {"a": {"b": "x\ny"}, "c": 1},
        "a:\n  b: |-\n    x\n    y\n  # deep\nc: 1\n",
    ),
    "deeper than the block before a removed member": (
        "a:\n  b: |\n    x\n  c:\n      d: 1\n      # deep\ne: 1\n",
        {"a": {"b": "x\n"}, "e": 1},
        "a:\n  b: |\n    x\n  # deep\ne: 1\n",
    ),
    "above and below members that are all replaced": (
        "a:\n  # top\n  b: 1\n  # b\n  c: 2\n# end\n",
        {"a": {"x": 1, "z": 2}},
        "a:\n  # top\n  # b\n  x: 1\n  z: 2\n# end\n",
    ),
    "of an item that becomes a block": (
        "a:\n- b   # c\n- {}\n- d\n",
        {"a": ["x\ny", {}, "d"]},
        "a:\n# c\n- |-\n  x\n  y\n- {}\n- d\n",
    ),
    "above the first item of a list of objects": (
        "a:\n# c\n- {}\n- b: 1\n  c: 2\n",
        {"a": [{}, {"b": 1, "c": 3}]},
        "a:\n# c\n- {}\n- b: 1\n  c: 3\n",
    ),
    "before the document marker": (
        "%YAML 1.2\n# q\n---\n# r\na: 1\n",
        {"b": 1},
        "%YAML 1.2\n# q\n---\n# r\nb: 1\n",
    ),
    "beside a key on a line of its own": (
        "# ours\n\n? a # x\n: 1\n? b\n: 2\n",
        {"a": 3, "c": 4},
        "# ours\n\na: 3  # x\nc: 4\n",
    ),
}


@pytest.mark.parametrize("name", COMMENTED)
def test_a_comment_stays(name: str) -> None:
    text, data, expected = COMMENTED[name]
    assert update_yaml(text, data) == expected


def test_a_file_that_cannot_be_edited_is_rewritten_below_its_opening_comment() -> None:
    """The YAML library cannot write a folded key; the result still holds exactly the data."""
    text = "# ours\n# really\n\n? >\n  a\n  b\n: 1   # x\n"
    data = {"a b\n": 2, "c": 1}
    assert update_yaml(text, data) == '# ours\n# really\n\n"a b\\n": 2\nc: 1\n'


def test_a_file_in_which_ruamel_reads_other_members_is_rewritten() -> None:
    """A byte order mark before the number sign: a comment to one parser, a key to the other."""
    text = "---\n\ufeff# Ours: a\nb: c\n"
    data = {**parse_yaml(text).to_data(), "b": "d"}
    assert parse_yaml(update_yaml(text, data)).to_data() == data
