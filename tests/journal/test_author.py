"""The author of a journal entry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tavus_mcp.cli.wiring import build_app
from tavus_mcp.journal.author import find_author
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.settings import from_environment

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _without_git_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let git read no file of this machine, and forget what was found out before."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, str(tmp_path / "gitconfig"))
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.chdir(tmp_path)
    find_author.cache_clear()
    yield
    find_author.cache_clear()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize(
    ("config", "author"),
    [
        (
            "[user]\n name = Ada Lovelace\n email = ada@example.com\n",
            "Ada Lovelace <ada@example.com>",
        ),
        ("[user]\n email = ada@example.com\n", "ada@example.com"),
    ],
)
def test_without_a_setting_it_is_the_user_of_git(tmp_path: Path, config: str, author: str) -> None:
    (tmp_path / "gitconfig").write_text(config)
    assert find_author() == author


@pytest.mark.parametrize("has_git", [True, False])
def test_without_a_user_of_git_it_is_the_user_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_git: bool
) -> None:
    if not has_git:
        monkeypatch.setenv("PATH", str(tmp_path))
    assert find_author().startswith("ada@")


def test_it_is_one_line_and_short() -> None:
    author = find_author("Ada\n" + "x" * 500)
    assert "\n" not in author
    assert len(author) == 100


async def test_an_entry_names_the_author_of_the_setting(tmp_path: Path) -> None:
    environ = {"TAVUS_MCP_DATA_DIR": str(tmp_path / "data"), "TAVUS_MCP_AUTHOR": "Ada (CI)"}
    app = build_app(from_environment(environ))
    await app.journal.append(JournalEntry("seen", "p1", app.now()))
    await app.aclose()
    with closing(JournalStore.open(app.journal.location)) as store:
        [entry] = store.entries()
    assert entry.author == "Ada (CI)"
    assert entry.account != ""


@pytest.mark.parametrize("name", ["TAVUS_MCP_AUTHOR", "TAVUS_MCP_ACCOUNT"])
@pytest.mark.parametrize("value", ["two\nlines", "${user}", "x" * 101])
def test_a_setting_that_is_no_name_is_reported(tmp_path: Path, name: str, value: str) -> None:
    settings = from_environment({"TAVUS_MCP_DATA_DIR": str(tmp_path), name: value})
    assert [problem.partition(":")[0] for problem in settings.problems] == [name]
