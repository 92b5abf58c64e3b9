"""Bringing a YAML file up to date: only what differs is written anew, all else stays as it is.

Comments, order, quotes and spacing are people's; a change touches the lines of its value. The
result is read again before it is given out: where a change in place does not say exactly what it
must, the file is written anew below its opening comment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import diff
from tavus_mcp.persona_files import yaml_writer
from tavus_mcp.persona_files.yaml_reader import BadFile, Node, parse_yaml

_BLOCK_HEADER_COMMENT = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)")
_LEADING_COMMENT = re.compile(r"\ufeff?(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|$))*")


class _CannotEditInPlace(Exception):
    """A value has to be written anew as a whole."""


@dataclass(frozen=True)
class _Replacement:
    """A piece of the text, and what takes its place."""

    start: int
    end: int
    new: str


def update_yaml(text: str, data: JsonObject) -> str:
    """Return the text of a file changed so that it holds ``data``; its comments are kept.

    Raises ``BadFile`` when the text cannot be read.
    """
    root = parse_yaml(text)
    if not diff(root.to_data(), data):
        return text
    line_end = "\r\n" if "\r\n" in text else "\n"
    try:
        changed = _apply_replacements(text, list(_Editor(text).edit_object(root, data)), line_end)
        if _has_data(changed, data):
            return changed
    except _CannotEditInPlace:
        pass
    return _rewrite(text, root, data).replace("\n", line_end)


def _rewrite(text: str, root: Node, data: JsonObject) -> str:
    if root.flow:
        said = json.dumps(data, indent=2, ensure_ascii=False)
        return (said if _has_data(said, data) else json.dumps(data, indent=2)) + "\n"
    opening = _LEADING_COMMENT.match(text)
    kept = (opening[0] if opening else "").replace("\r\n", "\n")
    return kept + "\n".join(yaml_writer.render_mapping(data)) + "\n"


def _has_data(text: str, data: JsonObject) -> bool:
    try:
        return not diff(parse_yaml(text).to_data(), data)
    except BadFile:
        return False


def _apply_replacements(text: str, replacements: list[_Replacement], line_end: str) -> str:
    pieces, at = [], 0
    for cut in sorted(replacements, key=lambda cut: (cut.start, cut.end)):
        if cut.start < at:
            raise _CannotEditInPlace
        pieces += [text[at : cut.start], cut.new.replace("\n", line_end)]
        at = cut.end
    return "".join([*pieces, text[at:]])


class _Editor:
    """Finds the pieces of one text that have to change."""

    def __init__(self, text: str) -> None:
        self._text = text

    def edit_object(self, node: Node, data: JsonObject) -> Iterator[_Replacement]:
        """Yield the changes of an object's members: changed, removed and new ones."""
        there = node.members
        for key, (at, value) in there.items():
            if key not in data:
                yield self._remove_member(node, at, value)
            elif not _is_same(value.to_data(), data[key]):
                yield from self._edit_member(node, key, (at, value), data[key])
        before: str | None = None
        fresh: dict[str | None, list[str]] = {}
        for key in data:
            if key in there:
                before = key
            else:
                fresh.setdefault(before, []).append(key)
        for after, keys in fresh.items():
            yield self._add_members(node, after, {key: data[key] for key in keys})

    def _edit_member(
        self, parent: Node, key: str, key_and_value: tuple[Node, Node], new: Any
    ) -> Iterator[_Replacement]:
        at, old = key_and_value
        if parent.flow:
            yield _Replacement(old.start, old.end, yaml_writer.render_flow(new))
            return
        try:
            yield from list(self._edit_children(old, new))
        except _CannotEditInPlace:
            colon = self._text.index(":", at.end)
            if self._text[at.end : colon].strip():
                raise
            yield from self._replace_value((colon + 1, old), new, parent.column)

    def _edit_children(self, old: Node, new: Any) -> Iterator[_Replacement]:
        """Yield the changes inside a list or an object; raise when it is one no longer."""
        if old.flow or not old.items or not new:
            raise _CannotEditInPlace
        if old.kind == "object" and isinstance(new, dict):
            yield from self.edit_object(old, new)
        elif old.kind == "list" and isinstance(new, list):
            yield from self._edit_list(old, new)
        else:
            raise _CannotEditInPlace

    def _edit_list(self, old: Node, new: Sequence[Any]) -> Iterator[_Replacement]:
        for node, value in zip(old.items, new, strict=False):
            if not _is_same(node.to_data(), value):
                yield from self._edit_item(old, node, value)
        for node in old.items[len(new) :]:
            dash = self._line_start(node.start)
            if self._text[dash : node.start].strip(" ") != "-":
                raise _CannotEditInPlace
            yield _Replacement(dash, self._next_line(node.end), "")
        if len(new) > len(old.items):
            lines = [
                line for value in new[len(old.items) :] for line in yaml_writer.render_item(value)
            ]
            yield self._insert_below(old.items[-1].end, lines, old.column)

    def _edit_item(self, parent: Node, old: Node, new: Any) -> Iterator[_Replacement]:
        try:
            yield from list(self._edit_children(old, new))
        except _CannotEditInPlace:
            dash = self._text.rfind("-", self._line_start(old.start), old.start)
            if dash < 0 or self._text[dash + 1 : old.start].strip(" "):
                raise
            if isinstance(new, (dict, list)) and new:
                first, *rest = yaml_writer.render_item(new)
                lines = [first, *(" " * parent.column + line for line in rest)]
                yield _Replacement(dash, old.end, "\n".join(lines))
            else:
                yield from self._replace_value((dash + 1, old), new, parent.column)

    def _replace_value(
        self, start_and_node: tuple[int, Node], new: Any, column: int
    ) -> Iterator[_Replacement]:
        """Yield the change of a value behind its colon or dash; a comment on its line stays."""
        start, old = start_and_node
        in_brackets = old.flow and isinstance(new, (dict, list))
        head, body = (
            (yaml_writer.render_flow(new), []) if in_brackets else yaml_writer.render_value(new)
        )
        comment = _BLOCK_HEADER_COMMENT.match(self._text, old.start, old.end)
        head = (f" {head}" if head else "") + (comment[1] if comment else "")
        yield _Replacement(start, max(start, old.end), head)
        if body:
            yield self._insert_below(max(start, old.end), body, column)

    def _insert_below(self, end: int, lines: Sequence[str], column: int) -> _Replacement:
        """Return the insertion of lines below the line in which something ends."""
        at = self._next_line(end)
        said = _indent_lines(lines, column)
        whole = self._text[at - 1 : at] == "\n"
        return _Replacement(at, at, said if whole else "\n" + said)

    def _remove_member(self, parent: Node, key: Node, value: Node) -> _Replacement:
        start = self._line_start(key.start)
        if parent.flow or self._text[start : key.start].strip(" \ufeff?"):
            raise _CannotEditInPlace
        return _Replacement(start, self._next_line(value.end), "")

    def _add_members(self, parent: Node, after: str | None, data: JsonObject) -> _Replacement:
        if parent.flow:
            return self._add_members_in_flow(parent, after, data)
        lines = [
            line for key, value in data.items() for line in yaml_writer.render_member(key, value)
        ]
        if after is not None:
            return self._insert_below(parent.members[after][1].end, lines, parent.column)
        start = self._line_start(parent.items[0].start)
        start += self._text.startswith("\ufeff", start)
        if self._text[start : parent.items[0].start].strip(" "):
            return self._insert_below(parent.items[1].end, lines, parent.column)
        return _Replacement(start, start, _indent_lines(lines, parent.column))

    def _add_members_in_flow(
        self, parent: Node, after: str | None, data: JsonObject
    ) -> _Replacement:
        first = parent.items[0].start
        space = self._text[self._line_start(first) : first]
        gap = "\n" + space if not space.strip() and first else " "
        said = f",{gap}".join(
            f"{yaml_writer.render_flow(k)}: {yaml_writer.render_flow(v)}" for k, v in data.items()
        )
        if after is None:
            return _Replacement(first, first, f"{said},{gap}")
        end = parent.members[after][1].end
        return _Replacement(end, end, f",{gap}{said}")

    def _line_start(self, index: int) -> int:
        return self._text.rfind("\n", 0, index) + 1

    def _next_line(self, index: int) -> int:
        found = self._text.find("\n", index)
        return len(self._text) if found < 0 else found + 1


def _indent_lines(lines: Sequence[str], column: int) -> str:
    return "".join(" " * column * bool(line) + line + "\n" for line in lines)


def _is_same(left: Any, right: Any) -> bool:
    return not diff(left, right)
