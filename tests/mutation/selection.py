"""Choose the mutants of the old tree at random and record them in ``mutants.toml``.

Usage: python tests/mutation/selection.py --root OLD_TREE

The functions of the old tree are brought into a random order, weighted by their code lines, and
taken from the front until there are enough; no package gives more than its share. One site of
each is chosen at random: first the operator, so that rare operators occur, then the place. All of
this follows from the seed. A mutant that cannot change behaviour is named in ``rejected.toml``
with the reason; its place is taken by the next function of the sequence. The ``new_`` fields of
mutants that stay are preserved.
"""

from __future__ import annotations

import argparse
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from functions import PACKAGE, FoundFunction, eligible_functions, read_source
from mutants import FOLDER, MUTANTS, Mutant, read_mutants, render_mutant
from operators import Site, find_sites

SEED = 20261126
MUTANT_COUNT = 30
MAX_MUTANTS_PER_PACKAGE = 6
REJECTED = FOLDER / "rejected.toml"
HEADER = f"""\
# Mutants chosen by selection.py with the seed {SEED}; see README.md.
# Fill in new_file and new_function (empty: as in the old tree), and new_before and new_after only
# where run.py --locate cannot find the site in the new tree.
"""


def shuffle_functions(root: Path) -> list[FoundFunction]:
    """Return the eligible functions in random order; long functions tend to come early.

    Sorting by u ** (1 / weight), u uniform, draws without replacement with the given weights
    (Efraimidis and Spirakis, 2006).
    """
    stream = random.Random(SEED)  # noqa: S311  # not for secrets
    functions = eligible_functions(root)
    keys = [stream.random() ** (1 / function.code_lines) for function in functions]
    order = sorted(range(len(functions)), key=lambda index: keys[index], reverse=True)
    return [functions[index] for index in order]


def choose_site(sites: list[Site], function: FoundFunction) -> Site:
    """Return the site that the seed gives for a function."""
    stream = random.Random(f"{SEED}:{function.file}:{function.name}")  # noqa: S311  # not for secrets
    operator = stream.choice(sorted({site.operator for site in sites}))
    return stream.choice([site for site in sites if site.operator == operator])


def choose_mutants(root: Path, rejected: set[int]) -> Iterator[Mutant]:
    """Yield the mutants of the random sequence that are within the limits."""
    used: Counter[str] = Counter()
    for number, function in enumerate(shuffle_functions(root), start=1):
        if used.total() == MUTANT_COUNT:
            return
        if number in rejected or used[function.package] == MAX_MUTANTS_PER_PACKAGE:
            continue
        source = read_source(root / PACKAGE / function.file)
        if sites := find_sites(source, function.node):
            site = choose_site(sites, function)
            used[function.package] += 1
            yield Mutant(
                number=number,
                file=function.file,
                function=function.name,
                operator=site.operator,
                ordinal=site.ordinal,
                before=site.before,
                after=site.after,
            )


def read_rejected() -> set[int]:
    """Return the numbers of the mutants that cannot change behaviour."""
    rows = tomllib.loads(REJECTED.read_text(encoding="utf-8")).get("rejected", [])
    return {row["number"] for row in rows}


def main() -> None:
    """Write the mutants, with the fields for the new tree that were filled in already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the old tree")
    root = parser.parse_args().root
    earlier_mutants = read_mutants() if MUTANTS.exists() else []
    recorded = {mutant.number: mutant for mutant in earlier_mutants}
    tables = []
    for chosen in choose_mutants(root, read_rejected()):
        earlier = recorded.get(chosen.number, chosen)
        mutant = replace(
            chosen,
            new_file=earlier.new_file,
            new_function=earlier.new_function,
            new_before=earlier.new_before,
            new_after=earlier.new_after,
            note=earlier.note,
        )
        tables.append(render_mutant(mutant))
    MUTANTS.write_text("\n".join([HEADER, *tables]), encoding="utf-8")
    sys.stdout.write(f"{len(tables)} mutants in {MUTANTS.name}\n")


if __name__ == "__main__":
    main()
