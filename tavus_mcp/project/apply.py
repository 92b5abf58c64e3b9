"""Apply a project: carry out its plan object by object, and resume where a run was interrupted.

Every write goes through the journal with the run that it belongs to. The state is written as
objects are done; what it misses after a crash is taken from the journal (``resume``), so that
nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile
from pathlib import Path

import anyio

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.deadlines import iter_in_time
from tavus_mcp.errors import Conflict, Refused, StateNotSaved, ToolFailure
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding
from tavus_mcp.project.adapters import ADAPTERS
from tavus_mcp.project.compare import Comparison, is_conflict
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.merge import MergeBase
from tavus_mcp.project.objects import WriteOptions, WriteResult
from tavus_mcp.project.plan import (
    Action,
    PlannedItem,
    PlanOptions,
    ProjectPlan,
    Resolution,
    build_id_finder,
    is_sent,
)
from tavus_mcp.project.runs import (
    CONFLICTS,
    STATE,
    Run,
    find_open_run,
    mark_ended,
    require_sole_run,
    start_run,
)
from tavus_mcp.project.secret_names import find_secret_values
from tavus_mcp.project.state import (
    EnvironmentState,
    ObjectState,
    load_folder_id,
    render_object,
    save_state,
)
from tavus_mcp.project.sync import accept_file, describe_bases, sync_base
from tavus_mcp.project.written_objects import WrittenObject, note_written
from tavus_mcp.text import count_of, join_first

MAX_CONCURRENT_OBJECTS = 4
"""Objects of one kind that are written at the same time."""
_SAVE_INTERVAL_SECONDS = 1.0
"""Shortest time between two writes of the state during a run."""


@dataclass(frozen=True)
class PlannedApply:
    """A plan with what it was made from: the comparison, and the state as it was stored.

    ``newest_entry`` is the number of the newest journal entry before it was made.
    """

    comparison: Comparison
    plan: ProjectPlan
    stored: EnvironmentState
    newest_entry: int


@dataclass(frozen=True)
class AppliedItem:
    """What became of an item of the plan; ``error`` is set when it was not carried out."""

    name: ObjectName
    action: Action
    object_id: str = ""
    findings: Sequence[Finding] = ()
    error: ToolFailure | None = None


@dataclass
class ApplyResult:
    """The items that were carried out or failed, and how many were not reached."""

    run_id: str = ""
    items: list[AppliedItem] = field(default_factory=list)
    remaining_count: int = 0

    @property
    def errors(self) -> list[ToolFailure]:
        """The errors that ended the run."""
        return [item.error for item in self.items if item.error is not None]


async def apply_plan(
    app: App,
    folder: Path,
    planned: PlannedApply,
    options: PlanOptions,
    report_progress: ProgressCallback,
) -> ApplyResult:
    """Carry out a plan that has no conflict, and write the state.

    Raises ``Conflict`` when the plan has a conflict or another run began since,
    ``StateNotSaved`` when the state cannot be written.
    """
    comparison, plan = planned.comparison, planned.plan
    if plan.conflicts:
        raise Conflict("The plan has conflicts; nothing was sent.")
    state = _settle(app, comparison, options)
    if not plan.items:
        save_state(folder, replace(state, run=""))  # nothing is left of an interrupted run
        return ApplyResult()
    continued = await find_open_run(app, comparison.state.run)
    detail = {
        "folder": load_folder_id(folder),
        **_describe_run(comparison, plan, options.resolve),
    }
    run = await start_run(app, detail, continued)
    await require_sole_run(app, run, planned.newest_entry)
    root_id = continued.run_id if continued else run.run_id
    execution = _Execution(
        app,
        folder,
        run,
        replace(state, run=root_id),
        options,
        ProgressReporter(report_progress),
        len(plan.items),
    )
    execution.result.run_id = root_id
    await execution.carry_out(plan)
    await mark_ended(app, run)
    execution.require_saved()
    return execution.result


def _describe_run(comparison: Comparison, plan: ProjectPlan, resolve: Resolution) -> JsonObject:
    return {
        "environment": comparison.environment,
        "state": comparison.state.state_id,
        "digest": plan.digest,
        "items": [_describe_item(item, resolve) for item in plan.items],
    }


def _describe_item(item: PlannedItem, resolve: Resolution) -> JsonObject:
    row: JsonObject = {"object": str(item.name), "action": item.action.value}
    if item.compared.rendered is not None:
        row["file"] = item.compared.rendered.fields
    if secrets := find_secret_values(item.compared.base.file):
        row["secrets"] = secrets
    if resolve == "file" and item.compared.conflicts:
        row[CONFLICTS] = describe_bases(item.compared.conflicts)
    is_against_edit = item.action is Action.DELETE and is_conflict(item.compared)
    if item.compared.state and (item.compared.is_deleted_remotely or is_against_edit):
        row[STATE] = render_object(item.compared.state)
    return row


def _settle(app: App, comparison: Comparison, options: PlanOptions) -> EnvironmentState:
    """Return the state without what is gone, and with bases for what is the same by now.

    Conflicts that are settled for the account count as changes of the account.
    """
    state = comparison.state
    for name in list(state.objects):
        if name not in comparison.objects:
            state = state.with_object(name, None)
    for name, item in comparison.objects.items():
        if item.state is None or item.rendered is None or item.document is None:
            continue
        is_same = ADAPTERS[name.folder].build_equivalence(app)
        base = sync_base(item.base, item.rendered.fields, item.account, is_same, ())
        if options.resolve == "live":
            base = accept_file(base, item.rendered.fields, item.account, item.conflicts)
        if base != item.base:
            known = item.state
            state = state.with_object(
                name,
                ObjectState(known.object_id, base, known.digest, is_created=known.is_created),
            )
    return state


@dataclass
class _Execution:
    """The state of one run through the items of a plan."""

    app: App
    folder: Path
    run: Run
    state: EnvironmentState
    options: PlanOptions
    progress: ProgressReporter
    total: int
    result: ApplyResult = field(default_factory=ApplyResult)
    last_saved: float = float("-inf")
    is_stopped: bool = False
    save_error: OSError | None = None

    async def carry_out(self, plan: ProjectPlan) -> None:
        """Carry out the items, those of one kind at the same time, and save the state.

        Nothing is begun any more when the state cannot be saved.
        """
        self._save()
        try:
            for _, items in groupby(plan.items, key=lambda item: (item.name.folder, _phase(item))):
                await self._carry_out_group(list(items))
        finally:
            self.result.remaining_count = self.total - len(self.result.items)
            if not self.result.errors and not self.result.remaining_count:
                self.state = replace(self.state, run="")
            self._save()

    def require_saved(self) -> None:
        """Raise ``StateNotSaved`` with what was done if the state could not be saved."""
        if self.save_error is None:
            return
        done = [str(item.name) for item in self.result.items if item.error is None]
        failed = [f"\n{item.name}: {item.error}" for item in self.result.items if item.error]
        raise StateNotSaved(
            f"{self.save_error.filename}: {self.save_error.strerror}. So the apply stopped: "
            + (f"done, and in the journal: {join_first(done)}. " if done else "nothing was sent. ")
            + f"Not done: {self.result.remaining_count} of {count_of(self.total, 'object')}. Make "
            "the file writable, then run the same command again: it does nothing twice."
            + "".join(failed)
        ) from self.save_error

    async def _carry_out_group(self, items: list[PlannedItem]) -> None:
        pending = takewhile(lambda _: not self.is_stopped, iter_in_time(items))
        await concurrency.for_each(
            pending, self._carry_out_item, max_concurrent=MAX_CONCURRENT_OBJECTS
        )

    async def _carry_out_item(self, item: PlannedItem) -> None:
        """Carry out one item; the write is completed if the run is cancelled meanwhile."""

        async def work(on_started: concurrency.StartCallback) -> None:
            on_started()
            try:
                applied = await self._write(item)
            except ToolFailure as error:
                self.is_stopped = True
                applied = AppliedItem(item.name, item.action, error=error)
            self.result.items.append(applied)
            self._save_sometimes()

        await concurrency.shield_once_started(work)
        await self.progress.advance(self.total)

    def _save_sometimes(self) -> None:
        now = anyio.current_time()
        if now - self.last_saved >= _SAVE_INTERVAL_SECONDS:
            self._save()
            self.last_saved = now

    def _save(self) -> None:
        try:
            save_state(self.folder, self.state)
        except OSError as error:
            self.save_error = error
            self.is_stopped = True

    async def _write(self, item: PlannedItem) -> AppliedItem:
        options = WriteOptions(
            self.options.allow, self.run.origin(item.name), self.options.accepts_unchecked
        )
        adapter, document = ADAPTERS[item.name.folder], item.compared.document
        if item.action in (Action.DELETE, Action.FORGET):
            if document is not None and item.action is Action.DELETE:
                await adapter.delete(self.app, document, options)
            self.state = self.state.with_object(item.name, None)
            return AppliedItem(item.name, item.action)
        ids = {name: known.object_id for name, known in self.state.objects.items()}
        fields = item.wire_fields(build_id_finder(ids))
        if item.action is Action.CREATE or document is None:
            result = await adapter.create(self.app, fields, options)
            synced = None
        else:
            result = await adapter.update(self.app, document, fields, options)
            synced = [
                merged.pointer
                for merged in item.compared.fields
                if is_sent(merged, self.options.resolve)
            ]
        if result.problem:
            raise Refused(f"{item.name}: {result.problem}")
        self._note_written(item, result, synced)
        return AppliedItem(item.name, item.action, result.object_id, result.findings)

    def _note_written(
        self, item: PlannedItem, result: WriteResult, synced: Sequence[str] | None
    ) -> None:
        assert item.compared.rendered is not None  # noqa: S101 - what is written has a file
        is_new = item.action is Action.CREATE
        known = self.state.objects.get(item.name)
        written = WrittenObject(
            item.name,
            item.compared.rendered.fields,
            result,
            MergeBase() if is_new or known is None else known.base,
            synced,
            item.compared.account,
            is_created=is_new or bool(known and known.is_created),
        )
        self.state = note_written(self.app, self.state, written)


def _phase(item: PlannedItem) -> bool:
    return item.action in (Action.DELETE, Action.FORGET)
