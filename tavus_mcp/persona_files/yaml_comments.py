"""The comments of ruamel.yaml's nodes: read them, set them, move them.

ruamel.yaml attaches the comment behind a value and the comment lines below it, which usually
belong to the next value, to the last scalar before them, as one text in ``node.comment[0]``. For a
block scalar that text begins below the block, and the comment behind its header is in
``node.comment[1]``. For a block of members or items, ``comment[0]`` is the comment behind its key
and ``comment[1]`` are the comments above its first member.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ruamel.yaml.error import CommentMark
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.tokens import CommentToken

_BLOCK_STYLES = ("|", ">")
_DEFAULT_GAP = "  "
_WRONG_FOLD_MARK = re.compile(r"(?<!\S)\a|\a(?! \S)")


@dataclass(frozen=True)
class Comments:
    """The comments of a value: ``behind`` it on its line, with the space before, and ``below``."""

    behind: str = ""
    below: str = ""


def read_comments(node: Node) -> Comments:
    """Return the comments of a value."""
    *blocks, leaf = _last_nodes(node)
    if not blocks:
        return _read_leaf_comments(leaf)
    heading = node.comment[0] if node.comment else None
    behind = _DEFAULT_GAP + heading.value.partition("\n")[0].strip() if heading else ""
    ends = [token for block in reversed(blocks) for token in _end_comments(block)]
    return Comments(behind, _read_leaf_comments(leaf).below + "".join(map(_text_of, ends)))


def set_comments(node: Node, comments: Comments, parent: Node) -> None:
    """Give a new value of ``parent`` its comments."""
    *blocks, leaf = _last_nodes(node)
    if not blocks:
        _set_leaf_comments(leaf, Comments(comments.behind))
    elif comments.behind:
        node.comment = [_token(comments.behind[1:] + "\n"), None]
    _set_comments_below(node, comments.below, parent)


def move_comments_below(node: Node, target: Node, parent: Node) -> None:
    """Move the comment lines below a value to a new value that is inserted behind it."""
    below = read_comments(node).below
    if below:
        _set_comments_below(node, "", parent)
        _set_comments_below(target, below, parent)


def keep_comments(
    parent: Node, previous: Node | None, value: Node, key: Node | None = None
) -> None:
    """Keep the comment lines above the key and below the value of a removed member or item.

    They move below the value before it in ``parent``, or above the first one if there is none.
    """
    above = key.comment[1] if key is not None and key.comment else None
    lines = "".join(map(_text_of, above or [])) + read_comments(value).below
    if not lines:
        return
    if previous is not None:
        _set_comments_below(previous, read_comments(previous).below + lines, parent)
    else:
        behind, first, *rest = parent.comment or [None, None]
        parent.comment = [behind, [*(first or []), _token(lines)], *rest]


def normalize_nodes(root: Node) -> None:
    """Bring a tree into a form that ruamel.yaml can write.

    The comment behind a key on a line of its own moves behind the value. Of the marks in folded
    texts only those stay that stand at a fold, as in ruamel.yaml's own representer.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, MappingNode):
            for key, value in node.value:
                pending.append(value)
                if key.comment and key.comment[0]:
                    comments = read_comments(value)
                    behind = _DEFAULT_GAP + key.comment[0].value.strip()
                    key.comment = [None, key.comment[1]]
                    set_comments(value, Comments(behind + comments.behind, comments.below), node)
        elif isinstance(node, SequenceNode):
            pending += node.value
            lift_header_comments(node)
        elif isinstance(node, ScalarNode) and node.style == ">":
            node.value = _WRONG_FOLD_MARK.sub("", node.value)


def lift_header_comments(node: Node) -> None:
    """Move comments behind the headers of block scalars above them: items cannot hold these."""
    for item in node.value:
        headers = item.comment[1] if _is_block_scalar(item) and item.comment else None
        if headers and isinstance(headers[0], str):
            mark = CommentMark(node.start_mark.column if node.start_mark else 0)
            above = CommentToken(headers[0].strip() + "\n", mark)
            item.comment = [item.comment[0], [above]]


def _read_leaf_comments(leaf: Node) -> Comments:
    token = leaf.comment[0] if leaf.comment else None
    if _is_block_scalar(leaf):
        header = leaf.comment[1][0] if leaf.comment and leaf.comment[1] else ""
        return Comments(header if isinstance(header, str) else "", _text_of(token))
    if token is None:
        return Comments()
    behind, _, below = token.value.partition("\n")
    gap = max(1, token.column - leaf.end_mark.column) if leaf.end_mark else 1
    return Comments(" " * gap + behind if behind else "", below)


def _set_leaf_comments(leaf: Node, comments: Comments) -> None:
    behind, below = comments.behind, comments.below
    if _is_block_scalar(leaf):
        leaf.comment = [_token(below) if below else None, [behind] if behind else None]
    elif behind or below:
        leaf.comment = [_token(f"{behind[1:]}\n{below}"), None]
    else:
        leaf.comment = None


def _set_comments_below(node: Node, below: str, parent: Node) -> None:
    *blocks, leaf = _last_nodes(node)
    if _is_block_scalar(leaf) and parent.start_mark:  # deeper lines would belong to its text
        column = parent.start_mark.column
        below = re.sub(rf"^ {{{column},}}#", " " * column + "#", below, flags=re.MULTILINE)
    for block in blocks:
        block.comment = block.comment and block.comment[:2]
    _set_leaf_comments(leaf, Comments(_read_leaf_comments(leaf).behind, below))


def _last_nodes(node: Node) -> list[Node]:
    """Return a value, the last value in it, and so on, as far as these are blocks."""
    nodes = [node]
    while isinstance(node, CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(node, MappingNode) else last
        nodes.append(node)
    return nodes


def _end_comments(block: Node) -> list[CommentToken]:
    """Return the comment lines below a block whose last value is empty or in brackets."""
    return (block.comment[2] if block.comment and len(block.comment) > 2 else None) or []


def _is_block_scalar(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.style in _BLOCK_STYLES


def _text_of(token: CommentToken | None) -> str:
    if token is None:
        return ""
    text: str = token.value
    return text if text.startswith("\n") else " " * token.column + text


def _token(text: str) -> CommentToken:
    return CommentToken(text, CommentMark(0))
