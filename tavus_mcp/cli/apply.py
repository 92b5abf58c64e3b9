"""``tavus-mcp apply``: update or create personas from files."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from tavus_mcp.app import App
from tavus_mcp.checker.check import allowed_rules
from tavus_mcp.cli import files, project_output
from tavus_mcp.cli.command_texts import complete_commands
from tavus_mcp.cli.confirmation import carry_out_plan
from tavus_mcp.cli.exit_status import status_of, status_of_receipt, worst_status
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.cli.project_arguments import (
    add_plan_arguments,
    add_project_arguments,
    is_project_use,
)
from tavus_mcp.cli.receipts import print_receipt, receipt_data
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.errors import ToolFailure
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.receipt import Receipt
from tavus_mcp.persona_files import apply as file_apply
from tavus_mcp.persona_files.apply import ApplyFileRequest, ParsedFile
from tavus_mcp.persona_files.file_writing import write_file
from tavus_mcp.persona_files.yaml_reader import BadFile, decode_file
from tavus_mcp.settings import Settings

APPLY_FILES_SCHEMA = "tavus-mcp/apply-files/1"
_READ_ONLY = (
    "nothing was sent: this is read-only (--read-only, TAVUS_MCP_READ_ONLY). "
    "--dry-run shows what would change."
)


@dataclass(frozen=True)
class ApplyOptions:
    """The files to apply, by name, and how carefully."""

    files: Sequence[str]
    dry_run: bool = False
    allow_unknown: bool = False
    allow_private_url: bool = False
    allow_literal_key: bool = False
    yes: bool = False
    is_json: bool = False

    @property
    def allow(self) -> frozenset[str]:
        """The rules of the checker that report instead of refusing."""
        return allowed_rules(unknown=self.allow_unknown, private_url=self.allow_private_url)


@dataclass
class _FileRun:
    """One file and what became of it; ``outcome`` is a word for the summary.

    ``parsed`` is set when the file was read without a mistake, ``receipt`` when it was applied.
    """

    name: str
    raw: bytes = b""
    parsed: ParsedFile = field(init=False)
    status: ExitStatus = ExitStatus.DONE
    outcome: str = "not sent"
    receipt: Receipt | None = None
    error: str | None = None


@dataclass
class _ApplyRun:
    """The run of the command over all files."""

    app: App
    options: ApplyOptions
    files: list[_FileRun] = field(default_factory=list)
    file_by_identity: dict[object, _FileRun] = field(default_factory=dict)
    file_by_persona: dict[str, _FileRun] = field(default_factory=dict)

    @property
    def status(self) -> ExitStatus:
        return worst_status(item.status for item in self.files)

    async def run_step(self, step: Callable[[_FileRun], Awaitable[None]]) -> None:
        """Run a step for every file that had no error; report the error of each."""
        for item in self.files:
            if item.status != ExitStatus.DONE:
                continue
            try:
                await step(item)
            except (ToolFailure, BadFile, OSError) as error:
                item.status = status_of(error)
                item.outcome = f"{item.outcome}, file not written" if item.receipt else "failed"
                item.error = self._describe_error(error, item.name)
                if not self.options.is_json:
                    files.print_error(self.app, item.error)

    def _describe_error(self, error: Exception, name: str) -> str:
        """Return the text of an error, in which the advised command names the file."""
        options = ["--sandbox"] if self.app.is_sandbox else []
        file_name = "FILE" if name == files.STDIN else name
        return complete_commands(files.error_message(error, name), options, file_name)

    async def parse(self, item: _FileRun) -> None:
        """Read the file; nothing is sent."""
        first = self.file_by_identity.setdefault(files.find_identity(item.name), item)
        if first is not item:
            raise BadFile(f"this is the same file as {first.name}; give it once.")
        if not self.options.dry_run:
            files.require_writable(item.name)
        item.raw = await anyio.to_thread.run_sync(files.read_bytes, item.name)
        request = ApplyFileRequest(
            decode_file(item.raw),
            dry_run=self.options.dry_run,
            allow=self.options.allow,
            allow_literal_key=self.options.allow_literal_key,
        )
        item.parsed = await file_apply.parse(self.app, request)

    async def check(self, item: _FileRun) -> None:
        """Compare the file with the account; nothing is written."""
        persona_id = await file_apply.check(self.app, item.parsed)
        first = self.file_by_persona.setdefault(persona_id, item) if persona_id else item
        if first is not item:
            raise BadFile(
                f"{first.name} is about the same persona {persona_id!r}; apply one of them."
            )

    async def apply(self, item: _FileRun) -> None:
        """Write the persona and then the file, or show what would change."""
        result = await file_apply.apply(self.app, item.parsed)
        receipt = result.receipt
        if receipt.status == "planned" and not self.options.dry_run:
            applied = await carry_out_plan(
                self.app, receipt, yes=self.options.yes, is_json=self.options.is_json
            )
            if applied is None:
                item.receipt = receipt
                item.status, item.outcome = ExitStatus.REFUSED, "planned"
                return
            receipt = applied
            result = file_apply.build_result(item.parsed, receipt)
        if self.options.dry_run:
            item.outcome = "to change" if item.parsed.persona_id else "to create"
            if receipt.status == "unchanged":
                item.outcome = "unchanged"
        else:
            written = "updated" if item.parsed.persona_id else "created"
            item.outcome = written if receipt.status == "applied" else receipt.status
        item.status = status_of_receipt(receipt)
        item.receipt = receipt
        if not self.options.is_json:
            print_receipt(self.app, receipt, file_name=item.name)
        is_new_text = result.text != item.parsed.request.text
        if is_new_text and not self.options.dry_run and files.is_regular_file(item.name):
            _write_back(item, result)

    def print_summary(self) -> None:
        """Print how many files ended how; with ``--json`` what became of each of them."""
        if self.options.is_json:
            rows = [self._describe(item) for item in self.files]
            data: JsonObject = {"schema": APPLY_FILES_SCHEMA, "files": rows}
            return project_output.print_json(self.app.masker.mask(data))
        if len(self.files) == 1:
            return None
        counts = Counter(item.outcome for item in self.files)
        text = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        return files.print_text(self.app, f"summary: {len(self.files)} files: {text}")

    def _describe(self, item: _FileRun) -> JsonObject:
        return {
            "file": item.name,
            "outcome": item.outcome,
            "status": int(item.status),
            "error": item.error,
            "receipt": receipt_data(self.app, item.receipt) if item.receipt else None,
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="a persona file; - reads stdin. Without files, the project in this folder",
    )
    add_project_arguments(parser)
    add_plan_arguments(parser)
    parser.add_argument(
        "--plan", metavar="DIGEST", default="", help="only the plan with this digest"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would change and write nothing; exit status 2 if something would",
    )
    parser.add_argument(
        "--allow-literal-key", action="store_true", help="accept keys written in the file"
    )
    parser.add_argument("--yes", action="store_true", help="carry out a plan without asking")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Apply the files; return the exit status of the most serious outcome."""
    if not arguments.files:
        from tavus_mcp.cli.apply_project import run_apply  # loads what works on projects

        return run_apply(arguments, settings)
    if is_project_use(arguments):
        message = "Give files, or --env and --project, not both."
        return project_output.report_error(arguments, message, ExitStatus.WRONG_USAGE)
    if settings.read_only and not arguments.dry_run:
        return project_output.report_error(arguments, _READ_ONLY, ExitStatus.REFUSED)
    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)
    options = ApplyOptions(
        arguments.files,
        dry_run=arguments.dry_run,
        allow_unknown=arguments.allow_unknown,
        allow_private_url=arguments.allow_private_url,
        allow_literal_key=arguments.allow_literal_key,
        yes=arguments.yes,
        is_json=arguments.json,
    )
    return anyio.run(apply_files, app, options)


async def apply_files(app: App, options: ApplyOptions) -> int:
    """Apply files: none is written before all of them were read, checked and compared.

    A file that fails later, because Tavus refuses it or someone edits the persona meanwhile, does
    not stop the others.
    """
    run = _ApplyRun(app, options, [_FileRun(name) for name in options.files])
    async with aclosing(app):
        await run.run_step(run.parse)
        if run.status == ExitStatus.DONE or options.dry_run:
            await run.run_step(run.check)
        if run.status == ExitStatus.DONE or options.dry_run:
            await run.run_step(run.apply)
        elif len(run.files) > 1 and not options.is_json:
            files.print_error(app, "Nothing was written: all files must be right before one is.")
    run.print_summary()
    return run.status


def _write_back(item: _FileRun, result: file_apply.ApplyFileResult) -> None:
    problem = "it was changed meanwhile and is left alone"
    try:
        if files.read_bytes(item.name) == item.raw:
            return write_file(Path(item.name), result.text)
    except OSError as error:
        problem = error.strerror or str(error)
    revision = f" and revision: {result.revision}" if result.revision else ""
    raise OSError(
        f"{problem}. The persona was written, its file was not; set in it "
        f"persona_id: {result.receipt.persona_id}{revision}"
    )
