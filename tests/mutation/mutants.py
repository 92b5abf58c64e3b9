"""The recorded mutants: reading and writing them, and applying one to a tree."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, fields
from difflib import SequenceMatcher
from pathlib import Path

from functions import PACKAGE, find_function
from operators import Function, Site, SourceText, find_sites

FOLDER = Path(__file__).parent
MUTANTS = FOLDER / "mutants.toml"
MIN_SIMILARITY = 0.6
MIN_LEAD = 0.02
"""How much more similar the best site must be than the second best, unless it is identical."""


@dataclass(frozen=True)
class Mutant:
    """One mutation of one function, in the old tree and in the new one.

    ``number`` is the position of the function in the random sequence. ``ordinal`` counts the sites
    of the operator in the old function. The ``new_`` fields say where the same mutation is made
    in the new tree; ``new_before`` and ``new_after`` are needed only where the code was rewritten
    so that the site cannot be found by similarity.
    """

    number: int
    file: str
    function: str
    operator: str
    ordinal: int
    before: str
    after: str
    new_file: str = ""
    new_function: str = ""
    new_before: str = ""
    new_after: str = ""
    note: str = ""

    def target(self, tree: str) -> tuple[str, str]:
        """Return the file below the package and the qualified function name in one tree."""
        if tree == "old":
            return self.file, self.function
        return self.new_file or self.file, self.new_function or self.function

    def module(self, tree: str) -> str:
        """Return the dotted name of the mutated module."""
        parts = Path(self.target(tree)[0]).with_suffix("").parts
        return ".".join((PACKAGE, *parts)).removesuffix(".__init__")


def read_mutants(path: Path = MUTANTS) -> list[Mutant]:
    """Return the recorded mutants, in the order of the random sequence."""
    names = {field.name for field in fields(Mutant)}
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**{key: row[key] for key in row.keys() & names}) for row in rows]


def render_mutant(mutant: Mutant) -> str:
    """Return a mutant as TOML, without empty fields; JSON strings are valid in TOML."""
    rows = [(key, value) for key, value in asdict(mutant).items() if value != ""]
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in rows]
    return "\n".join(["[[mutant]]", *lines, ""])


@dataclass(frozen=True)
class Mutation:
    """A mutated file: its path below the root, its new text and the touched lines."""

    path: Path
    text: str
    before: str
    after: str


def mutate(root: Path, tree: str, mutant: Mutant) -> Mutation:
    """Return the mutated file of a tree. Raises LookupError if the site cannot be found."""
    file, name = mutant.target(tree)
    path = Path(PACKAGE) / file
    if not (root / path).is_file():
        raise LookupError(f"there is no file {path}")
    source = SourceText((root / path).read_text(encoding="utf-8"))
    function = find_function(source, name)
    if tree == "new" and mutant.new_before:
        text = _replace_lines(source, function, mutant.new_before, mutant.new_after)
        return Mutation(path, text, mutant.new_before, mutant.new_after)
    sites = [site for site in find_sites(source, function) if site.operator == mutant.operator]
    site = _same_site(sites, mutant) if tree == "old" else _similar_site(sites, mutant)
    return Mutation(path, source.replace(site.edit), site.before, site.after)


def _same_site(sites: list[Site], mutant: Mutant) -> Site:
    for site in sites:
        if site.ordinal == mutant.ordinal and site.before == mutant.before:
            return site
    raise LookupError(f"the recorded line is not in {mutant.function}: {mutant.before.strip()}")


def _similar_site(sites: list[Site], mutant: Mutant) -> Site:
    """Return the site whose lines resemble the recorded ones most."""
    wanted = _normalize(mutant.before + mutant.after)

    def similarity(site: Site) -> float:
        return SequenceMatcher(None, wanted, _normalize(site.before + site.after)).ratio()

    ranked = sorted(sites, key=similarity, reverse=True)
    scores = [similarity(site) for site in ranked[:2]]
    if not ranked or scores[0] < MIN_SIMILARITY:
        raise LookupError("no site resembles the recorded line; fill in new_before and new_after")
    if len(scores) > 1 and scores[0] < 1 and scores[0] - scores[1] < MIN_LEAD:
        raise LookupError("several sites resemble the recorded line; fill in new_before, new_after")
    return ranked[0]


def _normalize(text: str) -> str:
    return " ".join(text.split())


def _replace_lines(source: SourceText, function: Function, before: str, after: str) -> str:
    """Replace a text that stands exactly once in a function; the indentation around it stays."""
    start, end = source.span(function)
    body = source.part(start, end)
    if body.count(before) != 1:
        raise LookupError(f"new_before stands {body.count(before)} times in {function.name}")
    return source.replace((start, end, body.replace(before, after)))
