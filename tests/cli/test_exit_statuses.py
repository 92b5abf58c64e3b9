"""The exit statuses of docs/settings.md; errors on stderr, with ``--json`` as one object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_runner import CommandRunner, build_project_runner

from tavus_mcp.project.session import lock_environment

ADA = "persona_name: Ada\nsystem_prompt: You help people.\ndefault_replica_id: rfe12d8b9597\n"
CONFIGURATION = "[environments.a]\nsandbox = true\n[environments.b]\napi_key_env = 'B_KEY'\n"
SANDBOX = {"TAVUS_MCP_SANDBOX": "1"}
ENV = ("--env", "a")


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    runner = build_project_runner(tmp_path, CONFIGURATION, ada=ADA)
    runner.write_file("persona_name: [\n", "bad.yaml")
    runner.write_file("persona_id: p123\n" + ADA, "gone.yaml")
    return runner


ERRORS = [
    (("check", "p0"), 4, SANDBOX),
    (("check", "not an id"), 4, SANDBOX),
    (("delete", "p0"), 4, SANDBOX),
    (("undo", "p0"), 4, SANDBOX),
    (("undo", "plan-7-12345678"), 4, SANDBOX),
    (("restore", "p0@abc"), 4, SANDBOX),
    (("restore", "p0"), 64, SANDBOX),
    (("delete", "p0"), 5, {**SANDBOX, "TAVUS_MCP_READ_ONLY": "1"}),
    (("apply", "bad.yaml"), 5, {**SANDBOX, "TAVUS_MCP_READ_ONLY": "1"}),
    (("list",), 64, {}),
    (("list",), 64, {"TAVUS_MCP_TOOLSETS": "personnas"}),
    (("list", "--env", "c"), 64, {}),
    (("list", "--env", "b"), 5, {}),
    (("list", *ENV), 64, SANDBOX),
    (("list", "--type", "usr"), 64, SANDBOX),
    (("list", "--jsno"), 64, SANDBOX),
    (("--env", "a", "doctor"), 64, {}),
    (("status",), 64, {}),
    (("status", "--project", "personas", *ENV), 64, {}),
    (("validate", "--project", "personas"), 64, {}),
    (("plan", "--env", "b"), 5, {}),
    (("plan", "--env", "b"), 64, {"B_KEY": "short"}),
    (("diff", "adda", *ENV), 4, {}),
    (("pull", "adda", *ENV), 4, {}),
    (("check", "adda", *ENV), 4, {}),
    (("delete", "adda", *ENV), 4, {}),
    (("restore", "adda@abc", *ENV), 4, {}),
    (("undo", *ENV), 4, {}),
    (("undo", "plan-99", *ENV), 4, {}),
    (("apply", *ENV, "--read-only"), 5, {}),
    (("apply", "--resolve", "flie", *ENV), 64, {}),
    (("init",), 4, {}),
]


@pytest.mark.parametrize(
    ("arguments", "status", "env"), ERRORS, ids=[" ".join(row[0]) for row in ERRORS]
)
def test_an_error_has_its_status_and_is_an_object_with_json(
    runner: CommandRunner,
    arguments: tuple[str, ...],
    status: int,
    env: dict[str, str],
) -> None:
    result = runner.run_without_sandbox(*arguments, **env)
    assert (result.status, result.stdout) == (status, ""), result
    assert "tavus-mcp" in result.stderr
    described = runner.run_without_sandbox(*arguments, "--json", **env)
    assert (described.status, described.stderr) == (status, "")
    error = json.loads(described.stdout)
    assert (error["schema"], error["status"]) == ("tavus-mcp/error/1", status)


def test_a_wrong_file_has_a_status_of_its_own(runner: CommandRunner) -> None:
    for name, status in (("bad.yaml", 4), ("gone.yaml", 4), ("missing.yaml", 1)):
        result = runner.run_without_sandbox("apply", name, "--json", **SANDBOX)
        assert (result.status, result.stderr) == (status, "")
        assert json.loads(result.stdout)["files"][0]["status"] == status
    runner.write_file("persona_name: [\n", "personas/ada.yaml")
    for arguments in (
        ["validate"],
        ["plan", *ENV],
        ["status", *ENV],
        ["apply", *ENV],
        ["pull", *ENV],
    ):
        assert runner.run_without_sandbox(*arguments).status == 4
        result = runner.run_without_sandbox(*arguments, "--json")
        assert json.loads(result.stdout)["problems"][0]["file"] == "personas/ada.yaml"


def test_a_deletion_that_is_not_confirmed_is_an_error_object_with_json(
    runner: CommandRunner,
) -> None:
    assert runner.run_without_sandbox("apply", *ENV).status == 0
    result = runner.run_without_sandbox("delete", "ada", *ENV, "--json")
    error = json.loads(result.stdout)
    assert (result.status, result.stderr, error["status"]) == (5, "", 5)
    assert error["message"] == "Nothing was sent: without a terminal, --yes is needed."
    assert "Ada" in runner.run_without_sandbox("list", *ENV).stdout


def test_advice_names_the_account_and_the_file_of_the_command(runner: CommandRunner) -> None:
    runner.write_file(ADA, "ada.yaml")
    created = runner.run_successfully("apply", "ada.yaml")
    persona_id = created.find_value("persona_id")
    for arguments in (("delete", "p4a18e30b5c7"), ("restore", f"{persona_id}@123456789abc")):
        assert " --sandbox " in runner.run(*arguments).stderr.split("tavus-mcp ")[-1]
    missing = runner.run_without_sandbox(
        "delete", "p4a18e30b5c7", *ENV, "--project", "../" + runner.folder.name
    )
    place = f"--project ../{runner.folder.name} --env a"
    assert f"tavus-mcp list {place} finds ids by name." in missing.stderr
    file = runner.folder / "ada.yaml"
    older = file.read_text()
    file.write_text(older.replace("help people", "sell"))
    runner.run_successfully("apply", "ada.yaml")
    file.write_text(older.replace("help people", "rent"))
    conflict = runner.run("apply", "ada.yaml")
    advised = f"tavus-mcp export {persona_id} --into ada.yaml --sandbox."
    assert (conflict.status, advised in conflict.stderr) == (3, True), conflict


def test_protection_by_the_configuration_is_named(runner: CommandRunner) -> None:
    assert runner.run_without_sandbox("apply", *ENV).status == 0
    listing = runner.run_without_sandbox("journal", "show", "ada", *ENV).stdout
    revision = listing.split("applied  ")[1].split()[0]
    runner.write_file(ADA.replace("help people", "sell"), "personas/ada.yaml")
    assert runner.run_without_sandbox("apply", *ENV).status == 0
    runner.write_file(CONFIGURATION.replace("true", "true\nprotected = true"), "tavus.toml")
    result = runner.run_without_sandbox("restore", f"ada@{revision}", *ENV)
    assert result.status == 5, result
    assert "(TAVUS_MCP_PROTECTED=1, or protected = true in tavus.toml): every" in result.stdout
    assert "TAVUS_MCP_PROTECTED=1 is set" not in result.stdout + result.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system without files")
def test_a_data_folder_that_cannot_be_created_is_a_wrong_setting(runner: CommandRunner) -> None:
    folder = {"TAVUS_MCP_DATA_DIR": "/proc/x"}
    reason = "data folder '/proc/x' cannot be created or written to."
    for arguments in (("list",), ("doctor",)):
        result = runner.run(*arguments, **folder)
        assert reason in result.stdout + result.stderr, result
        assert result.status == (64 if arguments == ("list",) else 1)


def test_an_environment_that_another_command_holds_is_a_conflict(runner: CommandRunner) -> None:
    with lock_environment(runner.folder, "a"):
        result = runner.run_without_sandbox("pull", *ENV)
    assert result.status == 3
    assert "Another command is working on environment 'a'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "suggestion"),
    [
        (("list", "--jsno"), 64, "unrecognized arguments: --jsno; did you mean '--json'?"),
        (("--sandbx", "list"), 64, "unrecognized arguments: --sandbx; did you mean '--sandbox'?"),
        (("list", "--type", "usr"), 64, "invalid choice: 'usr'; did you mean 'user'? (choose"),
        (("journal", "verfy"), 64, "invalid choice: 'verfy'; did you mean 'verify'? (choose"),
        (("journal", "verify", "--jso"), 64, "unrecognized arguments: --jso\n"),
        (("check", "ada.yaml", "--sandbox"), 4, "apply ada.yaml --dry-run"),
        (("delete", "./a b.json", "--sandbox"), 4, "'./a b.json' is a file; give the id"),
        (("export", "ada.yml@1", "--sandbox"), 4, "'ada.yml' is a file; give the id"),
        (("sandbox", "--make-calls", "nope", "--memory"), 64, "cannot be combined"),
        (("sandbox", "--make-calls", "nope"), 64, "no persona of this sandbox has that"),
        (("list", "surplus"), 64, "unrecognized arguments: surplus\n"),
        (("sandbox", "--switch", "patchs=live"), 64, "; did you mean 'patches'?"),
        (("journal", "show", "adda", *ENV), 1, "nothing about 'adda'; did you mean 'ada'?"),
        (("journal", "erase", "adda", *ENV), 1, "nothing about 'adda'; did you mean 'ada'?"),
        (("journal", "show", "p0", *ENV), 1, "The journal holds nothing about 'p0' by this name."),
        (
            ("restore", "ada@REVISION", "--only", "/sytem_prompt", *ENV),
            4,
            "--only: a field of this name exists neither now nor at that revision; did you mean "
            "'/system_prompt'?",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_was_mistyped_is_answered_with_the_nearest_name(
    runner: CommandRunner, arguments: tuple[str, ...], status: int, suggestion: str
) -> None:
    applied = runner.run_without_sandbox("apply", *ENV)
    assert applied.status == 0
    listed = runner.run_without_sandbox("journal", "show", "ada", *ENV).stdout
    revision = listed.split("applied  ")[1].split()[0]
    words = (word.replace("REVISION", revision) for word in arguments)
    result = runner.run_without_sandbox(*words)
    assert (result.status, result.stdout) == (status, "")
    assert suggestion in result.stderr
