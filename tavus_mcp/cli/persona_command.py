"""Run a command that reads or writes one persona, and report its errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing

import anyio

from tavus_mcp.app import App
from tavus_mcp.cli import files
from tavus_mcp.cli.confirmation import carry_out_plan
from tavus_mcp.cli.exit_status import status_of, status_of_receipt
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.receipts import print_receipt
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.errors import ToolFailure
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.settings import Settings


def run_persona_command(
    settings: Settings, command: Callable[[App], Awaitable[int]], *, writes: bool = False
) -> int:
    """Run a command with the account of the settings; return its status, or that of its error.

    A command that ``writes`` is refused when the settings are read-only.
    """
    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)

    async def run() -> int:
        async with aclosing(app):
            if writes and settings.read_only:
                message = "nothing was sent: this is read-only (--read-only, TAVUS_MCP_READ_ONLY)."
                return files.print_error(app, message, ExitStatus.REFUSED)
            try:
                return await command(app)
            except ToolFailure as error:
                return files.print_error(app, str(error), status_of(error))

    return anyio.run(run)


async def finish_write(app: App, receipt: Receipt, *, dry_run: bool, yes: bool) -> int:
    """Print a receipt; carry out the plan of a write that needs a yes; return the exit status."""
    if receipt.status == "planned" and not dry_run:
        applied = await carry_out_plan(app, receipt, yes=yes)
        if applied is None:
            return ExitStatus.REFUSED
        receipt = applied
    print_receipt(app, receipt)
    return status_of_receipt(receipt)
