"""A process that has imported everything and forks a server for whoever asks over a socket.

Started as ``python forkserver.py FD``. Each request brings three descriptors, which become the
server's stdin, stdout and stderr; the answers are the server's process id, and ``gone`` when it has
ended. It ends itself when the socket is closed.
"""

from __future__ import annotations

import os
import socket
import sys

import anyio

from tavus_mcp.cli.wiring import build_app
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, from_environment


def main(control_socket: socket.socket) -> None:
    settings = from_environment({**os.environ, "TAVUS_MCP_TOOLSETS": ",".join(TOOLSETS)})
    server = build_server(build_app(settings), settings)
    control_socket.sendall(b"ready\n")
    while True:
        said, streams, _, _ = socket.recv_fds(control_socket, 16, 3)
        if not said:
            return
        child = os.fork()
        if not child:
            control_socket.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            anyio.run(server.serve_stdio)
            os._exit(0)
        for stream in streams:
            os.close(stream)
        control_socket.sendall(f"{child}\n".encode())
        os.waitpid(child, 0)
        control_socket.sendall(b"gone\n")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
