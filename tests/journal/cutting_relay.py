"""A relay between a journal and its database that cuts the connection at a chosen moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

_COMMIT = b"COMMIT\0"
_RECEIVED_BYTES = 1 << 16


@dataclass
class CuttingRelay:
    """Passes bytes on; ``cut`` chooses a commit at which the connection is lost."""

    target: SplitResult
    port: int = 0
    commits_before_cut: int = -1
    passes_commit: bool = False
    drops_answer: bool = False
    connections: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The URL of the database through the relay."""
        credentials = self.target.netloc.rpartition("@")[0]
        netloc = f"{credentials}@127.0.0.1:{self.port}"
        return self.target._replace(netloc=netloc).geturl()

    def cut(self, commits_before: int, *, passes_commit: bool) -> None:
        """Cut the connection at a commit, before or after it has taken effect."""
        self.passes_commit = passes_commit
        self.commits_before_cut = commits_before

    def serve(self, listener: socket.socket) -> None:
        """Accept connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((self.target.hostname, self.target.port))
                self.connections += [client, server]
                for function in (self._pass_requests, self._pass_answers):
                    threading.Thread(target=function, args=(client, server), daemon=True).start()

    def _pass_requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_RECEIVED_BYTES):
                if _COMMIT in data and self._is_cut_now():
                    if not self.passes_commit:
                        break
                    self.drops_answer = True
                server.sendall(data)
        _close(client, server)

    def _pass_answers(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while (data := server.recv(_RECEIVED_BYTES)) and not self.drops_answer:
                client.sendall(data)
        self.drops_answer = False
        _close(client, server)

    def _is_cut_now(self) -> bool:
        self.commits_before_cut -= 1
        return self.commits_before_cut == -1


def _close(*sockets: socket.socket) -> None:
    for item in sockets:
        with suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)
        item.close()


@contextmanager
def start_relay(url: str) -> Iterator[CuttingRelay]:
    """Start a relay to the database of a URL."""
    relay = CuttingRelay(urlsplit(url))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        relay.port = listener.getsockname()[1]
        threading.Thread(target=relay.serve, args=(listener,), daemon=True).start()
        yield relay
        listener.shutdown(socket.SHUT_RDWR)
    _close(*relay.connections)
