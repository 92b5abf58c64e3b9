"""The stdio transport: messages as lines of stdin and stdout (``stdio_lines``).

While serving, file descriptor 0 reads nothing and 1 goes to stderr, so that no stray print reaches
the client. Lines that are not JSON-RPC, and lines that are too long, are answered with the errors
of JSON-RPC 2.0 (-32700, -32600), and the session goes on. EOF, SIGTERM and SIGINT end the server
with status 0; at the end of a plain file, the requests in it are answered first.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from pydantic_core import PydanticSerializationError

from tavus_mcp.invisible_characters import escape_invisible
from tavus_mcp.models.unsendable_values import replace_surrogates
from tavus_mcp.server.early_reader import EarlyReader, Opening, is_pipe
from tavus_mcp.server.message_input import BYTE_ORDER_MARK, InvalidMessage, parse_message
from tavus_mcp.server.stdio_lines import Lines, open_files, open_pipes

_PARENT_POLL_SECONDS = 0.5
"""Seconds between checks that the parent process still runs."""
_STREAM_METHOD = "subscriptions/listen"
"""The request that is answered when the client ends it."""

Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


@asynccontextmanager
async def stdio_streams(early_reader: EarlyReader | None = None) -> AsyncIterator[Streams]:
    """Yield the streams of messages from stdin and to stdout that a server runs on.

    ``early_reader`` is stopped; they begin with what it has read.
    """
    is_piped = sys.platform != "win32" and _is_stream(0) and _is_stream(1)
    opening = Opening() if early_reader is None else early_reader.stop()
    with _private_descriptors() as (stdin, stdout):
        lines = await open_pipes(stdin, stdout, opening) if is_piped else open_files(stdin, stdout)
        replay = _Replay(opening.answered_count)
        # who writes into a pipe and closes it wants the server to end; a file just has an end
        pending = None if is_piped else _PendingRequests()
        to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_forward_requests, lines, to_server, pending, replay)
            tasks.start_soon(_forward_responses, from_server, lines, pending, replay)
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
    return is_pipe(fd) or os.isatty(fd)


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


class _PendingRequests:
    """The requests that were not answered yet, without those whose answer is an endless stream."""

    def __init__(self) -> None:
        self._ids: list[types.RequestId] = []
        self._changed = anyio.Condition()

    async def add(self, message: types.JSONRPCMessage) -> None:
        """Add a request that was read."""
        if isinstance(message, types.JSONRPCRequest) and message.method != _STREAM_METHOD:
            self._ids.append(message.id)

    async def remove(self, message: types.JSONRPCMessage) -> None:
        """Remove the request of an answer that was written."""
        if isinstance(message, (types.JSONRPCResponse, types.JSONRPCError)):
            async with self._changed:
                if message.id in self._ids:
                    self._ids.remove(message.id)
                self._changed.notify_all()

    async def wait_until_none(self) -> None:
        """Return when every request that was read is answered."""
        async with self._changed:
            while self._ids:
                await self._changed.wait()


class _Replay:
    """Drops the server's answers to the requests that ``early_reader`` has answered.

    Each of those is alone in the server until its answer was dropped, so that no answer to another
    request can be meant, and a cancellation that follows it comes too late, as for the client.
    """

    def __init__(self, answered_count: int) -> None:
        self._remaining = answered_count
        self._dropped = anyio.Event()

    async def wait_for_answer(self, message: types.JSONRPCMessage) -> None:
        """Return when the answer to a message was dropped, if it is one of those requests."""
        if self._remaining and isinstance(message, types.JSONRPCRequest):
            await self._dropped.wait()
            self._dropped = anyio.Event()
            self._remaining -= 1

    def drops(self, message: types.JSONRPCMessage) -> bool:
        """Return True for an answer that the client has already."""
        is_answer = isinstance(message, (types.JSONRPCResponse, types.JSONRPCError))
        if self._remaining and is_answer:
            self._dropped.set()
        return bool(self._remaining) and is_answer


async def _forward_requests(
    lines: Lines,
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
    pending: _PendingRequests | None,
    replay: _Replay,
) -> None:
    async with to_server:
        while (line := await lines.read()) != b"":
            if line is None:
                await _write_error(lines, None, types.INVALID_REQUEST, "the message is too long")
                continue
            if not line.removeprefix(BYTE_ORDER_MARK).strip():
                continue
            try:
                message = parse_message(line)
            except InvalidMessage as error:
                for request_id in error.request_ids:
                    await _write_error(lines, request_id, error.code, error.text)
                continue
            if pending is not None:
                await pending.add(message)
            await to_server.send(SessionMessage(message))
            await replay.wait_for_answer(message)
        if pending is not None:
            await pending.wait_until_none()


async def _forward_responses(
    from_server: MemoryObjectReceiveStream[SessionMessage],
    lines: Lines,
    pending: _PendingRequests | None,
    replay: _Replay,
) -> None:
    async with from_server:
        async for response in from_server:
            message = response.message
            if replay.drops(message):
                continue
            if isinstance(message, types.JSONRPCError):  # the SDK repeats names of the client
                message.error.message = escape_invisible(message.error.message)
            await lines.write(dump_message(message).encode() + b"\n")
            if pending is not None:
                await pending.remove(response.message)


def dump_message(message: types.JSONRPCMessage) -> str:
    """Return a message as JSON; lone surrogates, which UTF-8 cannot express, become U+FFFD."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError:
        body = message.model_dump(by_alias=True, exclude_unset=True)
        return replace_surrogates(json.dumps(body, ensure_ascii=False, default=str))


async def _write_error(lines: Lines, request_id: Any, code: int, text: str) -> None:
    error = {"code": code, "message": f"Invalid message: {text}."}
    body = {"jsonrpc": "2.0", "id": request_id, "error": error}
    await lines.write(json.dumps(body).encode() + b"\n")
