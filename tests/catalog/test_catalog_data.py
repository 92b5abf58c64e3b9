"""The data of the catalog: sources, and consistency of the entries."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib import resources
from typing import Any, get_args

import pytest

from tavus_mcp.catalog import LAYERS, load_catalog
from tavus_mcp.catalog.facts import (
    DISCOURAGED_STATUSES,
    ChangeKind,
    Status,
)
from tavus_mcp.catalog.foreign_fields import ForeignField, foreign_fields

DATA = resources.files("tavus_mcp.catalog").joinpath("data")
FILES = sorted(path.name for path in DATA.iterdir())
SOURCE = re.compile(r"SEED|OURS|OAS|GO|N1|N#\d+|[DJPVCEW]:[\w./-]+")
TYPES = {
    *("string", "number", "integer", "boolean", "object", "unknown"),
    *("string[]", "object[]"),
}
CATALOG = load_catalog()
MAPPINGS = {"values", "successor_values", "other_values", "model_families", "english_only"} | {
    "spellings"
}
CHECKED_ON = {date(2026, 11, 22), date(2026, 11, 26), date(2026, 11, 27)}


def load_data_file(name: str) -> dict[str, Any]:
    return tomllib.loads(DATA.joinpath(name).read_text(encoding="utf-8"))


def iterate_entries(table: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every table that states a fact, with its path; values belong to their field."""
    for key, value in table.items():
        if key in MAPPINGS:
            continue
        children = value if isinstance(value, list) else [value]
        for number, child in enumerate(children):
            if isinstance(child, dict):
                path = f"{where}/{key}/{child.get('name', child.get('id', number))}"
                yield path, child
                yield from iterate_entries(child, path)


ENTRIES = [entry for name in FILES for entry in iterate_entries(load_data_file(name), name)]


