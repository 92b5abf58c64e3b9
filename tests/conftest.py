"""Fixtures for all tests: the server in this process, on a sandbox of its own.

Tests use an MCP client, which calls the server, which calls the sandbox. The sandbox is a real
ASGI application with a real store in memory; nothing of ours is mocked.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from forked_processes import ForkServer, start_fork_server
from hypothesis import is_hypothesis_test
from journal_databases import close_journals, use_postgres
from mcp import Client
from mcp_client import (
    SECRET,
    RecordingTransport,
    ToolClient,
    build_test_app,
    open_api_client,
    text_of,
)
from property_examples import RANDOM_EXAMPLES_OPTION, choose_examples
from sdk_caches import install_caches
from starlette.types import ASGIApp

from tavus_mcp.app import ProjectPlace
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.store import Store
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import TOOLSETS, Settings

__all__ = [
    "SECRET",
    "RecordingTransport",
    "ToolClient",
    "ToolClientFactory",
    "build_test_app",
    "text_of",
]


MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - each user has folders of their own in it
MIN_FREE_BYTES = 1 << 29


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to search for faults with examples that differ in each run."""
    parser.addoption(
        RANDOM_EXAMPLES_OPTION,
        action="store_true",
        help="draw other examples of property tests in each run; without it all runs draw the same",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the examples of property tests, and where the folders of tests are.

    They are in memory where that is possible: a journal waits for the disk at every change, and on
    a slow disk that is most of the time of a test.
    """
    choose_examples(
        is_extended=is_extended(config), is_random=config.getoption(RANDOM_EXAMPLES_OPTION)
    )
    if MEMORY_FOLDER.is_dir() and shutil.disk_usage(MEMORY_FOLDER).free >= MIN_FREE_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_FOLDER))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests marked ``every_database`` on a file and, in the extended suite, PostgreSQL."""
    marker = metafunc.definition.get_closest_marker
    if marker("every_database") and not marker("file_database"):
        postgres = pytest.param("postgres", marks=pytest.mark.extended)
        metafunc.parametrize("journal_database", ["file", postgres], indirect=True)


def is_extended(config: pytest.Config) -> bool:
    """Tell whether the tests with the marker ``extended`` are run, not the default suite."""
    return bool(config.option.markexpr == "extended")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let every property test run in the extended suite too, with more examples."""
    is_property = is_hypothesis_test(getattr(item, "obj", None))
    if is_extended(item.config) and (is_property or item.get_closest_marker("generated")):
        item.add_marker(pytest.mark.extended)


def pytest_collection_finish() -> None:
    """Exempt the collected tests from garbage collection: they live until the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _sdk_caches() -> Iterator[None]:
    """Share what the MCP SDK derives from the same functions and schemas in every test."""
    with pytest.MonkeyPatch.context() as patcher:
        install_caches(patcher)
        yield


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """The process from which tests fork servers and commands."""
    with start_fork_server() as started:
        yield started


@pytest.fixture
def anyio_backend() -> str:
    """The stdio transport of the server needs asyncio, so tests run on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the variables of the machine, and give each test a data folder."""
    for name in [name for name in os.environ if name.startswith("TAVUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TAVUS_MCP_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def journal_database(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _clean_environment: None
) -> Iterator[str]:
    """The kind of database of the journal, a file unless the test is ``every_database``."""
    kind = str(getattr(request, "param", "file"))
    if kind == "postgres":
        use_postgres(monkeypatch, os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield kind
    if kind == "postgres":
        close_journals()


@pytest.fixture
def store() -> Iterator[Store]:
    """A sandbox store in memory."""
    opened = Store.open(None)
    yield opened
    opened.close()


@pytest.fixture
def sandbox(store: Store) -> ASGIApp:
    """A sandbox over the store."""
    return build_sandbox(store)


@pytest.fixture
async def sandbox_client(sandbox: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client of the sandbox."""
    async with open_api_client(sandbox) as client:
        yield client


@pytest.fixture
async def dashboard_client(sandbox: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that changes personas as the dashboard does, without this server."""
    async with open_api_client(sandbox, "http://127.0.0.1/v2") as client:
        yield client


ToolClientFactory = Callable[..., AbstractAsyncContextManager[ToolClient]]


@pytest.fixture
def open_tool_client(sandbox: ASGIApp) -> ToolClientFactory:
    """Open a client of a server on the sandbox, or on another ASGI application like Tavus."""

    @asynccontextmanager
    async def open_client(
        app: ASGIApp = sandbox,
        *,
        mode: str = "legacy",
        client: Mapping[str, Any] | None = None,
        clock: Callable[[], datetime] | None = None,
        project: ProjectPlace | None = None,
        **settings: Any,
    ) -> AsyncIterator[ToolClient]:
        chosen = Settings(**{"toolsets": TOOLSETS, **settings})
        more = {"protected": chosen.protected, **({"clock": clock} if clock else {})}
        more |= {"project": project} if project else {}
        test_app, transport = build_test_app(app, **more)
        server = build_server(test_app, chosen)
        async with Client(server, mode=mode, **(client or {})) as opened:  # type: ignore[arg-type]
            yield ToolClient(opened, transport, server)

    return open_client


@pytest.fixture
async def tool_client(open_tool_client: ToolClientFactory) -> AsyncIterator[ToolClient]:
    """A client of a server with every toolset, on a sandbox of its own."""
    async with open_tool_client() as opened:
        yield opened
