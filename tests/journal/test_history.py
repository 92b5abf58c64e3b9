"""The history tools: what was done, how it differs, and the way back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError
from mcp_client import SECRET, ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = [pytest.mark.anyio, pytest.mark.every_database]

LITERAL = "el-5f0c9a77d1e2"


async def edit_greeting_at_dashboard(
    client: httpx2.AsyncClient, persona_id: str, greeting: str
) -> None:
    change = [{"op": "add", "path": "/greeting", "value": greeting}]
    assert (await client.patch(f"/personas/{persona_id}", json=change)).status_code == 200


async def list_revisions(tool_client: ToolClient, persona_id: str) -> list[dict[str, Any]]:
    page = await tool_client.expect_result("list_revisions", persona_id=persona_id, limit=100)
    return list(page["revisions"])


async def delete_persona(tool_client: ToolClient, persona_id: str) -> None:
    plan = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])


def read_data_folder() -> bytes:
    """Return everything in the data folder."""
    files = Path(os.environ["TAVUS_MCP_DATA_DIR"]).iterdir()
    return b"".join(file.read_bytes() for file in files)


async def test_revisions_are_listed_newest_first_with_tool_status_and_paths(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hi.")
    await tool_client.expect_result("configure_llm", persona_id=persona_id, temperature=0.3)
    rows = await list_revisions(tool_client, persona_id)
    assert [row["tool"] for row in rows] == ["configure_llm", "update_persona", "create_persona"]
    assert {row["status"] for row in rows} == {"applied"}
    assert rows[1]["paths"] == ["/greeting"]
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    now = (await tool_client.expect_result("get_persona", persona_id=persona_id))["revision"]
    assert rows[0]["revision"] == now


async def test_the_pages_of_revisions_neither_skip_nor_repeat_rows(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    for number in range(6):
        await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting=f"Hi {number}."
        )
    whole = await list_revisions(tool_client, persona_id)
    paged: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await tool_client.expect_result(
            "list_revisions", persona_id=persona_id, limit=3, cursor=cursor
        )
        paged += page["revisions"]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert paged == whole
    assert len(whole) == 7


async def test_changes_made_outside_this_server_are_observed_and_listed(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    await edit_greeting_at_dashboard(dashboard_client, persona_id, "Ciao.")
    await tool_client.expect_result("update_persona", persona_id=persona_id, name="Eva")
    rows = await list_revisions(tool_client, persona_id)
    assert [(row.get("tool"), row["status"]) for row in rows] == [
        ("update_persona", "applied"),
        (None, "changed outside"),
        ("create_persona", "applied"),
    ]
    assert rows[1]["changes"] == [{"path": "/greeting", "before": "Hi.", "after": "Ciao."}]
    compared = await tool_client.expect_result(
        "compare_personas",
        first=f"{persona_id}@{rows[2]['revision']}",
        second=f"{persona_id}@{rows[1]['revision']}",
    )
    assert compared["differences"] == [{"path": "/greeting", "first": "Hi.", "second": "Ciao."}]


async def test_two_personas_are_compared_by_field_with_secrets_masked(
    tool_client: ToolClient,
) -> None:
    tts = {"tts_engine": "cartesia", "api_key": LITERAL}
    first_id = await tool_client.create_persona(name="One", layers={"tts": tts})
    second_id = await tool_client.create_persona(
        name="Two", layers={"tts": {"tts_engine": "cartesia"}}
    )
    compared = await tool_client.expect_result("compare_personas", first=first_id, second=second_id)
    assert not compared["same"]
    assert {item["path"] for item in compared["differences"]} == {
        "/persona_name",
        "/layers/tts/api_key",
    }
    assert LITERAL not in json.dumps(compared)
    again = await tool_client.expect_result("compare_personas", first=first_id, second=first_id)
    assert again["same"]


async def test_an_unknown_revision_is_refused_with_the_closest_match(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    (row,) = await list_revisions(tool_client, persona_id)
    wrong = row["revision"][:-1] + "x"
    error = await tool_client.expect_error(
        "restore_revision", persona_id=persona_id, revision=wrong
    )
    assert row["revision"] in error


async def test_restoring_one_layer_leaves_the_rest_unchanged(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(layers={"stt": {"hotwords": "Roma"}})
    (first,) = await list_revisions(tool_client, persona_id)
    await tool_client.expect_result("configure_stt", persona_id=persona_id, hotwords="Milano")
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Hi.")
    receipt = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"], only=["stt"]
    )
    assert [item["path"] for item in receipt["changes"]] == ["/layers/stt/hotwords"]
    now = await tool_client.read_persona(persona_id)
    assert (now["layers"]["stt"]["hotwords"], now["greeting"]) == ("Roma", "Hi.")


async def test_restoring_removes_a_layer_that_was_absent(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    (first,) = await list_revisions(tool_client, persona_id)
    await tool_client.expect_result("configure_stt", persona_id=persona_id, hotwords="Milano")
    await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"], only=["stt"]
    )
    assert "stt" not in (await tool_client.read_persona(persona_id))["layers"]


async def test_the_whole_persona_can_be_restored(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(
        greeting="Hi.", layers={"stt": {"hotwords": "Roma"}}
    )
    before = await tool_client.expect_result("get_persona", persona_id=persona_id)
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, name="Eva", unset=["greeting"]
    )
    await tool_client.expect_result(
        "configure_conversational_flow", persona_id=persona_id, voice_isolation="off"
    )
    await tool_client.expect_result("configure_stt", persona_id=persona_id, unset=["hotwords"])
    receipt = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=before["revision"]
    )
    assert receipt["revision"] == before["revision"]
    assert (await tool_client.read_persona(persona_id))["layers"] == before["persona"]["layers"]


async def test_a_dry_run_of_a_restoration_creates_a_plan(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    (first,) = await list_revisions(tool_client, persona_id)
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Ciao.")
    plan = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"], dry_run=True
    )
    assert (await tool_client.read_persona(persona_id))["greeting"] == "Ciao."
    await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    assert (await tool_client.read_persona(persona_id))["greeting"] == "Hi."


async def test_restoring_keeps_the_current_key_and_reports_that_the_earlier_one_is_unavailable(
    tool_client: ToolClient, store: Store
) -> None:
    tts = {"tts_engine": "cartesia", "api_key": LITERAL}
    persona_id = await tool_client.create_persona(layers={"tts": tts}, greeting="Hi.")
    (first,) = await list_revisions(tool_client, persona_id)
    await tool_client.expect_result("configure_tts", persona_id=persona_id, api_key_ref="openai")
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Ciao.")
    receipt = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"]
    )
    assert [item["path"] for item in receipt["changes"]] == ["/greeting"]
    assert "/layers/tts/api_key" in [item["path"] for item in receipt["findings"]]
    row = store.get("persona", persona_id) or {}
    assert row["layers"]["tts"]["api_key"] == SECRET


async def test_a_deleted_persona_is_restored_with_a_new_id_and_without_its_key(
    tool_client: ToolClient,
) -> None:
    tts = {"tts_engine": "cartesia", "api_key": LITERAL}
    persona_id = await tool_client.create_persona(name="Ada", layers={"tts": tts}, greeting="Hi.")
    (first,) = await list_revisions(tool_client, persona_id)
    await delete_persona(tool_client, persona_id)
    receipt = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"]
    )
    assert receipt["persona_id"] != persona_id
    messages = {item["path"]: item["message"] for item in receipt["findings"]}
    assert "new" in messages["/persona_id"]
    assert "/layers/tts/api_key" in messages
    now = await tool_client.read_persona(receipt["persona_id"])
    assert (now["persona_name"], now["greeting"]) == ("Ada", "Hi.")
    assert now["layers"]["tts"] == {"tts_engine": "cartesia"}


async def test_the_undo_of_a_deletion_restores_the_persona(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(name="Ada")
    plan = await tool_client.expect_result("delete_persona", persona_id=persona_id)
    gone = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    back = await tool_client.expect_result(gone["undo"]["tool"], **gone["undo"]["arguments"])
    assert (await tool_client.read_persona(back["persona_id"]))["persona_name"] == "Ada"


async def test_restoring_a_deleted_persona_with_a_custom_llm_reports_what_is_missing(
    tool_client: ToolClient,
) -> None:
    llm = {"model": "gpt-x", "base_url": "https://llm.example.com/v1", "api_key": LITERAL}
    persona_id = await tool_client.create_persona(name="Ada", layers={"llm": llm})
    (first,) = await list_revisions(tool_client, persona_id)
    await delete_persona(tool_client, persona_id)
    receipt = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"]
    )
    assert (await tool_client.read_persona(receipt["persona_id"]))["persona_name"] == "Ada"
    assert any(item["path"].startswith("/layers/llm") for item in receipt["findings"])


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "deleted"])
async def test_restoring_omits_and_reports_an_id_that_no_longer_exists(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient, gone: bool
) -> None:
    made = await dashboard_client.post(
        "/documents", json={"document_url": "https://example.com/a.pdf"}
    )
    document_id = made.json()["document_id"]
    persona_id = await tool_client.create_persona(documents=[document_id], greeting="Hi.")
    (first,) = await list_revisions(tool_client, persona_id)
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, unset=["documents"], greeting="Ciao."
    )
    assert (await dashboard_client.delete(f"/documents/{document_id}")).status_code in (200, 204)
    if gone:
        await delete_persona(tool_client, persona_id)
    receipt = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"]
    )
    assert (await tool_client.read_persona(receipt["persona_id"]))["greeting"] == "Hi."
    assert any(document_id in str(item) for item in receipt["findings"])


async def test_the_current_reference_is_preserved_when_the_earlier_one_was_deleted(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient
) -> None:
    """A reference that cannot be restored is no reason to remove the present one."""
    ids = []
    for name in ("a", "b"):
        body = {"document_url": f"https://example.com/{name}.pdf"}
        ids.append((await dashboard_client.post("/documents", json=body)).json()["document_id"])
    persona_id = await tool_client.create_persona(documents=ids[:1], greeting="Hi.")
    (first,) = await list_revisions(tool_client, persona_id)
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, documents=ids[1:], greeting="Ciao."
    )
    await dashboard_client.delete(f"/documents/{ids[0]}")
    receipt = await tool_client.expect_result(
        "restore_revision", persona_id=persona_id, revision=first["revision"]
    )
    now = await tool_client.read_persona(persona_id)
    assert now["greeting"] == "Hi."
    assert now["document_ids"] == ids[1:]
    assert any(ids[0] in str(item) for item in receipt["findings"])


async def test_a_revision_is_read_as_a_resource(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona(greeting="Hi.")
    (first,) = await list_revisions(tool_client, persona_id)
    await tool_client.expect_result("update_persona", persona_id=persona_id, greeting="Ciao.")
    uri = f"tavus://personas/{persona_id}/revisions/{first['revision']}"
    (part,) = (await tool_client.client.read_resource(uri)).contents
    resource = json.loads(part.text)  # type: ignore[union-attr]  # text is what this server sends
    assert resource["revision"] == first["revision"]
    assert resource["persona"]["greeting"] == "Hi."


async def test_an_unknown_revision_is_not_found_as_a_resource(tool_client: ToolClient) -> None:
    persona_id = await tool_client.create_persona()
    with pytest.raises(MCPError, match="no such revision"):
        await tool_client.client.read_resource(f"tavus://personas/{persona_id}/revisions/nowhere")


@pytest.mark.file_database
@pytest.mark.parametrize("spoiled", ["a file instead of a folder", "no database", "newer"])
async def test_a_change_that_cannot_be_recorded_is_not_sent(
    tool_client: ToolClient, dashboard_client: httpx2.AsyncClient, spoiled: str
) -> None:
    body = {"persona_name": "Ada", "system_prompt": "You are Ada.", "greeting": "Hi."}
    persona_id = (await dashboard_client.post("/personas", json=body)).json()["persona_id"]
    folder = Path(os.environ["TAVUS_MCP_DATA_DIR"])
    if spoiled == "a file instead of a folder":
        folder.write_text("not a folder")
    else:
        folder.mkdir()
        damage_journal(folder / "journal.sqlite3", newer=spoiled == "newer")
    for tool, change in (
        ("update_persona", {"persona_id": persona_id, "greeting": "Ciao."}),
        ("update_persona", {"persona_id": persona_id, "greeting": "Ciao.", "dry_run": True}),
        ("create_persona", {"name": "Eva", "system_prompt": "You are Eva."}),
        ("delete_persona", {"persona_id": persona_id}),
    ):
        error = await tool_client.expect_error(tool, **change)
        assert "Nothing was sent" in error
        assert "TAVUS_MCP_DATA_DIR" in error
    assert tool_client.transport.writes == []
    assert (await tool_client.read_persona(persona_id))["greeting"] == "Hi."


def damage_journal(path: Path, *, newer: bool) -> None:
    import sqlite3

    if not newer:
        path.write_bytes(b"no database at all" * 100)
        return
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


async def test_secrets_do_not_reach_the_disk(tool_client: ToolClient) -> None:
    header = "team-42-blue-heron"
    llm = {
        "model": "gpt-x",
        "base_url": "https://llm.example.com/v1",
        "api_key": LITERAL,
        "headers": {"X-Team": "old-" + header},
    }
    persona_id = await tool_client.create_persona(layers={"llm": llm})
    await tool_client.expect_result("configure_tts", persona_id=persona_id, api_key_ref="openai")
    await tool_client.expect_result(
        "configure_tts", persona_id=persona_id, api_key="ct-77aa31", dry_run=True
    )
    await tool_client.expect_result(
        "update_persona", persona_id=persona_id, context=f"Uses {SECRET} inside."
    )
    written = read_data_folder()
    for secret in (SECRET, LITERAL, "ct-77aa31", "old-" + header):
        assert secret.encode() not in written, secret
    await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, headers={"X-Team": header}
    )
    assert header.encode() not in read_data_folder()
