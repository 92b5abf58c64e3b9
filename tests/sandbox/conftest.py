from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open(None)
    yield opened
    opened.close()


@pytest.fixture
async def sandbox_client(store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=build_sandbox(store))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://sandbox", headers={"x-api-key": "any"}
    ) as client:
        yield client
