"""One entry of the journal, and the hash chain that makes an altered entry detectable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

from tavus_mcp.models.base import JsonObject

REFUSED = "refused"
"""The status of the ``used`` entry of a plan of which nothing was sent; a stored value."""
Kind = Literal["seen", "intent", "outcome", "plan", "used", "adopt", "erase"]
"""``seen``: an object as it was read; ``intent`` and ``outcome``: before and after a write;
``plan`` and ``used``: a computed change, and the start of carrying it out; ``adopt``: entries of
the object without an account belong to this one; ``erase``: contents of entries were removed."""

ERASED = "erased"
"""The member of the detail of an ``erase`` entry: pairs of an entry's number and the digest of what
was left of it; a stored key."""

GENESIS = "0" * 64
"""The parent that the first entry of a journal names."""
DIGEST_FORMAT = 2
"""The format of the digests of new entries; 1 was that of version 0.1."""


@dataclass(frozen=True)
class JournalEntry:
    """One entry; ``seq``, ``parent`` and ``digest`` are set when it is appended.

    ``persona_id`` names the object: the bare id of a persona, else KIND/ID. ``ref`` is the number
    of the entry that it refers to: of an outcome its intent, of an intent the ``used`` entry of its
    plan. ``body`` is the canonical JSON of the object, without secrets; ``masked`` are the JSON
    Pointers of what is masked in it, None when that was not recorded. ``revision`` is what people
    see of ``revision_digest``, which is empty in entries of version 0.1, as are ``account`` and
    ``author``.
    """

    kind: Kind
    persona_id: str
    at: str
    tool: str = ""
    status: str = ""
    revision: str = ""
    paths: tuple[str, ...] = ()
    ref: int = 0
    detail: JsonObject = field(default_factory=dict)
    body: str = ""
    seq: int = 0
    parent: str = GENESIS
    digest: str = ""
    revision_digest: str = ""
    masked: tuple[str, ...] | None = None
    account: str = ""
    author: str = ""
    format: int = DIGEST_FORMAT

    @property
    def object_kind(self) -> str:
        """The kind of the object: ``persona``, ``tool`` and so on."""
        return split_journal_id(self.persona_id)[0]

    @property
    def object_id(self) -> str:
        """The id of the object in its account, empty before it is created."""
        return split_journal_id(self.persona_id)[1]

    @cached_property
    def body_digest(self) -> str:
        """The hash of the stored body, or an empty string."""
        return hashlib.sha256(self.body.encode()).hexdigest() if self.body else ""

    @property
    def is_intact(self) -> bool:
        """True if the entry, read with its body, has the digest that it was written with."""
        return self.digest == digest_of(self, self.body_digest)

    def with_position(self, seq: int, parent: str, **origin: str) -> JournalEntry:
        """Return this entry with its number and digest, after the entry with digest ``parent``.

        ``origin`` are members that it does not have yet: its account and author.
        """
        values = {name: getattr(self, name) for name in _FIELDS}
        values |= {"seq": seq, "parent": parent, **origin}
        values["digest"] = _digest_of_values(values, self.body_digest)
        return JournalEntry(**values)


_FIELDS = tuple(member.name for member in fields(JournalEntry))


# fmt: off
_HASHED_FIELDS = (
    "seq", "parent", "kind", "persona_id", "at", "tool", "status", "revision", "paths", "ref",
    "detail",
)
# fmt: on
"""The fields in a digest, in their order there; never changed, as it would void every journal."""
_HASHED_FIELDS_SINCE_2 = (
    *_HASHED_FIELDS,
    *("revision_digest", "masked", "account", "author", "format"),
)
"""The fields in a digest of format 2, in their order there; never changed either."""


def digest_of(entry: JournalEntry, body_digest: str) -> str:
    """Return the hash over all fields of an entry, its body and its parent, in its format."""
    return _digest_of_values(vars(entry), body_digest)


def _digest_of_values(values: Mapping[str, Any], body_digest: str) -> str:
    names = _HASHED_FIELDS if values["format"] == 1 else _HASHED_FIELDS_SINCE_2
    text = _encode([*(values[name] for name in names), body_digest])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def split_journal_id(journal_id: str) -> tuple[str, str]:
    """Return the kind and the id of an object from its id in the journal: KIND/ID, or a bare ID."""
    kind, slash, object_id = journal_id.rpartition("/")
    return (kind if slash else "persona"), object_id


def plan_id_of(entry: JournalEntry) -> str:
    """Return the id of the plan that an entry holds."""
    return f"plan-{entry.seq}-{entry.digest[:8]}"
