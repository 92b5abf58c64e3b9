"""Retrying as a transport, below the client that uses it.

Reads are tried again after a lost connection, a timeout, 429, 502, 503 and 504. A write is tried
again only when it was provably not executed: no connection was made, or it was answered 429.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx2

MAX_ATTEMPTS = 3
MAX_TOTAL_WAIT_SECONDS = 20.0
"""Seconds that waiting between tries may take together; docs name no rate limit to plan for."""
FIRST_WAIT_SECONDS = 0.25
_READ_METHODS = frozenset({"GET", "HEAD"})
_RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})
_NOT_SENT_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class RetryTransport(httpx2.AsyncBaseTransport):
    """Tries again what may be tried again, a bounded number of times, with jitter."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        *,
        max_attempts: int = MAX_ATTEMPTS,
        max_total_wait: float = MAX_TOTAL_WAIT_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._inner = inner
        self._max_attempts = max_attempts
        self._max_total_wait = max_total_wait
        self._sleep = sleep

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request, and again while that is safe, useful and within the budget."""
        left = self._max_total_wait
        for attempt in range(1, self._max_attempts + 1):
            last = attempt == self._max_attempts
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
            try:
                response = await self._inner.handle_async_request(request)
            except httpx2.TransportError as error:
                if last or not _is_safe_to_retry(error, request) or wait > left:
                    raise
            else:
                asked = retry_after(response)
                wait = wait if asked is None else asked
                if last or not _is_worth_retrying(response, request) or wait > left:
                    return response
                await response.aclose()
            left -= wait
            await self._sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")  # pragma: no cover

    async def aclose(self) -> None:
        """Close what is below."""
        await self._inner.aclose()


def retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds a reply asks to wait (RFC 9110: a number or a date), or None."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text)
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
