"""``tavus-mcp check``: what is wrong or outdated in personas of the account."""

from __future__ import annotations

import argparse

from tavus_mcp.app import App
from tavus_mcp.cli.command_texts import describe_finding
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_account import find_persona_id, run_account_command
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_output import print_result
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.history.revisions import load_persona
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.personas.persona_check import check_persona
from tavus_mcp.settings import Settings
from tavus_mcp.text import quote_path

CHECK_SCHEMA = "tavus-mcp/check/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "personas",
        metavar="ID",
        nargs="+",
        help="personas to check; with --env their names in the project",
    )
    add_project_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the findings; return ``INVALID`` if one is an error."""

    async def check_personas(app: App) -> int:
        ids = [await find_persona_id(app, arguments, text) for text in arguments.personas]
        rows = [await _check(app, persona_id) for persona_id in ids]
        lines = [_line(row, finding) for row in rows for finding in row["findings"]]
        text = "\n".join(lines) or "no findings"
        print_result(app, arguments, {"schema": CHECK_SCHEMA, "personas": rows}, text)
        has_error = any(
            finding["severity"] == "error" for row in rows for finding in row["findings"]
        )
        return ExitStatus.INVALID if has_error else ExitStatus.DONE

    return run_account_command(arguments, settings, check_personas)


async def _check(app: App, persona_id: str) -> JsonObject:
    try:
        document = await load_persona(app, parse_id(persona_id))
    except ValueError as error:
        raise InvalidArgument([f"{error}."]) from None
    findings = check_persona(app, document)
    return {
        "persona_id": document.persona_id,
        "persona_name": document.name,
        "findings": [{**describe_finding(item), "rule": item.rule} for item in findings],
    }


def _line(row: JsonObject, finding: JsonObject) -> str:
    place = f"{row['persona_id']} {quote_path(finding['path'])}".rstrip()
    hint = f" {finding['hint']}" if finding["hint"] else ""
    return f"{finding['severity']}: {place}: {finding['message']}{hint}"
