"""``tavus-mcp list``: the personas of the account, one line each."""

from __future__ import annotations

import argparse

from tavus_mcp.app import App
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_account import run_account_command
from tavus_mcp.cli.project_arguments import add_project_arguments
from tavus_mcp.cli.project_output import print_result
from tavus_mcp.models.base import JsonObject
from tavus_mcp.personas.summary import persona_summary
from tavus_mcp.settings import Settings
from tavus_mcp.tavus_api import pagination
from tavus_mcp.text import truncate

_COLUMNS = ("persona_id", "persona_name", "model", "engine", "mode", "replica", "updated_at")
_MAX_CELL_CHARS = 40
LIST_SCHEMA = "tavus-mcp/list/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--name", metavar="TEXT", default="", help="only names that contain TEXT")
    parser.add_argument(
        "--type",
        choices=("user", "system", "all"),
        default="user",
        help="system: the stock personas of Tavus; default: user",
    )
    add_project_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the personas as a table, or with ``--json`` as an object."""

    async def list_personas(app: App) -> int:
        rows = await read_rows(app, arguments.name, arguments.type)
        data: JsonObject = {"schema": LIST_SCHEMA, "personas": rows}
        print_result(app, arguments, data, _render_table(rows))
        return ExitStatus.DONE

    return run_account_command(arguments, settings, list_personas)


async def read_rows(app: App, name_contains: str, persona_type: str) -> list[JsonObject]:
    """Return every persona of a type whose name contains a text, in the order of the account."""
    query = {} if persona_type == "all" else {"persona_type": persona_type}
    return [
        persona_summary(row, app.catalog)
        async for row in app.api.iter_all(pagination.PERSONAS, **query)
        if name_contains.lower() in str(row.get("persona_name") or "").lower()
    ]


def _render_table(rows: list[JsonObject]) -> str:
    """Return aligned columns with a head line; columns without a value are left out."""
    columns = [name for name in _COLUMNS if any(row.get(name) for row in rows)]
    if not rows:
        return "no personas"
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    table = [columns, *cells]
    widths = [max(len(line[index]) for line in table) for index in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def _cell(value: object) -> str:
    return truncate(" ".join(str(value).split()), _MAX_CELL_CHARS) if value else "-"
