"""A layer as compact JSON: what a model needs to choose well, and nothing that is empty."""

from tavus_mcp.catalog.facts import (
    DISCOURAGED_STATUSES,
    EngineFacts,
    FieldFacts,
    LayerFacts,
    ModelFacts,
    VoiceSetting,
)

LayerDescription = dict[str, object]


def describe_layer(layer: LayerFacts) -> LayerDescription:
    """The whole layer; source and date stand once here and again only on discouraged entries."""
    return _without_empty(
        layer=layer.name,
        summary=layer.summary,
        status=layer.status,
        notes=list(layer.notes),
        successor=layer.successor,
        fields=[_describe_field(field) for field in layer.fields],
        models=[_describe_model(model) for model in layer.models],
        engines=[_describe_engine(engine) for engine in layer.engines],
        source=layer.source,
        checked_on=layer.checked_on.isoformat(),
    )


def _describe_field(field: FieldFacts) -> LayerDescription:
    return _without_empty(
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
        **_status_members(field),
    )


def _describe_model(model: ModelFacts) -> LayerDescription:
    return _without_empty(
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
        **_status_members(model),
    )


def _describe_engine(engine: EngineFacts) -> LayerDescription:
    return _without_empty(
        id=engine.id,
        default=engine.default or None,
        summary=engine.summary,
        default_model=engine.default_model,
        known_models=list(engine.known_models),
        forbids=list(engine.forbids),
        voice_settings=[_describe_setting(setting) for setting in engine.voice_setting],
        successor=engine.successor,
        retired_on=engine.retired_on and engine.retired_on.isoformat(),
        **_status_members(engine),
    )


def _describe_setting(setting: VoiceSetting) -> LayerDescription:
    return _without_empty(
        name=setting.name,
        model_family=setting.model_family,
        type=setting.type,
        summary=setting.summary,
        range=_range(setting.minimum, setting.maximum),
        names=list(setting.names),
        levels=list(setting.levels),
        status=setting.status,
    )


def _status_members(facts: FieldFacts | ModelFacts | EngineFacts) -> LayerDescription:
    if facts.status not in DISCOURAGED_STATUSES:
        return {"status": facts.status}
    return {
        "status": facts.status,
        "source": facts.source,
        "checked_on": facts.checked_on.isoformat(),
    }


def _range(minimum: float | None, maximum: float | None) -> list[float | None] | None:
    return None if minimum is None and maximum is None else [minimum, maximum]


def _without_empty(**members: object) -> LayerDescription:
    return {key: value for key, value in members.items() if value not in (None, [], {})}
