"""audit_personas: counted right, told in few words, partial where it must be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from account import DEPRECATED, RETIRED, Watched, fill, many, model, persona_of, weight
from mcp_client import Desk
from starlette.applications import Starlette

from tavus_mcp.checker.rules import RULES
from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS
from tavus_mcp.sandbox.faults import Fault
from tavus_mcp.sandbox.store import Store

if TYPE_CHECKING:
    from conftest import Opening

pytestmark = pytest.mark.anyio


def group(report: dict[str, Any], rule: str) -> dict[str, Any]:
    return next(row for row in report["groups"] if row["rule"] == rule)


def fails(sandbox: Starlette, **fault: Any) -> None:
    sandbox.state.faults.plan(Fault(kind="status", **fault))


async def test_personas_are_counted_by_rule_worst_and_most_frequent_first(
    desk: Desk, store: Store
) -> None:
    old = [persona_of(number, layers=model(RETIRED)) for number in range(14)]
    older = [persona_of(number, layers=model(DEPRECATED)) for number in range(20, 23)]
    empty = [persona_of(30, system_prompt="")]
    fine = [persona_of(number) for number in range(40, 45)]
    ids = fill(store, *old, *older, *empty, *fine)
    report = await desk.facts("audit_personas")
    assert (report["checked"], report["total_count"], report["complete"]) == (23, 23, True)
    assert [(row["rule"], row["severity"], row["personas"]) for row in report["groups"]] == [
        ("system-prompt-missing", "error", 1),
        ("llm-model-retired", "warning", 14),
        ("llm-model-deprecated", "warning", 3),
    ]
    assert report["counts"] == {"error": 1, "warning": 17}
    retired = group(report, "llm-model-retired")
    assert retired["message"].startswith("14 personas: tavus-llama is gone")
    assert retired["persona_ids"] == ids[:14]
    assert "configure_llm" in retired["hint"]
    assert retired["source"]


async def test_where_messages_differ_one_is_told_as_an_example(desk: Desk, store: Store) -> None:
    fill(
        store,
        persona_of(1, layers=model("tavus-gpt-4o")),
        persona_of(2, layers=model("tavus-gpt-4.1")),
    )
    row = group(await desk.facts("audit_personas"), "llm-model-deprecated")
    assert row["message"].startswith("2 personas, for example: tavus-gpt-4")


async def test_a_rule_with_many_places_in_one_persona_counts_that_persona_once(
    desk: Desk, store: Store
) -> None:
    fill(store, persona_of(1, system_prompt="Hi {{name}}.", greeting="Hello {{name}}."))
    report = await desk.facts("audit_personas")
    assert group(report, "placeholder-in-text")["personas"] == 1
    assert report["counts"] == {"warning": 2}


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        ("error", {"error"}),
        ("warning", {"error", "warning"}),
        ("info", {"error", "warning", "info"}),
    ],
)
async def test_the_least_severity_that_is_told_can_be_chosen(
    desk: Desk, store: Store, severity: str, told: set[str]
) -> None:
    fill(
        store, persona_of(1, system_prompt=""), persona_of(2, layers=model(RETIRED), greeting="Hi")
    )
    report = await desk.facts("audit_personas", severity=severity)
    assert {row["severity"] for row in report["groups"]} == told == set(report["counts"])


async def test_stock_personas_are_left_out_unless_asked_for(desk: Desk, store: Store) -> None:
    many(store, 3)
    stock = len([row for row in store.all("persona") if row["persona_type"] == "system"])
    checked = {
        kind: (await desk.facts("audit_personas", persona_type=kind))["checked"]
        for kind in ("user", "system", "all")
    }
    assert checked == {"user": 3, "system": stock, "all": 3 + stock}


async def test_a_part_of_the_name_chooses_in_the_whole_account(desk: Desk, store: Store) -> None:
    fill(store, *(persona_of(number) for number in range(250)))
    report = await desk.facts("audit_personas", name_contains="persona 24")
    assert (report["checked"], report["total_count"], report["complete"]) == (11, 11, True)
    assert sum(line.endswith("/personas") for line in desk.wire.lines) == 4


async def test_rows_of_the_list_are_not_taken_for_whole_documents(desk: Desk, store: Store) -> None:
    """Ours: nobody promises that a list says everything of a persona."""
    ids = many(store, 12)
    await desk.facts("audit_personas")
    read = [line for line in desk.wire.lines if "/personas/" in line]
    assert sorted(read) == sorted(f"GET /v2/personas/{persona_id}" for persona_id in ids)


async def test_what_cannot_be_read_is_told_and_stops_nothing(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 20, layers=model(RETIRED))
    fails(sandbox, path=f"/v2/personas/{ids[4]}", status=500, times=0)
    fails(sandbox, path=f"/v2/personas/{ids[9]}", status=400, body={"error": "Invalid persona_id"})
    report = await desk.facts("audit_personas")
    assert (report["checked"], report["unread"], report["complete"]) == (18, 2, False)
    assert {row["persona_id"] for row in report["failed"]} == {ids[4], ids[9]}
    assert all("Tavus answered" in row["error"] for row in report["failed"])
    assert group(report, "llm-model-retired")["personas"] == 18


async def test_a_persona_that_vanishes_during_the_walk_is_told(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    ids = many(store, 20)

    async def meanwhile(_method: str, path: str) -> None:
        if path.endswith(ids[0]):
            store.remove("persona", ids[15])

    async with opening(Watched(sandbox, meanwhile)) as desk:
        report = await desk.facts("audit_personas")
    assert (report["checked"], report["unread"], report["complete"]) == (19, 1, False)
    assert report["failed"][0]["persona_id"] == ids[15]


async def test_a_list_that_breaks_off_is_told_with_what_was_found_until_then(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    many(store, 250, layers=model(RETIRED))
    fails(sandbox, path="/v2/personas", status=500, skip=2, times=0)
    report = await desk.facts("audit_personas")
    assert 100 <= report["checked"] < 250
    assert report["complete"] is False
    assert "list" in report["stopped"]
    assert group(report, "llm-model-retired")["personas"] == report["checked"]


async def test_a_list_that_cannot_be_read_at_all_fails_the_call(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    many(store, 3)
    fails(sandbox, path="/v2/personas", status=500, times=0)
    assert "Tavus answered 500 for the list of personas" in await desk.refusal("audit_personas")
    assert len(desk.wire.lines) == 1


async def test_a_key_that_is_refused_ends_it_at_once(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    many(store, 100)
    fails(sandbox, path="/v2/personas/*", status=401, times=0)
    assert "TAVUS_API_KEY" in await desk.refusal("audit_personas")
    assert len(desk.wire.lines) <= 1 + MAX_CONCURRENT_REQUESTS


async def test_when_nothing_can_be_read_any_more_it_stops_trying(
    desk: Desk, store: Store, sandbox: Starlette
) -> None:
    many(store, 200)
    fails(sandbox, path="/v2/personas/*", status=500, skip=30, times=0)
    report = await desk.facts("audit_personas")
    assert report["checked"] == 30
    assert "in a row" in report["stopped"]
    assert report["unread"] < 40
    assert report["complete"] is False


async def test_so_many_requests_are_under_way_and_no_more(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    many(store, 60)
    full = anyio.Event()

    async def meanwhile(_method: str, path: str) -> None:
        if watched.now == MAX_CONCURRENT_REQUESTS:
            full.set()
        if "/personas/" in path:
            await full.wait()

    watched = Watched(sandbox, meanwhile)
    async with opening(watched) as desk:
        await desk.facts("audit_personas")
    assert watched.most == MAX_CONCURRENT_REQUESTS


async def test_progress_only_grows_and_ends_at_the_total(desk: Desk, store: Store) -> None:
    many(store, 230)
    told: list[tuple[float, float | None]] = []

    async def hear(progress: float, total: float | None, _message: str | None) -> None:
        told.append((progress, total))

    await desk.client.call_tool("audit_personas", {}, progress_callback=hear)
    done = [progress for progress, _ in told]
    assert done == sorted(set(done))
    assert (done[-1], {total for _, total in told}) == (230, {230})
    assert 50 <= len(done) <= 150


async def test_a_cancelled_audit_sends_no_more_requests(
    opening: Opening, store: Store, sandbox: Starlette
) -> None:
    """Required by MCP; what was under way is dropped."""
    many(store, 80)
    reached, forever = anyio.Event(), anyio.Event()

    async def meanwhile(_method: str, _path: str) -> None:
        if len(watched.lines) == 20:
            reached.set()
        if len(watched.lines) >= 20:
            await forever.wait()

    watched = Watched(sandbox, meanwhile)
    async with opening(watched) as desk:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.call, "audit_personas")
            await reached.wait()
            tasks.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert watched.now == 0
        sent = len(watched.lines)
        watched.meanwhile = None
        assert (await desk.facts("list_personas"))["total_count"] > 80
        assert len(watched.lines) == sent + 1


async def test_an_audit_writes_no_line_of_the_journal(desk: Desk, store: Store) -> None:
    many(store, 5)
    await desk.facts("audit_personas")
    diary = desk.server.app.diary
    assert not diary.path.exists()


async def test_the_report_on_a_large_account_stays_readable(desk: Desk, store: Store) -> None:
    layers = {
        "llm": {"model": RETIRED, "disable_vision": True, "extra_body": {"temperature": 9, "a": 1}},
        "tts": {"tts_engine": "playht", "voice_settings": {"speed": 9, "x": 1}, "zip": 1},
        "stt": {"stt_engine": "none-such", "smart_turn_detection": True},
        "perception": {"perception_model": "raven-9", "ambient_awareness": True},
        "vqa": {"a": 1},
        "sts": {"b": 1},
        "conversational_flow": {"turn_detection_model": "time-based", "wrong": True},
    }
    broken = {"layers": layers, "system_prompt": "Hi {{name}}", "context": "x", "languages": ["xx"]}
    many(store, 150, **broken, audio_only=True, persona_name="", document_ids=["a", "a"])
    result = await desk.call("audit_personas", severity="info")
    report = result.structured_content or {}
    assert report["checked"] == 150
    assert len(report["groups"]) > 16
    assert all(row["personas"] == 150 for row in report["groups"])
    assert weight(report) <= 12_000
    assert len(result.content[0].text.encode()) <= 12_000  # type: ignore[union-attr]  # it is text


async def test_each_rule_has_room_even_if_all_strike(store: Store) -> None:
    """Whatever is wrong with an account, what is told of it has an end."""
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
