"""``tavus-mcp sandbox --make-calls`` writes simulated conversations into the state file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from forked_processes import ForkServer
from rawclient import PROTOCOL_REVISIONS, Session
from sandboxes import run_sandbox
from test_stdio_command import get_json

from tavus_mcp.sandbox.store import Store

COACH = "p1af207b8189"


def read_stored_conversations(state: Path) -> list[dict[str, Any]]:
    """Return the conversations in a state file."""
    with closing(Store.open(state)) as store:
        return store.all("conversation")


def test_simulated_conversations_are_written_to_the_embedded_sandbox_state(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    done = fork_server.run(tmp_path, "sandbox", "--make-calls", COACH)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    for part in ("20 calls", COACH, "generated", "seed 1", str(tmp_path / "sandbox.sqlite3")):
        assert part in done.stdout
    rows = read_stored_conversations(tmp_path / "sandbox.sqlite3")
    assert len(rows) == 20
    assert all(row["conversation_name"].startswith("Made up by the sandbox") for row in rows)


def test_simulated_conversations_of_a_persona_are_visible_to_its_server(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    """The file is shared: a running server reads what the command writes."""
    body = {"system_prompt": "You help.", "default_replica_id": "rfe12d8b9597"}
    state = str(tmp_path / "state.sqlite3")
    with (
        run_sandbox(fork_server, tmp_path, "--state", state) as tavus,
        fork_server.start(tmp_path / "server", **tavus.client_environment) as server,
    ):
        session = Session(server, PROTOCOL_REVISIONS[0]).initialize()
        persona_id = session.expect_result("create_persona", name="Ada", **body)["persona_id"]
        options = ("--make-calls", persona_id, "--calls", "3", "--seed", "9", "--state", state)
        assert fork_server.run(tmp_path, "sandbox", *options).returncode == 0
        rows = get_json(f"{tavus.url}/conversations")["data"]
    assert [row["conversation_name"] for row in rows] == [
        f"Made up by the sandbox (seed 9, call {number})" for number in (1, 2, 3)
    ]
    assert {row["persona_id"] for row in rows} == {persona_id}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--make-calls", "p-nobody"], "list the personas"),
        (["--make-calls", ""], "list the personas"),
        (["--make-calls", COACH, "--calls", "0"], "1 to 200"),
        (["--make-calls", COACH, "--calls", "201"], "1 to 200"),
        (["--make-calls", COACH, "--calls", "many"], "--calls"),
        (["--make-calls", COACH, "--memory"], "--memory"),
        (["--calls", "3"], "--make-calls"),
        (["--seed", "3"], "--make-calls"),
    ],
)
def test_an_impossible_simulation_fails_with_an_explanation(
    tmp_path: Path, fork_server: ForkServer, arguments: list[str], named: str
) -> None:
    done = fork_server.run(tmp_path, "sandbox", *arguments)
    assert (done.returncode, done.stdout) == (64, "")
    assert named in done.stderr
    assert "p-nobody" not in done.stderr
    assert "Traceback" not in done.stderr
    assert read_stored_conversations(tmp_path / "sandbox.sqlite3") == []


def test_a_persona_without_a_replica_is_refused_with_advice(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    with closing(Store.open(tmp_path / "sandbox.sqlite3")) as store:
        persona = store.get("persona", COACH) or {}
        store.put("persona", "p1", persona | {"persona_id": "p1", "default_replica_id": ""})
    done = fork_server.run(tmp_path, "sandbox", "--make-calls", "p1")
    assert (done.returncode, done.stdout) == (64, "")
    assert "default_replica_id" in done.stderr
