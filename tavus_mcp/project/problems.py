"""Mistakes in the files of a project, each with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject

MAX_REPORTED_PROBLEMS = 40
_POSITION = re.compile(r"line (\d+), column (\d+)(?:: (?=\S))?")


@dataclass(frozen=True)
class FilePosition:
    """A place in a file of a project; ``line`` and ``column`` count from 1, 0 if not known."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return the place as editors recognise it: PATH:LINE:COLUMN."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


@dataclass(frozen=True)
class Problem:
    """A mistake or a remark; ``environment`` is set if it holds for this environment only."""

    position: FilePosition
    message: str
    severity: Literal["error", "warning", "info"] = "error"
    rule: str = ""
    environment: str = ""

    def __str__(self) -> str:
        """Return the problem as one line."""
        environment = f" [{self.environment}]" if self.environment else ""
        return f"{self.position}: {self.message}{environment}"

    def to_json(self) -> JsonObject:
        """Return the problem as commands print it with ``--json``."""
        return {
            "file": self.position.path,
            "line": self.position.line,
            "column": self.position.column,
            "severity": self.severity,
            "rule": self.rule,
            "environment": self.environment,
            "message": self.message,
        }


class InvalidProject(InvalidArgument):
    """Files of a project are wrong; ``found`` holds every mistake, and nothing was sent."""

    heading = "The project has mistakes, nothing was sent."

    def __init__(self, found: Sequence[Problem]) -> None:
        self.found = tuple(found)
        lines = [str(problem) for problem in self.found[:MAX_REPORTED_PROBLEMS]]
        omitted = len(self.found) - len(lines)
        super().__init__([*lines, *([f"and {omitted} more."] if omitted > 0 else [])])
        self.args = ("\n".join([self.heading, *self.problems]),)


def parse_position(path: str, message: str) -> tuple[FilePosition, str]:
    """Split a message that begins with ``line 3, column 5:`` into the place and the rest."""
    match = _POSITION.match(message)
    if match is None:
        return FilePosition(path), message
    line, column = int(match[1]), int(match[2])
    return FilePosition(path, line, column), message[match.end() :].lstrip(": ") or message
