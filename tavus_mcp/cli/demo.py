"""``tavus-mcp demo``: a real MCP client drives the server through the life of a persona.

The server runs as a subprocess over stdio, on the embedded sandbox, with a temporary data folder.
Every step is checked; the first that fails ends the demo with status 1. Nothing that changes from
run to run (ids, times) is printed unless ``--verbose`` asks for the raw calls, so that a recording
of the demo can be compared with a new run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from starlette.types import ASGIApp

from tavus_mcp.cli.demo_project import compare_edited_project
from tavus_mcp.cli.terminal import Style, Terminal
from tavus_mcp.cli.wiring import SANDBOX_STATE_FILE_NAME
from tavus_mcp.conversations.report import NOT_TESTED
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.faults import CONTROL_PATH
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.compact_rows import render_json
from tavus_mcp.settings import Settings
from tavus_mcp.text import count_of

_REPLICA_ID = "rfe12d8b9597"
_SENTENCE, _EDITED_SENTENCE = "Find out what people need.", "Ask one question at a time."
_PROMPT = f"You run the front desk of a dental practice. {_SENTENCE}"
_COLLEAGUES_PROMPT = f"{_PROMPT} Offer a callback."
_PERSONAS: tuple[dict[str, Any], ...] = (
    {
        "name": "Front desk",
        "system_prompt": _PROMPT,
        "layers": {
            "llm": {"model": "tavus-gpt-4o"},
            "conversational_flow": {"turn_taking_patience": "low"},
        },
    },
    {
        "name": "Interviewer",
        "system_prompt": "You interview engineers. Ask {{candidate}} about one project.",
        "layers": {"perception": {"perception_model": "raven-0"}},
    },
    {
        "name": "Sales coach",
        "system_prompt": "You coach people who sell. Role-play their next call with them.",
        "layers": {"llm": {"model": "tavus-llama"}},
    },
)
_CALL_COUNT = 40
_CALL_SEED = 7
_METRICS: Mapping[str, str] = {
    "agent_over_user": "it talks over the caller",
    "response_gap_median": "wait before it answers",
}
_ID_ARGUMENTS = frozenset(
    {"persona_id", "plan_id", "revision", "after_revision", "first", "second"}
)
_STYLE_BY_SIGN: Mapping[str, Style] = {"-": Style.RED, "+": Style.GREEN}
_STYLE_BY_SEVERITY: Mapping[str, Style] = {
    "error": Style.RED,
    "warning": Style.YELLOW,
    "info": Style.CYAN,
}


class StepFailed(Exception):
    """A step had another outcome than it must have."""


@dataclass
class DemoRun:
    """State of one demo: client, sandbox and output, and the results that later steps need.

    ``folder`` is an empty one, for the project.
    """

    client: Client
    sandbox: ASGIApp
    terminal: Terminal
    folder: Path
    is_verbose: bool = False
    step: int = 0
    persona_id: str = ""
    plan_id: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)

    def print_step(self, headline: str) -> None:
        """Print the headline of the next step, numbered."""
        self.step += 1
        self.terminal.print_line()
        self.terminal.print_line(f"{self.step}. {headline}", Style.BOLD)

    def print_note(self, text: str, *styles: Style) -> None:
        """Print a sentence about the step."""
        self.terminal.print_line(text, *styles, indent=3)

    async def call_tool(
        self, tool: str, *, expect_error: bool = False, is_printed: bool = True, **arguments: Any
    ) -> CallToolResult:
        """Call a tool as an assistant would, print the call, and require the outcome.

        Ids are left out of the printed call, except with ``--verbose``, which prints the answer
        as well.
        """
        if is_printed:
            printable = {
                name: value for name, value in arguments.items() if name not in _ID_ARGUMENTS
            }
            listed = [f"{name}={render_json(value)}" for name, value in printable.items()]
            listed += ["..."] if len(printable) < len(arguments) else []
            self.print_note(f"> {tool}({', '.join(listed)})", Style.CYAN)
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        if self.is_verbose:
            for line in [f"{tool}({arguments})", *text.splitlines()]:
                self.terminal.print_labelled("|", line, Style.DIM, indent=3)
        require(
            bool(result.is_error) is expect_error,
            f"{tool} {'succeeded' if expect_error else 'failed'}: {text}",
        )
        return result

    async def call_for_result(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer."""
        return dict((await self.call_tool(tool, **arguments)).structured_content or {})

    async def read_persona(self) -> dict[str, Any]:
        """Return the persona as it is, without printing the call."""
        arguments = {"persona_id": self.persona_id, "full_prompt": True}
        return dict(
            (await self.call_for_result("get_persona", is_printed=False, **arguments))["persona"]
        )

    async def control_sandbox(self, path: str, body: Mapping[str, Any]) -> None:
        """Do what the server cannot do: calls that take place, and edits in the dashboard."""
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.sandbox),
            base_url=f"http://127.0.0.1{CONTROL_PATH}",
            headers={"x-api-key": "sandbox"},
        ) as controls:
            reply = await controls.post(path, json=dict(body))
        require(reply.is_success, f"the sandbox answered {reply.status_code}: {reply.text}")

    async def generate_calls(self) -> None:
        """Let the sandbox generate calls of the persona, with the same callers each time."""
        body = {"persona_id": self.persona_id, "count": _CALL_COUNT, "seed": _CALL_SEED}
        await self.control_sandbox("/conversations", body)


