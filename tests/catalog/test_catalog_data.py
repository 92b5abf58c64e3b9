"""The facts themselves: where they are from, and that they agree with one another."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib import resources
from typing import Any, get_args

import pytest

from tavus_mcp.catalog import LAYERS, load_catalog
from tavus_mcp.catalog.facts import DISCOURAGED_STATUSES, ChangeKind, SeedStatus, Status

DATA = resources.files("tavus_mcp.catalog").joinpath("data")
FILES = sorted(path.name for path in DATA.iterdir())
SOURCE = re.compile(r"SEED|OURS|OAS|GO|N1|N#\d+|[DJPV]:[\w./-]+")
TYPES = {
    *("string", "number", "integer", "boolean", "object", "unknown"),
    *("string[]", "object[]"),
}
CATALOG = load_catalog()


def load_data_file(name: str) -> dict[str, Any]:
    return tomllib.loads(DATA.joinpath(name).read_text(encoding="utf-8"))


def iterate_entries(table: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table that states a fact; the meanings of values belong to their field."""
    for key, value in table.items():
        if key in {"values", "successor_values"}:
            continue
        children = value if isinstance(value, list) else [value]
        for number, child in enumerate(children):
            if isinstance(child, dict):
                place = f"{where}/{key}/{child.get('name', child.get('id', number))}"
                yield place, child
                yield from iterate_entries(child, place)


ENTRIES = [entry for name in FILES for entry in iterate_entries(load_data_file(name), name)]


