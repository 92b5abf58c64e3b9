"""A persona that was deleted and brought back under a new id stays the same object of a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_runner import build_project_runner
from project_harness import ADA, ADA_NAME, ProjectFolder, build_folder

from tavus_mcp.personas.delete import DeleteRequest, delete
from tavus_mcp.personas.restore import RestoreRequest, restore
from tavus_mcp.project.revived_objects import follow_revived_objects
from tavus_mcp.project.session import ProjectSession
from tavus_mcp.project.state import EnvironmentState

CONFIGURATION = """\
[environments.staging]
sandbox = true
values = { replica = "rfe12d8b9597" }
"""


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("personas/ada.yaml", ADA)
    folder.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))
    return folder


async def delete_ada(session: ProjectSession, persona_id: str = "") -> str:
    """Delete the persona, as an assistant does; return its last revision."""
    persona_id = persona_id or ada_id(session.read_state())
    document = await session.app.api.get_persona(persona_id)
    await delete(session.app, DeleteRequest(persona_id, document.revision))
    return document.revision


async def replace_ada(session: ProjectSession, persona_id: str = "") -> str:
    """Delete the persona and bring it back; return its new id."""
    persona_id = persona_id or ada_id(session.read_state())
    revision = await delete_ada(session, persona_id)
    receipt = await restore(session.app, RestoreRequest(persona_id, revision))
    assert receipt.persona_id not in (None, persona_id)
    return str(receipt.persona_id)


async def replace_ada_twice(session: ProjectSession) -> str:
    return await replace_ada(session, await replace_ada(session))


def ada_id(state: EnvironmentState) -> str:
    return next(item.object_id for name, item in state.objects.items() if str(name) == ADA_NAME)


async def follow(session: ProjectSession) -> EnvironmentState:
    """Follow every object of the stored state."""
    state = session.read_state()
    return await follow_revived_objects(session.app, state, state.objects)


def test_a_persona_is_followed_over_two_deletions(applied: ProjectFolder) -> None:
    before = applied.state_ids()
    new_id = applied.run(replace_ada_twice)
    followed = applied.run(follow)
    assert {str(name): item.object_id for name, item in followed.objects.items()} == {
        **before,
        ADA_NAME: new_id,
    }
    assert set(applied.statuses().values()) == {"in sync"}
    applied.replace("personas/ada.yaml", "help", "assist")
    applied.apply_successfully()
    assert [new_id in line for line in applied.writes] == [True]
    assert applied.state_ids()[ADA_NAME] == new_id


def test_what_was_not_brought_back_stays_deleted(applied: ProjectFolder) -> None:
    applied.run(delete_ada)
    followed = applied.run(follow)
    assert {str(name): item.object_id for name, item in followed.objects.items()} == (
        applied.state_ids()
    )
    assert applied.statuses()[ADA_NAME] == "changed remotely"


def test_a_persona_that_has_a_file_of_its_own_is_not_linked_twice(applied: ProjectFolder) -> None:
    old_id = applied.state_ids()[ADA_NAME]
    new_id = applied.run(replace_ada)
    state = json.loads(applied.state_text() or "")
    state["objects"]["personas/eve"] = {**state["objects"][ADA_NAME], "id": new_id}
    applied.write(".tavus/staging.json", json.dumps(state))
    followed = applied.run(follow)
    assert ada_id(followed) == old_id


def test_commands_that_name_a_persona_follow_it(tmp_path: Path) -> None:
    """Before a pull or an apply has written the new id into the state."""
    runner, env = build_project_runner(tmp_path, CONFIGURATION, ada=ADA), ("--env", "staging")
    runner.run_without_sandbox("apply", *env)
    state = tmp_path / ".tavus/staging.json"
    before = state.read_text()
    deleted = runner.run_without_sandbox("delete", "ada", *env, "--yes")
    restored = runner.run_without_sandbox(*deleted.find_value("undo").split()[1:])
    new_id, revision = (restored.find_value(key) for key in ("persona_id", "revision"))
    state.write_text(before)
    assert new_id in runner.run_without_sandbox("check", "ada", *env, "--json").stdout
    undone = runner.run_without_sandbox("undo", "ada", *env)
    assert (undone.status, "its creation" in undone.stderr) == (4, True)
    assert "so it was created again" in restored.stdout
    for known in (revision, deleted.find_value("previous_revision")):
        found = runner.run_without_sandbox("restore", f"ada@{known}", *env, "--dry-run")
        assert (found.status, found.find_value("persona_id")) == (0, new_id)
    again = runner.run_without_sandbox("delete", "ada", *env, "--yes")
    assert (again.status, again.find_value("persona_id")) == (0, new_id)
