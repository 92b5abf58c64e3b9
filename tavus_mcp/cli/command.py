"""Run a command with an account, and report its errors."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import anyio

from tavus_mcp.app import App
from tavus_mcp.cli.command_texts import complete_commands
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import account_options
from tavus_mcp.cli.project_output import describe_error, report_error
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.errors import ToolFailure
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.settings import Settings

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
                options = account_options(arguments, is_sandbox=app.is_sandbox)
                message = complete_commands(describe_error(error), options)
                message = app.masker.mask_text(message)
                return report_error(arguments, message, status_of(error), error)

    return anyio.run(run)
