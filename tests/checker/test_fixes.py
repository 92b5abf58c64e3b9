"""Making the calls of a finding's ``fix``, and no others, makes the finding go away."""

from __future__ import annotations

import re
from typing import Any

import pytest
from documents import DATA, body_of
from mcp_client import Desk

from tavus_mcp.checker.fixes import PLACEHOLDERS
from tavus_mcp.checker.rules import RULES
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.persona import WRITE_ONLY
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.sandbox.store import Store

pytestmark = pytest.mark.anyio

CASES: list[dict[str, Any]] = DATA["case"]
CHOSEN: dict[str, Any] = DATA["chosen"]
PERSONA = "p0123456789a"
UNMENDED = {
    "stock-persona",
    "field-not-read-back",
    "greeting-undocumented",
    "tts-key-unneeded",
    "tts-dictionary-key-scope",
    "function-inline",
    "conferencing-sent-alone",
    "text-invisible",
    "text-direction-turned",
    "text-tag-characters",
}
THERE = [
    *(("document", one) for one in ("DOCUMENT", "d8-a", "d8-b")),
    *(("guardrail", "GUARDRAIL"), ("objectives", "OBJECTIVES"), ("tool", "TOOL")),
]
Found = dict[tuple[str, str], dict[str, Any]]


def unmasked(value: Any) -> Any:
    """Return a document as Tavus stores it: with its keys."""
    if isinstance(value, dict):
        return {name: unmasked(item) for name, item in value.items()}
    return "sk-stored-before" if value == MASK else value


def saved(store: Store, body: dict[str, Any]) -> None:
    """Store a persona as it is, past every rule for new ones."""
    born = {"created_at": "2025-05-09T16:00:00+00:00", "updated_at": "2025-05-09T16:00:00+00:00"}
    unset = {"persona_name": "", "system_prompt": "", "pipeline_mode": "full", "layers": {}}
    given = {"persona_type": "user", **unset, **born, **to_persona_names(unmasked(body))}
    with store.write_transaction():
        for kind, reference in THERE:
            store.put(kind, reference, {})
        store.put("persona", PERSONA, {**given, "persona_id": PERSONA})


def chosen(value: Any, prompt: str) -> Any:
    """Return arguments with everything chosen that a person has to choose."""
    if isinstance(value, dict):
        return {name: chosen(item, prompt) for name, item in value.items()}
    if isinstance(value, list):
        return [chosen(item, prompt) for item in value]
    if value == "<OLD_TEXT>":
        return prompt
    if value in CHOSEN:
        return CHOSEN[value]
    pattern = "|".join(PLACEHOLDERS)
    return re.sub(pattern, lambda one: CHOSEN[one[0]], value) if isinstance(value, str) else value


async def checked(desk: Desk) -> Found:
    """Return what is found about the persona, by rule and path."""
    report = await desk.facts("check_persona", persona_id=PERSONA)
    return {(item["rule"], item["path"]): item for item in report["findings"]}


async def mend_each(desk: Desk, store: Store, body: dict[str, Any]) -> Found:
    """Make the calls of each finding on the persona as it was; return what was found at first."""
    saved(store, body)
    before = await checked(desk)
    for place, finding in before.items():
        said = "This call holds a long text" in finding.get("hint", "")
        assert ("fix" in finding) is (finding["rule"] not in UNMENDED and not said), place
        saved(store, body)
        for call in finding.get("fix", ()):
            arguments = chosen(call["arguments"], str(body.get("system_prompt")))
            await desk.facts(call["tool"], **arguments)
        if "fix" in finding:
            after = await checked(desk)
            assert place not in after, finding
            errors = {key for key, item in after.items() if item["severity"] == "error"}
            assert errors <= before.keys(), finding
    return before


@pytest.mark.parametrize("about", sorted({case["rule"].partition("-")[0] for case in CASES}))
async def test_the_calls_of_a_fix_make_the_finding_go_away_and_bring_no_error(
    desk: Desk, store: Store, about: str
) -> None:
    for case in CASES:
        if case["rule"].partition("-")[0] == about:
            before = await mend_each(desk, store, body_of(case))
            path = case["path"]
            never_read = path.split("/")[1] in WRITE_ONLY or path.endswith("/api_key")
            assert never_read or (case["rule"], path) in before, case["name"]


def test_what_no_call_mends_is_so_on_purpose() -> None:
    assert {rule.name for rule in RULES if rule.no_fix_reason} == UNMENDED


def test_everything_that_a_person_can_choose_is_chosen_in_the_data() -> None:
    assert CHOSEN.keys() == PLACEHOLDERS.keys()
