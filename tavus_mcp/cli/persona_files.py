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
from tavus_mcp.server.text_rendering import text_of, without_nulls
from tavus_mcp.text import escape_invisible

STDIN = "-"


@dataclass(frozen=True)
class Given:
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


async def export(app: App, reference: str, into: Path | None) -> int:
    """Print a persona as a file, or bring it into one; 0 when that was done, else 1."""
    async with _closing(app):
        try:
            exported = await sync.export(app, reference)
            for finding in exported.findings:
                _complain(app, _remark(finding))
            if "@" not in reference:
                await _remember(app, exported)
            if into is None:
                _print(exported.text)
            else:
                _bring_into(app, exported, into)
        except (ToolFailure, BadFile, OSError) as error:
            return _complain(app, _told(error, into))
    return 0


async def apply(app: App, given: Given) -> int:
    """Make personas what files say, one after the other; 0 when all were, else 1."""
    if given.read_only and not given.dry_run:
        return _complain(
            app,
            "nothing was sent: this is read-only (--read-only, TAVUS_MCP_READ_ONLY). "
            "--dry-run shows what would change.",
        )
    status = 0
    async with _closing(app):
        for name in given.files:
            try:
                await _apply(app, given, name)
            except (ToolFailure, BadFile, OSError) as error:
                status = _complain(app, _told(error, name))
    return status


async def _apply(app: App, given: Given, name: str) -> None:
    if not given.dry_run:
        _see_that_it_can_be_written(name)
    raw = _read(name)
    asked = sync.ApplyFileRequest(decode_file(raw), dry_run=given.dry_run, allow=given.allow)
    done = await sync.apply(app, asked)
    _show(app, {"file": name, **_facts(done.receipt)})
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
    if _read(str(path)) != raw:
        raise OSError("it was changed meanwhile and is left alone")
    _write(path, text)


def _bring_into(app: App, exported: sync.PersonaExport, into: Path) -> None:
    facts = {"file": str(into), "revision": exported.document.revision}
    if into.exists() and not into.is_file():
        raise OSError("it is no regular file; leave --into out to print the persona")
    if not into.exists():
        _write(into, exported.text)
        return _show(app, facts)
    there = decode_file(_read(str(into)))
    text, changes = sync.merge_into_text(app, exported, there)
    if text != there:
        _write(into, text)
    return _show(app, {**facts, "changes": [_facts(change) for change in changes]})


async def _remember(app: App, exported: sync.PersonaExport) -> None:
    try:
        await sync.record_exported(app, exported)
    except JournalUnavailable as error:
        _complain(app, f"the persona was read, but not written down: {error}")


def _read(name: str) -> bytes:
    """Read a file, no more of it than is needed to see that it is too large."""
    if name == STDIN:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _is_file(name: str) -> bool:
    """Tell whether something can be written back: not into a pipe, nor into standard input."""
    return name != STDIN and Path(name).is_file()


def _see_that_it_can_be_written(name: str) -> None:
    """Refuse a file that could not be written afterwards, before anything is sent."""
    if not _is_file(name):
        return
    path = _real(Path(name))
    if not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        raise OSError("it cannot be written, so its revision could not be; nothing was sent")


def _real(path: Path) -> Path:
    """Return where links lead; raises ``OSError`` when they lead in a circle."""
    with suppress(FileNotFoundError):
        path.stat()
    return path.resolve()


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all; a link is followed, the permissions stay."""
    path = _real(path)
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


def _facts(answer: BaseModel) -> dict[str, Any]:
    return dict(without_nulls(answer.model_dump(mode="json")))


def _remark(finding: RuleFinding) -> str:
    return f"{finding.path}: {finding.message} {finding.hint or ''}".rstrip()


def _told(error: Exception, name: object) -> str:
    said = str(error)
    if isinstance(error, OSError) and error.strerror:
        said, name = error.strerror, name or error.filename
    return f"{name}: {said}" if name else said


def _show(app: App, facts: dict[str, Any]) -> None:
    _print(escape_invisible(text_of(app.masker.mask(facts))) + "\n")


def _print(text: str) -> None:
    """Print UTF-8 with plain line ends, whatever the terminal and the system prefer."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()


def _complain(app: App, said: str) -> int:
    sys.stderr.write(f"tavus-mcp: {app.masker.mask_text(escape_invisible(said))}\n")
    return 1


@asynccontextmanager
async def _closing(app: App) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await app.aclose()
