"""``tavus-mcp delete``: delete a persona after a person typed its name."""

from __future__ import annotations

import argparse
from dataclasses import replace

from tavus_mcp.app import App
from tavus_mcp.cli.confirmation import finish_write
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_account import find_persona_id, run_account_command
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_output import report_error
from tavus_mcp.cli.terminal import find_refusal
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.history.revisions import load_persona
from tavus_mcp.models.base import parse_id
from tavus_mcp.personas.delete import DeleteRequest, delete, name_to_type
from tavus_mcp.personas.plans import refuse_stock_persona
from tavus_mcp.settings import Settings
from tavus_mcp.text import quote_foreign

_WRONG_NAME = "What was typed is not the name of the persona, so nothing was deleted."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "persona_id", metavar="ID", help="the persona to delete; with --env its name in the project"
    )
    add_project_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="delete without asking")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Delete the persona; return the exit status."""

    async def delete_persona(app: App) -> int:
        try:
            persona_id = await find_persona_id(app, arguments, arguments.persona_id)
            document = await load_persona(app, parse_id(persona_id))
        except ValueError as error:
            raise InvalidArgument([f"{error}."]) from None
        refuse_stock_persona(document)
        name = name_to_type(document)
        question = f"Type the name of persona {quote_foreign(name)} to delete it:"
        if not arguments.yes and (refusal := find_refusal(question, name, mismatch=_WRONG_NAME)):
            return report_error(arguments, refusal, ExitStatus.REFUSED)
        request = DeleteRequest(document.persona_id, document.revision)
        receipt = await delete(replace(app, protected=False), request)  # the person has agreed
        return await finish_write(app, arguments, receipt, dry_run=False, yes=True)

    return run_account_command(arguments, settings, delete_persona, writes=True)
