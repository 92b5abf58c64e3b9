"""The baseline: a server with one tool on the bare SDK, over the SDK's own stdio."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

server = MCPServer("bare", log_level="WARNING")


@server.tool()
async def answer(question: str) -> str:
    """Answer "yes" to a question, and "no" to an empty one."""
    return "yes" if question else "no"


if __name__ == "__main__":
    server.run("stdio")
