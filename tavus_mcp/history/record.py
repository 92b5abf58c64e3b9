"""Record every write in the journal: the intent before it is sent, the outcome afterwards.

An intent without an outcome is left by a process that was killed in between; ``revisions`` infers
what became of it. Nothing here knows personas: any object of an account can be recorded.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

import anyio

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, JournalUnavailable, TavusError, ToolFailure, Unavailable
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import Document, ObjectKind, PersonaDocument
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import Operation, get_at, outermost_list, pointer_tokens

EXTERNAL_CHANGE = "elsewhere"
"""The tool named for a change that was not made through this journal; a stored value."""
READ_AGAIN = "read"
"""The tool named for a state that was recorded already, by an older version; a stored value."""
EXPECTED_VALUES = "wanted"
"""The member of an intent's detail that maps changed paths to their new values; a stored key."""
DELETIONS = frozenset({"delete_persona", "delete_part"})
"""The tools that delete an object; stored values."""
MAX_WRITE_AGE = timedelta(minutes=2)
"""A write without an outcome that is older than this is not under way any more."""
NOT_READ_BACK = "not-read-back"
"""The rule of the finding for a write that was accepted and could not be read back."""


@dataclass(frozen=True)
class WriteOrigin:
    """What a write belongs to: the number of a journal entry, such as a run, 0 without one.

    ``detail`` is stored with the intent and the outcome of the write.
    """

    seq: int = 0
    detail: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class WriteIntent:
    """A write that is about to be sent.

    ``before`` is the object as it was read, None for a creation. ``operations`` lead from it to
    the fields ``after``. ``used_seq`` is the number of the journal entry that marked the plan of
    this write as used, 0 without a plan. ``detail`` is stored with the intent and the outcome.
    """

    kind: ObjectKind
    tool: str
    before: Document | None = None
    operations: Sequence[Operation] = ()
    after: JsonObject = field(default_factory=dict)
    used_seq: int = 0
    detail: JsonObject = field(default_factory=dict)


@dataclass
class RecordedWrite:
    """A write whose intent is recorded, and what is known of it since.

    ``lost_response`` is set when no usable answer came, so that the write may have taken effect or
    not. ``mismatches`` are findings on what was read back; ``is_read_back`` is False until the
    object was read.
    """

    app: App
    intent: JournalEntry
    lost_response: Unavailable | None = None
    mismatches: list[RuleFinding] = field(default_factory=list)
    is_read_back: bool = False

    @contextmanager
    def read_back(self, hint: str) -> Iterator[None]:
        """Read the object in this block, and set ``mismatches``; ``hint`` names the tool to read.

        An error of Tavus ends the block and becomes a finding: the write itself was accepted. A
        block, not a callback, keeps the number of frames between a tool and the request small.
        """
        try:
            yield
            self.is_read_back = True
        except TavusError as error:
            self.mismatches = [
                warning(
                    NOT_READ_BACK,
                    f"Tavus accepted the write, but reading it back failed: {error}",
                    hint=hint,
                )
            ]

    async def record_outcome(
        self, status: str, current: Document | None = None
    ) -> list[RuleFinding]:
        """Record what became of the write; see the function of the same name."""
        return await record_outcome(self.app, self.intent, status, current)

    async def record_conflict(self, status: Literal["failed", "unknown"], message: str) -> Conflict:
        """Record a write without a certain effect; return the error to raise."""
        await self.record_outcome(status)
        conflict = Conflict(message)
        conflict.__cause__ = self.lost_response
        return conflict


@asynccontextmanager
async def recorded_write(app: App, intent: WriteIntent) -> AsyncIterator[RecordedWrite]:
    """Record an intent, run the block that sends it, and record how the sending ended.

    A refusal is recorded as ``failed`` and raised. A cancellation leaves the write pending, for
    the next read of the object to report. An answer that never came ends the block; the caller
    finds ``lost_response`` set. The outcome of an accepted write is recorded by the caller, which
    can verify it. Raises ``JournalUnavailable``, before the block, when nothing can be recorded.
    """
    app.masker.mask_during_call([operation.to_json() for operation in intent.operations])
    write = RecordedWrite(app, await _append_intent(app, intent))
    try:
        yield write
    except anyio.get_cancelled_exc_class():
        if intent.before is not None:
            app.cancelled_writes[write.intent.persona_id] = write.intent
        else:
            app.lost_creations.add(write.intent)
        raise
    except Unavailable as error:
        write.lost_response = error
    except ToolFailure:
        await write.record_outcome("failed")
        raise


async def _append_intent(app: App, intent: WriteIntent) -> JournalEntry:
    """Record an intent, after the state before it unless that was recorded last."""
    entry, before = _build_intent_entry(app, intent), intent.before
    if before is None:
        return await app.journal.append(entry)
    build_observed = partial(_build_observed_entry, app, before, entry.at)
    return await app.journal.append_intent(before.journal_id, entry, before.digest, build_observed)


