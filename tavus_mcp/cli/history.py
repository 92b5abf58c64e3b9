"""``tavus-mcp history``: the runs of a project in one environment, newest first."""

from __future__ import annotations

import argparse
from collections import Counter

from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_command import ProjectCommand, run_project_command
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.runs import Run, list_runs
from tavus_mcp.settings import Settings

HISTORY_SCHEMA = "tavus-mcp/history/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add_project_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print each run that the journal holds."""
    return run_project_command(arguments, settings, print_history)


async def print_history(command: ProjectCommand) -> int:
    """Print the runs with their author and what they did."""
    state = await command.session.load_state()
    runs = await list_runs(command.app, state.state_id)
    undone = {item.undo_of: item.run_id for item in runs if item.undo_of}
    data: JsonObject = {
        "schema": HISTORY_SCHEMA,
        "environment": state.environment,
        "runs": [_describe(item, undone) for item in runs],
    }
    lines = [_line(row) for row in data["runs"]] or ["no runs"]
    command.print_result(data, "\n".join(lines))
    return ExitStatus.DONE


def _describe(run: Run, undone: dict[str, str]) -> JsonObject:
    return {
        "run": run.run_id,
        "at": run.entry.at,
        "author": run.entry.author,
        "undo_of": run.undo_of or None,
        "undone_by": undone.get(run.run_id),
        "items": [{"object": row["object"], "action": row["action"]} for row in run.items],
    }


def _line(row: JsonObject) -> str:
    counts = Counter(item["action"] for item in row["items"])
    work = ", ".join(f"{count} {action}" for action, count in counts.items())
    words = [row["run"], row["at"], row["author"], work]
    if row["undo_of"]:
        words.append(f"undo of {row['undo_of']}")
    if row["undone_by"]:
        words.append(f"undone by {row['undone_by']}")
    return "  ".join(word for word in words if word)
