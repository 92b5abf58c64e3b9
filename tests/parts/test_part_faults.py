"""Parts when answers are lost, when others write at the same time, and when time is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp_client import ToolClient, build_test_app, text_of
from part_requests import (
    CHANGES,
    ID_ARGUMENTS,
    KINDS,
    NEW_PARTS,
    SAVE_TOOLS,
    attach_part,
    create_part,
    create_persona,
    read_fields,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tavus_mcp.app import App
from tavus_mcp.deadlines import CallLimits, limit_call
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.parts.kinds import GUARDRAIL
from tavus_mcp.parts.read import read_part, read_part_view
from tavus_mcp.parts.save import SaveRequest, save
from tavus_mcp.parts.users import describe_users, find_users, part_ids
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


class LosingApp:
    """A Tavus that carries out writes of parts and answers 503, while ``is_losing``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.is_losing = False
        self.lost: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_part = "/personas" not in scope["path"]
        if scope["method"] == "GET" or not self.is_losing or not is_part:
            await self.app(scope, receive, send)
            return

        async def drop(_message: Message) -> None: ...

        self.lost.append(f"{scope['method']} {scope['path']}")
        await self.app(scope, receive, drop)
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@KINDS
async def test_writes_whose_answer_is_lost_are_found_and_not_repeated(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, kind: str
) -> None:
    tavus = LosingApp(sandbox)
    async with open_tool_client(tavus) as client:
        tavus.is_losing = True
        created = await client.expect_result(SAVE_TOOLS[kind], **NEW_PARTS[kind])
        part_id = created["part"]["id"]
        changed = await client.expect_result(
            SAVE_TOOLS[kind], **{ID_ARGUMENTS[kind]: part_id}, **CHANGES[kind]
        )
        plan = await client.expect_result("delete_part", kind=kind, id=part_id)
        deleted = await client.expect_result("apply_plan", plan_id=plan["plan_id"])
        statuses = [receipt["status"] for receipt in (created, changed, deleted)]
        assert statuses == ["applied"] * 3
        assert [line.split()[0] for line in tavus.lost] == ["POST", "PATCH", "DELETE"]
        await client.expect_error("get_part", kind=kind, id=part_id)


async def test_a_creation_that_never_arrived_is_reported_as_unknown(
    tool_client: ToolClient, store: Store
) -> None:
    fault = {"method": "POST", "path": "/v2/guardrails*", "kind": "status", "status": 503}
    await tool_client.control_sandbox("POST", "/faults", {**fault, "times": 1})
    message = await tool_client.expect_error("save_guardrail", **NEW_PARTS["guardrail"])
    assert "not known whether it was created" in message
    assert not list(store.all("guardrail"))


async def test_two_edits_of_different_fields_of_a_tool_are_both_there(
    open_tool_client: ToolClientFactory,
) -> None:
    """A tool takes no ``test`` operations: a change sends nothing but the fields that it sets."""
    async with open_tool_client() as first, open_tool_client() as second:
        part_id = await create_part(first, "tool")
        plan = await first.expect_result(
            "save_tool", tool_id=part_id, description="Mine.", dry_run=True
        )
        await second.expect_result("save_tool", tool_id=part_id, tags=["theirs"])
        await first.expect_result("apply_plan", plan_id=plan["plan_id"])
        fields = await read_fields(first, "tool", part_id)
        assert (fields["description"], fields["tags"]) == ("Mine.", ["theirs"])


