"""Texts of a server name only tools that it serves, whatever the toolsets."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tavus_mcp.catalog import load_catalog
from tavus_mcp.catalog.foreign_fields import foreign_fields
from tavus_mcp.checker.check import check
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.models.receipt import Receipt, Undo
from tavus_mcp.server.results import CheckReport
from tavus_mcp.server.served_tools import UnservedTools, unserved_tools
from tavus_mcp.server.server import INSTRUCTIONS
from tavus_mcp.server.tools import load_all_specs
from tavus_mcp.settings import DEFAULT_TOOLSETS, TOOLSETS

if TYPE_CHECKING:
    from conftest import ToolClientFactory

sys.path.insert(0, str(Path(__file__).parents[1] / "checker"))
from documents import RULE_CASES, build_case_document

pytestmark = pytest.mark.anyio

CATALOG = load_catalog()
CONFIGURATIONS: dict[str, tuple[tuple[str, ...], bool]] = {
    "default": (DEFAULT_TOOLSETS, False),
    "read-only": (TOOLSETS, True),
    "all": (TOOLSETS, False),
    **{toolset: ((toolset,), False) for toolset in TOOLSETS},
}


def build_unserved(configuration: str) -> UnservedTools:
    toolsets, read_only = CONFIGURATIONS[configuration]
    return unserved_tools(toolsets, read_only=read_only)


def find_unserved_names(unserved: UnservedTools, text: str) -> set[str]:
    return {name for name in unserved.reasons if re.search(rf"\b{name}\b", text)}


def test_an_unserved_tool_is_described_with_the_reason_once() -> None:
    """The title stood between the marks of a call, and the toolset came twice."""
    unserved = build_unserved("default")
    text = "1. `measure_conversations(persona_id)` (toolset conversations).\n2. save_tool, then go."
    assert unserved.adapt_text(text) == (
        '1. The tool "Measure conversations" of the switched-off toolset conversations.\n'
        '2. The tool "Save tool" of the switched-off toolset parts, then go.'
    )
    text = "save_tool, then add it to the tools (toolset parts is off), then attach_parts."
    assert unserved.adapt_text(text) == (
        'The tool "Save tool" of the switched-off toolset parts, then add it to the tools, then '
        'the tool "Attach parts".'
    )
    text = "Documents (list_documents) work in English only; list_voices shows the others."
    assert unserved.adapt_text(text) == (  # one bracket stood in another
        'Documents (the tool "List documents" of the switched-off toolset account) work in English '
        'only; the tool "List voices" shows the others.'
    )


@pytest.fixture(scope="module")
def report() -> CheckReport:
    """All findings about the documents of all rules, each as a saved persona."""
    findings = [
        finding
        for case in RULE_CASES["case"]
        for finding in check(
            PersonaDocument({**build_case_document(case), "persona_id": "p0123456789a"}), CATALOG
        )
    ]
    return CheckReport(counts={}, findings=findings)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_findings_name_only_served_tools(report: CheckReport, configuration: str) -> None:
    unserved = build_unserved(configuration)
    adapted = unserved.adapt_calls(report).model_dump(mode="json")
    facts = unserved.adapt_members(adapted)
    assert len(facts["findings"]) == len(report.findings)
    for finding in facts["findings"]:
        texts = f"{finding['message']} {finding['hint']}"
        assert find_unserved_names(unserved, texts) == set(), finding["rule"]
        assert not {call["tool"] for call in finding["fix"] or ()} & unserved.reasons.keys()


def test_a_server_with_every_tool_changes_no_text(report: CheckReport) -> None:
    unserved = build_unserved("all")
    facts = report.model_dump(mode="json")
    assert unserved.adapt_members(unserved.adapt_calls(report).model_dump(mode="json")) == facts


@pytest.mark.parametrize("topic", CATALOG.guide_topics)
@pytest.mark.parametrize("configuration", ["default", "read-only", "personas"])
async def test_guides_name_only_served_tools(
    open_tool_client: ToolClientFactory, configuration: str, topic: str
) -> None:
    toolsets, read_only = CONFIGURATIONS[configuration]
    unserved = build_unserved(configuration)
    async with open_tool_client(toolsets=toolsets, read_only=read_only) as tool_client:
        read = await tool_client.client.read_resource(f"tavus://guide/{topic}")
        assert find_unserved_names(unserved, str(read.contents)) == set()


@pytest.mark.parametrize("layer", LAYER_NAMES)
async def test_descriptions_of_layers_name_only_served_tools(
    open_tool_client: ToolClientFactory, layer: str
) -> None:
    async with open_tool_client(toolsets=("layers",)) as tool_client:
        facts = await tool_client.expect_result("describe_layer", layer=layer)
        assert find_unserved_names(build_unserved("layers"), str(facts)) == set()


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_instructions_name_only_served_tools(configuration: str) -> None:
    unserved = build_unserved(configuration)
    selected = unserved.select_lines(INSTRUCTIONS)
    assert find_unserved_names(unserved, selected) == set()
    assert selected.startswith("Personas of Tavus")
    if configuration in ("all", "default"):
        assert selected == INSTRUCTIONS


@pytest.mark.parametrize("entry", foreign_fields(), ids=lambda entry: entry.names[0])
def test_advice_on_foreign_fields_can_be_adapted(entry: Any) -> None:
    unserved = build_unserved("personas")
    assert find_unserved_names(unserved, unserved.adapt_text(entry.why)) == set()


ERRORS: list[tuple[str, JsonObject]] = [
    ("update_persona", {"persona_id": "p1", "guardrails_name": "x"}),
    ("update_persona", {"persona_id": "p1", "is_template": True, "layers": {}, "model": "x"}),
    ("get_persona", {"persona_id": "p0000000000"}),
    ("update_persona", {"persona_id": "$P", "default_replica_id": "r000000000000"}),
    ("update_persona", {"persona_id": "$P", "greeting": "x", "if_revision": "000000000000"}),
    ("edit_prompt", {"persona_id": "$P", "find": "nothing like this", "replace": "x"}),
    ("create_persona", {"name": "A", "layers": {"llm": {"base_url": "https://x.example.com"}}}),
]


@pytest.mark.parametrize(("tool", "arguments"), ERRORS, ids=[tool for tool, _ in ERRORS])
async def test_errors_name_only_served_tools(
    open_tool_client: ToolClientFactory, tool: str, arguments: JsonObject
) -> None:
    async with open_tool_client(toolsets=("personas",)) as tool_client:
        persona_id = await tool_client.create_persona()
        arguments = {
            name: persona_id if value == "$P" else value for name, value in arguments.items()
        }
        result = await tool_client.call(tool, **arguments)
        text = "\n".join(getattr(part, "text", "") for part in result.content)
        assert find_unserved_names(build_unserved("personas"), text) == set()


async def test_a_receipt_names_a_command_when_its_undo_is_not_served(
    open_tool_client: ToolClientFactory,
) -> None:
    unserved = unserved_tools(("layers", "personas"), read_only=False)
    async with open_tool_client(toolsets=("layers", "personas")) as tool_client:
        persona_id = await tool_client.create_persona(greeting="Hi.")
        receipt = await tool_client.expect_result(
            "update_persona", persona_id=persona_id, greeting="Hello."
        )
    assert "undo" not in receipt
    message = receipt["findings"][-1]["message"]
    assert message.endswith(f"tavus-mcp undo {persona_id}@{receipt['revision']}")
    assert find_unserved_names(unserved, str(receipt)) == set()


@pytest.mark.parametrize(
    ("tool", "arguments", "command"),
    [
        ("restore_revision", {"persona_id": "p1", "revision": "a1"}, "restore p1@a1"),
        ("plan_bulk_change", {"undo_of": "plan-1"}, "undo plan-1"),
        ("delete_persona", {"persona_id": "p1"}, "delete p1"),
    ],
)
def test_each_undo_that_is_not_served_has_its_command(
    tool: str, arguments: JsonObject, command: str
) -> None:
    receipt = Receipt(status="applied", undo=Undo(tool=tool, arguments=arguments))
    served = UnservedTools({spec.name for spec in load_all_specs()} - {tool}, read_only=False)
    adapted = served.adapt_calls(receipt)
    assert isinstance(adapted, Receipt)
    assert adapted.undo is None
    assert adapted.findings[-1].message.endswith(f"tavus-mcp {command}")
    everything = UnservedTools({spec.name for spec in load_all_specs()}, read_only=False)
    assert everything.adapt_calls(receipt) == receipt
    on_sandbox = UnservedTools((), read_only=False, is_sandbox=True).adapt_calls(receipt)
    assert isinstance(on_sandbox, Receipt)
    assert on_sandbox.findings[-1].message.endswith(f"tavus-mcp {command} --sandbox")


async def test_a_refused_write_gives_the_effect_of_a_call_that_is_not_served(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client(toolsets=("personas",)) as tool_client:
        persona_id = await tool_client.create_persona()
        message = await tool_client.expect_error(
            "update_persona", persona_id=persona_id, default_replica_id="${REPLICA}"
        )
        assert 'update_persona(persona_id, default_replica_id="<REPLICA_ID>")' in message
    async with open_tool_client(toolsets=("personas", "layers")) as tool_client:
        message = await tool_client.expect_error(
            "configure_perception", persona_id=persona_id, visual_awareness_queries=["<QUERY>"]
        )
        assert (
            find_unserved_names(unserved_tools(("personas", "layers"), read_only=False), message)
            == set()
        )
        assert '"Patch persona"' not in message
    async with open_tool_client(toolsets=("layers",)) as tool_client:
        message = await tool_client.expect_error(
            "configure_llm", persona_id=persona_id, unset=["model"], base_url="http://${HOST}"
        )
        assert "(toolset" not in message


def test_every_tool_that_is_not_served_has_a_phrase_without_names() -> None:
    unserved = UnservedTools((), read_only=False)
    text = " ".join(spec.name for spec in load_all_specs())
    assert find_unserved_names(unserved, unserved.adapt_text(text)) == set()


def test_a_call_that_cannot_be_made_is_named_without_its_arguments() -> None:
    text = 'Set it: update_persona(persona_id, languages=["en"]), and ask again.'
    adapted = build_unserved("read-only").adapt_text(text)
    assert adapted == (
        'Set it: the tool "Update persona" that this read-only server lacks, and ask again.'
    )


@pytest.mark.parametrize("toolset", ["parts", "history"])
async def test_the_undo_of_a_part_that_is_not_served_names_no_command(
    open_tool_client: ToolClientFactory, toolset: str
) -> None:
    """No command takes a part: with the toolset ``history`` off, and with ``parts`` off."""
    rule = {"guardrail_name": "rule", "guardrail_prompt": "Never."}
    async with open_tool_client() as tool_client:
        created = await tool_client.expect_result("save_guardrail", **rule)
        undo = created["undo"]["arguments"]
    async with open_tool_client(toolsets=(toolset, "personas")) as tool_client:
        if toolset == "parts":
            receipt = await tool_client.expect_result(
                "save_guardrail", guardrail_id=undo["id"], guardrail_prompt="Always."
            )
        else:
            revision = created["revision"]
            async with open_tool_client() as other:
                planned = await other.expect_result("delete_part", **undo)
                await other.expect_result("apply_plan", plan_id=planned["plan_id"])
            planned = await tool_client.expect_result(
                "restore_revision", persona_id=f"guardrail/{undo['id']}", revision=revision
            )
            receipt = await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
    assert "undo" not in receipt
    messages = [item["message"] for item in receipt["findings"]]
    remark = next(text for text in messages if "undo of this change" in text)
    assert "tavus-mcp " not in remark
    assert f"toolset {'history' if toolset == 'parts' else 'parts'} is off" in remark


async def test_rows_of_bulk_plans_name_only_served_tools(
    open_tool_client: ToolClientFactory,
) -> None:
    async with open_tool_client() as tool_client:
        ids = [await tool_client.create_persona(name="restore_revision") for _ in range(2)]
        bulk = {"persona_ids": ids, "values": {"/greeting": "Hi."}}
        planned = await tool_client.expect_result("plan_bulk_change", **bulk)
        await tool_client.expect_result("apply_plan", plan_id=planned["plan_id"])
        await tool_client.edit_in_dashboard(ids[0], "/greeting", "Theirs.")
    async with open_tool_client(toolsets=("fleet",)) as tool_client:
        undo = await tool_client.expect_result("plan_bulk_change", undo_of=planned["plan_id"])
        reason = undo["skipped"][0]["reason"]
        assert find_unserved_names(build_unserved("fleet"), reason) == set()
        assert "of the switched-off toolset history" in reason
        assert undo["personas"][0]["persona_name"] == "restore_revision"
        unread = {"persona_ids": ["p00000000000", *ids], "unset": ["/greeting"]}
        plan = await tool_client.expect_result("plan_bulk_change", **unread)
        reasons = [row["reason"] for row in plan["skipped"]]
        assert reasons
        assert find_unserved_names(build_unserved("fleet"), " ".join(reasons)) == set()
