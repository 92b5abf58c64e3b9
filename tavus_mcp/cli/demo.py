"""``tavus-mcp demo``: a real MCP client drives the server through the life of a persona.

The server runs as a subprocess over stdio, on the embedded sandbox, with a temporary data folder.
Every step is checked; the first that fails ends the demo with status 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from tavus_mcp.settings import Settings

_LINE_WIDTH_CHARS = 96
_PROMPT = (
    "You are a senior technical interviewer. Ask about system design, one question at a time, and "
    "let the candidate finish. Be demanding but kind."
)


class StepFailed(Exception):
    """A step had another outcome than it must have."""


@dataclass
class DemoRun:
    """State of one demo: the client, the results that later steps need, the step's number."""

    client: Client
    persona_id: str = ""
    revision: str = ""
    plan_id: str = ""
    undo: dict[str, Any] = field(default_factory=dict)
    step: int = 0

    def print_step(self, headline: str, *lines: str) -> None:
        """Print the headline of the next step, numbered, and lines about it."""
        self.step += 1
        self.print_text(f"\n{self.step}. {headline}")
        for line in lines:
            self.print_text(line, indent="   ")

    def print_text(self, text: str, indent: str = "") -> None:
        """Print text, wrapped to a readable width."""
        for line in text.splitlines() or [""]:
            margin = indent + " " * (len(line) - len(line.lstrip()))
            wrapped = textwrap.wrap(
                line.strip(),
                _LINE_WIDTH_CHARS,
                initial_indent=margin,
                subsequent_indent=margin + "  ",
            )
            sys.stdout.write("\n".join(wrapped) + "\n")
        sys.stdout.flush()

    async def call_tool(
        self, tool: str, *, expect_error: bool = False, **arguments: Any
    ) -> CallToolResult:
        """Call a tool as an assistant would, print call and answer, and require the outcome."""
        listed = ", ".join(f"{name}={_abbreviate(value)}" for name, value in arguments.items())
        self.print_text(f"> {tool}({listed})", indent="   ")
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        self.print_text(text, indent="   | ")
        require(
            bool(result.is_error) is expect_error,
            f"{tool} {'succeeded' if expect_error else 'failed'}",
        )
        return result

    async def call_for_result(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer."""
        return dict((await self.call_tool(tool, **arguments)).structured_content or {})


def require(condition: bool, message: str) -> None:
    """Raise ``StepFailed`` with ``message`` unless ``condition`` is true."""
    if not condition:
        raise StepFailed(message)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the demo, which uses neither the account nor the data folder of the settings."""
    return anyio.run(run_demo)


async def run_demo() -> int:
    """Run every step; return 0, or 1 at the first step that fails."""
    with tempfile.TemporaryDirectory(prefix="tavus-mcp-demo-") as folder:
        environment = {**os.environ, "TAVUS_MCP_DATA_DIR": folder}
        command = ["-m", "tavus_mcp", "--sandbox"]
        server = StdioServerParameters(command=sys.executable, args=command, env=environment)
        async with Client(server) as client:
            demo_run = DemoRun(client)
            try:
                for step in _STEPS:
                    await step(demo_run)
            except StepFailed as failure:
                sys.stderr.write(f"\nThe demo failed at step {demo_run.step}: {failure}.\n")
                return 1
    demo_run.print_text(
        "\nDone: every step went as it must. All of it ran on the sandbox, a local stand-in for "
        "Tavus; no key was used and nothing left this machine."
    )
    return 0


async def _connect(demo_run: DemoRun) -> None:
    demo_run.print_text(
        "tavus-mcp lets an assistant configure Tavus personas (the people in an AI video call). "
        "This demo is the assistant: it calls the tools (>) and shows what comes back (|)."
    )
    tools = [tool.name for tool in (await demo_run.client.list_tools()).tools]
    demo_run.print_step(f"The assistant connects and finds {len(tools)} tools.", ", ".join(tools))
    require("create_persona" in tools and "delete_persona" in tools, "tools are missing")


async def _create(demo_run: DemoRun) -> None:
    demo_run.print_step(
        'Somebody says: "Make me a technical interviewer."',
        "The settings come from an old tutorial. They are accepted; what has moved on is said.",
    )
    receipt = await demo_run.call_for_result(
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
    require(receipt["status"] == "applied", "nothing was created")
    require(any(item["path"] == "/layers/llm/model" for item in receipt["findings"]), "no finding")
    demo_run.persona_id = receipt["persona_id"]


async def _inspect(demo_run: DemoRun) -> None:
    demo_run.print_step(
        "The assistant finds it by name and reads it back, with the revision it is at."
    )
    page = await demo_run.call_for_result(
        "list_personas", name_contains="interviewer", persona_type="user"
    )
    require([row["persona_id"] for row in page["personas"]] == [demo_run.persona_id], "not found")
    read = await demo_run.call_for_result("get_persona", persona_id=demo_run.persona_id)
    tts = read["persona"]["layers"]["tts"]
    require("external_voice_id" in tts and "voice_id" not in tts, "the voice id is misplaced")
    demo_run.revision = read["revision"]


async def _preview(demo_run: DemoRun) -> None:
    demo_run.print_step(
        '"It talks over my candidates." The server knows what to change, why, and at what cost.',
        "It answers with a plan: nothing is sent yet.",
    )
    planned = await demo_run.call_for_result(
        "suggest_tuning", persona_id=demo_run.persona_id, goals=["interrupt_less"]
    )
    require(planned["status"] == "planned", "the preview is no preview")
    members = {name for change in planned["changes"] for name in change}
    require({"reason", "effect", "trade_off", "source"} <= members, "the plan does not say why")
    require(planned["revision"] == demo_run.revision, "the preview changed something")
    demo_run.plan_id = planned["plan_id"]


async def _tune(demo_run: DemoRun) -> None:
    demo_run.print_step(
        '"Yes, do that." Exactly that plan is carried out, unless the persona was changed.'
    )
    receipt = await demo_run.call_for_result("apply_plan", plan_id=demo_run.plan_id)
    require(receipt["status"] == "applied", "the plan was not applied")
    require(receipt["revision"] != demo_run.revision, "the revision did not move")
    demo_run.undo = receipt["undo"]


async def _edit(demo_run: DemoRun) -> None:
    demo_run.print_step("One sentence of the prompt changes; the rest is not sent again.")
    receipt = await demo_run.call_for_result(
        "edit_prompt",
        persona_id=demo_run.persona_id,
        find="Be demanding but kind.",
        replace="Be kind, and never rush.",
    )
    require(receipt["status"] == "applied", "the prompt was not edited")


async def _refuse_mistakes(demo_run: DemoRun) -> None:
    demo_run.print_step("A mistake is refused before anything is sent, with what is allowed.")
    arguments = {"persona_id": demo_run.persona_id, "turn_taking_patience": "very high"}
    await demo_run.call_tool(
        "configure_conversational_flow", expect_error=True, **arguments, wakephrase="Hi"
    )
    await demo_run.call_tool("get_persona", expect_error=True, persona_id="../conversations/c1/end")


async def _undo(demo_run: DemoRun) -> None:
    demo_run.print_step('"No, put the turn-taking back." The receipt held the call that undoes it.')
    receipt = await demo_run.call_for_result(demo_run.undo["tool"], **demo_run.undo["arguments"])
    require(receipt["status"] == "applied", "the undo was not applied")
    read = await demo_run.client.call_tool("get_persona", {"persona_id": demo_run.persona_id})
    persona = (read.structured_content or {})["persona"]
    require("conversational_flow" not in persona["layers"], "the undo left something behind")
    require("never rush" in persona["system_prompt"], "the undo took more than it should")
    history = await demo_run.call_for_result("list_revisions", persona_id=demo_run.persona_id)
    require(len(history["revisions"]) >= 4, "the history has gaps")


async def _delete(demo_run: DemoRun) -> None:
    demo_run.print_step("Deleting answers with a plan first, so that a slip deletes nothing.")
    planned = await demo_run.call_for_result("delete_persona", persona_id=demo_run.persona_id)
    require(planned["status"] == "planned", "it was deleted in one call")
    receipt = await demo_run.call_for_result("apply_plan", plan_id=planned["plan_id"])
    require(receipt["status"] == "applied", "it was not deleted")
    await demo_run.call_tool("get_persona", expect_error=True, persona_id=demo_run.persona_id)
    demo_run.undo = receipt["undo"]


async def _revive(demo_run: DemoRun) -> None:
    demo_run.print_step("Even that can be undone: the persona comes back, under a new id.")
    receipt = await demo_run.call_for_result(demo_run.undo["tool"], **demo_run.undo["arguments"])
    require(receipt["status"] == "applied", "it did not come back")
    require(receipt["persona_id"] != demo_run.persona_id, "the id should be new")


_STEPS: tuple[Callable[[DemoRun], Awaitable[None]], ...] = (
    _connect,
    _create,
    _inspect,
    _preview,
    _tune,
    _edit,
    _refuse_mistakes,
    _undo,
    _delete,
    _revive,
)


def _abbreviate(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
