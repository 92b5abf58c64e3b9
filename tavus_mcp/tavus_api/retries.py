"""Retries as a transport below the client.

Reads are retried after a lost connection, a timeout, 429, 502, 503 and 504. A write is retried only
when it was certainly not executed: no connection was made, or the response was 429.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx2

from tavus_mcp.deadlines import time_left

MAX_ATTEMPTS = 3
MAX_TOTAL_WAIT_SECONDS = 20.0
"""Most seconds of waiting between all attempts; the docs state no rate limit."""
FIRST_WAIT_SECONDS = 0.25
_MAX_RETRY_AFTER_CHARS = 40
_READ_METHODS = frozenset({"GET", "HEAD"})
_RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_NOT_SENT_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class RetryTransport(httpx2.AsyncBaseTransport):
    """Retries requests with exponential backoff and jitter, within a budget."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._inner = inner
        self._sleep = sleep

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request, and again while a retry is safe, useful and within the budget."""
        remaining_wait = min(MAX_TOTAL_WAIT_SECONDS, time_left())
        for attempt in range(1, MAX_ATTEMPTS + 1):
            is_last = attempt == MAX_ATTEMPTS
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
            try:
                response = await self._inner.handle_async_request(request)
            except httpx2.TransportError as error:
                if is_last or not _is_safe_to_retry(error, request) or wait > remaining_wait:
                    raise
            else:
                requested_wait = retry_after(response)
                wait = wait if requested_wait is None else requested_wait
                if is_last or not _is_worth_retrying(response, request) or wait > remaining_wait:
                    return response
                await response.aclose()
            remaining_wait -= wait
            await self._sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")  # pragma: no cover

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._inner.aclose()


def retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds of the header ``Retry-After``, or None."""
    return parse_retry_after(response.headers.get("retry-after", "").strip())


def parse_retry_after(text: str) -> float | None:
    """Return the seconds of a ``Retry-After`` (RFC 9110: a number or a date), or None."""
    if text.isdecimal():
        return float(text)
    if not text or len(text) > _MAX_RETRY_AFTER_CHARS:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _is_safe_to_retry(error: httpx2.TransportError, request: httpx2.Request) -> bool:
    return request.method in _READ_METHODS or isinstance(error, _NOT_SENT_ERRORS)


def _is_worth_retrying(response: httpx2.Response, request: httpx2.Request) -> bool:
    if request.method in _READ_METHODS:
        return response.status_code in _RETRYABLE_STATUSES
    return response.status_code == 429
