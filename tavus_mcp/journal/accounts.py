"""The accounts that a journal knows: base URL, hashes of keys, label.

A key belongs to one account; several keys may belong to the same one, which is found out when a
user persona of one is there with the key of the other. Accounts that turned out to be one keep
their ids, because entries name them; ``same_as`` points to the one that stands for all.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tavus_mcp.journal.database import Database
from tavus_mcp.text import render_name

UNKNOWN = ""
"""The account of entries of version 0.1, which did not record one."""
_FINGERPRINT_DIGITS = 32
_ACCOUNT_ID_DIGITS = 16
_IS_ACCEPTED = "status IN ('applied', 'unverified', 'drafted')"
"""The condition for an outcome that Tavus accepted as a write."""


@dataclass(frozen=True)
class Credentials:
    """What this process uses an account with; ``label`` is a name for people.

    ``has_own_journal`` is set for the embedded sandbox: no other account writes into its file, so
    that entries without an account are its own.
    """

    base_url: str
    key: str = field(repr=False)
    label: str = ""
    has_own_journal: bool = False

    def fingerprint(self, salt: str) -> str:
        """Return a hash that identifies base URL and key within one journal."""
        text = f"{normalize_url(self.base_url)}\n{self.key}"
        digest = hmac.new(salt.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return digest.hexdigest()[:_FINGERPRINT_DIGITS]


@dataclass(frozen=True)
class Account:
    """An account: its base URL, which is empty if it is unknown, and its label if it has one."""

    base_url: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        label = render_name(self.label)
        return f"{label} ({self.base_url})" if label else self.base_url


def normalize_url(url: str) -> str:
    """Return a base URL as it is compared."""
    return url.rstrip("/").lower()


class AccountTable:
    """The tables of accounts in the database of a journal; the caller holds the lock."""

    def __init__(self, db: Database) -> None:
        self._db = db
        (self._salt,) = db.execute("SELECT salt FROM identity").fetchone()

    def register(self, credentials: Credentials) -> tuple[str, ...]:
        """Return the ids of the account of a key, the one that stands for all first.

        A key that is new gets an account of its own. A changed label is stored.
        """
        fingerprint = credentials.fingerprint(self._salt)
        account_id = fingerprint[:_ACCOUNT_ID_DIGITS]
        row = self._db.execute(
            "SELECT account FROM account_keys WHERE fingerprint = ?", (fingerprint,)
        ).fetchone()
        if row is None:
            with self._db.write():
                self._db.execute(
                    "INSERT INTO accounts (id, base_url, label) VALUES (?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    (account_id, normalize_url(credentials.base_url), credentials.label),
                )
                self._db.execute(
                    "INSERT INTO account_keys VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (fingerprint, account_id),
                )
        ids = self.group_of(row[0] if row else account_id)
        if credentials.label and self.find(ids[0]).label != credentials.label:
            with self._db.write():
                self._db.execute(
                    "UPDATE accounts SET label = ? WHERE id = ?", (credentials.label, ids[0])
                )
        return ids

    def group_of(self, account_id: str) -> tuple[str, ...]:
        """Return the ids that turned out to be one account, the one that stands for all first."""
        row = self._db.execute(
            "SELECT same_as FROM accounts WHERE id = ?", (account_id,)
        ).fetchone()
        root = row[0] if row and row[0] else account_id
        others = self._db.execute("SELECT id FROM accounts WHERE same_as = ?", (root,)).fetchall()
        return (root, *(other for (other,) in others))

    def find(self, account_id: str) -> Account:
        """Return an account, with an empty base URL if it is unknown."""
        row = self._db.execute(
            "SELECT base_url, label FROM accounts WHERE id = ?", (self.group_of(account_id)[0],)
        ).fetchone()
        return Account(*row) if row else Account()

    def merge(self, account_id: str, into: str) -> None:
        """Record that two accounts are the same one; ``into`` stands for both from now on."""
        root, target = self.group_of(account_id)[0], self.group_of(into)[0]
        if root != target:
            with self._db.write():
                self._db.execute(
                    "UPDATE accounts SET same_as = ? WHERE id = ? OR same_as = ?",
                    (target, root, root),
                )

    def owners_of(self, persona_id: str) -> set[str]:
        """Return the accounts with entries about an object; those that adopted it are among them.

        ``UNKNOWN`` is among them while nobody has adopted the entries without an account.
        """
        owners = set(self._iterate_owners(persona_id))
        return owners - {UNKNOWN} if self.adopters_of(persona_id) else owners

    def adopters_of(self, persona_id: str) -> set[str]:
        """Return the accounts to which the entries about an object without an account belong."""
        query = "SELECT account FROM entries WHERE persona_id = ? AND kind = 'adopt'"
        return {account for (account,) in self._db.execute(query, (persona_id,))}

    def user_personas(self, accounts: Collection[str]) -> list[str]:
        """Return personas that the journal knows to be there in these accounts, newest first.

        Only those count that were created or changed, which is impossible for stock personas:
        every account has them. A deleted persona does not count either.
        """
        places = ", ".join("?" * len(accounts))
        query = (
            "SELECT persona_id FROM entries WHERE revision != '' AND seq IN"  # noqa: S608
            f" (SELECT max(seq) FROM entries WHERE account IN ({places}) AND kind = 'outcome'"
            f" AND {_IS_ACCEPTED} AND object_kind = 'persona' AND persona_id != ''"
            " GROUP BY persona_id) ORDER BY seq DESC"
        )
        return [persona_id for (persona_id,) in self._db.execute(query, tuple(accounts))]

    def is_user_persona(self, persona_id: str) -> bool:
        """Tell whether a persona was created or changed, in whichever account."""
        query = (
            "SELECT 1 FROM entries WHERE persona_id = ? AND kind = 'outcome'"  # noqa: S608
            f" AND {_IS_ACCEPTED} LIMIT 1"
        )
        return self._db.execute(query, (persona_id,)).fetchone() is not None

    def unowned_objects(self) -> list[str]:
        """Return the objects with entries without an account that nobody has adopted."""
        query = (
            "SELECT DISTINCT e.persona_id FROM entries e WHERE e.account = '' AND NOT EXISTS"
            " (SELECT 1 FROM entries a WHERE a.persona_id = e.persona_id AND a.kind = 'adopt')"
        )
        return [persona_id for (persona_id,) in self._db.execute(query)]

    def scope_of(self, persona_id: str, own: Sequence[str]) -> tuple[str, ...]:
        """Return the accounts whose entries about an object belong to the account ``own``."""
        is_adopted = not self.adopters_of(persona_id).isdisjoint(own)
        return (*own, UNKNOWN) if is_adopted else tuple(own)

    def _iterate_owners(self, persona_id: str) -> Iterator[str]:
        """Yield each account once, by one step in the index for each."""
        query = "SELECT min(account) FROM entries WHERE persona_id = ? AND account {} ?"
        row = self._db.execute(query.format(">="), (persona_id, UNKNOWN)).fetchone()
        while row[0] is not None:
            yield row[0]
            row = self._db.execute(query.format(">"), (persona_id, row[0])).fetchone()


def build_scope_condition(own: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the SQL condition, with its values, for entries ``e`` that are in the scope.

    An expression keeps SQLite from taking another index than that of the numbers.
    """
    marks = ", ".join("?" * len(own))
    condition = (
        f"(e.account || '' IN ({marks}) OR (e.account || '' = '' AND EXISTS"  # noqa: S608
        " (SELECT 1 FROM entries a WHERE a.persona_id = e.persona_id AND a.kind = 'adopt'"
        f" AND a.account IN ({marks}))))"
    )
    return condition, (*own, *own)
