"""Secrets, skills and drafts of the personas of a project."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_harness import (
    ADA,
    ADA_NAME,
    ADA_PROMPT_FILE,
    ADA_WITH_FILE,
    BOOKING_TOOL,
    ProjectFolder,
    build_folder,
)

from tavus_mcp.errors import WrongUsage
from tavus_mcp.project.refusals import RefusedProject
from tavus_mcp.sandbox.switches import Switches


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("personas/ada.yaml", ADA_WITH_FILE)
    folder.write(ADA_PROMPT_FILE, "You help people.\nBe kind.\n")
    return folder


def test_a_key_is_sent_once_and_is_in_no_state(project: ProjectFolder) -> None:
    llm = "  llm: {model: gpt-4o, base_url: 'https://api.openai.com/v1', api_key_ref: openai}\n"
    project.write("personas/ada.yaml", ADA_WITH_FILE + "layers:\n" + llm)
    project.apply_successfully()
    key = project.accounts["staging"].secrets["openai"]
    stored = project.accounts["staging"].user_objects()[0]
    assert stored["layers"]["llm"]["api_key"] == key
    assert key not in (project.state_text() or "")
    project.apply_successfully()
    assert project.writes == []
    project.replace(ADA_PROMPT_FILE, "kind", "brief")
    project.apply_successfully()
    assert project.accounts["staging"].user_objects()[0]["layers"]["llm"]["api_key"] == key
    assert project.statuses() == {ADA_NAME: "in sync"}


def test_a_new_value_of_a_secret_is_sent_on_request(project: ProjectFolder) -> None:
    llm = "  llm: {model: gpt-4o, base_url: 'https://api.openai.com/v1', api_key_ref: openai}\n"
    project.write("personas/ada.yaml", ADA_WITH_FILE + "layers:\n" + llm)
    project.write("personas/bob.yaml", ADA.replace("Ada", "Bob"))
    project.apply_successfully()
    account = project.accounts["staging"]
    account.secrets["openai"] = "sk-another-key-1234"
    assert project.plan().items == []  # nothing shows that the value is another one
    (item,) = project.plan(resent_secrets=frozenset({"openai"})).items
    assert [(change.path, change.after) for change in item.changes] == [
        ("/layers/llm/api_key_ref", "openai")
    ]
    project.apply_successfully(resent_secrets=frozenset({"openai"}))
    (ada,) = (row for row in account.user_objects() if row["persona_name"] == "Ada")
    assert ada["layers"]["llm"]["api_key"] == "sk-another-key-1234"
    assert set(project.statuses().values()) == {"in sync"}
    assert "sk-another-key-1234" not in (project.state_text() or "")
    assert project.undo().errors == []
    with pytest.raises(WrongUsage, match="no secret 'opnai'; did you mean 'openai'"):
        project.plan(resent_secrets=frozenset({"opnai"}))


def test_skills_stay_with_changes_and_come_back_with_an_undone_deletion(
    applied: ProjectFolder,
) -> None:
    """Required by us: no file holds them, so nothing of a project may lose them."""
    store = applied.accounts["staging"].store
    skills = {
        name: {"config": config, "attached_at": "2026-01-01T00:00:00+00:00"}
        for name, config in (("internet_search", {}), ("memory", {}))
    }
    store.put("persona_skills", applied.state_ids()[ADA_NAME], skills)
    assert applied.statuses() == {ADA_NAME: "in sync"}
    applied.pull()
    applied.replace(ADA_PROMPT_FILE, "kind", "brief")
    applied.apply_successfully()
    applied.undo()
    assert store.get("persona_skills", applied.state_ids()[ADA_NAME]) == skills
    (applied.folder / "personas/ada.yaml").unlink()
    applied.apply_successfully(prune=True)
    result = applied.undo()
    assert result.errors == []
    attached = store.get("persona_skills", applied.state_ids()[ADA_NAME]) or {}
    assert attached.keys() == skills.keys()
    assert [item for item in result.items[0].findings if "skill" in item.message] == []


def test_a_deletion_says_what_an_undo_cannot_bring_back(project: ProjectFolder) -> None:
    llm = "  llm: {model: gpt-4o, base_url: 'https://api.openai.com/v1', api_key_ref: openai}\n"
    project.write("personas/ada.yaml", ADA_WITH_FILE + "layers:\n" + llm)
    project.apply_successfully()
    (project.folder / "personas/ada.yaml").unlink()
    (item,) = project.plan(prune=True).items
    assert "/layers/llm/api_key" in item.findings[0].message
    project.apply_successfully(prune=True)
    account = project.accounts["staging"]
    secrets = dict(account.secrets)
    account.secrets.clear()
    result = project.undo()
    assert any(finding.path == "/layers/llm/api_key" for finding in result.items[0].findings)
    account.secrets |= secrets


@pytest.mark.parametrize("change", ["address", "removal", "deletion"])
def test_an_undo_sends_the_secret_that_the_file_named(project: ProjectFolder, change: str) -> None:
    """Tavus takes the address of a language model only with its key, which no journal holds."""
    llm = "  llm: {model: gpt-4o, base_url: 'https://api.openai.com/v1', api_key_ref: openai}\n"
    project.write("personas/ada.yaml", ADA_WITH_FILE + "layers:\n" + llm)
    project.write("tools/book.yaml", BOOKING_TOOL)
    project.apply_successfully()
    before = [project.accounts["staging"].documents(kind) for kind in ("persona", "tool")]
    if change == "address":
        project.replace(
            "personas/ada.yaml", "https://api.openai.com/v1", "https://x.example.com/v1"
        )
        project.replace("tools/book.yaml", "bearer, token", "hmac, secret")
    elif change == "removal":
        project.write("personas/ada.yaml", ADA_WITH_FILE)
        project.write("tools/book.yaml", BOOKING_TOOL.partition("delivery")[0])
    else:
        (project.folder / "personas/ada.yaml").unlink()
        (project.folder / "tools/book.yaml").unlink()
    project.apply_successfully(prune=True)
    result = project.undo()
    assert result.errors == []
    after = [project.accounts["staging"].documents(kind) for kind in ("persona", "tool")]
    assert after == before
    assert set(project.statuses().values()) == {"changed locally"}
    journal = project.accounts["staging"].journal_path.read_bytes()
    assert project.accounts["staging"].secrets["openai"].encode() not in journal


def test_a_change_that_becomes_a_draft_is_no_success(applied: ProjectFolder) -> None:
    """Documented: Tavus may put a change into a draft, which is not live."""
    applied.accounts["staging"].switches = Switches(patches="draft")
    applied.replace(ADA_PROMPT_FILE, "kind", "brief")
    result = applied.apply()
    assert "put the change into a draft" in str(result.errors[0])
    applied.accounts["staging"].switches = Switches()
    assert applied.statuses() == {ADA_NAME: "changed locally"}
    applied.apply_successfully()
    assert applied.statuses() == {ADA_NAME: "in sync"}


def test_a_key_whose_variable_is_not_set_is_named(project: ProjectFolder) -> None:
    llm = "  llm: {model: gpt-4o, base_url: 'https://api.openai.com/v1', api_key_ref: openai}\n"
    project.write("personas/ada.yaml", ADA_WITH_FILE + "layers:\n" + llm)
    project.accounts["staging"].secrets.clear()
    project.write("tools/book.yaml", BOOKING_TOOL)
    unset = "these variables are not set: STAGING_OPENAI (secret openai)."
    with pytest.raises(RefusedProject) as refusal:
        project.apply()
    assert str(refusal.value).splitlines() == [
        "Refused before anything was sent.",
        f"tools/book.yaml:6:26: /delivery/api/auth/token: {unset}",
        f"personas/ada.yaml:5:63: /layers/llm/api_key_ref: {unset}",
    ]
    assert project.writes == []
