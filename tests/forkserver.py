"""A process that has imported everything, and forks a command of ours for each request.

Started as ``python forkserver.py FD``, where FD is a socket. A request is a line of JSON and four
descriptors: stdin, stdout and stderr of the new process, and a pipe for its exit status. The answer
is a line with the process id. Importing takes about a second, forking a few milliseconds. The fork
server ends when the socket is closed.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp_types import CallToolResult

import tavus_mcp
from tavus_mcp.__main__ import main as run_command
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.server.server import build_server
from tavus_mcp.server.tool_schemas import full_arguments_schema
from tavus_mcp.settings import TOOLSETS, Settings, from_environment

MAX_REQUEST_BYTES = 1 << 20
DESCRIPTORS_PER_REQUEST = 4


def warm_up() -> None:
    """Import every module, build a server and use it, so that what can be cached is cached."""
    for module in pkgutil.walk_packages(tavus_mcp.__path__, "tavus_mcp."):
        import_module(module.name)
    with TemporaryDirectory() as folder:
        environment = {"TAVUS_MCP_TOOLSETS": ",".join(TOOLSETS), "TAVUS_MCP_DATA_DIR": folder}
        anyio.run(use_server, replace(from_environment(environment), sandbox=True))
    gc.collect()
    gc.freeze()


async def use_server(settings: Settings) -> None:
    """Let a server on a sandbox create, change and read a persona."""
    app = build_app(settings)
    server = build_server(app, settings)
    for tool in server.tools_by_name.values():
        full_arguments_schema(tool)
    made = await server.call_tool("create_persona", {"name": "Ada", "system_prompt": "Help."})
    assert isinstance(made, CallToolResult)
    persona = {"persona_id": (made.structured_content or {})["persona_id"]}
    await server.call_tool("update_persona", {**persona, "greeting": "Hi."})
    await server.call_tool("get_persona", persona)
    await server.call_tool("list_revisions", persona)
    await app.aclose()


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request until the socket is closed.

    Returns the request in each forked process, and ``None`` in the fork server itself.
    """
    status_pipes: dict[int, int] = {}
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        child_ended, wakeup = socket.socketpair()
        for item in (child_ended, wakeup):
            stack.enter_context(item)
            item.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup.fileno())
        selector.register(control, selectors.EVENT_READ)
        selector.register(child_ended, selectors.EVENT_READ)
        control.sendall(b"ready\n")
        while True:
            for key, _ in selector.select():
                if key.fileobj is child_ended:
                    child_ended.recv(4096)
                    report_ended_processes(status_pipes)
                    continue
                request, descriptors = receive_request(control)
                if request is None:
                    return None
                child = os.fork()
                if not child:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    become_command(request, descriptors, [*status_pipes.values()])
                    return request
                *streams, status_pipes[child] = descriptors
                close_descriptors(streams)
                control.sendall(f"{child}\n".encode())


def receive_request(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Return the next request and its descriptors; no request when the socket is closed."""
    text, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST_BYTES, DESCRIPTORS_PER_REQUEST)
    while text and not text.endswith(b"\n"):
        text += control.recv(MAX_REQUEST_BYTES)
    return (json.loads(text) if text else None), list(descriptors)


def report_ended_processes(status_pipes: dict[int, int]) -> None:
    """Write the exit status of each process that has ended to its pipe."""
    while status_pipes:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        pipe = status_pipes.pop(pid)
        os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(pipe)


def become_command(
    request: dict[str, Any], descriptors: list[int], others_descriptors: list[int]
) -> None:
    """Give the forked process the arguments and descriptors of a started command."""
    *streams, status_pipe = descriptors
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    close_descriptors([*streams, status_pipe, *others_descriptors])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["tavus-mcp", *request["arguments"]]


def close_descriptors(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    warm_up()
    with control:
        request = serve(control)
    if request is None:
        return
    status = run(request["program"])
    if request["finalizes"]:
        sys.exit(status)
    os._exit(status)  # the clean-up of the interpreter takes 90 ms in a forked process


def run(program: str) -> int:
    """Run the command, or a program of a test; return its exit status."""
    status: str | int | None = 0
    try:
        if program:
            exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102
        else:
            run_command()
    except SystemExit as ended:
        status = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    main()
