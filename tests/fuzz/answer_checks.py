"""What is wrong with an answer to hostile input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hostile_values import CANARY

from tavus_mcp.invisible_characters import escape_invisible, escape_line

MAX_ERROR_CHARS = 8_000
MAX_ANSWER_CHARS = 400_000
MAX_SECONDS = 10.0
"""Of processor and waiting time; a single answer takes milliseconds."""
_MESSAGE_FIELDS = ("message", "hint", "error", "reason", "why", "stopped", "next")
_DATA_FIELDS = ("persona", "text", "changes", "differences", "turns", "layer", "personas")
"""Named fields that hold the texts of others as they are."""


def check_error(text: str) -> Iterator[str]:
    """Yield what is wrong with the text of an error."""
    if any(line.lstrip().startswith(CANARY) for line in text.splitlines()):
        yield "a forged line in an error"
    if escape_invisible(text) != text:
        yield "an invisible character in an error"
    if len(text) > MAX_ERROR_CHARS:
        yield f"an error of {len(text)} characters"
    if "Error executing tool" in text or "Traceback" in text:
        yield "an unexpected exception"


def check_result(text: str, facts: Any) -> Iterator[str]:
    """Yield what is wrong with the text and the structured content of a result."""
    if any(line.startswith(CANARY) for line in text.splitlines()):
        yield "a forged line in a result"
    if len(text) > MAX_ANSWER_CHARS:
        yield f"a result of {len(text)} characters"
    for message in iterate_messages(facts):
        if escape_line(message) != message:
            yield "an invisible character or a line break in a message of a result"


def iterate_messages(node: Any) -> Iterator[str]:
    """Yield the texts that are sentences of ours."""
    if isinstance(node, list):
        for item in node:
            yield from iterate_messages(item)
    elif isinstance(node, dict):
        for key, item in node.items():
            if key in _DATA_FIELDS:
                continue
            if key in _MESSAGE_FIELDS and isinstance(item, str):
                yield item
            else:
                yield from iterate_messages(item)


def check_output(text: str) -> Iterator[str]:
    """Yield what is wrong with what a command printed."""
    if any(line.startswith(CANARY) for line in text.splitlines()):
        yield "a forged line in the output of a command"
    if escape_invisible(text) != text:
        yield "an invisible character in the output of a command"
    if "Traceback" in text:
        yield "a traceback in the output of a command"


def check_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with texts that must each be one short visible line."""
    for line in lines:
        if escape_line(line) != line or len(line) > 1_000:
            yield "a message of several lines, with invisible characters, or too long"
