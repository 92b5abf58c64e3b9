"""Applying files safely: concurrent writes, keys that look alike, files of something else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mcp_client import build_test_app
from starlette.types import ASGIApp, Receive, Scope, Send

from tavus_mcp.app import App
from tavus_mcp.errors import Conflict, InvalidArgument, Refused
from tavus_mcp.persona_files.apply import ApplyFileRequest, ApplyFileResult, apply, parse
from tavus_mcp.persona_files.export import export, merge_into_text
from tavus_mcp.persona_files.persona_file import parse_persona_file
from tavus_mcp.personas.conflicts import EDITED_MEANWHILE
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

ROW: dict[str, Any] = {
    "persona_id": "p1",
    "persona_type": "user",
    "persona_name": "Ada",
    "pipeline_mode": "full",
    "system_prompt": "You help.",
    "greeting": "a",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
    "layers": {},
}
NEW = "persona_name: Eva\nsystem_prompt: You help.\n"
THEIRS = {"context": "Their work", "updated_at": "2026-11-20T00:00:00Z"}


def build_racing_app(store: Store, sandbox: ASGIApp) -> App:
    """Return a harness in which a field is added by others just before the first read back."""
    wrote: list[str] = []

    async def tavus(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" and wrote == ["write"]:
            wrote.append("theirs")
            persona_id = scope["path"].rsplit("/", 1)[-1]
            store.put("persona", persona_id, {**(store.get("persona", persona_id) or {}), **THEIRS})
        await sandbox(scope, receive, send)
        if scope["method"] in ("PATCH", "POST") and not wrote:
            wrote.append("write")

    return build_test_app(tavus)[0]


async def apply_text(app: App, text: str) -> ApplyFileResult:
    return await apply(app, await parse(app, ApplyFileRequest(text)))


async def apply_changed_greeting(app: App) -> ApplyFileResult:
    text = (await export(app, "p1")).text
    return await apply_text(app, text.replace("greeting: a", "greeting: b"))


async def apply_changed_greeting_without_revision(app: App) -> ApplyFileResult:
    lines = (await export(app, "p1")).text.splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("revision: "))
    return await apply_text(app, text.replace("greeting: a", "greeting: b"))


async def apply_new_file(app: App) -> ApplyFileResult:
    return await apply_text(app, NEW)


@pytest.mark.parametrize(
    "write", [apply_changed_greeting, apply_changed_greeting_without_revision, apply_new_file]
)
async def test_fields_added_by_others_before_the_read_back_survive_the_next_apply(
    store: Store, sandbox: ASGIApp, write: Callable[[App], Awaitable[ApplyFileResult]]
) -> None:
    store.put("persona", "p1", ROW)
    app = build_racing_app(store, sandbox)
    done = await write(app)
    (found,) = [
        item for item in done.receipt.findings if getattr(item, "rule", "") == EDITED_MEANWHILE
    ]
    assert "/context" in found.message
    assert parse_persona_file(done.text).revision not in (None, done.receipt.revision)
    with pytest.raises(Conflict):
        await apply_text(app, done.text.replace("You help", "You listen"))
    persona_id = str(done.receipt.persona_id)
    assert (store.get("persona", persona_id) or {})["context"] == "Their work"
    into, _ = await merge_into_text(app, await export(app, persona_id), done.text)
    last = await apply_text(app, into.replace("You help", "You listen"))
    assert [item.path for item in last.receipt.changes] == ["/system_prompt"]
    await app.aclose()


def build_persona_with_servers(*items: dict[str, Any]) -> dict[str, Any]:
    llm = {"model": "tavus-gpt-oss", "extra_body": {"servers": list(items)}}
    return {**ROW, "layers": {"llm": llm}}


def build_server_item(url: str, key: str) -> dict[str, Any]:
    return {"url": url, "token": key}


ONE, TWO = (
    build_server_item("https://a", "first-key-11"),
    build_server_item("https://a", "second-key-22"),
)
OTHER = build_server_item("https://b", "third-key-33")


async def apply_list_change(
    store: Store, sandbox: ASGIApp, change: Callable[[list[Any]], list[Any]], *items: Any
) -> list[Any]:
    """Store a list, change it in the exported file, apply that; return the stored list."""
    store.put("persona", "p1", build_persona_with_servers(*items))
    app = build_test_app(sandbox)[0]
    try:
        file = parse_persona_file((await export(app, "p1")).text)
        body = file.fields["layers"]["llm"]["extra_body"]
        body["servers"] = change(body["servers"])
        await apply_text(app, file.render())
    finally:
        await app.aclose()
    stored: Any = store.get("persona", "p1")
    return list(stored["layers"]["llm"]["extra_body"]["servers"])


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [{"url": "https://new"}, *rows],
        lambda rows: rows[1:],
        lambda rows: [rows[2], *rows[:2]],
    ],
    ids=["one in front", "one gone", "moved"],
)
async def test_identical_looking_items_keep_their_keys_or_the_file_is_refused(
    store: Store, sandbox: ASGIApp, change: Callable[[list[Any]], list[Any]]
) -> None:
    with pytest.raises(InvalidArgument, match="look the same") as caught:
        await apply_list_change(store, sandbox, change, ONE, TWO, OTHER)
    assert "/layers/llm/extra_body/servers" in str(caught.value)
    stored: Any = store.get("persona", "p1")
    assert stored["layers"]["llm"]["extra_body"]["servers"] == [ONE, TWO, OTHER]


async def test_identical_looking_items_keep_their_positions(store: Store, sandbox: ASGIApp) -> None:
    added = {"url": "https://new"}
    stored = await apply_list_change(store, sandbox, lambda rows: [*rows, added], ONE, TWO)
    assert stored == [ONE, TWO, added]


async def test_a_moved_item_keeps_its_own_key(store: Store, sandbox: ASGIApp) -> None:
    """No stored item corresponds to the copy, so its mask has no key."""
    fourth = build_server_item("https://c", "fourth-key-44")
    stored = await apply_list_change(store, sandbox, lambda rows: [rows[1], rows[0]], ONE, fourth)
    assert stored == [fourth, ONE]
    for change in (
        lambda rows: [rows[1], {**rows[0], "url": "https://other"}],
        lambda rows: [rows[0], rows[0]],
    ):
        with pytest.raises(Refused, match="/servers"):
            await apply_list_change(store, sandbox, change, ONE, fourth)


@pytest.mark.parametrize(
    ("extra", "names"),
    [("pal_id: p2\n", "/pal_id"), ("pal_name: Other\n", "/pal_name")],
)
async def test_a_field_under_both_of_its_names_is_refused(
    store: Store, sandbox: ASGIApp, extra: str, names: str
) -> None:
    store.put("persona", "p1", ROW)
    app = build_test_app(sandbox)[0]
    text = (await export(app, "p1")).text
    with pytest.raises(InvalidArgument, match="two names of one field") as caught:
        await apply_text(app, extra + text)
    assert names in str(caught.value)
    assert "line 1, column 1" in str(caught.value)
    await app.aclose()


@pytest.mark.parametrize(
    "text", ["services:\n  web: {image: x}\n", '{"name": "x", "version": "1"}']
)
async def test_a_file_without_a_persona_is_not_overwritten(
    store: Store, sandbox: ASGIApp, text: str
) -> None:
    store.put("persona", "p1", ROW)
    app = build_test_app(sandbox)[0]
    exported = await export(app, "p1")
    with pytest.raises(Refused, match="no field of a persona"):
        await merge_into_text(app, exported, text)
    draft, _ = await merge_into_text(app, exported, "# mine\npersona_name: Draft\n")
    assert draft.startswith("# mine\n")
    assert "persona_name: Ada" in draft
    await app.aclose()
