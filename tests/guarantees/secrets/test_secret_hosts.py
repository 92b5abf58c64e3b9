"""A secret of the environment goes to the hosts that it is bound to; else its host is named."""

from __future__ import annotations

from typing import Any

import pytest
from canaries import ENDPOINT_URL, SECRET_REFERENCE
from mcp_client import SECRET, ToolClient

from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio
LLM = {"model": "m", "base_url": ENDPOINT_URL, "api_key_ref": "openai"}
VOICE = {"tts_engine": "elevenlabs", "external_voice_id": "v", "api_key_ref": "openai"}
MCP_SERVER = {"url": "https://tools.example.org/mcp", "headers": {"X-Auth": SECRET}}


def bind(tool_client: ToolClient, *hosts: str) -> None:
    tool_client.server.app.secret_hosts["openai"] = hosts


def find_receiver(receipt: dict[str, Any]) -> str:
    (finding,) = [item for item in receipt["findings"] if "TAVUS_SECRET_OPENAI is" in str(item)]
    return str(finding["message"])


@pytest.mark.parametrize(
    ("tool", "arguments", "host"),
    [
        ("configure_llm", LLM, "llm.example.com"),
        ("configure_tts", VOICE, "api.elevenlabs.io"),
        ("configure_tts", {"api_key_ref": "openai"}, "api.cartesia.ai"),
        ("patch_persona", {"patch": {"layers": {"mcp": {"servers": [MCP_SERVER]}}}, "allow_unknown":
                           True}, "tools.example.org"),
        ("configure_llm", {"base_url": "https://gw.example.net/v1", "model": "m", "api_key_ref":
                           "openai", "headers": {"X-A": SECRET_REFERENCE}}, "gw.example.net"),
    ],
    ids=["a custom LLM", "a voice", "the default voice", "a server", "a header"],
)  # fmt: skip
async def test_plan_and_receipt_name_the_host_and_the_reference(
    tool_client: ToolClient, tool: str, arguments: dict[str, Any], host: str
) -> None:
    persona_id = await tool_client.create_persona()
    planned = await tool_client.expect_result(
        tool, persona_id=persona_id, **arguments, dry_run=True
    )
    assert host in find_receiver(planned)
    assert "TAVUS_SECRET_OPENAI" in str(planned["changes"])
    assert SECRET not in str(planned)
    applied = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert host in find_receiver(applied)


async def test_a_bound_secret_is_sent_to_its_host_without_a_remark(
    tool_client: ToolClient, store: Store
) -> None:
    bind(tool_client, "api.openai.com", "*.example.com")
    persona_id = await tool_client.create_persona()
    receipt = await tool_client.expect_result("configure_llm", persona_id=persona_id, **LLM)
    assert "TAVUS_SECRET_OPENAI is" not in str(receipt["findings"])
    row = store.get("persona", persona_id) or {}
    assert row["layers"]["llm"]["api_key"] == SECRET


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("configure_llm", {**LLM, "base_url": "https://api.openai.com.evil.example/v1"}),
        ("configure_llm", {**LLM, "base_url": "https://evil.example/api.openai.com"}),
        ("configure_tts", VOICE),
        ("configure_llm", {"headers": {"X-A": SECRET_REFERENCE}}),
        ("configure_llm", {"extra_body": {"a": [SECRET_REFERENCE]}}),
        ("patch_persona", {"patch": {"layers": {"tts": VOICE}}}),
        ("create_persona", {"system_prompt": "x", "layers": {"llm": LLM}}),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_bound_secret_is_never_sent_to_another_host(
    tool_client: ToolClient, tool: str, arguments: dict[str, Any], dry_run: bool
) -> None:
    bind(tool_client, "api.openai.com")
    persona_id = await tool_client.create_persona()
    sent = len(tool_client.transport.writes)
    target = {} if tool == "create_persona" else {"persona_id": persona_id}
    message = await tool_client.expect_error(tool, **target, **arguments, dry_run=dry_run)
    assert "api.openai.com" in message
    assert SECRET not in message
    assert len(tool_client.transport.writes) == sent


async def test_a_stored_key_is_not_sent_to_another_address(tool_client: ToolClient) -> None:
    """The key stays when only the address is changed, and Tavus would send it there."""
    bind(tool_client, "llm.example.com")
    persona_id = await tool_client.create_persona(layers={"llm": LLM})
    message = await tool_client.expect_error(
        "configure_llm", persona_id=persona_id, base_url="https://evil.example/v1"
    )
    assert "TAVUS_SECRET_OPENAI_HOST" in message
    await tool_client.expect_result(
        "configure_llm",
        persona_id=persona_id,
        base_url="https://other.example/v1",
        api_key="another-key-0123",
    )


async def test_a_plan_is_refused_when_the_secret_was_bound_meanwhile(
    tool_client: ToolClient,
) -> None:
    persona_id = await tool_client.create_persona()
    planned = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, **LLM, dry_run=True
    )
    bind(tool_client, "api.openai.com")
    message = await tool_client.expect_error("apply_plan", plan_id=planned["plan_id"])
    assert "api.openai.com" in message


async def test_a_header_with_a_reference_is_allowed_without_a_remark(
    tool_client: ToolClient,
) -> None:
    """tavus-api, section 12: an example of Tavus has Authorization in the headers."""
    remark = "This header holds a key"
    persona_id = await tool_client.create_persona(layers={"llm": LLM})
    receipt = await tool_client.expect_result(
        "configure_llm",
        persona_id=persona_id,
        headers={"Authorization": f"Bearer {SECRET_REFERENCE}"},
    )
    assert receipt["status"] == "applied"
    checked = await tool_client.expect_result("check_persona", persona_id=persona_id)
    draft = {"persona_name": "X", "layers": {"llm": {"headers": {"X-Api-Key": SECRET_REFERENCE}}}}
    drafted = await tool_client.expect_result("check_persona", document=draft)
    audited = await tool_client.expect_result("audit_personas")
    for answer in (receipt, checked, drafted, audited):
        assert remark not in str(answer)
    receipt = await tool_client.expect_result(
        "configure_llm", persona_id=persona_id, headers={"X-Api-Key": "key-written-out-0815"}
    )
    assert remark in str(receipt["findings"])
