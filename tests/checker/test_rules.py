"""Each rule reports its case and nothing else, and no rule ever raises."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from typing import Any

import pytest
from documents import RULE_CASES, build_case_document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property_examples import examples

from tavus_mcp.catalog import load_catalog
from tavus_mcp.checker import rules
from tavus_mcp.checker.check import check
from tavus_mcp.checker.rule import Rule, collect_definitions
from tavus_mcp.checker.rules import RULES
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.server.tools import load_all_specs

CASES: list[dict[str, Any]] = RULE_CASES["case"]
SILENT: list[dict[str, Any]] = RULE_CASES["silent"]
CATALOG = load_catalog()
BY_NAME = {rule.name: rule for rule in RULES}
SECRET = "hush-4711-hush"

BLOCKING_RULES = {
    "system-prompt-missing",
    "prompt-not-allowed",
    "placeholder-of-ours",
    "placeholder-not-filled",
    "llm-url-placeholder",
    "too-many-ids",
    "llm-key-missing",
    "llm-url-credentials",
    "llm-url-not-https",
    "llm-url-private",
    "llm-url-unusable",
    "llm-model-without-url",
    "voice-setting-out-of-range",
    "tts-model-not-allowed",
    "perception-entry-too-long",
    "function-name-invalid",
    "function-name-duplicate",
    "function-too-large",
    "conferencing-without-replica",
}
# A call in a hint, as in: configure_tts(persona_id, external_voice_id=..., unset=["voice_id"])
CALL = re.compile(r"\w+\(persona_id[^()]*\)")
TOOLS = {spec.name: {**inspect.signature(spec.function).parameters} for spec in load_all_specs()}


def build_document(case: dict[str, Any]) -> PersonaDocument:
    return PersonaDocument({**build_case_document(case), "persona_id": "p0123456789a"})


def list_findings(document: PersonaDocument) -> list[RuleFinding]:
    return [finding for rule in RULES for finding in rule.findings(document, CATALOG)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_rule_reports_its_path_and_no_other_rule_reports(case: dict[str, Any]) -> None:
    findings = list_findings(build_document(case))
    reported = [
        finding
        for finding in findings
        if (finding.rule, finding.path) == (case["rule"], case["path"])
    ]
    assert len(reported) == 1
    assert {finding.rule for finding in findings} == {case["rule"], *case.get("also", [])}
    assert case.get("message", "") in reported[0].message
    assert case.get("hint", "") in (reported[0].hint or "")


@pytest.mark.parametrize("case", SILENT, ids=lambda case: case["name"])
def test_a_rule_reports_nothing_on_valid_documents(case: dict[str, Any]) -> None:
    assert not list(BY_NAME[case["rule"]].findings(build_document(case), CATALOG))


def test_every_rule_has_a_test_case() -> None:
    assert {rule.name for rule in RULES} == {case["rule"] for case in CASES}


def test_every_rule_of_every_module_is_listed_once() -> None:
    names = [module.name for module in pkgutil.iter_modules(rules.__path__)]
    modules = [importlib.import_module(f"{rules.__name__}.{name}") for name in names]
    declared = [rule.name for rule in collect_definitions(Rule, *modules)]
    assert sorted(declared) == sorted(rule.name for rule in RULES)


def test_importing_the_rules_reads_no_data_files() -> None:
    program = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import tavus_mcp.checker.check
print([path for path in opened if path.endswith((".toml", ".md"))])
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_kebab_case_name_a_source_and_a_reason(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    source = r"SEED|N1|OAS|GO|N#\d+|[DJPVCEO]:[\w./-]+"
    assert [text for text in rule.source.split(", ") if not re.fullmatch(source, text)] == []
    assert rule.check.__doc__


def test_only_documents_that_tavus_rejects_are_blocked() -> None:
    blocking = {rule.name for rule in RULES if rule.blocks_write}
    assert blocking == BLOCKING_RULES
    assert all(BY_NAME[name].severity == "error" for name in blocking)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_finding_has_a_message_sentence_and_a_hint(case: dict[str, Any]) -> None:
    for finding in list_findings(build_document(case)):
        assert re.fullmatch(r"\S[^\n]*\.", finding.message)
        assert re.fullmatch(r"\S[^\n]*\.", finding.hint or "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_call_in_a_hint_matches_a_tool_signature(case: dict[str, Any]) -> None:
    for finding in list_findings(build_document(case)):
        hint = finding.hint or ""
        assert hint.count("(persona_id") == len(CALL.findall(hint))
        for call_text in CALL.findall(hint):
            call = ast.parse(call_text, mode="eval").body
            assert isinstance(call, ast.Call)
            tool = ast.unparse(call.func)
            assert {str(word.arg) for word in call.keywords} <= TOOLS[tool].keys(), call_text
            required = {
                name
                for name, parameter in TOOLS[tool].items()
                if parameter.default is inspect.Parameter.empty
            }
            assert required <= {"app", "persona_id"} | {str(word.arg) for word in call.keywords}
            unset = [ast.literal_eval(word.value) for word in call.keywords if word.arg == "unset"]
            layer = tool.removeprefix("configure_")
            assert {name for names in unset for name in names} <= {*TOOLS[tool], layer}, call_text


def test_a_valid_persona_has_no_errors_or_warnings() -> None:
    findings = check(PersonaDocument(RULE_CASES["clean"]), CATALOG)
    assert [finding for finding in findings if finding.severity != "info"] == []


def test_the_seed_document_gives_findings_that_never_block() -> None:
    findings = list_findings(PersonaDocument(RULE_CASES["seed"]))
    assert not [finding for finding in findings if finding.blocks_write]
    assert {finding.rule for finding in findings} >= {
        "audio-only-on-persona",
        "context-deprecated",
        "llm-model-retired",
        "function-inline",
        "tts-engine-retired",
        "placeholder-in-setting",
        "perception-model-legacy",
        "perception-ambient-awareness",
        "stt-turn-taking-legacy",
    }


def test_no_finding_reveals_a_secret() -> None:
    llm = {
        "model": SECRET,
        "base_url": f"http://me:{SECRET}@localhost/{SECRET}/chat/completions?key={SECRET}",
        "api_key": f"<your key {SECRET}>",
        "headers": {"Authorization": f"Bearer {SECRET} YOUR_API_KEY"},
        "extra_body": {SECRET: SECRET},
    }
    tts = {"api_key": SECRET, "voice_id": SECRET, "tts_model_name": SECRET}
    document = PersonaDocument({**RULE_CASES["base"], "layers": {"llm": llm, "tts": tts}})
    findings = list_findings(document)
    assert len(findings) > 5
    assert not [finding for finding in findings if SECRET in f"{finding.message}{finding.hint}"]


KNOWN = sorted(
    {facts.name for facts in CATALOG.persona_fields}
    | {facts.name for layer in CATALOG.layer_names for facts in CATALOG.fields(layer)}
    | {setting.name for engine in CATALOG.tts_engines for setting in engine.voice_setting}
    | {"type", "function", "name", "description", "parameters", "properties", "required"}
    | {"maxLength", "microphone", "temperature", "top_p", "x-api-key", "~", "a/b", ""}
    | set(CATALOG.layer_names)
)
MODELS = (*CATALOG.llm_models, *CATALOG.perception_models, *CATALOG.turn_models)
ENGINES = (*CATALOG.tts_engines, *CATALOG.stt_engines)
LIKELY = (
    [model.id for model in MODELS]
    + [engine.id for engine in ENGINES]
    + [mode.name for mode in CATALOG.pipeline_modes]
    + ["https://[", "http://[::1]:x/v1", "//", "en", "...", "********", "v0a1b2c3d4e5f", "low"]
    + ["livekit", "always", "off", "system", "{{x}}", "anger:low", ":", "fast", "function"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(LIKELY)
)
KEYS = st.sampled_from(KNOWN) | st.text(max_size=6)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)
FUNCTION = st.fixed_dictionaries(
    {"function": st.dictionaries(st.sampled_from(["name", "description", "parameters"]), ANYTHING)}
)
TOOLS_OF = st.lists(FUNCTION | ANYTHING, max_size=3)


def find_layer(name: str) -> st.SearchStrategy[Any]:
    fields = {
        facts.name.partition(".")[0]: TOOLS_OF | ANYTHING if "tools" in facts.name else ANYTHING
        for facts in CATALOG.fields(name)
    }
    return st.fixed_dictionaries({}, optional=fields) | ANYTHING


LAYERS = st.fixed_dictionaries(
    {}, optional={name: find_layer(name) for name in CATALOG.layer_names}
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={facts.name: ANYTHING for facts in CATALOG.persona_fields}
    | {"layers": LAYERS | ANYTHING},
)


@given(DOCUMENTS)
@settings(max_examples=examples(80), database=None, suppress_health_check=list(HealthCheck))
def test_no_rule_raises_for_arbitrary_documents(data: dict[str, Any]) -> None:
    for finding in list_findings(PersonaDocument(data)):
        assert finding.path.startswith("/")


@given(DOCUMENTS)
@settings(max_examples=examples(60), database=None, suppress_health_check=list(HealthCheck))
def test_checking_a_saved_persona_never_raises_and_every_fix_is_rendered(
    data: dict[str, Any],
) -> None:
    for finding in check(PersonaDocument({**data, "persona_id": "p0123456789a"}), CATALOG):
        parts = (finding.hint or "").split("(persona_id")
        tools = [call.tool for call in finding.fix or []]
        assert tools == [text.rsplit(" ", 1)[-1] for text in parts[:-1]][: len(tools)], finding
        assert all(call.arguments["persona_id"] == "p0123456789a" for call in finding.fix or [])


@given(st.dictionaries(KEYS, ANYTHING, max_size=8))
@settings(max_examples=examples(25), database=None, suppress_health_check=list(HealthCheck))
def test_no_rule_raises_for_a_value_that_is_not_a_document(data: dict[str, Any]) -> None:
    list_findings(PersonaDocument(data))


def test_no_rule_raises_for_a_deeply_nested_document() -> None:
    deep: Any = "{{x}}"
    for _ in range(5_000):
        deep = {"system_prompt": [deep]}
    assert "placeholder-in-text" in {
        finding.rule for finding in list_findings(PersonaDocument({"layers": deep}))
    }


def test_parameters_as_names_and_types_keep_their_arguments() -> None:
    function = {"name": "note", "description": "Notes.", "parameters": {"day": "string"}}
    tools = [{"type": "function", "function": function}]
    document = PersonaDocument({"persona_id": "p0123456789a", "layers": {"llm": {"tools": tools}}})
    found = {finding.rule: finding for finding in list_findings(document)}
    (call,) = found["function-parameters-no-object"].fix or ()
    assert call.arguments["parameters"]["properties"]["day"]["type"] == "string"
