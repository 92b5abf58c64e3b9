"""Read and write lines of bytes: asyncio pipes where possible, else files in a thread.

Pipes have half the latency of worker threads. Windows has no asyncio pipes for stdin and stdout,
and no system has them for plain files. Writing waits until the reader of stdout has taken most of
what was written before, so that a client that sends faster than it reads fills no memory.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from typing import BinaryIO, Protocol

from anyio import to_thread

from tavus_mcp.server.early_reader import Opening

MAX_LINE_BYTES = 8 * 1024 * 1024
"""The most bytes of one message; Tavus accepts much less."""


class Lines(Protocol):
    """The lines of stdin and stdout."""

    async def read(self) -> bytes | None:
        """Return the next line, ``b""`` at the end, or None for a line that was too long."""

    async def write(self, line: bytes) -> None:
        """Write a line; when stdout is closed it is dropped, as the end of stdin will follow."""


async def open_pipes(stdin: int, stdout: int, opening: Opening) -> Lines:
    """Return the lines of two pipes, sockets or terminals, from the first byte of the opening."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    reader.feed_data(opening.consumed)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(stdin), "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
        os.fdopen(os.dup(stdout), "wb", 0),
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    writer.write(opening.unsent)
    return _PipeLines(reader, writer)


class _PipeLines:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes | None:
        too_long = False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                return None if too_long and end.partial else end.partial
            except asyncio.LimitOverrunError as over:
                await self._reader.readexactly(over.consumed)
                too_long = True
            else:
                return None if too_long else line

    async def write(self, line: bytes) -> None:
        if self._writer.transport.is_closing():
            return
        with suppress(ConnectionError):
            self._writer.write(line)
            await self._writer.drain()


def open_files(stdin: int, stdout: int) -> Lines:
    """Return the lines of two files or handles of any kind."""
    return _FileLines(os.fdopen(os.dup(stdin), "rb"), os.fdopen(os.dup(stdout), "wb", 0))


class _FileLines:
    """Reads in a daemon thread, because nothing can interrupt a blocking read at the end."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self._stdin, self._stdout = stdin, stdout
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._wanted = threading.Semaphore(0)
        threading.Thread(target=self._read_wanted, daemon=True).start()

    async def read(self) -> bytes | None:
        self._wanted.release()
        return await self._lines.get()

    async def write(self, line: bytes) -> None:
        with suppress(OSError):
            await to_thread.run_sync(self._stdout.write, line)

    def _read_wanted(self) -> None:
        while True:
            self._wanted.acquire()
            line = self._read_line()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
            if line == b"":
                return

    def _read_line(self) -> bytes | None:
        """Return what ``read`` returns."""
        try:
            line = self._stdin.readline(MAX_LINE_BYTES)
            is_too_long = len(line) == MAX_LINE_BYTES and not line.endswith(b"\n")
            part = line if is_too_long else b""
            while part and not part.endswith(b"\n"):
                part = self._stdin.readline(MAX_LINE_BYTES)
        except OSError:
            return b""
        return None if is_too_long else line