def iterate_entries_of_files(*names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((place, entry) for place, entry in ENTRIES if place.split("/")[-2] in names)


def test_the_data_files_match_the_known_layers() -> None:
    topics = {"pipeline_modes", "persona_fields", "languages", "deprecations", "tools", "goals"}
    topics |= {"conversations", "habits"}
    assert set(FILES) == {f"{name}.toml" for name in topics.union(LAYERS)}


def test_every_entry_names_its_source() -> None:
    for place, entry in ENTRIES:
        for source in entry["source"].split(", "):
            assert SOURCE.fullmatch(source), f"{place}: {source}"


def test_every_entry_names_the_date_it_was_checked() -> None:
    for place, entry in ENTRIES:
        assert entry["checked_on"] == date(2026, 11, 22), place


def test_every_status_is_an_allowed_value() -> None:
    for place, entry in ENTRIES:
        allowed = get_args(SeedStatus) if "/seed/" in place else get_args(Status)
        assert entry.get("status", "current") in allowed, place


def test_every_kind_of_change_is_an_allowed_value() -> None:
    assert {change.kind for change in CATALOG.changelog()} <= set(get_args(ChangeKind))


def test_every_type_is_an_allowed_value() -> None:
    for place, entry in iterate_entries_of_files("field", "rule", "voice_setting"):
        assert entry["type"] in TYPES, place


def test_every_summary_fits_on_one_line_of_a_tool_result() -> None:
    for place, entry in iterate_entries_of_files("field", "rule", "voice_setting"):
        assert 0 < len(entry["summary"]) <= 110, f"{place}: {len(entry['summary'])}"


def test_every_allowed_value_is_listed_once_with_its_meaning() -> None:
    for place, entry in iterate_entries_of_files("field", "rule"):
        values = [choice["value"] for choice in entry.get("values", ())]
        assert len(values) == len(set(values)), place
        assert all(choice["means"].strip() for choice in entry.get("values", ())), place


def test_every_default_is_one_of_the_allowed_values() -> None:
    for place, entry in iterate_entries_of_files("field", "rule"):
        if "values" in entry and "default" in entry:
            assert entry["default"] in [choice["value"] for choice in entry["values"]], place


def test_every_range_is_ascending_and_contains_its_default() -> None:
    for place, entry in iterate_entries_of_files("field", "rule", "voice_setting"):
        lower, upper = entry.get("minimum", float("-inf")), entry.get("maximum", float("inf"))
        assert lower < upper, place
        if isinstance(entry.get("default"), int | float) and not isinstance(entry["default"], bool):
            assert lower <= entry["default"] <= upper, place


def test_every_pattern_compiles() -> None:
    for place, entry in iterate_entries_of_files("field", "rule"):
        assert re.compile(entry.get("pattern", "")), place


def test_names_are_unique_within_a_list() -> None:
    places = [place for place, _ in ENTRIES if "/voice_setting/" not in place]
    assert len(places) == len(set(places))


def test_ratings_are_between_one_and_three() -> None:
    for model in CATALOG.llm_models:
        for rating in (model.speed, model.intelligence, model.naturalness):
            assert rating in (None, 1, 2, 3), model.id


@pytest.mark.parametrize("layer", ["llm", "perception", "conversational_flow"])
def test_the_successor_of_a_model_exists_and_is_not_deprecated(layer: str) -> None:
    models = {model.id: model for model in CATALOG.layer(layer).models}
    for model in models.values():
        if model.status in DISCOURAGED_STATUSES:
            assert model.successor is not None, model.id
        if model.successor is not None:
            assert models[model.successor].status in {"recommended", "current"}, model.id


@pytest.mark.parametrize("layer", ["tts", "stt"])
def test_the_successor_of_an_engine_exists_and_is_not_deprecated(layer: str) -> None:
    engines = {engine.id: engine for engine in CATALOG.layer(layer).engines}
    for engine in engines.values():
        if engine.status in DISCOURAGED_STATUSES:
            assert engine.successor is not None, engine.id
        if engine.successor is not None:
            assert engines[engine.successor].status in {"recommended", "current"}, engine.id


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
    for layer in LAYERS:
        for field in CATALOG.fields(layer):
            if field.successor and re.fullmatch(r"[a-z_.]+", field.successor):
                home, _, name = field.successor.rpartition(".")
                successor = CATALOG.field(home or layer, name)
                assert successor is not None, field.successor
                assert successor.status in {"current", "legacy"}, field.successor
                assert set(field.successor_values.values()) <= set(successor.allowed_values)


def test_the_turn_taking_values_are_converted_by_meaning() -> None:
    """Required by us: patience is inverted, interruptibility is not."""
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


def test_every_common_wrong_name_maps_to_a_known_field_with_a_reason() -> None:
    for habit in CATALOG.field_aliases():
        assert set(habit.where) <= {"", *LAYERS}
        assert re.fullmatch(r"[a-z][^\n]+[a-z_)}0-9]", habit.why), habit.names
        for name in habit.names:
            place = (habit.to or "/persona_name").format(name=name)
            assert place in SETTINGS or find_field(place) is not None, name
            for where in habit.where:  # a field that is known there is no habit
                known = CATALOG.field(where, name) if where else CATALOG.persona_fields.find(name)
                assert known is None or known.status in {"unknown", "undocumented"}, name


def test_common_wrong_names_are_listed_once_per_place() -> None:
    entries = [
        (name, where)
        for one in CATALOG.field_aliases()
        for name in one.names
        for where in one.where
    ]
    assert sorted(entries) == sorted(set(entries))


def test_every_path_of_a_change_or_seed_item_is_a_known_field() -> None:
    changes, seeds = CATALOG.changelog(), CATALOG.seed_mappings()
    pointers = {change.path for change in changes}
    pointers |= {place or "" for seed in seeds for place in (seed.path, seed.target)}
    pointers |= {change.successor or "" for change in changes if change.value is None}
    for pointer in filter(None, pointers):
        assert find_field(pointer) is not None, pointer


def test_changes_are_listed_oldest_first() -> None:
    dates = [change.date for change in CATALOG.changelog()]
    assert dates == sorted(dates)


def test_every_discouraged_model_has_a_dated_change() -> None:
    named = {(change.path, change.value) for change in CATALOG.changelog()}
    for model in CATALOG.llm_models:
        if model.status in DISCOURAGED_STATUSES:
            assert ("/layers/llm/model", model.id) in named


def test_every_item_of_the_seed_document_is_present() -> None:
    """Required by us: whatever the seed document shows is accepted and explained."""
    items = " ".join(f"{seed.id} {seed.item} {seed.path}" for seed in CATALOG.seed_mappings())
    for item in (
        *("/v2/personas", "x-api-key", "persona_name", "system_prompt", "context"),
        *("pipeline_mode full", "pipeline_mode echo", "rfe12d8b9597", "default_replica_id"),
        *("llm, tts, perception, stt", "tavus-gpt-4o ", "tavus-gpt-4o-mini", "tavus-llama"),
        *("gpt-4-turbo", "base_url", "api_key", "speculative_inference", "Groq", "Together"),
        *("llm.tools", "get_weather", "Interactions Protocol", "cartesia", "elevenlabs"),
        *("voice_id", "playht", "raven-0", "ambient_awareness", "smart_turn_detection"),
        *("participant_pause_sensitivity", "participant_interrupt_sensitivity", "audio_only"),
        *("PATCH", "list and delete", "30 and more languages", "quickstart"),
    ):
        assert item in items, item


def test_every_retired_seed_value_has_a_current_replacement() -> None:
    for seed in CATALOG.seed_mappings():
        if seed.status in {"deprecated", "retired"} and seed.value:
            assert seed.replacement, seed.id
        model = CATALOG.llm_models.find(seed.replacement or "")
        assert model is None or model.status not in DISCOURAGED_STATUSES


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
