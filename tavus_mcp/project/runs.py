"""The runs of a project in the journal: each apply and each undo of one is a run.

A run is an entry of the kind of plans. The intents of its writes refer to it, and so does the entry
of a run that continues it after an interruption, so that all of them can be found and undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, JournalUnavailable, Refused, UnknownPlan
from tavus_mcp.history.record import WriteOrigin, may_be_under_way
from tavus_mcp.journal.entry import REFUSED, JournalEntry, plan_id_of
from tavus_mcp.models.base import JsonObject, map_texts
from tavus_mcp.personas import plans
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.objects import TOOL
from tavus_mcp.project.state import ObjectState, parse_object

OBJECT = "object"
"""The member of an intent's detail that names the object of the project; a stored key."""
CONFLICTS = "conflicts"
"""The member of an item with the merge bases of conflicts that were settled; a stored key."""
STATE = "state"
"""The member of an item with the state of its object before the run; a stored key."""
MAX_LISTED_RUNS = 50
_RUNS_PER_LISTED = 20
"""Entries that are read for each run to list: a journal may hold the runs of other projects."""
_MAX_SIMULTANEOUS_RUNS = 20
_ENDED = "ended"
"""The status of the ``used`` entry of a run that came to its end; a stored value."""


@dataclass(frozen=True)
class Run:
    """A run: its id, its entry, and what it was to do.

    ``items`` holds for each object the action and the fields of its file.
    """

    entry: JournalEntry

    @property
    def run_id(self) -> str:
        """The id, as people and ``apply_plan`` name it."""
        return plan_id_of(self.entry)

    @property
    def environment(self) -> str:
        """The environment that was changed."""
        return str(self.entry.detail.get("environment", ""))

    @property
    def state_id(self) -> str:
        """The id of the state whose objects were changed."""
        return str(self.entry.detail.get("state", ""))

    @property
    def folder_id(self) -> str:
        """The id of the folder in which it was carried out, empty for a run of an older version."""
        return str(self.entry.detail.get("folder", ""))

    @property
    def undo_of(self) -> str:
        """The id of the run that this one undoes, or an empty string."""
        return str(self.entry.detail.get("undo_of", ""))

    @property
    def items(self) -> Sequence[JsonObject]:
        """The planned items."""
        rows: Sequence[JsonObject] = self.entry.detail.get("items", [])
        return rows

    def file_fields(self, name: ObjectName) -> JsonObject | None:
        """Return the fields of an object's file when the run was planned, or None."""
        rows = (row for row in self.items if row["object"] == str(name) and "file" in row)
        return next((row["file"] for row in rows), None)

    def secret_values(self, name: ObjectName) -> JsonObject:
        """Return what an object's file named as secrets before the run, by pointer."""
        rows = (row for row in self.items if row["object"] == str(name))
        return next((row.get("secrets", {}) for row in rows), {})

    def settled_conflicts(self, name: ObjectName) -> JsonObject:
        """Return the merge bases of an object's conflicts that the run settled, by pointer."""
        rows = (row for row in self.items if row["object"] == str(name))
        return next((row.get(CONFLICTS, {}) for row in rows), {})

    def state_before(self, name: ObjectName) -> ObjectState | None:
        """Return the state of an object that the run created or deleted against the account.

        None for other objects.
        """
        rows = (row for row in self.items if row["object"] == str(name) and STATE in row)
        return next((parse_object(row[STATE]) for row in rows), None)

    def origin(self, name: ObjectName) -> WriteOrigin:
        """Return what the writes of an object belong to."""
        return WriteOrigin(self.entry.seq, {OBJECT: str(name)})


@dataclass(frozen=True)
class RunWrite:
    """One write of a run: the entry of the run, its intent, and its outcome if there is one."""

    run: Run
    name: ObjectName
    intent: JournalEntry
    outcome: JournalEntry | None = field(default=None)

    @property
    def is_creation(self) -> bool:
        """True if the write created an object."""
        return not self.intent.revision


async def start_run(app: App, detail: JsonObject, continues: Run | None = None) -> Run:
    """Record that a run starts, and return it."""
    stored: JsonObject = {
        "kind": plans.PROJECT,
        "base": "",
        "expires_at": (app.clock() + plans.PLAN_LIFETIME).isoformat(timespec="seconds"),
        "held": [],
        # texts at the places of secrets stay otherwise: in files they are references
        **map_texts(detail, app.masker.mask_text),
    }
    ref = continues.entry.seq if continues else 0
    entry = JournalEntry("plan", "", app.now(), TOOL, detail=stored, ref=ref)
    return Run(await app.journal.append(entry))


async def find_newest_entry(app: App) -> int:
    """Return the number of the newest entry in the journal; 0 without one."""
    return await app.journal.newest_seq() if app.journal.may_exist else 0


