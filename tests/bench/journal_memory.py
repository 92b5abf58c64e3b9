"""Measure the memory of the commands that read every entry of a journal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from journal_databases import SERVER_URL, create_database
from journal_measurements import PERSONA_ID, fill_journal
from report import Measurement

from tavus_mcp.cli.wiring import JOURNAL_FILE_NAME

_GOAL_MIB = 16
_SHORT_ENTRIES = 20
_ERASE = ("erase", PERSONA_ID, "--yes")


def measure_journal_memory(folder: Path, entry_count: int) -> list[Measurement]:
    """Measure how much more memory commands take with a long journal than with a short one.

    On PostgreSQL too, where there is a server (``TAVUS_MCP_TEST_POSTGRES``).
    """
    short = _measure_commands(folder / "short", _SHORT_ENTRIES)
    long = _measure_commands(folder / "long", entry_count)
    growths = {name: round(long[name] - short[name], 1) for name in long}
    baseline = ", ".join(f"{name} {value:.0f} MiB" for name, value in long.items())
    name = f"memory for {entry_count} entries"
    return [Measurement(name, max(growths.values()), "MiB", _GOAL_MIB, baseline, True, growths)]


def _measure_commands(folder: Path, entry_count: int) -> dict[str, float]:
    """Return the peak of the memory of each command in MiB; the last one erases everything."""
    path = folder / JOURNAL_FILE_NAME
    if not path.exists():
        fill_journal(path, entry_count)
    peaks = {name: _measure_peak(folder, name) for name in ("show", "verify")}
    if SERVER_URL:
        url = create_database("tavus_mcp_bench_memory")
        peaks["copy"] = _measure_peak(folder, "copy", "--to", url)
        for arguments in (("show",), ("verify",), _ERASE):
            peak = _measure_peak(folder, *arguments, TAVUS_MCP_JOURNAL=url)
            peaks[f"{arguments[0]} in PostgreSQL"] = peak
    return {**peaks, "erase": _measure_peak(folder, *_ERASE)}


def _measure_peak(folder: Path, *arguments: str, **variables: str) -> float:
    """Run a command on the journal in a folder; return its greatest resident memory in MiB."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TAVUS_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tavus_mcp", "journal", *arguments],
        env={**own, "TAVUS_MCP_DATA_DIR": str(folder), **variables},
        stdout=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return usage.ru_maxrss / 1024
