"""The journal of an environment of a project: the commands find it and erase objects of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from command_runner import CommandResult, CommandRunner, build_project_runner

from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.store import JournalStore

CONFIGURATION = """\
[environments.local]
sandbox = true

[environments.production]
api_key_env = "PRODUCTION_KEY"
"""
PERSONA = "persona_name: {0}\nsystem_prompt: canary of {0}\ndefault_replica_id: rfe12d8b9597\n"
LOCAL = ("--env", "local")


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    """A project of two personas and two environments."""
    ada, bob = PERSONA.format("Ada"), PERSONA.format("Bob")
    return build_project_runner(tmp_path, CONFIGURATION, ada=ada, bob=bob)


def run(runner: CommandRunner, *arguments: str) -> CommandResult:
    return runner.run_without_sandbox(*arguments)


def read_journal(runner: CommandRunner) -> bytes:
    folder = runner.folder / ".tavus/local/local"
    return b"".join(path.read_bytes() for path in folder.glob("sandbox-journal*"))


def test_an_object_of_an_environment_is_erased_by_its_name_and_the_rest_is_undone(
    runner: CommandRunner,
) -> None:
    """A run of a project is one entry for all of its objects."""
    assert run(runner, "apply", *LOCAL).status == 0
    assert "entries, none edited" in run(runner, "journal", "verify", *LOCAL).stdout
    for arguments in (("journal", "show", "ada", *LOCAL), (*LOCAL, "journal", "show", "ada")):
        assert run(runner, *arguments).stdout.count("\n") == 1
    assert b"canary of Ada" in read_journal(runner)
    assert run(runner, "journal", "erase", "carla", *LOCAL, "--yes").status == 1
    erased = run(runner, "journal", "erase", "ada", *LOCAL, "--yes")
    assert erased.status == 0, erased
    assert ".tavus" in erased.stdout
    assert b"canary of Ada" not in read_journal(runner)
    assert b"canary of Bob" in read_journal(runner)
    assert run(runner, "journal", "verify", *LOCAL).status == 0
    undone = run(runner, "undo", *LOCAL, "--yes")
    assert (undone.status, undone.find_value("summary")) == (0, "1 deleted"), undone
    assert run(runner, "list", *LOCAL).stdout.count("Bob") == 0
    assert run(runner, "list", *LOCAL).stdout.count("Ada") == 1


def test_all_ids_that_an_object_had_are_erased_by_its_name_also_without_a_state(
    runner: CommandRunner,
) -> None:
    assert run(runner, "apply", *LOCAL).status == 0
    creation = run(runner, "undo", "ada", *LOCAL).stderr
    assert f"delete the persona: tavus-mcp delete ada {' '.join(LOCAL)}\n" in creation
    ids = []
    for command in ("undo", ""):
        ids.append(run(runner, "delete", "ada", *LOCAL, "--yes").find_value("persona_id"))
        if command:
            assert run(runner, command, "ada", *LOCAL, "--yes").status == 0
    recreated = run(runner, "apply", *LOCAL, "--resolve", "file")
    assert recreated.find_value("summary") == "1 created", recreated
    ids.append(recreated.find_value("created").split()[-1])
    assert len(set(ids)) == 3
    bob = run(runner, "delete", "bob", *LOCAL, "--yes").find_value("persona_id")
    assert run(runner, "delete", "ada", *LOCAL, "--yes").status == 0
    assert run(runner, "pull", *LOCAL).status == 0
    assert not (runner.folder / "personas/ada.yaml").exists()
    listing = run(runner, "journal", "show", "ada", *LOCAL).stdout.splitlines()
    numbers = [int(line.split()[0]) for line in listing]
    assert numbers == sorted(set(numbers))
    assert {line.split()[2] for line in listing} == set(ids)
    question = run(runner, "journal", "erase", "personas/ada", *LOCAL)
    assert (question.status, f"about 'Ada' ({', '.join(ids)})" in question.stderr) == (5, True), (
        question
    )
    erased = run(runner, "journal", "erase", "ada", *LOCAL, "--yes")
    assert (erased.status, f"about {', '.join(ids)}. They" in erased.stdout) == (0, True), erased
    count = question.stderr.split("contents of ")[1].split()[0]
    assert f"the contents of {count} entries" in erased.stdout
    assert b"canary of Ada" not in read_journal(runner)
    assert b"canary of Bob" in read_journal(runner)
    assert run(runner, "journal", "verify", *LOCAL).status == 0
    unknown = run(runner, "journal", "erase", "carla", *LOCAL, "--project", ".", "--yes").stderr
    assert "nothing about 'carla' by this name." in unknown
    assert "tavus-mcp journal show --env local shows" in unknown
    assert f"about {bob}. They" in run(runner, "journal", "erase", bob, *LOCAL, "--yes").stdout


def test_an_erasing_by_id_names_the_other_ids_of_the_object(runner: CommandRunner) -> None:
    assert run(runner, "apply", *LOCAL).status == 0
    first = run(runner, "delete", "ada", *LOCAL, "--yes").find_value("persona_id")
    second = run(runner, "undo", "ada", *LOCAL, "--yes").find_value("persona_id")
    for own, other in ((first, second), (second, first)):
        question = run(runner, "journal", "erase", own, *LOCAL)
        assert f"not those about {other}, other ids of the same object" in question.stderr
    erased = run(runner, "journal", "erase", first, *LOCAL, "--yes")
    assert f"also had the ids {second}, whose entries are left" in erased.stdout
    erased = run(runner, "journal", "erase", second, *LOCAL, "--yes")
    assert "also had" not in erased.stdout
    assert b"canary of Ada" not in read_journal(runner)


def test_what_a_run_holds_of_an_object_that_was_never_created_is_erased(
    runner: CommandRunner,
) -> None:
    assert run(runner, "apply", *LOCAL).status == 0
    folder = runner.folder / ".tavus"
    state_id = json.loads((folder / "local.json").read_text())["state"]
    items = [
        {"object": f"personas/{name}", "action": "create", "file": {"greeting": f"canary {name}"}}
        for name in ("eve", "bob")
    ]
    items.append({"object": "kind_of_a_newer_version/eve", "action": "create"})
    detail = {"kind": "project", "expires_at": "2026-01-01", "state": state_id, "items": items}
    with closing(JournalStore.open(folder / "local/local/sandbox-journal.sqlite3")) as journal:
        journal.append(JournalEntry("plan", "", "2026-01-01", "apply_project", detail=detail))
    erased = run(runner, "journal", "erase", "eve", *LOCAL, "--yes")
    assert "contents of 1 entry about personas/eve. They" in erased.stdout, erased
    assert b"canary eve" not in read_journal(runner)
    assert b"canary bob" in read_journal(runner)
    assert run(runner, "journal", "verify", *LOCAL).status == 0


def test_what_a_run_holds_of_a_settled_conflict_is_erased_too(runner: CommandRunner) -> None:
    state = runner.folder / ".tavus/local.json"
    for name in ("Ada", "Eve", "Zoe"):
        runner.write_file(PERSONA.format(name), "personas/ada.yaml")
        assert run(runner, "apply", *LOCAL, "--resolve", "file").status == 0
        state.write_text(state.read_text().replace("canary of Eve", "canary of Ada"))
    assert run(runner, "journal", "erase", "ada", *LOCAL, "--yes").status == 0
    assert b"canary of Ada" not in read_journal(runner)


def test_the_journal_of_an_account_is_in_the_data_folder_and_needs_no_key(
    runner: CommandRunner,
) -> None:
    for action in ("verify", "show", "erase"):
        done = run(runner, "journal", action, "ada", "--env", "production", "--yes")
        assert done.status == 4
        assert f"no journal at {runner.data_folder / 'journal.sqlite3'}" in done.stderr
    adopted = run(runner, "journal", "adopt", "--env", "production")
    assert (adopted.status, "PRODUCTION_KEY is not set" in adopted.stderr) == (5, True)


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["verify", "--project", "."], 64, "Name an environment with --env: local, production"),
        (["verify", "--env", "lokal"], 64, "no environment 'lokal'; did you mean 'local'"),
        (["verify", "--env", "local", "--project", "missing"], 64, "tavus.toml"),
        (["verify", "--env", "local", "--sandbox"], 64, "--sandbox does not go with --env"),
        (["show", "--env", "local"], 4, "There is no journal at"),
    ],
)
def test_a_wrong_use_is_explained(
    runner: CommandRunner, arguments: list[str], status: int, reason: str
) -> None:
    result = run(runner, "journal", *arguments)
    assert (result.status, reason in result.stderr) == (status, True), result
