"""Edits of the files of hosts: everything but our entry stays as it is."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from json_texts import NAMES, VALUES, json_text
from property_examples import examples

from tavus_mcp.cli.host_files import HostFile
from tavus_mcp.diagnostics.check import Status
from tavus_mcp.diagnostics.host_entries import check_host_entry, read_host_entry
from tavus_mcp.hosts.entry import (
    SERVER_NAME,
    build_entry,
    find_entry,
    install_entry,
    is_same_without_entry,
    mask_entry,
    read_document,
    remove_entry,
)
from tavus_mcp.hosts.jsonc import BadConfig
from tavus_mcp.hosts.table import HOSTS, Host

COMMAND = ["/usr/bin/tavus-mcp", "--read-only"]
SERVERS = st.dictionaries(NAMES.filter(lambda name: name != SERVER_NAME), VALUES, max_size=3)
OTHERS = st.dictionaries(
    NAMES.filter(lambda name: name not in ("servers", "mcpServers", "inputs")), VALUES, max_size=3
)


@st.composite
def host_files(draw: st.DrawFn) -> tuple[Host, str, dict[str, Any]]:
    """Draw a host, the text of its file, and its value."""
    host = HOSTS[draw(st.sampled_from(sorted(HOSTS)))]
    value = draw(OTHERS)
    if draw(st.booleans()):
        value[host.servers_key] = draw(SERVERS)
    if host.uses_inputs and draw(st.booleans()):
        value["inputs"] = draw(st.lists(VALUES, max_size=2))
    random = draw(st.randoms(use_true_random=False))
    items = [*value.items()]
    random.shuffle(items)
    layout = Random(random.randrange(1 << 30))  # noqa: S311 - a layout, no secret
    return host, json_text(dict(items), layout, host.syntax), value


def entry_for(host: Host, key: str = "tvs-0123456789abcdef") -> dict[str, Any]:
    value = host.reference if host.uses_inputs else key
    return build_entry(host, COMMAND, {"TAVUS_API_KEY": value})


@settings(max_examples=examples(60))
@given(host_files())
def test_only_our_entry_is_added_and_removed(drawn: tuple[Host, str, dict[str, Any]]) -> None:
    host, text, value = drawn
    before = read_document(text.encode(), host)
    assert before.value == value
    entry = entry_for(host)
    installed = install_entry(before, host, entry)
    assert find_entry(installed, host) == entry
    assert is_same_without_entry(before, installed, host)
    assert install_entry(installed, host, entry).text == installed.text
    others = {name: item for name, item in installed.value.items() if name != host.servers_key}
    inputs = others.pop("inputs", [])
    assert others == {
        name: item for name, item in value.items() if name not in (host.servers_key, "inputs")
    }
    assert inputs[: len(value.get("inputs", []))] == value.get("inputs", [])
    removed = remove_entry(installed, host)
    assert find_entry(removed, host) is None
    assert is_same_without_entry(before, removed, host)
    if value.get(host.servers_key) and (not host.uses_inputs or value.get("inputs")):
        assert removed.text == text


@settings(max_examples=examples(25))
@given(drawn=host_files())
def test_a_file_gets_its_bytes_back(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[Host, str, dict[str, Any]]
) -> None:
    host, text, _ = drawn
    folder = tmp_path_factory.mktemp("host")
    file = HostFile(host, folder / "mcp.json", folder)
    file.path.write_bytes(text.encode())
    assert file.install(entry_for(host), is_secret=True)
    assert not file.install(entry_for(host), is_secret=True)
    assert file.uninstall()
    assert file.path.read_bytes() == text.encode()
    assert [path.name for path in folder.iterdir()] == [file.path.name]


@settings(max_examples=examples(25))
@given(drawn=host_files(), earlier=VALUES)
def test_any_earlier_entry_is_replaced_and_removed(
    drawn: tuple[Host, str, dict[str, Any]], earlier: Any
) -> None:
    host, text, _ = drawn
    before = read_document(text.encode(), host).set([host.servers_key, SERVER_NAME], earlier)
    entry = build_entry(host, COMMAND, {"TAVUS_API_KEY": "tvs-1"}, find_entry(before, host))
    installed = install_entry(before, host, entry)
    assert find_entry(installed, host) == entry
    assert entry["command"] == COMMAND[0]
    assert entry["env"]["TAVUS_API_KEY"] == "tvs-1"
    assert is_same_without_entry(before, installed, host)
    assert find_entry(remove_entry(installed, host), host) is None
    assert "tvs-1" not in mask_entry(installed, host).text


@settings(max_examples=examples(25))
@given(
    drawn=host_files(),
    entry=VALUES
    | st.fixed_dictionaries({}, optional={"command": VALUES, "args": VALUES, "env": VALUES}),
    is_project=st.booleans(),
)
def test_the_doctor_reads_any_entry(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[Host, str, dict[str, Any]],
    entry: Any,
    is_project: bool,
) -> None:
    host, text, _ = drawn
    path = tmp_path_factory.mktemp("host") / "mcp.json"
    document = read_document(text.encode(), host).set([host.servers_key, SERVER_NAME], entry)
    path.write_bytes(document.text.encode("utf-8", "surrogatepass"))
    found = read_host_entry(host, path, is_project=is_project)
    check = check_host_entry(found, {}, ["tvs-0123456789abcdef"])
    assert check.status in (Status.ERROR, Status.WARNING, Status.OK)
    assert bool(check.fix) == (check.status is not Status.OK)


@settings(max_examples=examples(25))
@given(drawn=host_files(), name=NAMES.filter(lambda name: name != SERVER_NAME), value=VALUES)
def test_what_was_added_meanwhile_stays(
    drawn: tuple[Host, str, dict[str, Any]], name: str, value: Any
) -> None:
    host, text, _ = drawn
    before = read_document(text.encode(), host)
    installed = install_entry(before, host, entry_for(host))
    extended = installed.set([host.servers_key, name], value)
    assert extended.get(host.servers_key, name) == value
    assert find_entry(extended, host) == entry_for(host)
    removed = remove_entry(extended, host)
    expected = before.set([host.servers_key, name], value)
    assert is_same_without_entry(removed, expected, host)


LAYOUTS = {
    "comment behind the last entry": (
        '{\n  "mcpServers": {\n    "a": {} // mine\n  }\n}\n',
        '"a": {}, // mine\n    "tavus": {\n      "command"',
    ),
    "trailing comma": (
        '{\n\t"mcpServers": {\n\t\t"a": {},\n\t},\n}\n',
        '"a": {},\n\t\t"tavus": {\n\t\t\t"command"',
    ),
    "one line": ('{"mcpServers":{"a":{}}}', '{"mcpServers":{"a":{}, "tavus": {"command": '),
    "no servers": ('{\n    "theme": "dark"\n}', '"dark",\n    "mcpServers": {\n        "tavus": {'),
    "Windows line ends": ('{\r\n  "a": 1\r\n}\r\n', '"a": 1,\r\n  "mcpServers": {\r\n    "tavus"'),
    "duplicate keys": (
        '{"mcpServers": {"x": 1}, "mcpServers": {"a": {}}}',
        '"mcpServers": {"x": 1}, "mcpServers": {"a": {}, "tavus"',
    ),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_an_entry_follows_the_layout_of_the_file(case: str) -> None:
    text, expected = LAYOUTS[case]
    host = HOSTS["cursor"]
    installed = install_entry(read_document(text.encode(), host), host, entry_for(host))
    assert expected in installed.text
    assert ("\r\n" in text) == ("\r\n" in installed.text)


REMOVALS = {
    "first of several": ('{"mcpServers": {"tavus": {}, "a": 1}}', '{"mcpServers": {"a": 1}}'),
    "behind a comment": (
        '{"mcpServers": {\n// c\n"tavus": {}, "a": 1}}',
        '{"mcpServers": {\n// c\n"a": 1}}',
    ),
    "last behind a comment": (
        '{"mcpServers": {"a": 1, // c\n"tavus": {}}}',
        '{"mcpServers": {"a": 1 // c\n}}',
    ),
    "comment before its comma": (
        '{"mcpServers": {"tavus": {} // c\n, "a": 1}}',
        '{"mcpServers": {// c\n"a": 1}}',
    ),
    "comment behind it": (
        '{"mcpServers": {"a": 1,\n"tavus": {} // c\n}}',
        '{"mcpServers": {"a": 1\n // c\n}}',
    ),
    "written twice": (
        '{"mcpServers": {"tavus": {}, "a": 1, "tavus": 2}}',
        '{"mcpServers": {"a": 1}}',
    ),
    "only comments stay": ('{"mcpServers": {/* c */ "tavus": {}}}', '{"mcpServers": {/* c */}}'),
}


@pytest.mark.parametrize("case", REMOVALS)
def test_an_entry_is_removed_from_any_place(case: str) -> None:
    text, expected = REMOVALS[case]
    host = HOSTS["cursor"]
    assert remove_entry(read_document(text.encode(), host), host).text == expected


BAD_FILES = {
    "missing comma": ("cursor", '{\n  "a": 1\n  "b": 2\n}', "line 3, column 3: Expecting ','"),
    "comment in plain JSON": (
        "claude-desktop",
        '{\n  // c\n  "a": 1\n}',
        "line 2, column 3: Expecting property name enclosed in double quotes; comments are not",
    ),
    "trailing comma in plain JSON": ("windsurf", '{\n  "a": 1,\n}', "line 3, column 1: "),
    "trailing comma where comments are allowed": ("gemini", '{"a": 1,}', "remove the comma"),
    "two commas": ("vscode", '{"a": 1,,}', "line 1, column 9"),
    "only a comma": ("vscode", "{,}", "line 1, column 2"),
    "open comment": ("cursor", '{"a": 1} /* c', "line 1, column 10: Extra data"),
    "hash comment": ("cursor", '{"a": 1}\n# c', "a comment begins with //"),
    "constant": ("cursor", '{\n"x": "NaN", "a": NaN}', "line 2, column 18: NaN is no JSON"),
    "list": ("cursor", " []", "line 1, column 2: the file must hold an object"),
    "servers in a list": ("cursor", '{"mcpServers": []}', 'column 16: "mcpServers" must be an'),
    "inputs in an object": ("vscode", '{"inputs": {}}', 'column 12: "inputs" must be a list'),
    "nested without end": ("cursor", '{"a": ' + "[" * 100_000, "too deeply"),
    "Latin-1": (
        "cursor",
        '{"a":\n "\u00e9"}'.encode("latin-1"),
        "line 2, column 3: the file is not",
    ),
    "UTF-16": ("cursor", '{"a": 1}'.encode("utf-16"), "line 1, column 1: the file is not in UTF-8"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(case: str) -> None:
    name, content, expected = BAD_FILES[case]
    with pytest.raises(BadConfig) as refused:
        read_document(content.encode() if isinstance(content, str) else content, HOSTS[name])
    assert expected in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", " \r\n"])
def test_an_empty_file_has_no_members(text: str) -> None:
    assert read_document(text.encode(), HOSTS["cursor"]).value == {}


def test_members_and_variables_that_a_person_added_to_the_entry_stay() -> None:
    existing = {
        "command": "uvx",
        "args": ["tavus-mcp"],
        "env": {"TAVUS_API_KEY": "old-0123456789", "TAVUS_MCP_PROTECTED": "1", "PORT": 1},
        "disabled": True,
    }
    entry = build_entry(HOSTS["windsurf"], COMMAND, {"TAVUS_API_KEY": "new-0123456789"}, existing)
    assert entry == {
        "command": COMMAND[0],
        "args": COMMAND[1:],
        "env": {"TAVUS_MCP_PROTECTED": "1", "PORT": 1, "TAVUS_API_KEY": "new-0123456789"},
        "disabled": True,
    }


def test_an_entry_of_a_remote_server_is_replaced() -> None:
    existing = {"type": "http", "url": "https://example.com/mcp", "headers": {"a": "b"}}
    entry = build_entry(HOSTS["vscode"], COMMAND, {}, existing)
    assert entry == {"type": "stdio", "command": COMMAND[0], "args": COMMAND[1:]}
