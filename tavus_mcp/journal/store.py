"""The journal: append-only and hash-chained, in a database that several servers may share.

An entry is appended in one transaction that holds the write lock, so that every entry names the
one before it. A process that is killed leaves whole entries or none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tavus_mcp.journal import anchor, rows
from tavus_mcp.journal.accounts import (
    UNKNOWN,
    Account,
    AccountTable,
    Credentials,
    build_scope_condition,
)
from tavus_mcp.journal.anchor import Anchor, AnchorLine
from tavus_mcp.journal.database import Database
from tavus_mcp.journal.entry import GENESIS, REFUSED, JournalEntry
from tavus_mcp.journal.erasure import (
    ErasableContents,
    ErasureTarget,
    erase_object,
    measure_contents,
)
from tavus_mcp.journal.history import HistorySlice, read_history
from tavus_mcp.journal.location import JournalLocation, open_database
from tavus_mcp.journal.verification import is_held, verify_snapshot

_SYNCED_KINDS = frozenset({"intent", "used"})
"""Entries that are on the disk before the request that they announce is sent."""
_LATEST_STATE = "AND kind IN ('seen', 'outcome') AND revision != '' ORDER BY seq DESC LIMIT 1"
_logger = logging.getLogger(__name__)


class JournalStore:
    """The synchronous store: safe to use from several threads and processes.

    ``Journal`` is its asynchronous form. Commands that run outside an event loop use it directly.
    With ``credentials``, entries are written for their account, and what is read about an object
    is limited to it; without, all entries are read. ``author`` is called when one is written.
    """

    def __init__(
        self,
        db: Database,
        credentials: Credentials | None = None,
        author: Callable[[], str] = str,
    ) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._author = author
        self._anchor = Anchor(db.anchor_base, partial(is_held, db))
        self._accounts = AccountTable(db)
        self._own = self._accounts.register(credentials) if credentials else ()
        (self._journal_id,) = db.execute("SELECT journal_id FROM identity").fetchone()

    @classmethod
    def open(
        cls,
        location: JournalLocation,
        credentials: Credentials | None = None,
        author: Callable[[], str] = str,
    ) -> JournalStore:
        """Open the journal, or create it.

        Raises like ``open_database``.
        """
        db = open_database(location)
        with ExitStack() as undo:
            undo.callback(db.close)
            _renew_anchor(db)
            store = cls(db, credentials, author)
            undo.pop_all()
        return store

    def require_unchanged(self) -> None:
        """Raise ``JournalReplacedError`` when the journal was replaced since it was opened."""
        self._db.require_unchanged()

    def append(self, entry: JournalEntry) -> JournalEntry:
        """Append an entry; return it with its number, its parent and its digest."""
        origin = self._origin()
        with self._transaction(sync=entry.kind in _SYNCED_KINDS) as append:
            return append(entry, **origin)

    def append_intent(
        self,
        persona_id: str,
        intent: JournalEntry,
        digest: str,
        build_observed: Callable[[JournalEntry | None], JournalEntry],
    ) -> JournalEntry:
        """Append an intent and, before it, the state of its object unless that is the latest.

        ``digest`` is that of the state; its entry is built of what ``latest_entry`` returns.
        """
        origin = self._origin()
        with self._transaction(sync=True) as append:
            condition, values = self._select_object(persona_id)
            query = f"SELECT e.revision_digest FROM entries e {condition} {_LATEST_STATE}"  # noqa: S608
            if self._db.execute(query, values).fetchone() != (digest,):
                found = rows.read_entries(self._db, f"{condition} {_LATEST_STATE}", values)
                append(build_observed(next(found, None)), **origin)
            return append(intent, **origin)

    def mark_used(self, entry: JournalEntry, *, previous_use_seq: int = 0) -> JournalEntry | None:
        """Append a ``used`` entry for a persona of a plan; None when there is one already.

        ``previous_use_seq`` is the number of an earlier ``used`` entry whose write was not carried
        out, so that another may follow it; 0 without one.
        """
        query = (
            "SELECT coalesce(max(seq), 0) FROM entries"
            " WHERE ref = ? AND kind = 'used' AND persona_id = ?"
        )
        origin = self._origin()
        with self._transaction(sync=True) as append:
            latest = self._db.execute(query, (entry.ref, entry.persona_id)).fetchone()[0]
            return append(entry, **origin) if latest == previous_use_seq else None

    def descendants(self, seq: int) -> list[JournalEntry]:
        """Return the entries that refer to an entry, directly or not, oldest first.

        They come without their documents.
        """
        return self._read(
            "WHERE seq IN (WITH RECURSIVE tree(seq) AS (SELECT e.seq FROM entries e WHERE e.ref = ?"
            " UNION SELECT e.seq FROM entries e JOIN tree ON e.ref = tree.seq)"
            " SELECT seq FROM tree) ORDER BY seq",
            (seq,),
        )

    def plans_of_tool(self, tool: str, limit: int) -> list[JournalEntry]:
        """Return the newest plans that a tool stored for this account, newest first.

        Those that were refused are left out.
        """
        condition = (
            "e.kind = 'plan' AND e.tool = ? AND NOT EXISTS (SELECT 1 FROM entries u"
            " WHERE u.ref = e.seq AND u.ref > 0 AND u.kind = 'used' AND u.status = ?)"
        )
        return self._read_own(condition, (tool, REFUSED), limit)

    def outcomes_without_plan(self, tool: str, since: int, limit: int) -> list[JournalEntry]:
        """Return the newest outcomes after an entry, newest first.

        Those of writes that belong to plans that ``tool`` stored are left out.
        """
        condition = (
            "e.kind = 'outcome' AND e.seq > ? AND NOT EXISTS (SELECT 1 FROM entries i"
            " JOIN entries p ON p.seq = i.ref WHERE i.seq = e.ref AND p.kind = 'plan'"
            " AND p.tool = ?)"
        )
        return self._read_own(condition, (since, tool), limit)

    def entries_of_persona(self, persona_id: str) -> list[JournalEntry]:
        """Return the entries of a persona, newest first, without their documents."""
        return self._read_of_object(persona_id, "ORDER BY seq DESC")

    def history(
        self, persona_id: str, limit: int, *, before: int | None = None, hidden: str = ""
    ) -> HistorySlice:
        """Return at most ``limit`` entries about an object, with what belongs to each of them.

        ``before`` is the number of an entry, and ``hidden`` the tool of entries that are left out.
        """
        read_of_object = partial(self._read_of_object, persona_id)
        start = 2**62 if before is None else before
        return read_history(self._read, read_of_object, start, limit, hidden)

    def open_intents(self, persona_id: str) -> list[JournalEntry]:
        """Return the intents of a persona that have no outcome, oldest first."""
        return self._read_of_object(
            persona_id,
            "AND kind = 'intent' AND NOT EXISTS (SELECT 1 FROM entries o"
            " WHERE o.ref > 0 AND o.ref = e.seq AND o.kind = 'outcome') ORDER BY seq",
        )

    def latest_entry(self, persona_id: str) -> JournalEntry | None:
        """Return the newest entry that holds a revision of a persona, or None."""
        found = self._read_of_object(persona_id, _LATEST_STATE)
        return found[0] if found else None

    def newest_seq(self) -> int:
        """Return the number of the newest entry, 0 without one."""
        with self._lock:
            return int(self._db.execute("SELECT seq FROM head").fetchone()[0])

    def entry(self, seq: int) -> JournalEntry | None:
        """Return one entry with its document, or None."""
        found = self._read("WHERE seq = ?", (seq,), bodies=True)
        return found[0] if found else None

    def states(self, persona_id: str, revision: str | None = None) -> list[JournalEntry]:
        """Return the entries that hold a state of an object, with it, newest first.

        ``revision`` selects those of that revision: 12 digits, as people see them.
        """
        condition, values = ("AND revision = ?", (revision,)) if revision is not None else ("", ())
        clauses = f"AND e.body != '' {condition} ORDER BY seq DESC"
        return self._read_of_object(persona_id, clauses, values, bodies=True)

    def digests_of_revision(self, persona_id: str, revision: str) -> set[str]:
        """Return the digests of the states of an object whose revision is this one."""
        clauses = "AND revision = ? AND revision_digest != ''"
        found = self._read_of_object(persona_id, clauses, (revision,))
        return {entry.revision_digest for entry in found}

    def entries(self, persona_id: str = "", *, bodies: bool = True) -> Iterator[JournalEntry]:
        """Yield every entry, or those about an object, oldest first; few are in memory."""
        condition, values = ("persona_id = ?", (persona_id,)) if persona_id else ("seq > 0", ())
        yield from rows.read_pages(partial(self._read, bodies=bodies), condition, values)

    def foreign_owners(self, persona_id: str) -> list[str]:
        """Return the other accounts with entries about an object, if this one has none.

        ``UNKNOWN`` is among them if there are entries without an account that nobody adopted, also
        when this account has entries.
        """
        with self._lock:
            owners = self._accounts.owners_of(persona_id)
            self._own = self._own and self._accounts.group_of(self._own[0])
        foreign = owners.difference(self._own)
        has_own = not owners.isdisjoint(self._own)
        return sorted(foreign & {UNKNOWN} if has_own else foreign)

    def is_own(self, entry: JournalEntry) -> bool:
        """Tell whether an entry belongs to this account, adopted or not."""
        with self._lock:
            return entry.account in self._accounts.scope_of(entry.persona_id, self._own)

    def find_account(self, account_id: str) -> Account:
        """Return an account by its id."""
        with self._lock:
            return self._accounts.find(account_id)

    def has_same_url(self, account_id: str) -> bool:
        """Tell whether another account has the base URL of this one, so that it may be the same."""
        with self._lock:
            other, own = self._accounts.find(account_id), self._accounts.find(self._own[0])
        return other.base_url == own.base_url

    def is_user_persona(self, persona_id: str) -> bool:
        """Tell whether a persona was created or changed, which is impossible for stock personas."""
        with self._lock:
            return self._accounts.is_user_persona(persona_id)

    def user_personas(self, account_id: str) -> list[str]:
        """Return user personas that should be there in an account, or without one; newest first."""
        with self._lock:
            ids = self._accounts.group_of(account_id) if account_id else (UNKNOWN,)
            return self._accounts.user_personas(ids)

    def merge_with(self, account_id: str) -> None:
        """Record that this account is the same as another one."""
        with self._lock:
            self._accounts.merge(self._own[0], account_id)
            self._own = self._accounts.group_of(self._own[0])

    def unowned_objects(self) -> list[str]:
        """Return the objects with entries without an account that nobody has adopted."""
        with self._lock:
            return self._accounts.unowned_objects()

    def adopt(self, persona_ids: Collection[str]) -> None:
        """Record that the entries without an account about these objects belong to this account."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        origin = self._origin()
        with self._transaction(sync=False) as append:
            for persona_id in persona_ids:
                append(JournalEntry("adopt", persona_id, at), **origin)

    def erasable_contents(self, target: ErasureTarget) -> ErasableContents:
        """Return how much ``erase`` would erase."""
        with self._lock:
            return measure_contents(self._db, target)

    def erase(self, target: ErasureTarget) -> tuple[int, bool]:
        """Erase the contents of the entries about an object, so that the chain still verifies.

        Returns how many there were, and False if copies may be left in the files because another
        process uses them.
        """
        author = self._author()
        with self._transaction(sync=True) as append:
            count = erase_object(self._db, target, partial(append, author=author))
        with self._lock:
            return count, self._db.compact()

    def verify(self) -> list[str]:
        """Return one sentence per fault of the journal, none when it is intact."""
        lines = anchor.read_anchor(self._db.anchor_base)
        with self._lock:
            return list(verify_snapshot(self._db, lines).faults)

    def close(self) -> None:
        """Close the journal."""
        with self._lock:
            self._db.close()

    def _origin(self) -> dict[str, str]:
        """Return the account and the author of this process, as members of its entries."""
        return {"account": self._own[0] if self._own else "", "author": self._author()}

    def _append(self, entry: JournalEntry, origin: Mapping[str, str]) -> JournalEntry:
        last = self._db.execute("SELECT seq, digest FROM entries ORDER BY seq DESC LIMIT 1")
        seq, parent = last.fetchone() or (0, GENESIS)
        placed = entry.with_position(seq + 1, parent, **origin)
        digest = entry.body_digest
        if digest:
            self._db.execute(
                "INSERT INTO documents SELECT ?, ?"
                " WHERE NOT EXISTS (SELECT 1 FROM documents WHERE digest = ?)",
                (digest, entry.body, digest),
            )
        self._db.execute(rows.INSERT, rows.to_row(placed, digest))
        self._db.execute("UPDATE head SET seq = ?, digest = ?", (placed.seq, placed.digest))
        return placed

    @contextmanager
    def _transaction(self, *, sync: bool) -> Iterator[Callable[..., JournalEntry]]:
        """Hold the write lock; yield the function that appends, and advance the anchor at the end.

        ``sync`` waits until the entries are on the disk. Others may be lost with the power, but
        only together with all that follow, which the chain and the anchor show.
        """
        newest: list[JournalEntry] = []

        def append(entry: JournalEntry, **origin: str) -> JournalEntry:
            newest[:] = [self._append(entry, origin)]
            return newest[0]

        with self._lock:
            with self._db.write(sync=sync):
                yield append
            for entry in newest:
                line = AnchorLine(self._journal_id, entry.seq, entry.digest)
                self._anchor.advance(line, sync=sync)

    def _read_of_object(
        self,
        persona_id: str,
        clauses: str,
        values: Sequence[Any] = (),
        *,
        bodies: bool = False,
    ) -> list[JournalEntry]:
        """Return the entries about an object that belong to this account."""
        condition, scope = self._select_object(persona_id)
        return self._read(f"{condition} {clauses}", (*scope, *values), bodies=bodies)

    def _select_object(self, persona_id: str) -> tuple[str, tuple[str, ...]]:
        """Return the condition of ``_read_of_object``, in SQL, with its values."""
        if not self._own:
            return "WHERE e.persona_id = ?", (persona_id,)
        is_own, accounts = build_scope_condition(self._own)
        return f"WHERE e.persona_id = ? AND {is_own}", (persona_id, *accounts)

    def _read_own(self, condition: str, values: Sequence[Any], limit: int) -> list[JournalEntry]:
        """Return the newest entries of this account that meet a condition, newest first."""
        marks = ", ".join("?" * len(self._own))
        scope = f"AND e.account IN ({marks})" if marks else ""
        clauses = f"WHERE {condition} {scope} ORDER BY e.seq DESC LIMIT ?"
        return self._read(clauses, (*values, *self._own, limit))

    def _read(
        self, clauses: str, values: Sequence[Any] = (), *, bodies: bool = False
    ) -> list[JournalEntry]:
        with self._lock:
            return list(rows.read_entries(self._db, clauses, values, bodies=bodies))


def _renew_anchor(db: Database) -> None:
    """Add a line to the anchor unless its last one is of this journal and agrees with it."""
    last = anchor.read_or_set_aside(db.anchor_base)[-1:]
    with db.snapshot():
        (journal_id,) = db.execute("SELECT journal_id FROM identity").fetchone()
        seq, digest = db.execute("SELECT seq, digest FROM head").fetchone()
        is_valid = bool(last) and is_held(db, last[0])
    if is_valid:
        return
    if last:
        _logger.warning(
            "The journal %s does not hold the %d entries that its anchor names: it was deleted, "
            "replaced or cut off. The command tavus-mcp journal verify tells more.",
            db.name,
            last[0].seq,
        )
    anchor.append_line(db.anchor_base, AnchorLine(journal_id, seq, digest))
