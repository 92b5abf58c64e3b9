"""Why objects of a plan would be refused: each reason with its place in the files."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tavus_mcp.checker.check import REFUSAL_OPENING
from tavus_mcp.errors import InvalidArgument, ToolFailure
from tavus_mcp.project.names import to_field_pointers
from tavus_mcp.project.problems import FilePosition, InvalidProject, Problem
from tavus_mcp.project.render import RenderedObject

_NOT_SENT = " Nothing was sent."
_POINTER = re.compile(r"(/[\w/~.@$+-]+): (?=\S)")
"""What a message about one field begins with."""


class RefusedProject(InvalidProject):
    """Tavus would reject what the files say, or something that they name is missing."""

    heading = "Refused before anything was sent."


def list_reasons(error: ToolFailure) -> Iterable[str]:
    """Return the reasons of a refusal, without saying again that nothing was sent."""
    if isinstance(error, InvalidArgument):
        return error.problems
    return [str(error).removeprefix(REFUSAL_OPENING).replace(_NOT_SENT, "")]


def locate(rendered: RenderedObject | None, reasons: Iterable[str]) -> list[Problem]:
    """Return reasons as problems, at the place of the field that each begins with."""
    return [_locate_reason(rendered, reason) for reason in reasons]


def _locate_reason(rendered: RenderedObject | None, reason: str) -> Problem:
    if rendered is None:
        return Problem(FilePosition(""), reason)
    field = _POINTER.match(reason)
    if field is None:
        return Problem(FilePosition(rendered.source.path), reason)
    [pointer] = to_field_pointers([field[1]])
    return Problem(rendered.source.position_of(pointer), reason)
