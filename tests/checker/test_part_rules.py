"""Each rule about parts reports its case and nothing else, stays silent on valid parts, and no
rule ever raises; each fix removes what it fixes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from documents import expand_placeholders, read_data_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker.fixes import PLACEHOLDER_PATTERN
from tavus_mcp.checker.parts.check import check_part, check_part_change
from tavus_mcp.checker.parts.part_rule import CheckedPart, PartRule, apply_fix
from tavus_mcp.checker.parts.rules import PART_RULES
from tavus_mcp.checker.schema_check import SHAPE, UNKNOWN_FIELD
from tavus_mcp.errors import CheckRefused
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.parts.part_document import CREATE_MODELS, PartDocument

DATA = read_data_file("part_rules.toml")
CLEAN: dict[str, dict[str, Any]] = DATA["clean"]
CASES: list[dict[str, Any]] = DATA["case"]
SILENT: list[dict[str, Any]] = DATA["silent"]
CATALOG = load_catalog()
BY_NAME = {rule.name: rule for rule in PART_RULES}


def name_case(case: dict[str, Any]) -> str:
    return f"{case['kind']}: {case['rule']} {case.get('path', '')}".strip()


def check_case(case: dict[str, Any]) -> list[RuleFinding]:
    document: Any = expand_placeholders(case["document"])
    if case.get("stored"):
        document = PartDocument.parse(case["kind"], document)
    persona = PersonaDocument(case["persona"]) if "persona" in case else None
    return check_part(case["kind"], document, CATALOG, persona=persona)


@pytest.mark.parametrize("case", CASES, ids=name_case)
def test_a_rule_reports_its_path_and_no_other_rule_reports(case: dict[str, Any]) -> None:
    findings = check_case(case)
    reported = [item for item in findings if (item.rule, item.path) == (case["rule"], case["path"])]
    assert len(reported) == 1, findings
    assert {item.rule for item in findings} == {case["rule"], *case.get("also", [])}
    assert case.get("message", "") in reported[0].message
    assert case.get("hint", "") in (reported[0].hint or "")
    for finding in findings:
        assert re.fullmatch(r"\S[^\n]*[.?]", finding.message)
        assert re.fullmatch(r"\S[^\n]*[.?]", finding.hint or "")
        assert finding.source


@pytest.mark.parametrize("case", SILENT, ids=name_case)
def test_a_rule_reports_nothing_on_what_comes_near(case: dict[str, Any]) -> None:
    assert case["rule"] in BY_NAME
    assert [item for item in check_case(case) if item.rule == case["rule"]] == []


@pytest.mark.parametrize("kind", CLEAN)
def test_a_valid_part_has_no_finding(kind: Any) -> None:
    persona = PersonaDocument({"pipeline_mode": "full"})
    assert check_part(kind, CLEAN[kind], CATALOG, persona=persona) == []
    stored = PartDocument(kind, "x1", {**CLEAN[kind], "created_at": "2026", "unknown": 1})
    assert check_part(kind, stored, CATALOG) == []


def test_every_rule_has_a_case() -> None:
    assert {rule.name for rule in PART_RULES} | {SHAPE, UNKNOWN_FIELD} == {
        case["rule"] for case in CASES
    }


@pytest.mark.parametrize("rule", PART_RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_kebab_case_name_a_source_and_a_reason(rule: PartRule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    source = r"SEED|N1|OAS|GO|N#\d+|[DJPVCEO]:[\w./-]+"
    assert [text for text in rule.source.split(", ") if not re.fullmatch(source, text)] == []
    assert rule.check.__doc__
    assert rule.kinds
    assert rule.severity == "error" or not rule.blocks_write


@pytest.mark.parametrize("case", CASES, ids=name_case)
def test_a_fix_removes_what_it_fixes(case: dict[str, Any]) -> None:
    rule = BY_NAME.get(case["rule"])
    if rule is None:
        return
    persona = PersonaDocument(case["persona"]) if "persona" in case else None
    data = expand_placeholders(case["document"])
    part = CheckedPart(case["kind"], data, "x1" if case.get("stored") else "", persona)
    violation = next(item for item in rule.check(part, CATALOG) if item.path == case["path"])
    for fix in violation.fix:
        if PLACEHOLDER_PATTERN.search(str(fix.arguments)):
            continue
        data = apply_fix(data, fix)
        fixed = CheckedPart(case["kind"], data, "x1" if case.get("stored") else "", persona)
        assert case["path"] not in {item.path for item in rule.check(fixed, CATALOG)}


def test_a_change_is_refused_for_what_it_brings_and_not_for_what_was_there() -> None:
    broken = {"data": [{"objective_name": name, "objective_prompt": "Ask."} for name in "ab"]}
    before = PartDocument("objectives", "o1", broken)
    after = PartDocument("objectives", "o1", {**broken, "name": "Renamed"})
    assert check_part_change(before, after, CATALOG) == []
    empty = PartDocument("objectives", "", {})
    with pytest.raises(CheckRefused, match="exactly one"):
        check_part_change(empty, PartDocument("objectives", "", broken), CATALOG)


def test_no_finding_repeats_a_secret() -> None:
    secret = "hush-4711-hush"
    auth = {"type": secret, "token": secret, "password": secret, secret: secret}
    api = {"url": f"http://me:{secret}@localhost/{secret}?key={secret}", "auth": auth}
    tool = {"name": "a b", "description": "", "delivery": {"app_message": True, "api": api}}
    findings = check_part("tool", tool, CATALOG)
    assert len(findings) > 3
    hints = [item for item in findings if item.rule != "unknown-field"]
    assert not [item for item in hints if secret in item.message]


NAMES = sorted(
    {field for model in CREATE_MODELS.values() for field in model.model_fields}
    | {"auth", "type", "token", "url", "headers", "app_message", "api", "components", "chart"}
    | {"objective_name", "next_required_objective", "next_conditional_objectives", "modality"}
    | {"text", "pronunciation", "scheduling_embed", "skill_id", "a", "~", "a/b", ""}
)
LIKELY = (
    *("a", "b", "bearer", "hmac", "ipa", "alias", "vision", "post_call", "https://[", "{a}"),
    *("https://{a}/x", "magic_canvas", "presentation", "static_filler", "GET", "////", "visual"),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(LIKELY)
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=20,
)
PERSONA = PersonaDocument({"layers": {"perception": {"perception_model": "off"}}})


@given(
    st.sampled_from(sorted(CREATE_MODELS)),
    st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=8),
    st.booleans(),
)
@settings(max_examples=examples(40), database=None, suppress_health_check=list(HealthCheck))
def test_no_rule_raises_for_arbitrary_parts(kind: Any, data: dict[str, Any], stored: bool) -> None:
    document: Any = PartDocument(kind, "x1", data) if stored else data
    for finding in check_part(kind, document, CATALOG, persona=PERSONA):
        assert finding.path == "" or finding.path.startswith("/")


STORED_FIXES: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "tool",
        "t1",
        {"name": "t", "description": "D.", "origin": "vision", "on_call": "silent"},
        "save_tool",
        {"tool_id": "t1", "unset": ["on_call"]},
    ),
    (
        "tool",
        "t1",
        {
            "name": "t",
            "description": "D.",
            "on_resolve": "generate_response",
            "delivery": {
                "app_message": False,
                "api": {
                    "url": "https://example.com/x",
                    "method": "GET",
                    "body_template": {"a": 1},
                    "auth": {"type": "bearer", "token": "********"},
                },
            },
        },
        "save_tool",
        {"tool_id": "t1", "delivery": {"api": {"body_template": None}}},
    ),
    (
        "guardrail",
        "g1",
        {"guardrail_name": "a", "guardrail_prompt": "A.", "modality": "audio"},
        "save_guardrail",
        {"guardrail_id": "g1", "modality": "verbal"},
    ),
    (
        "dictionary",
        "pd_1",
        {"name": "N", "rules": [{"text": "a", "pronunciation": "AH", "type": "ipa"}]},
        "save_dictionary",
        {
            "dictionary_id": "pd_1",
            "rules": [{"text": "a", "pronunciation": "AH", "type": "alias"}],
        },
    ),
    (
        "skill",
        "p1:magic_canvas",
        {"config": {"components": {"chart": False}, "usage_guidance": "Rarely."}},
        "set_skill",
        {
            "persona_id": "p1",
            "skill_id": "magic_canvas",
            "config": {"components": {"chart": {"enabled": False}}, "usage_guidance": "Rarely."},
        },
    ),
]


@pytest.mark.parametrize(
    ("kind", "key", "data", "tool", "arguments"), STORED_FIXES, ids=[c[0] for c in STORED_FIXES]
)
def test_a_finding_about_a_stored_part_has_the_call_that_fixes_it(
    kind: Any, key: str, data: dict[str, Any], tool: str, arguments: dict[str, Any]
) -> None:
    findings = check_part(kind, PartDocument(kind, key, data), CATALOG)
    calls = [call.model_dump() for item in findings for call in item.fix or ()]
    assert calls == [{"tool": tool, "arguments": arguments}]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("document", {"document_url": "https://example.com/a.pdf", "crawl": {"depth": 2}}),
        ("guardrail", {"data": [{"guardrail_name": "a", "guardrail_prompt": "A.", "x": 1}]}),
    ],
)
def test_what_no_tool_can_change_has_no_call(kind: Any, data: dict[str, Any]) -> None:
    findings = check_part(kind, PartDocument(kind, "x1", data), CATALOG)
    assert findings
    assert not [item for item in findings if item.fix]
