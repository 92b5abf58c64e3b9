"""Metrics without the extra ``statistics``: values and counts, and how to get the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rawclient import (
    ROOT,
    SERVER_ARGUMENTS,
    Session,
    build_environment,
    run_server_command,
    start_process,
)

from tavus_mcp.conversations import report

FIRST, SECOND = "p1af207b8189", "pcb7a34da5fe"
CALLS_PER_PERSONA = 12
SITE_CUSTOMIZATION = """
import sys

class MissingPackages:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in ("scipy", "numpy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, MissingPackages)
"""


@pytest.fixture(scope="module")
def environment_without_scipy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return variables under which a new Python cannot import scipy or numpy."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(SITE_CUSTOMIZATION)
    return {"PYTHONPATH": f"{folder}:{ROOT}"}


@pytest.fixture(scope="module")
def answers(
    tmp_path_factory: pytest.TempPathFactory, environment_without_scipy: dict[str, str]
) -> dict[str, Any]:
    """Return what a server in that environment answers to measuring and comparing."""
    folder = tmp_path_factory.mktemp("server")
    for persona_id in (FIRST, SECOND):
        arguments = ("--make-calls", persona_id, "--calls", str(CALLS_PER_PERSONA))
        done = run_server_command(folder, "sandbox", *arguments, env=environment_without_scipy)
        assert done.returncode == 0, done.stderr
    arguments = (*SERVER_ARGUMENTS, "--sandbox", "--toolsets", "all")
    with start_process(folder, *arguments, **environment_without_scipy) as process:
        session = Session(process).initialize()
        return {
            "measured": session.expect_result("measure_conversations", persona_id=FIRST),
            "compared": session.expect_result(
                "compare_personas", first=FIRST, second=SECOND, measure=True
            )["figures"],
        }


def test_scipy_cannot_be_imported_in_this_environment(
    tmp_path: Path, environment_without_scipy: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import tavus_mcp.conversations.statistics"],
        capture_output=True,
        text=True,
        env=build_environment(tmp_path, **environment_without_scipy),
        check=False,
    )
    assert "ModuleNotFoundError: No module named 'numpy'" in done.stderr


def test_measuring_returns_values_and_counts_without_intervals(answers: dict[str, Any]) -> None:
    (group,) = answers["measured"]["revisions"]
    assert group["calls"] == CALLS_PER_PERSONA
    assert group["turns"] > 0
    rows = {row["figure"]: row for row in group["figures"]}
    assert rows["response_gap_median"]["value"] > 0
    assert rows["response_gap_median"]["n"] == CALLS_PER_PERSONA
    assert all(row.keys() == {"figure", "value", "n", "unit"} for row in rows.values())


def test_measuring_notes_how_to_get_intervals(answers: dict[str, Any]) -> None:
    assert any("extra 'statistics'" in note for note in answers["measured"]["notes"])
    assert not any("95 % interval" in note for note in answers["measured"]["notes"])


def test_comparing_returns_differences_that_are_not_tested(answers: dict[str, Any]) -> None:
    rows = {row["figure"]: row for row in answers["compared"]["figures"]}
    gap = rows["response_gap_median"]
    assert gap["difference"] == pytest.approx(gap["second"] - gap["first"], abs=0.002)
    assert (gap["first_n"], gap["second_n"]) == (CALLS_PER_PERSONA, CALLS_PER_PERSONA)
    assert gap["verdict"] == report.NOT_TESTED
    assert all("p" not in row and "first_low" not in row for row in rows.values())


def test_comparing_notes_how_to_get_tests_of_significance(answers: dict[str, Any]) -> None:
    assert "no test of significance" in answers["compared"]["note"]
    assert "extra 'statistics'" in answers["compared"]["note"]
    assert "permutation test" not in answers["compared"]["note"]


@pytest.mark.extended
def test_the_tuning_session_example_says_what_to_install(
    tmp_path: Path, environment_without_scipy: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "tuning_session.py")],
        capture_output=True,
        text=True,
        env=build_environment(tmp_path, **environment_without_scipy),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "extra 'statistics'" in done.stdout
    assert "call_length, s: " in done.stdout
    assert "Undone: applied; the persona is at the earlier revision again." in done.stdout


@pytest.mark.extended
def test_the_demo_names_the_extra_that_tests_differences(
    tmp_path: Path, environment_without_scipy: dict[str, str]
) -> None:
    done = run_server_command(tmp_path, "demo", env=environment_without_scipy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "(difference: not tested)" in done.stdout
    assert "Install the extra statistics" in done.stdout