def require(condition: bool, message: str) -> None:
    """Raise ``StepFailed`` with ``message`` unless ``condition`` is true."""
    if not condition:
        raise StepFailed(message)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the option of the command."""
    parser.add_argument("--verbose", action="store_true", help="print the raw calls and answers")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the demo, which uses neither the account nor the data folder of the settings."""
    return anyio.run(run_demo, Terminal.of_stdout(os.environ), arguments.verbose)


async def run_demo(terminal: Terminal, is_verbose: bool) -> int:
    """Start a server on a temporary folder, and run every step on it."""
    with tempfile.TemporaryDirectory(prefix="tavus-mcp-demo-") as folder:
        settings = {name: text for name, text in os.environ.items() if not is_setting(name)}
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "tavus_mcp", "--sandbox", "--toolsets", "all"],
            env={**settings, "TAVUS_MCP_DATA_DIR": folder},
        )
        with closing(Store.open(Path(folder) / SANDBOX_STATE_FILE_NAME)) as store:
            async with Client(server) as client:
                project = Path(folder) / "project"
                sandbox = build_sandbox(store)
                return await run_steps(DemoRun(client, sandbox, terminal, project, is_verbose))


def is_setting(name: str) -> bool:
    """Tell whether an environment variable would change what the demo's server does."""
    return name.startswith("TAVUS_")


async def run_steps(demo_run: DemoRun) -> int:
    """Run every step; return 0, or 1 at the first step that fails."""
    try:
        for step in _STEPS:
            await step(demo_run)
    except (StepFailed, MCPError) as failure:
        sys.stderr.write(f"\nThe demo failed at step {demo_run.step}: {failure}\n")
        return 1
    return 0


async def _introduce(demo_run: DemoRun) -> None:
    terminal = demo_run.terminal
    terminal.print_line("tavus-mcp demo", Style.BOLD)
    terminal.print_line(
        "This program is the assistant: it calls tools (>) of the server and runs commands ($), "
        "all on the sandbox, a local stand-in for Tavus. No key is used, nothing leaves this "
        "machine."
    )
    for persona in _PERSONAS:
        receipt = await demo_run.call_for_result(
            "create_persona", is_printed=False, default_replica_id=_REPLICA_ID, **persona
        )
        require(receipt["status"] == "applied", f"{persona['name']} was not created")
        demo_run.persona_id = demo_run.persona_id or receipt["persona_id"]


async def _audit(demo_run: DemoRun) -> None:
    demo_run.print_step('"Which of my personas need attention?"')
    report = await demo_run.call_for_result("audit_personas")
    require(report["checked"] == len(_PERSONAS) and report["complete"], "not all were checked")
    totals = ((report["counts"].get(name, 0), name) for name in _STYLE_BY_SEVERITY)
    counts = [count_of(count, name, "info" if name == "info" else "") for count, name in totals]
    demo_run.print_note(f"{report['checked']} personas checked: {', '.join(counts)}")
    for group in report["groups"]:
        names = ", ".join(report["names"][persona_id] for persona_id in group["persona_ids"])
        style = _STYLE_BY_SEVERITY[group["severity"]]
        text = f"{names:<11} {group['message']}"
        demo_run.terminal.print_labelled(f"{group['severity']:<7}", text, style, indent=5)
    require(len(report["groups"]) >= 3, "the audit missed something")


