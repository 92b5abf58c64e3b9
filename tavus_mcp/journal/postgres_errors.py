"""What the errors of PostgreSQL mean for a journal: why, in one line, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

AWAY_ADVICE = (
    "Start the database or correct TAVUS_MCP_JOURNAL; without that variable a file is used. A "
    "running server need not be restarted: it tries again after 15 s."
)
URL_ADVICE = (
    "Correct TAVUS_MCP_JOURNAL: in a user and a password, write each of the characters %:/?#[]@ as "
    "a percent sign with its two hexadecimal digits, as %40 for @."
)
_SERVER_ADVICE = "Ask the person who runs the database: its disk or its memory is full or damaged."
_TIMEOUT_ADVICE = (
    "Another process holds the journal, or the database is too slow. Try again in a minute."
)
_ADVICE_BY_STATE: Mapping[str, str] = {
    "22P05": "Name a database with the encoding UTF8 in TAVUS_MCP_JOURNAL.",
    "25006": (
        "The database accepts no writes, as a standby or one with default_transaction_read_only. "
        "Name one that does in TAVUS_MCP_JOURNAL."
    ),
    "42501": "Give the role in TAVUS_MCP_JOURNAL this right: it must own the schema tavus_mcp.",
    "42P01": (
        "The tables of the journal were removed. Restore them, or restart this server to begin a "
        "new journal."
    ),
    "42P07": (
        "The schema tavus_mcp holds tables of another program. Name another database in "
        "TAVUS_MCP_JOURNAL."
    ),
    "53": _SERVER_ADVICE,
    "55P03": _TIMEOUT_ADVICE,
    "57014": _TIMEOUT_ADVICE,
    "58": _SERVER_ADVICE,
    "XX": _SERVER_ADVICE,
}
"""By the code of an error (SQLSTATE), or the first two characters, which are its class."""
_TIMEOUT_STATES = frozenset({"55P03", "57014"})


def find_advice(error: psycopg.Error) -> str:
    """Return what to do about an error."""
    if isinstance(error, answer_timeout_class()):
        return _TIMEOUT_ADVICE
    state = error.sqlstate or ""
    return _ADVICE_BY_STATE.get(state) or _ADVICE_BY_STATE.get(state[:2]) or AWAY_ADVICE


def is_timeout(error: psycopg.Error) -> bool:
    """Tell whether the server, or this side, gave up waiting for a statement."""
    return isinstance(error, answer_timeout_class()) or error.sqlstate in _TIMEOUT_STATES


def render_reason(error: psycopg.Error, parameters: Mapping[str, Any]) -> str:
    """Return the text of an error in one line, without any password in the parameters.

    Of an error of the server it is the message alone: details may repeat what was to be stored.
    """
    text = error.diag.message_primary or str(error) or type(error).__name__
    lines = [line for line in text.splitlines() if not line.endswith("?")]  # without hints
    text = " ".join(" ".join(lines).split()).removesuffix(".")
    for name, value in parameters.items():
        if "password" in name and value:
            text = text.replace(str(value), "********")
    return text


@cache
def answer_timeout_class() -> type[psycopg.OperationalError]:
    """Return the class of the error for a server that does not answer."""
    import psycopg

    class AnswerTimeout(psycopg.OperationalError):
        """The server did not answer in time, so that the connection was closed."""

    return AnswerTimeout
