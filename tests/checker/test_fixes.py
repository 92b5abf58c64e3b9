"""The calls of a finding's ``fix`` remove the finding."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from documents import RULE_CASES, build_case_document
from mcp_client import ToolClient

from tavus_mcp.checker.fixes import PLACEHOLDERS
from tavus_mcp.checker.rules import RULES
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.persona import UNKNOWN_WHEN_ABSENT
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

CASES: list[dict[str, Any]] = RULE_CASES["case"]
REPLACEMENTS: dict[str, Any] = RULE_CASES["chosen"]
PERSONA = "p0123456789a"
RULES_WITHOUT_FIX = {
    "stock-persona",
    "field-not-read-back",
    "greeting-undocumented",
    "flow-defaults-filled-in",
    "tts-key-unneeded",
    "tts-dictionary-key-scope",
    "function-inline",
    "conferencing-sent-alone",
    "key-in-text",
    "text-invisible",
    "text-direction-turned",
    "text-tag-characters",
    "value-unknown",
    "tts-model-unknown",
    "llm-model-unknown",
    "llm-model-uncertain",
    "language-unknown",
    "voice-setting-unusual",
    "voice-speed-fastest",
    "voice-emotion-unknown",
}
RESOURCES = [
    *(("document", one) for one in ("DOCUMENT", "d8-a", "d8-b")),
    *(("guardrail", "GUARDRAIL"), ("objectives", "OBJECTIVES"), ("tool", "TOOL")),
]
ANNOUNCED_FINDINGS = {
    ("prompt-slow", "prompt-long"): "Shorten below 5,000",
    ("llm-model-without-url", "llm-speculation-repeats-calls"): "several times per turn",
    ("tts-model-older", "voice-speed-excludes-ssml"): "speech tags (SSML) off",
    ("voice-setting-out-of-range", "voice-speed-fastest"): "the fastest pace, 0 is the usual",
}
"""Findings that a fix leads to, with the words of its hint that say so."""
Findings = dict[tuple[str, str], dict[str, Any]]


def replace_masks(value: Any) -> Any:
    """Return a document as Tavus stores it: with keys instead of masks."""
    if isinstance(value, dict):
        return {name: replace_masks(item) for name, item in value.items()}
    return "sk-stored-before" if value == MASK else value


def store_persona(store: Store, body: dict[str, Any]) -> None:
    """Store a persona without the validation of the API."""
    times = {"created_at": "2025-05-09T16:00:00+00:00", "updated_at": "2025-05-09T16:00:00+00:00"}
    unset = {"persona_name": "", "system_prompt": "", "pipeline_mode": "full", "layers": {}}
    persona = {"persona_type": "user", **unset, **times, **to_persona_names(replace_masks(body))}
    with store.write_transaction():
        for kind, reference in RESOURCES:
            row = {f"{kind}_id": reference, "uuid": reference, "status": "ready"}
            store.put(kind, reference, row)
        store.put("persona", PERSONA, {**persona, "persona_id": PERSONA})


def replace_placeholders(value: Any, prompt: str) -> Any:
    """Return arguments with a value for each placeholder."""
    if isinstance(value, dict):
        return {name: replace_placeholders(item, prompt) for name, item in value.items()}
    if isinstance(value, list):
        return [replace_placeholders(item, prompt) for item in value]
    if value == "<OLD_TEXT>":
        return prompt
    if value in REPLACEMENTS:
        return REPLACEMENTS[value]
    pattern = "|".join(PLACEHOLDERS)
    return (
        re.sub(pattern, lambda match: REPLACEMENTS[match[0]], value)
        if isinstance(value, str)
        else value
    )


async def check_findings(tool_client: ToolClient) -> Findings:
    """Return the findings about the persona, by rule and path."""
    report = await tool_client.expect_result("check_persona", persona_id=PERSONA)
    return {(item["rule"], item["path"]): item for item in report["findings"]}


async def apply_each_fix(tool_client: ToolClient, store: Store, body: dict[str, Any]) -> Findings:
    """Apply the fix of each finding to the original persona; return the original findings."""
    store_persona(store, body)
    before = await check_findings(tool_client)
    for key, finding in before.items():
        hint = finding.get("hint", "")
        is_elsewhere = "This call holds a long text" in hint or hint.startswith("The fix of /")
        has_fix = finding["rule"] not in RULES_WITHOUT_FIX and not is_elsewhere
        assert ("fix" in finding) is has_fix, key
        store_persona(store, body)
        for call in finding.get("fix", ()):
            edited_text = body.get(call["arguments"].get("field", "system_prompt"))
            arguments = replace_placeholders(call["arguments"], str(edited_text))
            await tool_client.expect_result(call["tool"], **arguments)
        if "fix" in finding:
            after = await check_findings(tool_client)
            assert key not in after, finding
            for other, item in after.items():
                is_notice = item["severity"] == "info" and "fix" not in item
                if other not in before and not is_notice:
                    words = ANNOUNCED_FINDINGS.get((finding["rule"], item["rule"]))
                    assert words, f"{key} leads to {other}"
                    assert words in hint
    return before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_fix_removes_its_finding_and_leads_to_none_that_it_does_not_announce(
    tool_client: ToolClient, store: Store, case: dict[str, Any]
) -> None:
    before = await apply_each_fix(tool_client, store, build_case_document(case))
    path = case["path"]
    is_never_read = path.split("/")[1] in UNKNOWN_WHEN_ABSENT or path.endswith("/api_key")
    assert is_never_read or (case["rule"], path) in before


def test_the_rules_without_fix_are_the_intended_ones() -> None:
    assert {rule.name for rule in RULES if rule.no_fix_reason} == RULES_WITHOUT_FIX


def test_the_test_data_replaces_every_placeholder() -> None:
    assert REPLACEMENTS.keys() == PLACEHOLDERS.keys()


PARTIAL_ADVICE = {"prompt-slow", "prompt-over-cap", "function-inline", "conferencing-sent-alone"}
"""Rules whose hint has a call that helps and does not remove the finding by itself."""


def read_calls(hint: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls about the persona that a hint writes out in full, with their arguments."""
    calls = []
    for start in re.finditer(r"(\w+)\(persona_id(?:, )?", hint):
        arguments: dict[str, Any] = {}
        text = hint[start.end() :]
        while name := re.match(r"(?:, )?(\w+)=(?!\.\.\.)", text):
            try:
                value, end = json.JSONDecoder().raw_decode(text, name.end())
            except json.JSONDecodeError:  # a part of the value is left out
                break
            arguments[name[1]], text = value, text[end:]
        if text.startswith(")"):  # else a value is left out
            calls.append((start[1], arguments))
    return calls


