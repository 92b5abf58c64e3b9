"""The server of this project with the fixtures of the conformance suite, over streamable HTTP.

The suite speaks HTTP only. The same server object that is served on stdio is put behind the SDK's
HTTP application, on the embedded sandbox. Argument: the data folder. Prints the address.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fixture_tools import add_fixtures
from mcp.server.mcpserver import MCPServer

from tavus_mcp.cli.wiring import build_app
from tavus_mcp.server.completions import register_completions
from tavus_mcp.server.prompts import register_prompts
from tavus_mcp.server.resources import register_resources
from tavus_mcp.server.server import TavusServer
from tavus_mcp.server.surface import load_surface
from tavus_mcp.settings import TOOLSETS, Settings


class FixtureServer(TavusServer):
    """The server with the tools of the suite, which it does not know by itself."""

    fixture_names: frozenset[str] = frozenset()

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call a tool; those of the suite pass by the preparation of arguments."""
        if name in self.fixture_names:
            return await MCPServer.call_tool(self, name, arguments, context)
        return await super().call_tool(name, arguments, context)


def build_fixture_server(folder: Path) -> FixtureServer:
    settings = Settings(sandbox=True, toolsets=TOOLSETS, data_dir=folder)
    app = build_app(settings)
    server = FixtureServer(app, settings, load_surface()["tools"])
    register_resources(server, app, server.unserved)
    register_prompts(server, app, server.unserved.reasons)
    register_completions(server, app)
    server.fixture_names = add_fixtures(server)
    return server


def main() -> None:
    server = build_fixture_server(Path(sys.argv[1]))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        print(f"http://127.0.0.1:{port}/mcp", flush=True)  # noqa: T201
        config = uvicorn.Config(server.streamable_http_app(), log_level="error")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
