"""Every row of ``fidelity/*.toml`` is one behaviour of Tavus that the sandbox imitates.

A malformed variant of their requests is refused and never causes a crash.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

FIDELITY = Path(__file__).parent / "fidelity"
FIELDS = {
    "says", "request", "body", "raw", "headers", "given", "status", "reply", "exact", "empty",
    "absent", "matches", "source", "checked_on",
}  # fmt: skip
FILES = {
    path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(FIDELITY.glob("*.toml"))
}
GIVEN: dict[str, list[dict[str, Any]]] = FILES["given"]
ROWS = [(name, row) for name, file in FILES.items() for row in file.get("row", [])]
SENDING = [row for _, row in ROWS if "body" in row and not row.get("raw") and row["status"] == 200]
DAMAGE: tuple[Any, ...] = (None, [{}], "\ud800")


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{name}: {row['says']}") for name, row in ROWS]
)
@pytest.mark.anyio
async def test_the_sandbox_answers_as_documented_in_the_row(
    sandbox_client: httpx2.AsyncClient, row: dict[str, Any]
) -> None:
    ids = await run_setup_steps(sandbox_client, row)
    answer = await send(sandbox_client, row, ids)
    assert answer.status_code == row["status"], answer.text
    check_answer(row, answer, ids)


def test_every_row_names_its_source_and_date() -> None:
    for name, row in ROWS:
        assert row["says"], name
        assert row["source"], row["says"]
        assert isinstance(row["checked_on"], dt.date), row["says"]
        assert set(row) <= FIELDS, row["says"]


def test_no_behaviour_is_listed_twice() -> None:
    says = [f"{name}: {row['says']}" for name, row in ROWS]
    assert len(set(says)) == len(says)
    assert len(says) >= 120


def test_each_line_for_the_emulator_has_rows() -> None:
    """The facts about parts mark the behaviour that the sandbox must imitate."""
    listed = {f"{name}: {row['says']}" for name, row in ROWS}
    for line in FILES["emulator_lines"]["line"]:
        assert line["rows"], line["asks"]
        assert set(line["rows"]) <= listed, line["asks"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row["says"]) for row in SENDING])
@pytest.mark.anyio
async def test_a_malformed_request_is_answered_without_a_crash(
    sandbox_client: httpx2.AsyncClient, row: dict[str, Any]
) -> None:
    ids = await run_setup_steps(sandbox_client, row)
    method, _, path = substitute_ids(row["request"], ids).partition(" ")
    for body in iterate_damaged_bodies(json.loads(substitute_ids(row["body"], ids))):
        answer = await sandbox_client.request(method, path, content=json.dumps(body))
        assert answer.status_code < 500


async def run_setup_steps(client: httpx2.AsyncClient, row: dict[str, Any]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for step in [step for name in row.get("given", []) for step in GIVEN[name]]:
        done = await send(client, step, ids)
        assert done.status_code < 300, done.text
        ids |= {
            key: resolve_pointer(done.json(), pointer)
            for key, pointer in step.get("keep", {}).items()
        }
    return ids


async def send(
    client: httpx2.AsyncClient, step: dict[str, Any], ids: dict[str, str]
) -> httpx2.Response:
    method, _, path = substitute_ids(step["request"], ids).partition(" ")
    body = substitute_ids(step["body"], ids) if "body" in step else None
    if body is not None and not step.get("raw"):
        json.loads(body)
    headers = {"content-type": "application/json"} | step.get("headers", {})
    return await client.request(method, path, content=body, headers=headers)


def check_answer(row: dict[str, Any], answer: httpx2.Response, ids: dict[str, str]) -> None:
    if row.get("empty"):
        assert answer.content == b""
        return
    got = answer.json()
    if "reply" in row:
        wanted = json.loads(substitute_ids(row["reply"], ids))
        assert got == wanted if row.get("exact") else contains(got, wanted), got
    for pointer in row.get("absent", []):
        assert resolve_pointer(got, pointer) is None, pointer
    for pointer, pattern in row.get("matches", {}).items():
        assert re.search(substitute_ids(pattern, ids), str(resolve_pointer(got, pointer))), (
            pointer,
            got,
        )


def contains(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            key in got and contains(got[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(contains, got, wanted))
    return bool(got == wanted)


def resolve_pointer(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        if isinstance(value, list):
            value = value[int(token)]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            return None
    return value


def substitute_ids(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda match: ids[match[1]], text)


def iterate_paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in inside:
        yield (*above, key)
        yield from iterate_paths(item, (*above, key))


def iterate_damaged_bodies(body: Any) -> Iterator[Any]:
    for path_parts in iterate_paths(body):
        for damage in DAMAGE:
            copied = copy.deepcopy(body)
            inner = copied
            for key in path_parts[:-1]:
                inner = inner[key]
            inner[path_parts[-1]] = damage
            yield copied
