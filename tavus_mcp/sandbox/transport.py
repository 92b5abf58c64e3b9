"""The sandbox inside the process of its client, without a port."""

from __future__ import annotations

from pathlib import Path

import httpx2

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store


class SandboxTransport(httpx2.ASGITransport):
    """An HTTP transport to a sandbox in this process; closing it closes the state."""

    def __init__(self, state: Path | None) -> None:
        self._store = Store.open(state)
        super().__init__(app=build_sandbox(self._store))

    async def aclose(self) -> None:
        """Close the state file."""
        self._store.close()
