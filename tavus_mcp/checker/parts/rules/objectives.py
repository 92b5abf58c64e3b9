"""Rules about the chain of an objective set: names, links, its root and cycles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.parts.part_rule import CheckedPart, part_rule, remove_value, set_value
from tavus_mcp.checker.rule import Violation
from tavus_mcp.models.base import JsonObject, text
from tavus_mcp.models.json_patch import pointer_of
from tavus_mcp.text import find_nearest, quote_foreign, quote_foreign_names

_SOURCE = "V:schemas/objective.py"
_REQUIRED = "next_required_objective"
_CONDITIONAL = "next_conditional_objectives"
_CATCH_ALL = re.compile(
    r"\b(?:otherwise|else|any other|anything else|all other|in any case|always|default|no matter"
    r"|whatever|everything else|regardless|not |no |never|n't|sonst|andernfalls|sinon|altrimenti)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Link:
    """A link from one objective to another, by name."""

    path: str
    source: str
    target: str


def _name_of(item: JsonObject) -> str:
    return text(item.get("objective_name"))


def _iter_links(part: CheckedPart) -> Iterator[_Link]:
    """Yield every link of the set."""
    for path, item in part.rows("/data"):
        required, conditional = item.get(_REQUIRED), item.get(_CONDITIONAL)
        if text(required):
            yield _Link(f"{path}/{_REQUIRED}", _name_of(item), text(required))
        for target in conditional if isinstance(conditional, dict) else ():
            pointer = f"{path}/{_CONDITIONAL}{pointer_of([str(target)])}"
            yield _Link(pointer, _name_of(item), str(target))


def _names(part: CheckedPart) -> dict[str, str]:
    """Return the names of the objectives, each with the JSON Pointer of the first of its name."""
    found: dict[str, str] = {}
    for path, item in part.rows("/data"):
        if name := _name_of(item):
            found.setdefault(name, path)
    return found


def _successors(part: CheckedPart) -> dict[str, set[str]]:
    names = _names(part)
    following: dict[str, set[str]] = {name: set() for name in names}
    for link in _iter_links(part):
        if link.source in names and link.target in names:
            following[link.source].add(link.target)
    return following


def _allows_loops(part: CheckedPart) -> bool:
    return part.at("/allow_loops") is True


@part_rule("objective-name-duplicate", "error", "objectives", source=_SOURCE, blocks_write=True)
def name_duplicate(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Links go by name, so names are unique in a set."""
    first = _names(part)
    for path, item in part.rows("/data"):
        if _name_of(item) and first[_name_of(item)] != path:
            yield Violation(
                f"{path}/objective_name",
                "An earlier objective of the set has the same name.",
                "Give it a name of its own, also in the links that mean it.",
            )


