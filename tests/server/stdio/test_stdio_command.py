"""The command from outside: what it says, what it serves, and with which status it ends."""

from __future__ import annotations

import json
import signal
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rawclient import REVISIONS, SERVER, Session, run, started
from sandboxes import sandbox

import tavus_mcp
from tavus_mcp.settings import TOOLSETS

BAD_SETTINGS = {
    "TAVUS_BASE_URL": ("http://tavus.example/v2", "https"),
    "TAVUS_MCP_LOG_LEVEL": ("loud", "WARNING"),
    "TAVUS_MCP_READ_ONLY": ("perhaps", "true"),
    "TAVUS_MCP_TOOLSETS": ("personae", "personas"),
}


def get(url: str) -> Any:
    asked = urllib.request.Request(url, headers={"x-api-key": "any"})  # noqa: S310 - loopback
    with urllib.request.urlopen(asked, timeout=60) as reply:  # noqa: S310 - loopback
        return json.load(reply)


@pytest.fixture(scope="module")
def without_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A server that was told nothing at all."""
    with started(tmp_path_factory.mktemp("nothing"), *SERVER) as wire:
        yield Session(wire, REVISIONS[1]).opened()


def test_without_a_key_the_tools_are_listed(without_key: Session) -> None:
    assert len(without_key.request("tools/list")["tools"]) > 10


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
def test_without_a_key_a_call_says_what_to_set(
    without_key: Session, tool: str, arguments: dict[str, Any]
) -> None:
    said = without_key.refusal(tool, **arguments)
    assert "TAVUS_API_KEY" in said
    assert "--sandbox" in said


def test_without_a_key_what_needs_no_network_still_works(without_key: Session) -> None:
    assert without_key.call("describe_layer", layer="tts")["layer"]["layer"] == "tts"


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"tavus-mcp {tavus_mcp.__version__}\n"


def test_the_command_is_installed_under_its_name() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"tavus-mcp": "tavus_mcp.__main__:main"}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_a_setting_that_cannot_be_used_ends_with_2_and_says_what_can(
    tmp_path: Path, name: str
) -> None:
    value, allowed = BAD_SETTINGS[name]
    done = run(tmp_path, env={name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tavus-mcp: ")
    assert allowed in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_toolset_is_named_with_those_there_are(tmp_path: Path) -> None:
    done = run(tmp_path, "--toolsets", "personas,layer")
    assert done.returncode == 2
    assert "'layer'" in done.stderr
    assert "did you mean 'layers'?" in done.stderr
    assert all(name in done.stderr for name in TOOLSETS)


def test_an_unknown_flag_ends_with_2(tmp_path: Path) -> None:
    done = run(tmp_path, "--sandbx")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--sandbx" in done.stderr


def test_read_only_serves_nothing_that_writes(tmp_path: Path) -> None:
    with started(tmp_path, *SERVER, "--sandbox", "--read-only", "--toolsets", "all") as wire:
        session = Session(wire, REVISIONS[2]).opened()
        tools = session.request("tools/list")["tools"]
        assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
        assert "--read-only" in session.refusal("create_persona", name="Ada")


def test_toolsets_serve_what_they_name_and_say_what_is_missing(tmp_path: Path) -> None:
    with started(tmp_path, *SERVER, "--sandbox", TAVUS_MCP_TOOLSETS="layers") as wire:
        session = Session(wire, REVISIONS[1]).opened()
        names = {tool["name"] for tool in session.request("tools/list")["tools"]}
        assert "configure_llm" in names
        assert "list_personas" not in names
        assert "--toolsets" in session.refusal("list_personas")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_sandbox_says_its_url_serves_and_ends_in_good_order(
    tmp_path: Path, number: int
) -> None:
    with sandbox(tmp_path) as tavus:
        assert tavus.url.startswith("http://127.0.0.1:")
        assert "any non-empty x-api-key works" in tavus.said
        assert get(f"{tavus.url}/personas")["total_count"] > 0
        tavus.process.send_signal(number)
        assert tavus.process.wait(60) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_keeps_its_state_in_the_file_it_was_given(tmp_path: Path) -> None:
    state = str(tmp_path / "state.sqlite3")
    body = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
    with (
        sandbox(tmp_path, "--state", state) as tavus,
        started(tmp_path / "server", *SERVER, **tavus.as_environment) as wire,
    ):
        Session(wire, REVISIONS[0]).opened().call("create_persona", name="Ada", **body)
    with sandbox(tmp_path, "--state", state) as tavus:
        kept = get(f"{tavus.url}/personas?persona_type=user")
    assert [row["persona_name"] for row in kept["data"]] == ["Ada"]


def test_the_demo_goes_through_every_step(tmp_path: Path) -> None:
    """Required by us: it creates, inspects, previews, tunes, undoes and deletes."""
    done = run(tmp_path, "demo")
    assert (done.returncode, done.stderr) == (0, "")
    for tool in ("create_persona", "get_persona", "suggest_tuning", "apply_plan", "delete_persona"):
        assert tool in done.stdout
    assert not (tmp_path / "sandbox.sqlite3").exists()
