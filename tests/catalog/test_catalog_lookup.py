"""Lookups in the catalog."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tavus_mcp
from tavus_mcp.catalog import LAYERS, Language, catalog, load_catalog

CATALOG = load_catalog()


def test_importing_the_catalog_reads_no_data_files() -> None:
    """Nothing happens at import."""
    program = (
        "import sys, tavus_mcp.models.document; before = set(sys.modules); import "
        "tavus_mcp.catalog; tavus_mcp.catalog.load_catalog().layer_names; assert 'tomllib' not in "
        "sys.modules; assert 'importlib.resources' not in set(sys.modules) - before; assert "
        "tavus_mcp.catalog.catalog.read_data.cache_info().currsize == 0"
    )
    root = Path(tavus_mcp.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_describing_one_layer_parses_only_its_file() -> None:
    catalog.read_data.cache_clear()
    catalog.read_facts.cache_clear()
    catalog._load_layer.cache_clear()  # noqa: SLF001 to begin with nothing read
    CATALOG.field.cache_clear()
    CATALOG.layer("stt")
    assert catalog.read_data.cache_info().currsize == 1
    CATALOG.field("stt", "hotwords")
    assert catalog.read_data.cache_info().currsize == 1


def test_the_catalog_is_loaded_once() -> None:
    assert load_catalog() is CATALOG


@pytest.mark.parametrize("layer", LAYERS)
def test_the_description_of_a_layer_is_small_json_without_nulls(layer: str) -> None:
    described = CATALOG.describe(layer)
    compact = json.dumps(described, separators=(",", ":"), ensure_ascii=False)
    assert len(compact.encode()) < 6500
    assert "null" not in compact
    assert described["layer"] == layer
    assert described["checked_on"] == "2026-11-22"


@pytest.mark.parametrize("layer", LAYERS)
def test_the_description_names_every_field_model_and_engine(layer: str) -> None:
    compact = json.dumps(CATALOG.describe(layer))
    facts = CATALOG.layer(layer)
    names = [field.name for field in facts.fields]
    names += [choice.id for choice in facts.choices]
    assert all(f'"{name}"' in compact for name in names)


def test_the_description_names_the_source_of_a_deprecation() -> None:
    models = CATALOG.describe("llm")["models"]
    assert isinstance(models, list)
    by_id = {model["id"]: model for model in models}
    assert by_id["tavus-gpt-4o"]["source"] == "J:changelog, P:pal/llm"
    assert by_id["tavus-gpt-4o"]["successor"] == "tavus-gemma-4"
    assert "source" not in by_id["tavus-gemma-4"]


def test_an_unknown_layer_raises_an_error_that_lists_the_known_layers() -> None:
    with pytest.raises(LookupError, match=r"No layer 'lm'\. There are: llm, tts"):
        CATALOG.layer("lm")


def test_an_unknown_guide_raises_an_error_that_lists_the_known_guides() -> None:
    with pytest.raises(LookupError, match=r"No guide '\.\./load'\. There are: llm"):
        CATALOG.guide("../load")


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("llm_models", "gpt-4-turbo"),
        ("tts_engines", "google"),
        ("stt_engines", "google"),
        ("perception_models", "raven-9"),
        ("turn_models", "sparrow-9"),
        ("pipeline_modes", "custom"),
        ("persona_fields", "nickname"),
        ("tool_rules", "registry.colour"),
        ("languages", "Klingon"),
    ],
)
def test_a_lookup_of_an_unknown_name_returns_none(table: str, name: str) -> None:
    assert getattr(CATALOG, table).find(name) is None


def test_a_lookup_of_an_unknown_field_returns_none() -> None:
    assert CATALOG.field("llm", "modle") is None


@pytest.mark.parametrize("columns", [{"colour": "red"}, {}], ids=["unknown", "missing"])
def test_an_entry_with_an_unknown_or_a_missing_column_raises_an_error(
    columns: dict[str, str],
) -> None:
    with pytest.raises(TypeError, match="Language"):
        Language(**columns)


def test_a_field_is_found_by_each_of_its_names() -> None:
    ours = CATALOG.field("conversational_flow", "replica_interruptibility")
    assert ours is not None
    assert CATALOG.field("conversational_flow", "pal_interruptibility") is ours
    assert CATALOG.field("conversational_flow", "face_interruptibility") is ours
    assert CATALOG.persona_fields.find("pal_name") is CATALOG.persona_fields.find("persona_name")


def test_both_spellings_of_the_silence_timer_map_to_the_sent_spelling() -> None:
    timer = CATALOG.turn_models.find("timebased")
    assert timer is not None
    assert timer.id == "time-based"


@pytest.mark.parametrize("name", ["tl", "Tagalog", "filipino"])
def test_a_language_is_found_by_code_name_and_other_name(name: str) -> None:
    language = CATALOG.languages.find(name)
    assert language is not None
    assert language.code == "tl"


def test_voice_settings_are_those_of_the_model_family() -> None:
    cartesia = CATALOG.tts_engines.find("cartesia")
    assert cartesia is not None
    old = {setting.name: setting for setting in cartesia.voice_settings("sonic-1")}
    new = {setting.name: setting for setting in cartesia.voice_settings("sonic-3.5")}
    assert (old["speed"].minimum, old["speed"].maximum) == (-1.0, 1.0)
    assert set(new) == {"speed", "volume", "emotion"}
    assert new["emotion"].status == "unsupported"


def test_the_elevenlabs_speed_range_is_the_intersection_of_both_documented_ranges() -> None:
    eleven = CATALOG.tts_engines.find("elevenlabs")
    assert eleven is not None
    speed = {setting.name: setting for setting in eleven.voice_settings()}["speed"]
    assert (speed.minimum, speed.maximum) == (0.7, 1.2)


def test_azure_takes_no_model_name() -> None:
    azure = CATALOG.tts_engines.find("azure")
    assert azure is not None
    assert azure.forbids == ("tts_model_name",)


def test_the_prompt_guidance_gives_tokens_and_characters_per_token() -> None:
    guidance = CATALOG.context_guidance()
    steps = (guidance.comfortable_tokens, guidance.slow_from_tokens, guidance.maximum_tokens)
    assert steps == (5000, 15000, 32000)
    assert guidance.characters_per_token == 4


@pytest.mark.parametrize(
    "name", ["persona_id", "owner_id", "created_at", "persona_type", "conferencing_email"]
)
def test_a_field_set_by_tavus_cannot_be_written(name: str) -> None:
    assert CATALOG.persona_fields[name].writable == ()


def test_livekit_and_audio_only_are_notes_rather_than_modes() -> None:
    notes = {note["name"] for note in catalog.read_data("pipeline_modes")["note"]}
    assert {"livekit", "audio-only"} <= notes
    modes = {mode.name for mode in CATALOG.pipeline_modes}
    assert modes == {"full", "echo", "speech-to-speech"}


def test_every_language_field_states_the_accepted_values() -> None:
    takes = {note["name"]: note["takes"] for note in catalog.read_data("languages")["how_set"]}
    assert takes["persona.languages"] == "codes"
    assert takes["conversation.properties.language"] == "full name"
