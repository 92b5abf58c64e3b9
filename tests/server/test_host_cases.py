"""Each reported case of what hosts and models send has the right outcome."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp_client import ToolClient, text_of

pytestmark = pytest.mark.anyio

TESTS = Path(__file__).parents[1]
CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("host_cases.toml").read_text(encoding="utf-8")
)["case"]
CALLS = [
    pytest.param(call, id=f"{case['id']}-{number}")
    for case in CASES
    for number, call in enumerate(case.get("calls", ()))
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_reported_call_has_the_right_outcome(
    tool_client: ToolClient, call: dict[str, Any]
) -> None:
    persona_id = await tool_client.create_persona(
        greeting="Hello", layers={"stt": {"hotwords": "Tavus"}}
    )
    before = await tool_client.read_persona(persona_id)
    arguments = json.loads(call["arguments"].replace("$P", persona_id))
    result = await tool_client.call(call["tool"], **arguments)
    text = text_of(result)
    assert bool(result.is_error) == call.get("refused", False), text
    assert [part for part in call.get("says", ()) if part not in text] == []
    assert [part for part in call.get("never", ()) if part in text] == []
    if "changes" in call:
        changes = (result.structured_content or {})["changes"]
        assert sorted(change["path"] for change in changes) == call["changes"]
    if call.get("refused") or arguments.get("dry_run"):
        assert await tool_client.read_persona(persona_id) == before


@pytest.mark.parametrize(
    "covered_by",
    [pytest.param(case["covered_by"], id=case["id"]) for case in CASES if "covered_by" in case],
)
def test_the_test_of_a_case_exists(covered_by: str) -> None:
    path, _, name = covered_by.partition("::")
    assert f"def {name}(" in (TESTS / path).read_text(encoding="utf-8")


def test_every_case_has_an_outcome() -> None:
    assert [
        case["id"] for case in CASES if not case.get("calls") and "covered_by" not in case
    ] == []
