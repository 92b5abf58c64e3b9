"""Write JSON values as YAML 1.2 that people can read and git can compare line by line.

ruamel.yaml lays the text out; this module decides how each scalar is written. Long texts and texts
of several lines are literal blocks. A text that a block cannot hold exactly (control and direction
characters, odd line ends) is quoted, with one line of the file per line of the text. Words that a
reader of YAML 1.1 would take for a number, a date or a switch are quoted. Numbers in comments are
chapters of the YAML specification, version 1.2.2.

Importing this module loads ruamel.yaml; other modules import it when a file is written.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.events import ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tavus_mcp.invisible_characters import escape, escape_invisible
from tavus_mcp.models.base import JsonObject
from tavus_mcp.persona_files.yaml_reader import MAX_NESTING_LEVELS

MAX_INLINE_CHARS = 80
"""A text of one line that is longer than this becomes a block."""
_MAX_KEY_CHARS = 400
_RESERVED_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_TAG_PREFIX = "tag:yaml.org,2002:"
_UNLIMITED_WIDTH = 10**9
"""Line width at which ruamel.yaml never folds a line."""


@dataclass(frozen=True)
class Indentation:
    """Columns by which nested values are indented.

    ``mapping`` is the distance from an object to an object in it, ``dash`` that from an object to
    the dashes of a list in it, ``item`` that from a dash to its item.
    """

    mapping: int = 2
    dash: int = 2
    item: int = 2


def render_yaml(data: JsonObject) -> str:
    """Return an object as a YAML document.

    Raises ``ValueError`` when it nests deeper than ``MAX_NESTING_LEVELS``.
    """
    return serialize_node(build_node(data), Indentation())


def serialize_node(root: Node, indentation: Indentation) -> str:
    """Return the text of a document, with the comments that its nodes hold."""
    yaml = YAML()
    yaml.Emitter = _Emitter
    yaml.width = _UNLIMITED_WIDTH
    yaml.indent(
        mapping=indentation.mapping,
        sequence=indentation.dash + indentation.item,
        offset=indentation.dash,
    )
    stream = io.StringIO()
    yaml.serialize(root, stream)
    return stream.getvalue()


def build_node(value: Any, levels: int = MAX_NESTING_LEVELS) -> Node:
    """Return a JSON value as a node; ``levels`` says how deep it may nest.

    Raises ``ValueError`` when it nests deeper.
    """
    if isinstance(value, (dict, list)) and value and levels <= 0:
        raise ValueError(f"it nests deeper than {MAX_NESTING_LEVELS} levels")
    if isinstance(value, dict):
        members = [(build_key(key), build_node(item, levels - 1)) for key, item in value.items()]
        return MappingNode(f"{_TAG_PREFIX}map", members, flow_style=not members)
    if isinstance(value, list):
        items = [build_node(item, levels - 1) for item in value]
        return SequenceNode(f"{_TAG_PREFIX}seq", items, flow_style=not items)
    if isinstance(value, str):
        return ScalarNode(f"{_TAG_PREFIX}str", value, style=_choose_style(value))
    if isinstance(value, float):
        return ScalarNode(f"{_TAG_PREFIX}float", _render_float(value))
    kind = "null" if value is None else "bool" if isinstance(value, bool) else "int"
    return ScalarNode(f"{_TAG_PREFIX}{kind}", json.dumps(value))


def build_key(key: str) -> ScalarNode:
    """Return the name of a member as a node."""
    style = None if _is_plain(key) and ":" not in key else '"'
    return ScalarNode(f"{_TAG_PREFIX}str", key, style=style)


def _choose_style(value: str) -> str | None:
    if _is_plain(value):
        return None
    is_long = "\n" in value or len(value) > MAX_INLINE_CHARS
    return "|" if is_long and value.strip() and escape_invisible(value) == value else '"'


def _is_plain(value: str) -> bool:
    """Return True if a text needs no quotes, in YAML 1.1 either."""
    return (
        0 < len(value) <= MAX_INLINE_CHARS
        and value[0].isalpha()
        and value[-1] not in ": "
        and value.isprintable()
        and ": " not in value
        and " #" not in value
        and value.lower() not in _RESERVED_WORDS
    )


def _render_float(value: float) -> str:
    """Return a float with a decimal point, without which YAML 1.1 reads no float."""
    digits, e, power = repr(value).partition("e")
    return digits + (".0" if e and "." not in digits else "") + e + power


class _Emitter(RoundTripEmitter):
    """Writes quoted texts with visible escapes and blocks with an exact header."""

    def check_simple_key(self) -> bool:
        """Return True if a key fits on one line with its colon: 7.4.2 wants it short."""
        if isinstance(self.event, ScalarEvent):
            return len(_escape_text(self.event.value)) <= _MAX_KEY_CHARS
        return bool(super().check_simple_key())

    def expect_block_mapping_simple_value(self) -> None:
        """Write the value of a member; end a state that ruamel.yaml does not end after ``- {}``."""
        self.no_newline = False
        super().expect_block_mapping_simple_value()

    def expect_block_sequence_item(self, first: bool = False) -> None:
        """Write an item; end the same state."""
        if not first:
            self.no_newline = False
        super().expect_block_sequence_item(first)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """Write a text in double quotes, outside of keys and brackets line by line."""
        first, *rest = [_escape_text(line) for line in text.split("\n")]
        if not split or self.flow_level or not text.strip("\n").count("\n"):
            self.write_indicator('"' + "\\n".join([first, *rest]) + '"', True)
            return
        self.write_indicator(f'"{first}', True)
        for line in rest:
            self.write_indicator("\\n\\", False)
            self.write_indent()
            # 7.3.1: a space at the start of a continued line is not read unless it is escaped
            self.write_indicator("\\" + line if line.startswith(" ") else line, False)
        self.write_indicator('"', False)

    def write_literal(self, text: str, comment: Any = None) -> None:
        """Write a literal block; a file needs no document end marker after any."""
        super().write_literal(text, comment)
        self.open_ended = False

    def determine_block_hints(self, text: str) -> tuple[str, int, str]:
        """Return the header of a block (8.1): its indent if it cannot be guessed, and its end."""
        parent_is_list = self.indents.values and self.indents.last_seq()
        width = (
            self.best_sequence_indent - self.sequence_dash_offset
            if parent_is_list
            else self.best_map_indent
        )
        keeps_all = text.endswith("\n\n") or text == "\n"
        end = "+" if keeps_all else "" if text.endswith("\n") else "-"
        return (str(width) if text[0] in " \n\t" else "") + end, 0, end


def _escape_text(value: str) -> str:
    return "".join(
        char if char.isprintable() and char not in '"\\' else escape(char) for char in value
    )
