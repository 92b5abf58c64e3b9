"""Verify a journal: in one snapshot, against its chain of hashes and its anchor.

What it proves: nobody edited, removed or reordered entries without recomputing every later hash,
and the journal holds the newest entry that the anchor names. It proves nothing about somebody who
rewrites the journal and its anchor together: for that, keep a copy of the anchor elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tavus_mcp.journal.anchor import (
    AnchorLine,
    DamagedAnchor,
    anchor_path,
    damaged_path,
    read_anchor,
)
from tavus_mcp.journal.database import Database, MissingJournal
from tavus_mcp.journal.entry import ERASED, GENESIS, JournalEntry, digest_of
from tavus_mcp.journal.location import JournalLocation, anchor_base, open_unchanged
from tavus_mcp.journal.migrations import VERSION_WITH_FORMATS, VERSION_WITH_HEAD
from tavus_mcp.journal.rows import read_entries


@dataclass(frozen=True)
class Verification:
    """The faults that were found, one sentence each, and what the journal holds."""

    faults: Sequence[str]
    entry_count: int = 0
    erased_count: int = 0
    newest: str = ""


def verify_journal(location: JournalLocation) -> Verification:
    """Verify a journal without changing it.

    Raises ``MissingJournal`` when there is none, and one of ``location.UNUSABLE`` or ``ValueError``
    when it cannot be read.
    """
    try:
        anchor = read_anchor(anchor_base(location))
    except DamagedAnchor as error:
        return Verification([f"{error}, so a cut end could not be noticed"])
    lost = f" Its anchor says that it held {anchor[-1].seq} entries." if anchor else ""
    if isinstance(location, Path) and location.exists() and location.stat().st_size == 0:
        return Verification([f"the file is empty.{lost}"])
    db = open_unchanged(location)
    if db is None:
        raise MissingJournal(f"There is no journal at {location}.{lost}")
    with closing(db):
        return verify_snapshot(db, anchor)


def verify_snapshot(db: Database, anchor: Sequence[AnchorLine]) -> Verification:
    """Verify what one read transaction shows; ``anchor`` was read before.

    In this order entries that are written meanwhile are no fault.
    """
    path = db.anchor_base
    with db.snapshot():
        faults = db.integrity_faults()
        chain = _Chain(db)
        faults += chain.iterate_faults()
        if not anchor and db.version >= VERSION_WITH_FORMATS:
            faults.append(
                f"the anchor {anchor_path(path)} is missing, so a cut end could not be noticed"
            )
        faults += _anchor_faults(db, anchor)
        if damaged_path(path).exists():
            faults.append(
                f"an anchor was damaged and moved to {damaged_path(path)}; it may have named a "
                "later end"
            )
        return Verification(faults, chain.entry_count, chain.erased_count, chain.newest)


class _Chain:
    """The entries of a journal in their order."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.entry_count = self.erased_count = 0
        self.newest = ""

    def iterate_faults(self) -> Iterator[str]:
        """Yield a sentence for each fault of the chain and of the number of its head."""
        version = self._db.version
        is_old = version < VERSION_WITH_FORMATS
        erased = _erased_digests(
            read_entries(self._db, "WHERE kind = 'erase'", is_old=is_old, is_streamed=True)
        )
        parent, expected = GENESIS, 1
        entries = read_entries(
            self._db, "ORDER BY seq", bodies=True, is_old=is_old, is_streamed=True
        )
        for entry in entries:
            if entry.seq != expected:
                yield f"entry {expected} is missing"
            if entry.parent != parent:
                yield f"entry {entry.seq} does not follow the entry before it"
            if not entry.is_intact:
                if digest_of(entry, entry.body_digest) in erased:
                    self.erased_count += 1
                else:
                    yield f"entry {entry.seq} is not as it was written"
            parent, expected = entry.digest, entry.seq + 1
            self.entry_count += 1
            self.newest = f"{entry.seq} of {entry.at}"
        if version < VERSION_WITH_HEAD:
            return
        head = self._db.execute("SELECT seq, digest FROM head").fetchone()
        if head is None:
            yield "the record of the newest entry is missing"
        elif head != (expected - 1, parent):
            yield f"the journal ended at entry {head[0]} once; its end was cut off or altered"


def _erased_digests(erasings: Iterable[JournalEntry]) -> set[str]:
    """Return the digests of what was left of erased entries; each covers its entry's number.

    An altered record of an erasing, which is a fault of its own, proves nothing.
    """
    found: set[str] = set()
    for entry in erasings:
        if entry.is_intact:
            found.update(digest for _, digest in entry.detail.get(ERASED, []))
    return found


def _anchor_faults(db: Database, anchor: Sequence[AnchorLine]) -> Iterator[str]:
    if not anchor:
        return
    (journal_id,) = db.execute("SELECT journal_id FROM identity").fetchone()
    for line in anchor:
        if line.journal_id != journal_id:
            yield f"another journal with {line.seq} entries stood here; it was deleted or replaced"
        elif not _has_entry(db, line):
            yield (
                f"the anchor names entry {line.seq}, which is missing or another one: the end was "
                "cut off, or lost when the machine stopped"
            )


def is_held(db: Database, line: AnchorLine) -> bool:
    """Tell whether a line of an anchor is of this journal, which holds the entry that it names."""
    (journal_id,) = db.execute("SELECT journal_id FROM identity").fetchone()
    return bool(line.journal_id == journal_id) and _has_entry(db, line)


def _has_entry(db: Database, line: AnchorLine) -> bool:
    if line.seq == 0:
        return True
    row = db.execute("SELECT digest FROM entries WHERE seq = ?", (line.seq,)).fetchone()
    return row is not None and row[0] == line.digest
