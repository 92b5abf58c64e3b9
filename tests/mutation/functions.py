"""The functions of a source tree that a mutant may be made in."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from operators import Function, SourceText

PACKAGE = "tavus_mcp"
MIN_CODE_LINES = 4
MAX_TEXT_SHARE = 0.5
"""A function is prose if more than this share of its characters stands in string literals."""
EXCLUDED_FILES = frozenset({"usecases/complaints.py"})
"""Files below the package that the new tree has no counterpart of."""
EXCLUDED_NAMES = frozenset({"__repr__", "__str__"})


@dataclass(frozen=True)
class FoundFunction:
    """A function or method: its file below the package, its qualified name and its code lines."""

    file: str
    name: str
    code_lines: int
    node: Function

    @property
    def package(self) -> str:
        """Return the folder of the file below the package; ``.`` for a top-level module."""
        return Path(self.file).parent.as_posix()


@cache
def read_source(path: Path) -> SourceText:
    """Parse a file once."""
    return SourceText(path.read_text(encoding="utf-8"))


def named_functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield the functions and methods of a body with their qualified names.

    A nested function belongs to the function around it and is not yielded itself.
    """
    for node in body:
        if isinstance(node, Function):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from named_functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from named_functions(node.body, prefix)


def find_function(source: SourceText, name: str) -> Function:
    """Return the function with a qualified name; raises LookupError if it is missing or double.

    Overloads are passed over: the last definition of a name is the one that runs.
    """
    found = [node for candidate, node in named_functions(source.tree.body) if candidate == name]
    if not found:
        raise LookupError(f"there is no function {name}")
    return found[-1]


def eligible_functions(root: Path) -> list[FoundFunction]:
    """Return the functions of a tree that may be mutated, in the order of files and names."""
    found = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        file = path.relative_to(root / PACKAGE).as_posix()
        if file in EXCLUDED_FILES:
            continue
        source = read_source(path)
        for name, node in named_functions(source.tree.body):
            function = FoundFunction(file, name, count_code_lines(source, node), node)
            if _is_eligible(source, function):
                found.append(function)
    return found


def _is_eligible(source: SourceText, function: FoundFunction) -> bool:
    return (
        function.node.name not in EXCLUDED_NAMES
        and function.code_lines >= MIN_CODE_LINES
        and text_share(source, function.node) <= MAX_TEXT_SHARE
    )


def count_code_lines(source: SourceText, function: Function) -> int:
    """Return the lines of a function without its docstring, comments and blank lines."""
    skipped: set[int] = set()
    if ast.get_docstring(function, clean=False) is not None:
        docstring = function.body[0]
        skipped = set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    span = range(function.lineno, (function.end_lineno or 0) + 1)
    return len(code_line_numbers(source).intersection(span) - skipped)


@cache
def code_line_numbers(source: SourceText) -> frozenset[int]:
    """Return the numbers of the lines that hold code or a string."""
    kinds = {tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING}
    lines: set[int] = set()
    for token in tokenize.tokenize(io.BytesIO(source.data).readline):
        if token.type in kinds:
            lines.update(range(token.start[0], token.end[0] + 1))
    return frozenset(lines)


def text_share(source: SourceText, function: Function) -> float:
    """Return the share of a function's characters, without its docstring, in string literals."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) else function.body
    if not body:
        return 1.0
    total = source.span(body[-1])[1] - source.span(body[0])[0]
    return sum(_literal_length(source, node) for node in body) / total


def _literal_length(source: SourceText, node: ast.AST) -> int:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    if isinstance(node, ast.JoinedStr) or is_text:
        start, end = source.span(node)  # type: ignore[arg-type]  # both are expressions
        return end - start
    return sum(_literal_length(source, child) for child in ast.iter_child_nodes(node))
