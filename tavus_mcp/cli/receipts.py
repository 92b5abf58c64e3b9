"""Print receipts, with the command that undoes the write."""

from __future__ import annotations

from pydantic import BaseModel

from tavus_mcp.app import App
from tavus_mcp.cli import files
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.server.text_rendering import render_text, without_nulls


def print_receipt(app: App, receipt: Receipt, *, file_name: str | None = None) -> None:
    """Print a receipt as the tools render it, with a command in place of the undo call."""
    facts = receipt.model_dump(mode="json", exclude={"undo"})
    lists = {name: facts.pop(name) for name in ("changes", "findings")}
    filled_lists = {name: rows for name, rows in lists.items() if rows}
    undo = undo_command(app, receipt)
    print_facts(app, {"file": file_name, **facts, **filled_lists, "undo": undo})


def print_result(app: App, result: BaseModel) -> None:
    """Print the members of a result that are not null."""
    print_facts(app, result.model_dump(mode="json"))


def print_facts(app: App, facts: JsonObject) -> None:
    """Print the facts that are not null as compact text, masked."""
    files.print_text(app, render_text(app.masker.mask(without_nulls(facts))))


def undo_command(app: App, receipt: Receipt) -> str | None:
    """Return the command line that undoes a write, or None."""
    if receipt.undo is None:
        return None
    arguments = receipt.undo.arguments
    persona_id = arguments["persona_id"]
    if receipt.undo.tool == "delete_persona":
        return command_line(app, "delete", persona_id)
    if after_revision := arguments.get("after_revision"):
        return command_line(app, "undo", f"{persona_id}@{after_revision}")
    return command_line(app, "restore", f"{persona_id}@{arguments['revision']}")


def command_line(app: App, *words: str) -> str:
    """Return a command line for the account, or the sandbox, that ``app`` works on."""
    return " ".join(["tavus-mcp", *words, *(["--sandbox"] if app.is_sandbox else [])])
