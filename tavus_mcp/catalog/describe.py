"""A layer as compact JSON: what a model needs to choose well, and nothing that is empty."""

from tavus_mcp.catalog.facts import (
    DISCOURAGED,
    EngineFacts,
    FieldFacts,
    LayerFacts,
    ModelFacts,
    VoiceSetting,
)

Described = dict[str, object]


def described(layer: LayerFacts) -> Described:
    """The whole layer; source and date stand once here and again only on discouraged entries."""
    return _full(
        layer=layer.name,
        summary=layer.summary,
        status=layer.status,
        notes=list(layer.notes),
        successor=layer.successor,
        fields=[_field(field) for field in layer.fields],
        models=[_model(model) for model in layer.models],
        engines=[_engine(engine) for engine in layer.engines],
        source=layer.source,
        checked_on=layer.checked_on.isoformat(),
    )


def _field(field: FieldFacts) -> Described:
    return _full(
        name=field.name,
        aliases=list(field.aliases),
        type=field.type,
        summary=field.summary,
        values={choice.value: choice.means for choice in field.values},
        range=_range(field.minimum, field.maximum),
        max_length=field.max_length,
        advised_length=field.advised_length,
        default=field.default,
        requires=list(field.requires),
        successor=field.successor,
        successor_values=dict(field.successor_values),
        note=field.note,
        since=field.since and field.since.isoformat(),
        retired_on=field.retired_on and field.retired_on.isoformat(),
        **_standing(field),
    )


def _model(model: ModelFacts) -> Described:
    return _full(
        id=model.id,
        default=model.default or None,
        best_for=model.best_for,
        speed=model.speed,
        intelligence=model.intelligence,
        naturalness=model.naturalness,
        context_tokens=model.context_tokens,
        successor=model.successor,
        deprecated_on=model.deprecated_on and model.deprecated_on.isoformat(),
        retired_on=model.retired_on and model.retired_on.isoformat(),
        **_standing(model),
    )


def _engine(engine: EngineFacts) -> Described:
    return _full(
        id=engine.id,
        default=engine.default or None,
        summary=engine.summary,
        default_model=engine.default_model,
        known_models=list(engine.known_models),
        forbids=list(engine.forbids),
        voice_settings=[_setting(setting) for setting in engine.voice_setting],
        successor=engine.successor,
        retired_on=engine.retired_on and engine.retired_on.isoformat(),
        **_standing(engine),
    )


def _setting(setting: VoiceSetting) -> Described:
    return _full(
        name=setting.name,
        model_family=setting.model_family,
        type=setting.type,
        summary=setting.summary,
        range=_range(setting.minimum, setting.maximum),
        names=list(setting.names),
        levels=list(setting.levels),
        status=setting.status,
    )


def _standing(entry: FieldFacts | ModelFacts | EngineFacts) -> Described:
    if entry.status not in DISCOURAGED:
        return {"status": entry.status}
    return {
        "status": entry.status,
        "source": entry.source,
        "checked_on": entry.checked_on.isoformat(),
    }


def _range(minimum: float | None, maximum: float | None) -> list[float | None] | None:
    return None if minimum is None and maximum is None else [minimum, maximum]


def _full(**entries: object) -> Described:
    return {key: value for key, value in entries.items() if value not in (None, [], {})}
