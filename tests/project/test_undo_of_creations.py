"""The undo of a creation deletes the object unless it was changed and that was not taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project_harness import ADA, ADA_NAME, ProjectFolder, build_folder

from tavus_mcp.models.changes import SetFields
from tavus_mcp.personas.update import UpdateRequest, update
from tavus_mcp.project.session import ProjectSession

BOB_NAME, MENU_NAME = "personas/bob", "documents/menu"
MENU = "document_name: Menu\ndocument_url: https://example.com/menu.pdf\n"
LLM = (
    "layers:\n  llm: {model: gpt-4o, base_url: 'https://api.openai.com/v1', api_key_ref: openai}\n"
)
ADA_WITH_MENU = ADA + "documents: [menu]\n"
BOB_WITH_MENU = ADA_WITH_MENU.replace("Ada", "Bob") + LLM


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("documents/menu.yaml", MENU)
    folder.write("personas/ada.yaml", ADA_WITH_MENU)
    folder.write("personas/bob.yaml", BOB_WITH_MENU)
    return folder


def delete_menu(project: ProjectFolder) -> str:
    """Delete the document and one of its two users, also if they were edited; return the run."""
    project.write("personas/ada.yaml", ADA)
    for path in ("documents/menu.yaml", "personas/bob.yaml"):
        (project.folder / path).unlink()
    return project.apply_successfully(prune=True, resolve="file").run_id


def edit(project: ProjectFolder, name: str) -> None:
    """Change a persona in the account, as a colleague does in the dashboard."""
    store, persona_id = project.accounts["staging"].store, project.state_ids()[name]
    store.put("persona", persona_id, {**(store.get("persona", persona_id) or {}), "greeting": "Ho"})


def edit_through_journal(project: ProjectFolder, name: str) -> None:
    """Change a persona with a tool of the server, as an assistant does."""

    async def work(session: ProjectSession) -> None:
        persona_id = project.state_ids()[name]
        change = SetFields({"/greeting": "Ho"})
        await update(session.app, UpdateRequest("update_persona", persona_id, change))

    project.run(work)


def attach_skill(project: ProjectFolder, name: str) -> None:
    skills = {"memory": {"config": {}, "attached_at": "2026-01-01T00:00:00+00:00"}}
    project.accounts["staging"].store.put("persona_skills", project.state_ids()[name], skills)


def test_a_document_with_a_new_id_is_no_change_of_its_users(applied: ProjectFolder) -> None:
    before = applied.state_ids()
    delete_menu(applied)
    assert applied.undo().errors == []
    after = applied.state_ids()
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] == after[name]] == [ADA_NAME]
    assert applied.undo().errors == []
    assert (applied.count_objects(), applied.state_ids()) == (0, {})


def test_a_secret_that_did_not_come_back_is_no_change(applied: ProjectFolder) -> None:
    delete_menu(applied)
    secrets = applied.accounts["staging"].secrets
    stored = dict(secrets)
    secrets.clear()
    (bob,) = (item for item in applied.undo().items if str(item.name) == BOB_NAME)
    secrets |= stored
    assert "/layers/llm/api_key" in [finding.path for finding in bob.findings]
    assert applied.undo().errors == []
    assert applied.count_objects() == 0


@pytest.mark.parametrize("change", [edit, edit_through_journal, attach_skill])
@pytest.mark.parametrize("is_first", [True, False])
def test_changes_by_others_are_not_deleted(
    project: ProjectFolder, change: Callable[[ProjectFolder, str], None], *, is_first: bool
) -> None:
    """Not even if they were made before a run whose undo left the newest state of the object."""
    run_id = project.apply_successfully().run_id
    if is_first:
        change(project, ADA_NAME)
        change(project, BOB_NAME)
    assert project.undo(run_id=delete_menu(project)).errors == []
    if not is_first:
        change(project, ADA_NAME)
        change(project, BOB_NAME)
    require_both_left(project, run_id)


def test_a_later_run_that_was_not_undone_protects_what_it_changed(project: ProjectFolder) -> None:
    run_id = project.apply_successfully().run_id
    delete_menu(project)
    project.undo()
    project.write("documents/menu.yaml", MENU)
    project.write("personas/ada.yaml", ADA_WITH_MENU.replace("help", "assist"))
    project.write("personas/bob.yaml", BOB_WITH_MENU.replace("help", "assist"))
    project.apply_successfully()
    require_both_left(project, run_id)


def require_both_left(project: ProjectFolder, run_id: str) -> None:
    """Undo a run, and require that it leaves the personas, and with them their document."""
    result = project.undo(run_id=run_id)
    errors = {str(item.name): str(item.error) for item in result.items if item.error}
    assert errors.keys() == {ADA_NAME, BOB_NAME, MENU_NAME} == project.state_ids().keys()
    assert all("changed since" in errors[name] for name in (ADA_NAME, BOB_NAME))
    assert errors[ADA_NAME].endswith("delete it with tavus-mcp delete ada --env staging.")


def test_a_list_is_restored_with_the_new_ids_of_its_members(project: ProjectFolder) -> None:
    """The document was brought back by the undo of a run after the one that is undone then."""
    project.write("documents/drinks.yaml", MENU.replace("Menu", "Drinks"))
    project.write("personas/ada.yaml", ADA + "documents: [menu, drinks]\n")
    project.apply_successfully()
    project.write("personas/ada.yaml", ADA_WITH_MENU)
    project.apply_successfully()
    delete_menu(project)
    for _ in range(2):
        assert project.undo().errors == []
    ids = project.state_ids()
    ada = project.accounts["staging"].store.get("persona", ids[ADA_NAME]) or {}
    assert ada["document_ids"] == [ids[MENU_NAME], ids["documents/drinks"]]
