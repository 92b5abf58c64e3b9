"""An MCP client in forty lines: start the server on its sandbox, create a persona, tune it, undo.

Run it with ``python examples/quickstart.py``; it needs no key and no network.
"""

from __future__ import annotations

import sys
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

SERVER = StdioServerParameters(command=sys.executable, args=["-m", "tavus_mcp", "--sandbox"])


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and return its structured answer; a refusal ends the program with its words."""
    result = await client.call_tool(tool, arguments)
    if result.is_error:
        raise SystemExit(f"{tool}: {result.content[0].model_dump()['text']}")
    return dict(result.structured_content or {})


async def main() -> None:
    """Create a receptionist, make it wait longer, look at the receipt, and take it back."""
    async with Client(SERVER) as client:
        made = await call(
            client,
            "create_persona",
            name="Receptionist",
            system_prompt="You welcome visitors and find out whom they want to see.",
            default_replica_id="rfe12d8b9597",
        )
        tuned = await call(
            client,
            "configure_conversational_flow",
            persona_id=made["persona_id"],
            turn_taking_patience="high",
        )
        print("changed:", [change["path"] for change in tuned["changes"]])
        undone = await call(client, tuned["undo"]["tool"], **tuned["undo"]["arguments"])
        print("undone:", undone["status"])
        plan = await call(client, made["undo"]["tool"], **made["undo"]["arguments"])
        removed = await call(client, "apply_plan", plan_id=plan["plan_id"])
        print("removed:", removed["persona_name"])


if __name__ == "__main__":
    anyio.run(main)
