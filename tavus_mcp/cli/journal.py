"""``tavus-mcp journal``: verify the journal, or print it."""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path

from tavus_mcp.cli.output import fail, report
from tavus_mcp.cli.wiring import journal_path
from tavus_mcp.invisible_characters import escape_line
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.verification import MissingJournal, verify_file
from tavus_mcp.settings import Settings
from tavus_mcp.text import quote_paths, quote_words

ALTERED, UNREADABLE = 1, 4
"""The exit statuses for a journal that was altered, and for one that is missing or unreadable."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("action", choices=("verify", "show"))
    parser.add_argument("persona_id", nargs="?", help="with show: only this persona")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the action; return 0, ``ALTERED`` or ``UNREADABLE``."""
    path = journal_path(settings)
    try:
        if arguments.action == "verify":
            return _verify(path)
        if not path.exists():
            return fail(f"There is no journal at {path}.", UNREADABLE)
        with closing(JournalStore.open(path)) as journal:
            return _show(journal, arguments.persona_id)
    except MissingJournal as error:
        return fail(str(error), UNREADABLE)
    except (sqlite3.Error, OSError, ValueError) as error:
        return fail(f"{path} cannot be read: {quote_words(str(error), 200)}", UNREADABLE)


def _verify(path: Path) -> int:
    result = verify_file(path)
    for fault in result.faults:
        report(fault, ALTERED)
    if result.faults:
        return report(f"The journal was altered: {len(result.faults)} fault(s).", ALTERED)
    erased = (
        f" {result.erased_count} of them were erased on purpose." if result.erased_count else ""
    )
    newest = f" The newest is {result.newest}." if result.newest else ""
    return report(
        f"The journal is intact: {result.entry_count} entries, none edited, removed or reordered "
        f"since it was written.{newest}{erased} This cannot show that somebody rewrote the journal "
        "and its anchor together."
    )


def _show(journal: JournalStore, persona_id: str | None) -> int:
    for entry in journal.entries():
        if persona_id is None or entry.persona_id == persona_id:
            report(_format_entry(entry))
    return 0


def _format_entry(entry: JournalEntry) -> str:
    parts = [
        str(entry.seq),
        entry.at,
        entry.persona_id or "(new)",
        entry.kind,
        entry.tool,
        entry.status,
        entry.revision,
        f"of line {entry.ref}" if entry.ref else "",
        quote_paths(entry.paths),
    ]
    return "  ".join(escape_line(part) for part in parts if part)
