"""The source files of this project, parsed, for the tests of conventions."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tavus_mcp"
CODE = ("tavus_mcp", "tests", "examples")
_GENERATED = frozenset({"__pycache__", "build", "dist"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    """A Python file: its path, its text and its syntax tree."""

    path: Path
    text: str
    tree: ast.Module

    def location_of(self, node: ast.stmt | ast.expr | ast.excepthandler) -> str:
        """Return ``file:line`` of a node, for messages."""
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"


def parse_source_files(*folders: str) -> tuple[SourceFile, ...]:
    """Return the Python files below some folders of the project."""
    return tuple(source for name in folders for source in _parse_folder(name))


@cache
def _parse_folder(name: str) -> tuple[SourceFile, ...]:
    """Parse the files of a folder without garbage collection, which would find nothing to free.

    The trees live until the end, so they are exempt from later collections as well.
    """
    gc.disable()
    try:
        texts = [(path, path.read_text("utf-8")) for path in sorted((ROOT / name).rglob("*.py"))]
        return tuple(SourceFile(path, text, ast.parse(text)) for path, text in texts)
    finally:
        gc.freeze()
        gc.enable()


def iterate_project_files() -> Iterator[Path]:
    """Yield the files of the project, except those in hidden or generated folders."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        is_hidden = any(part.startswith(".") and part != ".github" for part in parts[:-1])
        if path.is_file() and not is_hidden and not _GENERATED.intersection(parts):
            yield path


def iterate_functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function, with methods and nested functions."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def iterate_public_definitions(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    """Yield the public classes, functions and methods of a module."""
    pending: list[ast.stmt] = list(tree.body)
    for node in pending:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                pending.extend(node.body)
