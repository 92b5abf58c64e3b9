"""Rules about the LLM layer: which model thinks, and with which settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, ModelFacts
from tavus_mcp.catalog.facts import Status
from tavus_mcp.checker.fixes import Part, Stored, also, configure, drop
from tavus_mcp.checker.lookups import (
    at,
    custom_llm,
    ended,
    is_set,
    number,
    raven,
    recommended,
    text,
)
from tavus_mcp.checker.rule import Hit, rule
from tavus_mcp.models.document import Document
from tavus_mcp.text import find_nearest

_MODEL = "/layers/llm/model"
_HOSTED = "tavus-"
_TUNABLE = ("temperature", "top_p")


@rule("llm-model-deprecated", "warning", source="J:changelog, N#61101964180")
def model_deprecated(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Deprecated models still answer, but get no care and may be switched off."""
    for model in _hosted(document, catalog, "deprecated"):
        yield Hit(
            _MODEL,
            f"{model.id} is deprecated{ended(catalog, _MODEL, model.id)}.",
            configure("llm", model=model.successor or recommended(catalog)),
            '; describe_layer(layer="llm") compares the models',
        )


@rule("llm-model-retired", "warning", source="J:changelog")
def model_retired(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Another model answers than the one whose name stands here, or none."""
    for model in _hosted(document, catalog, "retired"):
        yield Hit(
            _MODEL,
            f"{model.id} is gone{ended(catalog, _MODEL, model.id)}: another answers, or none.",
            configure("llm", model=model.successor or recommended(catalog)),
        )


@rule("llm-model-internal", "warning", source="V:recipes/build_and_verify.py")
def model_internal(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The vendor's own builder model is not made for talking to people."""
    for model in _hosted(document, catalog, "internal"):
        yield Hit(
            _MODEL,
            f"{model.id} is an internal model of Tavus, not meant for personas.",
            configure("llm", model=recommended(catalog)),
        )


@rule("llm-model-unlisted", "info", source="N#54781446696, N#71255043688")
def model_unlisted(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Seen in the wild, but on no docs page that could be read."""
    for model in _hosted(document, catalog, "probably_current"):
        yield Hit(
            _MODEL,
            f"{model.id} was seen in option lists only; the docs do not describe it.",
            "Try it in a call, or take the recommended one: ",
            configure("llm", model=recommended(catalog)),
        )


@rule("llm-model-unknown", "warning", source="J:persona/llm, N#56730461225")
def model_unknown(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """It may be new, or a slip: an unknown hosted name once answered 500."""
    name = text(at(document, _MODEL))
    if custom_llm(document) or not name.lower().startswith(_HOSTED) or catalog.llm_model(name):
        return
    close = find_nearest(name, _good(catalog)) or recommended(catalog)
    yield Hit(
        _MODEL,
        "No hosted model of this name is known.",
        "If it is not a new one: ",
        configure("llm", model=close),
    )


@rule("llm-model-without-url", "error", source="D:persona/llm, N#61544566878", refuses=True)
def model_without_url(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A model that Tavus does not host needs the endpoint where it runs."""
    name = text(at(document, _MODEL))
    if custom_llm(document) or not name or name.lower().startswith(_HOSTED):
        return
    close = find_nearest(_HOSTED + name, _good(catalog)) or recommended(catalog)
    hosted = configure("llm", model=close)
    missing = {"base_url": "<BASE_URL>", "api_key_ref": "<KEY_NAME>"}
    if is_set(at(document, "/layers/llm/api_key")):
        own = configure("llm", base_url="<BASE_URL>")
        hint: tuple[Part, ...] = (own, "; or hosted: ", also(hosted), ", without the key")
    else:
        hint = ("Hosted: ", hosted, "; or your own endpoint: ", also(configure("llm", **missing)))
    yield Hit(
        _MODEL,
        "Tavus hosts no model of this name, and there is no base_url where it could run.",
        *hint,
    )


@rule("llm-extra-body-range", "error", source="D:create-persona, J:changelog")
def extra_body_range(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Hosted models take temperature and top_p within a range."""
    if custom_llm(document):
        return
    for name in _TUNABLE:
        facts = catalog.field("llm", f"extra_body.{name}")
        value = at(document, f"/layers/llm/extra_body/{name}")
        if facts and (nearest_to := _within(catalog, name, value)) != value:
            yield Hit(
                f"/layers/llm/extra_body/{name}",
                f"{name} of a hosted model must be from {facts.minimum} to {facts.maximum}.",
                configure("llm", **{name: nearest_to}),
            )


@rule("llm-extra-body-unused", "warning", source="D:create-persona, J:changelog")
def extra_body_unused(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """For hosted models the docs name two keys; others are a custom LLM's."""
    body = at(document, "/layers/llm/extra_body")
    if custom_llm(document) or not isinstance(body, dict):
        return
    if not body.keys() <= set(_TUNABLE):
        kept = {
            name: Stored(_within(catalog, name, body[name]))
            for name in _TUNABLE
            if is_set(body.get(name))
        }
        yield Hit(
            "/layers/llm/extra_body",
            f"Keys beyond {' and '.join(_TUNABLE)} are not documented for hosted models.",
            drop("llm", "extra_body"),
            *((", then ", configure("llm", **kept)) if kept else ()),
        )


@rule("llm-temperature-and-top-p", "info", source="J:persona/llm")
def temperature_and_top_p(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Both narrow the same choice, so their effects cannot be told apart."""
    body = at(document, "/layers/llm/extra_body")
    if isinstance(body, dict) and all(is_set(body.get(name)) for name in _TUNABLE):
        yield Hit(
            "/layers/llm/extra_body",
            "temperature and top_p are both set; change one of them, not both.",
            drop("llm", "top_p"),
        )


@rule("llm-speculation-off", "info", source="J:persona/llm")
def speculation_off(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Without it the model starts only when the user has ended; hosted, that saves nothing."""
    if at(document, "/layers/llm/speculative_inference") is False and not custom_llm(document):
        yield Hit(
            "/layers/llm/speculative_inference",
            "Speculative inference is off, so each answer starts later.",
            "It is on by default: ",
            drop("llm", "speculative_inference"),
        )


@rule("llm-speculation-repeats-calls", "info", source="N#54634832219")
def speculation_repeats_calls(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Whoever pays for the endpoint should know how often it is called."""
    if custom_llm(document) and at(document, "/layers/llm/speculative_inference") is not False:
        yield Hit(
            "/layers/llm/speculative_inference",
            "With speculative inference your endpoint is called several times in a turn.",
            "If that costs too much, and answers may start later: ",
            configure("llm", speculative_inference=False),
        )


@rule("llm-vision-disabled", "warning", source="V:pal.py")
def vision_disabled(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Raven sees, and its remarks may not reach the model."""
    if at(document, "/layers/llm/disable_vision") is True and raven(document, catalog) != "off":
        yield Hit(
            "/layers/llm/disable_vision",
            "Vision is disabled for the model while perception is on.",
            drop("llm", "disable_vision"),
            "; or, if it is not to see: ",
            also(configure("perception", perception_model="off")),
        )


def _within(catalog: Catalog, name: str, value: Any) -> Any:
    """Return a sampling value as hosted models take it."""
    facts, given = catalog.field("llm", f"extra_body.{name}"), number(value)
    if given is None or facts is None or facts.minimum is None or facts.maximum is None:
        return value
    return min(max(given, facts.minimum), facts.maximum)


def _hosted(document: Document, catalog: Catalog, status: Status) -> Iterator[ModelFacts]:
    """Yield the stored model when Tavus hosts it and it has this status."""
    model = catalog.llm_model(text(at(document, _MODEL)))
    if model and model.status == status and not custom_llm(document):
        yield model


def _good(catalog: Catalog) -> list[str]:
    good = ("recommended", "current", "probably_current")
    return [model.id for model in catalog.llm_models() if model.status in good]


RULES = (
    model_deprecated,
    model_retired,
    model_internal,
    model_unlisted,
    model_unknown,
    model_without_url,
    extra_body_range,
    extra_body_unused,
    temperature_and_top_p,
    speculation_off,
    speculation_repeats_calls,
    vision_disabled,
)
