"""Documents of real users: the checker reports each mistake at its path, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from documents import expand_placeholders, read_data_file
from mcp_client import ToolClient
from test_fixes import apply_each_fix

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

DOCUMENTS: list[dict[str, Any]] = read_data_file("real_drafts.toml")["document"]


def parametrize_documents(*ways: str) -> pytest.MarkDecorator:
    """Parametrize over the documents that come in one of these ways."""
    chosen = [document for document in DOCUMENTS if document["as"] in ways]
    return pytest.mark.parametrize("document", chosen, ids=lambda document: document["title"])


def build_body(document: dict[str, Any]) -> Any:
    return expand_placeholders(json.loads(document["json"]))


def list_findings(report: dict[str, Any]) -> list[str]:
    return [f"{item['path']} {item['rule']}" for item in report["findings"]]


def test_the_data_has_at_least_forty_documents_and_some_without_mistakes() -> None:
    assert len(DOCUMENTS) >= 40
    assert len({document["title"] for document in DOCUMENTS}) == len(DOCUMENTS)
    assert len([document for document in DOCUMENTS if document.get("found") == []]) >= 2


@parametrize_documents("saved")
async def test_each_mistake_in_a_saved_persona_is_reported_once_and_fixed_by_its_calls(
    tool_client: ToolClient, store: Store, document: dict[str, Any]
) -> None:
    before = await apply_each_fix(tool_client, store, build_body(document))
    assert sorted(f"{path} {rule}" for rule, path in before) == sorted(document["found"])


@parametrize_documents("saved", "draft")
async def test_each_mistake_in_a_draft_is_reported_once_by_severity_with_advice(
    tool_client: ToolClient, document: dict[str, Any]
) -> None:
    report = await tool_client.expect_result("check_persona", document=build_body(document))
    assert list_findings(report) == document["found"]
    assert all(item["hint"] and item["source"] for item in report["findings"])
    assert not [item for item in report["findings"] if "fix" in item]  # it has no id to call with
    assert "persona_id" not in report


@parametrize_documents("draft")
async def test_a_draft_given_as_text_is_parsed(
    tool_client: ToolClient, document: dict[str, Any]
) -> None:
    report = await tool_client.expect_result(
        "check_persona", document=json.dumps(build_body(document))
    )
    assert list_findings(report) == document["found"]


@parametrize_documents("refused")
async def test_a_document_that_is_not_a_persona_is_refused_with_advice(
    tool_client: ToolClient, document: dict[str, Any]
) -> None:
    message = await tool_client.expect_error("check_persona", document=build_body(document))
    assert "/document: " in message
    assert document["says"] in message
