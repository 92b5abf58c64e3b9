"""``export`` and ``apply`` as processes: what they print, write and leave alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from commands import Shop
from mcp_client import SECRET, world
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.cli import persona_files
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
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_file_becomes_a_persona_then_its_changes_become_changes(shop: Shop) -> None:
    path = shop.write(ADA)
    path.chmod(0o640)
    made = shop.process("apply", "persona.yaml")
    assert (made.status, made.fact("status"), made.errors) == (0, "applied", "")
    own = f"persona_id: {made.fact('persona_id')}\nrevision: "
    head, _, rest = path.read_text().partition("persona_name: ")
    assert head.startswith("# Ours. Ask Kim.\n" + own)
    assert "persona_name: " + rest == ADA.partition("\n")[2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [item.name for item in shop.folder.iterdir() if item.name != "data"] == [path.name]

    edited(path, "Be kind.", "Be brief.")
    changed = shop.does("apply", "persona.yaml")
    assert (changed.fact("status"), changed.fact("persona_id")) == (
        "applied",
        made.fact("persona_id"),
    )
    assert changed.fact("revision") in path.read_text()
    assert "Be brief." in shop.does("export", made.fact("persona_id")).out
    assert "apply_file" in shop.does("journal", "show").out


def test_an_exported_file_is_the_same_each_time_and_one_change_is_its_own_lines(
    shop: Shop,
) -> None:
    path, persona_id = shop.created(ADA)
    first = shop.process("export", persona_id)
    assert (first.status, first.errors) == (0, "")
    assert first.out == shop.does("export", persona_id).out
    shop.write(first.out)
    again = shop.does("apply", path.name)
    assert again.fact("status") == "unchanged"
    assert path.read_text() == first.out
    edited(path, "Be kind.", "Be brief.")
    shop.does("apply", path.name)
    second = shop.does("export", persona_id).out
    assert path.read_text() == second
    before, after = first.out.splitlines(), second.splitlines()
    differing = [(one, two) for one, two in zip(before, after, strict=True) if one != two]
    assert [one.partition(":")[0].strip() for one, _ in differing] == ["revision", "Be kind."]


def test_a_dry_run_changes_neither_the_file_nor_the_persona(shop: Shop) -> None:
    shop.write(ADA)
    planned = shop.does("apply", "--dry-run", "persona.yaml")
    assert planned.fact("status") == "planned"
    assert planned.fact("plan_id").startswith("plan-")
    assert (shop.folder / "persona.yaml").read_text() == ADA
    path, persona_id = shop.created(ADA)
    before = path.read_text()
    edited(path, "Be kind.", "Be brief.")
    planned = shop.does("apply", path.name, "--dry-run", TAVUS_MCP_READ_ONLY="1")
    assert "/system_prompt" in planned.out
    assert path.read_text() == before.replace("Be kind.", "Be brief.")
    assert "Be kind." in shop.does("export", persona_id).out


def test_a_persona_changed_meanwhile_is_left_alone_and_the_change_is_shown(shop: Shop) -> None:
    path, persona_id = shop.created(ADA)
    shop.write(shop.does("export", persona_id).out, "other.yaml")
    edited(shop.folder / "other.yaml", "hotwords: Tavus", "hotwords: replica")
    shop.does("apply", "other.yaml")
    edited(path, "Be kind.", "Be brief.")
    mine = path.read_text()
    refused = shop.run("apply", path.name)
    assert (refused.status, refused.out) == (1, "")
    for words in ("/layers/stt/hotwords", "replica", f"export {persona_id} --into", path.name):
        assert words in refused.errors
    assert path.read_text() == mine

    told = shop.does("export", persona_id, "--into", path.name)
    assert "/system_prompt" in told.out
    assert "Be brief." in told.out
    text = path.read_text()
    for kept in ("# Ours. Ask Kim.", "Ada   # the name", "llm:   # our own", "api_key_ref: openai"):
        assert kept in text
    assert "hotwords" in text
    assert "replica" in text
    assert "Be kind." in text
    edited(path, "Be kind.", "Be brief.")
    assert shop.does("apply", path.name).fact("status") == "applied"


def test_without_its_revision_the_file_is_the_truth(shop: Shop) -> None:
    path, persona_id = shop.created(ADA)
    mine = "".join(
        line
        for line in path.read_text().splitlines(keepends=True)
        if not line.startswith("revision")
    )
    edited(path, "hotwords: Tavus", "hotwords: other")
    shop.does("apply", path.name)
    shop.write(mine)
    assert shop.does("apply", path.name).fact("status") == "applied"
    assert "hotwords: Tavus" in shop.does("export", persona_id).out
    assert "revision: " in path.read_text()


def test_an_earlier_revision_can_be_exported_and_is_not_applied_by_accident(shop: Shop) -> None:
    path, persona_id = shop.created(ADA)
    first = shop.does("export", persona_id).out
    old = str(parse_yaml(first).to_data()["revision"])
    edited(path, "Be kind.", "Be brief.")
    shop.does("apply", path.name)
    earlier = shop.does("export", f"{persona_id}@{old}").out
    assert earlier == first.replace("Bearer {secret:openai}", '"********"')
    shop.write(earlier, "old.yaml")
    assert "remove the line of the revision" in shop.run("apply", "old.yaml").errors
    edited(shop.folder / "old.yaml", "revision:", "# revision:")
    assert shop.does("apply", "old.yaml").fact("revision") == old


def test_stdin_is_read_and_nothing_is_written_back(shop: Shop) -> None:
    made = shop.does("apply", "-", stdin=ADA)
    assert made.fact("persona_id").startswith("p")
    exported = shop.does("export", made.fact("persona_id")).out
    assert shop.does("apply", "-", stdin=exported).fact("status") == "unchanged"
    assert [item.name for item in shop.folder.iterdir()] == ["data"]


def test_no_key_reaches_a_file_the_output_or_the_journal(shop: Shop) -> None:
    canary = "canary-31f0c7a9d2"
    path, persona_id = shop.created(
        ADA.replace("{secret:openai}", canary) + "greeting: Say " + SECRET + "\n"
    )
    said = [shop.process("export", persona_id), shop.process("apply", path.name)]
    into = shop.folder / "into.yaml"
    said += [shop.does("export", persona_id, "--into", into.name), shop.run("journal", "show")]
    exported = said[0]
    assert "/greeting" in exported.errors
    assert 'api_key: "********"' in exported.out
    assert "git" in said[1].out
    for one in said:
        assert SECRET not in one.out + one.errors
        assert canary not in one.out + one.errors
    kept = [item.read_bytes() for item in shop.data.iterdir() if "journal" in item.name]
    assert kept
    for blob in (*kept, into.read_bytes()):
        assert SECRET.encode() not in blob
        assert canary.encode() not in blob


@pytest.mark.parametrize("name", ["missing.yaml", "data", "bad.yaml", "gone.yaml"])
def test_a_file_that_cannot_be_applied_is_named_with_status_1(shop: Shop, name: str) -> None:
    shop.data.mkdir()
    shop.write("persona_name: [\n", "bad.yaml")
    shop.write("persona_id: p123\npersona_name: Ada\n", "gone.yaml")
    said = shop.run("apply", name)
    assert (said.status, said.out) == (1, "")
    assert said.errors.startswith(f"tavus-mcp: {name}: ")
    assert "Traceback" not in said.errors


def test_of_several_files_each_is_applied_and_one_failure_is_told(shop: Shop) -> None:
    shop.write("persona_name: [\n", "bad.yaml")
    shop.write(ADA)
    said = shop.run("apply", "bad.yaml", "persona.yaml")
    assert said.status == 1
    assert said.fact("file") == "persona.yaml"
    assert "bad.yaml" in said.errors


@pytest.mark.anyio
async def test_a_file_that_was_edited_meanwhile_is_not_written_over(
    sandbox: ASGIApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ours: an editor may save between our read and our write."""
    path = tmp_path / "persona.yaml"

    async def editing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            path.write_text(ADA + "greeting: Hi\n", encoding="utf-8")
        await sandbox(scope, receive, send)

    path.write_text(ADA, encoding="utf-8")
    app, _ = world(editing)
    assert await persona_files.apply(app, persona_files.ApplyOptions([str(path)])) == 1
    assert path.read_text(encoding="utf-8") == ADA + "greeting: Hi\n"
    said = capsys.readouterr()
    assert "status: applied" in said.out
    (persona_id,) = [line for line in said.out.splitlines() if line.startswith("persona_id: ")]
    assert persona_id in said.err


def test_a_link_stays_a_link(shop: Shop) -> None:
    real = shop.write(ADA, "real.yaml")
    link = shop.folder / "link.yaml"
    link.symlink_to(real)
    shop.does("apply", link.name)
    assert link.is_symlink()
    assert "persona_id: p" in real.read_text()


def test_what_is_read_only_applies_nothing(shop: Shop) -> None:
    shop.write(ADA)
    said = shop.run("--read-only", "apply", "persona.yaml")
    assert said.status == 1
    assert "--dry-run" in said.errors
    assert (shop.folder / "persona.yaml").read_text() == ADA


def test_a_file_of_another_persona_is_not_overwritten(shop: Shop) -> None:
    path, _ = shop.created(ADA)
    mine = path.read_text()
    said = shop.run("export", "p1af207b8189", "--into", path.name)
    assert said.status == 1
    assert path.read_text() == mine
