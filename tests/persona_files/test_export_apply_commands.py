"""The commands ``export`` and ``apply``: what they print and write, and what stays unchanged."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from command_runner import CommandRunner
from mcp_client import SECRET, build_test_app
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.cli.apply import ApplyOptions, apply_files
from tavus_mcp.persona_files.yaml_reader import parse_yaml

ADA = """\
# Ours. Ask Kim.
persona_name: Ada   # the name
system_prompt: |
  You help.

  Be kind.
default_replica_id: rfe12d8b9597
layers:
  llm:   # our own
    model: gpt-4o
    base_url: https://llm.example.com/v1
    api_key_ref: openai
    headers:
      Authorization: Bearer {secret:openai}
  stt: {hotwords: Tavus}
"""


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    return CommandRunner(tmp_path)


def replace_in_file(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_applying_a_file_creates_a_persona_and_later_updates_it(runner: CommandRunner) -> None:
    path = runner.write_file(ADA)
    path.chmod(0o640)
    made = runner.run_subprocess("apply", "persona.yaml")
    assert (made.status, made.find_value("status"), made.stderr) == (0, "applied", "")
    own = f"persona_id: {made.find_value('persona_id')}\nrevision: "
    head, _, rest = path.read_text().partition("persona_name: ")
    assert head.startswith("# Ours. Ask Kim.\n" + own)
    assert "persona_name: " + rest == ADA.partition("\n")[2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [item.name for item in runner.folder.iterdir() if item.name != "data"] == [path.name]

    replace_in_file(path, "Be kind.", "Be brief.")
    changed = runner.run_successfully("apply", "persona.yaml")
    assert (changed.find_value("status"), changed.find_value("persona_id")) == (
        "applied",
        made.find_value("persona_id"),
    )
    assert changed.find_value("revision") in path.read_text()
    assert "Be brief." in runner.run_successfully("export", made.find_value("persona_id")).stdout
    assert "apply_file" in runner.run_successfully("journal", "show").stdout


def test_export_is_deterministic_and_a_change_affects_only_its_lines(
    runner: CommandRunner,
) -> None:
    path, persona_id = runner.create_persona_from_text(ADA)
    first = runner.run_subprocess("export", persona_id)
    assert (first.status, first.stderr) == (0, "")
    assert first.stdout == runner.run_successfully("export", persona_id).stdout
    runner.write_file(first.stdout)
    again = runner.run_successfully("apply", path.name)
    assert again.find_value("status") == "unchanged"
    assert path.read_text() == first.stdout
    replace_in_file(path, "Be kind.", "Be brief.")
    runner.run_successfully("apply", path.name)
    second = runner.run_successfully("export", persona_id).stdout
    assert path.read_text() == second
    before, after = first.stdout.splitlines(), second.splitlines()
    differing = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [old.partition(":")[0].strip() for old, _ in differing] == ["revision", "Be kind."]


def test_a_dry_run_changes_neither_the_file_nor_the_persona(runner: CommandRunner) -> None:
    runner.write_file(ADA)
    planned = runner.run("apply", "--dry-run", "persona.yaml")
    assert (planned.status, planned.find_value("status")) == (2, "planned")
    assert planned.find_value("plan_id") == ""  # no command takes it
    assert (runner.folder / "persona.yaml").read_text() == ADA
    path, persona_id = runner.create_persona_from_text(ADA)
    before = path.read_text()
    replace_in_file(path, "Be kind.", "Be brief.")
    planned = runner.run("apply", path.name, "--dry-run", TAVUS_MCP_READ_ONLY="1")
    assert planned.status == 2
    assert "/system_prompt" in planned.stdout
    assert path.read_text() == before.replace("Be kind.", "Be brief.")
    assert "Be kind." in runner.run_successfully("export", persona_id).stdout


def test_a_persona_changed_in_between_is_not_overwritten_and_the_change_is_reported(
    runner: CommandRunner,
) -> None:
    path, persona_id = runner.create_persona_from_text(ADA)
    runner.write_file(runner.run_successfully("export", persona_id).stdout, "other.yaml")
    replace_in_file(runner.folder / "other.yaml", "hotwords: Tavus", "hotwords: replica")
    runner.run_successfully("apply", "other.yaml")
    replace_in_file(path, "Be kind.", "Be brief.")
    mine = path.read_text()
    refused = runner.run("apply", path.name)
    assert (refused.status, refused.stdout) == (3, "")
    for words in (
        "/layers/stt/hotwords",
        "replica",
        f"export {persona_id} --into",
        path.name,
        "replaces its content",
    ):
        assert words in refused.stderr
    assert path.read_text() == mine

    result = runner.run_successfully("export", persona_id, "--into", path.name)
    assert "/system_prompt" in result.stdout
    assert "Be brief." in result.stdout
    text = path.read_text()
    for fragment in (
        "# Ours. Ask Kim.",
        "Ada   # the name",
        "llm:   # our own",
        "api_key_ref: openai",
    ):
        assert fragment in text
    assert "hotwords" in text
    assert "replica" in text
    assert "Be kind." in text
    replace_in_file(path, "Be kind.", "Be brief.")
    assert runner.run_successfully("apply", path.name).find_value("status") == "applied"


def test_a_file_without_revision_overwrites_the_stored_persona(runner: CommandRunner) -> None:
    path, persona_id = runner.create_persona_from_text(ADA)
    mine = "".join(
        line
        for line in path.read_text().splitlines(keepends=True)
        if not line.startswith("revision")
    )
    replace_in_file(path, "hotwords: Tavus", "hotwords: other")
    runner.run_successfully("apply", path.name)
    runner.write_file(mine)
    assert runner.run_successfully("apply", path.name).find_value("status") == "applied"
    assert "hotwords: Tavus" in runner.run_successfully("export", persona_id).stdout
    assert "revision: " in path.read_text()


def test_an_exported_earlier_revision_is_not_applied_by_accident(
    runner: CommandRunner,
) -> None:
    path, persona_id = runner.create_persona_from_text(ADA)
    first = runner.run_successfully("export", persona_id).stdout
    old = str(parse_yaml(first).to_data()["revision"])
    replace_in_file(path, "Be kind.", "Be brief.")
    runner.run_successfully("apply", path.name)
    earlier = runner.run_successfully("export", f"{persona_id}@{old}").stdout
    assert earlier == first.replace("Bearer {secret:openai}", '"********"')
    runner.write_file(earlier, "old.yaml")
    assert "remove the revision line" in runner.run("apply", "old.yaml").stderr
    replace_in_file(runner.folder / "old.yaml", "revision:", "# revision:")
    assert runner.run_successfully("apply", "old.yaml").find_value("revision") == old


def test_a_file_from_stdin_is_applied_without_writing_back(runner: CommandRunner) -> None:
    made = runner.run_successfully("apply", "-", stdin=ADA)
    assert made.find_value("persona_id").startswith("p")
    exported = runner.run_successfully("export", made.find_value("persona_id")).stdout
    assert runner.run_successfully("apply", "-", stdin=exported).find_value("status") == "unchanged"
    assert [item.name for item in runner.folder.iterdir()] == ["data"]


def test_no_key_reaches_a_file_the_output_or_the_journal(runner: CommandRunner) -> None:
    canary = "canary-31f0c7a9d2"
    path = runner.write_file(
        ADA.replace("{secret:openai}", canary) + "greeting: Say " + SECRET + "\n"
    )
    refused = runner.run("apply", path.name)
    assert refused.status == 4
    created = runner.run_successfully("apply", path.name, "--allow-literal-key")
    persona_id = created.find_value("persona_id")
    results = [
        runner.run("export", persona_id),
        runner.run("apply", path.name, "--allow-literal-key"),
        refused,
        created,
    ]
    into = runner.folder / "into.yaml"
    results += [
        runner.run_successfully("export", persona_id, "--into", into.name),
        runner.run("journal", "show"),
    ]
    exported = results[0]
    assert "/greeting" in exported.stderr
    assert 'api_key: "********"' in exported.stdout
    assert "git" in refused.stderr
    for result in results:
        assert SECRET not in result.stdout + result.stderr
        assert canary not in result.stdout + result.stderr
    journal_files = [
        item.read_bytes() for item in runner.data_folder.iterdir() if "journal" in item.name
    ]
    assert journal_files
    for blob in (*journal_files, into.read_bytes()):
        assert SECRET.encode() not in blob
        assert canary.encode() not in blob


@pytest.mark.parametrize(
    ("name", "status"), [("missing.yaml", 1), ("data", 1), ("bad.yaml", 4), ("gone.yaml", 4)]
)
def test_a_file_that_cannot_be_applied_is_named(
    runner: CommandRunner, name: str, status: int
) -> None:
    runner.data_folder.mkdir()
    runner.write_file("persona_name: [\n", "bad.yaml")
    runner.write_file("persona_id: p123\npersona_name: Ada\n", "gone.yaml")
    result = runner.run("apply", name)
    assert (result.status, result.stdout) == (status, "")
    assert result.stderr.startswith(f"tavus-mcp: {name}: ")
    assert "Traceback" not in result.stderr


@pytest.mark.anyio
async def test_a_file_edited_in_between_is_not_overwritten(
    sandbox: ASGIApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An editor may save between our read and our write."""
    path = tmp_path / "persona.yaml"

    async def editing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            path.write_text(ADA + "greeting: Hi\n", encoding="utf-8")
        await sandbox(scope, receive, send)

    path.write_text(ADA, encoding="utf-8")
    app, _ = build_test_app(editing)
    assert await apply_files(app, ApplyOptions([str(path)])) == 1
    assert path.read_text(encoding="utf-8") == ADA + "greeting: Hi\n"
    output = capsys.readouterr()
    assert "status: applied" in output.out
    (persona_id,) = [line for line in output.out.splitlines() if line.startswith("persona_id: ")]
    assert persona_id in output.err


def test_a_symbolic_link_is_preserved(runner: CommandRunner) -> None:
    real = runner.write_file(ADA, "real.yaml")
    link = runner.folder / "link.yaml"
    link.symlink_to(real)
    runner.run_successfully("apply", link.name)
    assert link.is_symlink()
    assert "persona_id: p" in real.read_text()


def test_a_read_only_command_applies_nothing(runner: CommandRunner) -> None:
    runner.write_file(ADA)
    result = runner.run("--read-only", "apply", "persona.yaml")
    assert result.status == 5
    assert "--dry-run" in result.stderr
    assert (runner.folder / "persona.yaml").read_text() == ADA


def test_a_file_of_another_persona_is_not_overwritten(runner: CommandRunner) -> None:
    path, _ = runner.create_persona_from_text(ADA)
    mine = path.read_text()
    result = runner.run("export", "p1af207b8189", "--into", path.name)
    assert result.status == 4
    assert path.read_text() == mine