async def require_sole_run(app: App, run: Run, since: int) -> None:
    """Raise ``Conflict`` if another run of the same objects is under way elsewhere.

    So is one that ended after the entry ``since``, or began after it and before this one. Servers
    and commands on several machines may share a journal. Each records its run before it looks for
    others, so that of two at once the second one sees the first. A run that is refused is
    marked, so that it is not listed, and does not count as an undo that was done.
    """
    names, roots = {row["object"] for row in run.items}, set()
    for entry in await app.journal.plans_of_tool(TOOL, _MAX_SIMULTANEOUS_RUNS):
        rival, root = Run(entry), entry.ref or entry.seq
        is_rival = rival.state_id == run.state_id or names & {row["object"] for row in rival.items}
        if entry.seq >= run.entry.seq or not is_rival:
            continue
        if entry.seq > since:
            reason = "after this plan was made."
        elif root not in roots and await _was_under_way_elsewhere(app, rival, run, since):
            reason = (
                "and it had not ended when this plan was made. Wait until it ends. If it was "
                "interrupted, continue it where it was started, or wait two minutes."
            )
        else:
            roots.add(root)
            continue
        await _mark_used(app, run, REFUSED)
        raise Conflict(
            f"{entry.author or 'Someone'} began {rival.run_id} on environment "
            f"{rival.environment!r} {reason} Nothing was sent. Take over the state that it commits "
            "(git pull), then run the command again."
        )


async def _was_under_way_elsewhere(app: App, rival: Run, run: Run, since: int) -> bool:
    """Tell whether a run may not have ended by an entry; in one folder there is one at a time."""
    if rival.folder_id in ("", run.folder_id):
        return False
    if end := await find_end(app, rival):
        return end > since
    entries = [rival.entry, *await app.journal.descendants(rival.entry.seq)]
    return may_be_under_way(app, entries[-1])


async def mark_ended(app: App, run: Run) -> None:
    """Record that a run came to its end, so that it is not chosen again, and others may begin.

    Without this record, where the journal cannot be written, others wait for some minutes, and an
    undo is done once more, which changes nothing.
    """
    await _mark_used(app, run, _ENDED)


async def _mark_used(app: App, run: Run, status: str) -> None:
    plan = plans.Plan(plans.PROJECT, TOOL, "", "", {}, seq=run.entry.seq)
    with suppress(JournalUnavailable):
        await plans.mark_used(app, plan, status=status)


async def find_end(app: App, run: Run) -> int | None:
    """Return the number of the entry that records the end of a run, None if it did not end."""
    entries = await app.journal.descendants(run.entry.seq)
    ends = (entry.seq for entry in entries if entry.kind == "used" and entry.ref == run.entry.seq)
    return next(ends, None)


async def load_run(app: App, run_id: str) -> Run:
    """Return a run by its id; raise ``UnknownPlan`` if the journal holds none."""
    plan = await plans.load_plan(app, run_id)
    entry = await app.journal.entry(plan.seq)
    if entry is None or plan.kind != plans.PROJECT or plan.tool != TOOL:
        raise UnknownPlan(f"{run_id} is no run of a project.")
    return Run(entry)


async def list_runs(app: App, state_id: str) -> list[Run]:
    """Return the runs of an environment of a project, newest first, without continuations."""
    entries = await app.journal.plans_of_tool(TOOL, MAX_LISTED_RUNS * _RUNS_PER_LISTED)
    runs = [Run(entry) for entry in entries if not entry.ref]
    return [run for run in runs if run.state_id == state_id][:MAX_LISTED_RUNS]


async def list_undos(app: App, runs: Sequence[Run]) -> list[Run]:
    """Return those of some runs that are undos and came to their end."""
    return [run for run in runs if run.undo_of and await find_end(app, run) is not None]


async def list_interrupted_undos(app: App, runs: Sequence[Run]) -> list[Run]:
    """Return those of some runs that are undos without an end, unless another one completed them.

    The same undo completes them.
    """
    done = await list_undos(app, runs)
    undone = {run.undo_of for run in done}
    return [run for run in runs if run.undo_of and run not in done and run.undo_of not in undone]


async def find_open_run(app: App, run_id: str) -> Run | None:
    """Return the run that a state names as not ended, None if this journal does not hold it."""
    try:
        return await load_run(app, run_id) if run_id else None
    except Refused:
        return None


async def load_writes(app: App, run: Run) -> list[RunWrite]:
    """Return the writes of a run and of those that continued it, oldest first."""
    runs = {run.entry.seq: run}
    writes: dict[int, RunWrite] = {}
    for entry in await app.journal.descendants(run.entry.seq):
        if entry.kind == "plan":
            runs[entry.seq] = Run(entry)
        elif entry.kind == "intent" and entry.ref in runs and OBJECT in entry.detail:
            name = ObjectName.parse(entry.detail[OBJECT])
            writes[entry.seq] = RunWrite(runs[entry.ref], name, entry)
        elif entry.kind == "outcome" and entry.ref in writes:
            write = writes[entry.ref]
            writes[entry.ref] = RunWrite(write.run, write.name, write.intent, entry)
    return list(writes.values())
