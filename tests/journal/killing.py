"""Server processes to kill, and a sandbox that reports how far their requests have come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from forked_processes import ForkServer
from rawclient import HANDSHAKE_REVISIONS, TIMEOUT_SECONDS, Session
from sandbox_server import serve_in_background
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.cli.wiring import JOURNAL_FILE_NAME
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store


@dataclass
class PausableApp:
    """An ASGI application that reports when a chosen moment is reached, and may pause there.

    A request has two moments: its arrival, before it takes effect, and its end, before its answer
    is sent. They are counted over all requests since ``choose_moment``.
    """

    app: ASGIApp
    moment_reached: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)
    _chosen_moment: int = -1
    _passed_moment_count: int = 0
    _open_request_count: int = 0
    _drops_request: bool = False
    _resume_event: anyio.Event | None = None

    def choose_moment(self, moment: int, *, pause: bool, drop_request: bool) -> None:
        """Choose a moment.

        Arguments:
            moment: its number, from 0.
            pause: whether the request waits there until ``resume``.
            drop_request: whether the request ends there, without effect or without an answer.
        """
        self._chosen_moment = moment
        self._passed_moment_count = 0
        self._drops_request = drop_request
        self._resume_event = anyio.Event() if pause else None
        self.moment_reached.clear()

    def resume(self) -> None:
        """Let the paused request continue; no moment is chosen any more."""
        self._chosen_moment = -1
        if self._resume_event is not None:
            self._resume_event.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._open_request_count += 1
        self.idle.clear()
        try:
            if await self._pass_moment():
                await self.app(scope, receive, self._wrap_send(send))
        finally:
            self._open_request_count -= 1
            if not self._open_request_count:
                self.idle.set()

    def _wrap_send(self, send: Send) -> Send:
        async def send_after_moment(message: Any) -> None:
            if message["type"] == "http.response.start":
                await self._pass_moment()
            await send(message)

        return send_after_moment

    async def _pass_moment(self) -> bool:
        is_chosen = self._passed_moment_count == self._chosen_moment
        self._passed_moment_count += 1
        if not is_chosen:
            return True
        self.moment_reached.set()
        if self._resume_event is not None:
            await self._resume_event.wait()
        return not self._drops_request


@dataclass
class KillScenario:
    """A sandbox, servers that use it, and the journal that they share."""

    store: Store
    pausable_app: PausableApp
    portal: BlockingPortal
    api_client: httpx2.Client
    fork_server: ForkServer
    data_folder: Path
    url: str

    @property
    def journal_path(self) -> Path:
        """Return the file of the journal."""
        return self.data_folder / JOURNAL_FILE_NAME

    @contextmanager
    def open_session(self) -> Iterator[Session]:
        """Open a session with a new server; the server is killed at the end of the block."""
        environment = {"TAVUS_API_KEY": "test-key-0123456789", "TAVUS_BASE_URL": self.url}
        options = ("--toolsets", "all")
        with self.fork_server.start(self.data_folder, *options, **environment) as server:
            yield Session(server, HANDSHAKE_REVISIONS[0]).initialize()

    def create_persona(self) -> str:
        """Create a persona by the API, as a dashboard does; return its id."""
        body = {
            "persona_name": "Ada",
            "system_prompt": "You are Ada.",
            "greeting": "Hi.",
            "layers": {"tts": {"tts_engine": "cartesia"}},
        }
        return str(self.api_client.post("/personas", json=body).json()["persona_id"])

    def call_tool(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool of a new server, which must succeed; return its structured answer."""
        with self.open_session() as session:
            return session.expect_result(tool, **arguments)

    def kill_during_call(
        self,
        moment: int,
        wait_seconds: float,
        tool: str,
        *,
        pause: bool,
        drop_request: bool = False,
        **arguments: Any,
    ) -> None:
        """Call a tool of a new server, and kill the server after a moment of its requests.

        The server is killed ``wait_seconds`` after that moment, or when it has answered.
        """
        self.portal.call(
            lambda: self.pausable_app.choose_moment(moment, pause=pause, drop_request=drop_request)
        )
        with self.open_session() as session:
            session.send_request("tools/call", name=tool, arguments=arguments)
            assert self.pausable_app.moment_reached.wait(TIMEOUT_SECONDS)
            session.server.wait_for_output(wait_seconds)
            session.server.process.kill()
        self.portal.call(self.pausable_app.resume)
        assert self.pausable_app.idle.wait(TIMEOUT_SECONDS)


@contextmanager
def open_kill_scenario(fork_server: ForkServer, data_folder: Path) -> Iterator[KillScenario]:
    """Serve a sandbox over HTTP for servers to be killed."""
    store = Store.open(None)
    pausable_app = PausableApp(build_sandbox(store))
    with start_blocking_portal() as portal:
        app = cast(Starlette, pausable_app)  # serve_in_background needs only an ASGI application
        with (
            portal.wrap_async_context_manager(serve_in_background(app)) as url,
            httpx2.Client(base_url=url, headers={"x-api-key": "any"}, trust_env=False) as client,
        ):
            yield KillScenario(store, pausable_app, portal, client, fork_server, data_folder, url)
    store.close()
