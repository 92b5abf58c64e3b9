"""Secrets of parts: given by reference, never answered or recorded, never overwritten by a mask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp_client import SECRET, ToolClient, text_of
from part_requests import create_part

from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio
API = {
    "url": "https://api.example.com/book",
    "method": "POST",
    "headers": {"X-Api-Key": "{secret:openai}"},
    "auth": {"type": "bearer", "token": "{secret:openai}"},
}
DELIVERY: dict[str, Any] = {"api": API}


def stored_auth(store: Store, tool_id: str) -> dict[str, Any]:
    row = store.get("tool", tool_id)
    assert row is not None
    return dict(row["delivery"]["api"]["auth"])


@pytest.mark.parametrize(
    ("name", "variable"),
    [("acme_api", "TAVUS_SECRET_ACME_API"), ("k3y0f8c2d9e1", "TAVUS_SECRET_<NAME> of that name")],
)
async def test_a_secret_that_is_not_there_is_named_by_its_variable_unless_it_may_be_a_key(
    tool_client: ToolClient, name: str, variable: str
) -> None:
    api = {**API, "auth": {"type": "bearer", "token": f"{{secret:{name}}}"}}
    message = await tool_client.expect_error(
        "save_tool", name="book", description="Books.", delivery={"api": api}
    )
    assert f"/delivery/api/auth/token: this server's environment has no {variable}" in message
    assert "k3y0" not in message


async def test_a_secret_by_reference_reaches_tavus_and_nobody_else(
    open_tool_client: ToolClientFactory, store: Store, tmp_path: Path
) -> None:
    async with open_tool_client() as client:
        answers = []

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call(tool, **arguments)
            answers.append(text_of(result) + json.dumps(result.structured_content))
            assert not result.is_error, answers[-1]
            return dict(result.structured_content or {})

        created = await call("save_tool", name="book", description="Books.", delivery=DELIVERY)
        tool_id = created["part"]["id"]
        assert stored_auth(store, tool_id)["token"] == SECRET
        read = await call("get_part", kind="tool", id=tool_id)
        assert read["part"]["delivery"]["api"]["url"] == API["url"]
        changed = await call(
            "save_tool", tool_id=tool_id, delivery={"api": {"url": "https://api.example.com/new"}}
        )
        assert changed["status"] == "applied"
        assert stored_auth(store, tool_id) == {"type": "bearer", "token": SECRET}
        await call("list_revisions", persona_id=f"tool/{tool_id}")
        await call("restore_revision", **changed["undo"]["arguments"])
        assert stored_auth(store, tool_id)["token"] == SECRET
        planned = await call("delete_part", kind="tool", id=tool_id)
        lost = " ".join(finding["message"] for finding in planned["findings"])
        assert "/delivery/api/auth" in lost
        deleted = await call("apply_plan", plan_id=planned["plan_id"])
        undo = await call("restore_revision", **deleted["undo"]["arguments"])
        undone = await call("apply_plan", plan_id=undo["plan_id"])
        lost_paths = {item["path"] for item in undone["findings"]}
        assert lost_paths == {"/delivery/api/auth", "/delivery/api/headers/X-Api-Key"}
        assert "- tool (was book)\n" in answers[-3]
        await call("get_part", kind="tool", id=undone["part"]["id"])
        assert not [answer for answer in answers if SECRET in answer]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


async def test_a_literal_secret_is_masked_and_reported(tool_client: ToolClient) -> None:
    secret = "bear-5c1f09a7e2d4"
    auth = {"type": "bearer", "token": secret}
    result = await tool_client.call(
        "save_tool",
        name="book",
        description="Books.",
        delivery={"api": {"url": "https://api.example.com/book", "auth": auth}},
    )
    answer = text_of(result) + json.dumps(result.structured_content)
    assert "The call contains this secret itself" in answer
    assert secret not in answer


async def test_a_mask_is_not_written_over_a_secret(tool_client: ToolClient, store: Store) -> None:
    created = await tool_client.expect_result(
        "save_tool", name="book", description="Books.", delivery=DELIVERY
    )
    tool_id = created["part"]["id"]
    message = await tool_client.expect_error(
        "save_tool", tool_id=tool_id, delivery={"api": {"auth": {"username": "********"}}}
    )
    assert "mask" in message
    assert stored_auth(store, tool_id)["token"] == SECRET


async def test_the_secret_of_a_callback_is_masked(tool_client: ToolClient) -> None:
    """N#61214098743: the address is read in clear, with what is in its query."""
    secret = "cb-7f21c94ad0e8"
    part_id = await create_part(
        tool_client, "guardrail", callback_url=f"https://example.com/hook?secret={secret}"
    )
    read = await tool_client.call("get_part", kind="guardrail", id=part_id)
    plan = await tool_client.call("delete_part", kind="guardrail", id=part_id)
    for result in (read, plan):
        assert secret not in text_of(result) + json.dumps(result.structured_content)
    assert "/callback_url" in text_of(plan)


async def test_a_stored_secret_stays_with_the_host_that_it_is_bound_to(
    tool_client: ToolClient, store: Store
) -> None:
    tool_client.server.app.secret_hosts["openai"] = ("api.example.com",)
    created = await tool_client.expect_result(
        "save_tool", name="book", description="Books.", delivery={"api": {**API, "headers": {}}}
    )
    tool_id = created["part"]["id"]
    message = await tool_client.expect_error(
        "save_tool", tool_id=tool_id, delivery={"api": {"url": "https://evil.example.org/x"}}
    )
    assert "evil.example.org" in message
    assert (store.get("tool", tool_id) or {})["delivery"]["api"]["url"] == API["url"]


async def test_the_kind_of_an_authentication_is_visible_and_undone_only_with_its_secret(
    tool_client: ToolClient, store: Store
) -> None:
    """The undo left an authentication of neither kind, which Tavus refused.

    The revision is that under which earlier versions, which masked the kind, recorded the tool.
    """
    tool_id = await create_part(
        tool_client, "tool", name="book", description="Books.", delivery=DELIVERY
    )
    read = await tool_client.expect_result("get_part", kind="tool", id=tool_id)
    assert read["part"]["delivery"]["api"]["auth"] == {"type": "bearer", "token": "********"}
    assert read["revision"] == "49e98e01281c"
    key = {"type": "api_key", "name": "X-Key", "value": "{secret:openai}", "location": "header"}
    changed = await tool_client.expect_result(
        "save_tool", tool_id=tool_id, description="Books it.", delivery={"api": {"auth": key}}
    )
    kinds = [row for row in changed["changes"] if row["path"] == "/delivery/api/auth/type"]
    assert kinds == [{"path": "/delivery/api/auth/type", "before": "bearer", "after": "api_key"}]
    assert changed["undo"]["arguments"]["only"] == ["/description"]
    lost = [row["path"] for row in changed["findings"] if "cannot be restored" in row["message"]]
    assert lost == ["/delivery/api/auth"]
    await tool_client.expect_result("restore_revision", **changed["undo"]["arguments"])
    assert stored_auth(store, tool_id) == {**key, "value": SECRET}
    for only in (["/delivery/api/auth/name"], ["/delivery"]):
        restored = await tool_client.expect_result(
            "restore_revision", persona_id=f"tool/{tool_id}", revision=read["revision"], only=only
        )
        assert restored["status"] == "unchanged"
    assert stored_auth(store, tool_id) == {**key, "value": SECRET}
