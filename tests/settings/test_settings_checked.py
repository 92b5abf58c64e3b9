"""Settings as people copy them: what is certain is corrected, the rest is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_processes import ForkServer
from rawclient import Session
from recording_api import RecordingApi, serve_recording_api

KEY = "tvs-0123456789abcdef"
HALF = KEY[:10]
CORRECTED_KEYS = {
    "line break": f"{KEY}\n",
    "carriage return": f"{KEY}\r\n",
    "blanks": f"  {KEY}\t",
    "no-break space": f"\u00a0{KEY}",
    "zero-width space": f"{KEY}\u200b",
    "byte order mark": f"\ufeff{KEY}",
    "zero-width inside": f"{HALF}\u200b{KEY[10:]}",
    "double quotes": f'"{KEY}"',
    "single quotes": f"'{KEY}'",
    "curly quotes": f"\u201c{KEY}\u201d",
    "Bearer": f"Bearer {KEY}",
    "bearer in quotes": f'"bearer {KEY}"',
    "quotes after Bearer": f'Bearer "{KEY}"',
}
WRONG_KEYS = {
    "space": (f"{HALF} {KEY[10:]}", "space or line break"),
    "line break": (f"{HALF}\n{KEY[10:]}", "space or line break"),
    "accent": (f"{KEY}\u00e9", "no key has"),
    "curly quote": (f"{HALF}\u2019{KEY[10:]}", "no key has"),
    "control character": (f"{HALF}\x07{KEY[10:]}", "invisible character"),
    "one quotation mark": (f'"{KEY}', "quotation mark"),
    "variable": ("${TAVUS_API_KEY}", "placeholder"),
    "input": ("${input:key}", "placeholder"),
    "shell variable": ("$TAVUS_API_KEY", "placeholder"),
    "Windows variable": ("%TAVUS_API_KEY%", "placeholder"),
    "example": ("YOUR_TAVUS_API_KEY", "placeholder"),
    "example in words": ("your-api-key-here", "placeholder"),
    "angle brackets": ("<your key>", "placeholder"),
    "Bearer and variable": ("Bearer ${TAVUS_API_KEY}", "placeholder"),
}
WRONG_SECRETS = {**WRONG_KEYS, "short": ("sk-1234", "shorter than 8 characters")}
WRONG_VALUES = {
    "address without /v2": ("TAVUS_BASE_URL", "https://tavusapi.com", "/v2"),
    "address with a space": ("TAVUS_BASE_URL", "https://tavus api.com/v2", "space"),
    "address with a large port": ("TAVUS_BASE_URL", "https://tavusapi.com:99999/v2", "65535"),
    "address with a port in words": ("TAVUS_BASE_URL", "https://tavusapi.com:web/v2", "65535"),
    "address with half an IPv6 host": ("TAVUS_BASE_URL", "https://[::1", "host"),
    "address with an empty label": ("TAVUS_BASE_URL", "https://tavusapi..com/v2", "host"),
    "address without TLS": ("TAVUS_BASE_URL", "http://tavus.example/v2", "https"),
    "address with a password": ("TAVUS_BASE_URL", "https://u:p@tavusapi.com/v2", "password"),
    "address not filled in": ("TAVUS_BASE_URL", "${input:url}", "placeholder"),
    "folder not filled in": ("TAVUS_MCP_DATA_DIR", "${workspaceFolder}/tavus", "placeholder"),
    "address with an empty query": ("TAVUS_BASE_URL", "https://tavusapi.com/v2?", "query"),
    "address with an empty user": ("TAVUS_BASE_URL", "https://@tavusapi.com/v2", "user"),
    "address with an example": ("TAVUS_BASE_URL", "https://<host>/v2", "host"),
    "address with a detour": ("TAVUS_BASE_URL", "https://tavusapi.com/x/../v2", "/v2"),
    "folder of Windows": ("TAVUS_MCP_DATA_DIR", "file:///tmp/tavus", "on this system"),
    "folder below a file": ("TAVUS_MCP_DATA_DIR", f"{__file__}/data", "data folder"),
    "folder that is a file": ("TAVUS_MCP_DATA_DIR", __file__, "data folder"),
    "read-only in words": ("TAVUS_MCP_READ_ONLY", "perhaps", "true"),
    "toolset misspelt": ("TAVUS_MCP_TOOLSETS", "personnas", "did you mean 'personas'?"),
    "level of the log": ("TAVUS_MCP_LOG_LEVEL", "loud", "WARNING"),
    "read-only misspelt": ("TAVUS_MCP_READONLY", "1", "did you mean 'TAVUS_MCP_READ_ONLY'?"),
    "read-only in lower case": ("tavus_mcp_read_only", "1", "did you mean 'TAVUS_MCP_READ_ONLY'?"),
    "toolsets in the singular": ("TAVUS_MCP_TOOLSET", "all", "did you mean 'TAVUS_MCP_TOOLSETS'?"),
    "a name like none of ours": ("TAVUS_MCP_XYZZY", "1", "no such setting"),
    "missing certificates": ("SSL_CERT_FILE", "/nonexistent.pem", "certificates"),
    "certificates that are none": ("SSL_CERT_FILE", __file__, "certificates"),
    "a folder for a file of certificates": ("SSL_CERT_FILE", "/", "certificates"),
    "a file for a folder of certificates": ("SSL_CERT_DIR", __file__, "certificates"),
    "proxy with a mark in its password": ("HTTPS_PROXY", "http://u:pass-word#1@proxy", "%23"),
    "proxy with a large port": ("HTTPS_PROXY", "http://u:pass-word@proxy:99999", "65535"),
    "proxy of another kind": ("HTTPS_PROXY", "socks5://proxy:1080", "http or https"),
    "proxy not filled in": ("HTTPS_PROXY", "${HTTPS_PROXY}", "placeholder"),
}


@pytest.fixture(scope="module")
def api() -> Iterator[RecordingApi]:
    """A Tavus API that records the keys of requests."""
    with serve_recording_api() as served:
        yield served


def call_server(
    fork_server: ForkServer, folder: Path, tool: str, *options: str, **environment: str
) -> tuple[str, str]:
    """Start a server, call a tool that fails; return the text of its error, and stderr."""
    with fork_server.start(folder, *options, **environment) as server:
        arguments = {} if tool == "list_personas" else {"persona_id": "p5317866"}
        message = Session(server).initialize().expect_error(tool, **arguments)
        server.close_stdin()
        return message, server.read_stderr()


@pytest.mark.parametrize("case", CORRECTED_KEYS)
def test_a_key_is_sent_without_what_copying_leaves_around_it(
    tmp_path: Path, fork_server: ForkServer, api: RecordingApi, case: str
) -> None:
    api.received_keys.clear()
    environment = {"TAVUS_API_KEY": CORRECTED_KEYS[case], "TAVUS_BASE_URL": f" {api.url}/ "}
    with fork_server.start(tmp_path, **environment) as server:
        Session(server).initialize().expect_result("list_personas")
        server.close_stdin()
        assert server.read_stderr() == ""
    assert set(api.received_keys) == {KEY}


@pytest.mark.parametrize("tool", ["list_personas", "delete_persona"])
@pytest.mark.parametrize("case", WRONG_KEYS)
def test_a_wrong_key_is_named_at_the_start_and_in_each_call(
    tmp_path: Path, fork_server: ForkServer, api: RecordingApi, case: str, tool: str
) -> None:
    api.received_keys.clear()
    key, problem = WRONG_KEYS[case]
    message, logged = call_server(
        fork_server, tmp_path, tool, TAVUS_API_KEY=key, TAVUS_BASE_URL=api.url
    )
    line = logged.removeprefix("tavus-mcp: ").rstrip("\n")
    assert line.startswith("TAVUS_API_KEY: ")
    assert problem in line
    assert message.endswith(f"\n{line}")
    assert HALF not in message + logged
    assert api.received_keys == []


@pytest.mark.parametrize("case", WRONG_SECRETS)
def test_a_wrong_secret_is_named_at_the_start_and_in_each_call(
    tmp_path: Path, fork_server: ForkServer, case: str
) -> None:
    secret, problem = WRONG_SECRETS[case]
    message, logged = call_server(
        fork_server, tmp_path, "delete_persona", "--sandbox", TAVUS_SECRET_OPENAI=secret
    )
    line = logged.removeprefix("tavus-mcp: ").rstrip("\n")
    assert line.startswith("TAVUS_SECRET_OPENAI: ")
    assert problem in line
    assert message.endswith(f"\n{line}")
    assert HALF not in message + logged
    assert secret not in message + logged


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_a_wrong_setting_is_named_at_the_start_and_in_each_call(
    tmp_path: Path, fork_server: ForkServer, case: str
) -> None:
    name, value, problem = WRONG_VALUES[case]
    environment = {"TAVUS_API_KEY": KEY, name: value}
    message, logged = call_server(fork_server, tmp_path, "delete_persona", **environment)
    line = logged.removeprefix("tavus-mcp: ").rstrip("\n")
    assert line.startswith(f"{name}: ")
    assert problem in line
    assert message.endswith(f"\n{line}")
    assert "pass-word" not in message + logged


def test_every_wrong_setting_has_a_line_of_its_own(tmp_path: Path, fork_server: ForkServer) -> None:
    environment = {"TAVUS_API_KEY": "${KEY}", "TAVUS_MCP_READONLY": "1", "TAVUS_SECRET_A": "short"}
    message, logged = call_server(fork_server, tmp_path, "list_personas", **environment)
    lines = [line.removeprefix("tavus-mcp: ") for line in logged.splitlines()]
    assert sorted(line.split(":")[0] for line in lines) == sorted(environment)
    assert message.splitlines()[1:] == lines


def test_resources_send_nothing_with_a_wrong_setting(
    tmp_path: Path, fork_server: ForkServer, api: RecordingApi
) -> None:
    api.received_keys.clear()
    environment = {"TAVUS_API_KEY": KEY, "TAVUS_BASE_URL": api.url, "TAVUS_MCP_READONLY": "1"}
    with fork_server.start(tmp_path, **environment) as server:
        session = Session(server).initialize()
        error = session.expect_protocol_error("resources/read", uri="tavus://personas/p5317866")
    assert "TAVUS_MCP_READONLY" in error["message"]
    assert api.received_keys == []


def test_the_sandbox_ignores_the_key_that_the_example_leaves(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    environment = {"TAVUS_API_KEY": "YOUR_TAVUS_API_KEY", "TAVUS_BASE_URL": "https://[::1"}
    with fork_server.start(tmp_path, "--sandbox", **environment) as server:
        Session(server).initialize().expect_result("list_personas")
        server.close_stdin()
        assert server.read_stderr() == ""


@pytest.mark.parametrize("name", ["TAVUS_API_KEY", "TAVUS_SECRET_OPENAI", "TAVUS_MCP_DATA_DIR"])
def test_a_blank_setting_counts_as_not_set(
    tmp_path: Path, fork_server: ForkServer, name: str
) -> None:
    message, logged = call_server(fork_server, tmp_path, "list_personas", **{name: " \n"})
    assert "No Tavus key: set TAVUS_API_KEY" in message
    assert logged == ""


@pytest.mark.parametrize(
    "arguments", [["export", "p5317866"], ["apply", "a.yaml"], ["journal", "verify"]], ids=str
)
def test_a_command_ends_with_64_and_names_the_wrong_setting(
    tmp_path: Path, fork_server: ForkServer, arguments: list[str]
) -> None:
    done = fork_server.run(tmp_path, *arguments, env={"TAVUS_MCP_READONLY": "1"})
    assert (done.returncode, done.stdout) == (64, "")
    assert "did you mean 'TAVUS_MCP_READ_ONLY'?" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--sandbx"], ["--toolsets", "layer"], ["journal", "burn"], ["nonsense"]], ids=str
)
def test_a_wrong_option_ends_with_64(
    tmp_path: Path, fork_server: ForkServer, arguments: list[str]
) -> None:
    done = fork_server.run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (64, "")
    assert arguments[-1] in done.stderr


def test_an_unusable_state_of_the_sandbox_is_named_in_each_call(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    (tmp_path / "sandbox.sqlite3").write_text("no database " * 100)
    environment = {"TAVUS_MCP_DATA_DIR": str(tmp_path)}
    message, logged = call_server(
        fork_server, tmp_path, "list_personas", "--sandbox", **environment
    )
    assert "\nThe state of the sandbox in" in message
    assert "file is not a database" in message
    assert logged == ""


def test_a_key_in_the_wrong_variable_is_not_printed(
    tmp_path: Path, fork_server: ForkServer
) -> None:
    message, logged = call_server(fork_server, tmp_path, "list_personas", TAVUS_MCP_TOOLSETS=KEY)
    assert "TAVUS_MCP_TOOLSETS: one name is no toolset" in logged
    assert HALF not in message + logged


def test_bearer_is_removed_from_a_secret_where_it_is_a_key_and_left_in_a_header(
    tmp_path: Path, fork_server: ForkServer, api: RecordingApi
) -> None:
    environment = {
        "TAVUS_API_KEY": KEY,
        "TAVUS_BASE_URL": api.url,
        "TAVUS_SECRET_OPENAI": "Bearer sk-abcdef0123",
    }
    llm = {"model": "gpt-4o", "base_url": "https://api.openai.com/v1", "api_key_ref": "openai"}
    layers = {"llm": {**llm, "headers": {"Authorization": "{secret:openai}"}}}
    api.received_bodies.clear()
    with fork_server.start(tmp_path, **environment) as server:
        session = Session(server).initialize()
        answer = session.request(
            "tools/call",
            name="create_persona",
            arguments={"system_prompt": "You help.", "layers": layers},
        )
    sent = json.loads(api.received_bodies[0])["layers"]["llm"]
    assert sent["api_key"] == "sk-abcdef0123"
    assert sent["headers"]["Authorization"] == "Bearer sk-abcdef0123"
    assert "sk-abcdef0123" not in str(answer)