def iterate_entries_of_files(*names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((path, entry) for path, entry in ENTRIES if path.split("/")[-2] in names)


def test_the_data_files_match_the_known_layers() -> None:
    topics = {"pipeline_modes", "persona_fields", "languages", "deprecations", "tools", "goals"}
    topics |= {"conversations", "foreign_fields", "llm_providers"}
    assert set(FILES) == {f"{name}.toml" for name in topics.union(LAYERS)}


def test_every_entry_names_its_source() -> None:
    wrong = [
        (path, source)
        for path, entry in ENTRIES
        for source in entry["source"].split(", ")
        if not SOURCE.fullmatch(source)
    ]
    assert wrong == []


def test_every_entry_names_the_date_it_was_checked() -> None:
    wrong = [path for path, entry in ENTRIES if entry["checked_on"] not in CHECKED_ON]
    assert wrong == []


def test_every_status_is_an_allowed_value() -> None:
    wrong = [
        path for path, entry in ENTRIES if entry.get("status", "current") not in get_args(Status)
    ]
    assert wrong == []


def test_every_kind_of_change_is_an_allowed_value() -> None:
    assert {change.kind for change in CATALOG.changelog()} <= set(get_args(ChangeKind))


def test_every_type_is_an_allowed_value() -> None:
    wrong = [
        path
        for path, entry in iterate_entries_of_files("field", "rule", "voice_setting")
        if entry["type"] not in TYPES
    ]
    assert wrong == []


def test_every_summary_fits_on_one_line_of_a_tool_result() -> None:
    wrong = [
        (path, len(entry["summary"]))
        for path, entry in iterate_entries_of_files("field", "rule", "voice_setting")
        if not 0 < len(entry["summary"]) <= 110
    ]
    assert wrong == []


def test_every_allowed_value_is_listed_once_with_its_meaning() -> None:
    wrong = []
    for path, entry in iterate_entries_of_files("field", "rule"):
        meanings = {choice["value"]: choice["means"] for choice in entry.get("values", ())}
        if len(meanings) != len(entry.get("values", ())) or not all(
            map(str.strip, meanings.values())
        ):
            wrong.append(path)
    assert wrong == []


def test_every_default_is_one_of_the_allowed_values() -> None:
    wrong = [
        path
        for path, entry in iterate_entries_of_files("field", "rule")
        if "values" in entry
        and "default" in entry
        and entry["default"] not in [choice["value"] for choice in entry["values"]]
    ]
    assert wrong == []


def test_every_range_is_ascending_and_contains_its_default() -> None:
    wrong = []
    for path, entry in iterate_entries_of_files("field", "rule", "voice_setting"):
        lower, upper = entry.get("minimum", float("-inf")), entry.get("maximum", float("inf"))
        default = entry.get("default")
        has_number = isinstance(default, int | float) and not isinstance(default, bool)
        if lower >= upper or (has_number and not lower <= default <= upper):
            wrong.append(path)
    assert wrong == []


def test_every_pattern_compiles() -> None:
    patterns = [
        entry["pattern"]
        for _, entry in iterate_entries_of_files("field", "rule")
        if "pattern" in entry
    ]
    assert patterns
    assert all(map(re.compile, patterns))


def test_names_are_unique_within_a_list() -> None:
    paths = [path for path, _ in ENTRIES if "/voice_setting/" not in path]
    assert len(paths) == len(set(paths))


def test_ratings_are_between_one_and_three() -> None:
    wrong = [
        model.id
        for model in CATALOG.llm_models
        if {model.speed, model.intelligence, model.naturalness} - {None, 1, 2, 3}
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", ["llm", "perception", "conversational_flow", "tts", "stt"])
def test_a_discouraged_model_or_engine_has_a_successor_that_is_not(layer: str) -> None:
    choices = {choice.id: choice for choice in CATALOG.layer(layer).choices}
    wrong = [
        choice.id
        for choice in choices.values()
        if (choice.status in DISCOURAGED_STATUSES and choice.successor is None)
        or (
            choice.successor is not None
            and choices[choice.successor].status not in {"recommended", "current"}
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", ["llm", "tts", "stt", "perception", "conversational_flow"])
def test_a_layer_has_exactly_one_default_choice(layer: str) -> None:
    facts = CATALOG.layer(layer)
    assert [choice.default for choice in facts.choices].count(True) == 1


@pytest.mark.parametrize(
    ("layer", "field"),
    [
        ("tts", "tts_engine"),
        ("stt", "stt_engine"),
        ("perception", "perception_model"),
        ("conversational_flow", "turn_detection_model"),
    ],
)
def test_the_values_of_a_choice_are_its_models_or_engines(layer: str, field: str) -> None:
    facts, choice = CATALOG.layer(layer), CATALOG.field(layer, field)
    assert choice is not None
    assert set(choice.allowed_values) == {entry.id for entry in facts.choices}
    assert choice.default in [entry.id for entry in facts.choices if entry.default]


def test_a_field_named_as_successor_exists_and_is_current() -> None:
    wrong = []
    for layer in LAYERS:
        for field in CATALOG.fields(layer):
            if field.successor and re.fullmatch(r"[a-z_.]+", field.successor):
                successor_layer, _, name = field.successor.rpartition(".")
                successor = CATALOG.field(successor_layer or layer, name)
                if (
                    successor is None
                    or successor.status not in {"current", "legacy"}
                    or set(field.successor_values.values()) - set(successor.allowed_values)
                ):
                    wrong.append(field.successor)
    assert wrong == []


def test_the_turn_taking_values_are_converted_by_meaning() -> None:
    """Patience is inverted, interruptibility is not."""
    pause = CATALOG.field("stt", "participant_pause_sensitivity")
    interrupt = CATALOG.field("stt", "participant_interrupt_sensitivity")
    assert pause is not None
    assert interrupt is not None
    assert set(pause.successor_values) == set(pause.allowed_values)
    assert set(interrupt.successor_values) == set(interrupt.allowed_values)
    assert pause.successor_values["high"] == "low"
    assert interrupt.successor_values["high"] == "high"


def find_field(pointer: str) -> object:
    parts = pointer.strip("/").split("/")
    if parts[0] != "layers":
        return CATALOG.persona_fields.find(parts[0])
    if len(parts) <= 2:
        return parts[-1] in {"layers", *LAYERS} or None
    return CATALOG.field(parts[1], ".".join(parts[2:]))


SETTINGS = {
    f"/layers/tts/voice_settings/{setting.name}"
    for engine in CATALOG.tts_engines
    for setting in engine.voice_setting
}


@pytest.mark.parametrize("entry", foreign_fields(), ids=lambda entry: entry.names[0])
def test_a_foreign_name_maps_to_a_known_field_with_a_reason(entry: ForeignField) -> None:
    assert set(entry.where) <= {"", *LAYERS}
    assert re.fullmatch(r"[a-z][^\n]+[a-z_)}0-9]", entry.why)
    assert entry.layer in {None, "", *LAYERS}
    for name in entry.names:
        target = (entry.to or "/persona_name").format(name=name)
        assert target in SETTINGS or find_field(target) is not None, name
        for layer in entry.where:  # a field that Tavus knows there is no wrong name
            known = CATALOG.field(layer, name) if layer else CATALOG.persona_fields.find(name)
            is_spelling = target == (f"/layers/{layer}/{name}" if layer else f"/{name}")
            assert is_spelling or known is None or known.status in {"unknown", "undocumented"}, name


def test_foreign_names_are_listed_once_per_layer_and_form_of_the_value() -> None:
    entries = [
        (name.replace("_", "").lower(), layer, entry.value_pattern or "")
        for entry in foreign_fields()
        for name in entry.names
        for layer in entry.where
    ]
    assert sorted(entries) == sorted(set(entries))


def test_every_path_of_a_change_is_a_known_field() -> None:
    changes = CATALOG.changelog()
    pointers = {change.path for change in changes}
    pointers |= {change.successor or "" for change in changes if change.value is None}
    assert [pointer for pointer in filter(None, pointers) if find_field(pointer) is None] == []


def test_changes_are_listed_oldest_first() -> None:
    dates = [change.date for change in CATALOG.changelog()]
    assert dates == sorted(dates)


def test_every_discouraged_model_has_a_dated_change() -> None:
    changed = {change.value for change in CATALOG.changelog() if change.path == "/layers/llm/model"}
    discouraged = {model.id for model in CATALOG.llm_models if model.status in DISCOURAGED_STATUSES}
    assert discouraged <= changed


def test_all_forty_two_languages_are_listed_with_distinct_codes() -> None:
    codes = (
        "en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu "
        "no vi bn th he ka id te gu kn ml mr pa"
    )
    assert [language.code for language in CATALOG.languages] == codes.split()
    assert len({language.name for language in CATALOG.languages}) == 42


def test_stt_support_names_known_engines_and_languages() -> None:
    for support in CATALOG.stt_support:
        assert CATALOG.stt_engines.find(support.engine) is not None
        assert all(CATALOG.languages.find(code) for code in support.codes)


def test_modes_name_known_layers_and_fields() -> None:
    for mode in CATALOG.pipeline_modes:
        assert set(mode.ignored_layers) <= set(LAYERS)
        assert all(CATALOG.persona_fields.find(name) for name in (*mode.requires, *mode.forbids))
    known = CATALOG.persona_fields.find("pipeline_mode")
    assert known is not None
    assert known.default == "full"


def test_the_target_value_of_a_change_is_known_and_not_deprecated() -> None:
    for change in CATALOG.changelog():
        if change.value and change.successor:
            layer = change.path.split("/")[2]
            choices = {choice.id: choice for choice in CATALOG.layer(layer).choices}
            assert choices[change.successor].status not in DISCOURAGED_STATUSES, change.path
