"""Print receipts, with the command that undoes the write."""

from __future__ import annotations

import argparse

from tavus_mcp.app import App
from tavus_mcp.cli import files, project_output
from tavus_mcp.cli.command_texts import describe_finding
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.server.text_rendering import render_text, without_nulls

RECEIPT_SCHEMA = "tavus-mcp/receipt/1"


def print_receipt(app: App, receipt: Receipt, *, file_name: str | None = None) -> None:
    """Print a receipt as the tools render it, with a command in place of the undo call."""
    files.print_text(app, render_receipt(app, receipt, file_name=file_name))


def render_receipt(app: App, receipt: Receipt, *, file_name: str | None = None) -> str:
    """Return a receipt as the tools render it, with a command in place of the undo call."""
    facts = _dump_receipt(receipt)
    lists = {name: facts.pop(name) for name in ("changes", "findings")}
    filled_lists = {name: rows for name, rows in lists.items() if rows}
    undo = undo_command(app, receipt)
    return render_facts(app, {"file": file_name, **facts, **filled_lists, "undo": undo})


def receipt_data(app: App, receipt: Receipt) -> JsonObject:
    """Return a receipt for ``--json``, with a command in place of the undo call."""
    return {**_dump_receipt(receipt), "undo": undo_command(app, receipt)}


def bulk_receipt_data(receipt: PlanReceipt) -> JsonObject:
    """Return a receipt of many personas for the output of a command."""
    findings = [describe_finding(item) for item in receipt.findings]
    return {**receipt.model_dump(mode="json"), "findings": findings}


def report_receipt(app: App, arguments: argparse.Namespace, receipt: Receipt) -> None:
    """Print the receipt of a command that writes once: as text, with ``--json`` as an object."""
    if arguments.json:
        report_facts(app, arguments, RECEIPT_SCHEMA, receipt_data(app, receipt))
    else:
        print_receipt(app, receipt)


def report_facts(app: App, arguments: argparse.Namespace, schema: str, facts: JsonObject) -> None:
    """Print facts as compact text, with ``--json`` as an object with a schema; masked."""
    if arguments.json:
        project_output.print_json(app.masker.mask({"schema": schema, **facts}))
    else:
        print_facts(app, facts)


def print_facts(app: App, facts: JsonObject) -> None:
    """Print the facts that are not null as compact text, masked."""
    files.print_text(app, render_facts(app, facts))


def render_facts(app: App, facts: JsonObject) -> str:
    """Return the facts that are not null as compact text, masked."""
    return render_text(app.masker.mask(without_nulls(facts)))


def undo_command(app: App, receipt: Receipt) -> str | None:
    """Return the command line that undoes a write, or None."""
    if receipt.undo is None:
        return None
    arguments = receipt.undo.arguments
    persona_id = arguments.get("persona_id")
    if persona_id is None:  # a part, which no command takes
        return None
    if receipt.undo.tool == "delete_persona":
        return command_line(app, "delete", persona_id)
    if after_revision := arguments.get("after_revision"):
        return command_line(app, "undo", f"{persona_id}@{after_revision}")
    return command_line(app, "restore", f"{persona_id}@{arguments['revision']}")


def command_line(app: App, *words: str) -> str:
    """Return a command line for the account, or the sandbox, that ``app`` works on."""
    return " ".join(["tavus-mcp", *words, *(["--sandbox"] if app.is_sandbox else [])])


def _dump_receipt(receipt: Receipt) -> JsonObject:
    findings = [describe_finding(item) for item in receipt.findings]
    return {**receipt.model_dump(mode="json", exclude={"undo"}), "findings": findings}
