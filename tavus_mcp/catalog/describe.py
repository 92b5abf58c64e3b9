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
_MODEL_FIELDS = frozenset({"model", "perception_model", "turn_detection_model"})
"""Fields whose values are the models of their layer."""


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


def describe_field(layer: LayerFacts, name: str) -> LayerDescription | None:
    """Return one field with the models or engines that are its values; None if it is unknown.

    The name of a voice setting stands for that setting of every engine that has it. A field inside
    an object may be named by its last part, as in arguments, or by its JSON Pointer.
    """
    name = name.removeprefix(f"/layers/{layer.name}/").strip("/").replace("/", ".")
    name = name.removeprefix("voice_settings.")
    field = next((field for field in layer.fields if name in field.names), None)
    if field is None:
        inner = (field for field in layer.fields if field.name.endswith(f".{name}"))
        field = next(inner, None)
    engines = [_describe_engine(engine) for engine in layer.engines]
    described: LayerDescription = {"layer": layer.name}
    if field is not None:
        described["fields"] = [_describe_field(field)]
        described |= _values_of(layer, field)
    settings = {
        str(engine["id"]): [
            setting
            for setting in _settings_of(engine)
            if name == "voice_settings" or setting["name"] == name
        ]
        for engine in engines
    }
    described["voice_settings"] = {key: found for key, found in settings.items() if found}
    is_known = field is not None or described["voice_settings"]
    return _without_empty(described) if is_known else None


def describable_names(layer: LayerFacts) -> tuple[str, ...]:
    """Return the names of the fields and voice settings of a layer, without discouraged ones."""
    fields = [field.name for field in layer.fields if field.status not in DISCOURAGED_STATUSES]
    settings = [setting.name for engine in layer.engines for setting in engine.voice_setting]
    return tuple(dict.fromkeys([*fields, *settings]))


def _values_of(layer: LayerFacts, field: FieldFacts) -> LayerDescription:
    """Return the models or engines that a field chooses among."""
    if field.name in _MODEL_FIELDS:
        return {"models": [_describe_model(model) for model in layer.models]}
    if field.name.endswith("_engine"):
        engines = [_describe_engine(engine) for engine in layer.engines]
        return {
            "engines": [
                {key: value for key, value in engine.items() if key != "voice_settings"}
                for engine in engines
            ]
        }
    return {}


def _settings_of(engine: LayerDescription) -> list[LayerDescription]:
    settings = engine.get("voice_settings", [])
    return settings if isinstance(settings, list) else []


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
