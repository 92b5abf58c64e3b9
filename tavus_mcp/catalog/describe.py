"""A layer as compact JSON: what a model needs to choose well, without empty members."""

from datetime import date

from tavus_mcp.catalog.facts import (
    DISCOURAGED_STATUSES,
    EngineFacts,
    Facts,
    FieldFacts,
    LayerFacts,
    LifecycleFacts,
    ModelFacts,
    VoiceSetting,
)

LayerDescription = dict[str, object]


def describe_layer(layer: LayerFacts) -> LayerDescription:
    """Return a layer as JSON; only discouraged entries repeat source and date."""
    return _without_empty(
        {
            "layer": layer.name,
            **_columns(layer, "summary", "status", "notes", "successor"),
            "fields": [_describe_field(field) for field in layer.fields],
            "models": [_describe_model(model) for model in layer.models],
            "engines": [_describe_engine(engine) for engine in layer.engines],
            **_columns(layer, "source", "checked_on"),
        }
    )


def _describe_field(field: FieldFacts) -> LayerDescription:
    return _without_empty(
        {
            **_columns(field, "name", "aliases", "type", "summary"),
            "values": {choice.value: choice.means for choice in field.values},
            "range": _range(field),
            **_columns(field, "max_length", "advised_length", "default", "requires", "successor"),
            "successor_values": dict(field.successor_values),
            **_columns(field, "note", "since", "retired_on"),
            **_status_members(field),
        }
    )


def _describe_model(model: ModelFacts) -> LayerDescription:
    return _without_empty(
        {
            "id": model.id,
            "default": model.default or None,
            **_columns(model, "best_for", "speed", "intelligence", "naturalness"),
            **_columns(model, "context_tokens", "successor", "deprecated_on", "retired_on"),
            **_status_members(model),
        }
    )


def _describe_engine(engine: EngineFacts) -> LayerDescription:
    return _without_empty(
        {
            "id": engine.id,
            "default": engine.default or None,
            **_columns(engine, "summary", "default_model", "known_models", "forbids"),
            "voice_settings": [_describe_setting(setting) for setting in engine.voice_setting],
            **_columns(engine, "successor", "retired_on"),
            **_status_members(engine),
        }
    )


def _describe_setting(setting: VoiceSetting) -> LayerDescription:
    return _without_empty(
        {
            **_columns(setting, "name", "model_family", "type", "summary"),
            "range": _range(setting),
            **_columns(setting, "names", "levels", "status"),
        }
    )


def _status_members(facts: LifecycleFacts) -> LayerDescription:
    if facts.status not in DISCOURAGED_STATUSES:
        return {"status": facts.status}
    return _columns(facts, "status", "source", "checked_on")


def _columns(facts: Facts, *names: str) -> LayerDescription:
    """Return some columns of an entry as JSON values."""
    return {name: _to_json(getattr(facts, name)) for name in names}


def _to_json(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _range(facts: FieldFacts | VoiceSetting) -> list[float | None] | None:
    if facts.minimum is None and facts.maximum is None:
        return None
    return [facts.minimum, facts.maximum]


def _without_empty(members: LayerDescription) -> LayerDescription:
    return {key: value for key, value in members.items() if value not in (None, [], {})}
