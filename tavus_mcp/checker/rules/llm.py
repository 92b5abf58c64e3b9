"""Rules about the LLM layer: the model and its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tavus_mcp.catalog import Catalog, FieldFacts
from tavus_mcp.catalog.facts import Status
from tavus_mcp.checker.conversion_fixes import conversion_calls
from tavus_mcp.checker.fixes import (
    Alternative,
    UnprintedValue,
    configure,
    unset_fields,
)
from tavus_mcp.checker.rule import Check, Violation, rule
from tavus_mcp.checker.rule_factories import (
    Hint,
    HintBuilder,
    Match,
    clamp,
    discouraged_choice,
    within_catalog_limits,
)
from tavus_mcp.checker.rules.values import unknown_value_violation
from tavus_mcp.deprecations.fields import replace_llm_model
from tavus_mcp.models.base import is_set, number
from tavus_mcp.models.document import PersonaDocument

_MODEL = "/layers/llm/model"
_HOSTED_PREFIX = "tavus-"
_SAMPLING_FIELDS = ("temperature", "top_p")


def _is_hosted(document: PersonaDocument, catalog: Catalog) -> bool:
    return not document.has_custom_llm


def _hosted_model(
    status: Status, message: str, preposition: str = "since"
) -> Callable[[HintBuilder], Check]:
    return discouraged_choice(
        _MODEL, Catalog.llm_models, {status: message}, when=_is_hosted, preposition=preposition
    )


def _use_successor(match: Match) -> Hint:
    return conversion_calls(replace_llm_model(match.document, match.catalog))


@rule("llm-model-deprecated", "info", source="J:changelog")
@_hosted_model("deprecated", "{facts.id} is deprecated{since}.")
def model_deprecated(match: Match) -> Hint:
    """Deprecated models still answer, but are not maintained and may be switched off."""
    return *_use_successor(match), '; describe_layer(layer="llm") compares the models'


@rule("llm-model-retired", "warning", source="J:changelog")
@_hosted_model(
    "retired",
    "Tavus removed {facts.id}{since}: another model answers, or none.",
    preposition="on",
)
def model_retired(match: Match) -> Hint:
    """A retired model does not answer: Tavus uses another one, or none."""
    return _use_successor(match)


@rule("llm-model-internal", "warning", source="V:recipes/build_and_verify.py")
@_hosted_model("internal", "{facts.id} is an internal model of Tavus, not meant for personas.")
def model_internal(match: Match) -> Hint:
    """The model with which Tavus builds personas is not made for conversations."""
    return _use_successor(match)


@rule(
    "llm-model-uncertain",
    "info",
    source="N#54781446696, N#71255043688, N#62490576550, N#61101964180",
    no_fix_reason="The model is not known to be deprecated, and a call shows how it answers.",
)
@_hosted_model("probably_current", "{facts.remark}")
def model_uncertain(match: Match) -> Hint:
    """Sources disagree about the model, or only lists of other parties name it."""
    recommended = Alternative(configure("llm", model=match.catalog.recommended_llm()))
    return "Try it in a call. The default model: ", recommended


@rule(
    "llm-model-unknown",
    "warning",
    source="J:persona/llm, N#56730461225",
    no_fix_reason="The model may be new: Tavus decides.",
)
def model_unknown(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """An unknown hosted model may be new or misspelled; Tavus once answered 500 to one."""
    name = document.text(_MODEL)
    is_hosted_name = name.lower().startswith(_HOSTED_PREFIX)
    if is_hosted_name and not document.has_custom_llm and not catalog.llm_models.find(name):
        yield unknown_value_violation(_MODEL, name, tuple(_usable_models(catalog)))


@rule("llm-model-without-url", "error", source="D:persona/llm, N#61544566878", blocks_write=True)
def model_without_url(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A model that Tavus does not host needs a base_url: the endpoint that serves it."""
    name = document.text(_MODEL)
    if document.has_custom_llm or not name or name.lower().startswith(_HOSTED_PREFIX):
        return
    hosted_name = _HOSTED_PREFIX + name.lower()
    is_usable = hosted_name in _usable_models(catalog)
    use_hosted = configure("llm", model=hosted_name if is_usable else catalog.recommended_llm())
    hint: Hint = (
        "Use a model of Tavus: ",
        use_hosted,
        "; or add your own endpoint: ",
        Alternative(configure("llm", base_url="<BASE_URL>", api_key_ref="<KEY_NAME>")),
    )
    if document.is_set("/layers/llm/api_key"):
        add_endpoint = configure("llm", base_url="<BASE_URL>")
        hint = (
            "Add the address of your endpoint, which is called several times per turn unless "
            "speculative_inference is off: ",
            add_endpoint,
            "; or use a model of Tavus, without the key: ",
            Alternative(use_hosted),
        )
    yield Violation(
        _MODEL,
        "Tavus hosts no model of this name, and there is no base_url of another provider.",
        *hint,
    )


