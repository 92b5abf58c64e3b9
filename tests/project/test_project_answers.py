"""The commands of a project say exactly where they work and what they did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_runner import CommandResult, CommandRunner, build_project_runner

ADA = "persona_name: Ada\nsystem_prompt: You help people.\n"
ONE_ENVIRONMENT = "[environments.staging]\nsandbox = true\n"
ENV = ("--env", "staging")


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    """The folder of a project with one environment, a sandbox."""
    return build_project_runner(tmp_path, ONE_ENVIRONMENT, ada=ADA)


def run(runner: CommandRunner, *arguments: str, status: int = 0, **env: str) -> CommandResult:
    """Run a command, which ends with a status."""
    result = runner.run_without_sandbox(*arguments, **env)
    assert result.status == status, result
    return result


def write_prompt(runner: CommandRunner, prompt: str) -> None:
    runner.write_file(ADA.replace("You help people.", prompt), "personas/ada.yaml")


def make_conflict(runner: CommandRunner) -> None:
    """Change the prompt in the account and in the file, after an apply."""
    run(runner, "apply", *ENV)
    base = (runner.folder / ".tavus/staging.json").read_text()
    write_prompt(runner, "You listen.")
    run(runner, "apply", *ENV)
    (runner.folder / ".tavus/staging.json").write_text(base)
    write_prompt(runner, "You advise.")


def test_the_only_environment_is_used_by_commands_on_one_persona(runner: CommandRunner) -> None:
    applied = run(runner, "apply").find_value("run")
    assert "Ada" in run(runner, "list").stdout
    run(runner, "check", "ada")
    advice = run(runner, "check", "p0123456789ab", status=4).stderr
    assert "tavus-mcp list --env staging" in advice
    undo = run(runner, "delete", "ada", "--yes").find_value("undo")
    assert undo.startswith("tavus-mcp restore ada@")
    assert undo.endswith(" --env staging")
    assert "--project" not in undo
    run(runner, "undo", "ada")
    run(runner, "undo", applied, "--yes")
    assert run(runner, "list").stdout == "no personas\n"


def test_another_account_that_is_named_is_used_before_the_project(runner: CommandRunner) -> None:
    run(runner, "apply")
    assert run(runner, "--sandbox", "list").stdout == "no personas\n"
    key = {"TAVUS_API_KEY": "k" * 32, "TAVUS_BASE_URL": "http://127.0.0.1:9/v2"}
    refused = run(runner, "check", "not an id", status=4, **key).stderr
    assert "ids are 1 to 64 letters" in refused
    assert "the project" not in refused
    same = 'api_key_env = "TAVUS_API_KEY"\nbase_url = "http://127.0.0.1:9/v2"'
    runner.write_file(ONE_ENVIRONMENT.replace("sandbox = true", same), "tavus.toml")
    assert (
        "nothing was sent. The project has no object"
        in run(runner, "check", "eva", status=4, **key).stderr
    )


def test_several_environments_are_named_where_one_is_missing(runner: CommandRunner) -> None:
    runner.write_file(ONE_ENVIRONMENT + "[environments.other]\nsandbox = true\n", "tavus.toml")
    for command in (["list"], ["check", "ada"], ["undo", "plan-1"]):
        named = run(runner, *command, status=64).stderr
        assert "Name an environment with --env: staging, other." in named
    wrong = run(runner, "diff", *ENV, "--against", "othr", status=64).stderr
    assert "--against: there is no environment 'othr'; did you mean 'other'?" in wrong


def test_what_was_settled_or_linked_is_printed(runner: CommandRunner) -> None:
    make_conflict(runner)
    settled = "settled for the file: personas/ada  /system_prompt"
    printed = run(runner, "pull", "ada", *ENV, "--resolve", "file").stdout.splitlines()
    assert printed == [settled, "summary: 1 settled for the file"]
    path = runner.folder / "personas/ada.yaml"
    persona_id = run(runner, "list").stdout.splitlines()[1].split()[0]
    path.rename(path.with_stem("eva"))
    linked = run(runner, "pull", f"personas/eva={persona_id}", *ENV).stdout.splitlines()
    assert linked == ["linked: personas/eva", "summary: 1 linked"]
    assert run(runner, "pull", *ENV).stdout == "summary: nothing to do\n"
    run(runner, "sandbox", *ENV, "--make-personas")
    note, summary = run(runner, "pull", *ENV).stdout.splitlines()
    assert note.startswith("note: 13 objects of the account without a file: tavus-mcp pull --all ")
    assert summary == "summary: nothing to do"


def test_a_conflict_settled_for_the_account_is_counted(runner: CommandRunner) -> None:
    make_conflict(runner)
    applied = run(runner, "apply", *ENV, "--resolve", "live")
    assert applied.find_value("summary") == "1 settled for the account"
    assert json.loads(run(runner, "apply", *ENV, "--json").stdout)["status"] == "unchanged"


def test_a_resent_secret_is_named_and_does_not_stop_an_undo(runner: CommandRunner) -> None:
    """Its value is nowhere, so that the run with it has nothing to take back."""
    key = {"ADA_KEY": "sk-abcdefghijklmnop"}
    runner.write_file(ONE_ENVIRONMENT + 'secrets = { openai = "ADA_KEY" }\n', "tavus.toml")
    layer = "model: gpt-x, base_url: 'https://api.openai.com/v1', api_key_ref: openai"
    runner.write_file(f"{ADA}layers: {{llm: {{{layer}}}}}\n", "personas/ada.yaml")
    run(runner, "apply", **key)
    resent = run(runner, "apply", "--resend-secret", "openai", **key).find_value("run")
    refused = run(runner, "undo", resent, status=4, **key).stderr
    assert f"{resent} sent a secret, which cannot be taken back" in refused
    assert run(runner, "undo", "--yes", **key).find_value("summary") == "1 deleted"


def test_what_was_forgotten_is_named_and_does_not_stop_an_undo(runner: CommandRunner) -> None:
    runner.write_file(ADA.replace("Ada", "Bob"), "bob.yaml")
    run(runner, "apply", "bob.yaml", TAVUS_MCP_SANDBOX="1")
    sandbox = runner.folder / ".tavus/local/staging"
    sandbox.mkdir(parents=True)
    (runner.data_folder / "sandbox.sqlite3").rename(sandbox / "sandbox.sqlite3")
    run(runner, "pull", "--all")
    run(runner, "apply")
    (runner.folder / "personas/bob.yaml").unlink()
    forgotten = run(runner, "apply", "--prune").find_value("run")
    refused = run(runner, "undo", forgotten, status=4).stderr
    assert "made the project forget objects, which an undo does not change" in refused
    assert run(runner, "undo", "--yes").find_value("summary") == "1 deleted"


def test_a_deletion_that_was_undone_does_not_stop_an_undo(runner: CommandRunner) -> None:
    run(runner, "apply")
    run(runner, "delete", "ada", "--yes")
    assert "tavus-mcp undo ada --env staging takes back" in run(runner, "undo", status=3).stderr
    run(runner, "undo", "ada")
    assert run(runner, "undo", "--yes").find_value("summary") == "1 deleted"


def test_what_came_back_at_another_revision_is_deleted_by_the_named_command(
    runner: CommandRunner,
) -> None:
    """It differs from the persona that was deleted, so that both do not cancel each other."""
    run(runner, "apply")
    state = json.loads((runner.folder / ".tavus/staging.json").read_text())
    revision = state["objects"]["personas/ada"]["digest"][:12]
    write_prompt(runner, "You listen.")
    run(runner, "apply")
    run(runner, "delete", "ada", "--yes")
    run(runner, "restore", f"ada@{revision}")
    refused = run(runner, "undo", status=3).stderr
    assert "tavus-mcp delete ada --env staging takes back the newest of these changes" in refused
    run(runner, "delete", "ada", *ENV, "--yes")


def test_status_names_the_command_that_brings_a_file_back(runner: CommandRunner) -> None:
    run(runner, "apply")
    path = runner.folder / "personas/ada.yaml"
    path.unlink()
    run(runner, "pull", "--all")
    assert not path.exists()
    row = run(runner, "status", status=2).stdout.splitlines()[1]
    assert row.endswith("--prune deletes it; pull personas/ada brings its file back")
    assert run(runner, "pull", "personas/ada").find_value("brought back") == "personas/ada"
    assert path.exists()


def test_history_names_an_apply_that_is_unfinished(runner: CommandRunner) -> None:
    """The state of the environment names it until the same apply has continued it."""
    run_id = run(runner, "apply").find_value("run")
    path = runner.folder / ".tavus/staging.json"
    state = json.loads(path.read_text())
    assert "unfinished" not in run(runner, "history").stdout
    path.write_text(json.dumps({**state, "run": run_id}))
    assert "unfinished: the same apply continues it" in run(runner, "history").stdout
    (row,) = json.loads(run(runner, "history", "--json").stdout)["runs"]
    assert row["unfinished"] is True
    run(runner, "apply")
    assert "unfinished" not in run(runner, "history").stdout


def test_a_plan_names_the_command_that_shows_values_in_full(runner: CommandRunner) -> None:
    assert "in full" not in run(runner, "apply", "--dry-run", status=2).stdout
    run(runner, "apply")
    prompt = f"{'First. ' * 99}The middle.{' Last.' * 99}"
    write_prompt(runner, prompt)
    runner.write_file(f"{ONE_ENVIRONMENT}protected = true\n", "tavus.toml")
    screen = run(runner, "apply", status=5).stderr
    assert prompt not in screen
    assert "note: … stands for what is left out. The files hold new objects in full" in screen
    command = screen.partition("; tavus-mcp ")[2].partition(" shows changed values in full")[0]
    assert prompt in run(runner, *command.split(), status=2).stdout


def test_a_plan_names_the_host_that_receives_a_key(runner: CommandRunner) -> None:
    """A secret is in the variable that the environment names, and may be bound to a host."""
    runner.write_file(ONE_ENVIRONMENT + 'secrets = { openai = "LLM_KEY" }\n', "tavus.toml")
    llm = "layers: {llm: {model: m, base_url: 'https://a.example.com/v1', api_key_ref: openai}}\n"
    runner.write_file(ADA + llm, "personas/ada.yaml")
    unset = run(runner, "plan", status=4).stderr
    assert "\npersonas/ada.yaml:3:64: /layers/llm/api_key_ref: these variables are not" in unset
    key = {"LLM_KEY": "0123456789abcdef"}
    sent = "LLM_KEY is sent to Tavus, which sends it to 'a.example.com'."
    assert sent in run(runner, "plan", status=2, **key).stdout
    other = run(runner, "plan", status=4, TAVUS_SECRET_OPENAI_HOST="b.example.com", **key).stderr
    assert "LLM_KEY may go to b.example.com only (TAVUS_SECRET_OPENAI_HOST)" in other
    bound = {**key, "TAVUS_SECRET_OPENAI_HOST": "a.example.com"}
    assert sent not in run(runner, "apply", **bound).stdout
    runner.write_file(ADA + llm.replace("a.example", "c.example"), "personas/ada.yaml")
    assert "would receive it" in run(runner, "plan", status=4, **bound).stderr
    assert sent.replace("a.ex", "c.ex") in run(runner, "apply", **key).stdout
