"""Make the recorded mutants in a tree, one after the other, and see whether its suite fails.

Usage: python tests/mutation/run.py --tree old|new --root DIR --python PY [--only N ...]
           [--relevant-only] [--again] [--jobs 1] [--work DIR]
       python tests/mutation/run.py --tree new --root DIR --locate
       python tests/mutation/run.py --compare

DIR is never written to: mutants are made in a scratch copy. Results go to results-old.json or
results-new.json after every mutant, so an interrupted run continues where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from mutants import FOLDER, Mutant, Mutation, mutate, read_mutants
from suite import COLLECTION, TestFolders, run_tests
from workspace import Workspace

UNFINISHED = frozenset({"", "survived-relevant"})
"""Statuses of mutants that a later run continues with."""

Status = Literal["", "caught", "survived", "survived-relevant", "timeout", "invalid"]


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    ``survived-relevant``: the rest of the suite was not run. ``confirmed``: the failing test fails
    on the mutant again when run alone, and passes on the original. ``passed`` are the folders and
    files that were run without a confirmed failure, ``unreliable`` the tests whose failure was not
    confirmed. ``seconds`` is wall time.
    """

    number: int
    function: str
    operator: str
    status: Status = ""
    test: str = ""
    confirmed: bool = False
    seconds: float = 0.0
    message: str = ""
    passed: tuple[str, ...] = ()
    unreliable: tuple[str, ...] = ()

    @property
    def is_caught(self) -> bool:
        """Return True if the suite detects the mutant beyond doubt."""
        return self.status == "timeout" or (self.status == "caught" and self.confirmed)


def _read_outcome(row: dict[str, Any]) -> Outcome:
    lists = {key: tuple(row.get(key, ())) for key in ("passed", "unreliable")}
    return Outcome(**{**row, **lists})


class Results:
    """The outcomes of a tree in a file that is written after each change."""

    def __init__(self, tree: str) -> None:
        self.path = FOLDER / f"results-{tree}.json"
        rows = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else []
        self.by_number = {row["number"]: _read_outcome(row) for row in rows}
        self._lock = threading.Lock()

    def save(self, outcome: Outcome) -> None:
        """Record an outcome and write the file."""
        with self._lock:
            self.by_number[outcome.number] = outcome
            rows = [asdict(self.by_number[number]) for number in sorted(self.by_number)]
            text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
            self.path.write_text(f"[\n{text}\n]\n", encoding="utf-8")
        sys.stdout.write(
            f"{outcome.number:3} {outcome.status or 'running':18} {outcome.seconds:7.1f} s  "
            f"{outcome.function} {outcome.test or outcome.message}\n"
        )
        sys.stdout.flush()


