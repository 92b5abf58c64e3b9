"""Identifiers contain none of the words that this project has retired."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from source_files import ROOT, parse_source_files

RETIRED_WORDS = frozenset(
    ["told", "kept", "shown", "asked", "said", "heard", "room", "house", "manner", "dice", "diary"]
)
WIRE_NAMES = frozenset({"livekit_room_token"})
"""Names of the Tavus API, which are not ours to choose."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def test_no_identifier_contains_a_retired_word() -> None:
    """These words had several meanings in earlier code."""
    violations = [
        f"{source.path.relative_to(ROOT).as_posix()}: {name}"
        for source in parse_source_files("tavus_mcp", "tests")
        for name in sorted({source.path.stem, *identifiers(source.tree)} - WIRE_NAMES)
        if words(name) & RETIRED_WORDS
    ]
    assert violations == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("told_again", {"told", "again"}),
        ("HouseRules", {"house", "rules"}),
        ("_MAX_ROOM", {"max", "room"}),
        ("unkept", {"unkept"}),
        ("HTTPManner2", {"http", "manner"}),
    ],
)
def test_names_are_split_at_underscores_and_case(name: str, expected: set[str]) -> None:
    assert words(name) == expected


def test_every_kind_of_identifier_is_found() -> None:
    code = """
import a as b1
from c import d as e1, f1
class g1:
    h1: int = 0
def i1(j1, *k1, l1=1, **m1):
    global n1
    o1 = lambda p1: p1.q1
    call(r1=o1)
    try: pass
    except E as s1: pass
    match x:
        case {"k": t1, **u1}: pass
        case [*v1]: pass
        case W(x1=1) as y1: pass
"""
    expected = {f"{letter}1" for letter in "befghijklmnopqrstuvxy"}
    assert expected <= set(identifiers(ast.parse(code)))


def words(name: str) -> set[str]:
    """Return the words of an identifier, split at underscores and at changes of case."""
    return {word.lower() for word in _WORD.findall(name)}


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Yield every name that a module declares or uses."""
    for node in ast.walk(tree):
        for field in ("name", "id", "arg", "attr", "asname", "rest"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value
        if isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        if isinstance(node, ast.MatchClass):
            yield from node.kwd_attrs
