"""The commands with full disks, with pipes and folders, and with control characters in names."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from command_runner import CommandRunner
from test_export_apply_commands import ADA

from tavus_mcp.cli.files import read_bytes

ESC, TURN = "\x1b", "\u202e"


@pytest.fixture
def runner(tmp_path: Path) -> CommandRunner:
    return CommandRunner(tmp_path)


def raise_disk_full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def raise_disk_full_outside(folder: Path) -> Callable[[int], None]:
    """Return an ``os.fsync`` that fails for files that are not in a folder."""
    wait_for_disk = os.fsync

    def fsync(handle: int) -> None:
        status = os.fstat(handle)
        if not any(os.path.samestat(item.stat(), status) for item in (folder, *folder.iterdir())):
            raise_disk_full(handle)
        wait_for_disk(handle)

    return fsync


def list_file_names(shop: CommandRunner) -> set[str]:
    return {item.name for item in shop.folder.iterdir() if item.name != "data"}


def test_a_full_disk_leaves_no_empty_file_behind(
    runner: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", raise_disk_full)
        result = runner.run("export", persona_id, "--into", "new.yaml")
    assert (result.status, list_file_names(runner)) == (1, {"persona.yaml"})
    assert "No space left" in result.stderr
    runner.run_successfully("export", persona_id, "--into", "new.yaml")
    assert "persona_name: Ada" in (runner.folder / "new.yaml").read_text()


def test_a_full_disk_after_a_creation_states_what_to_add_to_the_file(
    runner: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.write_file(ADA)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", raise_disk_full_outside(runner.data_folder))
        result = runner.run("apply", "persona.yaml")
    assert result.status == 1
    for fact in ("persona_id", "revision"):
        assert f"{fact}: {result.find_value(fact)}" in result.stderr
    assert (runner.folder / "persona.yaml").read_text() == ADA
    runner.write_file(
        f"persona_id: {result.find_value('persona_id')}\nrevision: "
        f"{result.find_value('revision')}\n" + ADA
    )
    assert runner.run_successfully("apply", "persona.yaml").find_value(
        "persona_id"
    ) == result.find_value("persona_id")


def test_circular_links_are_reported_and_nothing_is_written(runner: CommandRunner) -> None:
    (runner.folder / "loop").symlink_to("loop")
    _, persona_id = runner.create_persona_from_text(ADA)
    runner.write_file("context: 0x" + "f" * 5000 + "\n" + ADA, "long.yaml")
    result = runner.run("apply", "loop", "long.yaml", "persona.yaml")
    assert (result.status, result.find_value("persona_id")) == (4, "")
    assert "loop: " in result.stderr
    assert "line 1, column 10: this number is too long" in result.stderr
    result = runner.run("export", persona_id, "--into", "loop")
    assert result.status == 1
    assert (runner.folder / "loop").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["pipe", "data"])
def test_export_does_not_write_into_a_pipe_or_a_folder(runner: CommandRunner, name: str) -> None:
    _, persona_id = runner.create_persona_from_text(ADA)
    os.mkfifo(runner.folder / "pipe")
    result = runner.run("export", persona_id, "--into", name)
    assert result.status == 1
    assert "not a regular file" in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_silent_pipe_is_an_error_after_a_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"nothing came from it for 0\.01 s"):
        read_bytes(str(tmp_path / "pipe"), pipe_timeout_seconds=0.01)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_all_of_a_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = b"persona_name: Ada\n" * 20_000  # more than a pipe holds
    writer = threading.Thread(target=path.write_bytes, args=[content])
    writer.start()
    assert read_bytes(str(path)) == content
    writer.join()


def test_all_names_of_a_hard_linked_file_are_changed(runner: CommandRunner) -> None:
    path = runner.write_file(ADA)
    os.link(path, runner.folder / "second.yaml")
    runner.run_successfully("apply", path.name)
    assert path.samefile(runner.folder / "second.yaml")
    assert "persona_id: p" in path.read_text()
    assert list_file_names(runner) == {"persona.yaml", "second.yaml"}


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="this system has no /dev/stdin")
def test_a_named_pipe_is_applied_like_standard_input(runner: CommandRunner) -> None:
    result = runner.run_subprocess("apply", "/dev/stdin", stdin=ADA)
    assert (result.status, result.find_value("status"), result.stderr) == (0, "applied", "")


def test_control_characters_of_a_name_do_not_reach_the_terminal(runner: CommandRunner) -> None:
    text = ADA.replace("Ada ", '"A\\e[2J\\x9b31m\\u202eB" ').replace(
        "api_key_ref: openai\n", 'api_key_ref: openai\n    extra_body: {"f\\e[31m": 1}\n'
    )
    runner.write_file(text + '"no\\e[31m": 1\n', "unknown.yaml")
    runner.write_file(text)
    results = [
        runner.run("apply", "unknown.yaml"),
        runner.run("apply", "persona.yaml", "--dry-run"),
        runner.run_successfully("apply", "persona.yaml"),
        runner.run_successfully("journal", "show"),
    ]
    assert results[0].status == 4
    assert "no\\x1b[31m" in results[0].stderr
    assert "\\x1b[2J\\x9b31m\\u202e" in results[2].stdout
    assert "f\\x1b[31m" in results[3].stdout
    for result in results:
        for char in (ESC, "\x9b", TURN):
            assert char not in result.stdout + result.stderr
