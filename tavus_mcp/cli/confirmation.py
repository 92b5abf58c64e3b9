"""Ask a person on the terminal before something is written."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.cli import files
from tavus_mcp.cli.exit_status import status_of_receipt
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.receipts import print_receipt
from tavus_mcp.cli.terminal import ask, is_interactive
from tavus_mcp.concurrency import ignore_progress
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.parts.apply_plan import apply_plan


def is_confirmed(app: App, question: str, expected: str) -> bool:
    """Ask for ``expected`` to be typed; return False for anything else, or without a terminal."""
    if not is_interactive():
        files.print_error(app, "Nothing was sent: without a terminal, --yes is needed.")
        return False
    if ask(question) == expected:
        return True
    files.print_error(app, "Nothing was sent.")
    return False


async def carry_out_plan(app: App, receipt: Receipt, *, yes: bool) -> Receipt | None:
    """Print a write that needs a person's yes and carry it out; return None without the yes.

    ``yes`` says that the person agreed beforehand (``--yes``).
    """
    print_receipt(app, receipt)
    if not yes and not is_confirmed(app, "Carry out this plan? Type yes:", "yes"):
        return None
    return await apply_plan(app, receipt.plan_id or "", ignore_progress)


async def finish_write(app: App, receipt: Receipt, *, dry_run: bool, yes: bool) -> int:
    """Print a receipt; carry out the plan of a write that needs a yes; return the exit status."""
    if receipt.status == "planned" and not dry_run:
        applied = await carry_out_plan(app, receipt, yes=yes)
        if applied is None:
            return ExitStatus.REFUSED
        receipt = applied
    print_receipt(app, receipt)
    return status_of_receipt(receipt)
