"""Run parts of a test suite in a scratch copy and report the first failure."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mutants import FOLDER
from workspace import Workspace

STALL_SECONDS = 180
"""A run is stopped if no test finishes for so long: an endless loop."""
MAX_MEMORY_BYTES = 8 * 2**30
OPTIONS = (
    *("-o", "addopts=", "-x", "-v", "-n", "0", "-m", "not extended"),
    *("--tb=short", "--no-header", "-p", "no:cacheprovider"),
    *("-o", "console_output_style=count"),
)
FINISHED = re.compile(r"^(?P<test>tests/.*?) (?P<result>PASSED|FAILED|ERROR|SKIPPED|XFAIL)\b")
STARTED = re.compile(r"^(?P<test>tests/\S+::.*?) *$")
COLLECTION = "collection"
"""Stands for the failing test when no test was reached."""
NO_FAILURE_CODES = frozenset({0, 5})
"""Everything passed, or no test was collected."""

Result = Literal["passed", "failed", "stalled"]


@dataclass(frozen=True)
class SuiteRun:
    """The result of one pytest process, its first failing or unfinished test and its duration."""

    result: Result
    test: str
    seconds: float


class TestFolders:
    """Which test folders are relevant to a source package, by ``test_folders.toml``."""

    def __init__(self, tree: str, root: Path) -> None:
        table = tomllib.loads((FOLDER / "test_folders.toml").read_text(encoding="utf-8"))[tree]
        self._relevant: dict[str, list[str]] = table["relevant"]
        self._first: list[str] = table["first"]
        self._excluded: list[str] = table["excluded"]
        self._last: list[str] = table["last"]
        paths = (path.relative_to(root) for path in (root / "tests").rglob("test_*.py"))
        self._all = sorted({"/".join(path.parts[:2]) for path in paths})
        self._root = root

    def relevant(self, file: str) -> list[str]:
        """Return the tests of a source file, most relevant first.

        The entry of the file itself counts before the one of its nearest listed package.
        """
        names = [file, *(parent.as_posix() for parent in Path(file).parents)]
        entries = next((self._relevant[name] for name in names if name in self._relevant), [])
        if missing := [entry for entry in entries if not (self._root / entry).exists()]:
            raise LookupError(f"test_folders.toml names missing tests: {', '.join(missing)}")
        return entries

    def rest(self, relevant: Sequence[str]) -> list[str]:
        """Return the other test folders; quick and general ones first, slow ones last."""
        others = [name for name in self._all if not _is_below(name, (*relevant, *self._excluded))]
        first = [name for name in self._first if name in others]
        last = [name for name in self._last if name in others]
        return [*first, *(name for name in others if name not in {*first, *last}), *last]


def _is_below(folder: str, entries: Iterable[str]) -> bool:
    return any(folder == entry or folder.startswith(f"{entry}/") for entry in entries)


def run_tests(workspace: Workspace, tests: Sequence[str], log: Path) -> SuiteRun:
    """Run tests in the order given until the first failure; output goes to ``log``."""
    began = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(workspace.python), "-m", "pytest", *OPTIONS, *tests],
            cwd=workspace.tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_limit_memory,
        )
        watch = _Watch(process)
        if process.stdout is None:
            raise RuntimeError("the output of pytest is not connected")
        while data := os.read(process.stdout.fileno(), 65536):
            output.write(data)
            watch.note(data.decode(errors="replace"))
        code = process.wait()
    watch.stop()
    seconds = round(time.monotonic() - began, 1)
    if watch.is_stalled:
        return SuiteRun("stalled", watch.current, seconds)
    if code in NO_FAILURE_CODES:
        return SuiteRun("passed", "", seconds)
    return SuiteRun("failed", watch.failed or COLLECTION, seconds)


class _Watch:
    """Follow the lines of a verbose run; stop the process group if no test finishes in time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.current = ""
        self.failed = ""
        self.is_stalled = False
        self._process = process
        self._line = ""
        self._start_timer()

    def note(self, text: str) -> None:
        """Read on in the output."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if found := FINISHED.match(line):
                self._timer.cancel()
                self._start_timer()
                if found["result"] in {"FAILED", "ERROR"} and not self.failed:
                    self.failed = found["test"]
        if started := STARTED.match(self._line):
            self.current = started["test"]

    def stop(self) -> None:
        """End the watch."""
        self._timer.cancel()

    def _start_timer(self) -> None:
        self._timer = threading.Timer(STALL_SECONDS, self._end_process)
        self._timer.daemon = True
        self._timer.start()

    def _end_process(self) -> None:
        self.is_stalled = True
        os.killpg(self._process.pid, signal.SIGKILL)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
