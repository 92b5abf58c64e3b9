"""Several commands on one environment, and commands that were interrupted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from project_harness import ADA, ProjectFolder, build_folder, ignore

from tavus_mcp.errors import Conflict, InvalidArgument, Refused
from tavus_mcp.models.changes import SetFields
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.project.apply import PlannedApply
from tavus_mcp.project.plan import PlanOptions
from tavus_mcp.project.runs import Run, list_interrupted_undos, list_runs
from tavus_mcp.project.session import ProjectSession, open_session
from tavus_mcp.project.single_writes import list_single_writes

NAME = "personas/ada"


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("personas/ada.yaml", ADA)
    return folder


def build_killed(folder: Path) -> ProjectFolder:
    """Return a project whose apply was killed when it had just created a persona."""
    for moment in count():
        project = build_folder(folder / str(moment))
        project.write("personas/ada.yaml", ADA)
        assert project.kill_apply(moment)
        if project.accounts["staging"].ids():
            break
    return project


def build_killed_before_creation(folder: Path) -> ProjectFolder:
    """Return a project whose apply was killed when it was about to create a persona."""
    previous = build_folder(folder / "start")
    for moment in count():
        project = build_folder(folder / str(moment))
        project.write("personas/ada.yaml", ADA)
        assert project.kill_apply(moment)
        if project.accounts["staging"].ids():
            break
        previous = project
    return previous


async def interrupted_undos(session: ProjectSession) -> list[Run]:
    """Return the undos of an environment that were interrupted and not completed."""
    state = await session.load_state()
    return await list_interrupted_undos(session.app, await list_runs(session.app, state.state_id))


async def load_state_later(session: ProjectSession) -> None:
    """Read the state as a command does that is started an hour later."""
    later = datetime.now(UTC) + timedelta(hours=1)
    app = replace(session.app, clock=lambda: later)
    await open_session(app, session.folder, session.environment.name).load_state()


async def plan_both_and_apply(session: ProjectSession, other_folder: Path) -> None:
    """Plan twice, then carry out both plans, as two people do who were asked at the same time."""
    other = open_session(session.app, other_folder, session.environment.name)
    plans = [await item.plan(PlanOptions(), ignore) for item in (session, other)]
    for item, planned in zip((session, other), plans, strict=True):
        result = await item.apply(planned, PlanOptions(), ignore)
        assert result.errors == []


def test_of_two_plans_in_one_folder_one_is_carried_out(project: ProjectFolder) -> None:
    with pytest.raises(Conflict, match="Another command has worked on environment 'staging'"):
        project.run(lambda session: plan_both_and_apply(session, project.folder))
    assert len(project.accounts["staging"].ids()) == 1
    assert project.statuses() == {NAME: "in sync"}


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_plans_on_two_machines_with_one_journal_one_is_carried_out(
    project: ProjectFolder, tmp_path: Path, is_first: bool
) -> None:
    """Also before there is a state by which the project could be recognised."""
    if not is_first:
        project.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))
        project.apply_successfully()
        project.replace("personas/ada.yaml", "help", "assist")
        project.write("personas/cy.yaml", ADA.replace("Ada", "Cy"))
    clone = project.copy(tmp_path / "clone")
    with pytest.raises(Conflict, match="after this plan was made"):
        project.run(lambda session: plan_both_and_apply(session, clone.folder))
    assert project.statuses() == dict.fromkeys(project.statuses(), "in sync")
    assert len(project.accounts["staging"].ids()) == (1 if is_first else 3)


def test_a_creation_without_effect_is_looked_for_until_it_cannot_be_under_way(
    tmp_path: Path,
) -> None:
    project = build_killed_before_creation(tmp_path)
    searches = []
    for _ in range(2):
        project.run(load_state_later)
        searches.append(project.requests.count("GET /v2/personas"))
    assert searches == [1, 0]
    project.apply_successfully()
    assert len(project.accounts["staging"].ids()) == 1


def test_an_undone_interrupted_apply_is_not_continued(tmp_path: Path) -> None:
    project = build_killed(tmp_path)
    assert project.statuses() == {NAME: "in sync"}  # found in the journal or in the account
    project.undo()
    assert project.accounts["staging"].ids() == []
    assert project.statuses() == {NAME: "only local"}
    project.apply_successfully()
    assert len(project.accounts["staging"].ids()) == 1


def test_an_interrupted_undo_is_completed_and_goes_no_further(project: ProjectFolder) -> None:
    project.apply_successfully()
    project.replace("personas/ada.yaml", "help", "assist")
    project.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))
    project.apply_successfully()
    moment = 0
    while len(project.accounts["staging"].ids()) == 2:
        assert project.kill_undo(moment)
        moment += 1
    (interrupted,) = {run.undo_of for run in project.run(interrupted_undos)}
    result = project.undo()
    assert result.undone_run_id == interrupted
    assert project.run(interrupted_undos) == []
    assert result.errors == []
    assert [item["system_prompt"] for item in project.accounts["staging"].documents()] == [
        "You help people."
    ]
    assert project.statuses() == {NAME: "changed locally", "personas/bob": "only local"}

    async def change_and_list(session: ProjectSession) -> list[str]:
        """Return the actions of single writes: what the undo did belongs to none of them."""
        (persona,) = project.accounts["staging"].user_objects()
        change = SetFields({"/greeting": "Good day."})
        await update(session.app, UpdateRequest("update_persona", persona["persona_id"], change))
        state = await session.load_state()
        runs = await list_runs(session.app, state.state_id)
        return [write.action for write in await list_single_writes(session.app, state, runs)]

    assert project.run(change_and_list) == ["changed"]


def test_an_undo_that_is_done_again_leaves_what_others_changed(project: ProjectFolder) -> None:
    project.apply_successfully()
    (project.folder / "personas/ada.yaml").unlink()
    run_id = project.apply_successfully(prune=True).run_id
    project.undo()
    project.edit_remotely(greeting="Good day.")
    result = project.undo(run_id=run_id)
    assert result.errors == []
    (persona,) = project.accounts["staging"].user_objects()
    assert persona["greeting"] == "Good day."


def test_a_run_without_writes_is_no_reason_to_undo_another_one(project: ProjectFolder) -> None:
    project.apply_successfully()
    project.replace("personas/ada.yaml", "help", "assist")
    moment = 0
    while '"run"' not in (project.state_text() or ""):
        assert project.kill_apply(moment)
        moment += 1
    assert project.carried_out == []
    with pytest.raises(Refused, match=r"has written nothing.*history --env staging lists them"):
        project.undo()


@pytest.mark.parametrize("has_effect", [True, False])
def test_an_error_of_the_server_in_the_middle_is_no_second_object(
    project: ProjectFolder, has_effect: bool
) -> None:
    project.write("guardrails/rule.yaml", "guardrail_name: rule\nguardrail_prompt: Be kind.\n")
    project.replace("personas/ada.yaml", "persona_name", "guardrails: [rule]\npersona_name")
    account = project.accounts["staging"]
    account.failure = ("POST /v2/personas", has_effect)
    result = project.apply()
    assert len(result.errors) == (0 if has_effect else 1)  # what took effect is found at once
    account.failure = ("", False)
    project.apply_successfully()
    assert (len(account.ids()), len(account.ids("guardrail"))) == (1, 1)
    assert set(project.statuses().values()) == {"in sync"}


@pytest.mark.parametrize("is_committed", [True, False])
def test_another_machine_without_the_journal_creates_nothing_twice(
    tmp_path: Path, is_committed: bool
) -> None:
    project = build_killed(tmp_path)
    account = project.accounts["staging"]
    clone = project.copy(tmp_path / "clone")
    if not is_committed:
        (clone.folder / ".tavus/staging.json").unlink()
    account.journal_path = tmp_path / "other.sqlite3"
    (conflict,) = clone.plan().conflicts
    assert "tavus-mcp pull personas/ada --env staging links it" in conflict.message
    clone.pull()
    clone.apply_successfully()
    assert clone.writes == []
    assert len(account.ids()) == 1
    assert clone.statuses() == {NAME: "in sync"}


@pytest.mark.parametrize("path", [".tavus", ".tavus/staging.json"])
def test_a_state_that_cannot_be_written_stops_before_anything_is_sent(
    project: ProjectFolder, path: str
) -> None:
    if path == ".tavus":
        project.write(path, "a file")
    else:
        (project.folder / path).mkdir(parents=True)
    with pytest.raises((OSError, InvalidArgument)):
        project.apply()
    assert project.writes == []


async def expect_refusal(session: ProjectSession, planned: PlannedApply) -> None:
    with pytest.raises(Conflict, match="had not ended when this plan was made"):
        await session.apply(planned, PlanOptions(), ignore)


@pytest.mark.parametrize("has_ended", [False, True])
def test_an_apply_on_another_machine_waits_for_the_end_of_one_that_is_under_way(
    project: ProjectFolder, tmp_path: Path, has_ended: bool
) -> None:
    """They share a journal; the other one plans when a part of the objects is written.

    It is refused at once, and, as its plan is old by then, when that apply has ended.
    """
    rule = "guardrails/rule.yaml"
    project.write(rule, "guardrail_name: rule\nguardrail_prompt: Be kind.\n")
    project.apply_successfully()
    project.replace(rule, "kind", "brief")
    project.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))
    clone = project.copy(tmp_path / "clone")

    async def apply_here(session: ProjectSession) -> None:
        other = open_session(session.app, clone.folder, "staging")

        async def report(done: float, total: float | None = None) -> None:
            if done == 1:
                planned_there.append(await other.plan(PlanOptions(), ignore))
                if not has_ended:
                    await expect_refusal(other, planned_there[0])

        planned = await session.plan(PlanOptions(), ignore)
        result = await session.apply(planned, PlanOptions(), report)
        assert (result.errors, len(result.items)) == ([], 2)
        if has_ended:
            await expect_refusal(other, planned_there[0])

    planned_there: list[PlannedApply] = []
    project.run(apply_here)
    assert len(project.accounts["staging"].ids()) == 2
    clone = project.copy(tmp_path / "pulled")  # with the state that was committed
    clone.apply_successfully()
    assert clone.writes == []


def test_an_undo_that_was_refused_does_not_count_as_done(
    project: ProjectFolder, tmp_path: Path
) -> None:
    """It is refused while another machine applies; later it undoes what it was to undo."""
    project.apply_successfully()
    project.replace("personas/ada.yaml", "help", "assist")
    second_id = project.apply_successfully().run_id
    clone = project.copy(tmp_path / "clone")
    clone.replace("personas/ada.yaml", "assist", "serve")
    clone.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))

    async def apply_and_undo(session: ProjectSession) -> None:
        other = open_session(session.app, project.folder, "staging")
        second = await other.choose_run(second_id)

        async def report(done: float, total: float | None = None) -> None:
            if done == 1:
                with pytest.raises(Conflict, match="had not ended"):
                    await other.undo(second, ignore)

        planned = await session.plan(PlanOptions(), ignore)
        applied = await session.apply(planned, PlanOptions(), report)
        runs = await list_runs(session.app, second.state_id)
        assert [run.run_id for run in runs][:2] == [applied.run_id, second_id]
        assert (await session.choose_run()).run_id == applied.run_id
        await session.undo(await session.choose_run(), ignore)
        assert (await session.choose_run()).run_id == second_id

    clone.run(apply_and_undo)


def test_a_change_after_an_apply_that_was_killed_at_its_end_is_a_run_of_its_own(
    tmp_path: Path,
) -> None:
    """Nothing was left to do of that apply, so an undo of the change leaves its objects."""
    project = build_killed(tmp_path)
    project.apply_successfully()
    assert project.writes == []
    project.replace("personas/ada.yaml", "help", "assist")
    project.apply_successfully()
    project.undo()
    assert [item["system_prompt"] for item in project.accounts["staging"].documents()] == [
        "You help people."
    ]
