"""Run a command with an account, and report its errors."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import anyio

from tavus_mcp.app import App
from tavus_mcp.cli.command_texts import complete_commands
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import account_options, is_project_use
from tavus_mcp.cli.project_output import describe_error, report_error
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.errors import ToolFailure
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.settings import Settings, unusable_folder

READ_ONLY = "nothing was sent: this is read-only (--read-only, TAVUS_MCP_READ_ONLY)."


def run_with_app(
    arguments: argparse.Namespace, settings: Settings, command: Callable[[App], Awaitable[int]]
) -> int:
    """Run a command with the account of the settings; return its status, or that of its error."""
    if settings.problems:
        return report_error(arguments, "\n".join(settings.problems), ExitStatus.WRONG_USAGE)
    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)

    async def run() -> int:
        async with aclosing(app):
            try:
                return await command(app)
            except (ToolFailure, BadFile, OSError) as error:
                if not is_project_use(arguments) and _is_of_missing(settings.data_dir, error):
                    message = f"TAVUS_MCP_DATA_DIR: {unusable_folder(settings.data_dir)}"
                    return report_error(arguments, message, ExitStatus.WRONG_USAGE)
                options = account_options(arguments, is_sandbox=app.is_sandbox)
                message = complete_commands(describe_error(error), options)
                message = app.masker.mask_text(message)
                return report_error(arguments, message, status_of(error), error)

    return anyio.run(run)


def _is_of_missing(folder: Path, error: Exception) -> bool:
    """Tell whether an error is that a folder, which is not there, could not be created."""
    if not isinstance(error, OSError) or not isinstance(error.filename, str) or folder.exists():
        return False
    path, folder = Path(error.filename).absolute(), folder.absolute()
    return path.is_relative_to(folder) or path in folder.parents
