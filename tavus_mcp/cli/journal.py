"""``tavus-mcp journal``: check that the journal is intact, or print it."""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing

from tavus_mcp.cli.output import report
from tavus_mcp.cli.wiring import journal_path
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("action", choices=("verify", "show"))
    parser.add_argument("persona_id", nargs="?", help="with show: only this persona")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Verify or show; return 0, 1 when the journal was altered, or 2 when it is unreadable."""
    path = journal_path(settings)
    if not path.exists():
        return report(f"There is no journal at {path}: nothing was written by this server yet.")
    try:
        with closing(JournalStore.open(path)) as journal:
            if arguments.action == "verify":
                return _verify(journal)
            return _show(journal, arguments.persona_id)
    except (sqlite3.Error, OSError, ValueError) as error:
        return report(f"{path} cannot be read: {error}", 2)


def _verify(journal: JournalStore) -> int:
    faults = journal.verify()
    for fault in faults:
        report(fault, 1)
    if faults:
        return report(f"The journal was altered: {len(faults)} fault(s).", 1)
    count = sum(1 for _ in journal.entries())
    return report(f"The journal is whole: {count} line(s), each as it was written.")


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
        ", ".join(entry.paths),
    ]
    return "  ".join(part for part in parts if part)