async def test_a_hint_says_which_argument_holds_a_placeholder_that_it_leaves_out(
    tool_client: ToolClient, store: Store
) -> None:
    """A hint explained <DESCRIPTION> after a call in which there was no such word."""
    parameters = {
        "type": "object",
        "properties": {"order_id": {"type": "string"}},
        "required": ["order_id"],
    }
    function = {"name": "look_up", "description": "Looks up an order.", "parameters": parameters}
    body = {"layers": {"llm": {"tools": [{"type": "function", "function": function}]}}}
    store_persona(store, {"system_prompt": "You help.", **body})
    hints = [item.get("hint", "") for item in (await check_findings(tool_client)).values()]
    (hint,) = [text for text in hints if "set_function_tool" in text]
    assert "parameters=...). In parameters, <DESCRIPTION> is when to call" in hint
    draft = {"persona_name": "A", "system_prompt": "You help.", **body}
    report = await tool_client.expect_result("check_persona", document=draft)
    assert "<DESCRIPTION>" not in json.dumps(report)


@pytest.mark.parametrize("name", ["an inline function", "a prompt of 15,000 tokens"])
async def test_a_part_of_a_hint_is_added_to_those_that_are_attached(
    tool_client: ToolClient, store: Store, name: str
) -> None:
    """A new user followed the hint about inline functions, and lost the tools of the persona."""
    (case,) = [case for case in CASES if case["name"] == name]
    attached = {"tool_ids": ["t-mine"], "document_ids": ["d8-a"]}
    body = {**build_case_document(case), **attached}
    store_persona(store, body)
    hint = (await check_findings(tool_client))[case["rule"], case["path"]]["hint"]
    ((tool, arguments),) = [call for call in read_calls(hint) if "<OLD_TEXT>" not in str(call)]
    chosen = replace_placeholders(arguments, "")
    await tool_client.expect_result(tool, persona_id=PERSONA, **chosen)
    persona = await tool_client.read_persona(PERSONA)
    ids = [*persona["tool_ids"], *persona["document_ids"]]
    assert {"t-mine", "d8-a"} < {*ids}


@pytest.mark.extended
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_every_call_of_a_hint_is_accepted_and_removes_the_finding(
    tool_client: ToolClient, store: Store, case: dict[str, Any]
) -> None:
    """Found by carrying out the second call of each hint: some were refused, some not enough."""
    body = build_case_document(case)
    store_persona(store, body)
    for key, finding in (await check_findings(tool_client)).items():
        fix = [(call["tool"], call["arguments"]) for call in finding.get("fix", ())]
        for tool, written in read_calls(finding.get("hint", "")):
            if (tool, {"persona_id": PERSONA, **written}) in fix:
                continue  # a part of the fix, which another test carries out
            store_persona(store, body)
            arguments = replace_placeholders(written, str(body.get("system_prompt")))
            await tool_client.expect_result(tool, persona_id=PERSONA, **arguments)
            remaining = await check_findings(tool_client)
            assert key not in remaining or finding["rule"] in PARTIAL_ADVICE, finding
