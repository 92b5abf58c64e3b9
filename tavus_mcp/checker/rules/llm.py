"""Rules about the LLM layer: which model thinks, and with which settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, ModelFacts
from tavus_mcp.catalog.facts import Status
from tavus_mcp.checker.fixes import (
    HintPart,
    UnprintedValue,
    alternative_fix,
    configure,
    unset_fields,
)
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.base import is_set, number
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.text import find_nearest

_MODEL = "/layers/llm/model"
_HOSTED_PREFIX = "tavus-"
_SAMPLING_FIELDS = ("temperature", "top_p")


@rule("llm-model-deprecated", "warning", source="J:changelog, N#61101964180")
def model_deprecated(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Deprecated models still answer, but get no care and may be switched off."""
    for model in _hosted_model(document, catalog, "deprecated"):
        yield Violation(
            _MODEL,
            f"{model.id} is deprecated{catalog.deprecated_since(_MODEL, model.id)}.",
            configure("llm", model=model.successor or catalog.recommended_llm()),
            '; describe_layer(layer="llm") compares the models',
        )


@rule("llm-model-retired", "warning", source="J:changelog")
def model_retired(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Another model answers than the one whose name stands here, or none."""
    for model in _hosted_model(document, catalog, "retired"):
        yield Violation(
            _MODEL,
            f"{model.id} is gone{catalog.deprecated_since(_MODEL, model.id)}: another answers, "
            f"or none.",
            configure("llm", model=model.successor or catalog.recommended_llm()),
        )


@rule("llm-model-internal", "warning", source="V:recipes/build_and_verify.py")
def model_internal(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The vendor's own builder model is not made for talking to people."""
    for model in _hosted_model(document, catalog, "internal"):
        yield Violation(
            _MODEL,
            f"{model.id} is an internal model of Tavus, not meant for personas.",
            configure("llm", model=catalog.recommended_llm()),
        )


@rule("llm-model-unlisted", "info", source="N#54781446696, N#71255043688")
def model_unlisted(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Seen in the wild, but on no docs page that could be read."""
    for model in _hosted_model(document, catalog, "probably_current"):
        yield Violation(
            _MODEL,
            f"{model.id} was seen in option lists only; the docs do not describe it.",
            "Try it in a call, or take the recommended one: ",
            configure("llm", model=catalog.recommended_llm()),
        )


@rule("llm-model-unknown", "warning", source="J:persona/llm, N#56730461225")
def model_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """It may be new, or a slip: an unknown hosted name once answered 500."""
    name = document.text(_MODEL)
    if (
        document.has_custom_llm
        or not name.lower().startswith(_HOSTED_PREFIX)
        or catalog.llm_models.find(name)
    ):
        return
    close = find_nearest(name, _usable_models(catalog)) or catalog.recommended_llm()
    yield Violation(
        _MODEL,
        "No hosted model of this name is known.",
        "If it is not a new one: ",
        configure("llm", model=close),
    )


@rule("llm-model-without-url", "error", source="D:persona/llm, N#61544566878", blocks_write=True)
def model_without_url(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A model that Tavus does not host needs the endpoint where it runs."""
    name = document.text(_MODEL)
    if document.has_custom_llm or not name or name.lower().startswith(_HOSTED_PREFIX):
        return
    close = (
        find_nearest(_HOSTED_PREFIX + name, _usable_models(catalog)) or catalog.recommended_llm()
    )
    hosted = configure("llm", model=close)
    missing = {"base_url": "<BASE_URL>", "api_key_ref": "<KEY_NAME>"}
    if document.is_set("/layers/llm/api_key"):
        own = configure("llm", base_url="<BASE_URL>")
        hint: tuple[HintPart, ...] = (
            own,
            "; or hosted: ",
            alternative_fix(hosted),
            ", without the key",
        )
    else:
        hint = (
            "Hosted: ",
            hosted,
            "; or your own endpoint: ",
            alternative_fix(configure("llm", **missing)),
        )
    yield Violation(
        _MODEL,
        "Tavus hosts no model of this name, and there is no base_url where it could run.",
        *hint,
    )


@rule("llm-extra-body-range", "error", source="D:create-persona, J:changelog")
def extra_body_range(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Hosted models take temperature and top_p within a range."""
    if document.has_custom_llm:
        return
    for name in _SAMPLING_FIELDS:
        facts = catalog.field("llm", f"extra_body.{name}")
        value = document.value(f"/layers/llm/extra_body/{name}")
        if facts and (nearest_to := _clamp(catalog, name, value)) != value:
            yield Violation(
                f"/layers/llm/extra_body/{name}",
                f"{name} of a hosted model must be from {facts.minimum} to {facts.maximum}.",
                configure("llm", **{name: nearest_to}),
            )


@rule("llm-extra-body-unused", "warning", source="D:create-persona, J:changelog")
def extra_body_unused(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """For hosted models the docs name two keys; others are a custom LLM's."""
    body = document.value("/layers/llm/extra_body")
    if document.has_custom_llm or not isinstance(body, dict):
        return
    if not body.keys() <= set(_SAMPLING_FIELDS):
        kept = {
            name: UnprintedValue(_clamp(catalog, name, body[name]))
            for name in _SAMPLING_FIELDS
            if is_set(body.get(name))
        }
        yield Violation(
            "/layers/llm/extra_body",
            f"Keys beyond {' and '.join(_SAMPLING_FIELDS)} are not documented for hosted models.",
            unset_fields("llm", "extra_body"),
            *((", then ", configure("llm", **kept)) if kept else ()),
        )


@rule("llm-temperature-and-top-p", "info", source="J:persona/llm")
def temperature_and_top_p(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Both narrow the same choice, so their effects cannot be told apart."""
    body = document.value("/layers/llm/extra_body")
    if isinstance(body, dict) and all(is_set(body.get(name)) for name in _SAMPLING_FIELDS):
        yield Violation(
            "/layers/llm/extra_body",
            "temperature and top_p are both set; change one of them, not both.",
            unset_fields("llm", "top_p"),
        )


@rule("llm-speculation-off", "info", source="J:persona/llm")
def speculation_off(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without it the model starts only when the user has ended; hosted, that saves nothing."""
    if document.value("/layers/llm/speculative_inference") is False and not document.has_custom_llm:
        yield Violation(
            "/layers/llm/speculative_inference",
            "Speculative inference is off, so each answer starts later.",
            "It is on by default: ",
            unset_fields("llm", "speculative_inference"),
        )


@rule("llm-speculation-repeats-calls", "info", source="N#54634832219")
def speculation_repeats_calls(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Whoever pays for the endpoint should know how often it is called."""
    if document.has_custom_llm and document.value("/layers/llm/speculative_inference") is not False:
        yield Violation(
            "/layers/llm/speculative_inference",
            "With speculative inference your endpoint is called several times in a turn.",
            "If that costs too much, and answers may start later: ",
            configure("llm", speculative_inference=False),
        )


@rule("llm-vision-disabled", "warning", source="V:pal.py")
def vision_disabled(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Raven sees, and its remarks may not reach the model."""
    if (
        document.value("/layers/llm/disable_vision") is True
        and catalog.effective_perception_model(document) != "off"
    ):
        yield Violation(
            "/layers/llm/disable_vision",
            "Vision is disabled for the model while perception is on.",
            unset_fields("llm", "disable_vision"),
            "; or, if it is not to see: ",
            alternative_fix(configure("perception", perception_model="off")),
        )


def _clamp(catalog: Catalog, name: str, value: Any) -> Any:
    """Return a sampling value as hosted models take it."""
    facts, given = catalog.field("llm", f"extra_body.{name}"), number(value)
    if given is None or facts is None or facts.minimum is None or facts.maximum is None:
        return value
    return min(max(given, facts.minimum), facts.maximum)


def _hosted_model(
    document: PersonaDocument, catalog: Catalog, status: Status
) -> Iterator[ModelFacts]:
    """Yield the stored model when Tavus hosts it and it has this status."""
    model = catalog.llm_models.find(document.text(_MODEL))
    if model and model.status == status and not document.has_custom_llm:
        yield model


def _usable_models(catalog: Catalog) -> list[str]:
    good = ("recommended", "current", "probably_current")
    return [model.id for model in catalog.llm_models if model.status in good]
