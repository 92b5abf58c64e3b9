"""Answer the opening of a session in a thread while the server is still being imported.

Importing the SDK takes most of the start. Meanwhile the thread reads stdin and writes what
``EarlyAnswers`` answers, and ends at the first line that the server must see. The server then gets
everything from the first byte, also what was answered here, and its own answers to that are dropped
(``stdio``). So it is in the state of a server that answered itself, and how lines are split,
refused and ended is decided in one place. This module imports nothing that takes time.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
from typing import NamedTuple

from tavus_mcp.server.early_answers import MAX_LINE_BYTES, EarlyAnswers

_MAX_READ_BYTES = 65_536
_SWITCH_SECONDS = 0.0005
"""How long the thread waits for the interpreter while the server is imported; usually ten times
as long, at every step."""


class Opening(NamedTuple):
    """What happened before the server was loaded.

    ``consumed`` are the bytes that were read, ``answered_count`` how many of the requests in them
    were answered (the first ones), ``unsent`` the rest of an answer that stdout did not take yet.
    """

    consumed: bytes = b""
    answered_count: int = 0
    unsent: bytes = b""


class EarlyReader:
    """A thread that reads a pipe and writes the early answers to another, until it is stopped."""

    def __init__(self, answers: EarlyAnswers, stdin: int, stdout: int) -> None:
        self._answers = answers
        self._stdin, self._stdout = stdin, stdout
        self._consumed = bytearray()
        self._answered_count = 0
        self._unsent = b""
        self._stopped, self._stop = os.pipe()
        os.set_blocking(stdout, False)  # a client that does not read must not hold up the server
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._thread = threading.Thread(target=self._read_lines, daemon=True)
        self._thread.start()

    def stop(self) -> Opening:
        """End the thread and return what it has done; nothing else may read stdin before."""
        os.write(self._stop, b"\n")
        self._thread.join()
        sys.setswitchinterval(self._switch_seconds)
        os.close(self._stop)
        os.close(self._stopped)
        return Opening(bytes(self._consumed), self._answered_count, self._unsent)

    def _read_lines(self) -> None:
        """Read and answer until the stop, the end, or a line that the server must see."""
        poll = select.poll()
        for descriptor in (self._stdin, self._stopped):
            poll.register(descriptor, select.POLLIN)
        line_start = 0
        while not any(descriptor == self._stopped for descriptor, _ in poll.poll()):
            try:
                data = os.read(self._stdin, _MAX_READ_BYTES)
            except OSError:
                return
            if not data:
                return
            self._consumed += data
            while line_end := self._consumed.find(b"\n", line_start) + 1:
                if not self._take_line(bytes(self._consumed[line_start:line_end])):
                    return
                line_start = line_end
            if len(self._consumed) - line_start > MAX_LINE_BYTES:
                return

    def _take_line(self, line: bytes) -> bool:
        """Answer a line; return False if the server must do the rest."""
        answer = self._answers.answer(line)
        if answer:
            self._answered_count += 1
            self._unsent = answer[self._write(answer) :]
        return answer is not None and not self._unsent

    def _write(self, answer: bytes) -> int:
        """Write what stdout takes at once; return how many bytes need not be written any more."""
        try:
            return os.write(self._stdout, answer)
        except BlockingIOError:
            return 0
        except OSError:  # nobody reads it, as in stdio_lines
            return len(answer)


def start_early_reader(toolsets: tuple[str, ...], *, read_only: bool) -> EarlyReader | None:
    """Start answering on stdin and stdout; return None where they are no pipes."""
    try:
        are_pipes = is_pipe(0) and is_pipe(1)
    except OSError:  # one of them is closed
        return None
    if sys.platform == "win32" or not are_pipes:
        return None
    return EarlyReader(EarlyAnswers(toolsets, read_only=read_only), 0, 1)


def is_pipe(descriptor: int) -> bool:
    """Return True for a pipe or a socket, which can be waited for."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
