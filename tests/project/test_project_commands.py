"""The commands of projects: exit statuses, texts, and objects with ``--json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command_runner import CommandResult, CommandRunner, build_project_runner

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
CONFIGURATION = """\
[environments.staging]
sandbox = true
values = { replica = "rfe12d8b9597" }

[environments.production]
sandbox = true
protected = true
values = { replica = "rfe12d8b9597" }
"""
ADA = "persona_name: Ada\nsystem_prompt: You help people.\ndefault_replica_id: {value: replica}\n"


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    return build_project_runner(tmp_path, CONFIGURATION, ada=ADA)


def run(runner: CommandRunner, *arguments: str) -> CommandResult:
    return runner.run_without_sandbox(*arguments)


def run_json(runner: CommandRunner, *arguments: str) -> dict[str, Any]:
    """Run a command with ``--json``; its object fits its schema."""
    return require_schema(json.loads(run(runner, *arguments, "--json").stdout))


def require_schema(data: dict[str, Any]) -> dict[str, Any]:
    """Return an object that fits the schema that it names."""
    _, name, version = data["schema"].split("/")
    schema = json.loads((SCHEMAS / f"{name}-{version}.schema.json").read_text())
    jsonschema.validate(data, schema)
    return data


def change(runner: CommandRunner, old: str, new: str) -> None:
    path = runner.folder / "personas/ada.yaml"
    path.write_text(path.read_text().replace(old, new))


def test_a_project_goes_from_a_plan_to_an_undo(runner: CommandRunner) -> None:
    env = ("--env", "staging")
    assert run(runner, "validate").status == 0
    planned = run(runner, "plan", *env)
    assert (planned.status, planned.find_value("create")) == (2, "personas/ada")
    assert run(runner, "apply", *env, "--dry-run").find_value("summary") == "1 to create"
    assert "only local: a file whose object is not in" in run(runner, "status", *env).stdout
    assert run(runner, "apply", *env).find_value("summary") == "1 created"
    assert run(runner, "status", *env).status == 0
    change(runner, "help people", "listen")
    assert run(runner, "status", *env).status == 2
    diff = run(runner, "diff", *env)
    assert diff.status == 2
    assert '+ "You listen."' in diff.stdout
    assert run(runner, "apply", *env).find_value("summary") == "1 updated"
    history = run(runner, "history", *env).stdout
    assert "1 update" in history.splitlines()[0]
    assert run(runner, "undo", *env).find_value("summary") == "1 restored"
    undo, undone = run(runner, "history", *env).stdout.splitlines()[:2]
    assert "  1 update  undone by plan-" in undone
    assert undo.endswith(f"  undo of {undone.split()[0]}: 1 object")
    assert run(runner, "status", *env).status == 2
    run_id = history.split()[0]
    assert run(runner, "undo", run_id, *env).status == 0  # it is so already


def test_a_protected_environment_needs_the_digest_of_the_plan(runner: CommandRunner) -> None:
    env = ("--env", "production")
    refused = run(runner, "apply", *env)
    digest = run_json(runner, "plan", *env)["digest"]
    assert refused.status == 5
    assert f"--yes --plan {digest}" in refused.stderr
    assert run(runner, "apply", *env, "--yes").status == 5
    assert run(runner, "apply", *env, "--yes", "--plan", "0123456789ab").status == 3
    assert run(runner, "apply", *env, "--yes", "--plan", digest).status == 0
    assert run(runner, "undo", *env).status == 5
    assert run(runner, "undo", *env, "--yes").status == 0


def test_an_undo_is_described_before_it_is_done(runner: CommandRunner) -> None:
    env = ("--env", "staging")
    run(runner, "apply", *env)
    change(runner, "help people", "listen")
    run(runner, "apply", *env)
    described = run(runner, "undo", *env, "--dry-run")
    assert described.status == 2
    assert "restore: personas/ada /system_prompt" in described.stdout
    assert run_json(runner, "undo", *env, "--dry-run")["items"] == [
        "restore: personas/ada /system_prompt"
    ]
    assert run(runner, "status", *env).status == 0  # nothing was undone
    run(runner, "undo", *env)
    assert "delete: personas/ada" in run(runner, "undo", *env, "--dry-run").stdout
    digest = run_json(runner, "plan", "--env", "production")["digest"]
    run(runner, "apply", "--env", "production", "--yes", "--plan", digest)
    refused = run(runner, "undo", "--env", "production")
    assert refused.status == 5
    assert "delete: personas/ada" in refused.stderr


def test_a_terminal_shows_the_plan_the_question_and_the_result(runner: CommandRunner) -> None:
    """The bar of the progress is gone before anything else is printed."""
    env = ("--env", "production")
    screen = runner.run_on_terminal("apply", *env, stdin="no\n")
    assert (screen.status, screen.stdout.splitlines()[-1]) == (5, "tavus-mcp: Nothing was sent.")
    screen = runner.run_on_terminal("apply", *env, stdin="yes\n")
    *_, question, created, summary, _ = screen.stdout.splitlines()
    assert question == "Apply this to production? Type yes: yes"
    assert created.startswith("created: personas/ada p")
    assert summary == "summary: 1 created"
    change(runner, "You help people.", "|-\n  You help.\n  You listen.")
    run(runner, "pull", *env)
    planned = runner.run_on_terminal("plan", *env).stdout.splitlines()
    assert planned[1:3] == ["update: personas/ada", "  ~ /system_prompt:"]
    assert planned[4:7] == ["    -You help people.", "    +You help.", "    +You listen."]


def test_a_line_end_at_the_end_of_a_text_is_a_difference(runner: CommandRunner) -> None:
    env = ("--env", "staging")
    run(runner, "apply", *env)
    change(runner, "You help people.", "|\n  You help people.")
    for command in ("plan", "diff"):
        lines = run(runner, command, *env).stdout.splitlines()
        assert lines[lines.index("     You help people.") + 1] == "    +", command


def test_two_environments_are_compared(runner: CommandRunner) -> None:
    run(runner, "apply", "--env", "staging")
    compared = run(runner, "diff", "--env", "staging", "--against", "production").stdout
    assert compared == "personas/ada: only in staging\n"
    compared = run(runner, "diff", "--env", "production", "--against", "staging").stdout
    assert compared == "personas/ada: only in staging\n"
    digest = run_json(runner, "plan", "--env", "production")["digest"]
    run(runner, "apply", "--env", "production", "--yes", "--plan", digest)
    arguments = ("diff", "--env", "staging", "--against", "production")
    assert run(runner, *arguments).status == 0
    change(runner, "help people", "listen")
    run(runner, "apply", "--env", "staging")
    differing = run(runner, *arguments)
    assert differing.status == 2
    assert differing.stdout.splitlines() == [
        "personas/ada: different",
        "  /system_prompt (- production, + staging)",
        '    - "You help people."',
        '    + "You listen."',
    ]
    (item,) = run_json(runner, *arguments, "ada")["objects"]
    assert item["fields"][0]["path"] == "/system_prompt"


def test_every_result_is_an_object_with_a_schema(runner: CommandRunner) -> None:
    """Scripts and CI depend on the schemas."""
    env = ("--env", "staging")
    assert run_json(runner, "validate")["problems"] == []
    assert run_json(runner, "status", *env)["objects"][0]["status"] == "only local"
    assert run_json(runner, "plan", *env)["items"][0]["action"] == "create"
    applied = run_json(runner, "apply", *env)
    assert (applied["status"], applied["items"][0]["action"]) == ("applied", "create")
    assert run_json(runner, "apply", *env)["status"] == "unchanged"
    assert run_json(runner, "diff", *env)["objects"] == []
    assert run_json(runner, "history", *env)["runs"][0]["run"] == applied["run"]
    assert run_json(runner, "pull", *env)["objects"] == []
    assert run(runner, "undo", *env).status == 5  # it deletes
    assert run_json(runner, "undo", *env, "--yes")["items"][0]["outcome"] == "deleted"
    change(runner, "persona_name", "persona_nam")
    error = run_json(runner, "plan", *env)
    assert error["problems"][0]["line"] == 1


def test_validate_counts_what_it_found_and_checks_all_that_can_be_read(
    runner: CommandRunner,
) -> None:
    assert run(runner, "validate").stdout == "1 object, 2 environments: no mistake.\n"
    runner.write_file(ADA.replace("Ada", "Bob") + "layers: {llm: {model: gpt-9}}\n", "bob.yaml")
    (runner.folder / "bob.yaml").rename(runner.folder / "personas/bob.yaml")
    change(runner, "You help people.", "{file: ../prompts/adda.md}")
    change(runner, "persona_name: Ada", "persona_name: Ada\nlayers: {llm: {model: tavus-gpt-4o}}")
    runner.write_file("You help people.", "prompts/ada.md")
    found = run(runner, "validate", "--env", "staging")
    assert found.status == 4
    assert "adda.md: No such file or directory; did you mean '../prompts/ada.md'?" in found.stderr
    assert "personas/ada.yaml:2:16: /layers/llm/model: " in found.stdout + found.stderr
    assert "personas/bob.yaml:4:16: /layers/llm/model: Tavus hosts no model" in found.stderr
    assert "describe_layer" not in found.stdout + found.stderr
    change(runner, "persona_name: Ada", "persona_name: [")
    runner.write_file(ADA + "tools: [book]\n", "personas/bob.yaml")
    runner.write_file("name: [", "tools/book.yaml")
    found = run(runner, "validate", "--env", "staging")
    lines = found.stderr.splitlines()
    assert [line.partition(":")[2].partition(":")[0] for line in lines[:-1]] == [
        " personas/ada.yaml",
        " tools/book.yaml",
    ]
    summary = "1 object, 1 environment: 2 mistakes. 2 files could not be read; the others were"
    assert summary in lines[-1]
    runner.write_file("[environments.a]\nsandbo = true\n", "tavus.toml")
    found = run(runner, "validate")
    assert "did you mean 'sandbox'?" in found.stderr
    assert "tools/book.yaml:1:8: not YAML" in found.stderr
    assert "Without a right tavus.toml, only the form of the files was checked." in found.stderr


def test_commands_on_personas_print_an_object_too(runner: CommandRunner) -> None:
    """Required by us: all commands of the table take ``--json``."""
    env = ("--env", "staging")
    persona_id = run_json(runner, "apply", *env)["items"][0]["id"]
    change(runner, "help people", "listen")
    run(runner, "apply", *env)
    runner.write_file(ADA.replace("{value: replica}", "rfe12d8b9597"), "one.yaml")
    sandbox = {"TAVUS_MCP_SANDBOX": "1"}
    files = json.loads(runner.run_without_sandbox("apply", "one.yaml", "--json", **sandbox).stdout)
    require_schema(files)
    own_id = files["files"][0]["receipt"]["persona_id"]
    wrong = runner.run_without_sandbox("apply", "none.yaml", "--json", **sandbox)
    assert require_schema(json.loads(wrong.stdout))["files"][0]["error"]
    undone = runner.run_without_sandbox("undo", own_id, "--json", **sandbox)
    assert require_schema(json.loads(undone.stdout))["message"]  # a creation is deleted
    revision = run_json(runner, "restore", f"ada@{'0' * 12}", *env)
    assert revision["schema"] == "tavus-mcp/error/1"
    deleted = run_json(runner, "delete", "ada", *env, "--yes")
    assert (deleted["persona_id"], deleted["status"]) == (persona_id, "applied")
    restored = run_json(runner, "restore", f"{deleted['persona_id']}@{deleted['revision']}", *env)
    assert restored["schema"] in ("tavus-mcp/receipt/1", "tavus-mcp/error/1")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["status"], 64, "Name an environment with --env: staging, production."),
        (["status", "--env", "stagin"], 64, "did you mean 'staging'?"),
        (["status", "--project", "nowhere", "--env", "x"], 64, "tavus-mcp init"),
        (["status", "--env", "staging", "--sandbox"], 64, "sandbox = true"),
        (["apply", "--env", "staging", "--read-only"], 5, "read-only"),
        (["apply", "personas/ada.yaml", "--env", "staging"], 64, "not both"),
        (["pull", "adda", "--env", "staging"], 4, "did you mean"),
        (["diff", "tool/x", "--env", "staging"], 4, "did you mean 'tools'?"),
        (["undo", "plan-99", "--env", "staging"], 4, "tavus-mcp history --env staging lists them."),
    ],
)
def test_a_wrong_use_is_explained(
    runner: CommandRunner, arguments: list[str], status: int, words: str
) -> None:
    result = run(runner, *arguments)
    assert result.status == status
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_the_only_environment_needs_no_name(runner: CommandRunner) -> None:
    runner.write_file(CONFIGURATION.partition("\n\n")[0] + "\n", "tavus.toml")
    assert run(runner, "status").status == 2


def test_a_missing_key_is_named_by_its_variable(runner: CommandRunner) -> None:
    runner.write_file('[environments.a]\napi_key_env = "MY_KEY"\n', "tavus.toml")
    result = run(runner, "status")
    assert result.status == 5
    assert "the variable MY_KEY is not set" in result.stderr
    result = runner.run_without_sandbox("status", MY_KEY="short")
    assert result.status == 64
    assert "MY_KEY: is shorter than 8 characters" in result.stderr


def test_commands_on_one_persona_take_its_name_in_the_project(runner: CommandRunner) -> None:
    env = ("--env", "staging")
    persona_id = run_json(runner, "apply", *env)["items"][0]["id"]
    assert run_json(runner, "list", *env)["personas"][0]["persona_id"] == persona_id
    (checked,) = run_json(runner, "check", "ada", *env)["personas"]
    assert checked["persona_id"] == persona_id
    assert run(runner, "check", "adda", *env).status == 4
    assert run(runner, "delete", "ada", *env, "--yes").status == 0
    assert run_json(runner, "list", *env)["personas"] == []


def test_a_deletion_says_what_happens_and_how_to_go_back(runner: CommandRunner) -> None:
    env = ("--env", "staging")
    run(runner, "apply", *env)
    path = runner.folder / "personas/ada.yaml"
    path.rename(path.with_stem("eva"))
    for command in ("plan", "status"):
        assert run_json(runner, command, *env)["renamed"] == [
            {"from": "personas/ada", "to": "personas/eva"}
        ]
    note = (
        "note: renamed: the file has a new name; apply records that in the state and sends nothing"
    )
    line, summary = "renamed: personas/ada -> personas/eva", "summary: 1 renamed"
    status = run(runner, "status", *env).stdout
    assert status.endswith(f"{note}\nsummary: 1 in sync, 1 renamed\n")
    assert run(runner, "apply", *env).stdout.splitlines() == [line, note, summary]
    path.with_stem("eva").unlink()
    assert "personas/eva  deleted locally; --prune deletes it" in run(runner, "status", *env).stdout
    assert run_json(runner, "status", *env)["objects"][0]["prune"] == "delete"
    screen = runner.run_on_terminal("apply", "--prune", *env, stdin="no\n").stdout
    assert "\n  warning: After the deletion its id" in screen
    assert "Delete 1 object? An undo creates deleted objects again. Type yes:" in screen


def test_lines_have_colours_where_they_are_wanted(runner: CommandRunner) -> None:
    plain = run(runner, "status", "--env", "staging").stdout
    coloured = runner.run_without_sandbox("status", "--env", "staging", FORCE_COLOR="1").stdout
    assert "\x1b[33monly local" in coloured
    assert "\x1b" not in plain


def test_a_deleted_persona_is_brought_back_by_the_command_that_is_named(
    runner: CommandRunner,
) -> None:
    """The file is linked to the new id, so that a pull does not remove it."""
    env = ("--env", "staging")
    old_id = run_json(runner, "apply", *env)["items"][0]["id"]
    undo = run(runner, "delete", old_id, *env, "--yes").find_value("undo")
    assert undo.startswith("tavus-mcp restore ada@")
    assert undo.endswith(" --env staging")
    restored = run(runner, *undo.split()[1:])
    new_id = restored.find_value("persona_id")
    assert run(runner, "pull", *env).stdout == "summary: nothing to do\n"
    (item,) = run_json(runner, "status", *env)["objects"]
    assert (item["id"], item["status"]) == (new_id, "in sync")
    undone = run(runner, *restored.find_value("undo").split()[1:], "--yes")
    assert (undone.status, undone.find_value("persona_id")) == (0, new_id)


def test_an_undo_does_not_pass_over_what_was_done_to_one_persona(runner: CommandRunner) -> None:
    """It names the commands instead, as an apply is not what the person just did."""
    env = ("--env", "staging")
    run_id = run_json(runner, "apply", *env)["run"]
    run(runner, "delete", "ada", *env, "--yes")
    refused = run(runner, "undo", *env)
    assert (refused.status, refused.stdout) == (3, "")
    assert "personas/ada deleted" in refused.stderr
    assert f"tavus-mcp undo {run_id} --env staging" in refused.stderr
    undone = run(runner, "undo", "ada", *env)  # as it says
    (item,) = json.loads((runner.folder / ".tavus/staging.json").read_text())["objects"].values()
    assert item["id"] == undone.find_value("persona_id")
    assert run(runner, "status", *env).status == 0
    writes = run_json(runner, "history", *env)["writes"]
    assert [row["action"] for row in writes] == ["brought back", "deleted"]
    lines = run(runner, "history", *env).stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["no run", "no run", run_id]
    change(runner, "help people", "listen")
    run(runner, "apply", *env)
    assert run(runner, "undo", *env).status == 0  # the apply is the newest
    assert run(runner, "undo", "ada", *env).status == 0
    assert "personas/ada changed" in run(runner, "undo", *env).stderr


def test_a_change_of_one_persona_is_undone_and_redone_in_its_environment(
    runner: CommandRunner,
) -> None:
    env = ("--env", "staging")
    run(runner, "apply", *env)
    change(runner, "help people", "listen")
    run(runner, "apply", *env)
    undone = run(runner, "undo", "ada", *env)
    assert run(runner, "status", *env).status == 2
    redo = undone.find_value("undo")
    assert redo.startswith("tavus-mcp undo ada@")
    assert run(runner, *redo.split()[1:]).status == 0
    assert run(runner, "status", *env).status == 0


def test_a_conflict_shows_what_both_sides_changed_and_how_to_settle_it(
    runner: CommandRunner,
) -> None:
    """The values of a long prompt begin alike, so that diffs are shown."""
    env = ("--env", "staging")
    prompt = "".join(f"Rule {number} of the practice holds.\n" for number in range(12))
    runner.write_file(prompt + "Be calm.\n", "prompts/ada.md")
    change(runner, "You help people.", '{file: "../prompts/ada.md"}')
    run(runner, "apply", *env)
    runner.write_file(prompt + "Be brief.\n", "prompts/ada.md")
    run(runner, "apply", *env)
    base = (runner.folder / ".tavus/staging.json").read_text()
    (runner.folder / ".tavus/staging.json").write_text(base.replace("Be brief.", "Be calm."))
    runner.write_file(prompt + "Be kind.\n", "prompts/ada.md")  # against "Be brief."
    for command in ("plan", "pull"):
        result = run(runner, command, *env)
        assert result.status == 3
        for line in ("    -Be calm.", "    +Be brief.", "    +Be kind."):
            assert line in result.stdout.splitlines(), command
        assert "  in prompts/ada.md since the last sync:" in result.stdout
        assert "write the merged text into prompts/ada.md" in result.stdout
        assert "tavus-mcp diff --env staging" in result.stdout
    assert "personas/ada  conflict: /system_prompt" in run(runner, "status", *env).stdout
    settled = run(runner, "apply", *env, "--resolve", "live").stdout
    assert "tavus-mcp pull personas/ada --env staging brings its values" in settled
