"""Change a YAML or JSON file so that it holds given data; its comments are kept.

ruamel.yaml reads the file as a tree of nodes with comments. The nodes of changed values are
replaced and the tree is written again. Lines that the change does not concern are then taken from
the file, so that git shows the change alone; comments inside brackets are lost only if the value in
the brackets changes. The result is read again before it is returned: where it does not hold exactly
the data, the file is written anew below its opening comment.

Importing this module loads ruamel.yaml; other modules import it when a file is changed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import chain
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import diff
from tavus_mcp.persona_files import yaml_reader
from tavus_mcp.persona_files.yaml_comments import (
    keep_comments,
    lift_header_comments,
    move_comments_below,
    normalize_nodes,
    read_comments,
    set_comments,
)
from tavus_mcp.persona_files.yaml_reader import BadFile, parse_yaml
from tavus_mcp.persona_files.yaml_writer import (
    Indentation,
    build_key,
    build_node,
    render_yaml,
    serialize_node,
)

_PREAMBLE = re.compile(r"\ufeff?(?:(?:[ \t]*(?:#[^\n]*)?|%[^\n]*)\n)*---[ \t]*\n|\ufeff?")
"""What stands before the first value: a byte order mark, directives and the document marker."""
_OPENING_COMMENT = re.compile(r"\ufeff?(?:[ \t]*(?:#[^\n]*)?(?:\n|$))*")
_MAX_EQUAL_PAIRS = 200_000
"""Pairs of equal lines that are compared to find what has changed, a second's work."""
_JSON_INDENT = re.compile(r"\s*\{\n([ \t]+)")


def update_yaml(text: str, data: JsonObject) -> str:
    """Return the text of a file changed so that it holds ``data``; its comments are kept.

    Raises ``BadFile`` when the text cannot be read.
    """
    root = parse_yaml(text)
    old = root.to_data()
    if not diff(old, data):
        return text
    line_end = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    for changed in chain(_update_json(text, old, data), _update_nodes(text, root, old, data)):
        if _has_data(changed, data):
            return changed.replace("\n", line_end)
    opening = _OPENING_COMMENT.match(text)
    return ((opening[0] if opening else "") + render_yaml(data)).replace("\n", line_end)


def _has_data(text: str, data: JsonObject) -> bool:
    try:
        return not diff(parse_yaml(text).to_data(), data)
    except BadFile:
        return False


def _update_json(text: str, old: JsonObject, new: JsonObject) -> Iterator[str]:
    """Yield the text of a JSON file with new data, in the file's order and with its indent."""
    try:
        json.loads(text)
    except ValueError:
        return
    found = _JSON_INDENT.match(text)
    indent = found[1] if found else None
    blank = text[len(text.rstrip()) :]
    for ascii_only in (False, True):  # JSON may hold characters that YAML only takes as escapes
        yield json.dumps(_order_like(old, new), indent=indent, ensure_ascii=ascii_only) + blank


def _order_like(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _order_like(old.get(key), new[key]) for key in _merge_key_order(old, new)}
    if isinstance(old, list) and isinstance(new, list):
        pairs = zip(old + [None] * len(new), new, strict=False)
        return [_order_like(old_item, item) for old_item, item in pairs]
    return new


def _merge_key_order(old: JsonObject, new: JsonObject) -> list[str]:
    """Return the keys of ``new``: known ones in the old order, each new one behind its own."""
    keys = [key for key in old if key in new]
    for previous, key in zip([None, *new], new, strict=False):
        if key not in old:
            keys.insert(0 if previous is None else keys.index(previous) + 1, key)
    return keys


def _update_nodes(
    text: str, root: yaml_reader.Node, old: JsonObject, new: JsonObject
) -> Iterator[str]:
    """Yield the changed text: first with all other lines as they are, then laid out anew."""
    preamble = _PREAMBLE.match(text)
    start = preamble.end() if preamble else 0
    indentation = _guess_indentation(root)
    try:
        unchanged = serialize_node(_compose(text[start:]), indentation)
        node = _compose(text[start:])
        _edit_mapping(node, old, new)
        changed = serialize_node(node, indentation)
    except (YAMLError, ValueError):  # ruamel.yaml cannot write it, or reads other members in it
        return
    merged = _merge_lines(text[start:], unchanged, changed)
    if merged is not None:
        yield text[:start] + merged
    yield text[:start] + changed


def _compose(text: str) -> MappingNode:
    node: MappingNode = YAML().compose(text)
    normalize_nodes(node)
    return node