@part_rule("objective-link-unknown", "error", "objectives", source=_SOURCE, blocks_write=True)
def link_unknown(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A link names an objective of the same set."""
    names = _names(part)
    for link in _iter_links(part):
        if link.target in names:
            continue
        message = f"The set has no objective {quote_foreign(link.target)}."
        nearest = find_nearest(link.target, names)
        if nearest is None:
            yield Violation(
                link.path, message, "Name one of the set, or remove it: ", remove_value(link.path)
            )
        elif link.path.endswith(f"/{_REQUIRED}"):
            yield Violation(link.path, message, set_value(link.path, nearest))
        else:
            yield Violation(
                link.path, message, f"Did you mean {quote_foreign(nearest)}? Rename it."
            )


@part_rule("objective-link-to-itself", "error", "objectives", source=_SOURCE, blocks_write=True)
def link_to_itself(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """An objective that leads to itself is a loop."""
    for link in _iter_links(part):
        if link.source and link.source == link.target and not _allows_loops(part):
            yield Violation(
                link.path,
                "The objective leads to itself, which only a set with allow_loops may do.",
                "Remove the link: ",
                remove_value(link.path),
            )


@part_rule("objective-two-links", "error", "objectives", source=_SOURCE, blocks_write=True)
def two_links(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """What follows is one objective, or one of several under conditions."""
    for path, item in part.rows("/data"):
        if item.get(_REQUIRED) and item.get(_CONDITIONAL):
            yield Violation(
                f"{path}/{_CONDITIONAL}",
                f"An objective has {_REQUIRED} or {_CONDITIONAL}, not both.",
                "Keep the conditions: ",
                remove_value(f"{path}/{_REQUIRED}"),
            )


@part_rule(
    "objective-chain-root",
    "error",
    "objectives",
    source="N#60428887827, V:server.py",
    blocks_write=True,
)
def chain_root(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Exactly one objective is named by no other; with loops allowed, the rule is waived."""
    names = _names(part)
    targets = {link.target for link in _iter_links(part)}
    roots = [name for name in names if name not in targets]
    if _allows_loops(part) or len(roots) == 1 or not names:
        return
    if not roots:
        yield Violation(
            "/data",
            "No objective is the first: each is named by another.",
            "Remove the links to the one that starts, or allow loops: ",
            set_value("/allow_loops", True),
        )
    for name in roots[1:]:
        yield Violation(
            names[name],
            f"No objective leads to {quote_foreign(name)}, and the set starts with "
            f"{quote_foreign(roots[0])}: a set has exactly one objective that no other names.",
            *_link_to_orphan(part, names, name),
        )


def _link_to_orphan(part: CheckedPart, names: dict[str, str], orphan: str) -> tuple[Any, ...]:
    """Return the hint that links an objective behind the one before it, if that has no link."""
    order = list(names)
    previous = order[order.index(orphan) - 1]
    item = part.at(names[previous])
    if order.index(orphan) == 0 or item.get(_REQUIRED) or item.get(_CONDITIONAL):
        return ("Name it in the objective that it follows.",)
    return (
        "If it follows the one before it: ",
        set_value(f"{names[previous]}/{_REQUIRED}", orphan),
    )


@part_rule("objective-cycle", "error", "objectives", source="V:server.py", blocks_write=True)
def cycle(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A cycle needs allow_loops."""
    if _allows_loops(part):
        return
    names = _names(part)
    in_cycles = _names_in_cycles(_successors(part))
    if len(in_cycles) > 1:
        first = next(name for name in names if name in in_cycles)
        yield Violation(
            names[first],
            f"These objectives lead to each other in a circle: {quote_foreign_names(in_cycles)}. "
            "Only a set with allow_loops may do that.",
            "Remove the link that leads back, or ",
            set_value("/allow_loops", True),
        )


def _names_in_cycles(following: dict[str, set[str]]) -> list[str]:
    """Return the objectives that lead to themselves over others, in their order.

    Those that lead nowhere, and those that nothing leads to, are removed until none is left.
    """
    remaining = {name: targets - {name} for name, targets in following.items()}
    while True:
        targets = {target for items in remaining.values() for target in items}
        removable = {name for name, items in remaining.items() if not items or name not in targets}
        if not removable:
            return list(remaining)
        remaining = {
            name: items - removable for name, items in remaining.items() if name not in removable
        }


@part_rule("objective-unreachable", "warning", "objectives", source="V:server.py")
def unreachable(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """With loops allowed, objectives can lead to each other without being reached."""
    names = _names(part)
    if not _allows_loops(part) or not names:
        return
    following = _successors(part)
    targets = {target for items in following.values() for target in items}
    reached: set[str] = set()
    waiting = [next((name for name in names if name not in targets), next(iter(names)))]
    start = waiting[0]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += following[name]
    for name, path in names.items():
        if name not in reached:
            yield Violation(
                path,
                f"Nothing leads from {quote_foreign(start)}, where the set starts, to "
                f"{quote_foreign(name)}.",
                "Name it in the objective that it follows, or remove it.",
            )


@part_rule("objective-waits-for-client", "info", "objectives", source="J:objectives, N#61923322434")
def waits_for_client(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Without the client's confirmation, a call stays at this objective."""
    for path, item in part.rows("/data"):
        if item.get("confirmation_mode") == "manual":
            yield Violation(
                f"{path}/confirmation_mode",
                "The call waits at this objective until your app sends "
                "conversation.objective.confirm.",
                "If your app does not send it: ",
                set_value(f"{path}/confirmation_mode", "auto"),
            )


@part_rule("objective-branch-open", "info", "objectives", source="N#61923322434")
def branch_open(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A branch none of whose conditions is met can stall the call."""
    for path, item in part.rows("/data"):
        conditions = item.get(_CONDITIONAL)
        if not isinstance(conditions, dict) or not conditions:
            continue
        if not any(_CATCH_ALL.search(str(condition)) for condition in conditions.values()):
            yield Violation(
                f"{path}/{_CONDITIONAL}",
                "No condition covers the other cases, in which the call can stall here.",
                'Add an objective for them, with a condition such as "in any other case".',
            )
