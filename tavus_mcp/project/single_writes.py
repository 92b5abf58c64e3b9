"""Changes of personas of a project that no run made: by commands on one persona, and assistants.

``history`` lists them beside the runs, and ``undo`` without a name does not pass over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.history.record import DELETIONS
from tavus_mcp.history.revivals import REVIVED_AS, REVIVES, iter_revivals
from tavus_mcp.history.states import find_state
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.models.receipt import LIVE_STATUSES
from tavus_mcp.project.kinds import PERSONA, ObjectName
from tavus_mcp.project.objects import TOOL
from tavus_mcp.project.runs import Run, find_end
from tavus_mcp.project.state import EnvironmentState
from tavus_mcp.text import join_first

_MAX_READ_OUTCOMES = 1000
_MAX_NAMED_WRITES = 5


@dataclass(frozen=True)
class SingleWrite:
    """A change of one persona outside of runs, with its outcome in the journal."""

    name: ObjectName
    outcome: JournalEntry

    @property
    def action(self) -> str:
        """What was done with the persona."""
        if self.outcome.tool in DELETIONS:
            return "deleted"
        return "brought back" if REVIVES in self.outcome.detail else "changed"


async def list_single_writes(
    app: App, state: EnvironmentState, runs: Sequence[Run], since: int = 0
) -> list[SingleWrite]:
    """Return the single writes after an entry of the journal, newest first.

    ``runs`` are those of the environment, newest first: what was written while one of them undid
    another belongs to it. An undo that was interrupted ends with the next run at the latest.
    """
    outcomes = await app.journal.outcomes_without_plan(TOOL, since, _MAX_READ_OUTCOMES)
    names = _name_ids(state, outcomes)
    undos: list[tuple[int, int | None]] = []
    next_seq: int | None = None
    for run in runs:
        if run.undo_of:
            undos.append((run.entry.seq, await find_end(app, run) or next_seq))
        next_seq = run.entry.seq
    return [
        SingleWrite(names[outcome.persona_id], outcome)
        for outcome in outcomes
        if outcome.persona_id in names
        and outcome.status in LIVE_STATUSES
        and REVIVED_AS not in outcome.detail
        and not any(
            start < outcome.seq and (end is None or outcome.seq < end) for start, end in undos
        )
    ]


async def without_undone_deletions(app: App, writes: Sequence[SingleWrite]) -> list[SingleWrite]:
    """Return writes without deletions that were undone, and without their undos.

    Both together changed nothing but an id, if the persona came back as it was.
    """
    deletions = {
        write.outcome.persona_id: write for write in writes if write.outcome.tool in DELETIONS
    }
    undone: set[int] = set()
    for write in writes:
        deletion = deletions.get(write.outcome.detail.get(REVIVES, ""))
        if deletion is not None and await _is_as_before(app, deletion, write):
            undone |= {deletion.outcome.seq, write.outcome.seq}
    return [write for write in writes if write.outcome.seq not in undone]


async def _is_as_before(app: App, deletion: SingleWrite, revival: SingleWrite) -> bool:
    """Tell whether a persona came back with the fields that it had when it was deleted."""
    intent = await app.journal.entry(deletion.outcome.ref)
    outcome = revival.outcome
    try:
        before = await find_state(app, intent.persona_id, intent.revision) if intent else None
        after = await find_state(app, outcome.persona_id, outcome.revision)
    except Refused:  # an altered entry: the change counts
        return False
    if before is None or after is None:
        return False
    return before.writable_fields() == after.writable_fields()


def undo_command(write: SingleWrite) -> str:
    """Return the words of the command that takes a write back, if it is the newest of a persona."""
    verb = "delete" if REVIVES in write.outcome.detail else "undo"
    return f"{verb} {write.name.name}"


def _name_ids(state: EnvironmentState, outcomes: Sequence[JournalEntry]) -> dict[str, ObjectName]:
    """Return the personas of a state by their ids, also those before and after a deletion."""
    names = {item.object_id: name for name, item in state.objects.items() if name.kind is PERSONA}
    pairs = list(iter_revivals(outcomes))
    for old_id, new_id in reversed(pairs):  # oldest first
        if old_id in names:
            names.setdefault(new_id, names[old_id])
    for old_id, new_id in pairs:
        if new_id in names:
            names.setdefault(old_id, names[new_id])
    return names


def describe_single_writes(writes: Sequence[SingleWrite]) -> str:
    """Return what was done to which personas, newest first, each once."""
    texts = list(dict.fromkeys(f"{write.name} {write.action}" for write in writes))
    return join_first(texts, _MAX_NAMED_WRITES)
