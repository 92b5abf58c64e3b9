"""One line of the journal, and how lines are chained so that none can be altered unseen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Literal

from tavus_mcp.models.base import JsonObject

Kind = Literal["seen", "intent", "outcome", "plan", "used"]
"""``seen``: a persona as it was found; ``intent`` and ``outcome``: before and after a request;
``plan`` and ``used``: a change that was computed, and that it was carried out."""

GENESIS = "0" * 64
"""What the first line of a journal names as the line before it."""


@dataclass(frozen=True)
class JournalEntry:
    """What is written down; ``seq``, ``parent`` and ``digest`` are given when it is appended."""

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

    @property
    def body_digest(self) -> str:
        """The hash of the document that this line holds, or an empty string."""
        return hashlib.sha256(self.body.encode()).hexdigest() if self.body else ""

    def with_position(self, seq: int, parent: str) -> JournalEntry:
        """Return this line at its place behind the line whose digest is ``parent``."""
        placed = replace(self, seq=seq, parent=parent)
        return replace(placed, digest=digest_of(placed, placed.body_digest))


def digest_of(entry: JournalEntry, body_digest: str) -> str:
    """Return the hash of a line: of everything it says, its document, and the line before."""
    said = [
        entry.seq,
        entry.parent,
        entry.kind,
        entry.persona_id,
        entry.at,
        entry.tool,
        entry.status,
        entry.revision,
        list(entry.paths),
        entry.ref,
        entry.detail,
        body_digest,
    ]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plan_id_of(entry: JournalEntry) -> str:
    """Return the id of the plan that a line of the journal holds."""
    return f"plan-{entry.seq}-{entry.digest[:8]}"