async def record_observed(app: App, current: Document) -> None:
    """Record an object as it was read, unless this state of it was recorded last.

    If it was recorded last by version 0.1, it is recorded again under its digest and with the
    fields that version did not read; that is no change of it.
    """
    known = await app.journal.latest_entry(current.journal_id)
    if known is None or known.revision_digest != current.digest:
        await app.journal.append(_build_observed_entry(app, current, app.now(), known))


def _build_observed_entry(
    app: App, current: Document, at: str, known: JournalEntry | None
) -> JournalEntry:
    """Return the entry for an object as it was read; ``known`` is its latest state before."""
    is_known = known is not None and is_state_of(known, current)
    tool = READ_AGAIN if is_known else EXTERNAL_CHANGE
    return _with_state(app, JournalEntry("seen", "", at, tool, "seen"), current)


def may_be_under_way(app: App, intent: JournalEntry) -> bool:
    """Tell whether another process may still wait for the answer to a write.

    One that is dated much later than now was written before the clock was set back.
    """
    return abs(app.clock() - datetime.fromisoformat(intent.at)) < MAX_WRITE_AGE


def is_state_of(entry: JournalEntry, current: Document) -> bool:
    """Tell whether a journal entry holds the state that an object has now.

    An entry of version 0.1 is compared by the rules of that version, which read fewer fields.
    """
    if entry.revision_digest:
        return entry.revision_digest == current.digest
    return current.has_revision(entry.revision)


async def record_outcome(
    app: App, intent: JournalEntry, status: str, current: Document | None = None
) -> list[RuleFinding]:
    """Record what became of an intent; return a finding when that could not be written."""
    detail = {key: value for key, value in intent.detail.items() if key != EXPECTED_VALUES}
    entry = JournalEntry(
        "outcome", intent.persona_id, app.now(), intent.tool, status, ref=intent.seq, detail=detail
    )
    unrecorded = await append_or_report(app, _with_state(app, entry, current) if current else entry)
    if status != "failed":
        _notify_observers(app, intent, current)
    return unrecorded


def _notify_observers(app: App, intent: JournalEntry, current: Document | None) -> None:
    """Tell the observers of an ``App`` which object was written."""
    owner = current.journal_id if current else intent.persona_id
    document = current if isinstance(current, PersonaDocument) else None
    for observe in app.write_observers:
        observe(owner, document)


async def append_or_report(app: App, entry: JournalEntry) -> list[RuleFinding]:
    """Append an entry on a write that was carried out; return a finding when that failed."""
    try:
        await app.journal.append(entry)
    except JournalUnavailable as error:
        message = f"The write was carried out, but not recorded. {error.problem}"
        return [warning("not-recorded", message)]
    return []


def deletion_tool(kind: ObjectKind) -> str:
    """Return the tool that deletes an object of a kind."""
    return "delete_persona" if kind == "persona" else "delete_part"


def journal_id(kind: ObjectKind, object_id: str) -> str:
    """Return the id of an object in the journal: KIND/ID, or the bare ID of a persona.

    Journals hold the bare ids of personas since their first version; no id contains a slash.
    """
    return object_id if kind == "persona" else f"{kind}/{object_id}"


def _with_state(app: App, entry: JournalEntry, current: Document) -> JournalEntry:
    """Return an entry that stores an object; no secret of it may reach the disk."""
    masked = app.masker.mask_with_paths(current.stable_fields())
    body = json.dumps(masked.value, sort_keys=True, separators=(",", ":"))
    return replace(
        entry,
        persona_id=current.journal_id,
        revision=current.revision,
        revision_digest=current.digest,
        body=body,
        masked=masked.paths,
    )


def _build_intent_entry(app: App, intent: WriteIntent) -> JournalEntry:
    """Return the entry of an intent: its changed paths and values, with every secret masked.

    Of a changed list it holds the whole value, by which an edit of another item is recognised.
    """
    paths = tuple(item.path for item in intent.operations)
    before = intent.before
    known = before.stable_fields() if before else {}
    changed = dict.fromkeys(outermost_list(known, path) for path in paths)
    expected = {
        path: app.masker.mask_at(pointer_tokens(path), get_at(intent.after, path))
        for path in changed
    }
    return JournalEntry(
        kind="intent",
        persona_id=journal_id(intent.kind, before.object_id if before else ""),
        at=app.now(),
        tool=intent.tool,
        revision=before.revision if before else "",
        revision_digest=before.digest if before else "",
        paths=paths,
        ref=intent.used_seq,
        detail={EXPECTED_VALUES: expected, **intent.detail},
    )
