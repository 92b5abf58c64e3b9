"""The secrets of a plan come back to where they stood, whatever the names around them."""

from __future__ import annotations

import pytest
from mcp_client import Desk

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio


async def test_a_name_with_a_slash_takes_no_secret_of_another_place(
    desk: Desk, store: Store
) -> None:
    body = {"headers": {"X": "secret-value-123"}, "headers/X": "plain", "a~1b": "plain"}
    persona_id = await desk.create()
    patch = [{"op": "add", "path": "/layers/llm", "value": {"extra_body": body}}]
    plan = await desk.facts("patch_persona", persona_id=persona_id, patch=patch, dry_run=True)
    await desk.facts("apply_plan", plan_id=plan["plan_id"])
    assert (store.get("persona", persona_id) or {})["layers"]["llm"]["extra_body"] == body
