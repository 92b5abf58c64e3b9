"""The calls of a finding's ``fix`` remove the finding."""

from __future__ import annotations

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
            store.put(kind, reference, {})
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
            errors = {other for other, item in after.items() if item["severity"] == "error"}
            assert errors <= before.keys(), finding
    return before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_fix_removes_its_finding_and_adds_no_error(
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
