"""``tavus-mcp restore``: bring a persona back to a revision."""

from __future__ import annotations

import argparse

from tavus_mcp.app import App
from tavus_mcp.cli.confirmation import carry_out_restore
from tavus_mcp.cli.project_account import find_persona_reference, run_account_command
from tavus_mcp.cli.project_arguments import add_project_arguments, add_write_arguments
from tavus_mcp.errors import WrongUsage
from tavus_mcp.personas.restore import RestoreRequest
from tavus_mcp.settings import Settings
from tavus_mcp.text import render_json_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "persona",
        metavar="ID@REVISION",
        help="a persona (with --env its name) and one of its revisions",
    )
    add_project_arguments(parser)
    parser.add_argument(
        "--only",
        metavar="PATH",
        action="append",
        default=[],
        help="restore this layer or JSON Pointer only, like tts or /layers/llm/model; repeatable",
    )
    add_write_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Restore the persona, or show what would change; return the exit status."""

    async def restore_persona(app: App) -> int:
        persona_id, revision = await find_persona_reference(app, arguments, arguments.persona)
        if not revision:
            raise WrongUsage(
                "Give the persona as ID@REVISION. "
                f"list_revisions(persona_id={render_json_line(persona_id)}) shows its revisions; "
                "undo takes back its last change."
            )
        request = RestoreRequest(
            persona_id, revision, tuple(arguments.only), dry_run=arguments.dry_run
        )
        return await carry_out_restore(app, arguments, persona_id, request)

    return run_account_command(arguments, settings, restore_persona, writes=not arguments.dry_run)
