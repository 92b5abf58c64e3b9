"""Progress and colours of the commands of projects: on a terminal only, plain lines elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tavus_mcp.cli.terminal import Style, Terminal
from tavus_mcp.concurrency import ProgressCallback, ignore_progress

_CLEAR_LINE = "\r\x1b[K"
_STYLES: tuple[tuple[re.Pattern[str], Style], ...] = (
    (re.compile(r"\s*(\+|created|added|in sync|linked|restored|create:)"), Style.GREEN),
    (re.compile(r"\s*(-|deleted|removed|failed|error|delete:)"), Style.RED),
    (re.compile(r"\s*(conflict|changed on both|left)"), Style.RED),
    (re.compile(r"\s*(~|changed|updated|update:|warning|only local)"), Style.YELLOW),
    (re.compile(r"\s*(only remote|note|remark|@@|digest|run:)"), Style.DIM),
    (re.compile(r"(summary|environment):"), Style.BOLD),
)
"""The styles of lines by how they begin."""


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """Yield the function that reports progress: a bar on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    terminal = Terminal(sys.stderr, has_blocks=False)

    async def report(done: float, total: float | None) -> None:
        if total and done >= total:
            clear_progress_bar()
            return
        bar = f"{terminal.bar(done, total)} " if total else ""
        count = f"{done:g} of {total:g}" if total else f"{done:g}"
        sys.stderr.write(f"{_CLEAR_LINE}{bar}{count}")
        sys.stderr.flush()

    try:
        yield report
    finally:
        clear_progress_bar()


def clear_progress_bar() -> None:
    """Remove the bar before something else is printed, if stderr is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(_CLEAR_LINE)
        sys.stderr.flush()


def style_lines(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with each line in the style of its meaning, if stdout has colours."""
    terminal = Terminal.of_stdout(environment)
    if not terminal.has_colors:
        return text
    return "\n".join(_style_line(terminal, line) for line in text.split("\n"))


def _style_line(terminal: Terminal, line: str) -> str:
    for pattern, style in _STYLES:
        if pattern.match(line):
            return terminal.style(line, style)
    return line
