"""Use the server by the Python SDK 1.x; prints what it saw as JSON.

Arguments: the era (unused), the fields of a persona to create, and the command of the server.
"""

import json
import os
import sys

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from pydantic import AnyUrl


async def main(fields: str, command: str, *arguments: str) -> None:
    updated: list[str] = []
    arrived = anyio.Event()

    async def handle(message: object) -> None:
        uri = getattr(getattr(getattr(message, "root", None), "params", None), "uri", None)
        if uri is not None:
            updated.append(str(uri))
            arrived.set()

    parameters = StdioServerParameters(command=command, args=list(arguments), env=dict(os.environ))
    async with (
        stdio_client(parameters) as streams,
        ClientSession(*streams, message_handler=handle) as session,
    ):
        started = await session.initialize()
        tools = (await session.list_tools()).tools
        created = await session.call_tool("create_persona", json.loads(fields))
        persona_id = (created.structuredContent or {})["persona_id"]
        read = await session.call_tool("get_persona", {"persona_id": persona_id})
        refused = await session.call_tool("get_persona", {"persona_id": "p000000000000"})
        await session.subscribe_resource(AnyUrl(f"tavus://personas/{persona_id}"))
        await session.call_tool("update_persona", {"persona_id": persona_id, "greeting": "Hello"})
        with anyio.fail_after(20):
            await arrived.wait()
    seen = {
        "protocol": started.protocolVersion,
        "tools": [tool.name for tool in tools],
        "read": read.structuredContent,
        "refused": refused.isError,
        "updated": updated,
    }
    print(json.dumps(seen))  # noqa: T201


anyio.run(main, *sys.argv[2:])
