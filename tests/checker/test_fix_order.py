"""Fixes lead to one end: all of a report at once, or one by one in either order, checked anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from documents import RULE_CASES, build_case_document, expand_placeholders, read_data_file
from mcp_client import ToolClient
from test_fixes import PERSONA, check_findings, replace_placeholders, store_persona

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.check import check
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import get_at
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
Calls = list[dict[str, Any]]

CATALOG = load_catalog()
VOLATILE = {"created_at", "updated_at"}
ROUNDS = 40
ORDERS: list[Body] = read_data_file("orders.toml")["document"]
DOCUMENTS: dict[str, Body] = {
    **{case["name"]: build_case_document(case) for case in RULE_CASES["case"]},
    **{
        document["title"]: expand_placeholders(json.loads(document["json"]))
        for document in read_data_file("forty.toml")["document"]
        if document["as"] == "saved"
    },
    **{document["title"]: build_case_document(document) for document in ORDERS},
}


def has_several_fixes(body: Body) -> bool:
    """Tell whether there is an order: more than one finding that a call mends."""
    found = check(PersonaDocument({**body, "persona_id": PERSONA}), CATALOG)
    return len([item for item in found if item.fix]) > 1


SEVERAL = {title: body for title, body in DOCUMENTS.items() if has_several_fixes(body)}


def remove_empty_values(value: Any) -> Any:
    """Return a document without what holds nothing."""
    if not isinstance(value, dict):
        return value
    inner = {key: remove_empty_values(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item not in (None, "", [], {})}


async def list_fixes(tool_client: ToolClient) -> list[Calls]:
    """Return the fixes of a report, in its order, each once."""
    found = [item["fix"] for item in (await check_findings(tool_client)).values() if "fix" in item]
    return [fix for index, fix in enumerate(found) if fix not in found[:index]]


async def fix_until_stable(
    tool_client: ToolClient, store: Store, body: Body, taken: Callable[[list[Calls]], list[Calls]]
) -> Body:
    """Return the persona when nothing is left to be fixed, by some fixes of each report."""
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
        for call in (call for fix in taken(left) for call in fix):
            now = str((store.get("persona", PERSONA) or {}).get("system_prompt"))
            prompt = str(body.get("system_prompt"))
            await tool_client.expect_result(
                call["tool"],
                **replace_placeholders(call["arguments"], prompt if prompt in now else now),
            )
    raise AssertionError(left)


# Of two remedies for one thing either is enough; which of them is made depends on where one begins.
EITHER = {
    "a field that the docs no longer name": "its layer is settled, or without it is not in use",
    "the slowest model with a long prompt": "a faster model, or a shorter prompt",
    "A prompt of 6,000 tokens for the slowest model": "a faster model, or a shorter prompt",
    "searching nothing": "documents to be searched, or no settings of a search",
    "A prompt of 16,000 tokens that repeats the context": "a person chooses what is cut, and when",
}
# What a person wrote goes only where something else is chosen in its place, or a finding says so.
PARTED = {
    "Texts and functions of perception under all of their names": "nothing reads tool_prompt",
    "a header with the name of a key": "keys do not stand in headers",
    "A custom LLM without TLS, with its key in a header as well": "keys do not stand in headers",
    "one phrase for both": "another phrase is chosen",
    "The placeholders of the documentation, never filled in": "they are filled in",
    "A tool of over 10,000 characters, and one of the same name": "the first of a name is kept",
    "Documents for a persona without English, whose context stands apart": "it is reworded",
}
STAND_IN = 400


@pytest.mark.parametrize("title", [one for one in SEVERAL if one not in EITHER])
async def test_fixes_give_the_same_result_in_every_order(
    tool_client: ToolClient, store: Store, title: str
) -> None:
    body = SEVERAL[title]
    whole = await fix_until_stable(tool_client, store, body, lambda left: left)
    assert await fix_until_stable(tool_client, store, body, lambda left: left[:1]) == whole
    assert await fix_until_stable(tool_client, store, body, lambda left: left[-1:]) == whole
    ends = next((one["ends"] for one in ORDERS if one["title"] == title and "ends" in one), {})
    assert {pointer: get_at(whole, pointer) for pointer in ends} == ends
    kept = [text for _, text in PersonaDocument(whole).texts]
    written = [text.strip() for _, text in PersonaDocument(body).texts if " " in text.strip()]
    gone = [one for one in written if len(one) < STAND_IN and not any(one in text for text in kept)]
    assert not gone or title in PARTED


def test_every_document_with_interacting_findings_is_tested() -> None:
    assert SEVERAL.keys() >= {one["title"] for one in ORDERS} | EITHER.keys() | PARTED.keys()
