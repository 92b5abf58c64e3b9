"""Fixtures of the tests about conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.types import ASGIApp


@pytest.fixture
async def sandbox_client(sandbox: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client of the sandbox."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=sandbox),
        base_url="http://127.0.0.1",
        headers={"x-api-key": "any"},
    ) as client:
        yield client
