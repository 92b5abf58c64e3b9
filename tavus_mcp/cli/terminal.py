"""A terminal: colours where it supports them, wrapped lines, small bars, and questions."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from tavus_mcp.cli.output import fail

LINE_WIDTH_CHARS = 88
_BAR_WIDTH_CHARS = 30
_EIGHTHS = "▏▎▍▌▋▊▉█"
_RESET = "\x1b[0m"


class Style(StrEnum):
    """Styles of text, as parameters of the ANSI sequence SGR."""

    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"


@dataclass(frozen=True)
class Terminal:
    """A stream to print on, with or without colours and block characters."""

    stream: TextIO
    has_colors: bool = False
    has_blocks: bool = True

    @classmethod
    def of_stdout(cls, environment: Mapping[str, str]) -> Terminal:
        """Return the terminal of stdout, with the colours that it and the environment allow."""
        return cls(
            sys.stdout,
            has_colors=supports_colors(sys.stdout, environment),
            has_blocks=_can_encode(sys.stdout, _EIGHTHS),
        )

    def style(self, text: str, *styles: Style) -> str:
        """Return the text in these styles, or as it is on a terminal without colours."""
        if not self.has_colors or not styles or not text:
            return text
        return f"\x1b[{';'.join(styles)}m{text}{_RESET}"

    def print_line(self, text: str = "", *styles: Style, indent: int = 0) -> None:
        """Print a text in one or more lines of at most ``LINE_WIDTH_CHARS``, all indented."""
        lines = textwrap.wrap(text, LINE_WIDTH_CHARS - indent, break_on_hyphens=False) or [""]
        for line in lines:
            self.stream.write(f"{' ' * indent if line else ''}{self.style(line, *styles)}\n")
        self.stream.flush()

    def print_labelled(
        self, label: str, text: str, style: Style, *, indent: int, is_all_styled: bool = False
    ) -> None:
        """Print ``label text`` with further lines aligned; the style is that of the label.

        With ``is_all_styled`` it is that of the text as well.
        """
        width = LINE_WIDTH_CHARS - indent - len(label) - 1
        for number, line in enumerate(textwrap.wrap(text, width, break_on_hyphens=False) or [""]):
            head = " " * len(label) if number else self.style(label, style)
            body = self.style(line, style) if is_all_styled else line
            self.stream.write(f"{' ' * indent}{head} {body}".rstrip() + "\n")
        self.stream.flush()

    def bar(self, value: float, maximum: float) -> str:
        """Return a bar for a value from 0 to the maximum, at least one character long."""
        eighths = max(1, round(value / maximum * _BAR_WIDTH_CHARS * 8)) if maximum > 0 else 1
        full, rest = divmod(eighths, 8)
        if not self.has_blocks:
            return "#" * max(1, full)
        return "█" * full + (_EIGHTHS[rest - 1] if rest else "")


def is_interactive() -> bool:
    """Tell whether a person can be asked on the terminal; questions are written to stderr."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """Write a question and return the line that is typed, without blanks around it."""
    sys.stderr.write(f"{question} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def is_confirmed(question: str, refusal: str = "Nothing was sent") -> bool:
    """Ask for a yes; return False for anything else, or without a terminal.

    ``refusal`` says what was not done then.
    """
    reason = find_refusal(question, "yes", refusal)
    if reason:
        fail(reason)
    return not reason


def find_refusal(
    question: str, expected: str, refusal: str = "Nothing was sent", mismatch: str = ""
) -> str:
    """Ask for ``expected`` to be typed; return why the answer is no, or an empty string.

    ``mismatch`` says what it means that something else was typed.
    """
    if not is_interactive():
        return f"{refusal}: without a terminal, --yes is needed."
    return "" if ask(question) == expected else f"{refusal}. {mismatch}".rstrip()


def supports_colors(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether ANSI colours may be written to the stream.

    ``NO_COLOR`` turns them off and ``FORCE_COLOR`` on, as many programs have agreed; otherwise
    it must be a terminal, and on Windows one that says that it understands the sequences.
    """
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    if not stream.isatty() or environment.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" or any(
        name in environment for name in ("WT_SESSION", "ANSICON", "TERM")
    )


def _can_encode(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
