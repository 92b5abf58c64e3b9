"""Refused files: the messages and their positions."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tavus_mcp.persona_files.persona_file import parse_persona_file
from tavus_mcp.persona_files.yaml_reader import MAX_FILE_BYTES, BadFile, decode_file

BAD: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("bad_files.toml").read_text(encoding="utf-8")
)["file"]
FILLED = {
    "{DEEP}": "[" * 50_000,
    "{LARGE}": "x" * MAX_FILE_BYTES,
    "{DIGITS}": "9" * 9_000,
    "{MANY}": "1," * 400_000,
}


def build_file_bytes(row: dict[str, Any]) -> bytes:
    if "latin" in row:
        return bytes(row["latin"], "latin-1")
    text = row["text"]
    for name, value in FILLED.items():
        text = text.replace(name, value)
    return bytes(text, "utf-8")


def read_expecting_error(row: dict[str, Any]) -> str:
    with pytest.raises(BadFile) as caught:
        parse_persona_file(decode_file(build_file_bytes(row)))
    return str(caught.value)


@pytest.mark.parametrize("row", BAD, ids=[row["name"] for row in BAD])
def test_a_bad_file_is_refused_with_line_and_column(
    row: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """YAML 1.2.2 for text that is not YAML. Nothing that a file names is ever executed."""
    monkeypatch.chdir(tmp_path)
    message = read_expecting_error(row)
    for words in row["says"]:
        assert words in message
    assert list(tmp_path.iterdir()) == []


def test_all_errors_are_reported_together_up_to_a_limit() -> None:
    message = read_expecting_error({"text": "".join(f"{number}: a\n" for number in range(30))})
    assert message.count("a key must be text") == 12
    assert message.endswith("And 18 more.")


@pytest.mark.parametrize(
    "text",
    [
        "api_key: [sk-canary\n",
        "api_key: sk-canary: x\n",
        "sk-canary\n",
        "? [sk-canary]\n",
        "api_key: !sk-canary!foo x\n",
        "%TAG !sk-canary! a\n%TAG !sk-canary! a\n---\na: b\n",
    ],
)
def test_error_messages_contain_no_values(text: str) -> None:
    assert "canary" not in read_expecting_error({"text": text})


def test_the_yaml_library_is_loaded_only_when_a_file_is_read() -> None:
    """The server starts without it."""
    look = "import sys, tavus_mcp.server.server; print('ruamel.yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
