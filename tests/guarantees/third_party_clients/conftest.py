"""A sandbox as a process, which the clients of others talk to."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from forked_processes import ForkServer


@pytest.fixture(scope="module")
def sandbox_url(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL that ``tavus-mcp sandbox`` prints at its start."""
    folder, options = tmp_path_factory.mktemp("sandbox"), ("--memory", "--port", "0")
    with fork_server.start(folder, "sandbox", *options, joins_stderr=True) as server:
        yield server.wait_for_line().split(" at ")[1].split()[0]
        server.send_signal(signal.SIGTERM)
