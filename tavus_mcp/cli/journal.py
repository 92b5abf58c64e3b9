"""The journal for people: is it whole, and what does it say."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.text import escape_invisible


def run(path: Path, action: str, persona_id: str | None) -> int:
    """Verify or show the journal; 0 when it is well, 1 when it was altered, 2 when unreadable."""
    if not path.exists():
        return _print_text(
            f"There is no journal at {path}: nothing was written by this server yet.", 0
        )
    try:
        journal = JournalStore.open(path)
    except (sqlite3.Error, OSError, ValueError) as error:
        return _print_text(f"{path} cannot be read: {error}", 2)
    try:
        return _verify(journal) if action == "verify" else _show(journal, persona_id)
    except sqlite3.Error as error:
        return _print_text(f"{path} cannot be read: {error}", 2)
    finally:
        journal.close()


def _verify(journal: JournalStore) -> int:
    faults = journal.verify()
    for fault in faults:
        _print_text(fault, 1)
    if faults:
        return _print_text(f"The journal was altered: {len(faults)} fault(s).", 1)
    count = sum(1 for _ in journal.entries())
    return _print_text(f"The journal is whole: {count} line(s), each as it was written.", 0)


def _show(journal: JournalStore, persona_id: str | None) -> int:
    for line in journal.entries():
        if persona_id is None or line.persona_id == persona_id:
            _print_text(_format_entry(line), 0)
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


def _print_text(text: str, status: int) -> int:
    (sys.stderr if status else sys.stdout).write(escape_invisible(text) + "\n")
    return status
