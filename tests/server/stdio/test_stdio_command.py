"""The command from outside: its output, what it serves, and its exit status."""

from __future__ import annotations

import json
import signal
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forked_processes import ForkServer
from rawclient import PROTOCOL_REVISIONS, Session, run_server_command
from sandboxes import run_sandbox

import tavus_mcp
from tavus_mcp.settings import TOOLSETS


def get_json(url: str) -> Any:
    request = urllib.request.Request(url, headers={"x-api-key": "any"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - loopback
        return json.load(reply)


@pytest.fixture(scope="module")
def keyless_session(
    tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> Iterator[Session]:
    """A server without any setting."""
    with fork_server.start(tmp_path_factory.mktemp("nothing")) as server:
        yield Session(server, PROTOCOL_REVISIONS[1]).initialize()


def test_without_a_key_the_tools_are_listed(keyless_session: Session) -> None:
    assert len(keyless_session.request("tools/list")["tools"]) > 10


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_personas", {}),
        ("get_persona", {"persona_id": "p5317866"}),
        ("create_persona", {"name": "Ada", "system_prompt": "You help."}),
        ("configure_llm", {"persona_id": "p5317866", "model": "tavus-gpt-oss"}),
        ("delete_persona", {"persona_id": "p5317866"}),
    ],
)
def test_without_a_key_a_call_names_the_variable_to_set(
    keyless_session: Session, tool: str, arguments: dict[str, Any]
) -> None:
    message = keyless_session.expect_error(tool, **arguments)
    assert "TAVUS_API_KEY" in message
    assert "--sandbox" in message


def test_without_a_key_offline_tools_work(keyless_session: Session) -> None:
    assert keyless_session.expect_result("describe_layer", layer="tts")["layer"]["layer"] == "tts"


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    done = run_server_command(tmp_path, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"tavus-mcp {tavus_mcp.__version__}\n"


def test_the_command_is_installed_under_its_name() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"tavus-mcp": "tavus_mcp.__main__:main"}


def test_an_unknown_toolset_is_refused_with_the_known_ones(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    done = fork_server.run(tmp_path, "--toolsets", "personas,layer")
    assert done.returncode == 64
    assert "'layer'" in done.stderr
    assert "did you mean 'layers'?" in done.stderr
    assert all(name in done.stderr for name in TOOLSETS)


def test_an_unknown_flag_exits_with_64(tmp_path: Path, fork_server: ForkServer) -> None:
    done = fork_server.run(tmp_path, "--sandbx")
    assert (done.returncode, done.stdout) == (64, "")
    assert "--sandbx" in done.stderr


def test_read_only_mode_serves_no_write_tools(tmp_path: Path, fork_server: ForkServer) -> None:
    with fork_server.start(tmp_path, "--sandbox", "--read-only", "--toolsets", "all") as server:
        session = Session(server, PROTOCOL_REVISIONS[2]).initialize()
        tools = session.request("tools/list")["tools"]
        assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
        assert "--read-only" in session.expect_error("create_persona", name="Ada")


def test_toolsets_serve_their_tools_and_name_the_missing_ones(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with fork_server.start(tmp_path, "--sandbox", TAVUS_MCP_TOOLSETS="layers") as server:
        session = Session(server, PROTOCOL_REVISIONS[1]).initialize()
        names = {tool["name"] for tool in session.request("tools/list")["tools"]}
        assert "configure_llm" in names
        assert "list_personas" not in names
        assert "--toolsets" in session.expect_error("list_personas")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_sandbox_prints_its_url_serves_and_ends_cleanly(
    tmp_path: Path, fork_server: ForkServer, number: int
) -> None:
    with run_sandbox(fork_server, tmp_path) as tavus:
        assert tavus.url.startswith("http://127.0.0.1:")
        assert "any non-empty x-api-key works" in tavus.startup_line
        assert get_json(f"{tavus.url}/personas")["total_count"] > 0
        tavus.server.send_signal(number)
        assert tavus.server.process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_stores_its_state_in_the_given_file(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    state = str(tmp_path / "state.sqlite3")
    body = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
    with (
        run_sandbox(fork_server, tmp_path, "--state", state) as tavus,
        fork_server.start(tmp_path / "server", **tavus.client_environment) as server,
    ):
        Session(server, PROTOCOL_REVISIONS[0]).initialize().expect_result(
            "create_persona", name="Ada", **body
        )
    with run_sandbox(fork_server, tmp_path, "--state", state) as tavus:
        answer = get_json(f"{tavus.url}/personas?persona_type=user")
    assert [row["persona_name"] for row in answer["data"]] == ["Ada"]
