"""Print receipts, with the command that undoes the write."""

from __future__ import annotations

import argparse
from operator import itemgetter

from tavus_mcp.app import App
from tavus_mcp.cli import files, project_output
from tavus_mcp.cli.command_texts import adapt_text, complete_commands, describe_finding
from tavus_mcp.cli.project_account import persona_command
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import PlanReceipt, Receipt
from tavus_mcp.server.served_tools import adapt_row_texts
from tavus_mcp.server.text_rendering import render_text, without_nulls

RECEIPT_SCHEMA = "tavus-mcp/receipt/1"
_NO_PLAN: JsonObject = {"plan_id": None, "expires_at": None}
_STEPS_OF_ASSISTANTS = frozenset({"next", "next_cursor"})
"""Members of results that say which tool to call next."""


def print_receipt(app: App, receipt: Receipt, *, file_name: str | None = None) -> None:
    """Print a receipt as the tools render it, with a command in place of the undo call."""
    files.print_text(app, render_receipt(app, receipt, file_name=file_name))


def render_receipt(app: App, receipt: Receipt, *, file_name: str | None = None) -> str:
    """Return a receipt as the tools render it, with a command in place of the undo call."""
    return _render_receipt(app, receipt, undo_command(app, receipt), file_name)


def _render_receipt(app: App, receipt: Receipt, undo: str | None, file_name: str | None) -> str:
    facts = _dump_receipt(receipt)
    lists = {name: facts.pop(name) for name in ("changes", "findings")}
    if file_name:
        options = ["--sandbox"] if app.is_sandbox else []
        for finding in filter(itemgetter("hint"), lists["findings"]):
            finding["hint"] = complete_commands(finding["hint"], options, file_name)
    return render_facts(app, {"file": file_name, **facts, **lists, "undo": undo})


def receipt_data(app: App, receipt: Receipt) -> JsonObject:
    """Return a receipt for ``--json``, with a command in place of the undo call."""
    return {**_dump_receipt(receipt), "undo": undo_command(app, receipt)}


def bulk_plan_data(facts: JsonObject) -> JsonObject:
    """Return the result of plan_bulk_change for the output of a command, which takes no plan."""
    findings = [describe_finding(item) for item in facts["findings"]]
    results = {name: value for name, value in facts.items() if name not in _STEPS_OF_ASSISTANTS}
    return {**_adapt_rows(results), **_NO_PLAN, "findings": findings}


def bulk_receipt_data(app: App, receipt: PlanReceipt, arguments: argparse.Namespace) -> JsonObject:
    """Return a receipt of many personas for the output of a command."""
    return {**_dump_receipt(receipt), "undo": undo_command(app, receipt, arguments)}


def report_receipt(app: App, arguments: argparse.Namespace, receipt: Receipt) -> None:
    """Print the receipt of a command that writes once: as text, with ``--json`` as an object."""
    undo = undo_command(app, receipt, arguments)
    if arguments.json:
        facts = {**_dump_receipt(receipt), "undo": undo}
        report_facts(app, arguments, RECEIPT_SCHEMA, facts)
    else:
        files.print_text(app, _render_receipt(app, receipt, undo, None))


def report_facts(app: App, arguments: argparse.Namespace, schema: str, facts: JsonObject) -> None:
    """Print facts as compact text, with ``--json`` as an object with a schema; masked."""
    if arguments.json:
        project_output.print_json(app.masker.mask({"schema": schema, **facts}))
    else:
        print_facts(app, facts)


def print_facts(app: App, facts: JsonObject) -> None:
    """Print facts as compact text, masked."""
    files.print_text(app, render_facts(app, facts))


def render_facts(app: App, facts: JsonObject) -> str:
    """Return the facts that are not null or empty lists as compact text, masked."""
    filled = {name: value for name, value in facts.items() if value != []}
    return render_text(app.masker.mask(without_nulls(filled)))


def undo_command(
    app: App, receipt: Receipt, arguments: argparse.Namespace | None = None
) -> str | None:
    """Return the command line that undoes a write, or None.

    ``arguments`` are those of a command that may have worked on an environment of a project.
    """
    if receipt.undo is None:
        return None
    call = receipt.undo.arguments
    if plan_id := call.get("undo_of"):
        return persona_command(app, arguments, "undo", plan_id, "")
    persona_id = call.get("persona_id")
    if persona_id is None:  # a part, which no command takes
        return None
    if receipt.undo.tool == "delete_persona":
        return persona_command(app, arguments, "delete", persona_id, "")
    if after_revision := call.get("after_revision"):
        return persona_command(app, arguments, "undo", persona_id, after_revision)
    return persona_command(app, arguments, "restore", persona_id, call["revision"])


def _dump_receipt(receipt: Receipt) -> JsonObject:
    """Return a receipt without the id of a plan: a command carries it out itself after a yes."""
    findings = [describe_finding(item) for item in receipt.findings]
    facts = receipt.model_dump(mode="json", exclude={"undo"})
    return {**_adapt_rows(facts), **_NO_PLAN, "findings": findings}


def _adapt_rows(facts: JsonObject) -> JsonObject:
    return {name: adapt_row_texts(name, value, adapt_text) for name, value in facts.items()}