async def _plan(demo_run: DemoRun) -> None:
    demo_run.print_step('"Front desk talks over my callers, and its model is outdated."')
    arguments = {"persona_id": demo_run.persona_id, "goals": ["interrupt_less", "modernize"]}
    plan = await demo_run.call_for_result("suggest_tuning", **arguments)
    require(plan["status"] == "planned", "the preview is no preview")
    demo_run.print_note("A plan with reasons and their sources. Nothing was sent.")
    for change in plan["changes"]:
        require({"reason", "trade_off", "source"} <= set(change), "the plan gives no reasons")
        _print_diff(demo_run, change["path"], _value(change, "before"), _value(change, "after"))
        for name in ("reason", "trade_off", "source"):
            demo_run.terminal.print_labelled(f"{name:<9}", change[name], Style.DIM, indent=7)
    demo_run.print_note(
        "J: the Tavus docs of June 2026, V: the vendor's package (docs/tools.md lists all)",
        Style.DIM,
    )
    demo_run.plan_id = plan["plan_id"]


async def _apply(demo_run: DemoRun) -> None:
    demo_run.print_step('"Yes, do that."')
    await demo_run.generate_calls()
    demo_run.receipt = await demo_run.call_for_result("apply_plan", plan_id=demo_run.plan_id)
    require(demo_run.receipt["status"] == "applied", "the plan was not applied")
    flow = (await demo_run.read_persona())["layers"]["conversational_flow"]
    require(flow["turn_taking_patience"] == "high", "the change did not arrive")
    demo_run.print_note(
        "Applied: recorded, sent, read back. The receipt has the call that undoes it."
    )


async def _measure(demo_run: DemoRun) -> None:
    demo_run.print_step('"Did it help?"')
    await demo_run.generate_calls()
    revisions = (demo_run.receipt["previous_revision"], demo_run.receipt["revision"])
    first, second = (f"{demo_run.persona_id}@{revision}" for revision in revisions)
    compared = await demo_run.call_for_result(
        "compare_personas", first=first, second=second, measure=True
    )
    demo_run.print_note(
        f"{_CALL_COUNT} calls before and {_CALL_COUNT} after, generated by the sandbox: they "
        f"show how measuring "
        "works, not how Tavus behaves.",
        Style.YELLOW,
    )
    rows = {row["figure"]: row for row in compared["figures"]["figures"]}
    for name, title in _METRICS.items():
        _print_bars(demo_run, title, rows[name])
    if any(row["verdict"] == NOT_TESTED for row in rows.values()):
        demo_run.print_note(
            "Install the extra statistics to learn whether a difference is more than chance."
        )
    talks_over = rows["agent_over_user"]
    require(talks_over["second"] < talks_over["first"], "the change shows no effect")


async def _meet_conflict(demo_run: DemoRun) -> None:
    demo_run.print_step('"It should ask one question at a time."')
    plan = await demo_run.call_for_result(
        "edit_prompt",
        persona_id=demo_run.persona_id,
        find=_SENTENCE,
        replace=_EDITED_SENTENCE,
        dry_run=True,
    )
    require(plan["status"] == "planned", "the preview is no preview")
    edit = {"op": "replace", "path": "/system_prompt", "value": _COLLEAGUES_PROMPT}
    path = f"/dashboard_edits/{demo_run.persona_id}"
    await demo_run.control_sandbox(path, {"patch": [edit], "saved": "live"})
    demo_run.print_note("While you read the plan, a colleague edits the prompt in the dashboard.")
    result = await demo_run.call_tool("apply_plan", expect_error=True, plan_id=plan["plan_id"])
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    require("Nothing was written" in text, f"the answer names no conflict: {text}")
    require(_COLLEAGUES_PROMPT in text, "the conflict does not show the colleague's edit")
    stored = (await demo_run.read_persona())["system_prompt"]
    require(stored == _COLLEAGUES_PROMPT, "the colleague's edit was overwritten")
    demo_run.print_note("Refused: the prompt has changed since. Nothing was written.", Style.RED)
    _print_diff(demo_run, "/system_prompt", _PROMPT, stored)


