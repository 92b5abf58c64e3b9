"""Checks of the data folder, the journal and the state of the sandbox; nothing is written."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from tavus_mcp.diagnostics.check import Check, Status
from tavus_mcp.diagnostics.environment import problems_of
from tavus_mcp.journal.database import DatabaseError, MissingJournal, NewerJournal
from tavus_mcp.journal.location import UNUSABLE, JournalLocation, open_unchanged
from tavus_mcp.journal.migrations import MIGRATIONS
from tavus_mcp.journal.verification import verify_journal
from tavus_mcp.settings import Settings, unusable_folder
from tavus_mcp.text import count_of, count_personas

_WRITABLE_BY_OTHERS = 0o022
_MAX_LISTED_FAULTS = 3
_COUNT_PERSONAS = """
SELECT count(*), coalesce(sum(json_extract(json, '$.persona_type') = 'system'), 0)
FROM item WHERE kind = 'persona'
"""
_FOLDER_FIX = "Set TAVUS_MCP_DATA_DIR to a folder in which you may write."


def check_data_folder(settings: Settings) -> Check:
    """Check that the data folder exists or can be created, and that only this user may write."""
    path = settings.data_dir
    if problem := problems_of(settings, "data_folder"):
        return Check("data_folder", Status.ERROR, problem, _FOLDER_FIX)
    if not path.exists():
        if not _can_be_created(path):
            return Check("data_folder", Status.ERROR, str(unusable_folder(path)), _FOLDER_FIX)
        return Check("data_folder", Status.OK, f"{path} does not exist yet and can be created.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & _WRITABLE_BY_OTHERS:
        return Check(
            "data_folder",
            Status.WARNING,
            f"other users may write to {path} (mode {mode:o}).",
            "Run `chmod 700` on it: the history of changes is stored there.",
        )
    return Check("data_folder", Status.OK, f"{path} can be written to.")


def _can_be_created(path: Path) -> bool:
    """Try in the nearest folder that exists: in some file systems no permission says it."""
    existing = next(folder for folder in path.absolute().parents if folder.exists())
    try:
        with TemporaryDirectory(dir=existing):
            return True
    except OSError:
        return False


def check_journal_opens(location: JournalLocation) -> Check:
    """Check that the journal is a database of a version that this program knows."""
    name = "journal_opens"
    fix = "Restore the file from a backup, or set TAVUS_MCP_DATA_DIR to another folder."
    try:
        db = open_unchanged(location)
        if db is None:
            detail = "there is no journal yet; the first change begins it."
            return Check(name, Status.SKIPPED, detail)
        with closing(db):
            version = db.version
    except DatabaseError as error:
        return Check(name, Status.ERROR, f"{location} cannot be used: {error}.", error.advice)
    except UNUSABLE as error:
        return Check(name, Status.ERROR, f"{location} cannot be read: {error}.", fix)
    except NewerJournal:
        detail = f"{location} was written by a newer version of this program."
        return Check(name, Status.ERROR, detail, "Upgrade this program, or use another journal.")
    return Check(
        name, Status.OK, f"{location} can be read (format {version} of {len(MIGRATIONS)})."
    )


def check_journal_verifies(location: JournalLocation) -> Check:
    """Check that no entry of the journal was edited, removed or reordered."""
    name = "journal_verifies"
    fix = "Run `tavus-mcp journal verify`, keep a copy of the folder, and find out who changed it."
    try:
        result = verify_journal(location)
    except MissingJournal as error:
        is_lost = "Its anchor says" in str(error)
        status = Status.ERROR if is_lost else Status.SKIPPED
        return Check(name, status, str(error), fix if is_lost else "")
    except (*UNUSABLE, ValueError) as error:
        return Check(name, Status.SKIPPED, f"it cannot be read: {error}.")
    if result.faults:
        listed = "; ".join(result.faults[:_MAX_LISTED_FAULTS])
        detail = f"{count_of(len(result.faults), 'fault')}: {listed}."
        return Check(name, Status.ERROR, detail, fix)
    entries = count_of(result.entry_count, "entry", "entries")
    return Check(name, Status.OK, f"intact, {entries}.")


def check_sandbox_state(path: Path) -> Check:
    """Check that the database of the embedded sandbox can be read."""
    name = "sandbox_state"
    if not path.exists():
        return Check(name, Status.SKIPPED, "the sandbox was not used yet.")
    try:
        with closing(_open_read_only(path)) as db:
            total, stock = db.execute(_COUNT_PERSONAS).fetchone()
    except (sqlite3.Error, OSError) as error:
        fix = "Delete the file; the sandbox begins a new one. Its personas are then gone."
        return Check(name, Status.ERROR, f"{path} cannot be read: {error}.", fix)
    detail = f"{path} holds {count_personas(total - stock)}, besides the {stock} stock ones."
    return Check(name, Status.OK, detail)


def check_storage(
    settings: Settings, journal: JournalLocation, sandbox_state: Path
) -> Sequence[Check]:
    """Check all that is stored, but for the contents of the journal."""
    return (
        check_data_folder(settings),
        check_journal_opens(journal),
        check_sandbox_state(sandbox_state),
    )


def _open_read_only(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    db.isolation_level = None
    return db
