"""Parts that earlier versions stored can be read, changed and deleted.

The file of commit 3f83bbf has tools, objectives, guardrails, a guardrail set and documents; rows of
kinds that it lacks are written here as that version wrote them.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp_client import open_api_client

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
STATE = Path(__file__).parents[1] / "guarantees/compatibility/fixtures/states/account.sqlite3"
BORN = "2026-11-22T10:00:00.000000+00:00"
TIMES = {"created_at": BORN, "updated_at": BORN}
DICTIONARY = {
    "pronunciation_dictionary_id": "pd_00000000000001",
    "name": "Names",
    "rules": [],
    **TIMES,
}
SKILL = {"skill_id": "memory", "config": {}, "attached_at": BORN, "updated_at": BORN}
PATCHES: list[tuple[str, str, Any]] = [
    ("tool", "/v2/tools", {"description": "New."}),
    ("document", "/v2/documents", {"document_name": "New"}),
    ("guardrail", "/v2/guardrails", [{"op": "add", "path": "/modality", "value": "visual"}]),
    (
        "guardrails",
        "/v2/guardrails",
        [{"op": "replace", "path": "/data/0/callback_url", "value": "https://example.com/h"}],
    ),
    (
        "objectives",
        "/v2/objectives",
        [{"op": "replace", "path": "/data/0/callback_url", "value": "https://example.com/h"}],
    ),
    (
        "dictionary",
        "/v2/pronunciation-dictionaries",
        [{"op": "add", "path": "/name", "value": "New"}],
    ),
]


@pytest.fixture
async def earlier(tmp_path: Path) -> AsyncIterator[tuple[Store, httpx2.AsyncClient]]:
    path = tmp_path / "state.sqlite3"
    shutil.copy(STATE, path)
    with closing(Store.open(path)) as store:
        store.put("dictionary", DICTIONARY["pronunciation_dictionary_id"], DICTIONARY)
        async with open_api_client(build_sandbox(store)) as client:
            yield store, client


def find_key(store: Store, kind: str) -> str:
    """Return the id of a part of a kind that the account made itself."""
    row = next(row for row in store.all(kind) if not row.get("is_system_tool"))
    fields = ("tool_id", "document_id", "guardrails_id", "objectives_id")
    return next(
        str(row[name]) for name in (*fields, "uuid", "pronunciation_dictionary_id") if name in row
    )


@pytest.mark.parametrize(("kind", "path", "patch"), PATCHES, ids=[case[0] for case in PATCHES])
async def test_a_stored_part_can_be_read_changed_and_deleted(
    earlier: tuple[Store, httpx2.AsyncClient], kind: str, path: str, patch: Any
) -> None:
    store, client = earlier
    one = f"{path}/{find_key(store, kind)}"
    before = (await client.get(one)).json()
    assert before.get("uuid"), before
    assert (await client.patch(one, json=patch)).status_code == 200
    after = (await client.get(one)).json()
    assert after != before
    assert after.keys() == before.keys()
    assert (await client.delete(one)).status_code == 204
    assert (await client.get(one)).status_code in (400, 404)


async def test_a_changed_set_gets_a_guardrail_for_each_item(
    earlier: tuple[Store, httpx2.AsyncClient],
) -> None:
    store, client = earlier
    one = f"/v2/guardrails/{find_key(store, 'guardrails')}"
    assert "uuid" not in (await client.get(one)).json()["data"][0]
    await client.patch(one, json=[{"op": "add", "path": "/name", "value": "New"}])
    (item,) = (await client.get(one)).json()["data"]
    single = (await client.get(f"/v2/guardrails/{item['uuid']}")).json()
    assert single["guardrail_name"] == item["guardrail_name"]


async def test_stored_skills_are_read(earlier: tuple[Store, httpx2.AsyncClient]) -> None:
    store, client = earlier
    persona_id = next(row for row in store.all("persona") if row["persona_type"] == "user")[
        "persona_id"
    ]
    store.put("persona_skills", persona_id, {"memory": SKILL})
    path = f"/v2/personas/{persona_id}?include_settings=true"
    read = (await client.get(path)).json()["skills"]
    assert read == {"memory": {"config": {}, "attached_at": BORN, "updated_at": BORN}}
