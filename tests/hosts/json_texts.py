"""Generates JSON texts in any layout, with comments and trailing commas where they are allowed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from tavus_mcp.hosts.jsonc import Syntax

NAMES = st.text(max_size=6) | st.sampled_from(["tavus-2", "command", "args", 'quo"te', "//", "/*"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["// no comment", "/* none */", ",}", "\\", "${TAVUS_API_KEY}"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


class Writer:
    """Writes values in a random layout that does not change within one text."""

    def __init__(self, random: Random, syntax: Syntax) -> None:
        self.random = random
        self.syntax = syntax
        self.is_pretty = random.random() < 0.7
        self.newline = random.choice(["\n", "\r\n"])
        self.indent = random.choice(["  ", "    ", "\t"])
        self.is_ascii = random.random() < 0.5

    def write(self, value: Any, level: int = 0) -> str:
        """Return a value as text; in a pretty layout each child has its line."""
        if not isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=self.is_ascii)
        brackets = "{}" if isinstance(value, dict) else "[]"
        children = (
            [
                f"{self.write(key)}:{self.space()}{self.write(item, level + 1)}"
                for key, item in value.items()
            ]
            if isinstance(value, dict)
            else [self.write(item, level + 1) for item in value]
        )
        if not children:
            return brackets[0] + self.filler(level) + brackets[1]
        text = ""
        for position, child in enumerate(children):
            is_last = position == len(children) - 1
            has_comma = not is_last or (self.syntax.trailing_commas and self.random.random() < 0.3)
            text += self.line(level + 1) + self.filler(level + 1) + child
            text += self.block_comment() + ("," if has_comma else "") + self.line_comment(level)
        return brackets[0] + text + self.line(level) + brackets[1]

    def line(self, level: int) -> str:
        """Return the start of a line in a pretty layout."""
        return self.newline + self.indent * level if self.is_pretty else self.space()

    def space(self) -> str:
        """Return a blank or none."""
        return " " if self.random.random() < 0.5 else ""

    def filler(self, level: int) -> str:
        """Return what may stand between two tokens."""
        return self.block_comment() + self.line_comment(level)

    def block_comment(self) -> str:
        """Return a comment that ends on its line, or nothing."""
        is_wanted = self.syntax.comments and self.random.random() < 0.15
        return self.random.choice(["/**/", ' /* " , } */ ', "/*\n*/"]) if is_wanted else ""

    def line_comment(self, level: int) -> str:
        """Return a comment with the start of the next line, or nothing."""
        if not self.syntax.comments or self.random.random() > 0.15:
            return ""
        return f" // {self.random.choice(['note', '{ , ]', '/*'])}{self.newline}" + (
            self.indent * level
        )


def json_text(value: Any, random: Random, syntax: Syntax) -> str:
    """Return a value as a text that a host with this syntax reads."""
    mark = "\ufeff" if random.random() < 0.1 else ""
    writer = Writer(random, syntax)
    end = writer.newline if random.random() < 0.7 else ""
    return mark + writer.filler(0) + writer.write(value) + end
