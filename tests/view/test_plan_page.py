"""A plan in the view: its diff, and what its buttons do through the host (Chromium)."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_client import ToolClient, text_of
from results import create_interviewer
from view_host import ViewHost

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

FOCUS = "document.activeElement"


async def open_call(host: ViewHost, tool_client: ToolClient, tool: str, **arguments: Any) -> Any:
    """Show the view for a tool call; return its result."""
    result = await tool_client.call(tool, **arguments)
    await host.open(arguments, result)
    return result.structured_content


async def open_edit(host: ViewHost, tool_client: ToolClient) -> dict[str, Any]:
    persona_id = await create_interviewer(tool_client)
    return dict(
        await open_call(
            host,
            tool_client,
            "edit_prompt",
            persona_id=persona_id,
            find="Be demanding but kind.",
            replace="Be kind, and never rush.",
            dry_run=True,
        )
    )


async def test_a_plan_is_drawn_as_a_diff_with_reasons(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    persona_id = await create_interviewer(apps_client)
    planned = await open_call(
        view_host, apps_client, "suggest_tuning", persona_id=persona_id, goals=["interrupt_less"]
    )
    assert await view_host.text("h1") == "Technical Interviewer"
    assert await view_host.text(".status") == "Not applied yet"
    drawn = await view_host.text()
    for change in planned["changes"]:
        assert change["path"].rpartition("/")[2] in drawn
        assert change["reason"] in drawn
    assert await view_host.evaluate("document.querySelectorAll('del').length") == 2
    assert f"Apply {len(planned['changes'])} changes" in drawn
    assert view_host.page.errors == []


async def test_a_changed_text_marks_the_words_that_differ(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await open_edit(view_host, apps_client)
    assert await view_host.text("del mark") == "demanding but kind."
    assert await view_host.text("ins mark") == "kind, and never rush."
    assert "Ask about system design" in await view_host.text("del")


async def test_apply_carries_the_plan_out_and_undo_takes_it_back(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    planned = await open_edit(view_host, apps_client)
    await view_host.press_button("Apply 1 change")
    await view_host.wait_for("document.querySelector('.status')?.textContent === 'Applied'")
    assert view_host.calls == [("apply_plan", {"plan_id": planned["plan_id"]})]
    persona = await apps_client.read_persona(planned["persona_id"])
    assert "never rush" in persona["system_prompt"]
    assert await view_host.evaluate(f"{FOCUS}.tagName") == "H1"
    (update,) = await view_host.received("ui/update-model-context")
    assert "status: applied" in update["content"][0]["text"]
    await view_host.press_button("Undo")
    await view_host.wait_for("document.querySelector('ins')?.textContent.includes('demanding')")
    assert view_host.calls[-1][0] == "restore_revision"
    persona = await apps_client.read_persona(planned["persona_id"])
    assert "demanding but kind" in persona["system_prompt"]


async def test_discard_makes_the_plan_unusable(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    planned = await open_edit(view_host, apps_client)
    await view_host.press_button("Discard")
    await view_host.wait_for("document.body.innerText.includes('cannot be applied any more')")
    assert not await view_host.evaluate("document.querySelector('button')")
    refused = await apps_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "The person discarded this plan" in refused
    (update,) = await view_host.received("ui/update-model-context")
    assert planned["plan_id"] in update["content"][0]["text"]
    assert "do not apply it" in update["content"][0]["text"]


async def test_an_error_is_announced_and_the_plan_stays(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    planned = await open_edit(view_host, apps_client)
    await apps_client.edit_in_dashboard(planned["persona_id"], "/system_prompt", "Edited elsewhere")
    await view_host.press_button("Apply")
    await view_host.wait_for("document.querySelector('[role=alert]')")
    assert "system_prompt" in await view_host.text("[role=alert]")
    assert (await view_host.text("button")).startswith("Apply")
    assert await view_host.evaluate(f"{FOCUS}.textContent") == "Apply 1 change"


async def test_a_host_that_refuses_the_call_is_named_as_the_reason(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    await open_edit(view_host, apps_client)
    view_host.refusal = "Denied by the person <b>"
    await view_host.press_button("Apply")
    await view_host.wait_for("document.querySelector('[role=alert]')")
    assert await view_host.text("[role=alert]") == (
        "The host did not pass the call on: Denied by the person <b>"
    )


async def test_a_discard_that_fails_says_that_the_plan_expires_by_itself(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    planned = await open_edit(view_host, apps_client)
    view_host.refusal = "Not allowed"
    await view_host.press_button("Discard")
    await view_host.wait_for("document.body.innerText.includes('the plan expires by itself')")
    assert "Not allowed" in await view_host.text("[role=alert]")
    (update,) = await view_host.received("ui/update-model-context")
    assert planned["plan_id"] in update["content"][0]["text"]


async def test_an_expired_plan_cannot_be_applied(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    planned = await open_edit(view_host, apps_client)
    expired = {**planned, "expires_at": "2026-01-01T00:00:00+00:00"}
    await view_host.deliver({}, {"content": [], "structuredContent": expired})
    await view_host.wait_for("document.body.innerText.includes('This plan has expired')")
    assert await view_host.evaluate("document.querySelector('.primary').disabled")


async def test_a_deletion_asks_once_more(view_host: ViewHost, apps_client: ToolClient) -> None:
    persona_id = await create_interviewer(apps_client)
    await open_call(view_host, apps_client, "delete_persona", persona_id=persona_id)
    await view_host.press_button("Delete persona")
    assert await view_host.evaluate(f"{FOCUS}.textContent") == "Cancel"
    await view_host.page.press("Escape")
    assert await view_host.evaluate(f"{FOCUS}.textContent") == "Delete persona"
    assert view_host.calls == []
    await view_host.page.press("Enter")
    await view_host.press_button("Yes, delete")
    await view_host.wait_for("document.querySelector('.status')?.textContent === 'Applied'")
    await apps_client.expect_error("get_persona", persona_id=persona_id)


async def test_a_bulk_plan_is_applied_and_its_undo_is_a_plan_again(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    ids = [await create_interviewer(apps_client, name=f"Persona {n}") for n in (1, 2)]
    change = {"values": {"/layers/llm/model": "tavus-gpt-oss"}, "persona_ids": ids}
    await open_call(view_host, apps_client, "plan_bulk_change", **change)
    assert "2 personas" in await view_host.text("h1")
    assert await view_host.text("caption") == "2 personas of this plan"
    await view_host.press_button("Apply to 2 personas")
    await view_host.wait_for("document.querySelector('.status')?.textContent === 'Applied'")
    for persona_id in ids:
        persona = await apps_client.read_persona(persona_id)
        assert persona["layers"]["llm"]["model"] == "tavus-gpt-oss"
    await view_host.press_button("Undo")
    await view_host.wait_for("document.querySelector('.primary')")
    await view_host.press_button("Apply to 2 personas")
    await view_host.wait_for("document.querySelector('.status')?.textContent === 'Applied'")
    assert (await apps_client.read_persona(ids[0]))["layers"]["llm"]["model"] == "tavus-gpt-4o"


async def test_a_part_is_created_changed_deleted_and_restored(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    applied = "document.querySelector('.status')?.textContent === 'Applied'"
    guardrail = {"guardrail_name": "no_prices", "guardrail_prompt": "Never name a price."}
    await open_call(view_host, apps_client, "save_guardrail", **guardrail, dry_run=True)
    assert await view_host.text(".kind") == "New guardrail\nNot applied yet"
    await view_host.press_button("Create guardrail")
    await view_host.wait_for(applied)
    listed = await apps_client.expect_result("list_guardrails")
    guardrail_id = listed["guardrails"][0]["uuid"]
    change = {"guardrail_id": guardrail_id, "guardrail_prompt": "Never name a date."}
    await view_host.deliver(
        change, await apps_client.call("save_guardrail", **change, dry_run=True)
    )
    await view_host.wait_for("document.querySelector('mark')?.textContent === 'price.'")
    assert await view_host.text("h2") == "Guardrail"
    await view_host.press_button("Apply 1 change")
    await view_host.wait_for(applied)
    part = {"kind": "guardrail", "id": guardrail_id}
    await view_host.deliver(part, await apps_client.call("delete_part", **part))
    await view_host.wait_for("document.querySelector('.danger')")
    await view_host.press_button("Delete guardrail")
    await view_host.press_button("Yes, delete")
    await view_host.wait_for(applied)
    assert (await apps_client.expect_result("list_guardrails"))["guardrails"] == []
    await view_host.press_button("Undo")
    await view_host.wait_for("document.querySelector('.kind')?.textContent.includes('Restoration')")
    await view_host.press_button("Restore guardrail")
    await view_host.wait_for(applied)
    (restored,) = (await apps_client.expect_result("list_guardrails"))["guardrails"]
    assert restored["guardrail_name"] == "no_prices"


async def test_a_result_without_a_page_is_displayed_as_text(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    failed = await apps_client.call("audit_personas", name_contains=5)
    await view_host.open({}, failed)
    assert await view_host.text("[role=alert]") == text_of(failed)
    other = {"content": [{"type": "text", "text": "plain <i>text</i>"}]}
    await view_host.deliver({}, other)
    await view_host.wait_for("document.querySelector('pre')")
    assert await view_host.text("pre") == "plain <i>text</i>"


async def test_a_default_in_effect_is_drawn_in_both_directions(
    view_host: ViewHost, apps_client: ToolClient
) -> None:
    """Found by a new user: the default was drawn after a removal, and not before an addition."""
    model = {"llm": {"model": "tavus-gpt-4o"}}
    for layers, arguments in (
        (model, {"unset": ["model"]}),
        ({}, {"model": "tavus-gpt-4o"}),
    ):
        persona_id = await apps_client.create_persona(layers=layers)
        change = {"persona_id": persona_id, "dry_run": True, **arguments}
        await open_call(view_host, apps_client, "configure_llm", **change)
        drawn = await view_host.text()
        values = ["tavus-gpt-4o", "tavus-gemma-4"]
        is_removed = "unset" in arguments
        assert sorted(values, key=drawn.index) == (values if is_removed else values[::-1])
    assert view_host.page.errors == []
