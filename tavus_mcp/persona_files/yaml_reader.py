"""Read YAML 1.2 as JSON values with their lines and columns, and report every mistake.

This module is the security boundary for files. It accepts only what JSON can express: no tags, no
anchors, one document, keys that are text. Words are resolved here by the core schema of YAML 1.2
(chapter 10.3): ``yes`` and ``2026-11-22`` are texts. ruamel.yaml only splits the file into events;
no object is ever constructed from a tag. The library is loaded when the first file is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tavus_mcp.invisible_characters import escape_line

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError, StringMark
    from ruamel.yaml.events import Event, ScalarEvent

MAX_FILE_BYTES = 1_000_000
"""Bytes that a file may have."""
MAX_NESTING_LEVELS = 100
"""Levels that a file may nest, far more than a persona has."""
MAX_VALUES = 20_000
"""Values that a file may hold, keys included; ruamel.yaml reads about 30,000 a second."""
_MAX_REPORTED_PROBLEMS = 12

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NON_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MAX_NUMBER_CHARS = 400
_END_OF_STREAM = re.compile(r"'<stream end>'|unexpected end of stream")
_TAG_HANDLE_ERROR = re.compile(r"(undefined|duplicate) tag handle .*", re.DOTALL)


class BadFile(ValueError):
    """A file cannot be read; ``problems`` holds one sentence per mistake, with line and column."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


@dataclass(slots=True)
class Node:
    """A value and its position: ``position`` is for messages, ``column`` counts from 0.

    ``kind`` is ``value``, ``list`` or ``object``. ``items`` are the items of a list, or the keys
    and values of an object in turn. ``flow`` says that the value is in brackets or braces.
    """

    kind: str
    column: int
    position: str
    value: Any = None
    flow: bool = False
    items: list[Node] = field(default_factory=list)

    @property
    def members(self) -> dict[str, tuple[Node, Node]]:
        """The key and the value of each member of an object, by name."""
        return {
            str(key.value): (key, value)
            for key, value in zip(self.items[::2], self.items[1::2], strict=True)
        }

    def to_data(self) -> Any:
        """Return the value without positions."""
        if self.kind == "list":
            return [inner.to_data() for inner in self.items]
        if self.kind == "object":
            return {name: value.to_data() for name, (_, value) in self.members.items()}
        return self.value


def decode_file(raw: bytes) -> str:
    """Return the text of a file; raises ``BadFile`` when it is too large or not UTF-8."""
    if len(raw) > MAX_FILE_BYTES:
        raise BadFile(f"the file has more than {MAX_FILE_BYTES} bytes.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise BadFile(
            f"line {line}, column {column}: the file is not UTF-8; save it as UTF-8."
        ) from None


def parse_yaml(text: str) -> Node:
    """Return the object that a file contains; raises ``BadFile`` with every mistake in it."""
    builder = _NodeBuilder()
    text = _replace_tabs(text)
    for event in _events(text):
        builder.handle_event(event)
    if builder.root is None:
        raise BadFile("line 1, column 1: the file is empty.")
    if builder.root.kind != "object":
        actual = "a list" if builder.root.kind == "list" else "one value"
        raise BadFile(f"{builder.root.position}: expected the fields of a persona, not {actual}.")
    if builder.problems:
        more = len(builder.problems) - _MAX_REPORTED_PROBLEMS
        rest = [f"And {more} more."] if more > 0 else []
        raise BadFile(*builder.problems[:_MAX_REPORTED_PROBLEMS], *rest)
    return builder.root


