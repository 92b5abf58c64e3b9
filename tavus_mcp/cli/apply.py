"""``tavus-mcp apply``: make personas what files say, or create them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio

from tavus_mcp.app import App
from tavus_mcp.checker.check import allowed_rules
from tavus_mcp.cli import files
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.errors import ToolFailure
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.persona_files import sync
from tavus_mcp.persona_files.yaml_reader import BadFile, decode_file
from tavus_mcp.settings import Settings


@dataclass(frozen=True)
class ApplyOptions:
    """The files to apply, by name, and how carefully."""

    files: Sequence[str]
    dry_run: bool = False
    read_only: bool = False
    allow_unknown: bool = False
    allow_private_url: bool = False

    @property
    def allow(self) -> frozenset[str]:
        """The rules of the checker that report instead of refusing."""
        return allowed_rules(unknown=self.allow_unknown, private_url=self.allow_private_url)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a persona as a file; - is stdin")
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would change; nothing is written"
    )
    parser.add_argument(
        "--allow-unknown", action="store_true", help="let fields pass that are not known here"
    )
    parser.add_argument(
        "--allow-private-url", action="store_true", help="let http or a private base_url pass"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Apply the files in order; return 0 when all were applied, else 1."""
    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)
    options = ApplyOptions(
        arguments.files,
        dry_run=arguments.dry_run,
        read_only=settings.read_only,
        allow_unknown=arguments.allow_unknown,
        allow_private_url=arguments.allow_private_url,
    )
    return anyio.run(apply_files, app, options)


async def apply_files(app: App, options: ApplyOptions) -> int:
    """Apply each file, also after one that failed; return 0 when all were applied, else 1."""
    if options.read_only and not options.dry_run:
        return files.print_error(
            app,
            "nothing was sent: this is read-only (--read-only, TAVUS_MCP_READ_ONLY). "
            "--dry-run shows what would change.",
        )
    status = 0
    async with aclosing(app):
        for name in options.files:
            try:
                await _apply_file(app, options, name)
            except (ToolFailure, BadFile, OSError) as error:
                status = files.print_error(app, files.error_message(error, name))
    return status


async def _apply_file(app: App, options: ApplyOptions, name: str) -> None:
    if not options.dry_run:
        files.require_writable(name)
    raw = files.read_bytes(name)
    request = sync.ApplyFileRequest(decode_file(raw), dry_run=options.dry_run, allow=options.allow)
    result = await sync.apply(app, request)
    files.print_facts(app, {"file": name, **files.present_fields(result.receipt)})
    if not files.is_regular_file(name) or result.text == request.text:
        return
    try:
        _write_back(Path(name), raw, result.text)
    except OSError as error:
        revision = f" and revision: {result.revision}" if result.revision else ""
        raise OSError(
            f"{error.strerror or error}. The persona was written, its file was not; set in it "
            f"persona_id: {result.receipt.persona_id}{revision}"
        ) from error


def _write_back(path: Path, raw: bytes, text: str) -> None:
    if files.read_bytes(str(path)) != raw:
        raise OSError("it was changed meanwhile and is left alone")
    files.write_atomically(path, text)
