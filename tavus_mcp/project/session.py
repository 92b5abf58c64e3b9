"""A project opened for one environment, and the operations on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tavus_mcp.app import App
from tavus_mcp.concurrency import ProgressCallback
from tavus_mcp.errors import Conflict, InvalidArgument, Refused, UnknownPlan, WrongUsage
from tavus_mcp.project.apply import ApplyResult, PlannedApply, apply_plan
from tavus_mcp.project.compare import Comparison, compare
from tavus_mcp.project.configuration import Environment, ProjectConfiguration
from tavus_mcp.project.folder import Project, read_project
from tavus_mcp.project.kinds import KIND_BY_FOLDER, ObjectName
from tavus_mcp.project.plan import PlanOptions, build_plan
from tavus_mcp.project.pull import PullOptions, PullResult, pull
from tavus_mcp.project.references import require_references
from tavus_mcp.project.render import RenderedProject, render_project
from tavus_mcp.project.resume import recover_state
from tavus_mcp.project.runs import Run, find_newest_entry, load_run
from tavus_mcp.project.state import EnvironmentState, load_state, local_folder, state_path
from tavus_mcp.project.text_pool import TextPool
from tavus_mcp.project.undo import (
    UndoResult,
    choose_run,
    describe_undo,
    load_undoable_writes,
    undo_run,
)
from tavus_mcp.project.validation import require_valid
from tavus_mcp.text import did_you_mean, quote_foreign, suggestion_or_period


@dataclass
class ProjectSession:
    """The files of a project and the account of one of its environments."""

    app: App
    project: Project
    environment: Environment

    @property
    def folder(self) -> Path:
        """The folder of the project."""
        return self.project.folder

    def render(self) -> RenderedProject:
        """Return the objects of the files; raise ``InvalidProject`` with every mistake in them."""
        return render_project(self.project, self.environment)

    def read_state(self) -> EnvironmentState:
        """Return the state as it is stored; raise ``Refused`` if it is of another account."""
        name, account = self.environment.name, self.environment.account
        state = load_state(self.folder, name)
        if state.account not in ("", account):
            raise Refused(
                f"{state_path(self.folder, name)} is the state of {state.account}, and tavus.toml "
                f"has {account} for environment {name!r} now, where the ids in it mean nothing. "
                "Nothing was sent. Give the other account an environment of its own in "
                "tavus.toml; or remove that file, if the objects there are given up."
            )
        return replace(state, account=account)

    async def load_state(self) -> EnvironmentState:
        """Return the state, up to date also after an apply that was interrupted."""
        return await recover_state(self.app, self.read_state())

    async def compare(self, report_progress: ProgressCallback) -> Comparison:
        """Compare the files with the account; nothing is written."""
        return await compare(self.app, self.render(), await self.load_state(), report_progress)

    async def plan(self, options: PlanOptions, report_progress: ProgressCallback) -> PlannedApply:
        """Return what an apply would do.

        Raises ``InvalidProject`` for mistakes in files, and its ``RefusedProject`` for what Tavus
        would reject and for references that name nothing.
        """
        self._require_secrets(options.resent_secrets)
        require_valid(self.project, self.app.catalog, [self.environment], options.allow)
        newest_entry, rendered = await find_newest_entry(self.app), self.render()
        stored = TextPool(rendered).share_state(self.read_state())
        state = await recover_state(self.app, stored)
        comparison = await compare(self.app, rendered, state, report_progress)
        plan = await build_plan(self.app, comparison, options)
        await require_references(self.app, comparison, plan)
        return PlannedApply(comparison, plan, stored, newest_entry)

    def _require_secrets(self, names: Iterable[str]) -> None:
        known = self.environment.secrets
        for name in sorted(set(names) - known.keys()):
            raise WrongUsage(
                f"--resend-secret: environment {self.environment.name} has no secret "
                f"{quote_foreign(name)}{suggestion_or_period(name, known)} It has: "
                f"{', '.join(known) or 'none'}."
            )

    async def apply(
        self, planned: PlannedApply, options: PlanOptions, report_progress: ProgressCallback
    ) -> ApplyResult:
        """Carry out a plan that a person accepted where that is needed.

        Raises ``Conflict`` if another command has worked on the environment since the plan.
        """
        app = replace(self.app, protected=False)
        with lock_environment(self.folder, self.environment.name):
            self._require_same_state(planned.stored)
            return await apply_plan(app, self.folder, planned, options, report_progress)

    def _require_same_state(self, planned: EnvironmentState) -> None:
        current = self.read_state()
        if (current.objects, current.run) != (planned.objects, planned.run):
            raise Conflict(
                f"Another command has worked on environment {self.environment.name!r} of this "
                "project since this plan was made. Nothing was sent. Run the command again."
            )

    async def pull(self, options: PullOptions, report_progress: ProgressCallback) -> PullResult:
        """Update the files from the account."""
        with lock_environment(self.folder, self.environment.name):
            comparison = await self.compare(report_progress)
            pulled = await pull(self.app, self.project, comparison, options, report_progress)
            state = self.read_state()
        remote = comparison.list_only_remote()
        left = [row for row in remote if not state.find_name(row["folder"], row["id"])]
        return PullResult(pulled, 0 if options.names else len(left))

    async def choose_run(self, run_id: str = "") -> Run:
        """Return the run to undo: the named one, or the newest that was not undone."""
        if run_id:
            return await self._load_run(run_id)
        return await choose_run(self.app, await self.load_state())

    async def _load_run(self, run_id: str) -> Run:
        try:
            return await load_run(self.app, run_id)
        except UnknownPlan:
            name = self.environment.name
            raise UnknownPlan(
                f"There is no run {quote_foreign(run_id)} in {name}. "
                f"tavus-mcp history --env {name} lists them."
            ) from None

    async def describe_undo(self, run: Run) -> list[str]:
        """Return what undoing a run would do, one line for each write; nothing is sent."""
        writes = await load_undoable_writes(self.app, await self.load_state(), run)
        return [describe_undo(write) for write in reversed(writes)]

    async def undo(self, run: Run, report_progress: ProgressCallback) -> UndoResult:
        """Undo a run that a person accepted to undo where that is needed."""
        app = replace(self.app, protected=False)
        with lock_environment(self.folder, self.environment.name):
            state = await self.load_state()
            return await undo_run(app, self.folder, state, run, report_progress)


def open_session(app: App, folder: Path, environment: str) -> ProjectSession:
    """Read a project and return it for an environment; raise ``InvalidProject`` for mistakes."""
    project = read_project(folder)
    return ProjectSession(app, project, choose_environment(project.configuration, environment))


def choose_environment(
    configuration: ProjectConfiguration, name: str, option: str = "--env"
) -> Environment:
    """Return the environment that an option names, or the only one.

    Raises ``WrongUsage`` for another name, and for none where there are several.
    """
    environments = configuration.environments
    if not name and len(environments) == 1:
        return next(iter(environments.values()))
    listed = ", ".join(environments)
    if not name:
        raise WrongUsage(f"Name an environment with {option}: {listed}.")
    if name not in environments:
        near = did_you_mean(name, environments)
        message = f"{option}: there is no environment {quote_foreign(name)}{near or '.'}"
        raise WrongUsage(f"{message} tavus.toml has: {listed}.")
    return environments[name]


def find_object(text: str, names: list[ObjectName]) -> ObjectName:
    """Return the object that ``NAME`` or ``FOLDER/NAME`` stands for.

    Raises ``InvalidArgument`` when there is none, or several kinds have one of this name.
    """
    text = text.removesuffix(".yaml").removesuffix(".yml")
    found = [name for name in names if text in (str(name), name.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidArgument([f"{text}: several objects have this name: {_join(found)}."])
    folder = text.rpartition("/")[0]
    if folder and folder not in KIND_BY_FOLDER:
        near = did_you_mean(folder, KIND_BY_FOLDER)
        raise InvalidArgument([f"{quote_foreign(text)}: there is no such folder{near or '.'}"])
    near = did_you_mean(text, [*map(str, names), *(item.name for item in names)])
    raise InvalidArgument([f"The project has no object {quote_foreign(text)}{near or '.'}"])


def _join(names: list[ObjectName]) -> str:
    return ", ".join(map(str, names))


@contextmanager
def lock_environment(folder: Path, environment: str) -> Iterator[None]:
    """Hold an environment of this folder; raise ``Conflict`` while another process holds it."""
    path = local_folder(folder) / f"{environment}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _try_lock(handle):
            raise Conflict(
                f"Another command is working on environment {environment!r} of this project. Wait "
                "until it ends."
            )
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def require_digest(planned: PlannedApply, digest: str) -> None:
    """Raise ``Conflict`` unless the plan is the one that was accepted."""
    if digest and planned.plan.digest != digest:
        raise Conflict(
            f"The plan is {planned.plan.digest} now, not {digest}: files or the account have "
            "changed since, or the digest is mistyped. Look at the new plan. Nothing was sent."
        )
