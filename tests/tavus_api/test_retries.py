"""Retries: only safe ones, a bounded number, after the requested wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.tavus_api.retries import (
    FIRST_WAIT_SECONDS,
    MAX_ATTEMPTS,
    MAX_TOTAL_WAIT_SECONDS,
    RetryTransport,
    retry_after,
)

pytestmark = pytest.mark.anyio
Step = int | httpx2.TransportError | httpx2.Response


@dataclass
class ScriptedTransport(httpx2.AsyncBaseTransport):
    """Responds with the steps of a script; the last step repeats."""

    steps: Sequence[Step]
    sent: int = 0
    waits: list[float] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        step = self.steps[min(self.sent, len(self.steps) - 1)]
        self.sent += 1
        if isinstance(step, Exception):
            raise step
        return httpx2.Response(step) if isinstance(step, int) else step

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def send(self, method: str) -> httpx2.Response:
        """Send one request through the retrying transport."""
        async with httpx2.AsyncClient(transport=RetryTransport(self, sleep=self.wait)) as client:
            return await client.request(method, "http://127.0.0.1/v2/personas")


def build_retry_after_response(text: str, status: int = 429) -> httpx2.Response:
    return httpx2.Response(status, headers={"retry-after": text})


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_read_is_retried_when_tavus_is_busy(status: int) -> None:
    script = ScriptedTransport([status, status, 200])
    assert (await script.send("GET")).status_code == 200
    assert script.sent == 3


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500, 301])
async def test_a_read_is_not_retried_after_a_permanent_error(status: int) -> None:
    script = ScriptedTransport([status])
    assert (await script.send("GET")).status_code == status
    assert script.sent == 1


async def test_the_number_of_tries_is_bounded_and_the_last_response_is_returned() -> None:
    script = ScriptedTransport([503])
    assert (await script.send("GET")).status_code == 503
    assert script.sent == MAX_ATTEMPTS
    assert len(script.waits) == MAX_ATTEMPTS - 1


@pytest.mark.parametrize(
    "error",
    [httpx2.ConnectError("x"), httpx2.ReadError("x"), httpx2.ReadTimeout("x"),
     httpx2.RemoteProtocolError("x"), httpx2.ConnectTimeout("x"), httpx2.PoolTimeout("x")],
)  # fmt: skip
async def test_a_read_is_retried_after_a_lost_connection(error: httpx2.TransportError) -> None:
    script = ScriptedTransport([error, 200])
    assert (await script.send("GET")).status_code == 200
    for_ever = ScriptedTransport([error])
    with pytest.raises(type(error)):
        await for_ever.send("GET")
    assert for_ever.sent == MAX_ATTEMPTS


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "error",
    [httpx2.ReadError("x"), httpx2.ReadTimeout("x"), httpx2.RemoteProtocolError("x"),
     httpx2.WriteError("x")],
)  # fmt: skip
async def test_a_write_is_not_retried_after_a_lost_response(
    method: str, error: httpx2.TransportError
) -> None:
    """Tavus has no idempotency key: a second POST would create a second persona."""
    script = ScriptedTransport([error, 200])
    with pytest.raises(type(error)):
        await script.send(method)
    assert script.sent == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_write_is_not_retried_when_it_may_have_taken_effect(
    method: str, status: int
) -> None:
    script = ScriptedTransport([status, 200])
    assert (await script.send(method)).status_code == status
    assert script.sent == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("step", [httpx2.ConnectError("x"), httpx2.ConnectTimeout("x"), 429])
async def test_a_write_is_retried_when_it_provably_had_no_effect(method: str, step: Step) -> None:
    script = ScriptedTransport([step, 200])
    assert (await script.send(method)).status_code == 200
    assert script.sent == 2


async def test_waits_grow_with_jitter_without_a_retry_after_header() -> None:
    script = ScriptedTransport([503])
    await script.send("GET")
    for attempt, wait in enumerate(script.waits):
        assert (
            FIRST_WAIT_SECONDS * 2**attempt * 0.5 <= wait <= FIRST_WAIT_SECONDS * 2**attempt * 1.5
        )


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("1", 1.0), (" 7 ", 7.0)])
async def test_a_retry_after_in_seconds_is_respected(text: str, seconds: float) -> None:
    """HTTP: RFC 9110 section 10.2.3."""
    script = ScriptedTransport([build_retry_after_response(text), 200])
    assert (await script.send("GET")).status_code == 200
    assert script.waits == [seconds]


async def test_a_retry_after_date_is_respected() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=9)
    script = ScriptedTransport(
        [build_retry_after_response(format_datetime(moment, usegmt=True), 503), 200]
    )
    assert (await script.send("GET")).status_code == 200
    (wait,) = script.waits
    assert 5 <= wait <= 9


async def test_a_past_retry_after_date_retries_immediately() -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(days=3), usegmt=True)
    script = ScriptedTransport([build_retry_after_response(past), 200])
    await script.send("POST")
    assert script.waits == [0.0]


@pytest.mark.parametrize("text", ["soon", "-5", "1.5", "", "Mon, 99 Foo 2026"])
async def test_an_invalid_retry_after_is_ignored(text: str) -> None:
    script = ScriptedTransport([build_retry_after_response(text), 200])
    assert (await script.send("GET")).status_code == 200
    assert 0 < script.waits[0] < 1


@pytest.mark.parametrize("text", [str(int(MAX_TOTAL_WAIT_SECONDS) + 1), "3600", "9" * 400])
async def test_a_wait_longer_than_the_budget_is_skipped(text: str) -> None:
    script = ScriptedTransport([build_retry_after_response(text)])
    assert (await script.send("GET")).status_code == 429
    assert script.waits == []
    assert script.sent == 1


async def test_the_sum_of_waits_stays_within_the_budget() -> None:
    script = ScriptedTransport(
        [build_retry_after_response("15"), build_retry_after_response("15"), 200]
    )
    assert (await script.send("GET")).status_code == 429
    assert sum(script.waits) <= MAX_TOTAL_WAIT_SECONDS


DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Sun", "X"]),
    st.integers(0, 40),
    st.sampled_from(["Nov", "Feb", "Foo"]),
    st.integers(0, 99_999),
    st.integers(0, 30),
    st.integers(0, 70),
    st.integers(0, 70),
    st.sampled_from(["GMT", "+0000", "-2500", "", "EST"]),
)


@given(text=st.one_of(DATES, st.text(st.characters(min_codepoint=32, max_codepoint=126))))
@settings(max_examples=examples(100))
def test_any_retry_after_value_is_handled(text: str) -> None:
    """HTTP: a header may contain any text."""
    seconds = retry_after(build_retry_after_response(text))
    assert seconds is None or seconds >= 0


def test_a_retry_after_date_with_a_huge_time_zone_offset_is_handled() -> None:
    assert (
        retry_after(build_retry_after_response("Mon, 16 Nov 2026 13:32:02 +99999999999999")) is None
    )


async def test_a_discarded_response_is_closed() -> None:
    first = build_retry_after_response("1")
    await ScriptedTransport([first, 200]).send("GET")
    assert first.is_closed