async def _undo(demo_run: DemoRun) -> None:
    demo_run.print_step('"Then put the rest back as it was."')
    undo = demo_run.receipt["undo"]
    receipt = await demo_run.call_for_result(undo["tool"], **undo["arguments"])
    require(receipt["status"] == "applied", "the undo was not applied")
    for change in receipt["changes"]:
        _print_diff(demo_run, change["path"], _value(change, "before"), _value(change, "after"))
    persona = await demo_run.read_persona()
    flow = persona["layers"]["conversational_flow"]
    require(flow["turn_taking_patience"] == "low", "the undo left something behind")
    require(persona["layers"]["llm"]["model"] == "tavus-gpt-4o", "the undo left something behind")
    require(persona["system_prompt"] == _COLLEAGUES_PROMPT, "the undo took more than it should")
    demo_run.print_note("Undone. The colleague's edit is still there.", Style.GREEN)


async def _compare_project(demo_run: DemoRun) -> None:
    demo_run.print_step('"Keep it in git. What did I change in the file?"')
    status, differences = await compare_edited_project(
        demo_run.folder, _COLLEAGUES_PROMPT, (_SENTENCE, _EDITED_SENTENCE)
    )
    require("changed locally" in status, f"the status does not show the edit: {status}")
    require("    + " in differences, f"the differences do not show the edit: {differences}")
    for command, text in (("status", status), ("diff", differences)):
        demo_run.print_note(f"$ tavus-mcp {command}", Style.CYAN)
        for line in text.splitlines():
            indent = 5 + len(line) - len(line.lstrip())
            sign, _, value = line.strip().partition(" ")
            if style := _STYLE_BY_SIGN.get(sign):
                demo_run.terminal.print_labelled(
                    sign, value, style, indent=indent, is_all_styled=True
                )
            else:
                demo_run.terminal.print_line(line.strip(), indent=indent)


async def _conclude(demo_run: DemoRun) -> None:
    demo_run.terminal.print_line()
    demo_run.terminal.print_line("Every step was checked.", Style.BOLD)
    demo_run.terminal.print_line("The raw calls: tavus-mcp demo --verbose")
    demo_run.terminal.print_line("Next:          tavus-mcp install claude-desktop, or another host")


def _value(change: Mapping[str, Any], side: str) -> str:
    """Return the value of a field before or after a change; without one the default applies."""
    value = change.get(side)
    return f"{change.get('default') or 'not set'} (default)" if value is None else str(value)


def _print_diff(demo_run: DemoRun, path: str, before: str, after: str) -> None:
    """Print a change of one field like a diff."""
    demo_run.terminal.print_line(path, Style.BOLD, indent=5)
    for (sign, style), text in zip(_STYLE_BY_SIGN.items(), (before, after), strict=True):
        demo_run.terminal.print_labelled(sign, text, style, indent=5, is_all_styled=True)


def _print_bars(demo_run: DemoRun, title: str, row: Mapping[str, Any]) -> None:
    """Print a metric before and after as two bars."""
    terminal = demo_run.terminal
    terminal.print_line(
        f"{title}, {row['unit']} (difference: {row['verdict']})", Style.BOLD, indent=5
    )
    maximum = max(row["first"], row["second"])
    for label, side, style in (("before", "first", Style.DIM), ("after ", "second", Style.CYAN)):
        bar = terminal.style(terminal.bar(row[side], maximum), style)
        terminal.stream.write(f"     {label} {bar} {row[side]:.2f}\n")


_STEPS: tuple[Callable[[DemoRun], Awaitable[None]], ...] = (
    _introduce,
    _audit,
    _plan,
    _apply,
    _measure,
    _meet_conflict,
    _undo,
    _compare_project,
    _conclude,
)
