"""Personas as files at the command line: ``export`` prints one, ``apply`` brings it in again."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tavus_mcp.app import App
from tavus_mcp.checker.check import PRIVATE_URLS, UNKNOWN_FIELDS
from tavus_mcp.errors import JournalUnavailable, ToolFailure
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.persona_files import sync
from tavus_mcp.persona_files.yaml_reader import MAX_FILE_BYTES, BadFile, decode_file
from tavus_mcp.server.text_rendering import render_text, without_nulls
from tavus_mcp.text import escape_invisible

STDIN = "-"


@dataclass(frozen=True)
class ApplyOptions:
    """What ``apply`` was told at the command line."""

    files: Sequence[str]
    dry_run: bool = False
    read_only: bool = False
    allow_unknown: bool = False
    allow_private_url: bool = False

    @property
    def allow(self) -> frozenset[str]:
        """The rules of the checker that are to remark, not to refuse."""
        unknown = UNKNOWN_FIELDS if self.allow_unknown else frozenset()
        return unknown | (PRIVATE_URLS if self.allow_private_url else frozenset())


async def export(app: App, reference: str, target_path: Path | None) -> int:
    """Print a persona as a file, or bring it into one; 0 when that was done, else 1."""
    async with _closing_app(app):
        try:
            exported = await sync.export(app, reference)
            for finding in exported.findings:
                _print_error(app, _render_finding(finding))
            if "@" not in reference:
                await _record_exported(app, exported)
            if target_path is None:
                _print(exported.text)
            else:
                _merge_into_file(app, exported, target_path)
        except (ToolFailure, BadFile, OSError) as error:
            return _print_error(app, _error_message(error, target_path))
    return 0


async def apply(app: App, options: ApplyOptions) -> int:
    """Make personas what files say, one after the other; 0 when all were, else 1."""
    if options.read_only and not options.dry_run:
        return _print_error(
            app,
            "nothing was sent: this is read-only (--read-only, TAVUS_MCP_READ_ONLY). "
            "--dry-run shows what would change.",
        )
    status = 0
    async with _closing_app(app):
        for name in options.files:
            try:
                await _apply(app, options, name)
            except (ToolFailure, BadFile, OSError) as error:
                status = _print_error(app, _error_message(error, name))
    return status


async def _apply(app: App, options: ApplyOptions, name: str) -> None:
    if not options.dry_run:
        _require_writable(name)
    raw = _read_bytes(name)
    asked = sync.ApplyFileRequest(decode_file(raw), dry_run=options.dry_run, allow=options.allow)
    done = await sync.apply(app, asked)
    _print_facts(app, {"file": name, **_present_fields(done.receipt)})
    if not _is_file(name) or done.text == asked.text:
        return
    try:
        _write_back(Path(name), raw, done.text)
    except OSError as error:
        revision = f" and revision: {done.revision}" if done.revision else ""
        raise OSError(
            f"{error.strerror or error}. The persona was written, its file was not; set in it "
            f"persona_id: {done.receipt.persona_id}{revision}"
        ) from error


def _write_back(path: Path, raw: bytes, text: str) -> None:
    if _read_bytes(str(path)) != raw:
        raise OSError("it was changed meanwhile and is left alone")
    _write_atomically(path, text)


def _merge_into_file(app: App, exported: sync.PersonaExport, target_path: Path) -> None:
    facts = {"file": str(target_path), "revision": exported.document.revision}
    if target_path.exists() and not target_path.is_file():
        raise OSError("it is no regular file; leave --into out to print the persona")
    if not target_path.exists():
        _write_atomically(target_path, exported.text)
        return _print_facts(app, facts)
    there = decode_file(_read_bytes(str(target_path)))
    text, changes = sync.merge_into_text(app, exported, there)
    if text != there:
        _write_atomically(target_path, text)
    return _print_facts(app, {**facts, "changes": [_present_fields(change) for change in changes]})


async def _record_exported(app: App, exported: sync.PersonaExport) -> None:
    try:
        await sync.record_exported(app, exported)
    except JournalUnavailable as error:
        _print_error(app, f"the persona was read, but not written down: {error}")


def _read_bytes(name: str) -> bytes:
    """Read a file, no more of it than is needed to see that it is too large."""
    if name == STDIN:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _is_file(name: str) -> bool:
    """Tell whether something can be written back: not into a pipe, nor into standard input."""
    return name != STDIN and Path(name).is_file()


def _require_writable(name: str) -> None:
    """Refuse a file that could not be written afterwards, before anything is sent."""
    if not _is_file(name):
        return
    path = _resolve_links(Path(name))
    if not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        raise OSError("it cannot be written, so its revision could not be; nothing was sent")


def _resolve_links(path: Path) -> Path:
    """Return where links lead; raises ``OSError`` when they lead in a circle."""
    with suppress(FileNotFoundError):
        path.stat()
    return path.resolve()


def _write_atomically(path: Path, text: str) -> None:
    """Write a file whole or not at all; a link is followed, the permissions stay."""
    path = _resolve_links(path)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    made = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # a new file gets the permissions that new files get here
    handle = os.open(made, flags, 0o666 if mode is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            made.chmod(mode)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def _present_fields(answer: BaseModel) -> dict[str, Any]:
    return dict(without_nulls(answer.model_dump(mode="json")))


def _render_finding(finding: RuleFinding) -> str:
    return f"{finding.path}: {finding.message} {finding.hint or ''}".rstrip()


def _error_message(error: Exception, name: object) -> str:
    said = str(error)
    if isinstance(error, OSError) and error.strerror:
        said, name = error.strerror, name or error.filename
    return f"{name}: {said}" if name else said


def _print_facts(app: App, facts: dict[str, Any]) -> None:
    _print(escape_invisible(render_text(app.masker.mask(facts))) + "\n")


def _print(text: str) -> None:
    """Print UTF-8 with plain line ends, whatever the terminal and the system prefer."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()


def _print_error(app: App, message: str) -> int:
    sys.stderr.write(f"tavus-mcp: {app.masker.mask_text(escape_invisible(message))}\n")
    return 1


@asynccontextmanager
async def _closing_app(app: App) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await app.aclose()
