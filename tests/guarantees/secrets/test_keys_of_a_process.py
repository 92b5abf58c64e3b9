"""A process at DEBUG with every key in its environment: no output and no file contains one.

The state of the sandbox stands for Tavus, so it holds the keys that callers wrote out; keys of the
environment never reach it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from canaries import CANARY, LLM, SECRET_REFERENCE, TTS, read_folder
from echoing_api import STATUS_BY_MODE, serve_echoing_api

ROOT = Path(__file__).parents[3]
KEYS = {
    "TAVUS_API_KEY": "canary-api-3f81aa07",
    "TAVUS_SECRET_OPENAI": "canary-llm-55d0c1b9",
    "TAVUS_SECRET_VOICE": "canary-tts-9e7742fd",
}
STORED = "canary-stored-1c2d3e4f"
EVERY = (*KEYS.values(), CANARY, STORED)
PERSONA = {
    "persona_id": "p1",
    "persona_name": f"Bot {KEYS['TAVUS_SECRET_VOICE']}",
    "persona_type": "user",
    "pipeline_mode": "full",
    "system_prompt": f"The key is {KEYS['TAVUS_API_KEY']}.",
    "layers": {"llm": {"headers": {"X-Whatever": STORED}, "extra_body": {"token": STORED}}},
}
ONE = {"persona_id": "p1"}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_personas", {}),
    ("get_persona", {**ONE, "full_prompt": True}),
    ("check_persona", ONE),
    ("configure_llm", {**ONE, **LLM, "api_key_ref": "openai", "headers": {"A": SECRET_REFERENCE}}),
    ("configure_llm", {**ONE, "api_key": CANARY, "dry_run": True}),
    ("configure_tts", {**ONE, **TTS, "api_key_ref": "voice"}),
    ("configure_tts", {**ONE, **TTS, "api_key": CANARY}),
    ("configure_tts", {**ONE, "api_key": [CANARY]}),
    ("configure_tts", {**ONE, "api_key_ref": CANARY}),
    ("create_persona", {"system_prompt": "x", "layers": {"tts": {**TTS, "api_key": CANARY}}}),
    ("create_persona", {"based_on": "p1", "dry_run": True}),
    (
        "create_persona",
        {
            "system_prompt": f"Say {KEYS['TAVUS_SECRET_OPENAI']} twice.",
            "layers": {"llm": {**LLM, "api_key_ref": "openai", "headers": {"A": SECRET_REFERENCE}}},
        },
    ),
    ("patch_persona", {**ONE, "patch": {"layers": {"tts": {**TTS, "api_key_ref": "voice"}}}}),
    ("update_persona", {**ONE, "greeting": f"Say {KEYS['TAVUS_SECRET_OPENAI']}"}),
    ("edit_prompt", {**ONE, "find": "The key", "replace": KEYS["TAVUS_SECRET_OPENAI"]}),
    ("update_persona", {**ONE, "name": "x", "if_revision": "0" * 12}),
    ("delete_persona", ONE),
    ("delete_persona", {**ONE, KEYS["TAVUS_SECRET_OPENAI"]: "x"}),
    ("list_revisions", ONE),
    ("compare_personas", {"first": "p1", "second": "p1"}),
    ("no_such_tool", {"api_key": CANARY}),
]


def build_environment(folder: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TAVUS_")}
    ours = {"TAVUS_MCP_DATA_DIR": str(folder), "TAVUS_MCP_TOOLSETS": "all", **KEYS, **more}
    return {**inherited, "PYTHONPATH": str(ROOT), **ours}


def build_messages(calls: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    me = {"name": "raw", "version": "1"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me}
    requested: list[tuple[str, dict[str, Any]]] = [
        *[("tools/call", {"name": tool, "arguments": given}) for tool, given in calls],
        ("resources/read", {"uri": "tavus://personas/p1"}),
        ("resources/read", {"uri": "tavus://personas"}),
        ("resources/list", {}),
        ("prompts/list", {}),
        ("tools/list", {}),
        ("tools/call", {"name": {"api_key": CANARY}}),
        ("tools/call", {"name": "get_persona", "arguments": CANARY}),
        ("completion/complete", {"ref": CANARY, "argument": CANARY}),
    ]
    return [
        {"id": 0, "method": "initialize", "params": hello},
        *[
            {"id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(requested, start=1)
        ],
    ]


def run_session(folder: Path, *options: str, **more: str) -> tuple[str, str]:
    """Send every message, each after the response to the one before; return stdout and stderr."""
    folder.mkdir(parents=True, exist_ok=True)
    received = []
    with (
        (folder / "stderr.txt").open("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tavus_mcp", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=build_environment(folder / "data", TAVUS_MCP_LOG_LEVEL="DEBUG", **more),
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        for message in build_messages(CALLS):
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
            received.append(process.stdout.readline())
        process.stdin.close()
        received.append(process.stdout.read())
        process.wait(30)
        errors.seek(0)
        return "".join(received), errors.read()


def run_journal_command(folder: Path, action: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tavus_mcp", *options, "journal", action],
        capture_output=True,
        text=True,
        env=build_environment(folder / "data"),
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def find_leaked_keys(text: str) -> list[str]:
    return [key for key in EVERY if key in text]


@pytest.mark.parametrize("response_mode", STATUS_BY_MODE)
def test_no_key_leaves_the_process_for_any_answer_of_tavus(
    tmp_path: Path, response_mode: str
) -> None:
    with serve_echoing_api(PERSONA) as tavus:
        tavus.mode = response_mode
        received, logged = run_session(tmp_path, TAVUS_BASE_URL=tavus.url)
    sent = "\n".join(tavus.received_requests)
    assert KEYS["TAVUS_SECRET_OPENAI"] in sent
    assert CANARY in sent
    assert received.count('"result"') > len(CALLS)
    assert "INFO tavus_mcp.tavus_api.client: GET http" in logged
    assert find_leaked_keys(logged) == []
    assert find_leaked_keys(received) == []
    assert find_leaked_keys(read_folder(tmp_path / "data").decode("latin-1")) == []
    assert (
        find_leaked_keys(
            run_journal_command(tmp_path, "show") + run_journal_command(tmp_path, "verify")
        )
        == []
    )


def test_no_key_is_stored_on_disk_except_in_the_sandbox_state(tmp_path: Path) -> None:
    received, logged = run_session(tmp_path, "--sandbox")
    assert find_leaked_keys(received) == []
    assert find_leaked_keys(logged) == []
    assert CANARY.encode() in read_folder(tmp_path / "data")
    rest = read_folder(tmp_path / "data", excluded_prefix="sandbox.sqlite3")
    assert rest.count(b"SQLite format 3") == 1
    state = read_folder(tmp_path / "data").decode("latin-1")
    assert [key for key in KEYS.values() if key in state] == []
    assert "sandbox-secret-openai" in state
    assert find_leaked_keys(rest.decode("latin-1")) == []
    assert find_leaked_keys(run_journal_command(tmp_path, "show", "--sandbox")) == []


def test_a_token_in_the_path_of_the_base_url_reaches_no_message_and_no_log(tmp_path: Path) -> None:
    """Gateways take a token in the path; httpx2 logs the address of every request."""
    token = "gateway-token-4f81c0d2"
    for response_mode in ("take", "refuse"):
        with serve_echoing_api(PERSONA) as tavus:
            tavus.mode = response_mode
            url = tavus.url.replace("/v2", f"/{token}/v2")
            received, logged = run_session(tmp_path / response_mode, TAVUS_BASE_URL=url)
        assert any(token in request for request in tavus.received_requests)
        assert "INFO tavus_mcp.tavus_api.client: GET http" in logged
        assert token not in received + logged
        assert token not in read_folder(tmp_path / response_mode).decode("latin-1")
