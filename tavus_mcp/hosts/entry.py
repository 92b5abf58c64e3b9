"""Our entry in the file of a host: build, install, remove, find and mask it.

Everything else in the file stays as it is, which each edit checks before it returns.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tavus_mcp.hosts.jsonc import BadConfig, JsonDocument, without_path
from tavus_mcp.hosts.table import Host
from tavus_mcp.keys import HOST_SUFFIX, SECRET_PREFIX
from tavus_mcp.models.masking import is_secret_name

SERVER_NAME = "tavus"
KEY_VARIABLE = "TAVUS_API_KEY"
KEY_PLACEHOLDER = "YOUR_TAVUS_API_KEY"
"""Stands where a key belongs; the settings recognise it as a placeholder."""
_INPUT_ID = "tavus-api-key"
_KEY_INPUT = {
    "type": "promptString",
    "id": _INPUT_ID,
    "description": "Tavus API key",
    "password": True,
}
_REMOTE_MEMBERS = ("url", "serverUrl", "httpUrl", "headers")
"""Members of an entry for a server that is not started as a process."""


def read_file(path: Path, host: Host) -> JsonDocument | None:
    """Return the content of a host's file, None if there is none.

    Raises ``BadConfig`` as ``read_document``, and ``OSError``.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode) or not stat.S_ISREG(mode):  # reading a pipe would never end
        code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(code, os.strerror(code), str(path))
    return read_document(path.read_bytes(), host)


def read_document(content: bytes, host: Host) -> JsonDocument:
    """Parse the content of a host's file; an empty one has no members.

    Raises ``BadConfig`` if it is not what the host reads, or holds servers in another form.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        message = f"line {line}, column {column}: the file is not in UTF-8; save it as UTF-8"
        raise BadConfig(message) from None
    if not text.strip("\ufeff \t\r\n"):
        return JsonDocument.empty(host.syntax)
    document = JsonDocument(text, host.syntax)
    document.require_container(dict, host.servers_key)
    if host.uses_inputs:
        document.require_container(list, "inputs")
    return document


def find_entry(document: JsonDocument, host: Host) -> dict[str, Any] | None:
    """Return our entry, None without one; one that is no object counts as an empty one."""
    servers = document.get(host.servers_key) or {}
    if SERVER_NAME not in servers:
        return None
    entry = servers[SERVER_NAME]
    return entry if isinstance(entry, dict) else {}


def entry_variables(entry: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the variables that an entry sets for its server."""
    variables = entry.get("env") if entry else None
    if not isinstance(variables, dict):
        return {}
    return {name: value for name, value in variables.items() if isinstance(value, str)}


def is_secret_variable(name: str) -> bool:
    """Tell whether a variable of an entry holds a secret."""
    is_own = name.startswith(SECRET_PREFIX) and not name.endswith(HOST_SUFFIX)
    return name == KEY_VARIABLE or is_own or is_secret_name(name)


def build_entry(
    host: Host,
    command: Sequence[str],
    variables: Mapping[str, str],
    existing: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an entry that starts a command with variables.

    Of an ``existing`` entry the other members and variables stay, except the key.
    """
    entry: dict[str, Any] = {"type": "stdio"} if host.has_type else {}
    entry |= {name: value for name, value in (existing or {}).items() if name != "env"}
    if "command" not in entry:
        for name in _REMOTE_MEMBERS:
            entry.pop(name, None)
    if host.has_type:
        entry["type"] = "stdio"
    entry |= {"command": command[0], "args": list(command[1:])}
    earlier = (existing or {}).get("env")
    earlier_variables = dict(earlier) if isinstance(earlier, dict) else {}
    earlier_variables.pop(KEY_VARIABLE, None)
    if merged := {**earlier_variables, **variables}:
        entry["env"] = merged
    return entry


def install_entry(document: JsonDocument, host: Host, entry: Mapping[str, Any]) -> JsonDocument:
    """Return the document with our entry, and with the input that it refers to."""
    edited = document
    if find_entry(document, host) != entry:
        edited = edited.set([host.servers_key, SERVER_NAME], dict(entry))
    if host.uses_inputs and _refers_to_input(entry) and _input_position(edited) is None:
        edited = edited.append(["inputs"], _KEY_INPUT)
    _require_same_rest(document, edited, host)
    return edited


def remove_entry(document: JsonDocument, host: Host) -> JsonDocument:
    """Return the document without our entry, and without its input unless another one uses it."""
    edited = document.remove([host.servers_key, SERVER_NAME])
    position = _input_position(edited) if host.uses_inputs else None
    if position is not None and f"${{input:{_INPUT_ID}}}" not in edited.text:
        edited = edited.remove(["inputs", position])
    _require_same_rest(document, edited, host)
    return edited


def mask_entry(document: JsonDocument, host: Host) -> JsonDocument:
    """Return the document with a placeholder in place of each secret of our entry, for a backup."""
    edited = document
    for name, value in entry_variables(find_entry(document, host)).items():
        if is_secret_variable(name) and not value.startswith("${"):
            edited = edited.set([host.servers_key, SERVER_NAME, "env", name], KEY_PLACEHOLDER)
    return edited


def is_same_without_entry(document: JsonDocument, other: JsonDocument, host: Host) -> bool:
    """Tell whether two documents differ in nothing but our entry and empty containers."""
    path = [host.servers_key, SERVER_NAME]
    return document.comments_outside(path) == other.comments_outside(path) and _rest(
        document, host
    ) == _rest(other, host)


def holds_nothing_else(document: JsonDocument, host: Host) -> bool:
    """Tell whether a document without our entry is empty."""
    has_comments = document.comments_outside([host.servers_key, SERVER_NAME])
    return not has_comments and not _rest(document, host)


def _refers_to_input(entry: Mapping[str, Any]) -> bool:
    return entry_variables(entry).get(KEY_VARIABLE) == f"${{input:{_INPUT_ID}}}"


def _input_position(document: JsonDocument) -> int | None:
    """Return the position of our input, None without one."""
    for position, item in enumerate(document.get("inputs") or []):
        if isinstance(item, dict) and item.get("id") == _INPUT_ID:
            return position
    return None


def _rest(document: JsonDocument, host: Host) -> Any:
    """Return the exact value of a document without what is ours, and its empty containers."""
    rest = without_path(document.exact_value, [host.servers_key, SERVER_NAME])
    position = _input_position(document) if host.uses_inputs else None
    if position is not None:
        rest = without_path(rest, ["inputs", position])
    names = (host.servers_key, "inputs")
    return [pair for pair in rest if pair[1] or pair[0] not in names]


def _require_same_rest(before: JsonDocument, after: JsonDocument, host: Host) -> None:
    if not is_same_without_entry(before, after, host):
        raise BadConfig("the file cannot be edited without changing other parts of it")
