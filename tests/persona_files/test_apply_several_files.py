"""Applying several files: none is written before all are right; exit statuses; the summary."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_runner import CommandRunner

ADA = "persona_name: Ada\nsystem_prompt: You help people.\ndefault_replica_id: rfe12d8b9597\n"
BOB = ADA.replace("Ada", "Bob")


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    runner = CommandRunner(tmp_path)
    runner.write_file(ADA, "ada.yaml")
    runner.write_file(BOB, "bob.yaml")
    return runner


def list_names(runner: CommandRunner) -> list[str]:
    rows = runner.run_successfully("list").stdout.splitlines()[1:]
    return sorted(row.split()[1] for row in rows)


def change(runner: CommandRunner, name: str, old: str, new: str) -> None:
    path = runner.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_all_files_are_applied_and_counted(runner: CommandRunner) -> None:
    result = runner.run_successfully("apply", "ada.yaml", "bob.yaml")
    assert result.find_value("summary") == "2 files: 2 created"
    change(runner, "ada.yaml", "You help", "You assist")
    result = runner.run_successfully("apply", "ada.yaml", "bob.yaml")
    assert result.find_value("summary") == "2 files: 1 updated, 1 unchanged"


@pytest.mark.parametrize(
    ("name", "text", "status", "words"),
    [
        ("not YAML", "persona_name: [\n", 4, "not YAML"),
        ("unknown field", BOB + "colour: red\n", 4, "/colour"),
        ("refused value", BOB + "languages: 5\n", 4, "/languages"),
        ("no such replica", BOB.replace("rfe12d8b9597", "r000000000000"), 4, "no replica"),
        ("no such document", BOB + "document_ids: [d0000000]\n", 4, "no document"),
        ("unknown key", BOB + "layers: {llm: {api_key_ref: nowhere}}\n", 4, "api_key_ref"),
        ("literal key", BOB + "layers: {llm: {api_key: sk-abcdefgh}}\n", 4, "api_key_ref: NAME"),
        ("mask", BOB + 'layers: {llm: {api_key: "********"}}\n', 4, "no stored key"),
        ("no such persona", "persona_id: p123\n" + BOB, 4, "no persona 'p123'"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
@pytest.mark.parametrize("mode", [(), ("--dry-run",)], ids=["apply", "dry run"])
def test_one_wrong_file_prevents_every_write(
    runner: CommandRunner, name: str, text: str, status: int, words: str, mode: tuple[str, ...]
) -> None:
    runner.write_file(text, "bob.yaml")
    result = runner.run("apply", "ada.yaml", "bob.yaml", *mode)
    assert result.status == status, name
    assert words in result.stderr
    assert "bob.yaml" in result.stderr
    assert "1 failed" in result.find_value("summary")
    assert runner.run_successfully("list").stdout == "no personas\n"
    assert "persona_id" not in (runner.folder / "ada.yaml").read_text()


def test_two_files_about_one_persona_are_refused(runner: CommandRunner) -> None:
    runner.run_successfully("apply", "ada.yaml")
    runner.write_file((runner.folder / "ada.yaml").read_text(), "copy.yaml")
    result = runner.run("apply", "ada.yaml", "copy.yaml")
    assert result.status == 4
    assert "copy.yaml: ada.yaml is about the same persona" in result.stderr


@pytest.mark.parametrize("name", ["ada.yaml", "./ada.yaml", "link.yaml", "hard.yaml"])
def test_one_file_under_two_names_is_refused(runner: CommandRunner, name: str) -> None:
    (runner.folder / "link.yaml").symlink_to("ada.yaml")
    (runner.folder / "hard.yaml").hardlink_to(runner.folder / "ada.yaml")
    result = runner.run("apply", "ada.yaml", name)
    assert result.status == 4
    assert f"{name}: this is the same file as ada.yaml" in result.stderr
    assert runner.run_successfully("list").stdout == "no personas\n"
    if name == "ada.yaml":
        assert "-: this is the same file as -" in runner.run("apply", "-", "-", stdin=ADA).stderr


def test_a_dry_run_ends_with_2_when_something_would_change(runner: CommandRunner) -> None:
    assert runner.run("apply", "ada.yaml", "--dry-run").status == 2
    runner.run_successfully("apply", "ada.yaml")
    applied = (runner.folder / "ada.yaml").read_text()
    stale = applied.replace("revision: ", "revision: 0").replace('0"', '"0')
    runner.write_file(stale, "ada.yaml")
    assert runner.run("apply", "ada.yaml", "--dry-run").status == 0
    assert (runner.folder / "ada.yaml").read_text() == stale
    runner.write_file(applied, "ada.yaml")
    change(runner, "ada.yaml", "You help", "You assist")
    result = runner.run("apply", "ada.yaml", "--dry-run")
    assert result.status == 2
    assert '  ~ /system_prompt: "You help people." -> "You assist people."' in result.stdout


def test_an_equal_file_is_accepted_whatever_its_revision(runner: CommandRunner) -> None:
    runner.run_successfully("apply", "ada.yaml")
    stale = (runner.folder / "ada.yaml").read_text()
    change(runner, "ada.yaml", "You help", "You assist")
    runner.run_successfully("apply", "ada.yaml")
    runner.write_file(stale.replace("You help", "You assist"), "stale.yaml")
    result = runner.run_successfully("apply", "stale.yaml")
    assert result.find_value("status") == "unchanged"
    assert (runner.folder / "stale.yaml").read_text() == (runner.folder / "ada.yaml").read_text()
    runner.write_file(stale, "stale.yaml")
    assert runner.run("apply", "stale.yaml").status == 3


def test_an_equal_file_with_a_key_is_accepted_whatever_its_revision(
    runner: CommandRunner,
) -> None:
    llm = "layers:\n  llm:\n    model: m\n    base_url: https://llm.example.com/v1\n"
    runner.write_file(ADA + llm + "    api_key_ref: openai\n", "ada.yaml")
    runner.run_successfully("apply", "ada.yaml")
    first = (runner.folder / "ada.yaml").read_text()
    change(runner, "ada.yaml", "You help", "You assist")
    runner.run_successfully("apply", "ada.yaml")
    runner.write_file(first.replace("You help", "You assist"), "stale.yaml")
    runner.run_successfully("apply", "stale.yaml")


def test_a_file_finds_a_deleted_persona_that_was_restored(runner: CommandRunner) -> None:
    runner.run_successfully("apply", "ada.yaml")
    old = (runner.folder / "ada.yaml").read_text()
    persona_id = old.partition("persona_id: ")[2].split()[0]
    deleted = runner.run_successfully("delete", persona_id, "--yes")
    restore = deleted.find_value("undo").split()
    assert restore[:2] == ["tavus-mcp", "restore"]
    assert restore[-1] == "--sandbox"
    restored = runner.run_successfully(*restore[1:]).find_value("persona_id")
    assert restored != persona_id
    for command in (["export"], ["check"], ["delete", "--yes"]):
        assert f"brought back as {restored}." in runner.run(*command, persona_id).stderr
    earlier = runner.run("restore", f"{restored}@308").stderr
    assert f"tavus-mcp journal show {persona_id} --sandbox lists them" in earlier
    assert f"tavus-mcp restore {persona_id}@308 --sandbox restores one" in earlier
    runner.write_file(f"persona_id: {restored}\n{ADA}", "other.yaml")
    both = runner.run("apply", "ada.yaml", "other.yaml")
    assert both.status == 4
    assert f"ada.yaml is about the same persona {restored!r}" in both.stderr
    runner.write_file(old, "into.yaml")
    runner.run_successfully("export", restored, "--into", "into.yaml")
    assert f"persona_id: {restored}" in (runner.folder / "into.yaml").read_text()
    change(runner, "ada.yaml", "You help", "You assist")
    result = runner.run_successfully("apply", "ada.yaml")
    assert result.find_value("persona_id") == restored
    assert f"persona_id: {restored}" in (runner.folder / "ada.yaml").read_text()
    assert list_names(runner) == ["Ada"]


def test_one_refused_file_says_nothing_about_other_files(runner: CommandRunner) -> None:
    runner.write_file(BOB + "colour: red\n", "bob.yaml")
    assert "all files must be right" not in runner.run("apply", "bob.yaml").stderr
    assert "all files must be right" in runner.run("apply", "ada.yaml", "bob.yaml").stderr


def test_a_protected_account_is_written_to_only_with_a_yes(runner: CommandRunner) -> None:
    protected = {"TAVUS_MCP_PROTECTED": "1"}
    refused = runner.run("apply", "ada.yaml", **protected)
    assert refused.status == 5
    assert refused.find_value("status") == "planned"
    assert "--yes" in refused.stderr
    assert "persona_id" not in (runner.folder / "ada.yaml").read_text()
    result = runner.run_successfully("apply", "ada.yaml", "--yes", **protected)
    persona_id = result.stdout.rpartition("persona_id: ")[2].split()[0]
    assert f"persona_id: {persona_id}" in (runner.folder / "ada.yaml").read_text()
    change(runner, "ada.yaml", "You help", "You assist")
    runner.run_successfully("apply", "ada.yaml", "--yes", **protected)
    assert runner.run("undo", persona_id, **protected).status == 5
    runner.run_successfully("undo", persona_id, "--yes", **protected)
    assert "You help people." in runner.run_successfully("export", persona_id).stdout
