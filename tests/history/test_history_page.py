"""``list_revisions``: names of rows, short values, authors, and the limits of the history."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp_client import ToolClient, text_of

from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.sandbox.store import Store

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]


@pytest.fixture
async def dashboard_persona(dashboard_client: httpx2.AsyncClient) -> str:
    """A persona that was made at the dashboard."""
    body = {"persona_name": "Ada", "system_prompt": "You are Ada.", "greeting": "Hi."}
    return str((await dashboard_client.post("/personas", json=body)).json()["persona_id"])


async def edit(dashboard_client: httpx2.AsyncClient, persona_id: str, value: str) -> None:
    patch = [{"op": "replace", "path": "/greeting", "value": value}]
    response = await dashboard_client.patch(f"/personas/{persona_id}", json=patch)
    assert response.is_success


async def list_page(tool_client: ToolClient, persona_id: str, **more: Any) -> dict[str, Any]:
    return await tool_client.expect_result("list_revisions", persona_id=persona_id, **more)


async def test_rows_say_what_was_first_seen_what_was_changed_outside_and_how(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient, dashboard_persona: str
) -> None:
    await tool_client.expect_result(
        "update_persona", persona_id=dashboard_persona, greeting="Hello."
    )
    await edit(dashboard_client, dashboard_persona, "Ciao.")
    await tool_client.expect_result(
        "update_persona", persona_id=dashboard_persona, unset=["greeting"]
    )
    page = await list_page(tool_client, dashboard_persona)
    assert [(row["status"], row.get("changes")) for row in page["revisions"]] == [
        ("applied", [{"path": "/greeting", "before": "Ciao."}]),
        ("changed outside", [{"path": "/greeting", "before": "Hello.", "after": "Ciao."}]),
        ("applied", [{"path": "/greeting", "before": "Hi.", "after": "Hello."}]),
        ("first seen", None),
    ]
    first = page["revisions"][-1]
    assert f"begins at {first['at']}" in page["note"]
    text = text_of(await tool_client.call("list_revisions", persona_id=dashboard_persona))
    for line in ("- /greeting (was Ciao.)", "~ /greeting: Hello. -> Ciao."):
        assert line in text


async def test_an_empty_history_says_what_a_journal_holds(
    tool_client: ToolClient, dashboard_persona: str
) -> None:
    page = await list_page(tool_client, dashboard_persona)
    assert page["revisions"] == []
    assert "holds nothing about the persona" in page["note"]
    await tool_client.create_persona()
    assert "It begins at 20" in (await list_page(tool_client, dashboard_persona))["note"]


async def test_values_are_short_and_few(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    fields = {"context": "x" * 500, "greeting": "y" * 500, "languages": ["en"] * 40}
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Eva", document_tags=["a"], **fields
    )
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, system_prompt="Brief.", verbal_disclosure="z" * 99
    )
    rows = (await list_page(tool_client, persona_id))["revisions"]
    assert all(len(row.get("changes", [])) <= 5 for row in rows)
    # a persona was created, then changed in 2 and in 5 fields; nothing is left out without a word
    assert [(len(row["changes"]), row.get("omitted_changes")) for row in rows[:2]] == [
        (2, None),
        (5, None),
    ]
    values = [str(item.get("after", "")) for row in rows for item in row.get("changes", [])]
    assert "(40 items)" in values
    assert values
    assert max(map(len, values)) <= 80


async def test_changes_that_are_not_listed_are_counted(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient, dashboard_persona: str
) -> None:
    """The row of a change made outside has no paths, so that the others were nowhere."""
    await tool_client.expect_result("update_persona", persona_id=dashboard_persona, name="Eva")
    names = ("context", "greeting", "verbal_disclosure", "visual_disclosure", "system_prompt")
    texts = [{"op": "add", "path": f"/{name}", "value": "New."} for name in names]
    patch = [*texts, {"op": "add", "path": "/languages", "value": ["en"]}]
    await dashboard_client.patch(f"/personas/{dashboard_persona}", json=patch)
    await tool_client.expect_result("update_persona", persona_id=dashboard_persona, name="Ada")
    outside = (await list_page(tool_client, dashboard_persona))["revisions"][1]
    assert outside["status"] == "changed outside"
    assert (len(outside["changes"]), outside["omitted_changes"]) == (5, 1)


async def test_rows_of_our_own_changes_name_their_author(tool_client: ToolClient) -> None:
    tool_client.server.app.journal.author = lambda: "Ada (CI)"
    persona_id = await tool_client.create_persona()
    [row] = (await list_page(tool_client, persona_id))["revisions"]
    assert row["author"] == "Ada (CI)"


async def test_secrets_are_no_values_of_rows(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        layers={"tts": {"tts_engine": "cartesia", "external_voice_id": "v1"}}
    )
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, api_key="ct-literal-77aa31-key"
    )
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, greeting="Hi.", name="Eva"
    )
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, api_key="ct-literal-77aa32-key", speed=1.1
    )
    page = text_of(await tool_client.call("list_revisions", persona_id=persona_id))
    assert "ct-literal" not in page
    newest, named, *_ = page.split("  - revision:")[1:]
    assert 'paths: ["/layers/tts/api_key"' in newest  # as the masks are equal, no change has it
    assert "voice_settings/speed: 1.1" in newest
    assert "paths" not in named


@pytest.mark.parametrize("cursor", ["9" * 40, "-1", "x", "\u0661"])
async def test_a_cursor_that_is_none_is_refused(tool_client: ToolClient, cursor: str) -> None:
    persona_id = await tool_client.create_persona()
    error = await tool_client.expect_error("list_revisions", persona_id=persona_id, cursor=cursor)
    assert "/cursor" in error


async def test_a_page_reads_only_its_own_entries(tool_client: ToolClient) -> None:
    """The number of rows that SQLite visits must not grow with the journal."""
    persona_id = await tool_client.create_persona()
    path = Path(os.environ["TAVUS_MCP_DATA_DIR"]) / "journal.sqlite3"
    with closing(JournalStore.open(path)) as journal:
        for number in range(300):
            body = f'{{"greeting":"Hi {number}."}}'
            journal.append(
                JournalEntry(
                    "seen", persona_id, "now", "elsewhere", "seen", f"r{number}", body=body
                )
            )
        connection = journal._db._connection  # type: ignore[attr-defined]  # noqa: SLF001
        steps = []
        for limit in (300, 3):
            count = [0]
            connection.set_progress_handler(  # counts the steps of SQLite
                lambda count=count: count.__setitem__(0, count[0] + 1), 100
            )
            journal.history(persona_id, limit)
            steps.append(count[0])
        connection.set_progress_handler(None, 0)
    assert steps[1] * 10 < steps[0]


async def test_what_version_0_1_did_not_read_is_neither_a_change_nor_restored_away(
    tool_client: ToolClient, store: Store, dashboard_persona: str
) -> None:
    persona_id = dashboard_persona
    row = store.get("persona", persona_id) or {}
    body = {key: value for key, value in row.items() if key not in ("tool_ids", "updated_at")}
    journal = tool_client.server.app.journal
    await journal.append(
        JournalEntry(
            "seen", persona_id, "now", "elsewhere", "seen", "0" * 12, body=json.dumps(body)
        )
    )
    store.put("persona", persona_id, {**row, "persona_description": "Helps.", "greeting": "Ciao."})
    error = await tool_client.expect_error(
        "update_persona", persona_id=persona_id, name="Eva", if_revision="0" * 12
    )
    assert "/greeting" in error
    assert "/persona_description" not in error
    await tool_client.expect_result("restore_revision", persona_id=persona_id, revision="0" * 12)
    after = await tool_client.read_persona(persona_id)
    assert (after["persona_description"], after["greeting"]) == ("Helps.", "Hi.")
    page = await list_page(tool_client, persona_id)
    paths = {item["path"] for row in page["revisions"] for item in row.get("changes", [])}
    assert paths == {"/greeting"}


async def test_a_change_of_a_long_text_has_the_parts_that_differ(tool_client: ToolClient) -> None:
    prompt = "You help people who come in. " * 10
    persona_id = await tool_client.create_persona(system_prompt=f"{prompt}Be kind.{prompt}")
    await tool_client.expect_result(
        "edit_prompt", persona_id=persona_id, find="Be kind.", replace="Be brief."
    )
    [change] = (await list_page(tool_client, persona_id))["revisions"][0]["changes"]
    assert "kind." in change["before"]
    assert "brief." in change["after"]
    assert max(len(change["before"]), len(change["after"])) <= 80


async def test_rows_hide_no_change_and_list_none_that_tavus_made(tool_client: ToolClient) -> None:
    """Found in use: removals were left out unmentioned, and a default that Tavus filled in stood
    among the changes.
    """
    tool_client.server.app.journal.author = lambda: "Ada (CI)"
    stt = {"participant_pause_sensitivity": "low", "participant_interrupt_sensitivity": "high"}
    persona_id = await tool_client.create_persona(layers={"stt": stt})
    plan = await tool_client.expect_result(
        "suggest_tuning", persona_id=persona_id, goals=["be_harder_to_interrupt"]
    )
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    page = await list_page(tool_client, persona_id)
    tuned, created = page["revisions"]
    assert len(tuned["changes"]) + tuned["omitted_changes"] == len(plan["changes"])
    assert not [one for one in tuned["changes"] if one["path"].endswith("idle_engagement")]
    assert [one.get("default") for one in tuned["changes"] if one.get("after") == "sparrow-2"] == [
        "sparrow-2"
    ]
    assert page["common"] == {"author": "Ada (CI)"}
    assert "author" not in tuned.keys() | created.keys()
