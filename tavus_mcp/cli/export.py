"""``tavus-mcp export``: print a persona as a file, or merge it into an existing one."""

from __future__ import annotations

import argparse
from contextlib import aclosing
from pathlib import Path

import anyio

from tavus_mcp.app import App
from tavus_mcp.cli import files
from tavus_mcp.cli.command_texts import complete_commands, describe_finding
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.project_account import require_no_file
from tavus_mcp.cli.receipts import print_facts
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.errors import JournalUnavailable, ToolFailure
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.persona_files import export as file_export
from tavus_mcp.persona_files.file_writing import write_file
from tavus_mcp.persona_files.yaml_reader import BadFile, decode_file
from tavus_mcp.settings import Settings
from tavus_mcp.text import quote_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "persona", metavar="ID[@REVISION]", help="persona id, optionally at an earlier revision"
    )
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="update this file in place, keeping its comments"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print or write the persona; return 0 when that was done, else 1."""
    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)
    return anyio.run(export, app, arguments.persona, arguments.into)


async def export(app: App, reference: str, target_path: Path | None) -> int:
    """Export the persona that ``ID`` or ``ID@REVISION`` names to ``target_path`` or stdout."""
    async with aclosing(app):
        try:
            require_no_file(reference.partition("@")[0])
            exported = await file_export.export(app, reference)
            for finding in map(describe_finding, exported.findings):
                text = f"{quote_path(finding['path'])}: {finding['message']}"
                files.print_error(app, f"{text} {finding['hint'] or ''}".rstrip())
            if "@" not in reference:
                await _record_exported(app, exported)
            if target_path is None:
                files.print_utf8(exported.text)
            else:
                await _merge_into_file(app, exported, target_path)
        except (ToolFailure, BadFile, OSError) as error:
            message = files.error_message(error, target_path)
            message = complete_commands(message, ["--sandbox"] if app.is_sandbox else [])
            return files.print_error(app, message, status_of(error))
    return 0


async def _merge_into_file(
    app: App, exported: file_export.PersonaExport, target_path: Path
) -> None:
    facts = {"file": str(target_path), "revision": exported.document.revision}
    if target_path.exists() and not target_path.is_file():
        raise OSError("this is not a regular file; without --into the persona is printed")
    if not target_path.exists():
        write_file(target_path, exported.text)
        return print_facts(app, facts)
    old_text = decode_file(files.read_bytes(str(target_path)))
    text, changes = await file_export.merge_into_text(app, exported, old_text)
    if text != old_text:
        write_file(target_path, text)
    return print_facts(
        app, {**facts, "changes": [item.model_dump(mode="json") for item in changes]}
    )


async def _record_exported(app: App, exported: file_export.PersonaExport) -> None:
    try:
        await file_export.record_exported(app, exported)
    except JournalUnavailable as error:
        files.print_error(app, f"the persona was read, but not recorded: {error}")
