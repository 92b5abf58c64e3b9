"""The demonstration: a real MCP client drives the server through the life of a persona.

The server runs as a subprocess over stdio, on the embedded sandbox, with a data folder that is
thrown away. Every step is checked; the first that is not as it must be ends the demo with 1.
"""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

_WIDTH = 96
_PROMPT = (
    "You are a senior technical interviewer. Ask about system design, one question at a time, and "
    "let the candidate finish. Be demanding but kind."
)


class StepFailed(Exception):
    """A step did not go as it must."""


@dataclass
class Stage:
    """Where the demo plays: the client, what is known by now, and how steps are told."""

    client: Client
    persona_id: str = ""
    revision: str = ""
    plan_id: str = ""
    undo: dict[str, Any] = field(default_factory=dict)
    step: int = 0

    def tell(self, headline: str, *lines: str) -> None:
        """Print the headline of a step and what there is to say of it."""
        self.step += 1
        self.say(f"\n{self.step}. {headline}")
        for line in lines:
            self.say(line, indent="   ")

    def say(self, text: str, indent: str = "") -> None:
        """Print text, wrapped to a readable width."""
        for line in text.splitlines() or [""]:
            deep = indent + " " * (len(line) - len(line.lstrip()))
            wrapped = textwrap.wrap(
                line.strip(), _WIDTH, initial_indent=deep, subsequent_indent=deep + "  "
            )
            sys.stdout.write("\n".join(wrapped) + "\n")
        sys.stdout.flush()

    async def call(self, tool: str, *, fails: bool = False, **arguments: Any) -> CallToolResult:
        """Call a tool as an assistant would, show call and answer, and insist on the outcome."""
        shown = ", ".join(f"{name}={_short(value)}" for name, value in arguments.items())
        self.say(f"> {tool}({shown})", indent="   ")
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        self.say(text, indent="   | ")
        must(bool(result.is_error) is fails, f"{tool} {'succeeded' if fails else 'failed'}")
        return result

    async def facts(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer."""
        return dict((await self.call(tool, **arguments)).structured_content or {})


def must(holds: bool, otherwise: str) -> None:
    """Go on when ``holds``; else end the demo saying what went wrong."""
    if not holds:
        raise StepFailed(otherwise)


async def demo() -> int:
    """Run every step; return 0 when each went as it must, 1 at the first that did not."""
    with tempfile.TemporaryDirectory(prefix="tavus-mcp-demo-") as folder:
        environment = {**os.environ, "TAVUS_MCP_DATA_DIR": folder}
        command = ["-m", "tavus_mcp", "--sandbox"]
        server = StdioServerParameters(command=sys.executable, args=command, env=environment)
        async with Client(server) as client:
            stage = Stage(client)
            try:
                for step in _STEPS:
                    await step(stage)
            except StepFailed as failure:
                sys.stderr.write(f"\nThe demo failed at step {stage.step}: {failure}.\n")
                return 1
    stage.say(
        "\nDone: every step went as it must. All of it ran on the sandbox, a local stand-in for "
        "Tavus; no key was used and nothing left this machine."
    )
    return 0


async def _meet(stage: Stage) -> None:
    stage.say(
        "tavus-mcp lets an assistant configure Tavus personas (the people in an AI video call). "
        "This demo is the assistant: it calls the tools (>) and shows what comes back (|)."
    )
    tools = [tool.name for tool in (await stage.client.list_tools()).tools]
    stage.tell(f"The assistant connects and finds {len(tools)} tools.", ", ".join(tools))
    must("create_persona" in tools and "delete_persona" in tools, "tools are missing")


async def _create(stage: Stage) -> None:
    stage.tell(
        'Somebody says: "Make me a technical interviewer."',
        "The settings come from an old tutorial. They are accepted; what has moved on is said.",
    )
    receipt = await stage.facts(
        "create_persona",
        name="Technical Interviewer",
        system_prompt=_PROMPT,
        default_replica_id="rfe12d8b9597",
        layers={
            "llm": {"model": "tavus-gpt-4o"},
            "tts": {"tts_engine": "cartesia", "voice_id": "a0e99841-438c-4a64-b679-ae501e7d6091"},
            "stt": {"smart_turn_detection": True, "participant_pause_sensitivity": "high"},
        },
    )
    must(receipt["status"] == "applied", "nothing was created")
    must(any(item["path"] == "/layers/llm/model" for item in receipt["findings"]), "no finding")
    stage.persona_id = receipt["persona_id"]


async def _inspect(stage: Stage) -> None:
    stage.tell("The assistant finds it by name and reads it back, with the revision it is at.")
    found = await stage.facts("list_personas", name_contains="interviewer", persona_type="user")
    must([row["persona_id"] for row in found["personas"]] == [stage.persona_id], "not found")
    read = await stage.facts("get_persona", persona_id=stage.persona_id)
    tts = read["persona"]["layers"]["tts"]
    must("external_voice_id" in tts and "voice_id" not in tts, "the voice id is misplaced")
    stage.revision = read["revision"]


async def _preview(stage: Stage) -> None:
    stage.tell(
        '"It talks over my candidates." The server knows what to change, why, and at what cost.',
        "It answers with a plan: nothing is sent yet.",
    )
    planned = await stage.facts(
        "suggest_tuning", persona_id=stage.persona_id, goals=["interrupt_less"]
    )
    must(planned["status"] == "planned", "the preview is no preview")
    told = {name for change in planned["changes"] for name in change}
    must({"reason", "effect", "trade_off", "source"} <= told, "the plan does not say why")
    must(planned["revision"] == stage.revision, "the preview changed something")
    stage.plan_id = planned["plan_id"]


async def _tune(stage: Stage) -> None:
    stage.tell('"Yes, do that." Exactly that plan is carried out, unless the persona was changed.')
    receipt = await stage.facts("apply_plan", plan_id=stage.plan_id)
    must(receipt["status"] == "applied", "the plan was not applied")
    must(receipt["revision"] != stage.revision, "the revision did not move")
    stage.undo = receipt["undo"]


async def _edit(stage: Stage) -> None:
    stage.tell("One sentence of the prompt changes; the rest is not sent again.")
    receipt = await stage.facts(
        "edit_prompt",
        persona_id=stage.persona_id,
        find="Be demanding but kind.",
        replace="Be kind, and never rush.",
    )
    must(receipt["status"] == "applied", "the prompt was not edited")


async def _mistake(stage: Stage) -> None:
    stage.tell("A mistake is refused before anything is sent, with what is allowed.")
    arguments = {"persona_id": stage.persona_id, "turn_taking_patience": "very high"}
    await stage.call("configure_conversational_flow", fails=True, **arguments, wakephrase="Hi")
    await stage.call("get_persona", fails=True, persona_id="../conversations/c1/end")


async def _undo(stage: Stage) -> None:
    stage.tell('"No, put the turn-taking back." The receipt held the call that undoes it.')
    receipt = await stage.facts(stage.undo["tool"], **stage.undo["arguments"])
    must(receipt["status"] == "applied", "the undo was not applied")
    read = await stage.client.call_tool("get_persona", {"persona_id": stage.persona_id})
    persona = (read.structured_content or {})["persona"]
    must("conversational_flow" not in persona["layers"], "the undo left something behind")
    must("never rush" in persona["system_prompt"], "the undo took more than it should")
    told = await stage.facts("list_revisions", persona_id=stage.persona_id)
    must(len(told["revisions"]) >= 4, "the history has gaps")


async def _delete(stage: Stage) -> None:
    stage.tell("Deleting answers with a plan first, so that a slip deletes nothing.")
    planned = await stage.facts("delete_persona", persona_id=stage.persona_id)
    must(planned["status"] == "planned", "it was deleted in one call")
    receipt = await stage.facts("apply_plan", plan_id=planned["plan_id"])
    must(receipt["status"] == "applied", "it was not deleted")
    await stage.call("get_persona", fails=True, persona_id=stage.persona_id)
    stage.undo = receipt["undo"]


async def _revive(stage: Stage) -> None:
    stage.tell("Even that can be undone: the persona comes back, under a new id.")
    receipt = await stage.facts(stage.undo["tool"], **stage.undo["arguments"])
    must(receipt["status"] == "applied", "it did not come back")
    must(receipt["persona_id"] != stage.persona_id, "the id should be new")


_STEPS: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    _meet,
    _create,
    _inspect,
    _preview,
    _tune,
    _edit,
    _mistake,
    _undo,
    _delete,
    _revive,
)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
