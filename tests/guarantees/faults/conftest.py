from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from network import FaultScenario, SandboxServer, connect_tool_client, serve_sandbox


@pytest.fixture(scope="module")
def sandbox_server() -> Iterator[SandboxServer]:
    with serve_sandbox() as tavus:
        yield tavus


@pytest.fixture
async def scenario(sandbox_server: SandboxServer, tmp_path: Path) -> AsyncIterator[FaultScenario]:
    async with connect_tool_client(sandbox_server, tmp_path) as (tool_client, transport):
        yield FaultScenario(tool_client, transport, sandbox_server, tmp_path / "journal.sqlite3")
        transport.is_refused = lambda _method, _path: False
    sandbox_server.clear_faults()
