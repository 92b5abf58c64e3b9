"""Fixes give one result: all of a report at once, or one by one, from either end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from documents import RULE_CASES, build_case_document, expand_placeholders, read_data_file
from mcp_client import ToolClient
from test_fixes import PERSONA, check_findings, replace_placeholders, store_persona

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.check import find_findings
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
Calls = list[dict[str, Any]]

CATALOG = load_catalog()
VOLATILE = {"created_at", "updated_at"}
ROUNDS = 40
ORDERS: list[Body] = read_data_file("fix_orders.toml")["document"]
DOCUMENTS: dict[str, Body] = {
    **{case["name"]: build_case_document(case) for case in RULE_CASES["case"]},
    **{
        document["title"]: expand_placeholders(json.loads(document["json"]))
        for document in read_data_file("real_drafts.toml")["document"]
        if document["as"] == "saved"
    },
    **{document["title"]: build_case_document(document) for document in ORDERS},
}


def has_several_fixes(body: Body) -> bool:
    """Return True if more than one finding has a fix, so that an order exists."""
    findings = find_findings(PersonaDocument({**body, "persona_id": PERSONA}), CATALOG)
    return len([finding for finding in findings if finding.fix]) > 1


SEVERAL = {title: body for title, body in DOCUMENTS.items() if has_several_fixes(body)}


def remove_empty_values(value: Any) -> Any:
    """Return a document without empty values."""
    if not isinstance(value, dict):
        return value
    inner = {key: remove_empty_values(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item not in (None, "", [], {})}


async def list_fixes(tool_client: ToolClient) -> list[Calls]:
    """Return the unique fixes of a report, in its order."""
    findings = (await check_findings(tool_client)).values()
    fixes = [finding["fix"] for finding in findings if "fix" in finding]
    return [fix for index, fix in enumerate(fixes) if fix not in fixes[:index]]


async def fix_until_stable(
    tool_client: ToolClient, store: Store, body: Body, choose: Callable[[list[Calls]], list[Calls]]
) -> Body:
    """Apply the chosen fixes of each report until there are none; return the persona."""
    store_persona(store, body)
    for _ in range(ROUNDS):
        left = await list_fixes(tool_client)
        if not left:
            document = store.get("persona", PERSONA)
            assert document
            return {
                key: item
                for key, item in remove_empty_values(document).items()
                if key not in VOLATILE
            }
        for call in (call for fix in choose(left) for call in fix):
            now = str((store.get("persona", PERSONA) or {}).get("system_prompt"))
            prompt = str(body.get("system_prompt"))
            await tool_client.expect_result(
                call["tool"],
                **replace_placeholders(call["arguments"], prompt if prompt in now else now),
            )
    raise AssertionError(left)


# One of two fixes is enough for these problems; the order decides which of them is applied.
ALTERNATIVES = {
    "the slowest model with a long prompt": "a faster model, or a shorter prompt",
    "A prompt of 6,000 tokens for the slowest model": "a faster model, or a shorter prompt",
    "searching nothing": "documents to be searched, or no settings of a search",
    "A prompt of 16,000 tokens that repeats the context": "a person chooses what is cut, and when",
}
# A text is removed only if it is replaced, or if a finding says so.
REMOVED_TEXTS = {
    "Texts and functions of perception under all of their names": "nothing reads tool_prompt",
    "a header with the name of a key": "keys do not stand in headers",
    "A custom LLM without TLS, with its key in a header as well": "keys do not stand in headers",
    "The placeholders of the documentation, never filled in": "they are filled in",
    "A tool of over 10,000 characters, and one of the same name": "the first of a name is kept",
    "Documents for a persona without English, whose context stands apart": "it is reworded",
}
MIN_GENERATED_CHARS = 400  # longer texts are placeholders of the data file


@pytest.mark.parametrize("title", [title for title in SEVERAL if title not in ALTERNATIVES])
async def test_fixes_give_the_same_result_in_every_order(
    tool_client: ToolClient, store: Store, title: str
) -> None:
    body = SEVERAL[title]
    whole = await fix_until_stable(tool_client, store, body, lambda left: left)
    assert await fix_until_stable(tool_client, store, body, lambda left: left[:1]) == whole
    assert await fix_until_stable(tool_client, store, body, lambda left: left[-1:]) == whole
    ends = next((one["ends"] for one in ORDERS if one["title"] == title and "ends" in one), {})
    assert {pointer: get_at(whole, pointer) for pointer in ends} == ends
    after = [text for _, text in PersonaDocument(whole).texts]
    before = [text.strip() for _, text in PersonaDocument(body).texts if " " in text.strip()]
    removed = [
        text
        for text in before
        if len(text) < MIN_GENERATED_CHARS and not any(text in other for other in after)
    ]
    assert not removed or title in REMOVED_TEXTS


def test_every_document_with_interacting_findings_is_tested() -> None:
    assert (
        SEVERAL.keys()
        >= {one["title"] for one in ORDERS} | ALTERNATIVES.keys() | REMOVED_TEXTS.keys()
    )
