"""Parts of a project: created before the personas that use them, compared, merged and undone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from project_harness import ADA, BOOKING_TOOL, ProjectFolder, build_folder

from tavus_mcp.project.refusals import RefusedProject

EXAMPLE = Path(__file__).parents[2] / "examples" / "project"
GUARDRAIL = "guardrail_name: no_advice\nguardrail_prompt: Give no advice.\n"


@pytest.fixture
def example(tmp_path: Path) -> ProjectFolder:
    """The project in examples/, with two accounts."""
    folder = build_folder(tmp_path)
    shutil.rmtree(folder.folder)
    shutil.copytree(EXAMPLE, folder.folder)
    for name, account in folder.accounts.items():
        account.secrets["booking"] = f"booking-token-of-{name}"
    return folder


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("guardrails/no_advice.yaml", GUARDRAIL)
    folder.write("tools/book.yaml", BOOKING_TOOL)
    folder.write("personas/ada.yaml", ADA + "guardrails: [no_advice]\ntools: [book]\n")
    folder.apply_successfully()
    return folder


def test_the_example_is_applied_to_two_accounts(example: ProjectFolder) -> None:
    """Required by the issue: the same agents, with other ids."""
    for environment in example.accounts:
        example.apply_successfully(environment)
        assert set(example.statuses(environment).values()) == {"in sync"}
        assert example.pull(environment) == []
        example.apply_successfully(environment)
        assert example.writes == []
    staging, production = (example.state_ids(name) for name in example.accounts)
    assert staging.keys() == production.keys()
    assert not set(staging.values()) & set(production.values())
    host = next(
        item
        for item in example.accounts["production"].user_objects()
        if item["persona_name"] == "Restaurant host"
    )
    assert host["tool_ids"] == [production["tools/book_table"]]
    assert host["objectives_id"] == production["objectives/booking"]
    assert host["document_ids"] == [production["documents/menu"]]
    dictionary = host["layers"]["tts"]["pronunciation_dictionary_id"]
    assert dictionary == production["dictionaries/dishes"]


def test_parts_are_created_first_and_deleted_last(project: ProjectFolder) -> None:
    assert list(project.state_ids()) == ["tools/book", "guardrails/no_advice", "personas/ada"]
    for path in ("guardrails/no_advice.yaml", "personas/ada.yaml"):
        (project.folder / path).unlink()
    project.apply_successfully(prune=True)
    deletions = [line for line in project.writes if line.startswith("DELETE")]
    assert [line.split("/")[2] for line in deletions] == ["personas", "guardrails"]
    result = project.undo()
    assert result.errors == []
    guardrail_id = project.state_ids()["guardrails/no_advice"]
    persona = project.accounts["staging"].user_objects()[0]
    assert persona["guardrail_ids"] == [guardrail_id]


def test_a_used_part_is_not_deleted(project: ProjectFolder) -> None:
    """A persona outside of the project must not lose a part that it uses."""
    store = project.accounts["staging"].store
    persona = project.accounts["staging"].user_objects()[0]
    store.put("persona", "p0000000002", {**persona, "persona_id": "p0000000002"})
    project.write("personas/ada.yaml", ADA)
    (project.folder / "guardrails/no_advice.yaml").unlink()
    result = project.apply(prune=True)
    assert "p0000000002" in str(result.errors[0])
    assert project.statuses()["guardrails/no_advice"] == "changed locally"


def test_changes_of_a_part_on_both_sides_are_merged(project: ProjectFolder) -> None:
    store = project.accounts["staging"].store
    guardrail_id = project.state_ids()["guardrails/no_advice"]
    row = store.get("guardrail", guardrail_id) or {}
    store.put("guardrail", guardrail_id, {**row, "tags": ["safety"]})
    project.replace("guardrails/no_advice.yaml", "Give no", "Never give")
    assert project.statuses()["guardrails/no_advice"] == "changed on both sides"
    project.apply_successfully()
    changed = store.get("guardrail", guardrail_id) or {}
    assert (changed["guardrail_prompt"], changed["tags"]) == ("Never give advice.", ["safety"])
    project.pull()
    assert "tags:\n  - safety" in project.read("guardrails/no_advice.yaml")
    assert set(project.statuses().values()) == {"in sync"}


def test_a_secret_of_a_tool_is_sent_once_and_survives_other_changes(
    project: ProjectFolder,
) -> None:
    store = project.accounts["staging"].store
    tool_id = project.state_ids()["tools/book"]
    secret = project.accounts["staging"].secrets["openai"]
    project.replace("tools/book.yaml", "Books a table", "Reserves a table")
    project.apply_successfully()
    row = store.get("tool", tool_id) or {}
    assert row["delivery"]["api"]["auth"] == {"type": "bearer", "token": secret}
    assert secret not in (project.state_text() or "")
    assert project.statuses()["tools/book"] == "in sync"


def test_what_cannot_be_changed_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    folder = build_folder(tmp_path)
    folder.write("documents/menu.yaml", "document_url: https://example.com/a.pdf\n")
    folder.apply_successfully()
    folder.write("personas/ada.yaml", ADA)
    folder.replace("documents/menu.yaml", "a.pdf", "b.pdf")
    with pytest.raises(
        RefusedProject,
        match=r"(?s)documents/menu.yaml:1:1: /document_url"
        r".*rename the file.*apply --prune deletes this one",
    ):
        folder.apply()
    assert folder.writes == []


def test_an_account_with_parts_becomes_a_project(project: ProjectFolder) -> None:
    """Required by the issue: from an account to files that mean the same."""
    copy = build_folder(project.folder.parent / "copy")
    copy.accounts = project.accounts
    pulled = copy.pull(takes_new=True)
    assert {item.outcome for item in pulled} == {"added"}
    assert "guardrails:\n  - no_advice" in copy.read("personas/ada.yaml")
    assert set(copy.statuses().values()) == {"in sync"}
    copy.apply_successfully()
    assert copy.writes == []


@pytest.mark.extended
def test_a_kill_of_an_apply_with_parts_resumes(tmp_path: Path, example: ProjectFolder) -> None:
    """Required by the issue: with nothing done twice."""
    example.apply_successfully()
    expected = len(example.carried_out)
    for moment in range(0, 200, 7):
        folder = build_folder(tmp_path / str(moment))
        shutil.rmtree(folder.folder)
        shutil.copytree(EXAMPLE, folder.folder)
        folder.accounts["staging"].secrets["booking"] = "booking-token-of-staging"
        if not folder.kill_apply(moment):
            break
        before = len(folder.carried_out)
        folder.apply_successfully()
        assert before + len(folder.carried_out) == expected
        assert set(folder.statuses().values()) == {"in sync"}


def test_a_tool_goes_from_messages_to_an_api_and_back(tmp_path: Path) -> None:
    folder = build_folder(tmp_path)
    folder.write("tools/book.yaml", "name: book\ndescription: Books a table.\n")
    folder.apply_successfully()
    for text, is_message in ((BOOKING_TOOL, False), ("name: book\ndescription: Books.\n", True)):
        folder.write("tools/book.yaml", text)
        folder.apply_successfully()
        (row,) = folder.accounts["staging"].user_objects("tool")
        assert bool(row["delivery"].get("app_message")) is is_message
        assert bool(row["delivery"].get("api")) is not is_message
        assert folder.statuses() == {"tools/book": "in sync"}


def test_tags_of_a_document_are_emptied_and_its_name_stays(tmp_path: Path) -> None:
    folder = build_folder(tmp_path)
    text = "document_name: Menu\ndocument_url: https://example.com/a.pdf\n"
    folder.write("documents/menu.yaml", text + "tags: [a]\n")
    folder.apply_successfully()
    folder.write("documents/menu.yaml", text)
    folder.apply_successfully()
    (row,) = folder.accounts["staging"].user_objects("document")
    assert row["tags"] == []
    assert folder.statuses() == {"documents/menu": "in sync"}
    folder.write("documents/menu.yaml", "document_url: https://example.com/a.pdf\n")
    with pytest.raises(RefusedProject, match="a document cannot lose its name"):
        folder.apply()
    assert folder.writes == []


def test_a_reference_that_is_removed_is_taken_out_of_the_persona(project: ProjectFolder) -> None:
    project.write("personas/ada.yaml", ADA)
    project.apply_successfully()
    persona = project.accounts["staging"].user_objects()[0]
    assert not persona.get("tool_ids")
    assert not persona.get("guardrail_ids")
    assert set(project.statuses().values()) == {"in sync"}


def test_a_killed_creation_of_a_tool_is_not_followed_by_a_change(tmp_path: Path) -> None:
    """The journal keeps the references to secrets of a file."""
    for moment in (15, 17):
        folder = build_folder(tmp_path / str(moment))
        folder.write("tools/book.yaml", BOOKING_TOOL)
        folder.write("personas/ada.yaml", ADA + "tools: [book]\n")
        assert folder.kill_apply(moment)
        folder.apply_successfully()
        assert not [line for line in folder.writes if line.startswith("PATCH")]
        assert set(folder.statuses().values()) == {"in sync"}
