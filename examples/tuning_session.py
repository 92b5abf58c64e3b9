"""From "it talks over my customers" to a measured, undoable change of a persona.

A complaint in words becomes goals, the goals a plan that says what it costs, the plan one change.
Calls are measured before and after it, compared, and the change is taken back. Nobody calls the
sandbox: its calls are made up from the persona's settings, and say nothing about real ones.
Run it with ``python examples/tuning_session.py``; it needs no key and no network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

RECEPTIONIST: dict[str, Any] = {
    "name": "Front desk",
    "system_prompt": "You are the receptionist of a dental practice. Find out what people need.",
    "default_replica_id": "rfe12d8b9597",
    "layers": {"conversational_flow": {"turn_taking_patience": "low"}},
}
COMPLAINT = "It talks over my customers, and cuts them off while they think."
CALLS = "60"
FIGURES = ("response_gap_median", "agent_over_user", "user_over_agent", "call_length")


class Session:
    """Calls tools one after the other; a refusal ends the program with its words."""

    def __init__(self, client: Client, environment: dict[str, str]) -> None:
        self.client = client
        self.environment = environment

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its facts."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            raise SystemExit(f"{tool}: {result.content[0].model_dump()['text']}")
        return dict(result.structured_content or {})

    def make_calls(self, persona_id: str) -> None:
        """Let the sandbox make up calls; the same callers ring each time."""
        command = [sys.executable, "-m", "tavus_mcp", "sandbox", "--make-calls", persona_id]
        more = ["--calls", CALLS, "--seed", "7"]
        subprocess.run([*command, *more], env=self.environment, check=True, capture_output=True)  # noqa: S603 - ours
        print(f"   ({CALLS} calls, made up by the sandbox)")


async def plan(session: Session, persona_id: str) -> dict[str, Any]:
    """Turn the complaint into a plan, and show it as one would show it to the person."""
    print(f'1. Somebody says: "{COMPLAINT}"')
    arguments = {"persona_id": persona_id, "complaint": COMPLAINT}
    prompt = await session.client.get_prompt("tune_persona", arguments)
    lines = prompt.messages[0].content.model_dump()["text"].splitlines()
    goals = ["interrupt_less", "be_more_patient"]  # what a model would choose of those described
    print("   The prompt tune_persona describes the goals and the call:")
    for line in lines:
        if "suggest_tuning(" in line or line.startswith(tuple(f"- {goal}:" for goal in goals)):
            print(f"   {line}")
    planned = await session.call("suggest_tuning", persona_id=persona_id, goals=goals)
    print(f"2. The plan {planned['plan_id']}, nothing sent yet:")
    for change in planned["changes"]:
        print(f"   {change['path']}: {change.get('before')} -> {change['after']}")
        print(f"     why: {change['reason']}")
        print(f"     effect: {change['effect']}")
        print(f"     at what cost: {change.get('trade_off', 'none known')}")
        print(f"     says who: {change['source']} ({change['confidence']})")
    return planned


async def compare(session: Session, before: str, after: str) -> None:
    """Show the figures of two revisions side by side, and whether they differ by chance."""
    compared = await session.call("compare_personas", first=before, second=after, measure=True)
    print("4. Was it worth it? Before, after (95 % intervals):")
    for row in compared["figures"]["figures"]:
        if row["figure"] in FIGURES:
            sides = f"{format_side(row, 'first')}, {format_side(row, 'second')}"
            print(f"   {row['figure']}, {row['unit']}: {sides}: {row['verdict']}")
    if "extra 'statistics'" in compared["figures"]["note"]:
        print(f"   {compared['figures']['note']}")


def format_side(row: dict[str, Any], side: str) -> str:
    """Return the value of one side, with its interval where there is one."""
    value = f"{row[side]:.2f}"
    if f"{side}_low" not in row:
        return value
    return f"{value} ({row[f'{side}_low']:.2f} to {row[f'{side}_high']:.2f})"


async def main() -> None:
    """Complain, plan, measure, change, measure again, compare, and take it back."""
    with tempfile.TemporaryDirectory(prefix="tuning-session-") as folder:
        environment = {**os.environ, "TAVUS_MCP_DATA_DIR": folder}
        command = ["-m", "tavus_mcp", "--sandbox", "--toolsets", "all"]
        server = StdioServerParameters(command=sys.executable, args=command, env=environment)
        async with Client(server) as client:
            session = Session(client, environment)
            made = await session.call("create_persona", **RECEPTIONIST)
            persona_id, before = made["persona_id"], made["revision"]
            session.make_calls(persona_id)
            planned = await plan(session, persona_id)
            done = await session.call("apply_plan", plan_id=planned["plan_id"])
            print(f"3. Applied as one revision: {before} -> {done['revision']}")
            session.make_calls(persona_id)
            await compare(session, f"{persona_id}@{before}", f"{persona_id}@{done['revision']}")
            undone = await session.call(done["undo"]["tool"], **done["undo"]["arguments"])
            back = "the earlier revision" if undone["revision"] == before else "something else"
            print(f"5. Undone: {undone['status']}; the persona is at {back} again.")


if __name__ == "__main__":
    anyio.run(main)
