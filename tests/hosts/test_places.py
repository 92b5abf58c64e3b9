"""Where the files of hosts are on each system, and which command an entry starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tavus_mcp.hosts.folders import UserFolders
from tavus_mcp.hosts.launcher import NoCommand, RunningProgram, find_command
from tavus_mcp.hosts.table import HOSTS

PACKAGE_FOLDER = "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude"
APPLICATION_SUPPORT = "Library/Application Support"
USER_FILES = {
    ("claude-desktop", "linux"): ".config/Claude/claude_desktop_config.json",
    ("claude-desktop", "darwin"): f"{APPLICATION_SUPPORT}/Claude/claude_desktop_config.json",
    ("claude-desktop", "win32"): "AppData/Roaming/Claude/claude_desktop_config.json",
    ("claude-code", "linux"): ".claude.json",
    ("claude-code", "darwin"): ".claude.json",
    ("claude-code", "win32"): ".claude.json",
    ("cursor", "linux"): ".cursor/mcp.json",
    ("cursor", "darwin"): ".cursor/mcp.json",
    ("cursor", "win32"): ".cursor/mcp.json",
    ("vscode", "linux"): ".config/Code/User/mcp.json",
    ("vscode", "darwin"): f"{APPLICATION_SUPPORT}/Code/User/mcp.json",
    ("vscode", "win32"): "AppData/Roaming/Code/User/mcp.json",
    ("gemini", "linux"): ".gemini/settings.json",
    ("gemini", "darwin"): ".gemini/settings.json",
    ("gemini", "win32"): ".gemini/settings.json",
    ("windsurf", "linux"): ".codeium/windsurf/mcp_config.json",
    ("windsurf", "darwin"): ".codeium/windsurf/mcp_config.json",
    ("windsurf", "win32"): ".codeium/windsurf/mcp_config.json",
}


def find_file(host: str, home: Path, system: str = "linux", **variables: str) -> Path:
    folders = UserFolders.from_variables(variables, system=system, home=home)
    return folders.find_user_file(HOSTS[host])


@pytest.mark.parametrize(("host", "system"), USER_FILES)
def test_each_host_has_its_file_on_each_system(tmp_path: Path, host: str, system: str) -> None:
    assert find_file(host, tmp_path, system) == tmp_path / USER_FILES[host, system]


def test_every_host_is_tested_on_every_system() -> None:
    assert {host for host, _ in USER_FILES} == set(HOSTS)
    assert len(USER_FILES) == 3 * len(HOSTS)


@pytest.mark.parametrize(
    ("host", "system", "variable", "name"),
    [
        ("claude-desktop", "linux", "XDG_CONFIG_HOME", "Claude/claude_desktop_config.json"),
        ("vscode", "win32", "APPDATA", "Code/User/mcp.json"),
        ("claude-code", "linux", "CLAUDE_CONFIG_DIR", ".claude.json"),
    ],
)
def test_a_variable_moves_a_folder(
    tmp_path: Path, host: str, system: str, variable: str, name: str
) -> None:
    moved = tmp_path / "moved"
    assert find_file(host, tmp_path, system, **{variable: str(moved)}) == moved / name


def test_the_packaged_claude_desktop_on_windows_is_found(tmp_path: Path) -> None:
    folder = tmp_path / PACKAGE_FOLDER
    folder.mkdir(parents=True)
    (tmp_path / "AppData/Roaming/Claude").mkdir(parents=True)
    found = find_file("claude-desktop", tmp_path, "win32")
    assert found == folder / "claude_desktop_config.json"


def program(
    folder: Path, *, source: dict[str, Any] | None = None, prefix: str = "env", **changes: Any
) -> RunningProgram:
    """Return a program in an environment of a folder; its executable exists."""
    scripts = folder / prefix / "bin"
    scripts.mkdir(parents=True, exist_ok=True)
    (scripts / "python").touch()
    values: dict[str, Any] = {
        "argv0": str(scripts / "tavus-mcp"),
        "executable": str(scripts / "python"),
        "prefix": str(folder / prefix),
        "source": json.dumps(source) if source else None,
        "find_program": {"uvx": str(folder / "uvx"), "uv": str(folder / "uv")}.get,
    }
    return RunningProgram(**{**values, **changes})


def test_an_installed_program_is_started_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = program(tmp_path)
    Path(running.argv0).touch()
    assert find_command(running) == [running.argv0]
    monkeypatch.chdir(tmp_path)
    assert find_command(program(tmp_path, argv0="env/bin/tavus-mcp")) == [running.argv0]


def test_a_link_to_the_program_is_used_as_it_is(tmp_path: Path) -> None:
    """``uv tool install`` makes a link whose target changes with an upgrade."""
    running = program(tmp_path)
    Path(running.argv0).touch()
    link = tmp_path / "tavus-mcp"
    link.symlink_to(running.argv0)
    assert find_command(program(tmp_path, argv0=str(link))) == [str(link)]


def test_the_program_beside_the_interpreter_is_used_for_a_module(tmp_path: Path) -> None:
    running = program(tmp_path, argv0=str(tmp_path / "tavus_mcp/__main__.py"))
    assert find_command(running) == [running.executable, "-m", "tavus_mcp"]
    script = Path(running.executable).with_name("tavus-mcp")
    script.touch()
    assert find_command(running) == [str(script)]


def test_a_program_that_is_not_installed_is_refused(tmp_path: Path) -> None:
    running = program(tmp_path, argv0=str(tmp_path / "__main__.py"), is_installed=False)
    with pytest.raises(NoCommand, match="uv tool install"):
        find_command(running)


UV_CACHE = "cache/uv/archive-v0/x1Yz"
REPOSITORY = "https://git.example/tavus-mcp"
SOURCES = {
    "repository": ({"url": REPOSITORY, "vcs_info": {"vcs": "git"}}, f"git+{REPOSITORY}"),
    "revision": (
        {"url": REPOSITORY, "vcs_info": {"vcs": "git", "requested_revision": "v1"}},
        f"git+{REPOSITORY}@v1",
    ),
    "subfolder": (
        {"url": REPOSITORY, "vcs_info": {"vcs": "git"}, "subdirectory": "server"},
        f"git+{REPOSITORY}#subdirectory=server",
    ),
    "archive": ({"url": "https://x.example/t.whl", "archive_info": {}}, "https://x.example/t.whl"),
}


@pytest.mark.parametrize("case", SOURCES)
def test_a_program_in_a_temporary_environment_is_started_from_its_source(
    tmp_path: Path, case: str
) -> None:
    source, expected = SOURCES[case]
    running = program(tmp_path, source=source, prefix=UV_CACHE)
    assert find_command(running) == [str(tmp_path / "uvx"), "--from", expected, "tavus-mcp"]


def test_a_checkout_is_a_source(tmp_path: Path) -> None:
    folder = tmp_path / "my checkout"
    folder.mkdir()
    source = {"url": folder.as_uri(), "dir_info": {}}
    running = program(tmp_path, source=source, prefix=UV_CACHE)
    assert find_command(running)[1:3] == ["--from", str(folder)]
    folder.rmdir()
    with pytest.raises(NoCommand, match="not there any more"):
        find_command(running)


def test_uv_is_used_without_uvx(tmp_path: Path) -> None:
    source = SOURCES["repository"][0]
    find_program = {"uv": "/usr/bin/uv"}.get
    running = program(tmp_path, source=source, prefix=UV_CACHE, find_program=find_program)
    assert find_command(running)[:4] == ["/usr/bin/uv", "tool", "run", "--from"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"find_program": {}.get, "source": SOURCES["repository"][0]}, "neither uvx nor uv"),
        ({"source": None}, "not recorded"),
        ({"source": {"url": "https://u:p@git.example/x"}}, "a user name or a password"),
    ],
)
def test_what_a_host_could_not_start_is_refused(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    running = program(tmp_path, prefix=UV_CACHE, **changes)
    with pytest.raises(NoCommand, match=problem) as refused:
        find_command(running)
    assert "uv tool install" in str(refused.value)
    assert "u:p" not in str(refused.value)
