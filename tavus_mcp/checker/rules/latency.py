"""Rules about settings that are fine each, and slow in combination."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog, ModelFacts
from tavus_mcp.checker.fixes import configure
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.checker.rules.texts import estimate_tokens
from tavus_mcp.models.document import PersonaDocument

_SLOWEST_SPEED_RATING = 1  # the docs rate the speed of hosted models from 1 to 3
_PATIENCE = "/layers/conversational_flow/turn_taking_patience"
_SPECULATION = "/layers/llm/speculative_inference"


@rule("latency-model-and-prompt", "info", source="J:persona/llm, P:pal/llm")
def model_and_prompt(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A slow model takes long to read a long prompt before its first word."""
    model = _slow_model(document, catalog)
    comfortable = catalog.context_guidance().comfortable_tokens
    if model and (tokens := estimate_tokens(document, catalog)) > comfortable:
        yield Violation(
            "/layers/llm/model",
            f"{model.id} is one of the slowest models, and it reads about {tokens:,} tokens of "
            "prompt before each answer.",
            "Choose a faster model: ",
            configure("llm", model=catalog.recommended_llm()),
            f"; or a prompt below {comfortable:,} tokens",
        )


@rule("latency-patience-and-model", "info", source="J:persona/conversational-flow, J:persona/llm")
def patience_and_model(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A long wait for the end of a turn adds to that for a slow model."""
    if document.text(_PATIENCE) == "high" and (model := _slow_model(document, catalog)):
        yield Violation(
            _PATIENCE,
            f"The replica waits long for the end of a turn, and {model.id} then answers slowly.",
            configure("conversational_flow", turn_taking_patience="medium"),
            "; or choose a faster model: describe_layer(layer='llm') compares them",
        )


@rule("latency-patience-and-speculation", "info", source="J:persona/conversational-flow")
def patience_and_speculation(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """Without speculative inference the model does not use the wait for the end of a turn."""
    is_off = document.value(_SPECULATION) is False and not document.has_custom_llm
    if is_off and document.text(_PATIENCE) == "high":
        yield Violation(
            _PATIENCE,
            "The replica waits long for the end of a turn, and the model starts only then.",
            configure("llm", speculative_inference=True),
        )


def _slow_model(document: PersonaDocument, catalog: Catalog) -> ModelFacts | None:
    """Return the hosted model if the docs rate it among the slowest."""
    model = catalog.llm_models.find(document.text("/layers/llm/model"))
    is_slow = model and model.speed == _SLOWEST_SPEED_RATING and not document.has_custom_llm
    return model if is_slow else None
