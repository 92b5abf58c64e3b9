"""Foreign texts inside messages: on one line, visible, in quotes that they cannot close."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tavus_mcp.invisible_characters import escape_invisible, escape_line
from tavus_mcp.text import (
    find_nearest,
    quote_foreign,
    quote_foreign_names,
    quote_path,
    quote_paths,
    quote_words,
    render_json_line,
)

HIDDEN = (
    "\n\r\t\x00\x07\x1b\x7f\x85\x9b\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u2800\u3164\ufe00\ufeff\uffa0\ufff9\U000e0041\U000e0100"
    "\ud800\udfff"
)
TEXTS = st.text(st.characters() | st.sampled_from(HIDDEN + "'\"\\ ."), max_size=200)


@pytest.mark.parametrize("char", HIDDEN)
@pytest.mark.parametrize("around", ["ab", "éé"])
def test_a_hidden_character_appears_as_its_escape(char: str, around: str) -> None:
    text = around[0] + char + around[1]
    for visible in (quote_foreign(text), quote_path("/" + text), escape_line(text)):
        assert char not in visible
        assert "\\" in visible


@pytest.mark.parametrize("char", HIDDEN)
def test_json_of_a_hidden_character_reads_back(char: str) -> None:
    line = render_json_line({"a": f"x{char}y", char: 1})
    assert char not in line
    assert json.loads(line) == {"a": f"x{char}y", char: 1}


@given(TEXTS, st.integers(1, 200))
def test_a_quotation_cannot_be_closed_from_inside(text: str, max_chars: int) -> None:
    quoted = quote_foreign(text, max_chars)
    mark, inside = quoted[0], quoted[1:-1]
    assert quoted[-1] == mark
    assert re.fullmatch(rf"(?:[^{mark}\\]|\\.|\\…)*\\?…?", inside)
    assert not re.search(rf"(?<!\\)(?:\\\\)*{mark}", inside.replace("\\…", "…"))
    assert len(inside) <= 2 * max_chars
    assert inside.splitlines() in ([], [inside])


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("p1", "'p1'"),
        ("it's", '"it\'s"'),
        ("'\"", "'\\'\"'"),
        ("a\\n", "'a\\\\n'"),
        ("a\nstatus: applied", "'a\\nstatus: applied'"),
        ("x" * 100, "'" + "x" * 79 + "…'"),
    ],
)
def test_quotations_look_like_this(text: str, quoted: str) -> None:
    assert quote_foreign(text) == quoted


def test_running_text_is_quoted_with_single_blanks() -> None:
    assert quote_words(" No\n\n such   thing. ") == "'No such thing.'"


@pytest.mark.parametrize("path", ["", "/layers/llm/model", "/layers/llm/tools/0/function/größe~1"])
def test_an_ordinary_path_is_not_quoted(path: str) -> None:
    assert quote_path(path) == path


@pytest.mark.parametrize("path", ["/a b", "/a: done.", "/a\nb", "/'", "/x" * 200, "/a\u3164b"])
def test_any_other_path_is_quoted(path: str) -> None:
    assert quote_path(path)[0] in "'\""
    assert len(quote_path(path)) < 250


def test_long_lists_are_counted() -> None:
    assert quote_foreign_names(["a", "b", "c"], 2) == "'a', 'b' and 1 more"
    assert quote_paths(["/a", "/b c"]) == "/a, '/b c'"


def test_the_nearest_name_of_a_very_long_one_is_not_looked_for() -> None:
    assert find_nearest("voice_i", ["voice_id"]) == "voice_id"
    assert find_nearest("voice_id" * 10_000, ["voice_id"]) is None


def test_joiners_that_a_script_needs_reach_a_terminal() -> None:
    for text in ("می\u200cخواهم", "\U0001f468\u200d\U0001f469", "❤\ufe0f", "two\nlines\tand tab"):
        assert escape_invisible(text) == text
    assert escape_invisible("a\u200db") == "a\\u200db"
