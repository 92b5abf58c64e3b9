"""The table of conversions."""

from __future__ import annotations

from tavus_mcp.deprecations import fields, perception, turn_taking, voice
from tavus_mcp.deprecations.conversion import Conversion

DOCUMENTS = Conversion("misplaced_documents", "documents-inside-layers", fields.move_documents)
PROVIDER_VOICE = Conversion(
    "provider_voice", "tts-provider-voice-in-voice-id", voice.move_provider_voice
)

CONVERSIONS: tuple[Conversion, ...] = (
    DOCUMENTS,
    Conversion("llm_model", "llm-model-deprecated", fields.replace_llm_model),
    Conversion("stt_engine", "stt-engine-deprecated", fields.replace_stt_engine),
    Conversion("perception_model", "perception-model-legacy", fields.replace_perception_model),
    Conversion("context", "context-deprecated", fields.merge_context),
    Conversion("word_for_value", "value-as-text", fields.unquote_values),
    Conversion("value_name", "value-other-name", fields.rename_values),
    Conversion("older_name", "perception-field-legacy", perception.rename_older_fields),
    Conversion(
        "ambient_awareness", "perception-ambient-awareness", perception.replace_ambient_awareness
    ),
    Conversion("hotwords", "stt-hotwords-list", fields.join_hotwords),
    Conversion("tts_engine", "tts-engine-retired", voice.replace_engine),
    PROVIDER_VOICE,
    Conversion("leftover", "tts-playht-field", voice.remove_retired_fields),
    Conversion("quoted_voice_setting", "value-as-text", fields.unquote_voice_settings),
    Conversion("speed_word", "voice-speed-in-words", voice.convert_speed_word),
    # after the model: it decides the scale of the speed and the settings that are taken
    Conversion("sonic_model", "tts-model-older", voice.replace_older_model),
    Conversion("speed_below", None, voice.convert_speed_below_zero),
    Conversion("emotion_setting", "voice-setting-unsupported", voice.remove_unsupported_settings),
    # before the turn model: beside its successor the fields of stt have no effect
    Conversion("turn_taking", "stt-turn-taking-legacy", turn_taking.convert_turn_taking),
    Conversion("turn_detection_model", "flow-turn-model-legacy", turn_taking.replace_turn_model),
    Conversion("retired_layer", "vqa-retired", fields.remove_retired_layers),
    Conversion("audio_only", "audio-only-on-persona", fields.remove_audio_only),
    Conversion("header_key", "llm-key-in-headers", fields.move_header_key),
    Conversion("inline_functions", "function-inline", fields.report_inline_functions),
    Conversion("guardrails_set", "guardrails-legacy", fields.report_guardrails_set),
    Conversion("undocumented_field", "field-undocumented", fields.report_undocumented),
)
"""Every conversion, in the order in which the goal ``modernize`` applies them."""
