"""Edits of JSON texts, with comments where they are allowed, that leave every other character.

A parser that builds values and writes them again loses comments, the order of duplicate keys, the
spelling of numbers and the layout. Here a text is parsed to find where its values are, and only the
characters of an edit change. Comments and trailing commas are blanked before the standard parser
reads the text, so that its positions are those of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

_STRING = r'"(?:[^"\\\n]|\\.)*"'
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING_OR_LAST_COMMA = re.compile(rf"{_STRING}|,(?=[ \t\r\n]*[}}\]])", re.DOTALL)
_STRING_OR_CONSTANT = re.compile(rf"{_STRING}|NaN|-?Infinity|\d{{1000,}}")
_VISIBLE = re.compile(r"[^\r\n]")
_BLANKS = " \t\r\n"
BYTE_ORDER_MARK = "\ufeff"
DEFAULT_INDENT = "  "


class BadConfig(ValueError):
    """A configuration file cannot be edited; the message names line and column if it has them."""


@dataclass(frozen=True)
class Syntax:
    """What a host allows in its file beyond JSON."""

    comments: bool = False
    trailing_commas: bool = False


@dataclass(frozen=True)
class Child:
    """A member of an object, or an item of an array, by its offsets in the text.

    ``start`` is where its key or, in an array, its value begins.
    """

    key: str | int
    start: int
    value_start: int
    end: int


@dataclass(frozen=True)
class _Number:
    """A number as it is written."""

    text: str


class _Members(tuple[tuple[str, Any], ...]):
    """The members of an object, with duplicates, in order."""

    __slots__ = ()


class JsonDocument:
    """A JSON text whose root is an object. Edits return a new document.

    Raises ``BadConfig`` with line and column for a text that is none.
    """

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text = text
        self.syntax = syntax
        # comments blanked; and trailing commas too, which is what the standard parser reads
        self._bare = _blank_comments(text) if syntax.comments else text
        if self._bare.startswith(BYTE_ORDER_MARK):
            self._bare = " " + self._bare[1:]
        self._plain = _blank_trailing_commas(self._bare) if syntax.trailing_commas else self._bare
        self.value: dict[str, Any] = self._parse(json.JSONDecoder(parse_constant=_refuse_constant))
        self._root = _skip_blanks(self._plain, 0)
        if not isinstance(self.value, dict):
            self._fail("the file must hold an object, { ... }", self._root)

    @classmethod
    def empty(cls, syntax: Syntax) -> JsonDocument:
        """Return a document without members."""
        return cls("{}\n", syntax)

    @cached_property
    def exact_value(self) -> Any:
        """The value with all duplicate keys, in order, and with numbers as they are written."""
        decoder = json.JSONDecoder(
            object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number
        )
        return self._parse(decoder)

    def comments_outside(self, path: Sequence[str]) -> list[str]:
        """Return the comments of the text, in order, but for those in the value at a path."""
        if not self.syntax.comments:
            return []
        skipped = self._find(path)
        return [
            match[0]
            for match in _STRING_OR_COMMENT.finditer(self.text)
            if match[0][0] == "/" and not (skipped and skipped.start <= match.start() < skipped.end)
        ]

    def get(self, *path: str) -> Any:
        """Return the value at a path of keys, None without one."""
        value: Any = self.value
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def require_container(self, kind: type, *path: str) -> None:
        """Raise ``BadConfig`` if there is a value of another type than ``kind`` at a path."""
        child = self._find(path)
        if child is not None and not isinstance(self.get(*path), kind):
            brackets = "an object, { ... }" if kind is dict else "a list, [ ... ]"
            self._fail(f'"{path[-1]}" must be {brackets}', child.value_start)

    def set(self, path: Sequence[str], value: Any) -> JsonDocument:
        """Replace the value at a path of keys, or add it as the last member of its parent.

        Parents that are missing are added.
        """
        child = self._find(path)
        if child is not None:
            indent = self._indent_at(child.start)
            rendered = self._render(value, indent, is_inline=self._is_inline(""))
            return self._edit([(child.value_start, child.end, rendered)])
        *parents, key = path
        parent = self._find(parents)
        if parent is None:
            return self.set(parents, {key: value})
        return self._insert(parent.value_start, f"{json.dumps(key, ensure_ascii=False)}: ", value)

    def append(self, path: Sequence[str], value: Any) -> JsonDocument:
        """Add an item to the array at a path of keys, which is added if it is missing."""
        parent = self._find(path)
        if parent is None:
            return self.set(path, [value])
        return self._insert(parent.value_start, "", value)

    def remove(self, path: Sequence[str | int]) -> JsonDocument:
        """Remove the member or item at a path, with all duplicates of its key."""
        *parents, key = path
        parent = self._find(parents)
        if parent is None:
            return self
        document = self
        while True:
            children = document._children(parent.value_start)
            positions = [index for index, child in enumerate(children) if child.key == key]
            if not positions:
                return document
            document = document._remove_child(parent.value_start, children, positions[-1])
            if isinstance(key, int):
                return document

    def _parse(self, decoder: json.JSONDecoder) -> Any:
        try:
            return decoder.decode(self._plain)
        except json.JSONDecodeError as error:
            self._fail(error.msg.removesuffix(" at"), error.pos)
        except RecursionError:
            raise BadConfig("the file is nested too deeply to be read") from None
        except ValueError as error:
            self._fail(str(error), self._find_constant())

    def _find_constant(self) -> int:
        """Return the offset of the first constant that is no JSON."""
        matches = _STRING_OR_CONSTANT.finditer(self._plain)
        return next((match.start() for match in matches if match[0][0] != '"'), 0)

    def _fail(self, problem: str, position: int) -> NoReturn:
        before = self.text[:position]
        line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
        following = self._plain[position : position + 1]
        hint = ""
        if following in ("/", "#"):
            hint = "; comments are not allowed in this file"
            if self.syntax.comments:
                hint = "; a comment begins with // or stands between /* and */"
        elif following in ("}", "]") and self._plain[:position].rstrip(_BLANKS)[-1:] == ",":
            hint = "; remove the comma before the closing bracket"
        raise BadConfig(f"line {line}, column {column}: {problem}{hint}")

    def _find(self, path: Sequence[str | int]) -> Child | None:
        """Return where a value is; of duplicate keys the last one counts, as for hosts."""
        found = Child("", self._root, self._root, len(self.text))
        for key in path:
            if self._plain[found.value_start] not in "{[":
                return None
            children = self._children(found.value_start)
            matches = [child for child in children if child.key == key]
            if not matches:
                return None
            found = matches[-1]
        return found

    def _children(self, start: int) -> list[Child]:
        """Return the members or items of the value that begins at an offset."""
        plain, decoder = self._plain, json.JSONDecoder()
        is_object = plain[start] == "{"
        found: list[Child] = []
        position = _skip_blanks(plain, start + 1)
        while plain[position] not in "}]":
            key: str | int = len(found)
            value_start = position
            if is_object:
                key, end = scanstring(plain, position + 1)
                value_start = _skip_blanks(plain, _skip_blanks(plain, end) + 1)
            _, end = decoder.raw_decode(plain, value_start)
            found.append(Child(key, position, value_start, end))
            position = _skip_blanks(plain, end)
            if plain[position] == ",":
                position = _skip_blanks(plain, position + 1)
        return found

    def _end_of(self, start: int) -> int:
        """Return the offset of the closing bracket of the value that begins at an offset."""
        return int(json.JSONDecoder().raw_decode(self._plain, start)[1]) - 1

    def _insert(self, start: int, prefix: str, value: Any) -> JsonDocument:
        """Add a child at the end of a container, behind its comments."""
        children, close = self._children(start), self._end_of(start)
        inner = self.text[start + 1 : close]
        is_inline = self._is_inline(inner)
        indent = self._child_indent(start, children)
        rendered = prefix + self._render(value, indent, is_inline=is_inline)
        line_start = self._newline + indent
        if not inner.strip(_BLANKS):
            end = inner if "\n" in inner else self._newline + self._indent_at(start)
            content = rendered if is_inline else line_start + rendered + end
            return self._edit([(start + 1, close, content)])
        content_end = start + 1 + len(inner.rstrip(_BLANKS))
        separator = " " if is_inline else line_start
        if not children:
            return self._edit([(content_end, content_end, separator + rendered)])
        last = children[-1].end
        if "," in self._bare[last:close]:  # a trailing comma, which this text is written with
            return self._edit([(content_end, content_end, f"{separator}{rendered},")])
        return self._edit([(content_end, content_end, separator + rendered), (last, last, ",")])

    def _remove_child(self, start: int, children: Sequence[Child], index: int) -> JsonDocument:
        child, close = children[index], self._end_of(start)
        if len(children) == 1 and not _without(self.text[start + 1 : close], child, start + 1):
            return self._edit([(start + 1, close, "")])
        if index + 1 < len(children):
            comma = self._bare.index(",", child.end)
            after = comma + 1
            while self.text[after] in _BLANKS:
                after += 1
            comment = self.text[child.end : comma].strip(_BLANKS)
            if comment:
                comment += self._newline + self._indent_at(child.start)
            return self._edit([(child.start, after, comment)])
        begin = len(self.text[: child.start].rstrip(_BLANKS))
        rest_of_line = self.text[child.end :].partition("\n")[0]
        if rest_of_line.strip(_BLANKS + ",") and "\n" in self.text[begin : child.start]:
            begin = child.start  # what follows on this line must not get behind a comment
        edits = [(begin, child.end, "")]
        trailing_comma = self._bare.find(",", child.end, close)
        if trailing_comma >= 0:
            edits.append((trailing_comma, trailing_comma + 1, ""))
        elif index:
            comma = self._bare.index(",", children[index - 1].end)
            edits.append((comma, comma + 1, ""))
        return self._edit(edits)

    def _edit(self, edits: Sequence[tuple[int, int, str]]) -> JsonDocument:
        """Return the document with texts replaced: ``(start, end, new text)``.

        Of two insertions at the same place, the later one in the list comes first in the text.
        """
        text = self.text
        for start, end, replacement in sorted(edits, key=lambda edit: -edit[0]):
            text = text[:start] + replacement + text[end:]
        return JsonDocument(text, self.syntax)

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _is_inline(self, inner: str) -> bool:
        """Tell whether a child is added on the line of the closing bracket.

        ``inner`` is what stands between the brackets; an empty container is written as the file is.
        """
        if content := inner.rstrip(_BLANKS):
            return "\n" not in inner[len(content) :]
        text = self.text.strip(_BLANKS + BYTE_ORDER_MARK)
        return "\n" not in text and text != "{}"

    @cached_property
    def _indent_unit(self) -> str:
        children = self._children(self._root)
        indent = self._line_indent(children[0].start) if children else None
        return indent or DEFAULT_INDENT

    def _line_indent(self, position: int) -> str | None:
        """Return what stands before an offset on its line if that is blank, else None."""
        before = self.text[self.text.rfind("\n", 0, position) + 1 : position]
        is_first_line = "\n" not in self.text[:position]
        return None if before.strip(" \t") or is_first_line else before

    def _indent_at(self, position: int) -> str:
        """Return the indentation of the line of an offset."""
        line = self.text[self.text.rfind("\n", 0, position) + 1 : position]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _child_indent(self, start: int, children: Sequence[Child]) -> str:
        indent = self._line_indent(children[0].start) if children else None
        return self._indent_at(start) + self._indent_unit if indent is None else indent

    def _render(self, value: Any, indent: str, *, is_inline: bool) -> str:
        if is_inline:
            return json.dumps(value, ensure_ascii=False)
        text = json.dumps(value, ensure_ascii=False, indent=self._indent_unit)
        return text.replace("\n", self._newline + indent)


def without_path(exact_value: Any, path: Sequence[str | int]) -> Any:
    """Return an exact value without the member or item at a path, to compare the rest."""
    key, *rest = path
    if isinstance(exact_value, _Members):
        return _Members(
            (name, without_path(value, rest) if name == key else value)
            for name, value in exact_value
            if rest or name != key
        )
    if isinstance(exact_value, list) and not rest:
        return [item for index, item in enumerate(exact_value) if index != key]
    return exact_value


def _without(inner: str, child: Child, offset: int) -> str:
    """Return what else than blanks and commas stands beside the only child of a container."""
    rest = inner[: child.start - offset] + inner[child.end - offset :]
    return rest.strip(_BLANKS + ",")


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BLANKS:
        position += 1
    return position


def _blank_comments(text: str) -> str:
    return _STRING_OR_COMMENT.sub(
        lambda match: match[0] if match[0][0] == '"' else _VISIBLE.sub(" ", match[0]), text
    )


def _blank_trailing_commas(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[0] != ",":
            return match[0]
        before = match.start() - 1
        while before >= 0 and text[before] in _BLANKS:
            before -= 1
        return "," if before < 0 or text[before] in "[{," else " "

    return _STRING_OR_LAST_COMMA.sub(replace, text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