def _sampling_fields(
    document: PersonaDocument, catalog: Catalog
) -> Iterator[tuple[str, FieldFacts | None]]:
    for name in () if document.has_custom_llm else _SAMPLING_FIELDS:
        yield f"/layers/llm/extra_body/{name}", catalog.field("llm", f"extra_body.{name}")


@rule("llm-extra-body-range", "error", source="D:create-persona, J:changelog")
@within_catalog_limits(
    _sampling_fields, "{name} of a hosted model must be from {facts.minimum} to {facts.maximum}."
)
def extra_body_range(match: Match) -> Hint:
    """Hosted models take temperature and top_p within a range only."""
    return (configure("llm", **{match.name: clamp(match.value, match.facts)}),)


@rule("llm-extra-body-unused", "warning", source="D:create-persona, J:changelog")
def extra_body_unused(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """The docs name two keys of extra_body for hosted models; others are for custom LLMs."""
    body = document.value("/layers/llm/extra_body")
    if document.has_custom_llm or not isinstance(body, dict):
        return
    if not body.keys() <= set(_SAMPLING_FIELDS):
        valid = {
            name: UnprintedValue(_clamp(name, body[name], catalog))
            for name in _SAMPLING_FIELDS
            if is_set(body.get(name))
        }
        yield Violation(
            "/layers/llm/extra_body",
            f"For hosted models only {' and '.join(_SAMPLING_FIELDS)} are documented in "
            f"extra_body.",
            unset_fields("llm", "extra_body"),
            *((", then ", configure("llm", **valid)) if valid else ()),
        )


@rule("llm-temperature-and-top-p", "info", source="J:persona/llm")
def temperature_and_top_p(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """temperature and top_p narrow the same choice: with both set, neither effect is clear."""
    body = document.value("/layers/llm/extra_body")
    if isinstance(body, dict) and all(is_set(body.get(name)) for name in _SAMPLING_FIELDS):
        yield Violation(
            "/layers/llm/extra_body",
            "temperature and top_p are both set; use one of them.",
            unset_fields("llm", "top_p"),
        )


@rule("llm-speculation-off", "info", source="J:persona/llm")
def speculation_off(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without speculative inference the model starts only when the user has finished."""
    if document.value("/layers/llm/speculative_inference") is False and not document.has_custom_llm:
        yield Violation(
            "/layers/llm/speculative_inference",
            "speculative_inference is off, so each answer starts later.",
            "It is on by default: ",
            unset_fields("llm", "speculative_inference"),
        )


@rule("llm-speculation-repeats-calls", "info", source="N#54634832219")
def speculation_repeats_calls(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Speculative inference calls a custom LLM several times in a turn, which its owner pays."""
    if document.has_custom_llm and document.value("/layers/llm/speculative_inference") is not False:
        yield Violation(
            "/layers/llm/speculative_inference",
            "With speculative_inference your endpoint is called several times per turn.",
            "To save calls, with answers that start later: ",
            configure("llm", speculative_inference=False),
        )


@rule("llm-vision-disabled", "warning", source="V:pal.py")
def vision_disabled(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """With disable_vision the remarks of Raven may not reach the model."""
    if (
        document.value("/layers/llm/disable_vision") is True
        and catalog.effective_perception_model(document) != "off"
    ):
        yield Violation(
            "/layers/llm/disable_vision",
            "disable_vision may hide from the model what Raven sees.",
            "Remove it: ",
            unset_fields("llm", "disable_vision"),
            "; or, if the persona should not see: ",
            Alternative(configure("perception", perception_model="off")),
        )


def _clamp(name: str, value: Any, catalog: Catalog) -> Any:
    """Return a sampling value within the range of hosted models; other types unchanged."""
    given, facts = number(value), catalog.field("llm", f"extra_body.{name}")
    return value if given is None else clamp(given, facts)


def _usable_models(catalog: Catalog) -> list[str]:
    """Return the hosted models that no rule advises against."""
    statuses = ("recommended", "current")
    return [model.id for model in catalog.llm_models if model.status in statuses]
