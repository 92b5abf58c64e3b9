"""``tavus-mcp install``: the entry of this server in the files of hosts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_runner import CommandRunner
from install_fixtures import home_fixture, install_fixture, project_fixture  # noqa: F401 - fixtures
from install_runs import KEY, OTHER_KEY, USER_FILES, Install, identity_of, mode_of, read_entry

from tavus_mcp.settings import from_environment

PROJECT_FILES = {
    "claude-code": (".mcp.json", "${TAVUS_API_KEY}"),
    "cursor": (".cursor/mcp.json", "${env:TAVUS_API_KEY}"),
    "vscode": (".vscode/mcp.json", "${input:tavus-api-key}"),
    "gemini": (".gemini/settings.json", "${TAVUS_API_KEY}"),
}


@pytest.mark.parametrize("host", USER_FILES)
def test_a_host_gets_an_entry_with_the_key_in_a_private_file(
    home: Path, install: Install, host: str
) -> None:
    done = install(host)
    path = home / USER_FILES[host]
    assert done.status == 0, done
    entry = read_entry(path, host)
    assert entry.pop("type", "stdio") == "stdio"
    assert entry == {
        "command": str(home / ".local/bin/tavus-mcp"),
        "args": [],
        "env": {"TAVUS_API_KEY": KEY},
    }
    assert mode_of(path) == 0o600
    assert str(path) in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert from_environment(entry["env"]).api_key == KEY


def test_a_program_that_uvx_runs_is_started_by_uvx(
    home: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "cache/uv/archive-v0/x1Yz/lib"
    record = packages / "tavus_mcp-0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: tavus-mcp\nVersion: 0\n")
    (record / "direct_url.json").write_text(json.dumps({"url": tmp_path.as_uri()}))
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setattr(sys, "prefix", str(packages.parent))
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = install("cursor")
    assert (refused.status, (home / ".cursor").exists()) == (1, False)
    assert "neither uvx nor uv is on the PATH" in refused.stderr
    uvx = tmp_path / "uvx"
    uvx.touch(0o755)
    done = install("cursor")
    entry = read_entry(home / ".cursor/mcp.json", "cursor")
    assert entry["command"] == str(uvx)
    assert entry["args"] == ["--from", str(tmp_path), "tavus-mcp"]
    assert "uv tool install" in done.stdout


@pytest.mark.parametrize("host", USER_FILES)
def test_installing_twice_changes_nothing(home: Path, install: Install, host: str) -> None:
    install(host)
    path = home / USER_FILES[host]
    before = identity_of(path)
    done = install(host)
    assert (done.status, identity_of(path)) == (0, before)
    assert "Nothing to change" in done.stdout
    assert [item.name for item in path.parent.iterdir() if item.suffix == ".bak"] == []


@pytest.mark.parametrize("host", PROJECT_FILES)
def test_a_project_gets_a_reference_in_place_of_the_key(
    project: Path, install: Install, host: str
) -> None:
    name, reference = PROJECT_FILES[host]
    done = install(host, "--scope", "project")
    assert done.status == 0, done
    assert read_entry(project / name, host)["env"] == {"TAVUS_API_KEY": reference}
    assert all(KEY not in path.read_text() for path in project.rglob("*") if path.is_file())
    assert KEY not in done.stdout + done.stderr


def test_vs_code_asks_for_the_key_of_a_project(project: Path, install: Install) -> None:
    install("vscode", "--scope", "project")
    config = json.loads((project / ".vscode/mcp.json").read_text())
    assert config["inputs"] == [
        {
            "type": "promptString",
            "id": "tavus-api-key",
            "description": "Tavus API key",
            "password": True,
        }
    ]
    install("vscode", "--scope", "project", "--uninstall")
    assert not (project / ".vscode/mcp.json").exists()


def test_an_input_that_another_server_uses_stays(project: Path, install: Install) -> None:
    path = project / ".vscode/mcp.json"
    install("vscode", "--scope", "project")
    config = json.loads(path.read_text())
    config["servers"]["other"] = {"env": {"KEY": "${input:tavus-api-key}"}}
    path.write_text(json.dumps(config))
    install("vscode", "--scope", "project", "--uninstall")
    after = json.loads(path.read_text())
    assert list(after["servers"]) == ["other"]
    assert after["inputs"] == config["inputs"]


def test_a_key_that_a_person_wrote_into_a_project_is_replaced(
    project: Path, install: Install
) -> None:
    entry = {"command": "uvx", "env": {"TAVUS_API_KEY": KEY}}
    (project / ".mcp.json").write_text(json.dumps({"mcpServers": {"tavus": entry}}))
    install("claude-code", "--scope", "project")
    assert all(KEY not in path.read_text() for path in project.iterdir())


def test_the_sandbox_needs_no_key(home: Path, install: Install) -> None:
    done = install("cursor", "--sandbox", TAVUS_API_KEY="")
    assert "`tavus-mcp sandbox --make-personas` creates ten examples." in done.stdout
    assert done.status == 0, done
    entry = read_entry(home / ".cursor/mcp.json", "cursor")
    assert entry["args"] == ["--sandbox"]
    assert "env" not in entry


def test_the_options_and_settings_of_the_command_are_those_of_the_server(
    home: Path, install: Install, tmp_path: Path
) -> None:
    environment = {
        "TAVUS_MCP_TOOLSETS": "personas,account",
        "TAVUS_BASE_URL": "https://gateway.example/v2",
        "TAVUS_MCP_PROTECTED": "1",
        "TAVUS_MCP_DATA_DIR": str(tmp_path / "data"),
    }
    install("cursor", "--read-only", **environment)
    entry = read_entry(home / ".cursor/mcp.json", "cursor")
    assert entry["args"] == ["--read-only", "--toolsets", "personas,account"]
    assert entry["env"] == {
        "TAVUS_API_KEY": KEY,
        "TAVUS_BASE_URL": "https://gateway.example/v2",
        "TAVUS_MCP_PROTECTED": "1",
        "TAVUS_MCP_DATA_DIR": str(tmp_path / "data"),
    }
    done = install("cursor", **environment)
    assert "The earlier entry had --read-only, which this one has not." in done.stdout


@pytest.mark.parametrize(
    ("url", "is_written"),
    [("https://gateway.example/v2", True), ("https://gateway.example/token-0123456789/v2", False)],
)
def test_an_address_that_may_hold_a_key_is_not_written_to_a_project(
    project: Path, install: Install, url: str, is_written: bool
) -> None:
    done = install("cursor", "--scope", "project", TAVUS_BASE_URL=url)
    text = (project / ".cursor/mcp.json").read_text()
    assert (url in text, "token-0123456789" in text) == (is_written, False)
    assert ("TAVUS_BASE_URL is not in the file" in done.stdout) == (not is_written)
    assert "token-0123456789" not in install("cursor", "--print", TAVUS_BASE_URL=url).stdout


def test_print_writes_nothing_and_shows_a_placeholder(home: Path, install: Install) -> None:
    before = sorted(home.rglob("*"))
    done = install("vscode", "--print")
    entry = json.loads(done.stdout)["servers"]["tavus"]
    assert entry["env"] == {"TAVUS_API_KEY": "YOUR_TAVUS_API_KEY"}
    assert KEY not in done.stdout + done.stderr
    assert str(home / USER_FILES["vscode"]) in done.stderr
    assert sorted(home.rglob("*")) == before


COMMENTED = """{
  // my servers
  "mcpServers": {
    "other": { "command": "x", "env": { "KEY": "other-secret" } }, /* first */
  },
}
"""


def test_the_other_entries_and_comments_stay_and_a_backup_is_made(
    home: Path, install: Install
) -> None:
    path = home / ".cursor/mcp.json"
    path.parent.mkdir()
    path.write_text(COMMENTED)
    path.chmod(0o644)
    done = install("cursor")
    backup = path.with_name("mcp.json.tavus-mcp.bak")
    assert f"The file as it was before the first change: {backup}" in done.stdout
    assert backup.read_text() == COMMENTED
    assert (mode_of(backup), mode_of(path)) == (0o600, 0o600)
    assert path.read_text().startswith(COMMENTED.partition("/* first */")[0])
    install("cursor", TAVUS_API_KEY=OTHER_KEY)
    assert backup.read_text() == COMMENTED
    assert KEY not in path.read_text()
    assert OTHER_KEY in path.read_text()
    install("cursor", "--uninstall")
    assert path.read_text() == COMMENTED
    assert not backup.exists()


def test_the_backup_stays_while_the_file_holds_something_else(home: Path, install: Install) -> None:
    path = home / ".cursor/mcp.json"
    path.parent.mkdir()
    path.write_text(COMMENTED)
    install("cursor")
    path.write_text(path.read_text().replace('"x"', '"y"'))
    done = install("cursor", "--uninstall")
    backup = path.with_name("mcp.json.tavus-mcp.bak")
    assert path.read_text() == COMMENTED.replace('"x"', '"y"')
    assert backup.read_text() == COMMENTED
    assert str(backup) in done.stdout
    install("cursor")
    path.unlink()
    install("cursor")
    install("cursor", "--uninstall")
    assert not path.exists()
    assert backup.read_text() == COMMENTED


@pytest.mark.parametrize("host", USER_FILES)
def test_an_uninstall_leaves_no_folder_that_was_made(
    home: Path, install: Install, host: str
) -> None:
    before = sorted(home.rglob("*"))
    install(host)
    install(host, "--uninstall")
    assert sorted(home.rglob("*")) == before


def test_an_uninstall_leaves_folders_with_files_of_others(
    home: Path, project: Path, install: Install
) -> None:
    install("vscode", "--scope", "project")
    (project / ".vscode/settings.json").write_text("{}")
    install("vscode", "--scope", "project", "--uninstall")
    assert [path.name for path in project.rglob("*")] == [".vscode", "settings.json"]
    (project / ".vscode/settings.json").unlink()
    install("vscode", "--scope", "project")
    install("vscode", "--scope", "project", "--uninstall")
    assert list(project.iterdir()) == []


def test_a_backup_holds_no_secret_of_the_entry(home: Path, install: Install) -> None:
    path = home / ".cursor/mcp.json"
    path.parent.mkdir()
    env = {"TAVUS_API_KEY": OTHER_KEY, "TAVUS_SECRET_A": "sk-abcdef0123", "X": "y"}
    path.write_text(json.dumps({"mcpServers": {"tavus": {"command": "uvx", "env": env}}}))
    install("cursor")
    assert read_entry(path, "cursor")["env"] == {**env, "TAVUS_API_KEY": KEY}
    backup = path.with_name("mcp.json.tavus-mcp.bak")
    masked = dict.fromkeys(("TAVUS_API_KEY", "TAVUS_SECRET_A"), "YOUR_TAVUS_API_KEY")
    assert read_entry(backup, "cursor") == {"command": "uvx", "env": {**env, **masked}}


def test_without_a_key_the_permissions_stay(home: Path, install: Install) -> None:
    path = home / ".gemini/settings.json"
    path.parent.mkdir()
    path.write_text("{}")
    path.chmod(0o640)
    install("gemini", "--sandbox")
    assert mode_of(path) == 0o640
    install("gemini", "--uninstall")
    assert (path.read_text(), mode_of(path)) == ("{}", 0o640)


def test_a_readable_file_with_a_key_is_made_private(home: Path, install: Install) -> None:
    install("cursor")
    path = home / ".cursor/mcp.json"
    path.chmod(0o644)
    assert "Only you may read the file" in install("cursor").stdout
    assert mode_of(path) == 0o600


def test_a_link_stays_a_link_and_a_repository_is_named(home: Path, install: Install) -> None:
    target = home / "dotfiles/cursor.json"
    (home / "dotfiles/.git").mkdir(parents=True)
    target.write_text('{"mcpServers": {}}')
    link = home / ".cursor/mcp.json"
    link.parent.mkdir()
    link.symlink_to(target)
    done = install("cursor")
    assert link.is_symlink()
    assert "tavus" in target.read_text()
    assert f"inside the git repository {home / 'dotfiles'}" in done.stdout
    install("cursor", "--uninstall")
    assert link.is_symlink()
    assert target.read_text() == '{"mcpServers": {}}'


def test_a_file_that_cannot_be_parsed_is_not_touched(home: Path, install: Install) -> None:
    path = home / ".config/Claude/claude_desktop_config.json"
    path.parent.mkdir(parents=True)
    path.write_text('{\n  "mcpServers": {\n    "a": {},\n  }\n}')
    before = identity_of(path)
    done = install("claude-desktop")
    assert done.status == 4
    assert f"{path}: line 4, column 3: " in done.stderr
    assert "remove the comma before the closing bracket" in done.stderr
    assert "The file was not changed" in done.stderr
    assert identity_of(path) == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_folder_in_place_of_the_file_is_named(home: Path, install: Install) -> None:
    (home / ".cursor/mcp.json").mkdir(parents=True)
    done = install("cursor")
    assert done.status == 1
    assert "mcp.json: Is a directory" in done.stderr


def test_nothing_to_uninstall_is_no_error(home: Path, install: Install) -> None:
    done = install("cursor", "--uninstall", TAVUS_API_KEY="")
    assert done.status == 0
    assert "Nothing to remove" in done.stdout
    assert not (home / ".cursor").exists()


WRONG_REQUESTS = {
    "misspelt host": (
        ["cursr"],
        "did you mean 'cursor'? Choose one of claude-desktop, claude-code",
    ),
    "unknown host": (["emacs"], "'emacs' is not a supported host. Choose one of"),
    "no file of a project": (["windsurf", "--scope", "project"], "Use --scope user"),
    "scope": (["cursor", "--scope", "team"], "--scope"),
    "two actions": (["cursor", "--print", "--uninstall"], "not allowed with"),
    "no host": ([], "HOST"),
}


@pytest.mark.parametrize("case", WRONG_REQUESTS)
def test_a_wrong_request_is_explained(
    install: Install, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = WRONG_REQUESTS[case]
    try:
        done = install(*arguments)
        status, errors = done.status, done.stderr
    except SystemExit as end:
        status, errors = end.code, expected  # argparse, whose texts test_commands covers
    assert status == 64
    assert expected in errors


def test_a_project_in_the_home_folder_is_refused(home: Path) -> None:
    runner = CommandRunner(home, {"TAVUS_MCP_DATA_DIR": ""})
    done = runner.run_without_sandbox("install", "cursor", "--scope", "project")
    assert done.status == 64
    assert "your home folder" in done.stderr
    assert not (home / ".cursor").exists()
