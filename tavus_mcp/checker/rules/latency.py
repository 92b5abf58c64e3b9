"""Rules about what is fine by itself, and together makes people wait."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog, ModelFacts
from tavus_mcp.checker.fixes import configure
from tavus_mcp.checker.lookups import at, custom_llm, recommended, text
from tavus_mcp.checker.rule import Hit, rule
from tavus_mcp.checker.rules.texts import tokens_of
from tavus_mcp.models.document import Document

_SLOW = 1  # of three, as the docs rate the speed of hosted models
_PATIENCE = "/layers/conversational_flow/turn_taking_patience"
_SPECULATION = "/layers/llm/speculative_inference"


@rule("latency-model-and-prompt", "warning", source="J:persona/llm, P:pal/llm")
def model_and_prompt(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """The slowest models read the longest before their first word."""
    model = _slow_model(document, catalog)
    comfortable = catalog.context_guidance().comfortable_tokens
    if model and (tokens := tokens_of(document, catalog)) > comfortable:
        yield Hit(
            "/layers/llm/model",
            f"{model.id} is one of the slowest models, and reads about {tokens:,} tokens of prompt "
            "before each answer.",
            "A faster one: ",
            configure("llm", model=recommended(catalog)),
            f"; or a prompt below {comfortable:,} tokens",
        )


@rule("latency-patience-and-model", "info", source="J:persona/conversational-flow, J:persona/llm")
def patience_and_model(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """A long wait for the end of the turn, and then one for the model."""
    if text(at(document, _PATIENCE)) == "high" and (model := _slow_model(document, catalog)):
        yield Hit(
            _PATIENCE,
            f"It waits long for the end of a turn, and {model.id} then takes long to answer.",
            configure("conversational_flow", turn_taking_patience="medium"),
            "; or a faster model: describe_layer(layer='llm') compares them",
        )


@rule("latency-patience-and-speculation", "info", source="J:persona/conversational-flow")
def patience_and_speculation(document: Document, catalog: Catalog) -> Iterator[Hit]:
    """Who waits long could use the time; without speculative inference nobody does."""
    idle = at(document, _SPECULATION) is False and not custom_llm(document)
    if idle and text(at(document, _PATIENCE)) == "high":
        yield Hit(
            _PATIENCE,
            "It waits long for the end of a turn, and the model begins only then.",
            configure("llm", speculative_inference=True),
        )


def _slow_model(document: Document, catalog: Catalog) -> ModelFacts | None:
    """Return the hosted model when the docs rate it among the slowest."""
    model = catalog.llm_model(text(at(document, "/layers/llm/model")))
    return model if model and model.speed == _SLOW and not custom_llm(document) else None


RULES = (
    model_and_prompt,
    patience_and_model,
    patience_and_speculation,
)
