"""``tavus-mcp history``: the runs of a project in one environment, and changes without a run."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping

from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.runs import (
    MAX_LISTED_RUNS,
    Run,
    list_interrupted_undos,
    list_runs,
    list_undos,
)
from tavus_mcp.project.single_writes import SingleWrite, list_single_writes
from tavus_mcp.settings import Settings
from tavus_mcp.text import count_of

_NOUNS: Mapping[str, str] = {
    "create": "creation",
    "update": "update",
    "delete": "deletion",
    "forget": "forgotten object",
}
"""What an action is called where they are counted."""
HISTORY_SCHEMA = "tavus-mcp/history/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_project_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print each run that the journal holds."""
    return run_project_command(arguments, settings, print_history)


async def print_history(command: ProjectCommand) -> int:
    """Print the runs and the single writes, newest first, with their author and what they did."""
    state = await command.session.load_state()
    runs = await list_runs(command.app, state.state_id)
    writes = (await list_single_writes(command.app, state, runs))[:MAX_LISTED_RUNS]
    undone = {item.undo_of: item.run_id for item in await list_undos(command.app, runs)}
    interrupted = await list_interrupted_undos(command.app, runs)
    unfinished = {state.run, *(item.run_id for item in interrupted)}
    data: JsonObject = {
        "schema": HISTORY_SCHEMA,
        "environment": state.environment,
        "runs": [_describe(item, undone, unfinished) for item in runs],
        "writes": [_describe_write(item) for item in writes],
    }
    lines = [
        *((item.entry.seq, _line(row)) for item, row in zip(runs, data["runs"], strict=True)),
        *(
            (item.outcome.seq, _write_line(row))
            for item, row in zip(writes, data["writes"], strict=True)
        ),
    ]
    text = "\n".join(line for _, line in sorted(lines, reverse=True))
    command.print_result(data, text or "no runs")
    return ExitStatus.DONE


def _describe(run: Run, undone: dict[str, str], unfinished: set[str]) -> JsonObject:
    return {
        "run": run.run_id,
        "at": run.entry.at,
        "author": run.entry.author,
        "undo_of": run.undo_of or None,
        "undone_by": undone.get(run.run_id),
        "unfinished": run.run_id in unfinished,
        "items": [{"object": row["object"], "action": row["action"]} for row in run.items],
    }


def _describe_write(write: SingleWrite) -> JsonObject:
    return {
        "object": str(write.name),
        "action": write.action,
        "at": write.outcome.at,
        "author": write.outcome.author,
        "tool": write.outcome.tool,
    }


def _write_line(row: JsonObject) -> str:
    words = ["no run", row["at"], row["author"], f"{row['object']} {row['action']}"]
    return "  ".join(word for word in words if word)


def _describe_work(row: JsonObject) -> str:
    """Return what a run was to do, in words."""
    if row["undo_of"]:
        return f"undo of {row['undo_of']}: {count_of(len(row['items']), 'object')}"
    counts = Counter(item["action"] for item in row["items"])
    return ", ".join(count_of(count, _NOUNS[action]) for action, count in counts.items())


def _line(row: JsonObject) -> str:
    words = [row["run"], row["at"], row["author"], _describe_work(row)]
    if row["undone_by"]:
        words.append(f"undone by {row['undone_by']}")
    if row["unfinished"] and row["undo_of"]:
        words.append(f"unfinished: tavus-mcp undo {row['undo_of']} completes it")
    elif row["unfinished"]:
        words.append("unfinished: the same apply continues it")
    return "  ".join(word for word in words if word)
