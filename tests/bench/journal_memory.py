"""Measure the memory of the commands that read every entry of a journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from journal_databases import SERVER_URL, create_database
from journal_measurements import PERSONA_ID, fill_journal
from report import Measurement

from tavus_mcp.cli.wiring import JOURNAL_FILE_NAME

_GOAL_MIB = 24
_SHORT_ENTRIES = 20
_PROGRAM = """
import json, os, resource, sys
from tavus_mcp.cli import main

peaks = {}
for name, arguments, url in json.loads(sys.argv[1]):
    os.environ.pop("TAVUS_MCP_JOURNAL", None)
    if url:
        os.environ["TAVUS_MCP_JOURNAL"] = url
    assert main.run(["journal", *arguments]) == 0, name
    peaks[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
sys.stderr.write(json.dumps(peaks))
"""
"""Runs commands; writes the greatest resident memory in MiB after each of them."""


def measure_journal_memory(folder: Path, entry_count: int) -> list[Measurement]:
    """Measure how much more memory commands take with a long journal than with a short one.

    On PostgreSQL too, where there is a server (``TAVUS_MCP_TEST_POSTGRES``).
    """
    short = _measure_commands(folder / "short", _SHORT_ENTRIES)
    long = _measure_commands(folder / "long", entry_count)
    growths = {name: round(long[name] - short[name], 1) for name in long}
    listed = ", ".join(f"{name} {value:.0f}" for name, value in long.items())
    baseline = f"{entry_count} entries, beside {_SHORT_ENTRIES}; peaks after {listed}"
    name, value = "memory of journal commands", max(growths.values())
    return [Measurement(name, value, "MiB", _GOAL_MIB, baseline, True, growths)]


def _measure_commands(folder: Path, entry_count: int) -> dict[str, float]:
    """Return the peak of the memory in MiB after each command; the last ones erase everything."""
    path = folder / JOURNAL_FILE_NAME
    if not path.exists():
        fill_journal(path, entry_count)
    erase = ("erase", PERSONA_ID, "--yes")
    commands: list[tuple[str, tuple[str, ...], str]] = [
        ("show", ("show",), ""),
        ("verify", ("verify",), ""),
    ]
    if SERVER_URL:
        url = create_database("tavus_mcp_bench_memory")
        commands.append(("copy", ("copy", "--to", url), ""))
        commands += [
            (f"{arguments[0]} in PostgreSQL", arguments, url)
            for arguments in (("show",), ("verify",), erase)
        ]
    commands.append(("erase", erase, ""))
    own = {name: value for name, value in os.environ.items() if not name.startswith("TAVUS_")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(commands)],
        env={**own, "TAVUS_MCP_DATA_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    peaks: dict[str, float] = json.loads(done.stderr)
    return peaks
