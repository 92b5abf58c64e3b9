"""The command where disks are full, files are none, and names would steer the terminal."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from commands import Shop
from test_files_command import ADA

ESC, TURN = "\x1b", "\u202e"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def names(shop: Shop) -> set[str]:
    return {item.name for item in shop.folder.iterdir() if item.name != "data"}


def test_a_full_disk_leaves_no_empty_file_behind(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, persona_id = shop.created(ADA)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = shop.run("export", persona_id, "--into", "new.yaml")
    assert (said.status, names(shop)) == (1, {"persona.yaml"})
    assert "No space left" in said.errors
    shop.does("export", persona_id, "--into", "new.yaml")
    assert "persona_name: Ada" in (shop.folder / "new.yaml").read_text()


def test_a_full_disk_after_a_creation_says_what_to_set_in_the_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(ADA)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = shop.run("apply", "persona.yaml")
    assert said.status == 1
    for fact in ("persona_id", "revision"):
        assert f"{fact}: {said.fact(fact)}" in said.errors
    assert (shop.folder / "persona.yaml").read_text() == ADA
    shop.write(f"persona_id: {said.fact('persona_id')}\nrevision: {said.fact('revision')}\n" + ADA)
    assert shop.does("apply", "persona.yaml").fact("persona_id") == said.fact("persona_id")


def test_links_in_a_circle_are_told_and_other_files_still_applied(shop: Shop) -> None:
    (shop.folder / "loop").symlink_to("loop")
    _, persona_id = shop.created(ADA)
    shop.write("context: 0x" + "f" * 5000 + "\n" + ADA, "long.yaml")
    said = shop.run("apply", "loop", "long.yaml", "persona.yaml")
    assert (said.status, said.fact("persona_id")) == (1, persona_id)
    assert "loop: " in said.errors
    assert "line 1, column 10: this number is too long" in said.errors
    said = shop.run("export", persona_id, "--into", "loop")
    assert said.status == 1
    assert (shop.folder / "loop").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_nothing_is_brought_into_a_pipe_or_a_folder(shop: Shop) -> None:
    _, persona_id = shop.created(ADA)
    os.mkfifo(shop.folder / "pipe")
    for name in ("pipe", "data"):
        said = shop.run("export", persona_id, "--into", name)
        assert said.status == 1
        assert "no regular file" in said.errors


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="this system has no /dev/stdin")
def test_a_pipe_is_applied_like_standard_input(shop: Shop) -> None:
    said = shop.process("apply", "/dev/stdin", stdin=ADA)
    assert (said.status, said.fact("status"), said.errors) == (0, "applied", "")


def test_a_name_does_not_steer_the_terminal(shop: Shop) -> None:
    text = ADA.replace("Ada ", '"A\\e[2J\\x9b31m\\u202eB" ').replace(
        "api_key_ref: openai\n", 'api_key_ref: openai\n    extra_body: {"f\\e[31m": 1}\n'
    )
    shop.write(text + '"no\\e[31m": 1\n', "unknown.yaml")
    shop.write(text)
    said = [
        shop.run("apply", "unknown.yaml"),
        shop.run("apply", "persona.yaml", "--dry-run"),
        shop.does("apply", "persona.yaml"),
        shop.does("journal", "show"),
    ]
    assert said[0].status == 1
    assert "no\\x1b[31m" in said[0].errors
    assert "\\x1b[2J\\x9b31m\\u202e" in said[2].out
    assert "f\\x1b[31m" in said[3].out
    for one in said:
        for char in (ESC, "\x9b", TURN):
            assert char not in one.out + one.errors
