"""Ask a person on the terminal before something is written."""

from __future__ import annotations

import sys

from tavus_mcp.app import App
from tavus_mcp.cli import files
from tavus_mcp.cli.receipts import print_receipt
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.parts.apply_plan import apply_plan


def is_confirmed(app: App, question: str, expected: str) -> bool:
    """Ask for ``expected`` to be typed; return False for anything else, or without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        files.print_error(app, "Nothing was sent: without a terminal, --yes is needed.")
        return False
    sys.stderr.write(f"{question} ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() == expected:
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


async def ignore_progress(*_: object) -> None:
    """Report no progress."""