@dataclass
class _NodeBuilder:
    """Builds nodes from events without recursion, because the file decides how deep they nest."""

    root: Node | None = None
    open_nodes: list[Node] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    value_count: int = 0

    def handle_event(self, event: Event) -> None:
        kind = type(event).__name__.removesuffix("Event")
        position = _render_position(event.start_mark)
        if kind == "DocumentStart":
            self._start_document(event, position)
        elif kind == "Alias" or getattr(event, "anchor", None) is not None:
            raise BadFile(
                f"{position}: anchors (&) and aliases (*) are not supported; write the value out."
            )
        elif getattr(event, "tag", None) is not None:
            raise BadFile(f"{position}: tags (!) are not supported; remove the tag.")
        elif kind == "Scalar":
            self._add(self._scalar(event, position))
        elif kind in ("MappingStart", "SequenceStart"):
            self._start_collection(event, "object" if kind == "MappingStart" else "list", position)
        elif kind in ("MappingEnd", "SequenceEnd"):
            self._end_collection()

    def _start_document(self, event: Any, position: str) -> None:
        if event.version not in (None, (1, 2)):
            raise BadFile(f"{position}: files are read as YAML 1.2; remove the %YAML line.")
        if self.root is not None:
            raise BadFile(
                f"{position}: a second document begins here; a file contains one persona."
            )

    def _start_collection(self, event: Any, kind: str, position: str) -> None:
        node = _node(event, kind, position)
        node.flow = bool(event.flow_style)
        self._add(node)
        self.open_nodes.append(node)
        if len(self.open_nodes) > MAX_NESTING_LEVELS:
            raise BadFile(f"{position}: this nests deeper than {MAX_NESTING_LEVELS} levels.")

    def _end_collection(self) -> None:
        node = self.open_nodes.pop()
        if node.kind == "object":
            self._check_keys(node.items[::2])

    def _check_keys(self, keys: list[Node]) -> None:
        first: dict[str, Node] = {}
        for key in keys:
            if not isinstance(key.value, str) or key.kind != "value":
                self.problems.append(f"{key.position}: a key must be text; put it in quotes.")
            elif key.value in first:
                earlier = first[key.value].position
                self.problems.append(f"{key.position}: duplicate key, first at {earlier}.")
            else:
                first[key.value] = key

    def _add(self, node: Node) -> None:
        self.value_count += 1
        if self.value_count > MAX_VALUES:
            raise BadFile(f"{node.position}: the file has more than {MAX_VALUES} keys and values.")
        if self.open_nodes:
            self.open_nodes[-1].items.append(node)
        else:
            self.root = node

    def _scalar(self, event: Any, position: str) -> Node:
        node = _node(event, "value", position)
        try:
            node.value = _parse_scalar(event)
        except BadFile as error:
            self.problems.append(f"{position}: {error}")
        return node


def _events(text: str) -> Iterator[Event]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise BadFile(
            f"line {line}, column {column}: a control character; write it as an escape in quotes."
        ) from None
    except MarkedYAMLError as error:
        parts = [_simplify_message(part) for part in (error.context, error.problem) if part]
        mark = _find_mark(text, error)
        place = f"{_render_position(mark)}: " if mark else ""
        raise BadFile(f"{place}not YAML: {', '.join(parts)}.") from None
    except YAMLError:
        raise BadFile("this is not YAML.") from None


def _find_mark(text: str, error: MarkedYAMLError) -> StringMark | None:
    """Return where a mistake is: where it was noticed, or began if that is the end of the file."""
    mark: StringMark | None = error.problem_mark or error.context_mark
    if mark is not None and error.context_mark and mark.index >= len(text.rstrip()):
        mark = error.context_mark
    return mark


def _simplify_message(message: str) -> str:
    """Return a message of the library without words from the file, which may be secret."""
    message = _TAG_HANDLE_ERROR.sub("a tag (!), and tags are not supported", message)
    return escape_line(_END_OF_STREAM.sub("the end of the file", message))


def _node(event: Event, kind: str, position: str) -> Node:
    return Node(kind, event.start_mark.column, position)


def _render_position(mark: StringMark) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _parse_scalar(event: ScalarEvent) -> Any:
    """Return the value of a scalar; only a word without quotes can be more than a text."""
    text = event.value
    if event.style is not None:  # quoted, or a block
        return _join_surrogates(text)
    for pattern, value in ((_NULL, None), (_TRUE, True), (_FALSE, False)):
        if pattern.fullmatch(text):
            return value
    if _NON_FINITE.fullmatch(text):
        raise BadFile("JSON cannot represent this number; if it is text, put it in quotes.")
    return _parse_number(text) if text[0] in "+-.0123456789" else text


def _parse_number(text: str) -> Any:
    if len(text) > _MAX_NUMBER_CHARS and (_FLOAT.fullmatch(text) or _OCTAL_OR_HEX.fullmatch(text)):
        raise BadFile("this number is too long; if it is text, put it in quotes.")
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise BadFile("this number is too large; if it is text, put it in quotes.")
    return number


def _join_surrogates(text: str) -> str:
    """Return a text with pairs of surrogates joined: JSON may write one character as a pair."""
    if text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _replace_tabs(text: str) -> str:
    """Return JSON that is indented with tabs, which YAML does not allow, with spaces instead."""
    if "\t" not in text or not text.lstrip().startswith("{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")  # strict JSON has no tab inside a string
