"""A deleted persona comes back once, and is found again under its new id."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import Desk

pytestmark = pytest.mark.anyio


async def rows(desk: Desk, persona_id: str) -> list[dict[str, Any]]:
    told = await desk.facts("list_revisions", persona_id=persona_id, limit=100)
    return list(told["revisions"])


async def test_bringing_a_deleted_persona_back_twice_makes_one_persona(desk: Desk) -> None:
    """The tool is hinted idempotent, and a second persona would talk to customers as well."""
    gone = await desk.create(name="Front desk")
    first = (await rows(desk, gone))[0]["revision"]
    await desk.delete(gone)
    back = await desk.facts("restore_revision", persona_id=gone, revision=first)
    again = await desk.facts("restore_revision", persona_id=gone, revision=first)
    assert again["status"] == "unchanged"
    assert again["persona_id"] == back["persona_id"] != gone
    assert any(back["persona_id"] in item["message"] for item in again["findings"])
    found = await desk.facts("list_personas", name_contains="Front desk")
    assert found["total_count"] == 1


async def test_what_was_changed_since_it_came_back_is_undone_not_doubled(desk: Desk) -> None:
    gone = await desk.create()
    first = (await rows(desk, gone))[0]["revision"]
    await desk.delete(gone)
    back = (await desk.facts("restore_revision", persona_id=gone, revision=first))["persona_id"]
    await desk.facts("update_persona", persona_id=back, greeting="Since then.")
    again = await desk.facts("restore_revision", persona_id=gone, revision=first)
    assert (again["status"], again["persona_id"]) == ("applied", back)
    assert "greeting" not in await desk.persona(back)


async def test_a_persona_that_was_deleted_again_comes_back_again(desk: Desk) -> None:
    gone = await desk.create()
    first = (await rows(desk, gone))[0]["revision"]
    await desk.delete(gone)
    back = (await desk.facts("restore_revision", persona_id=gone, revision=first))["persona_id"]
    await desk.delete(back)
    third = await desk.facts("restore_revision", persona_id=gone, revision=first)
    assert third["status"] == "applied"
    assert third["persona_id"] not in (gone, back)
    fourth = await desk.facts("restore_revision", persona_id=gone, revision=first)
    assert (fourth["status"], fourth["persona_id"]) == ("unchanged", third["persona_id"])


@pytest.mark.parametrize("planned", [False, True])
async def test_the_histories_of_a_persona_that_came_back_point_to_each_other(
    desk: Desk, planned: bool
) -> None:
    gone = await desk.create()
    first = (await rows(desk, gone))[0]["revision"]
    await desk.delete(gone)
    back = await desk.facts("restore_revision", persona_id=gone, revision=first, dry_run=planned)
    if planned:
        back = await desk.facts("apply_plan", plan_id=back["plan_id"])
    new = back["persona_id"]
    assert (await rows(desk, gone))[0]["revived_as"] == new
    assert (await rows(desk, new))[-1]["revives"] == gone
