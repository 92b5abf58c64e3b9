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
from tavus_mcp.persona_files.yaml_reader import BadFile, Node, read

_HEADER = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)")
_OPENING = re.compile(r"\ufeff?(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|$))*")


class _NotInPlace(Exception):
    """A value has to be written anew as a whole."""


@dataclass(frozen=True)
class _Cut:
    """A piece of the text, and what takes its place."""

    start: int
    end: int
    new: str


def updated(text: str, data: JsonObject) -> str:
    """Return the text of a file changed so that it holds ``data``; its comments are kept.

    Raises ``BadFile`` when the text cannot be read.
    """
    root = read(text)
    if not diff(root.plain(), data):
        return text
    line_end = "\r\n" if "\r\n" in text else "\n"
    try:
        changed = _applied(text, list(_Editor(text).object(root, data)), line_end)
        if _holds(changed, data):
            return changed
    except _NotInPlace:
        pass
    return _anew(text, root, data).replace("\n", line_end)


def _anew(text: str, root: Node, data: JsonObject) -> str:
    if root.flow:
        said = json.dumps(data, indent=2, ensure_ascii=False)
        return (said if _holds(said, data) else json.dumps(data, indent=2)) + "\n"
    opening = _OPENING.match(text)
    kept = (opening[0] if opening else "").replace("\r\n", "\n")
    return kept + "\n".join(yaml_writer.mapping(data)) + "\n"


def _holds(text: str, data: JsonObject) -> bool:
    try:
        return not diff(read(text).plain(), data)
    except BadFile:
        return False


def _applied(text: str, cuts: list[_Cut], line_end: str) -> str:
    pieces, at = [], 0
    for cut in sorted(cuts, key=lambda cut: (cut.start, cut.end)):
        if cut.start < at:
            raise _NotInPlace
        pieces += [text[at : cut.start], cut.new.replace("\n", line_end)]
        at = cut.end
    return "".join([*pieces, text[at:]])


class _Editor:
    """Finds the pieces of one text that have to change."""

    def __init__(self, text: str) -> None:
        self._text = text

    def object(self, node: Node, data: JsonObject) -> Iterator[_Cut]:
        """Yield the changes of an object's members: changed, removed and new ones."""
        there = node.members
        for key, (at, value) in there.items():
            if key not in data:
                yield self._removed(node, at, value)
            elif not _is_same(value.plain(), data[key]):
                yield from self._member(node, key, (at, value), data[key])
        before: str | None = None
        fresh: dict[str | None, list[str]] = {}
        for key in data:
            if key in there:
                before = key
            else:
                fresh.setdefault(before, []).append(key)
        for after, keys in fresh.items():
            yield self._added(node, after, {key: data[key] for key in keys})

    def _member(self, parent: Node, key: str, place: tuple[Node, Node], new: Any) -> Iterator[_Cut]:
        at, old = place
        if parent.flow:
            yield _Cut(old.start, old.end, yaml_writer.flow(new))
            return
        try:
            yield from list(self._inside(old, new))
        except _NotInPlace:
            colon = self._text.index(":", at.end)
            if self._text[at.end : colon].strip():
                raise
            yield from self._placed((colon + 1, old), new, parent.column)

    def _inside(self, old: Node, new: Any) -> Iterator[_Cut]:
        """Yield the changes inside a list or an object; raise when it is one no longer."""
        if old.flow or not old.items or not new:
            raise _NotInPlace
        if old.kind == "object" and isinstance(new, dict):
            yield from self.object(old, new)
        elif old.kind == "list" and isinstance(new, list):
            yield from self._list(old, new)
        else:
            raise _NotInPlace

    def _list(self, old: Node, new: Sequence[Any]) -> Iterator[_Cut]:
        for node, value in zip(old.items, new, strict=False):
            if not _is_same(node.plain(), value):
                yield from self._item(old, node, value)
        for node in old.items[len(new) :]:
            dash = self._line_start(node.start)
            if self._text[dash : node.start].strip(" ") != "-":
                raise _NotInPlace
            yield _Cut(dash, self._next_line(node.end), "")
        if len(new) > len(old.items):
            lines = [line for value in new[len(old.items) :] for line in yaml_writer.item(value)]
            yield self._below(old.items[-1].end, lines, old.column)

    def _item(self, parent: Node, old: Node, new: Any) -> Iterator[_Cut]:
        try:
            yield from list(self._inside(old, new))
        except _NotInPlace:
            dash = self._text.rfind("-", self._line_start(old.start), old.start)
            if dash < 0 or self._text[dash + 1 : old.start].strip(" "):
                raise
            if isinstance(new, (dict, list)) and new:
                first, *rest = yaml_writer.item(new)
                lines = [first, *(" " * parent.column + line for line in rest)]
                yield _Cut(dash, old.end, "\n".join(lines))
            else:
                yield from self._placed((dash + 1, old), new, parent.column)

    def _placed(self, place: tuple[int, Node], new: Any, column: int) -> Iterator[_Cut]:
        """Yield the change of a value behind its colon or dash; a comment on its line stays."""
        start, old = place
        in_brackets = old.flow and isinstance(new, (dict, list))
        head, body = (yaml_writer.flow(new), []) if in_brackets else yaml_writer.placed(new)
        comment = _HEADER.match(self._text, old.start, old.end)
        head = (f" {head}" if head else "") + (comment[1] if comment else "")
        yield _Cut(start, max(start, old.end), head)
        if body:
            yield self._below(max(start, old.end), body, column)

    def _below(self, end: int, lines: Sequence[str], column: int) -> _Cut:
        """Return the insertion of lines below the line in which something ends."""
        at = self._next_line(end)
        said = _said(lines, column)
        whole = self._text[at - 1 : at] == "\n"
        return _Cut(at, at, said if whole else "\n" + said)

    def _removed(self, parent: Node, key: Node, value: Node) -> _Cut:
        start = self._line_start(key.start)
        if parent.flow or self._text[start : key.start].strip(" \ufeff?"):
            raise _NotInPlace
        return _Cut(start, self._next_line(value.end), "")

    def _added(self, parent: Node, after: str | None, data: JsonObject) -> _Cut:
        if parent.flow:
            return self._added_in_flow(parent, after, data)
        lines = [line for key, value in data.items() for line in yaml_writer.member(key, value)]
        if after is not None:
            return self._below(parent.members[after][1].end, lines, parent.column)
        start = self._line_start(parent.items[0].start)
        start += self._text.startswith("\ufeff", start)
        if self._text[start : parent.items[0].start].strip(" "):
            return self._below(parent.items[1].end, lines, parent.column)
        return _Cut(start, start, _said(lines, parent.column))

    def _added_in_flow(self, parent: Node, after: str | None, data: JsonObject) -> _Cut:
        first = parent.items[0].start
        space = self._text[self._line_start(first) : first]
        gap = "\n" + space if not space.strip() and first else " "
        said = f",{gap}".join(
            f"{yaml_writer.flow(k)}: {yaml_writer.flow(v)}" for k, v in data.items()
        )
        if after is None:
            return _Cut(first, first, f"{said},{gap}")
        end = parent.members[after][1].end
        return _Cut(end, end, f",{gap}{said}")

    def _line_start(self, index: int) -> int:
        return self._text.rfind("\n", 0, index) + 1

    def _next_line(self, index: int) -> int:
        found = self._text.find("\n", index)
        return len(self._text) if found < 0 else found + 1


def _said(lines: Sequence[str], column: int) -> str:
    return "".join(" " * column * bool(line) + line + "\n" for line in lines)


def _is_same(one: Any, other: Any) -> bool:
    return not diff(one, other)
