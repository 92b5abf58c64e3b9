"""Mutation operators: small changes to the source text of one function.

A site is a place where an operator applies. Sites are found on the syntax tree and expressed as
byte offsets, so a mutation changes a few characters and leaves the formatting alone. Annotations,
decorators, docstrings and f-strings are never mutated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef
Edit = tuple[int, int, str]
"""Start and end offset in the UTF-8 source, and the text that replaces this span."""

COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: (r"\bis\b", "is not"),
    ast.IsNot: (r"\bis\s+not\b", "is"),
}
MEMBERSHIPS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.In: (r"\bin\b", "not in"),
    ast.NotIn: (r"\bnot\s+in\b", "in"),
}
EMPTY_VALUES = {
    "bool": "False",
    "str": '""',
    "int": "0",
    "list": "[]",
    "dict": "{}",
    "tuple": "()",
    "set": "set()",
    "frozenset": "frozenset()",
    "Sequence": "()",
    "Mapping": "{}",
}
STRING_TESTS = frozenset({"get", "pop", "startswith", "endswith", "removeprefix", "removesuffix"})
"""Methods whose first argument decides: an empty string there is a meaningful mutation."""


class SourceText:
    """A Python source whose syntax tree nodes can be found as byte spans."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.tree = ast.parse(text)
        self._line_starts = [0]
        for line in self.data.splitlines(keepends=True):
            self._line_starts.append(self._line_starts[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Return the start and end offsets of a node."""
        end_line, end_column = node.end_lineno, node.end_col_offset
        if end_line is None or end_column is None:
            raise ValueError("the node has no position")
        start = self._line_starts[node.lineno - 1] + node.col_offset
        return start, self._line_starts[end_line - 1] + end_column

    def part(self, start: int, end: int) -> str:
        """Return the text between two offsets."""
        return self.data[start:end].decode()

    def replace(self, edit: Edit) -> str:
        """Return the whole source with one edit applied."""
        start, end, replacement = edit
        return self.part(0, start) + replacement + self.part(end, len(self.data))

    def lines(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets of the whole lines that a span touches, without the last newline."""
        first = self.data.rfind(b"\n", 0, start) + 1
        last = self.data.find(b"\n", end)
        return first, len(self.data) if last < 0 else last


@dataclass(frozen=True)
class Site:
    """One possible mutation: the operator, its edit, and the touched lines before and after."""

    operator: str
    ordinal: int
    edit: Edit
    before: str
    after: str


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and its descendants that may be mutated, in source order."""
    yield node
    if isinstance(node, ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from walk(child)


def find_sites(source: SourceText, function: Function) -> list[Site]:
    """Return every site of a function, sorted by operator and position."""
    sites = []
    for operator, find in OPERATORS.items():
        edits = {edit for node in walk(function) for edit in find(source, node)}
        valid = [edit for edit in sorted(edits) if _changes_program(source, edit)]
        for ordinal, edit in enumerate(valid):
            first, last = source.lines(edit[0], edit[1])
            before = source.part(first, last)
            after = source.part(first, edit[0]) + edit[2] + source.part(edit[1], last)
            sites.append(Site(operator, ordinal, edit, before, after))
    return sites


def _changes_program(source: SourceText, edit: Edit) -> bool:
    """Return True if the edited source parses and has another syntax tree."""
    try:
        tree = ast.parse(source.replace(edit))
    except SyntaxError:
        return False
    return ast.dump(tree) != ast.dump(source.tree)


def _swap_between(
    source: SourceText, left: ast.expr, right: ast.expr, pattern: str, replacement: str
) -> Iterator[Edit]:
    """Yield the edit that replaces the first match of a pattern between two expressions."""
    start, end = source.span(left)[1], source.span(right)[0]
    if match := re.search(pattern, source.part(start, end)):
        offset = start + len(source.part(start, end)[: match.start()].encode())
        yield offset, offset + len(match[0].encode()), replacement


def _swap_comparisons(
    source: SourceText, node: ast.AST, table: dict[type[ast.cmpop], tuple[str, str]]
) -> Iterator[Edit]:
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for index, comparison in enumerate(node.ops):
            if type(comparison) in table:
                pair = operands[index], operands[index + 1]
                yield from _swap_between(source, *pair, *table[type(comparison)])


def comparison(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Move a boundary by one (``<`` to ``<=``) or invert an equality or identity test."""
    yield from _swap_comparisons(source, node, COMPARISONS)


def membership(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Swap ``in`` and ``not in``."""
    yield from _swap_comparisons(source, node, MEMBERSHIPS)


def condition(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Negate the condition of a branch, a loop, a conditional expression or a filter."""
    tests: list[ast.expr] = []
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        tests = [node.test]
    elif isinstance(node, ast.comprehension):
        tests = node.ifs
    for test in tests:
        start, end = source.span(test)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yield start, end, f"({source.part(*source.span(test.operand))})"
        elif not isinstance(test, ast.Constant):
            yield start, end, f"not ({source.part(start, end)})"


def boolean_operator(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Swap ``and`` and ``or``."""
    if not isinstance(node, ast.BoolOp):
        return
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    start, end = source.span(node)
    text, position = "", start
    for left, right in zip(node.values, node.values[1:], strict=False):
        gap = source.span(left)[1], source.span(right)[0]
        text += source.part(position, gap[0])
        text += re.sub(rf"\b{old}\b", new, source.part(*gap), count=1)
        position = gap[1]
    yield start, end, text + source.part(position, end)


def constant(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Add one to a number, or invert a boolean."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield *source.span(node), str(not node.value)
        elif isinstance(node.value, int | float):
            yield *source.span(node), repr(node.value + 1)


def returned_value(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Return an empty value of the annotated type, or None where the annotation allows it.

    Other types are left alone: None in their place stops every caller and proves little.
    """
    if isinstance(node, Function) and node.returns is not None:
        empty = _empty_value(source.part(*source.span(node.returns)))
        for child in walk(node):
            if empty and isinstance(child, ast.Return) and child.value is not None:
                yield *source.span(child.value), empty


def _empty_value(annotation: str) -> str:
    if re.search(r"\bNone\b", annotation):
        return "None"
    name = annotation.partition("[")[0].rpartition(".")[2]
    return EMPTY_VALUES.get(name, "")


def call_statement(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Remove a call whose result is not used."""
    if isinstance(node, ast.Expr):
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call):
            yield *source.span(node), "pass"


def call_argument(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Drop a keyword argument of a call."""
    if not isinstance(node, ast.Call):
        return
    arguments: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    arguments.sort(key=source.span)
    for index, argument in enumerate(arguments):
        if not isinstance(argument, ast.keyword) or argument.arg is None:
            continue
        start, end = source.span(argument)
        if index:
            yield source.span(arguments[index - 1])[1], end, ""
        elif len(arguments) > 1:
            yield start, source.span(arguments[1])[0], ""
        else:
            yield start, end, ""


def arithmetic(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Swap ``+`` and ``-``, also in augmented assignments; concatenated literals stay."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        left, right = (
            (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
        )
        if not any(_is_text(side) for side in (left, right)):
            old, new = (r"\+", "-") if isinstance(node.op, ast.Add) else ("-", "+")
            yield from _swap_between(source, left, right, old, new)


def loop_exit(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Swap ``continue`` and ``break``."""
    if isinstance(node, ast.Continue | ast.Break):
        text = "break" if isinstance(node, ast.Continue) else "continue"
        yield *source.span(node), text


def decisive_string(source: SourceText, node: ast.AST) -> Iterator[Edit]:
    """Empty a string that is compared, matched or looked up."""
    for value in _decisive_expressions(node):
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            yield *source.span(value), '""'


def _decisive_expressions(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare):
        for operand in (node.left, *node.comparators):
            if isinstance(operand, ast.Tuple | ast.Set | ast.List):
                yield from operand.elts
            else:
                yield operand
    elif isinstance(node, ast.MatchValue):
        yield node.value
    elif isinstance(node, ast.Call) and _is_string_test(node.func):
        yield from node.args[:1]


def _is_string_test(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr in STRING_TESTS


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


OPERATORS: dict[str, Callable[[SourceText, ast.AST], Iterator[Edit]]] = {
    find.__name__: find
    for find in (
        comparison,
        membership,
        condition,
        boolean_operator,
        constant,
        returned_value,
        call_statement,
        call_argument,
        arithmetic,
        loop_exit,
        decisive_string,
    )
}
"""Every operator by its name, as recorded in the data."""