def _merge_lines(text: str, unchanged: str, changed: str) -> str | None:
    """Return ``text`` with the difference of two layouts of it, or None if that is not possible.

    ``unchanged`` is the text as ruamel.yaml lays it out, ``changed`` the same with new values.
    """
    lines, before, after = text.split("\n"), unchanged.split("\n"), changed.split("\n")
    in_file = _find_equal_blocks([*map(_words_of, before)], [*map(_words_of, lines)])
    in_changed = _find_equal_blocks(before, after)
    if in_file is None or in_changed is None:
        return None
    line_of = {-1: -1}  # by the line's number in ``unchanged``, where their words are the same
    for start, target, size in in_file:
        line_of.update((start + offset, target + offset) for offset in range(size))
    result: list[str] = []
    done = end = new_end = 0
    for start, new_start, size in in_changed:
        if (end, new_end) != (start, new_start):
            if end - 1 not in line_of or (start > end and start - 1 not in line_of):
                return None
            result += lines[done : line_of[end - 1] + 1] + after[new_end:new_start]
            done = line_of[start - 1] + 1
        end, new_end = start + size, new_start + size
    return "\n".join(result + lines[done:])


def _find_equal_blocks(left: list[str], right: list[str]) -> list[tuple[int, int, int]] | None:
    """Return where equal lines begin in both, and how many they are, in order.

    The last block ends both. None when too many lines are alike to compare all of them.
    """
    start = _count_equal(left, right)
    rest = _count_equal(left[start:][::-1], right[start:][::-1])
    ends = len(left) - rest, len(right) - rest
    inner = left[start : ends[0]], right[start : ends[1]]
    counts = Counter(inner[1])
    if sum(counts[line] for line in inner[0]) > _MAX_EQUAL_PAIRS:
        return None
    blocks = SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks()
    moved = [(start + block.a, start + block.b, block.size) for block in blocks]
    return [(0, 0, start), *moved, (*ends, rest)]


def _count_equal(left: list[str], right: list[str]) -> int:
    """Return how many lines at the beginning are equal."""
    pairs = enumerate(zip(left, right, strict=False))
    unequal = (index for index, (line, other) in pairs if line != other)
    return next(unequal, min(len(left), len(right)))


def _words_of(line: str) -> str:
    return " ".join(line.split())


def _guess_indentation(root: yaml_reader.Node) -> Indentation:
    """Return the indentation that most of a file has."""
    counts: dict[str, Counter[int]] = {"mapping": Counter(), "dash": Counter(), "item": Counter()}
    pending = [root]
    while pending:
        node = pending.pop()
        pending += node.items
        for child in node.items:
            if child.flow or child.kind == "value":
                continue
            name = "item" if node.kind == "list" else "dash" if child.kind == "list" else "mapping"
            counts[name][child.column - node.column] += 1
    usual = {name: count.most_common(1)[0][0] for name, count in counts.items() if count}
    return Indentation(**usual)


def _edit(parent: Node, node: Node, old: Any, new: Any) -> Node:
    """Return a node of ``parent`` that holds ``new``: the same one, changed inside, or another."""
    if not diff(old, new):
        return node
    comments = read_comments(node)
    if old and new and isinstance(old, dict) and isinstance(new, dict):
        _edit_mapping(node, old, new)
    elif old and new and isinstance(old, list) and isinstance(new, list):
        _edit_sequence(node, old, new)
    else:
        node = build_node(new)
        set_comments(node, comments, parent)
    if isinstance(node, CollectionNode) and node.flow_style:
        set_comments(node, comments, parent)  # the end of the brackets has moved
    return node


def _edit_mapping(node: Node, old: JsonObject, new: JsonObject) -> None:
    members = dict(zip(old, node.value, strict=True))
    last_value = node.value[-1][1]
    is_replaced = not old.keys() & new.keys()
    previous: Node | None = None
    for key, (key_node, value) in members.items():
        if key in new:
            previous = value
        elif value is not last_value or not is_replaced:
            keep_comments(node, previous, value, key_node)
    result: list[tuple[Node, Node]] = []
    for key in _merge_key_order(old, new):
        if key in old:
            key_node, value = members[key]
            result.append((key_node, _edit(node, value, old[key], new[key])))
        else:
            value = build_node(new[key])
            if result:
                move_comments_below(result[-1][1], value, node)
            result.append((build_key(key), value))
    if is_replaced and result:
        move_comments_below(last_value, result[-1][1], node)
    node.value = result


def _edit_sequence(node: Node, old: list[Any], new: list[Any]) -> None:
    items = [_edit(node, *parts) for parts in zip(node.value, old, new, strict=False)]
    for removed in node.value[len(new) :]:
        keep_comments(node, items[-1], removed)
    for value in new[len(old) :]:
        item = build_node(value)
        move_comments_below(items[-1], item, node)
        items.append(item)
    node.value = items
    lift_header_comments(node)