class EditingApp:
    """A Tavus in which someone edits a part between the first read of it and what follows."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store
        self.tool_id = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        if self.tool_id and scope["path"].endswith(self.tool_id):
            row = self.store.get("tool", self.tool_id) or {}
            self.store.put("tool", self.tool_id, {**row, "description": "Theirs."})
            self.tool_id = ""


async def test_an_edit_before_the_last_look_is_a_conflict(
    open_tool_client: ToolClientFactory, sandbox: ASGIApp, store: Store
) -> None:
    tavus = EditingApp(sandbox, store)
    async with open_tool_client(tavus) as client:
        part_id = await create_part(client, "tool")
        tavus.tool_id = part_id
        message = await client.expect_error("save_tool", tool_id=part_id, description="Mine.")
        assert "Theirs." in message
        assert (store.get("tool", part_id) or {})["description"] == "Theirs."


async def test_a_persona_that_cannot_be_read_makes_the_scan_incomplete(
    tool_client: ToolClient,
) -> None:
    part_id = await create_part(tool_client, "guardrail")
    persona_id = await create_persona(tool_client, "Ada")
    fault = {"path": f"/v2/personas/{persona_id}", "kind": "status", "status": 422, "times": 0}
    await tool_client.control_sandbox("POST", "/faults", fault)
    plan = await tool_client.expect_result("delete_part", kind="guardrail", id=part_id)
    messages = [finding["message"] for finding in plan["findings"]]
    assert any("Not every persona was read" in message for message in messages)
    assert not any("No persona of the account uses" in message for message in messages)


@dataclass(frozen=True)
class LimitsByProgress(CallLimits):
    """Limits under which the time for more is over once progress was reported."""

    progress: list[float] = field(default_factory=list)

    @property
    def verification_seconds(self) -> float:
        return self.seconds if self.progress else 0.0


async def test_a_scan_ends_with_the_time_of_its_call(
    sandbox: ASGIApp, tool_client: ToolClient
) -> None:
    part_id = await create_part(tool_client, "guardrail")
    for number in range(8):
        await create_persona(tool_client, f"User {number}")
    app, _ = build_test_app(sandbox)
    document = await read_part(app, "guardrail", part_id)
    progress: list[float] = []

    async def report(done: float, _total: float | None) -> None:
        progress.append(done)

    whole = await find_users(app, document, report)
    assert whole.is_complete
    assert progress
    limits = LimitsByProgress(progress=progress)
    progress.clear()
    with limit_call(limits):
        part = await find_users(app, document, report)
    assert 0 < part.read_count < whole.read_count + 1
    assert not part.is_complete
    messages = [item.message for item in describe_users(GUARDRAIL, part)]
    assert any("Not every persona was read" in message for message in messages)


async def test_a_repair_that_fails_is_reported_and_can_be_repeated(
    tool_client: ToolClient,
) -> None:
    part_id = await create_part(tool_client, "guardrail")
    personas = sorted([await create_persona(tool_client, f"User {number}") for number in range(2)])
    for persona_id in personas:
        await attach_part(tool_client, persona_id, "guardrail", part_id)
    plan = await tool_client.expect_result("delete_part", kind="guardrail", id=part_id)
    deleted = await tool_client.expect_result("apply_plan", plan_id=plan["plan_id"])
    arguments = deleted["undo"]["arguments"]
    undo = await tool_client.expect_result("restore_revision", **arguments)
    fault = {"method": "PATCH", "path": f"/v2/personas/{personas[0]}", "status": 403}
    await tool_client.control_sandbox("POST", "/faults", {**fault, "kind": "status", "times": 1})
    partial = await tool_client.expect_result("apply_plan", plan_id=undo["plan_id"])
    assert partial["status"] == "partial"
    assert [row["status"] for row in partial["personas"]] == ["failed", "applied"]
    rest = await tool_client.expect_result("restore_revision", **arguments)
    done = await tool_client.expect_result("apply_plan", plan_id=rest["plan_id"])
    assert [(row["persona_id"], row["status"]) for row in done["personas"]] == [
        (personas[0], "applied")
    ]


async def test_a_server_that_only_reads_serves_no_tool_that_writes_parts(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(read_only=True) as client:
        names = {tool.name for tool in (await client.client.list_tools()).tools}
    assert {"get_part", "list_dictionaries", "list_skills"} <= names
    assert not {"delete_part", "attach_parts", "set_skill", *SAVE_TOOLS.values()} & names


def test_the_members_of_a_guardrail_set_are_looked_for_too() -> None:
    data: dict[str, Any] = {"data": [{"uuid": "g2"}, {"uuid": "g3"}]}
    assert part_ids(PartDocument("guardrail", "g1", data)) == ["g1", "g2", "g3"]


async def add_tags(client: ToolClient, part_id: str, tags: list[str]) -> None:
    """Add one tag after the other to the list as it is read, again when someone was faster."""
    for tag in tags:
        while True:
            read = await client.expect_result("get_part", kind="guardrail", id=part_id)
            result = await client.call(
                "save_guardrail",
                guardrail_id=part_id,
                tags=[*read["part"].get("tags", []), tag],
                if_revision=read["revision"],
            )
            if not result.is_error:
                break
            assert "changed" in text_of(result)


@pytest.mark.extended
async def test_tags_added_by_two_servers_at_once_are_all_there(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as first, open_tool_client() as second:
        part_id = await create_part(first, "guardrail", tags=["start"])
        names = [[f"{name}{number}" for number in range(8)] for name in ("a", "b")]
        async with anyio.create_task_group() as tasks:
            for client, tags in zip((first, second), names, strict=True):
                tasks.start_soon(add_tags, client, part_id, tags)
        fields = await read_fields(first, "guardrail", part_id)
    assert sorted(fields["tags"]) == sorted(["start", *names[0], *names[1]])


class SilentApp:
    """A Tavus that carries out writes of guardrails and never answers them, once ``is_silent``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.is_silent = False
        self.request_arrived = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" or not self.is_silent:
            await self.app(scope, receive, send)
            return

        async def drop(_message: Message) -> None: ...

        await self.app(scope, receive, drop)
        self.request_arrived.set()
        await anyio.sleep_forever()


async def cancel_save(app: App, tavus: SilentApp, request: SaveRequest) -> None:
    """Cancel the saving of a part that Tavus carries out and does not answer."""
    tavus.is_silent, tavus.request_arrived = True, anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(save, app, request)
        await tavus.request_arrived.wait()
        tasks.cancel_scope.cancel()
    tavus.is_silent = False


async def test_cancelled_writes_of_a_part_are_reported_by_the_next_read(
    sandbox: ASGIApp, store: Store
) -> None:
    tavus = SilentApp(sandbox)
    app, _ = build_test_app(tavus)
    values = {f"/{name}": value for name, value in NEW_PARTS["guardrail"].items()}
    await cancel_save(app, tavus, SaveRequest("guardrail", "save_guardrail", None, values))
    (row,) = store.all("guardrail")
    view = await read_part_view(app, "guardrail", row["uuid"])
    (finding,) = view.findings
    assert f"it made guardrail {row['uuid']}" in finding.message
    change = SaveRequest("guardrail", "save_guardrail", row["uuid"], {"/app_message": False})
    await cancel_save(app, tavus, change)
    view = await read_part_view(app, "guardrail", row["uuid"])
    (finding,) = view.findings
    assert "The save_guardrail that was cancelled took effect" in finding.message
    assert not (await read_part_view(app, "guardrail", row["uuid"])).findings
    app.journal.close()
