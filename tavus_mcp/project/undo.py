"""Undo a run of a project: every write of it, newest first, and nothing that came after.

An object or a field that somebody edited since is left as it is and reported as a conflict.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.errors import Conflict, Refused, ToolFailure
from tavus_mcp.history.record import EXPECTED_VALUES
from tavus_mcp.history.revivals import ReplacedIds
from tavus_mcp.models.findings import Finding
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.receipt import LIVE_STATUSES
from tavus_mcp.personas.restore import find_current
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import account_fields
from tavus_mcp.project.created_objects import CreatedObject
from tavus_mcp.project.kinds import PERSONA, ObjectName
from tavus_mcp.project.merge import MergeBase
from tavus_mcp.project.names import to_field_pointers
from tavus_mcp.project.objects import TOOL, UndoOptions, WriteOptions, WriteResult
from tavus_mcp.project.plan import Action
from tavus_mcp.project.runs import (
    Run,
    RunWrite,
    find_end,
    list_runs,
    list_undos,
    load_writes,
    mark_ended,
    require_sole_run,
    start_run,
)
from tavus_mcp.project.secret_names import resolve_secrets
from tavus_mcp.project.single_writes import (
    describe_single_writes,
    list_single_writes,
    undo_command,
    without_undone_deletions,
)
from tavus_mcp.project.state import EnvironmentState, ObjectState, load_folder_id, save_state
from tavus_mcp.project.sync import accept_account, restore_bases
from tavus_mcp.text import quote_paths

DELETION = "delete:"
"""What a line of ``describe_undo`` begins with if an object is deleted."""
_MAX_READ_OUTCOMES = 10_000
"""Outcomes since the run that are read to find what was brought back under other ids."""


@dataclass(frozen=True)
class UndoneWrite:
    """What became of undoing one write; ``error`` says why it was left.

    ``findings`` say what could not be restored with the rest.
    """

    name: ObjectName
    outcome: str
    object_id: str = ""
    error: ToolFailure | None = None
    findings: Sequence[Finding] = ()


@dataclass
class UndoResult:
    """The run that undid another one, and each write of that one, newest first."""

    run_id: str
    undone_run_id: str
    items: list[UndoneWrite] = field(default_factory=list)

    @property
    def errors(self) -> list[ToolFailure]:
        """Why writes were left."""
        return [item.error for item in self.items if item.error is not None]


async def choose_run(app: App, state: EnvironmentState) -> Run:
    """Return the newest run that is no undo and was not undone.

    One that was carried out without anything to take back is passed over. A run whose undo was
    interrupted is chosen again, so that its undo is completed. Raises ``Refused`` if there is none,
    and ``Conflict`` if a persona was changed since without a run, as it is not known then which of
    both is to be undone.
    """
    runs = await list_runs(app, state.state_id)
    undone = {run.undo_of for run in await list_undos(app, runs)}
    found = (run for run in runs if not run.undo_of and run.run_id not in undone)
    run = next(found, None)
    while run is not None and await _has_nothing_to_undo(app, run):
        run = next(found, None)
    later = await list_single_writes(app, state, runs, run.entry.seq if run else 0)
    later = await without_undone_deletions(app, later)
    environment = f"--env {state.environment}"
    newest = f"tavus-mcp {undo_command(later[0])} {environment}" if later else ""
    if run is not None and later:
        raise Conflict(
            f"Personas were changed outside of an apply since {run.run_id}: "
            f"{describe_single_writes(later)}. {newest} takes back the newest of these changes; "
            f"tavus-mcp undo {run.run_id} {environment} takes back the apply. Nothing was sent."
        )
    if run is not None:
        return run
    message = (
        f"The journal on this machine holds no apply of environment {state.environment!r} that "
        f"could be undone. tavus-mcp history {environment} lists the runs that it holds."
    )
    if later:
        message += (
            f" Personas were changed outside of an apply: {describe_single_writes(later)}. "
            f"{newest} takes back the newest of these changes."
        )
    raise Refused(message)


async def _has_nothing_to_undo(app: App, run: Run) -> bool:
    """Tell whether all of a run was done, and nothing of it can be taken back.

    So it is if it sent secrets or forgot objects alone. A run that was stopped before its first
    write, or whose writes failed, is not passed over: the person may mean that one.
    """
    writes = await load_writes(app, run)
    objects = {row["object"] for row in run.items if row["action"] != Action.FORGET}
    return (
        all(map(_is_unchanged, writes))
        and objects == {str(write.name) for write in writes}
        and await find_end(app, run) is not None
    )


def _is_unchanged(write: RunWrite) -> bool:
    return write.outcome is not None and write.outcome.status == "unchanged"


async def load_undoable_writes(app: App, state: EnvironmentState, run: Run) -> list[RunWrite]:
    """Return the writes of a run that may have had an effect, oldest first.

    Raises ``Refused`` when there are none, or the run belongs to another environment.
    """
    if run.environment != state.environment:
        raise Refused(f"{run.run_id} changed environment {run.environment!r}. Name it with --env.")
    all_writes = await load_writes(app, run)
    writes = [write for write in all_writes if _may_have_effect(write)]
    if not writes:
        raise Refused(
            f"{run.run_id} {_describe_no_effect(run, all_writes)} tavus-mcp undo RUN takes back "
            f"an earlier run; tavus-mcp history --env {state.environment} lists them."
        )
    return writes


def _describe_no_effect(run: Run, writes: Sequence[RunWrite]) -> str:
    """Return why nothing of a run can be taken back."""
    if any(map(_is_unchanged, writes)):
        sent = json.dumps([write.intent.detail.get(EXPECTED_VALUES) for write in writes])
        if MASK in sent:
            return "sent a secret, which cannot be taken back, and changed nothing else."
        return "sent values that changed nothing, so there is nothing to undo."
    if any(row["action"] == Action.FORGET for row in run.items):
        return (
            "made the project forget objects, which an undo does not change; tavus-mcp pull --all "
            "writes files for them again."
        )
    return "has written nothing, so there is nothing to undo."


def describe_undo(write: RunWrite) -> str:
    """Return what undoing a write does: it deletes, creates again or restores an object."""
    if write.is_creation:
        return f"{DELETION} {write.name}"
    if not write.intent.paths:
        return f"create again: {write.name}"
    return f"restore: {write.name} {quote_paths(write.intent.paths)}"


async def undo_run(
    app: App, folder: Path, state: EnvironmentState, run: Run, report_progress: ProgressCallback
) -> UndoResult:
    """Undo the writes of a run, and write the state.

    A write that cannot be undone does not stop the others. Raises ``Refused`` when the run wrote
    nothing, or belongs to another environment, and ``Conflict`` while another run is under way.
    """
    writes = await load_undoable_writes(app, state, run)
    detail = {
        "environment": state.environment,
        "state": state.state_id,
        "undo_of": run.run_id,
        "folder": load_folder_id(folder),
        "items": [{"object": str(write.name), "action": "undo"} for write in writes],
    }
    outcomes = await app.journal.outcomes_without_plan(TOOL, run.entry.seq, _MAX_READ_OUTCOMES)
    replaced_ids = ReplacedIds.from_outcomes(outcomes)
    undo = _Undo(app, await start_run(app, detail), state, replaced_ids)
    await require_sole_run(app, undo.run, undo.run.entry.seq)
    result = UndoResult(undo.run.run_id, run.run_id)
    progress = ProgressReporter(report_progress)
    try:
        for write in reversed(writes):
            result.items.append(await undo.undo_write(write))
            await progress.advance(len(writes))
        if undo.state.run == run.run_id:  # an apply that was interrupted is not continued now
            undo.state = replace(undo.state, run="")
        await mark_ended(app, undo.run)
    finally:
        save_state(folder, undo.state)
    return result


def _may_have_effect(write: RunWrite) -> bool:
    return write.outcome is None or write.outcome.status in LIVE_STATUSES


@dataclass
class _Undo:
    """The state of one undo."""

    app: App
    run: Run
    state: EnvironmentState
    replaced_ids: ReplacedIds

    async def undo_write(self, write: RunWrite) -> UndoneWrite:
        """Undo one write; an error becomes part of the result."""
        try:
            return await self._undo(write)
        except ToolFailure as error:
            return UndoneWrite(write.name, "left", error=error)

    async def _undo(self, write: RunWrite) -> UndoneWrite:
        adapter = ADAPTERS[write.name.folder]
        if write.outcome is None:
            raise Conflict(
                "It was sent without an answer, so it is not known whether it took effect. "
                "tavus-mcp apply finds out."
            )
        if write.is_creation:
            return await self._delete_created(write)
        secrets = resolve_secrets(self.app, write.run.secret_values(write.name))
        options = UndoOptions(self.run.origin(write.name), self.replaced_ids.new_ids, secrets)
        result = await adapter.restore(self.app, write.intent, write.outcome, options)
        if result.problem:
            raise Refused(result.problem)
        is_deletion = not write.intent.paths
        if is_deletion:
            self.replaced_ids.add(write.intent.object_id, result.object_id)
        self._note_restored(write, result, is_deletion=is_deletion)
        outcome = "created again" if is_deletion else "restored"
        return UndoneWrite(write.name, outcome, result.object_id, findings=result.findings)

    async def _delete_created(self, write: RunWrite) -> UndoneWrite:
        assert write.outcome is not None  # noqa: S101 - the caller has looked
        adapter = ADAPTERS[write.name.folder]
        object_id = write.outcome.object_id
        current = await find_current(self.app, write.outcome.persona_id)
        if current is None:
            self._forget(write, object_id)
            return UndoneWrite(write.name, "gone already", object_id)
        created = CreatedObject(self.app, adapter, write.outcome, self.replaced_ids.new_ids)
        if not await created.is_unchanged(current):
            raise Conflict(
                f"It was created by this run as {object_id} and changed since, so it is not "
                f"deleted. Undo the later change first, or {self._describe_deletion(write.name)}."
            )
        options = WriteOptions(origin=self.run.origin(write.name))
        await adapter.delete(self.app, current, options)
        self._forget(write, current.object_id)
        return UndoneWrite(write.name, "deleted", current.object_id)

    def _describe_deletion(self, name: ObjectName) -> str:
        """Return how a person deletes an object that this undo leaves."""
        environment = f"--env {self.state.environment}"
        if name.kind is PERSONA:
            return f"delete it with tavus-mcp delete {name.name} {environment}"
        return f"remove its file, pull, and delete it with tavus-mcp apply --prune {environment}"

    def _forget(self, write: RunWrite, object_id: str) -> None:
        """Set the state of an object that is deleted to that before the run, by default none."""
        known = self.state.objects.get(write.name)
        if known is not None and known.object_id == object_id:
            before = write.run.state_before(write.name)
            self.state = self.state.with_object(write.name, before)

    def _note_restored(self, write: RunWrite, result: WriteResult, *, is_deletion: bool) -> None:
        known = self.state.objects.get(write.name)
        if result.document is None or (known is None and not is_deletion):
            return
        base = known.base if known else MergeBase()
        account, _ = account_fields(self.app, write.name, result.document, base, self.state)
        if is_deletion:
            before = write.run.state_before(write.name)
            base = before.base if before else MergeBase(account, account)
            item = ObjectState(result.object_id, base, is_created=True)
        else:
            assert known is not None  # noqa: S101 - looked at above
            base = accept_account(base, account, to_field_pointers(write.intent.paths))
            base = restore_bases(base, write.run.settled_conflicts(write.name))
            item = replace(known, object_id=result.object_id, base=base)
        self.state = self.state.with_object(
            write.name, replace(item, digest=result.document.digest)
        )
