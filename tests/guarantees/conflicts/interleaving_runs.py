"""Run drawn interleavings, and check that no edit is lost.

A server may replace only values that it had read, and an undo only values that its own change
wrote. Where Tavus refuses ``test`` operations that cannot be enforced: then the answer must have
been a plan that says so, and a value of the other server that was overwritten must be reported. An
edit of the dashboard between the last read and the write cannot be seen by anybody; it is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from edits import draw_script, flatten
from scheduler import UNKNOWN_FIELD, RecordedRequest
from two_servers import EditAnswer, TwoServers, open_two_servers

from tavus_mcp.sandbox.switches import Switches

NOTHING_DONE = re.compile(
    r"Nothing was written"  # a conflict
    r"|nothing to edit|text to find is not in it"  # it went before it was read
    r"|No function of that name"
)
_CHECKS_REFUSED = "Tavus refused to check"
_TAKEN_BACK = "or someone took it back in the same moment"
_SAME_MOMENT = "in the same moment, and this change overwrote it"


async def run_interleavings(data: Path, count: int, seed: int, switches: Switches) -> Counter[str]:
    """Run drawn interleavings; return what happened in numbers. Raises where an edit is lost."""
    random, figures = Random(seed), Counter[str]()  # noqa: S311 - a seed repeats the run
    accepts_tests = switches.test_operations == "accepted"
    async with open_two_servers(data, switches) as servers:
        for number in range(count):
            script = draw_script(random)
            answers = await servers.play(script)
            try:
                figures += check_run(servers, answers, accepts_tests=accepts_tests)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, interleaving {number}: {error}") from error
        figures["interleavings"] = count
        figures["different interleavings"] = len(servers.interleavings)
    return figures


def check_run(
    servers: TwoServers, answers: Sequence[EditAnswer], *, accepts_tests: bool
) -> Counter[str]:
    """Check one run: every status against its effect, every effect against what was read."""
    figures = Counter[str]()
    answer_of = {id(item): answer for answer in answers for item in answer.requests}
    read: dict[str, dict[str, Any]] = {}
    own_after: dict[str, dict[str, Any]] = {}
    last_writer: dict[str, str] = {}
    for item in servers.recorded_requests:
        assert UNKNOWN_FIELD not in repr(item.operations)
        before, after = flatten(item.before), flatten(item.after)
        if item.method == "GET":
            read[item.actor] = before
        if not _is_accepted(item):
            continue
        changed = {path for path in before | after if before.get(path) != after.get(path)}
        if item.actor != "dashboard":
            answer = answer_of[id(item)]
            known = own_after.get(item.actor, {}) if answer.edit.is_undo else read[item.actor]
            unread = {path for path in changed if before.get(path) != known.get(path)}
            if unread:
                assert not accepts_tests, (
                    f"{answer.edit.name} replaced what it had not read: {unread}"
                )
                figures += _check_overwritten(answer, unread, last_writer)
            own_after[item.actor] = after
        last_writer |= dict.fromkeys(changed, item.actor)
    for answer in answers:
        _check_status(answer, accepts_tests=accepts_tests)
        kind = "applied" if answer.status in ("applied", "unchanged") else "refused"
        figures[f"{'undos' if answer.edit.is_undo else 'edits'} {kind}"] += 1
        figures["plans that say that tests are refused"] += answer.was_planned
    return figures


def _is_accepted(item: RecordedRequest) -> bool:
    """Tell whether a request changed the persona; tests alone change nothing."""
    writes = any(operation["op"] != "test" for operation in item.operations)
    return item.method == "PATCH" and item.status == 200 and writes


def _check_overwritten(
    answer: EditAnswer, unread: set[str], last_writer: Mapping[str, str]
) -> Counter[str]:
    """Check that an overwritten value of the other server was reported, and count values."""
    figures = Counter[str]()
    by_servers = {path for path in unread if last_writer.get(path) not in (None, "dashboard")}
    messages = [str(finding["message"]) for finding in answer.findings]
    if by_servers:
        assert any(_SAME_MOMENT in message for message in messages), (by_servers, messages)
        figures["values of the other server overwritten and reported"] += len(by_servers)
    figures["values of the dashboard overwritten unseen, as announced"] += len(unread - by_servers)
    return figures


def _check_status(answer: EditAnswer, *, accepts_tests: bool) -> None:
    took = [item for item in answer.requests if _is_accepted(item)]
    is_taken_back = _TAKEN_BACK in answer.status
    assert len(took) == (answer.status == "applied" or is_taken_back), answer.status
    is_known = answer.status in ("applied", "unchanged") or NOTHING_DONE.search(answer.status)
    is_known = is_known or is_taken_back
    assert is_known, answer.status
    if answer.was_planned:
        assert not accepts_tests
        assert any(_CHECKS_REFUSED in str(finding["message"]) for finding in answer.findings)
    elif answer.actor != "dashboard" and not accepts_tests:
        assert not took, "it was sent without tests, and no plan said so"
