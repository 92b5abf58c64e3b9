"""What real users send: the checker names each mistake, where it is, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from documents import filled, read
from mcp_client import Desk
from test_fixes import mend_each

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

DOCUMENTS: list[dict[str, Any]] = read("forty.toml")["document"]


def only(*ways: str) -> pytest.MarkDecorator:
    """Parametrize over the documents that come in one of these ways."""
    chosen = [document for document in DOCUMENTS if document["as"] in ways]
    return pytest.mark.parametrize("document", chosen, ids=lambda document: document["title"])


def body(document: dict[str, Any]) -> Any:
    return filled(json.loads(document["json"]))


def places(report: dict[str, Any]) -> list[str]:
    return [f"{item['path']} {item['rule']}" for item in report["findings"]]


def test_there_are_at_least_forty_documents_and_some_without_a_mistake() -> None:
    assert len(DOCUMENTS) >= 40
    assert len({document["title"] for document in DOCUMENTS}) == len(DOCUMENTS)
    assert len([document for document in DOCUMENTS if document.get("found") == []]) >= 2


@only("saved")
async def test_each_mistake_in_a_saved_persona_is_named_once_and_mended_by_its_calls(
    desk: Desk, store: Store, document: dict[str, Any]
) -> None:
    before = await mend_each(desk, store, body(document))
    assert sorted(f"{path} {rule}" for rule, path in before) == sorted(document["found"])


@only("saved", "draft")
async def test_each_mistake_in_a_draft_is_named_once_worst_first_with_what_to_do(
    desk: Desk, document: dict[str, Any]
) -> None:
    report = await desk.facts("check_persona", document=body(document))
    assert places(report) == document["found"]
    assert all(item["hint"] and item["source"] for item in report["findings"])
    assert not [item for item in report["findings"] if "fix" in item]  # it has no id to call with
    assert "persona_id" not in report


@only("draft")
async def test_a_draft_that_arrives_as_text_is_read_as_what_it_says(
    desk: Desk, document: dict[str, Any]
) -> None:
    report = await desk.facts("check_persona", document=json.dumps(body(document)))
    assert places(report) == document["found"]


@only("refused")
async def test_what_is_no_persona_is_refused_with_what_to_do_instead(
    desk: Desk, document: dict[str, Any]
) -> None:
    said = await desk.refusal("check_persona", document=body(document))
    assert "/document: " in said
    assert document["says"] in said
