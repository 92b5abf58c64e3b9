"""The recorded states of an object: find the one that a text names, and compare with the live one.

A text is a revision as people see it, a longer part of the digest, or a revision of version 0.1
(``models.revision``). Everything that compares revisions asks here or ``PersonaDocument``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models import masking_v1
from tavus_mcp.models.document import Document, PartKindName, PersonaDocument
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.models.revision import SHORT_CHARS, shorten


async def find_state(app: App, persona_id: str, revision: str) -> Document | None:
    """Return the recorded state that a text names, or None.

    Raises ``Refused`` when several states have this revision, or the journal was altered there.
    """
    entries = await app.journal.states(persona_id, shorten(revision))
    named = [entry for entry in entries if has_revision(entry, revision)]
    _require_one_digest(persona_id, revision, (entry.revision_digest for entry in named))
    if not named:  # an id of another version for a state that is recorded under its own id
        states = await app.journal.states(persona_id)
        named = [entry for entry in states if parse_state(entry).has_revision(revision)]
    if not named:
        return None
    if not named[0].is_intact:
        raise Refused(
            f"Entry {named[0].seq} of the journal, which holds this revision of persona "
            f"{persona_id!r}, is not as it was written, so it is not used. Nothing was sent. "
            "The command tavus-mcp journal verify lists what was altered."
        )
    return parse_state(named[0])


async def is_at_revision(app: App, current: Document, revision: str) -> bool:
    """Tell whether a persona, as just read, is at the revision that a text names.

    Raises ``Refused`` when the journal holds several states of this revision.
    """
    if not current.has_revision(revision):
        return False
    if len(revision) > SHORT_CHARS or not current.digest.startswith(revision):
        return True
    digests = await app.journal.digests_of_revision(current.journal_id, revision)
    _require_one_digest(current.journal_id, revision, digests)
    return not digests or current.digest in digests


def has_revision(entry: JournalEntry, revision: str) -> bool:
    """Tell whether an entry stores, or led to, the state of a revision."""
    if entry.revision_digest:
        return entry.revision_digest.startswith(revision)
    return entry.revision == revision


def parse_state(entry: JournalEntry) -> Document:
    """Return the state that an entry stores."""
    body = dict(json.loads(entry.body))
    if entry.masked is None:
        masked = frozenset(masking_v1.find_masked_places(body))
    else:
        masked = frozenset(map(pointer_tokens, entry.masked))
    if entry.object_kind == "persona":
        return PersonaDocument(body, entry.revision, entry.revision_digest, masked)
    kind = cast("PartKindName", entry.object_kind)
    recorded = (entry.revision, entry.revision_digest, masked)
    return PartDocument(kind, entry.object_id, body, *recorded)


def _require_one_digest(persona_id: str, revision: str, digests: Iterable[str]) -> None:
    different = sorted(set(digests) - {""})
    if len(different) > 1:
        raise Refused(
            f"Persona {persona_id!r} had several states whose digests begin with {revision!r}. "
            f"Nothing was sent. Name one by its whole digest: {', '.join(different)}."
        )
