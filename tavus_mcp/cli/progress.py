"""Colour and progress on a terminal; plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tavus_mcp.cli.confirmation import ignore_progress
from tavus_mcp.concurrency import ProgressCallback


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """Yield the function that reports progress: a bar on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None, visible=False)

        async def report(done: float, total: float | None) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        yield report
