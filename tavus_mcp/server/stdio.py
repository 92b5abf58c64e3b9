"""The stdio transport on asyncio pipes: half the latency of worker threads, and it ends cleanly.

While serving, file descriptor 0 reads nothing and 1 goes to stderr, so that no stray print reaches
the client. Lines that are not JSON-RPC, and lines that are too long, are answered with the errors
of JSON-RPC 2.0 (-32700, -32600), and the session goes on. EOF, SIGTERM and SIGINT end the server
with status 0. On Windows, and where stdin or stdout is a plain file, the SDK's transport is used.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic_core import PydanticSerializationError

from tavus_mcp.models.unsendable_values import replace_surrogates
from tavus_mcp.server.message_input import BYTE_ORDER_MARK, InvalidMessage, parse_message

MAX_LINE_BYTES = 8 * 1024 * 1024
"""The most bytes of one message; Tavus accepts much less."""

_PARENT_POLL_SECONDS = 0.5
"""Seconds between checks that the parent process still runs."""

Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def stdio_streams() -> AsyncIterator[Streams | tuple[Any, Any]]:
    """Yield the streams of messages from stdin and to stdout that a server runs on."""
    if sys.platform == "win32" or not (_is_stream(0) and _is_stream(1)):
        async with stdio_server() as streams:
            yield streams
        return
    with _private_descriptors() as (stdin, stdout):
        reader, writer = await _open_pipes(stdin, stdout)
        to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_forward_requests, reader, to_server, writer)
            tasks.start_soon(_forward_responses, from_server, writer)
            yield from_client, to_client
            tasks.cancel_scope.cancel()


@contextmanager
def cancel_on_signals(scope: anyio.CancelScope) -> Iterator[None]:
    """Cancel ``scope`` on SIGTERM and SIGINT, so that the process ends in order with status 0."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT) if sys.platform != "win32" else ()
    for number in numbers:
        loop.add_signal_handler(number, scope.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def wait_until_orphaned(parent: int) -> None:
    """Return when process ``parent``, which started this one, has ended; its pipes may be open."""
    while os.getppid() == parent:
        await anyio.sleep(_PARENT_POLL_SECONDS)


def _is_stream(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (stat.S_ISCHR(mode) and os.isatty(fd))


@contextmanager
def _private_descriptors() -> Iterator[tuple[int, int]]:
    """Move stdin and stdout to private descriptors, and put harmless ones in their place."""
    stdin, stdout = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    try:
        yield stdin, stdout
    finally:
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)


async def _open_pipes(stdin: int, stdout: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(stdin), "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
        os.fdopen(os.dup(stdout), "wb", 0),
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


async def _forward_requests(
    reader: asyncio.StreamReader,
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
    writer: asyncio.StreamWriter,
) -> None:
    async with to_server:
        is_first = True
        while (line := await _read_line(reader)) != b"":
            if line is None:
                _write_error(writer, None, types.INVALID_REQUEST, "the message is too long")
                continue
            if is_first:
                line, is_first = line.removeprefix(BYTE_ORDER_MARK), False
            if not line.strip():
                continue
            try:
                message = parse_message(line)
            except InvalidMessage as error:
                _write_error(writer, error.request_id, error.code, error.text)
            else:
                await to_server.send(SessionMessage(message))


async def _read_line(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next line, ``b""`` at the end, or None for a line that was too long."""
    too_long = False
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            return end.partial
        except asyncio.LimitOverrunError as over:
            await reader.readexactly(over.consumed)
            too_long = True
        else:
            return None if too_long else line


async def _forward_responses(
    from_server: MemoryObjectReceiveStream[SessionMessage], writer: asyncio.StreamWriter
) -> None:
    async with from_server:
        async for response in from_server:
            writer.write(_dump_message(response.message).encode() + b"\n")
            with suppress(ConnectionError):  # the client is gone; EOF on stdin ends the server
                await writer.drain()


def _dump_message(message: types.JSONRPCMessage) -> str:
    """Return a message as JSON; lone surrogates, which UTF-8 cannot express, become U+FFFD."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError:
        body = message.model_dump(by_alias=True, exclude_unset=True)
        return replace_surrogates(json.dumps(body, ensure_ascii=False, default=str))


def _write_error(writer: asyncio.StreamWriter, request_id: Any, code: int, text: str) -> None:
    error = {"code": code, "message": f"Invalid message: {text}"}
    body = {"jsonrpc": "2.0", "id": request_id, "error": error}
    writer.write(json.dumps(body).encode() + b"\n")
