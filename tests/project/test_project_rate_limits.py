"""An apply of a project while Tavus limits the rate of requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from project_harness import ADA, Account, ProjectFolder, build_folder

from tavus_mcp.errors import RateLimited

PERSONAS = ("ada", "bob", "cy", "dan", "eve", "fay")


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    folder = build_folder(tmp_path)
    folder.write("guardrails/rule.yaml", "guardrail_name: rule\nguardrail_prompt: Be kind.\n")
    for name in PERSONAS:
        folder.write(f"personas/{name}.yaml", ADA.replace("Ada", name.title()))
    return folder


def limit_rate(account: Account, retry_after: str, is_limited: Callable[[str, int], bool]) -> None:
    """Answer with 429 the requests that a function selects by the method and the writes so far."""
    writes: list[str] = []

    def intercept(line: str) -> httpx2.Response | None:
        method = line.partition(" ")[0]
        writes.extend([line] if method == "POST" else [])
        if not is_limited(method, len(writes)):
            return None
        return httpx2.Response(429, headers={"retry-after": retry_after})

    account.intercept = intercept


def require_complete(project: ProjectFolder) -> None:
    """Expect every object once, and nothing left to do."""
    account = project.accounts["staging"]
    names = [item["persona_name"] for item in account.documents()]
    assert names == [name.title() for name in PERSONAS]
    assert len(account.ids("guardrail")) == 1
    assert set(project.statuses().values()) == {"in sync"}
    project.apply_successfully()
    assert project.writes == []


def test_an_apply_waits_where_tavus_asks_it_to(project: ProjectFolder) -> None:
    account = project.accounts["staging"]
    limit_rate(account, "0", lambda method, writes: method == "POST" and writes in (3, 4))
    project.apply_successfully()
    assert (len(project.writes), len(project.carried_out)) == (9, 7)
    account.intercept = lambda _: None
    require_complete(project)


@pytest.mark.parametrize("retry_after", ["0", "3600"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_apply_that_is_limited_for_longer_loses_and_repeats_nothing(
    project: ProjectFolder, retry_after: str, method: str
) -> None:
    """In the middle of it all writes, or all reads, begin to be refused.

    A creation that cannot be read back counts as carried out, and the next one is tried.
    """
    account = project.accounts["staging"]
    limit_rate(account, retry_after, lambda found, writes: writes > 2 and found == method)
    result = project.apply()
    done = list(project.carried_out)
    if method == "POST":
        assert len(done) == 2
        assert result.errors
        assert all(isinstance(error, RateLimited) for error in result.errors)
    account.intercept = lambda _: None
    project.apply_successfully()
    assert len(done) + len(project.carried_out) == 7
    require_complete(project)
