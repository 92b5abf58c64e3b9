"""Each case that users reported has the findings, or the outcome, that it should have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from documents import read_data_file
from mcp_client import ToolClient

pytestmark = pytest.mark.anyio

CASES: list[dict[str, Any]] = read_data_file("reported_cases.toml")["case"]


async def build_arguments(tool_client: ToolClient, case: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a case, with the id of the persona that its setup creates."""
    arguments: dict[str, Any] = json.loads(case["arguments"])
    if "setup" in case:
        receipt = await tool_client.expect_result("create_persona", **json.loads(case["setup"]))
        arguments["persona_id"] = receipt["persona_id"]
    return arguments


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_reported_case_has_the_right_outcome(
    tool_client: ToolClient, case: dict[str, Any]
) -> None:
    arguments = await build_arguments(tool_client, case)
    if "refused" in case:
        message = await tool_client.expect_error(case["tool"], **arguments)
        assert [part for part in case["refused"] if part not in message] == []
        return
    answer = await tool_client.expect_result(case["tool"], **arguments)
    for expected in case.get("findings", ()):
        (finding,) = [
            item  # receipts do not name the rule
            for item in answer["findings"]
            if item.get("rule", expected["rule"]) == expected["rule"]
            and item["path"] == expected["path"]
        ]
        assert finding["severity"] == expected["severity"]
        assert expected["says"] in f"{finding['message']} {finding.get('hint')}"
    assert not {item.get("rule") for item in answer["findings"]} & set(case.get("absent", ()))
    changed = {change["path"] for change in answer.get("changes", ())}
    assert set(case.get("changes", ())) <= changed
    assert not changed & set(case.get("unchanged", ()))


def test_every_case_has_a_name_of_its_own_and_an_expectation() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    kinds = {"findings", "absent", "changes", "unchanged", "refused"}
    assert [case["name"] for case in CASES if not kinds & case.keys()] == []
