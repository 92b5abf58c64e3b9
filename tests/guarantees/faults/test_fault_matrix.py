"""Every fault against every kind of request, over real sockets.

After any fault: no persona was created twice, no change is lost, no change is reported as applied
that is not stored, and the answer states the outcome within the time limit.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from mcp_client import text_of
from mcp_types import CallToolResult
from network import FaultScenario

from tavus_mcp.journal.journal import JournalStore

pytestmark = pytest.mark.anyio

BUDGET = 6.0
"""Seconds a call may take: three tries, their short timeouts, and the waits between them."""
CLEAR = re.compile(
    r"((Tavus answered \d{3}|No answer from Tavus) for|Tavus answered that) .*[.].+", re.DOTALL
)
UNSURE = re.compile(r"may still arrive|not known whether|still there|read it again", re.IGNORECASE)
SURE = re.compile(r"nothing was (changed|written|sent)", re.IGNORECASE)


def _http_date_in_one_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


def _build_status_fault(status: int, **headers: str) -> dict[str, Any]:
    return {"kind": "status", "status": status, "headers": headers}


FAULTS: dict[str, Callable[[], dict[str, Any]]] = {
    "connect refused": lambda: {"kind": "refused"},
    "reset before it is read": lambda: {"kind": "reset_before"},
    "reset after it": lambda: {"kind": "reset_after"},
    "timeout before it": lambda: {"kind": "slow", "delay": 1.0},
    "timeout after it": lambda: {"kind": "withheld"},
    "429": lambda: _build_status_fault(429),
    "429 retry after 0": lambda: _build_status_fault(429, **{"retry-after": "0"}),
    "429 retry after 1": lambda: _build_status_fault(429, **{"retry-after": "1"}),
    "429 retry after a date": lambda: _build_status_fault(
        429, **{"retry-after": _http_date_in_one_second()}
    ),
    "429 retry after an hour": lambda: _build_status_fault(429, **{"retry-after": "3600"}),
    "500": lambda: _build_status_fault(500),
    "502": lambda: _build_status_fault(502),
    "503": lambda: _build_status_fault(503),
    "html 502": lambda: {"kind": "html"},
    "html 200": lambda: {"kind": "html", "status": 200},
    "cut json": lambda: {"kind": "cut_json"},
    "cut body": lambda: {"kind": "cut_body"},
    "empty 200": lambda: {"kind": "empty", "status": 200},
    "drip": lambda: {"kind": "drip"},
}


@dataclass
class RequestCase:
    """A kind of request: the call that causes it, and the check whether it took effect."""

    method: str
    line: FaultScenario
    name: str
    persona_id: str = ""
    plan_id: str = ""

    @property
    def path(self) -> str:
        return f"/v2/personas/{self.persona_id}" if self.persona_id else "/v2/personas"

    async def prepare(self) -> None:
        if self.method in ("GET one", "PATCH", "DELETE"):
            self.persona_id = await self.line.tool_client.create_persona(
                name=self.name, greeting="Hi."
            )
        if self.method == "DELETE":
            plan = await self.line.tool_client.expect_result(
                "delete_persona", persona_id=self.persona_id
            )
            self.plan_id = plan["plan_id"]

    async def make(self) -> CallToolResult:
        call = self.line.tool_client.call
        match self.method:
            case "GET":
                return await call("list_personas", limit=5)
            case "GET one":
                return await call("get_persona", persona_id=self.persona_id)
            case "POST":
                return await call(
                    "create_persona",
                    name=self.name,
                    system_prompt="You help.",
                    layers={"llm": {"model": "tavus-gpt-oss"}},
                )
            case "PATCH":
                return await call("update_persona", persona_id=self.persona_id, greeting="Ciao.")
        return await call("apply_plan", plan_id=self.plan_id)

    def took_effect(self) -> bool:
        if self.method == "POST":
            return len(self.line.sandbox_server.find_personas_by_name(self.name)) == 1
        row = self.line.sandbox_server.find_persona(self.persona_id)
        return row is None if self.method == "DELETE" else bool(row and row["greeting"] == "Ciao.")


def inject_fault(request: RequestCase, fault: dict[str, Any], *, times: int) -> None:
    """Plan the fault for this request, once or until it is cleared."""
    method = request.method.removesuffix(" one")
    left = [times or 10**6]

    def meant(request_method: str, path: str) -> bool:
        if (request_method, path) != (method, request.path) or not left[0]:
            return False
        left[0] -= 1
        return True

    match fault["kind"]:
        case "refused":
            request.line.transport.is_refused = meant
        case "withheld":
            request.line.sandbox_server.faulty_app.is_withheld = meant
        case "drip":
            request.line.sandbox_server.faulty_app.is_sent_slowly = meant
        case _:
            planned = {**fault, "method": method, "path": request.path, "times": times}
            request.line.sandbox_server.send_control_request("POST", "faults", planned)


METHODS = ("GET", "GET one", "POST", "PATCH", "DELETE")
CASES = [
    pytest.param(
        fault,
        method,
        id=f"{fault}-{method}",
    )
    for fault in FAULTS
    for method in METHODS
]


@pytest.mark.parametrize("times", [1, 0], ids=["once", "always"])
@pytest.mark.parametrize(("fault", "method"), CASES)
async def test_a_fault_loses_and_duplicates_no_write_and_is_reported(
    scenario: FaultScenario, fault: str, method: str, times: int
) -> None:
    request = RequestCase(method, scenario, f"Bot {uuid.uuid4()}")
    await request.prepare()
    inject_fault(request, FAULTS[fault](), times=times)
    with anyio.fail_after(BUDGET):
        result = await request.make()
    there_now = request.took_effect() if request.method[:3] != "GET" else None
    scenario.transport.is_refused = lambda _method, _path: False
    scenario.sandbox_server.clear_faults()
    if result.is_error:
        text = text_of(result)
        assert CLEAR.search(text), text
        assert "Error executing" not in text
    if there_now is None:
        check_read_is_correct_or_refused(request, result)
    else:
        check_write_is_reported_correctly(request, result, there_now=there_now)
        await check_history_records_the_write(request)


def check_read_is_correct_or_refused(request: RequestCase, result: CallToolResult) -> None:
    if result.is_error:
        return
    facts = result.structured_content or {}
    if request.method == "GET":
        total = len(request.line.sandbox_server.store.all("persona"))
        assert facts["total_count"] == total
        assert len(facts["personas"]) == min(5, total)
    else:
        assert facts["persona"]["persona_name"] == request.name


def check_write_is_reported_correctly(
    request: RequestCase, result: CallToolResult, *, there_now: bool
) -> None:
    assert len(request.line.sandbox_server.find_personas_by_name(request.name)) <= 1
    if not result.is_error:
        facts = result.structured_content or {}
        assert facts["status"] == "applied"
        assert there_now, "it was called applied, and was not there"
        if request.method == "POST":
            (made,) = request.line.sandbox_server.find_personas_by_name(request.name)
            assert facts["persona_id"] == made["persona_id"]
        return
    text = text_of(result)
    if request.took_effect():
        assert UNSURE.search(text), text
        assert not SURE.search(text), text


async def check_history_records_the_write(request: RequestCase) -> None:
    there = request.took_effect()
    journal = JournalStore.open(request.line.journal_path)
    assert journal.verify() == []
    journal.close()
    if request.method != "PATCH":
        return
    history = await request.line.tool_client.expect_result(
        "list_revisions", persona_id=request.persona_id
    )
    statuses = [
        row["status"] for row in history["revisions"] if row.get("tool") == "update_persona"
    ]
    assert len(statuses) == 1
    assert (statuses == ["applied"]) is there
