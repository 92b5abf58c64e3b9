"""Personas of a project: status, plan, apply, pull and undo, with every pairing of changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project_harness import (
    ADA,
    ADA_NAME,
    ADA_PROMPT_FILE,
    ADA_WITH_FILE,
    ProjectFolder,
    build_folder,
)

from tavus_mcp.errors import Conflict, Refused
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.plan import Action
from tavus_mcp.project.refusals import RefusedProject


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("personas/ada.yaml", "# Ada\n" + ADA_WITH_FILE + "greeting: Hello.  # short\n")
    folder.write(ADA_PROMPT_FILE, "You help people.\nBe kind.\n")
    return folder


def test_a_new_persona_is_planned_and_created(project: ProjectFolder) -> None:
    assert project.statuses() == {ADA_NAME: "only local"}
    plan = project.plan()
    assert [(str(item.name), item.action) for item in plan.items] == [(ADA_NAME, Action.CREATE)]
    assert project.writes == []
    project.apply_successfully()
    assert project.writes == ["POST /v2/personas"]
    assert project.statuses() == {ADA_NAME: "in sync"}
    document = project.accounts["staging"].user_objects()[0]
    assert document["system_prompt"] == "You help people.\nBe kind."
    assert project.plan().items == []


def test_only_what_changed_is_sent(applied: ProjectFolder) -> None:
    applied.replace(ADA_PROMPT_FILE, "kind", "brief")
    assert applied.statuses() == {ADA_NAME: "changed locally"}
    (item,) = applied.plan().items
    assert [change.path for change in item.changes] == ["/system_prompt"]
    applied.apply_successfully()
    assert [line.split()[0] for line in applied.writes] == ["PATCH"]
    assert applied.statuses() == {ADA_NAME: "in sync"}


def test_the_same_files_give_two_accounts_the_same_personas(applied: ProjectFolder) -> None:
    applied.apply_successfully("production")
    accounts = applied.accounts.values()
    staging, production = (account.documents() for account in accounts)
    assert staging == production
    assert applied.state_ids("staging") != applied.state_ids("production")


def test_changes_of_different_fields_are_merged(applied: ProjectFolder) -> None:
    applied.replace(ADA_PROMPT_FILE, "kind", "brief")
    applied.edit_remotely(greeting="Good day.")
    assert applied.statuses() == {ADA_NAME: "changed on both sides"}
    applied.apply_successfully()
    document = applied.accounts["staging"].user_objects()[0]
    assert document["greeting"] == "Good day."
    assert document["system_prompt"].endswith("brief.")
    assert applied.statuses() == {ADA_NAME: "changed remotely"}


def test_a_remote_change_is_not_reverted_before_it_is_pulled(applied: ProjectFolder) -> None:
    """Documented: fields that were changed only remotely keep their base until a pull."""
    applied.edit_remotely(greeting="Good day.")
    assert applied.plan().items == []
    applied.apply_successfully()
    applied.replace(ADA_PROMPT_FILE, "kind", "brief")
    applied.apply_successfully()
    assert applied.accounts["staging"].user_objects()[0]["greeting"] == "Good day."
    applied.pull()
    text = applied.read("personas/ada.yaml")
    assert "greeting: Good day.  # short" in text
    assert text.startswith("# Ada\n")
    assert applied.statuses() == {ADA_NAME: "in sync"}


FLOW = "layers:\n  conversational_flow: {turn_taking_patience: high}\n"


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_remote_change_beside_a_written_field_is_no_default_of_tavus(
    applied: ProjectFolder, *, is_killed: bool
) -> None:
    applied.write("personas/ada.yaml", applied.read("personas/ada.yaml") + FLOW)
    applied.edit_remotely(layers={"conversational_flow": {"replica_interruptibility": "low"}})
    if is_killed:
        applied.plan()
        assert applied.kill_apply(len(applied.requests) + 1)  # after the write, before its answer
    applied.apply_successfully()
    assert applied.statuses() == {ADA_NAME: "changed remotely"}
    (pulled,) = applied.pull()
    assert pulled.fields == ["/layers/conversational_flow/replica_interruptibility"]
    assert applied.plan().items == []


def test_a_remote_prompt_is_pulled_into_its_own_file(applied: ProjectFolder) -> None:
    before = applied.read("personas/ada.yaml")
    applied.edit_remotely(system_prompt="You listen.\n\nBe calm.")
    (pulled,) = applied.pull()
    assert pulled.fields == ["/system_prompt"]
    assert applied.read(ADA_PROMPT_FILE) == "You listen.\n\nBe calm.\n"
    assert applied.read("personas/ada.yaml") == before
    assert applied.plan().items == []


def test_a_conflict_is_reported_with_all_three_values(applied: ProjectFolder) -> None:
    applied.replace("personas/ada.yaml", "Hello.", "Hi.")
    applied.edit_remotely(greeting="Good day.")
    (conflict,) = applied.plan().conflicts
    assert (conflict.pointer, conflict.base, conflict.file, conflict.account) == (
        "/greeting",
        "Hello.",
        "Hi.",
        "Good day.",
    )
    with pytest.raises(Conflict):
        applied.apply()
    assert applied.writes == []
    (pulled,) = applied.pull()
    assert pulled.outcome == "left"
    assert "Hi." in applied.read("personas/ada.yaml")


@pytest.mark.parametrize("command", ["apply", "pull"])
@pytest.mark.parametrize("side", ["file", "live"])
def test_a_conflict_is_settled_for_one_side(
    applied: ProjectFolder, command: str, side: str
) -> None:
    applied.replace("personas/ada.yaml", "Hello.", "Hi.")
    applied.edit_remotely(greeting="Good day.")
    if command == "apply":
        applied.apply_successfully(resolve=side)
        applied.pull()
    else:
        applied.pull(resolve=side)
        applied.apply_successfully()
    expected = "Hi." if side == "file" else "Good day."
    assert expected in applied.read("personas/ada.yaml")
    assert applied.accounts["staging"].user_objects()[0]["greeting"] == expected
    assert applied.statuses() == {ADA_NAME: "in sync"}


def test_the_same_change_on_both_sides_is_in_sync(applied: ProjectFolder) -> None:
    applied.replace("personas/ada.yaml", "Hello.", "Hi.")
    applied.edit_remotely(greeting="Hi.")
    assert applied.statuses() == {ADA_NAME: "in sync"}
    applied.apply_successfully()
    assert applied.writes == []
    applied.replace("personas/ada.yaml", "Hi.", "Hello.")
    assert applied.statuses() == {ADA_NAME: "changed locally"}


def test_a_removed_field_is_removed(applied: ProjectFolder) -> None:
    applied.replace("personas/ada.yaml", "greeting: Hello.  # short\n", "")
    applied.apply_successfully()
    assert not applied.accounts["staging"].user_objects()[0].get("greeting")
    assert applied.statuses() == {ADA_NAME: "in sync"}


class TestDeletions:
    def test_without_prune_a_persona_without_a_file_stays(self, applied: ProjectFolder) -> None:
        (applied.folder / "personas/ada.yaml").unlink()
        assert applied.statuses() == {ADA_NAME: "changed locally"}
        plan = applied.plan()
        assert plan.items == []
        assert plan.notes[0][1].endswith("; --prune deletes it")

    def test_a_new_file_beside_a_missing_one_may_be_the_renamed_one(
        self, applied: ProjectFolder
    ) -> None:
        (applied.folder / "personas/ada.yaml").unlink()
        applied.write("personas/eve.yaml", ADA.replace("Ada", "Eve"))
        ((_, message),) = applied.plan().notes
        link = f"personas/NEW_NAME={applied.state_ids()[ADA_NAME]}"
        assert f"tavus-mcp pull {link} --env staging" in message

    def test_prune_deletes_what_the_project_created(self, applied: ProjectFolder) -> None:
        (applied.folder / "personas/ada.yaml").unlink()
        applied.apply_successfully(prune=True)
        assert applied.accounts["staging"].ids() == []
        assert applied.statuses() == {}

    def test_prune_leaves_what_the_project_did_not_create(self, project: ProjectFolder) -> None:
        project.apply_successfully()
        state = json.loads(project.state_text() or "")
        state["objects"][ADA_NAME].pop("created")
        project.write(".tavus/staging.json", json.dumps(state))
        (project.folder / "personas/ada.yaml").unlink()
        assert "--prune forgets it" in project.plan().notes[0][1]
        project.apply_successfully(prune=True)
        assert len(project.accounts["staging"].ids()) == 1
        assert project.statuses() == {}

    def test_a_deletion_against_an_edit_is_a_conflict(self, applied: ProjectFolder) -> None:
        (applied.folder / "personas/ada.yaml").unlink()
        applied.edit_remotely(greeting="Good day.")
        assert applied.statuses() == {ADA_NAME: "changed on both sides"}
        assert len(applied.plan(prune=True).conflicts) == 1
        (pulled,) = applied.pull()
        assert pulled.unsettled
        applied.pull(resolve="live")
        assert "Good day." in applied.read("personas/ada.yaml")
        assert applied.statuses() == {ADA_NAME: "in sync"}

    def test_an_object_deleted_in_the_account_is_not_created_again(
        self, applied: ProjectFolder
    ) -> None:
        applied.delete_remotely(applied.state_ids()[ADA_NAME])
        assert applied.statuses() == {ADA_NAME: "changed remotely"}
        assert applied.plan().items == []
        (pulled,) = applied.pull()
        assert pulled.outcome == "removed"
        assert pulled.remarks == [f"{ADA_PROMPT_FILE} is left; no other file names it."]
        assert not (applied.folder / "personas/ada.yaml").exists()
        assert applied.statuses() == {}

    def test_an_edit_against_a_deletion_in_the_account_is_a_conflict(
        self, applied: ProjectFolder
    ) -> None:
        applied.delete_remotely(applied.state_ids()[ADA_NAME])
        applied.replace("personas/ada.yaml", "Hello.", "Hi.")
        assert applied.statuses() == {ADA_NAME: "changed on both sides"}
        assert len(applied.plan().conflicts) == 1
        applied.apply_successfully(resolve="file")
        assert applied.accounts["staging"].user_objects()[0]["greeting"] == "Hi."
        assert applied.statuses() == {ADA_NAME: "in sync"}

    def test_gone_on_both_sides_is_forgotten(self, applied: ProjectFolder) -> None:
        applied.delete_remotely(applied.state_ids()[ADA_NAME])
        (applied.folder / "personas/ada.yaml").unlink()
        assert applied.statuses() == {}
        applied.apply_successfully()
        assert applied.state_ids() == {}


class TestTakingOver:
    def test_pull_all_writes_files_of_an_account(self, applied: ProjectFolder) -> None:
        for path in ("personas/ada.yaml", ADA_PROMPT_FILE, ".tavus/staging.json"):
            (applied.folder / path).unlink()
        (pulled,) = applied.pull(takes_new=True)
        assert (str(pulled.name), pulled.outcome) == (ADA_NAME, "added")
        assert applied.read(ADA_PROMPT_FILE) == "You help people.\nBe kind.\n"
        assert applied.statuses() == {ADA_NAME: "in sync"}
        assert applied.plan().items == []

    def test_a_file_with_the_name_of_an_unknown_persona_is_a_conflict(
        self, applied: ProjectFolder
    ) -> None:
        """A lost state must not create every persona a second time."""
        (applied.folder / ".tavus/staging.json").unlink()
        applied.replace("personas/ada.yaml", "Hello.", "Hi.")
        (conflict,) = applied.plan().conflicts
        assert "pull" in conflict.message
        (pulled,) = applied.pull(resolve="file")
        assert pulled.outcome == "linked"
        applied.apply_successfully()
        assert applied.accounts["staging"].user_objects()[0]["greeting"] == "Hi."
        assert len(applied.accounts["staging"].ids()) == 1

    def test_of_several_personas_of_a_name_one_is_linked_by_its_id(
        self, applied: ProjectFolder
    ) -> None:
        store = applied.accounts["staging"].store
        document = applied.accounts["staging"].user_objects()[0]
        store.put("persona", "p0000000001", {**document, "persona_id": "p0000000001"})
        (applied.folder / ".tavus/staging.json").unlink()
        (pulled,) = applied.pull()
        assert "p0000000001" in pulled.unsettled[0]
        applied.pull(links={ObjectName("personas", "ada"): "p0000000001"})
        assert applied.state_ids() == {ADA_NAME: "p0000000001"}
        assert applied.statuses() == {ADA_NAME: "in sync"}

    def test_the_key_of_another_account_is_noticed(self, project: ProjectFolder) -> None:
        for name in ("bob", "cy", "dan"):
            project.write(f"personas/{name}.yaml", ADA.replace("Ada", name))
        project.apply_successfully()
        state = (project.state_text() or "").replace("staging", "production")
        project.write(".tavus/production.json", state)
        with pytest.raises(Refused, match="right account"):
            project.statuses("production")


class TestUndo:
    def test_undo_restores_what_a_run_changed(self, applied: ProjectFolder) -> None:
        before = applied.accounts["staging"].documents()
        applied.replace(ADA_PROMPT_FILE, "kind", "brief")
        applied.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))
        applied.apply_successfully()
        result = applied.undo()
        assert result.errors == []
        assert applied.accounts["staging"].documents() == before
        assert applied.statuses() == {ADA_NAME: "changed locally", "personas/bob": "only local"}

    def test_undo_brings_a_pruned_persona_back(self, applied: ProjectFolder) -> None:
        before = applied.accounts["staging"].documents()
        (applied.folder / "personas/ada.yaml").unlink()
        applied.apply_successfully(prune=True)
        applied.undo()
        assert applied.accounts["staging"].documents() == before
        assert applied.statuses() == {ADA_NAME: "changed locally"}
        (undone,) = applied.undo().items  # the creation, under the new id
        assert undone.outcome == "deleted"
        assert applied.accounts["staging"].documents() == []
        assert applied.state_ids() == {}

    def test_undo_leaves_what_others_changed_since(self, applied: ProjectFolder) -> None:
        applied.replace("personas/ada.yaml", "Hello.", "Hi.")
        applied.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))
        applied.apply_successfully()
        for number in (0, 1):
            applied.edit_remotely(number=number, greeting="Good day.")
        result = applied.undo()
        assert len(result.errors) == 2
        greetings = [item["greeting"] for item in applied.accounts["staging"].user_objects()]
        assert greetings == ["Good day.", "Good day."]

    def test_undo_twice_goes_back_two_runs(self, applied: ProjectFolder) -> None:
        applied.replace("personas/ada.yaml", "Hello.", "Hi.")
        applied.apply_successfully()
        applied.undo()
        assert applied.accounts["staging"].user_objects()[0]["greeting"] == "Hello."
        applied.undo()
        assert applied.accounts["staging"].ids() == []
        with pytest.raises(Refused, match="history"):
            applied.undo()

    def test_a_conflict_whose_settlement_is_undone_is_one_again(
        self, applied: ProjectFolder
    ) -> None:
        applied.replace("personas/ada.yaml", "Hello.", "Hi.")
        applied.edit_remotely(greeting="Good day.")
        applied.apply_successfully(resolve="file")
        applied.undo()
        (conflict,) = applied.plan().conflicts
        assert (conflict.base, conflict.file, conflict.account) == ("Hello.", "Hi.", "Good day.")

    def test_a_deletion_against_an_edit_that_is_undone_is_a_conflict_again(
        self, applied: ProjectFolder
    ) -> None:
        """Neither side's edit is overwritten by a plain apply then."""
        applied.delete_remotely(applied.state_ids()[ADA_NAME])
        applied.apply_successfully(resolve="file")
        applied.undo()
        assert applied.statuses() == {ADA_NAME: "changed remotely"}
        applied.replace("personas/ada.yaml", "Hello.", "Hi.")
        assert "it was deleted in the account" in applied.plan().conflicts[0].message
        applied.apply_successfully(resolve="file")
        applied.edit_remotely(greeting="Good day.")
        (applied.folder / "personas/ada.yaml").unlink()
        applied.apply_successfully(prune=True, resolve="file")
        applied.undo()
        assert applied.accounts["staging"].user_objects()[0]["greeting"] == "Good day."
        assert "its file is gone" in applied.plan(prune=True).conflicts[0].message

    def test_an_undone_run_can_be_applied_again(self, applied: ProjectFolder) -> None:
        applied.replace("personas/ada.yaml", "Hello.", "Hi.")
        applied.apply_successfully()
        applied.undo()
        applied.apply_successfully()
        assert applied.accounts["staging"].user_objects()[0]["greeting"] == "Hi."


def test_one_wrong_persona_prevents_every_write(applied: ProjectFolder) -> None:
    applied.replace("personas/ada.yaml", "Hello.", "Hi.")
    for name in ("bob", "cy"):
        applied.write(f"personas/{name}.yaml", ADA.replace("{value: replica}", "r000000000000"))
    place = r"^Refused before anything was sent\.\npersonas/bob\.yaml:3:1: /default_replica_id: "
    for act in (applied.plan, applied.apply):
        with pytest.raises(RefusedProject, match=place + r".*no replica 'r000000000000'"):
            act()
        lookups = [request for request in applied.requests if "r000000000000" in request]
        assert len(lookups) == 1, "an id was looked up once for each persona"
    assert applied.writes == []
