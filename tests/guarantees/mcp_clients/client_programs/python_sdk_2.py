"""Use the server by the Python SDK 2.x; prints what it saw as JSON.

Arguments: the era (legacy or auto), the fields of a persona, and the command of the server.
"""

import json
import os
import sys
import warnings
from contextlib import AsyncExitStack
from typing import Any, Literal

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(era: Literal["legacy", "auto"], fields: str, command: str, *more: str) -> None:
    updated: list[str] = []
    arrived = anyio.Event()

    async def handle(message: Any) -> None:
        if getattr(getattr(message, "params", None), "uri", None) is not None:
            updated.append(str(message.params.uri))
            arrived.set()

    parameters = StdioServerParameters(command=command, args=list(more), env=dict(os.environ))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            Client(stdio_client(parameters), mode=era, message_handler=handle)
        )
        tools = (await client.list_tools()).tools
        created = await client.call_tool("create_persona", json.loads(fields))
        persona_id = (created.structured_content or {})["persona_id"]
        uri = f"tavus://personas/{persona_id}"
        read = await client.call_tool("get_persona", {"persona_id": persona_id})
        refused = await client.call_tool("get_persona", {"persona_id": "p000000000000"})
        if era == "legacy":
            with warnings.catch_warnings(action="ignore"):
                await client.subscribe_resource(uri)
        else:
            await stack.enter_async_context(client.listen(resource_subscriptions=[uri]))
        await client.call_tool("update_persona", {"persona_id": persona_id, "greeting": "Hello"})
        with anyio.fail_after(20):
            await arrived.wait()
        protocol = client.protocol_version
    seen = {
        "protocol": protocol,
        "tools": [tool.name for tool in tools],
        "read": read.structured_content,
        "refused": refused.is_error,
        "updated": updated,
    }
    print(json.dumps(seen))  # noqa: T201


anyio.run(main, *sys.argv[1:])
