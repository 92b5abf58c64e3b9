"""Every row of ``fidelity/*.toml`` is one behaviour of Tavus that the sandbox imitates.

However a request of theirs is damaged, the answer is a refusal, never a crash.
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

HERE = Path(__file__).parent / "fidelity"
FIELDS = {
    "says", "request", "body", "raw", "headers", "given", "status", "reply", "exact", "empty",
    "absent", "matches", "source", "checked_on",
}  # fmt: skip
FILES = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(HERE.glob("*.toml"))}
GIVEN: dict[str, list[dict[str, Any]]] = FILES["given"]
ROWS = [(name, row) for name, file in FILES.items() for row in file.get("row", [])]
SENDING = [row for _, row in ROWS if "body" in row and not row.get("raw") and row["status"] == 200]
DAMAGE: tuple[Any, ...] = (None, [{}], "\ud800")


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{name}: {row['says']}") for name, row in ROWS]
)
@pytest.mark.anyio
async def test_the_sandbox_answers_as_the_row_says(
    tavus: httpx2.AsyncClient, row: dict[str, Any]
) -> None:
    kept = await prepared(tavus, row)
    answer = await send(tavus, row, kept)
    assert answer.status_code == row["status"], answer.text
    compare(row, answer, kept)


def test_every_row_names_its_source_and_date() -> None:
    for name, row in ROWS:
        assert row["says"], name
        assert row["source"], row["says"]
        assert isinstance(row["checked_on"], dt.date), row["says"]
        assert set(row) <= FIELDS, row["says"]


def test_no_behaviour_is_told_twice() -> None:
    says = [f"{name}: {row['says']}" for name, row in ROWS]
    assert len(set(says)) == len(says)
    assert len(says) >= 120


@pytest.mark.parametrize("row", [pytest.param(row, id=row["says"]) for row in SENDING])
@pytest.mark.anyio
async def test_a_damaged_request_is_answered(
    tavus: httpx2.AsyncClient, row: dict[str, Any]
) -> None:
    kept = await prepared(tavus, row)
    method, _, path = filled(row["request"], kept).partition(" ")
    for body in damaged(json.loads(filled(row["body"], kept))):
        answer = await tavus.request(method, path, content=json.dumps(body))
        assert answer.status_code < 500


async def prepared(client: httpx2.AsyncClient, row: dict[str, Any]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for step in [step for name in row.get("given", []) for step in GIVEN[name]]:
        done = await send(client, step, kept)
        assert done.status_code < 300, done.text
        kept |= {key: at(done.json(), place) for key, place in step.get("keep", {}).items()}
    return kept


async def send(
    client: httpx2.AsyncClient, step: dict[str, Any], kept: dict[str, str]
) -> httpx2.Response:
    method, _, path = filled(step["request"], kept).partition(" ")
    body = filled(step["body"], kept) if "body" in step else None
    if body is not None and not step.get("raw"):
        json.loads(body)
    headers = {"content-type": "application/json"} | step.get("headers", {})
    return await client.request(method, path, content=body, headers=headers)


def compare(row: dict[str, Any], answer: httpx2.Response, kept: dict[str, str]) -> None:
    if row.get("empty"):
        assert answer.content == b""
        return
    got = answer.json()
    if "reply" in row:
        wanted = json.loads(filled(row["reply"], kept))
        assert got == wanted if row.get("exact") else holds(got, wanted), got
    for pointer in row.get("absent", []):
        assert at(got, pointer) is None, pointer
    for pointer, pattern in row.get("matches", {}).items():
        assert re.search(filled(pattern, kept), str(at(got, pointer))), (pointer, got)


def holds(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            key in got and holds(got[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(holds, got, wanted))
    return bool(got == wanted)


def at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        if isinstance(value, list):
            value = value[int(token)]
        elif isinstance(value, dict) and token in value:
            value = value[token]
        else:
            return None
    return value


def filled(text: str, kept: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda match: kept[match[1]], text)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in inside:
        yield (*above, key)
        yield from places(item, (*above, key))


def damaged(body: Any) -> Iterator[Any]:
    for place in places(body):
        for damage in DAMAGE:
            copied = copy.deepcopy(body)
            inner = copied
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = damage
            yield copied
