"""Early answers equal those of the server, byte for byte."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import anyio
import pytest

from tavus_mcp.cli.surface_file import APPS, EARLY_METHODS, build_request, exchange
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.server.early_answers import MAX_LINE_BYTES, EarlyAnswers
from tavus_mcp.server.server import TavusServer, build_server
from tavus_mcp.server.surface import ENVELOPE, HANDSHAKE
from tavus_mcp.server.view.negotiation import VIEW_URI
from tavus_mcp.settings import DEFAULT_TOOLSETS, TOOLSETS, Settings

SEVERAL_TOOLSETS = {
    "default": DEFAULT_TOOLSETS,
    "all": TOOLSETS,
    "every second": TOOLSETS[::2],
    **{name: (name,) for name in TOOLSETS},
}
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


def start_server(**options: Any) -> TavusServer:
    settings = Settings(**options)
    return build_server(build_app(settings), settings)


def answer_early(settings: Settings, lines: list[bytes]) -> list[bytes]:
    """Return the early answers to lines, up to the first one that the server must see."""
    early = EarlyAnswers(settings.toolsets, read_only=settings.read_only)
    answers = []
    for line in lines:
        answer = early.answer(line)
        if answer is None:
            break
        answers.append(answer)
    return [answer for answer in answers if answer]


def to_line(message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"


def open_session(
    era: str, revision: str = REVISIONS[-1], capabilities: dict[str, Any] | None = None
) -> list[bytes]:
    """Return lines with every request that is answered early."""
    return [
        to_line(build_request(era, method, revision, capabilities)) for method in EARLY_METHODS[era]
    ]


def compare(settings: Settings, sessions: list[list[bytes]]) -> None:
    server = build_server(build_app(settings), settings)
    for lines in sessions:
        early = answer_early(settings, lines)
        assert len(early) == len(lines)
        assert early == anyio.run(exchange, server, lines)


@pytest.mark.parametrize("name", SEVERAL_TOOLSETS)
@pytest.mark.parametrize("read_only", [False, True])
def test_both_eras_are_answered_alike_with_any_toolsets(name: str, read_only: bool) -> None:
    settings = Settings(toolsets=SEVERAL_TOOLSETS[name], read_only=read_only)
    compare(settings, [open_session(HANDSHAKE), open_session(ENVELOPE)])


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_with_a_handshake_is_answered_alike(revision: str) -> None:
    sessions = [open_session(HANDSHAKE, revision), open_session(HANDSHAKE, revision, APPS)]
    compare(Settings(), sessions)


def test_a_client_with_apps_gets_the_view_early() -> None:
    for toolsets in (DEFAULT_TOOLSETS, TOOLSETS):
        sessions = [open_session(era, capabilities=APPS) for era in (HANDSHAKE, ENVELOPE)]
        compare(Settings(toolsets=toolsets), sessions)
        for lines in sessions:
            early = b"".join(answer_early(Settings(toolsets=toolsets), lines))
            assert early.count(VIEW_URI.encode()) > 10
            assert b"discard_plan" in early


FLAGS = [field.name for field in dataclasses.fields(Settings) if field.type == "bool"]


@pytest.mark.parametrize("flag", FLAGS)
def test_no_other_setting_changes_the_answers(flag: str) -> None:
    settings = Settings(**{flag: True, "toolsets": TOOLSETS})
    compare(settings, [open_session(HANDSHAKE), open_session(ENVELOPE)])


@pytest.fixture(scope="module")
def default_server() -> TavusServer:
    return start_server()


CAPABILITIES = ("roots", "sampling", "elicitation", "tasks", "experimental", "extensions", "other")
MEMBERS = ("listChanged", "form", "requests", "list", "tools", "x/y")
VALUES = ({}, {"sampling": {}}, {"sampling": {"createMessage": True}}, {"a": [1]}, True, None, 1)
CLIENT_CAPABILITIES = [
    *({name: value} for name in CAPABILITIES for value in VALUES),
    *({name: {key: value}} for name in CAPABILITIES for key in MEMBERS for value in VALUES),
    *(value for value in VALUES if value != {"a": [1]}),
]
CLIENT_INFO = [
    *({"name": "x", "version": "1", "title": value} for value in ("x", "", None, 1, {})),
    *({"name": "x", "version": "1", key: "x"} for key in ("websiteUrl", "description", "icons")),
    *({"name": "x"}, {"name": 1, "version": "1"}, {}, None, "x"),
]
IDS = (
    0,
    7,
    -1,
    2**53 - 1,
    2**53,
    2**70,
    1.0,
    True,
    None,
    "",
    "a",
    "\u00e9",
    'a"b',
    "\n",
    "x" * 99,
    [],
)


def with_client(era: str, capabilities: Any = None, info: Any = None) -> bytes:
    """Return a first request with these capabilities, or with this information, of its client."""
    request = build_request(era, EARLY_METHODS[era][0])
    values = request["params"].get("_meta", request["params"])
    for name in values:
        if name.endswith("apabilities") and info is None:
            values[name] = capabilities
        elif name.endswith("lientInfo") and info is not None:
            values[name] = info
    return to_line(request)


@pytest.mark.parametrize("era", [HANDSHAKE, ENVELOPE])
def test_only_valid_clients_are_answered_early(default_server: TavusServer, era: str) -> None:
    lines = [with_client(era, capabilities=value) for value in CLIENT_CAPABILITIES]
    lines += [with_client(era, info=value) for value in CLIENT_INFO]
    early = {line: answers for line in lines if (answers := answer_early(Settings(), [line]))}
    assert len(early) > 100
    for line, answers in early.items():
        assert answers == anyio.run(exchange, default_server, [line]), line


LINES = {
    **{f"an id of {value!r}": {"id": value} for value in IDS},
    **{
        f"params of {value!r}": {"params": value}
        for value in ({}, None, [], {"cursor": None}, {"cursor": "x"}, {"_meta": {}}, {"x": 1})
    },
    "another member": {"more": 1},
    "no version": {"jsonrpc": "1.0"},
}
"""What is put into ``tools/list``, after the handshake."""
TEXTS = (
    b' {"jsonrpc": "2.0" ,\t"id":1,"method":"ping"}\r\n',
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":-0,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":1e0,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":"\xff","method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}\n',
    b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}{}\n',
    b'{"jsonrpc":"2.0","id":1,"method":"ping"}' + b" " * MAX_LINE_BYTES + b"\n",
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 9_000 + b"\n",
)


def test_requests_of_uncommon_shapes_are_answered_alike_or_left(
    default_server: TavusServer,
) -> None:
    opening = open_session(HANDSHAKE)[0]
    lines = [
        to_line({**build_request(HANDSHAKE, "tools/list"), **changes}) for changes in LINES.values()
    ]
    answered_count = 0
    for line in (*lines, *TEXTS):
        early = answer_early(Settings(), [opening, line])
        if len(early) == 2:
            answered_count += 1
            assert early == anyio.run(exchange, default_server, [opening, line]), line
    assert answered_count > 5


def test_a_second_era_and_a_second_handshake_are_left_to_the_server() -> None:
    handshake, envelope = open_session(HANDSHAKE), open_session(ENVELOPE)
    assert len(answer_early(Settings(), [handshake[0], envelope[0]])) == 1
    assert len(answer_early(Settings(), [handshake[0], handshake[0]])) == 1
    assert len(answer_early(Settings(), [envelope[0], handshake[0]])) == 1
    assert len(answer_early(Settings(), [envelope[0], handshake[1]])) == 1
    for line in handshake[1:]:
        assert answer_early(Settings(), [line]) == []
