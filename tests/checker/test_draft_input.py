"""Drafts: argument names are accepted, and hints name fields of the document instead of calls."""

from __future__ import annotations

from typing import Any

import pytest
from documents import RULE_CASES, build_case_document
from mcp_client import ToolClient

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument

pytestmark = pytest.mark.anyio

CATALOG = load_catalog()


@pytest.mark.parametrize("case", RULE_CASES["case"], ids=lambda case: case["name"])
def test_hints_for_a_draft_mention_no_id(case: dict[str, Any]) -> None:
    for finding in check(PersonaDocument(build_case_document(case)), CATALOG):
        assert "persona_id" not in (finding.hint or "")
        assert finding.fix is None


async def test_argument_names_of_create_persona_are_accepted_in_drafts(
    tool_client: ToolClient,
) -> None:
    body = {"name": "Ada", "documents": ["d8", "d8"], "guardrails": ["g1"], "objectives": "o1"}
    more = {"system_prompt": "You are Ada.", "default_replica_id": "rfe12d8b9597"}
    report = await tool_client.expect_result("check_persona", document={**body, **more})
    assert [item["path"] for item in report["findings"]] == ["/document_ids/1"]
    assert report["persona_name"] == "Ada"


async def test_a_draft_and_its_creation_get_the_same_findings(tool_client: ToolClient) -> None:
    layers = {
        "tts": {"tts_engine": "playht", "playht_user_id": "larry"},
        "llm": {"model": "tavus-llama"},
    }
    body = {"name": "Larry", "system_prompt": "You are Larry.", "layers": layers}
    report = await tool_client.expect_result("check_persona", document=body)
    receipt = await tool_client.expect_result("create_persona", **body, dry_run=True)
    drafted = {item["message"]: item.get("hint") for item in report["findings"]}
    created = {item["message"]: item.get("hint") for item in receipt["findings"]}
    both = drafted.keys() & created.keys()
    assert len(both) >= 2
    assert {message: drafted[message] for message in both} == {
        message: created[message] for message in both
    }
    rules = {item["rule"]: item["hint"] for item in report["findings"]}
    assert "set /layers/tts/tts_engine to" in rules["tts-engine-retired"]
