"""Print results and errors, with ``--json`` as one object with a schema."""

from __future__ import annotations

import argparse
import json
import sys

from tavus_mcp.app import App
from tavus_mcp.cli import command_texts, files
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.output import fail
from tavus_mcp.cli.progress import style_lines
from tavus_mcp.invisible_characters import escape_invisible
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.problems import InvalidProject
from tavus_mcp.text import escape_json

ERROR_SCHEMA = "tavus-mcp/error/1"


def describe_error(error: Exception) -> str:
    """Return the text of an error, for a failure of the system with the file that it concerns."""
    if isinstance(error, OSError):
        return files.error_message(error, None)
    return command_texts.describe_error(error)


def report_error(
    arguments: argparse.Namespace, message: str, status: int, error: Exception | None = None
) -> int:
    """Print an error, with ``--json`` as an object on stdout; return ``status``."""
    if not getattr(arguments, "json", False):
        return fail(message, status)
    data: JsonObject = {"schema": ERROR_SCHEMA, "status": int(status), "message": message}
    if isinstance(error, InvalidProject):
        found = map(command_texts.describe_problem, error.found)
        data["problems"] = [problem.to_json() for problem in found]
    print_json(data)
    return status


def report_failure(arguments: argparse.Namespace, error: Exception) -> int:
    """Print an error as ``report_error`` does; return its exit status."""
    return report_error(arguments, describe_error(error), status_of(error), error)


def print_result(app: App, arguments: argparse.Namespace, data: JsonObject, text: str) -> None:
    """Print a result as JSON or as text, masked."""
    if arguments.json:
        print_json(app.masker.mask(data))
    elif text:
        masked = escape_invisible(app.masker.mask_text(text))
        files.print_utf8(style_lines(masked, arguments.variables) + "\n")


def print_json(data: JsonObject) -> None:
    """Print an object as JSON on stdout, with invisible characters as escapes of JSON."""
    sys.stdout.flush()
    files.print_utf8(escape_json(json.dumps(data, ensure_ascii=False, indent=2)) + "\n")
