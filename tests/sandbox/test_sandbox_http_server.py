"""The sandbox on a TCP port of the loopback interface."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from sandbox_server import serve_in_background

from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.tavus_api.client import TavusApi
from tavus_mcp.tavus_api.pagination import PERSONAS

pytestmark = pytest.mark.anyio
ADA = {"persona_name": "Ada", "system_prompt": "You are Ada."}
SERVER = """
import sys
from pathlib import Path
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.http_server import run
from tavus_mcp.sandbox.store import Store
store = Store.open(Path(sys.argv[1]))
run(build_sandbox(store), host="127.0.0.1", port=0)
store.close()
"""


@pytest.fixture
async def client(store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        serve_in_background(build_sandbox(store)) as url,
        httpx2.AsyncClient(base_url=url, headers={"x-api-key": "any"}) as opened,
    ):
        yield opened


async def plan_fault(client: httpx2.AsyncClient, **fault: Any) -> None:
    answer = await client.post(build_control_url(client, "faults"), json=fault)
    assert answer.status_code == 204, answer.text


def build_control_url(client: httpx2.AsyncClient, what: str) -> httpx2.URL:
    return client.base_url.join(f"/_sandbox/{what}")


async def test_our_client_uses_one_connection(client: httpx2.AsyncClient) -> None:
    """The same for 100 calls of a server is measured in tests/bench."""
    async with aclosing(TavusApi(str(client.base_url).rstrip("/"), "any-key")) as api:
        for _ in range(5):
            assert [row async for row in api.iter_all(PERSONAS)]
    seen = (await client.get(build_control_url(client, "requests"))).json()
    assert (seen["connections"], len(seen["requests"])) == (1, 5)


async def test_a_hundred_requests_use_one_connection(client: httpx2.AsyncClient) -> None:
    for _ in range(100):
        assert (await client.get("/personas?limit=1")).status_code == 200
    seen = (await client.get(build_control_url(client, "requests"))).json()
    assert seen["connections"] == 1
    assert len(seen["requests"]) == 100
    first = {"method": "GET", "path": "/v2/personas", "query": "limit=1", "status": 200}
    assert seen["requests"][0] == first


async def test_a_304_has_no_body_and_leaves_the_connection_open(client: httpx2.AsyncClient) -> None:
    persona_id = (await client.post("/personas", json=ADA)).json()["persona_id"]
    for _ in range(2):
        answer = await client.patch(f"/personas/{persona_id}", json=[])
        assert (answer.status_code, answer.content) == (304, b"")


async def test_reset_before_closes_the_connection_without_effect(
    client: httpx2.AsyncClient,
) -> None:
    await plan_fault(client, kind="reset_before", method="POST", path="/v2/personas")
    with pytest.raises(httpx2.ReadError):
        await client.post("/personas", json=ADA)
    assert (await client.get("/personas?persona_type=user")).json()["total_count"] == 0


async def test_reset_after_closes_the_connection_after_the_effect(
    client: httpx2.AsyncClient,
) -> None:
    await plan_fault(client, kind="reset_after", method="POST", path="/v2/personas")
    with pytest.raises(httpx2.ReadError):
        await client.post("/personas", json=ADA)
    assert (await client.get("/personas?persona_type=user")).json()["total_count"] == 1


async def test_a_reset_fault_resets_the_tcp_connection(client: httpx2.AsyncClient) -> None:
    await plan_fault(client, kind="reset_before")
    stream = await anyio.connect_tcp(str(client.base_url.host), client.base_url.port or 0)
    async with stream:
        await stream.send(b"GET /v2/personas HTTP/1.1\r\nhost: localhost\r\nx-api-key: any\r\n\r\n")
        with pytest.raises(anyio.BrokenResourceError) as broken:
            await stream.receive()
    assert isinstance(broken.value.__cause__, ConnectionResetError)


async def test_a_body_can_be_truncated(client: httpx2.AsyncClient) -> None:
    await plan_fault(client, kind="cut_body")
    with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
        await client.get("/personas")
    assert (await client.get("/personas")).status_code == 200


async def test_cut_json_sends_a_complete_response_with_truncated_json(
    client: httpx2.AsyncClient,
) -> None:
    await plan_fault(client, kind="cut_json")
    answer = await client.get("/personas")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_stopping_does_not_wait_for_idle_connections(store: Store) -> None:
    with anyio.fail_after(5):
        async with serve_in_background(build_sandbox(store)) as url:
            client = httpx2.AsyncClient(base_url=url, headers={"x-api-key": "any"})
            await client.get("/personas")
        await client.aclose()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_command_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVER, str(tmp_path / "state.db")]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    async with await anyio.open_process(command, env=env) as process:
        assert process.stderr is not None
        message = (await process.stderr.receive()).decode()
        assert "any non-empty x-api-key works" in message
        url = message.split()[3]
        async with httpx2.AsyncClient(base_url=url, headers={"x-api-key": "any"}) as client:
            assert (await client.get("/personas")).json()["total_count"] == 7
            process.send_signal(number)
            assert await process.wait() == 0
        assert [text async for text in process.stderr] == []


async def test_an_occupied_port_is_an_error(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with serve_in_background(build_sandbox(store), port=taken.getsockname()[1]):
            pass


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:80", 200),
        ("127.0.0.1", 200),
        ("[::1]:8080", 200),
        ("LocalHost", 200),
        ("rebound.example.com", 421),
        ("127.0.0.1.example.com:80", 421),
        ("127.0.0.1/.example.com", 421),
        ("example.com@127.0.0.1", 421),
        ("[::1]x", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
async def test_a_host_header_of_another_machine_is_refused(
    client: httpx2.AsyncClient, host: str, status: int
) -> None:
    """A page in a browser must not reach the sandbox by DNS rebinding."""
    answer = await client.get("/personas", headers={"host": host})
    assert answer.status_code == status
