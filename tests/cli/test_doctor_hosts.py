"""``tavus-mcp doctor`` and the files of hosts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from doctor_runs import Doctor
from install_fixtures import doctor_fixture, home_fixture, project_fixture  # noqa: F401 - fixtures
from install_runs import KEY

COMMAND = {"command": sys.executable, "args": ["-m", "tavus_mcp"]}
ENV = {"TAVUS_API_KEY": KEY}


def check_host(doctor: Doctor, host: str = "cursor", scope: str = "user", **env: str) -> Any:
    return doctor.check("--sandbox", **env)[f"host.{host}.{scope}"]


def test_a_host_without_a_file_or_an_entry_is_skipped(doctor: Doctor) -> None:
    assert check_host(doctor)["status"] == "skipped"
    doctor.write_host_file("cursor", {"mcpServers": {"other": {}}})
    check = check_host(doctor)
    assert check["status"] == "skipped"
    assert check["fix"] == "To use Cursor: tavus-mcp install cursor."


def test_an_installed_entry_is_fine(doctor: Doctor) -> None:
    doctor.write_entry(**COMMAND, env=ENV)
    check = check_host(doctor)
    assert (check["status"], check["fix"]) == ("ok", "")
    assert "~/.cursor/mcp.json" in check["detail"]


def test_an_entry_for_a_project_needs_no_key(doctor: Doctor) -> None:
    """The environment of the project names the variable of its key."""
    arguments = [*COMMAND["args"], "--project", "/agents", "--env", "staging"]
    doctor.write_entry(command=sys.executable, args=arguments)
    check = check_host(doctor)
    assert check["status"] == "ok"
    assert check["detail"].endswith(" --project --env.")


def test_what_install_writes_is_fine(doctor: Doctor) -> None:
    for host in ("claude-desktop", "claude-code", "cursor", "vscode", "gemini", "windsurf"):
        doctor.runner.run_without_sandbox("install", host, **ENV)
    for host in ("claude-code", "cursor", "vscode", "gemini"):
        doctor.runner.run_without_sandbox("install", host, "--scope", "project", **ENV)
    checks = doctor.check("--sandbox", **ENV)
    hosts = {name: check for name, check in checks.items() if name.startswith("host.")}
    assert len(hosts) == 10
    assert {check["status"] for check in hosts.values()} == {"ok"}, hosts
    Path(sys.argv[0]).unlink()
    checks = doctor.check("--sandbox", **ENV)
    assert {checks[name]["status"] for name in hosts} == {"error"}


BAD_ENTRIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no command": ({"env": ENV}, "error", "no command"),
    "home folder": ({"command": "~/bin/tavus-mcp", "env": ENV}, "error", "do not replace ~"),
    "missing program": ({"command": "/nonexistent/t", "env": ENV}, "error", "no such program"),
    "not executable": ({"command": __file__, "env": ENV}, "error", "not executable"),
    "not on the PATH": ({"command": "no-such-program", "env": ENV}, "error", "not on the PATH"),
    "relative": ({"command": "sh", "env": ENV}, "warning", "not absolute"),
    "vendor's package": (
        {"command": "/nonexistent/uvx", "args": ["tavus-mcp"], "env": ENV},
        "error",
        "the vendor's package",
    ),
    "placeholder": (
        {"command": "uvx", "args": ["--from", "PATH_OR_GIT_URL_OF_THIS_PROJECT", "x"], "env": ENV},
        "error",
        "was not filled in",
    ),
    "source in the home folder": (
        {"command": "uvx", "args": ["--from", "~/tavus-mcp", "tavus-mcp"], "env": ENV},
        "error",
        "~ in the source",
    ),
    "relative source": (
        {"command": "uvx", "args": ["--from", "./tavus-mcp", "tavus-mcp"], "env": ENV},
        "error",
        "an absolute path or a URL",
    ),
    "missing source": (
        {"command": "uvx", "args": ["--from", "/nonexistent/x", "tavus-mcp"], "env": ENV},
        "error",
        "--from does not exist",
    ),
    "no key": (COMMAND, "warning", "sets no TAVUS_API_KEY"),
    "key not filled in": (
        {**COMMAND, "env": {"TAVUS_API_KEY": "YOUR_TAVUS_API_KEY"}},
        "error",
        "holds a placeholder",
    ),
    "misspelt setting": (
        {**COMMAND, "env": {**ENV, "TAVUS_MCP_READONLY": "1"}},
        "error",
        "did you mean 'TAVUS_MCP_READ_ONLY'?",
    ),
    "variable that is not set": (
        {**COMMAND, "env": {"TAVUS_API_KEY": "${env:TAVUS_KEY_OF_MINE}"}},
        "warning",
        "refers to TAVUS_KEY_OF_MINE, which is not set",
    ),
    "entry that is a text": ({}, "error", "no command"),
}


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_what_is_wrong_with_an_entry_is_named(doctor: Doctor, case: str) -> None:
    entry, status, detail = BAD_ENTRIES[case]
    doctor.write_entry(**entry)
    check = check_host(doctor)
    assert (check["status"], detail in check["detail"]) == (status, True), check
    assert check["fix"]


def test_an_entry_of_the_sandbox_needs_no_key(doctor: Doctor) -> None:
    doctor.write_entry(command=sys.executable, args=["-m", "tavus_mcp", "--sandbox"])
    check = check_host(doctor)
    assert (check["status"], "--sandbox" in check["detail"]) == ("ok", True)


def test_an_input_that_is_not_declared(doctor: Doctor) -> None:
    path = doctor.write_host_file("vscode", "{}")
    entry = {**COMMAND, "env": {"TAVUS_API_KEY": "${input:tavus-api-key}"}}
    config: dict[str, Any] = {"servers": {"tavus": entry}}
    path.write_text(json.dumps(config))
    check = check_host(doctor, "vscode")
    assert (check["status"], "does not declare" in check["detail"]) == ("error", True)
    config["inputs"] = [{"id": "tavus-api-key", "type": "promptString", "password": True}]
    path.write_text(json.dumps(config))
    assert check_host(doctor, "vscode")["status"] == "ok"


def test_a_checkout_that_uv_runs_is_fine(doctor: Doctor) -> None:
    program = doctor.home / "uv"
    program.touch(0o755)
    arguments = ["run", "--directory", str(doctor.project), "tavus-mcp"]
    doctor.write_entry(command=str(program), args=arguments, env=ENV)
    assert check_host(doctor)["status"] == "ok"


def test_a_host_that_replaces_no_variables_has_a_placeholder(doctor: Doctor) -> None:
    doctor.write_entry("claude-desktop", **COMMAND, env={"TAVUS_API_KEY": "${TAVUS_API_KEY}"})
    check = check_host(doctor, "claude-desktop", **ENV)
    assert (check["status"], "placeholder" in check["detail"]) == ("error", True)


def test_a_file_that_cannot_be_parsed_is_named_with_its_place(doctor: Doctor) -> None:
    doctor.write_host_file("cursor", '{\n  "mcpServers": {]\n}')
    check = check_host(doctor)
    assert (check["status"], "line 2, column 18: " in check["detail"]) == ("error", True), check


def test_a_pipe_in_place_of_a_file_is_not_read(doctor: Doctor) -> None:
    path = doctor.write_host_file("cursor", "")
    path.unlink()
    os.mkfifo(path)
    assert check_host(doctor)["status"] == "error"


def test_a_key_that_others_may_read(doctor: Doctor) -> None:
    path = doctor.write_entry(**COMMAND, env=ENV)
    path.chmod(0o644)
    check = check_host(doctor)
    assert (check["status"], "chmod 600" in check["fix"]) == ("warning", True)


def test_a_key_in_a_repository(doctor: Doctor) -> None:
    doctor.write_entry(**COMMAND, env=ENV)
    (doctor.home / ".cursor/.git").mkdir()
    check = check_host(doctor)
    assert (check["status"], "never committed" in check["fix"]) == ("warning", True)


PROJECT_ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "reference": ({"tavus": {**COMMAND, "env": {"TAVUS_API_KEY": "${TAVUS_API_KEY}"}}}, "ok"),
    "key": ({"tavus": {**COMMAND, "env": ENV}}, "error"),
    "other secret": (
        {
            "tavus": {
                **COMMAND,
                "env": {
                    "TAVUS_API_KEY": "${TAVUS_API_KEY}",
                    "TAVUS_SECRET_OPENAI": "sk-abcdef0123",
                },
            }
        },
        "error",
    ),
    "key in another entry": ({"other": {"args": ["--key", KEY]}}, "error"),
}


@pytest.mark.parametrize("case", PROJECT_ENTRIES)
def test_a_project_holds_no_key(doctor: Doctor, case: str) -> None:
    servers, status = PROJECT_ENTRIES[case]
    (doctor.project / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))
    doctor.write_entry(**COMMAND, env=ENV)
    check = check_host(doctor, "claude-code", "project", **ENV)
    assert check["status"] == status, check
    assert ("holds secrets" in check["detail"]) == (status == "error")
    assert check["detail"].startswith(".mcp.json ")
