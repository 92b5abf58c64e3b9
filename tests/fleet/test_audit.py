"""audit_personas: correct counts, short results, partial results after failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from account import (
    DEPRECATED_MODEL,
    RETIRED_MODEL,
    ObservedApp,
    build_model_layers,
    build_persona_row,
    count_bytes,
    store_equal_personas,
    store_personas,
)
from mcp_client import ToolClient
from starlette.applications import Starlette

from tavus_mcp.checker.rules import RULES
from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS
from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import ToolClientFactory

pytestmark = pytest.mark.anyio


def find_group(report: dict[str, Any], rule: str) -> dict[str, Any]:
    return next(row for row in report["groups"] if row["rule"] == rule)


def plan_status_fault(sandbox: Starlette, **fault: Any) -> None:
    sandbox.state.faults.plan(Fault(kind="status", **fault))


async def test_findings_are_grouped_by_rule_worst_first_and_notices_last(
    tool_client: ToolClient, store: Store
) -> None:
    old = [
        build_persona_row(number, layers=build_model_layers(RETIRED_MODEL)) for number in range(14)
    ]
    older = [
        build_persona_row(number, layers=build_model_layers(DEPRECATED_MODEL))
        for number in range(20, 23)
    ]
    empty = [build_persona_row(30, system_prompt="")]
    fine = [build_persona_row(number, greeting="Hi!") for number in range(40, 45)]
    ids = store_personas(store, *old, *older, *empty, *fine)
    report = await tool_client.expect_result("audit_personas")
    assert (report["checked"], report["total_count"], report["complete"]) == (23, 23, True)
    assert [(row["rule"], row["severity"], row["personas"]) for row in report["groups"]] == [
        ("system-prompt-missing", "error", 1),
        ("llm-model-retired", "warning", 14),
        ("llm-model-deprecated", "info", 3),
        ("greeting-undocumented", "info", 5),  # no call changes it
    ]
    assert report["counts"] == {"error": 1, "warning": 14, "info": 8}
    retired = find_group(report, "llm-model-retired")
    assert retired["message"].startswith("Tavus removed tavus-llama")
    assert retired["persona_ids"] == ids[:14]
    assert "configure_llm" in retired["hint"]
    assert retired["source"]


async def test_one_message_is_given_as_example_when_messages_differ(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(
        store,
        build_persona_row(1, layers=build_model_layers("tavus-gpt-4o")),
        build_persona_row(2, layers=build_model_layers("tavus-gpt-4.1")),
    )
    row = find_group(await tool_client.expect_result("audit_personas"), "llm-model-deprecated")
    assert row["message"].startswith("For example: tavus-gpt-4")


async def test_a_rule_with_several_findings_counts_a_persona_once(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(
        store, build_persona_row(1, system_prompt="Hi {{name}}.", greeting="Hello {{name}}.")
    )
    report = await tool_client.expect_result("audit_personas")
    row = find_group(report, "placeholder-in-text")
    assert (row["personas"], row["findings"]) == (1, 2)
    assert report["counts"]["warning"] == 2
    others = [row for row in report["groups"] if row["rule"] != "placeholder-in-text"]
    assert not [row for row in others if "findings" in row]
    found = sum(row.get("findings", row["personas"]) for row in report["groups"])
    assert found == sum(report["counts"].values())


@pytest.mark.parametrize(
    ("severity", "expected_severities"),
    [
        ("error", {"error"}),
        ("warning", {"error", "warning"}),
        ("info", {"error", "warning", "info"}),
    ],
)
async def test_the_minimum_severity_can_be_chosen(
    tool_client: ToolClient, store: Store, severity: str, expected_severities: set[str]
) -> None:
    store_personas(
        store,
        build_persona_row(1, system_prompt=""),
        build_persona_row(2, layers=build_model_layers(RETIRED_MODEL), greeting="Hi"),
    )
    report = await tool_client.expect_result("audit_personas", severity=severity)
    assert (
        {row["severity"] for row in report["groups"]}
        == expected_severities
        == set(report["counts"])
    )


async def test_stock_personas_are_excluded_unless_requested(
    tool_client: ToolClient, store: Store
) -> None:
    store_equal_personas(store, 3)
    stock = len([row for row in store.all("persona") if row["persona_type"] == "system"])
    checked = {
        kind: (await tool_client.expect_result("audit_personas", persona_type=kind))["checked"]
        for kind in ("user", "system", "all")
    }
    assert checked == {"user": 3, "system": stock, "all": 3 + stock}


async def test_a_name_filter_selects_from_the_whole_account(
    tool_client: ToolClient, store: Store
) -> None:
    store_personas(store, *(build_persona_row(number) for number in range(250)))
    report = await tool_client.expect_result("audit_personas", name_contains="persona 24")
    assert (report["checked"], report["total_count"], report["complete"]) == (11, 11, True)
    assert sum(line.endswith("/personas") for line in tool_client.transport.request_lines) == 4


async def test_list_rows_are_not_audited_as_complete_documents(
    tool_client: ToolClient, store: Store
) -> None:
    """The docs do not say that list rows are complete."""
    ids = store_equal_personas(store, 12)
    await tool_client.expect_result("audit_personas")
    read = [line for line in tool_client.transport.request_lines if "/personas/" in line]
    assert sorted(read) == sorted(f"GET /v2/personas/{persona_id}" for persona_id in ids)


async def test_an_unreadable_persona_is_reported_and_the_audit_continues(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 20, layers=build_model_layers(RETIRED_MODEL))
    plan_status_fault(sandbox, path=f"/v2/personas/{ids[4]}", status=500, times=0)
    plan_status_fault(
        sandbox, path=f"/v2/personas/{ids[9]}", status=400, body={"error": "Invalid persona_id"}
    )
    report = await tool_client.expect_result("audit_personas")
    assert (report["checked"], report["unread"], report["complete"]) == (18, 2, False)
    assert {row["persona_id"] for row in report["failed"]} == {ids[4], ids[9]}
    assert all("Tavus answered" in row["error"] for row in report["failed"])
    assert find_group(report, "llm-model-retired")["personas"] == 18


async def test_a_persona_deleted_during_the_audit_is_reported(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    ids = store_equal_personas(store, 20)

    async def meanwhile(_method: str, path: str) -> None:
        if path.endswith(ids[0]):
            store.remove("persona", ids[15])

    async with open_tool_client(ObservedApp(sandbox, meanwhile)) as client:
        report = await client.expect_result("audit_personas")
    assert (report["checked"], report["unread"], report["complete"]) == (19, 1, False)
    assert report["failed"][0]["persona_id"] == ids[15]


async def test_an_interrupted_list_is_reported_with_the_findings_so_far(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 250, layers=build_model_layers(RETIRED_MODEL))
    plan_status_fault(sandbox, path="/v2/personas", status=500, skip=2, times=0)
    report = await tool_client.expect_result("audit_personas")
    assert 100 <= report["checked"] < 250
    assert report["complete"] is False
    assert "list" in report["stopped"]
    assert find_group(report, "llm-model-retired")["personas"] == report["checked"]


async def test_no_name_is_called_unknown_if_the_list_was_not_read_to_its_end(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 250)
    plan_status_fault(sandbox, path="/v2/personas", status=500, skip=2, times=0)
    report = await tool_client.expect_result("audit_personas", name_contains="in the rest")
    assert "list" in report["stopped"]
    assert "next" not in report


async def test_a_list_that_cannot_be_read_at_all_fails_the_call(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 3)
    plan_status_fault(sandbox, path="/v2/personas", status=500, times=0)
    assert "Tavus answered 500 for the list of personas" in await tool_client.expect_error(
        "audit_personas"
    )
    assert len(tool_client.transport.request_lines) == 1


async def test_a_rejected_api_key_ends_the_audit(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 100)
    plan_status_fault(sandbox, path="/v2/personas/*", status=401, times=0)
    assert "TAVUS_API_KEY" in await tool_client.expect_error("audit_personas")
    assert len(tool_client.transport.request_lines) <= 1 + MAX_CONCURRENT_REQUESTS


async def test_the_audit_stops_after_repeated_read_failures(
    tool_client: ToolClient, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 200)
    plan_status_fault(sandbox, path="/v2/personas/*", status=500, skip=30, times=0)
    report = await tool_client.expect_result("audit_personas")
    assert report["checked"] == 30
    assert "in a row" in report["stopped"]
    assert report["unread"] < 40
    assert report["complete"] is False


async def test_concurrent_requests_are_bounded(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    store_equal_personas(store, 60)
    full = anyio.Event()

    async def meanwhile(_method: str, path: str) -> None:
        if watched.concurrent_requests == MAX_CONCURRENT_REQUESTS:
            full.set()
        if "/personas/" in path:
            await full.wait()

    watched = ObservedApp(sandbox, meanwhile)
    async with open_tool_client(watched) as client:
        await client.expect_result("audit_personas")
    assert watched.max_concurrent_requests == MAX_CONCURRENT_REQUESTS


async def test_progress_is_monotonic_and_ends_at_the_total(
    tool_client: ToolClient, store: Store
) -> None:
    store_equal_personas(store, 230)
    notifications: list[tuple[float, float | None]] = []

    async def report(progress: float, total: float | None, _message: str | None) -> None:
        notifications.append((progress, total))

    await tool_client.client.call_tool("audit_personas", {}, progress_callback=report)
    done = [progress for progress, _ in notifications]
    assert done == sorted(set(done))
    assert (done[-1], {total for _, total in notifications}) == (230, {230})
    assert 50 <= len(done) <= 150


async def test_a_cancelled_audit_sends_no_more_requests(
    open_tool_client: ToolClientFactory, store: Store, sandbox: Starlette
) -> None:
    """MCP: cancellation; requests in flight are dropped."""
    store_equal_personas(store, 80)
    reached, forever = anyio.Event(), anyio.Event()

    async def meanwhile(_method: str, _path: str) -> None:
        if len(watched.request_lines) == 20:
            reached.set()
        if len(watched.request_lines) >= 20:
            await forever.wait()

    watched = ObservedApp(sandbox, meanwhile)
    async with open_tool_client(watched) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call, "audit_personas")
            await reached.wait()
            tasks.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert watched.concurrent_requests == 0
        sent = len(watched.request_lines)
        watched.before_request = None
        assert (await client.expect_result("list_personas"))["total_count"] > 80
        assert len(watched.request_lines) == sent + 1


async def test_an_audit_writes_no_journal_entries(tool_client: ToolClient, store: Store) -> None:
    store_equal_personas(store, 5)
    await tool_client.expect_result("audit_personas")
    journal = tool_client.server.app.journal
    assert not journal.location.exists()


async def test_the_report_on_a_large_account_stays_readable(
    tool_client: ToolClient, store: Store
) -> None:
    layers = {
        "llm": {
            "model": RETIRED_MODEL,
            "disable_vision": True,
            "extra_body": {"temperature": 9, "a": 1},
        },
        "tts": {"tts_engine": "playht", "voice_settings": {"speed": 9, "x": 1}, "zip": 1},
        "stt": {"stt_engine": "none-such", "smart_turn_detection": True},
        "perception": {"perception_model": "raven-9", "ambient_awareness": True},
        "vqa": {"a": 1},
        "sts": {"b": 1},
        "conversational_flow": {"turn_detection_model": "time-based", "wrong": True},
    }
    broken = {"layers": layers, "system_prompt": "Hi {{name}}", "context": "x", "languages": ["xx"]}
    store_equal_personas(
        store, 150, **broken, audio_only=True, persona_name="", document_ids=["a", "a"]
    )
    result = await tool_client.call("audit_personas", severity="info")
    report = result.structured_content or {}
    assert report["checked"] == 150
    assert len(report["groups"]) > 16
    assert all(row["personas"] == 150 for row in report["groups"])
    assert count_bytes(report) <= 12_000
    assert len(result.content[0].text.encode()) <= 12_000  # type: ignore[union-attr]  # it is text


async def test_the_report_stays_bounded_when_every_rule_has_findings(store: Store) -> None:
    """The size of the report is bounded whatever the findings."""
    from tavus_mcp.fleet.finding_summary import FindingSummary
    from tavus_mcp.models.findings import RuleFinding

    tally = FindingSummary()
    for number in range(50):
        tally.add(
            f"p{number:011x}",
            (
                RuleFinding(
                    severity=rule.severity,
                    path="/layers",
                    message="m" * 120,
                    hint="h" * 120,
                    rule=rule.name,
                    source=rule.source,
                )
                for rule in RULES
            ),
        )
    assert len(json.dumps(tally.groups())) <= 20_000