class MutantRunner:
    """Run the mutants of one tree."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.tree: str = options.tree
        self.root: Path = options.root.resolve()
        self.python: Path = options.python.absolute()
        self.relevant_only: bool = options.relevant_only
        self.again: bool = options.again
        self.work: Path = options.work or Path(tempfile.gettempdir()) / f"mutation-{self.tree}"
        self.folders = TestFolders(self.tree, self.root)
        self.results = Results(self.tree)

    def run_all(self, mutants: list[Mutant], jobs: int) -> None:
        """Run mutants in as many scratch copies as there are jobs.

        Raises LookupError before the first run if test_folders.toml names a missing test.
        """
        for mutant in mutants:
            self.folders.relevant(mutant.target(self.tree)[0])
        workspaces: SimpleQueue[Workspace] = SimpleQueue()
        for job in range(jobs):
            workspaces.put(Workspace(self.root, self.python, self.work / str(job)))

        def run(mutant: Mutant) -> None:
            workspace = workspaces.get()
            try:
                self.results.save(self.run_one(workspace, mutant))
            finally:
                workspaces.put(workspace)

        with ThreadPoolExecutor(jobs) as executor:
            list(executor.map(run, mutants))

    def run_one(self, workspace: Workspace, mutant: Mutant) -> Outcome:
        """Make one mutant and run the relevant tests, then the others, until one catches it."""
        outcome = Outcome(mutant.number, mutant.target(self.tree)[1], mutant.operator)
        earlier = self.results.by_number.get(mutant.number)
        if earlier and not self.again:
            outcome = replace(earlier, status="")
        try:
            mutation = mutate(workspace.tree, self.tree, mutant)
        except (LookupError, SyntaxError) as error:
            return replace(outcome, status="invalid", message=str(error))
        with workspace.mutated(mutation):
            if message := workspace.find_import_error(mutant.module(self.tree)):
                return replace(outcome, status="invalid", message=message)
        relevant = self.folders.relevant(mutant.target(self.tree)[0])
        others = [] if self.relevant_only else self.folders.rest(relevant)
        for tests in (*relevant, *others):
            if tests not in outcome.passed:
                outcome = self._run_tests(workspace, mutation, outcome, tests)
                if outcome.status:
                    return outcome
                self.results.save(outcome)
        return replace(outcome, status="survived-relevant" if self.relevant_only else "survived")

    def _run_tests(
        self, workspace: Workspace, mutation: Mutation, outcome: Outcome, tests: str
    ) -> Outcome:
        """Run one folder or file; a failing test that is not confirmed is left out next time."""
        log = self.work / f"mutant-{outcome.number}.log"
        while True:
            left_out = [f"--deselect={test}" for test in outcome.unreliable]
            with workspace.mutated(mutation):
                run = run_tests(workspace, [tests, *left_out], log)
            outcome = replace(outcome, seconds=round(outcome.seconds + run.seconds, 1))
            if run.result == "passed":
                return replace(outcome, passed=(*outcome.passed, tests))
            if run.result == "stalled":
                return replace(outcome, status="timeout", test=run.test)
            alone = ["--collect-only", tests] if run.test == COLLECTION else [run.test]
            if _is_confirmed(workspace, mutation, alone, log):
                return replace(outcome, status="caught", test=run.test, confirmed=True)
            if run.test == COLLECTION or run.test in outcome.unreliable:
                message = f"{tests} cannot be run without the mutant either"
                return replace(outcome, status="invalid", message=message)
            outcome = replace(outcome, unreliable=(*outcome.unreliable, run.test))


def _is_confirmed(workspace: Workspace, mutation: Mutation, alone: list[str], log: Path) -> bool:
    """Return True if a run fails on the mutant and passes on the original."""
    with workspace.mutated(mutation):
        if run_tests(workspace, alone, log).result != "failed":
            return False
    return run_tests(workspace, alone, log).result == "passed"


def locate(tree: str, root: Path, mutants: list[Mutant]) -> bool:
    """Print where each mutant is made; return True if all of them were found."""
    missing = 0
    for mutant in mutants:
        file, function = mutant.target(tree)
        sys.stdout.write(f"{mutant.number} {file} {function} ({mutant.operator})\n")
        try:
            mutation = mutate(root, tree, mutant)
        except (LookupError, SyntaxError) as error:
            missing += 1
            sys.stdout.write(f"  NOT FOUND: {error}\n")
        else:
            sys.stdout.write(f"- {mutation.before}\n+ {mutation.after}\n")
    sys.stdout.write(f"{len(mutants) - missing} of {len(mutants)} found\n")
    return not missing


def compare(mutants: list[Mutant]) -> bool:
    """Print the mutants that only the old suite catches; return True if there are none."""
    old, new = Results("old").by_number, Results("new").by_number
    lost = []
    for mutant in mutants:
        before, after = old.get(mutant.number), new.get(mutant.number)
        if before and before.is_caught and not (after and after.is_caught):
            lost.append(mutant)
            sys.stdout.write(f"{mutant.number} {mutant.function}: caught only by the old suite\n")
    sys.stdout.write(f"{len(lost)} mutants are caught only by the old suite\n")
    return not lost


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", choices=("old", "new"), default="new")
    parser.add_argument("--root", type=Path, help="the tree, with its tests")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--only", type=int, nargs="+", help="numbers of mutants")
    parser.add_argument("--relevant-only", action="store_true", help="not the rest of the suite")
    parser.add_argument("--again", action="store_true", help="also those with a final result")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--work", type=Path, help="folder for the scratch copies and logs")
    parser.add_argument("--locate", action="store_true", help="print the sites, run nothing")
    parser.add_argument("--compare", action="store_true", help="compare the recorded results")
    options = parser.parse_args()
    if not options.root and not options.compare:
        parser.error("--root is required")
    return options


def main() -> int:
    """Run, locate or compare; return the exit code."""
    options = parse_options()
    mutants = read_mutants()
    if options.only:
        mutants = [mutant for mutant in mutants if mutant.number in options.only]
    if options.compare:
        return 0 if compare(mutants) else 1
    if options.locate:
        return 0 if locate(options.tree, options.root, mutants) else 1
    runner = MutantRunner(options)
    if not options.again:
        unfinished = UNFINISHED - ({"survived-relevant"} if options.relevant_only else set())
        outcomes = runner.results.by_number
        mutants = [
            mutant
            for mutant in mutants
            if mutant.number not in outcomes or outcomes[mutant.number].status in unfinished
        ]
    runner.run_all(mutants, options.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
