"""Rules about several kinds of parts: keys and blanks in texts, modalities, tags, legacy sets."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import find_placeholder
from tavus_mcp.checker.parts.part_rule import CheckedPart, part_rule, remove_value, set_value
from tavus_mcp.checker.rule import Violation
from tavus_mcp.invisible_characters import describe_invisible
from tavus_mcp.models.base import indexed_texts
from tavus_mcp.models.document import PART_KINDS
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.masking import is_secret_path
from tavus_mcp.models.secret_shapes import has_key_shape

_PROMPTS = ("objective_prompt", "guardrail_prompt", "description", "static_filler", "prompt")


@part_rule(
    "key-in-text", "warning", "tool", "objectives", "guardrail", "skill", source="N#61214098743"
)
def key_in_text(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A key in a prompt or a description is read by the model and shown by every read."""
    for path, value in part.texts:
        tokens = pointer_tokens(path)
        if (
            tokens
            and tokens[-1] in _PROMPTS
            and not is_secret_path(tokens)
            and has_key_shape(value)
        ):
            yield Violation(
                path,
                "This text contains what looks like a key. The model reads it, and every read "
                "shows it.",
                "If it is a key: remove it here and revoke it at its provider.",
            )


@part_rule("placeholder-of-ours", "error", *PART_KINDS, source="C:fixes", blocks_write=True)
def placeholder_of_ours(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Fixes of this checker have words in angle brackets, which a person replaces."""
    for path, value in part.texts:
        if placeholder := find_placeholder(value):
            yield Violation(path, f"{placeholder} stands for a value that is missing.", "Give it.")


@part_rule("invisible-characters", "warning", *PART_KINDS, source="C:invisible-characters")
def invisible_characters(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Characters that are not displayed, but that models and comparisons see."""
    for path, value in part.texts:
        if value.isascii() and value.isprintable():
            continue
        if found := next(iter(describe_invisible(value)), None):
            yield Violation(path, f"The text holds {found}.", "Remove what cannot be seen.")


@part_rule("modality-audio", "warning", "objectives", "guardrail", source="V:schemas/objective.py")
def modality_audio(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """The docs know verbal and visual; audio stands in the vendor's client only."""
    places = [("", part.data), *part.rows("/data")]
    for path, item in places:
        if item.get("modality") == "audio":
            yield Violation(
                f"{path}/modality",
                "modality audio is in the vendor's client only; the docs know verbal and visual.",
                set_value(f"{path}/modality", "verbal"),
            )


@part_rule("visual-without-raven", "warning", "objectives", "guardrail", source="J:objectives")
def visual_without_raven(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """What is seen is seen by Raven."""
    persona = part.persona
    if persona is None or catalog.effective_perception_model(persona) != "off":
        return
    for path, item in [("", part.data), *part.rows("/data")]:
        if item.get("modality") == "visual":
            yield Violation(
                f"{path}/modality",
                "modality visual has no effect: this persona's perception is off.",
                "Turn perception on in the persona, or use modality verbal.",
            )


@part_rule(
    "guardrail-set-legacy", "warning", "guardrail", source="P:legacy-guardrail-sets, N#61101964180"
)
def guardrail_set_legacy(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """Sets are legacy, and one team found that an attached set had no effect."""
    if isinstance(part.at("/data"), list):
        yield Violation(
            "/data",
            "This is a legacy set of guardrails, which may have no effect in calls.",
            "Attach its guardrails one by one as guardrail_ids; each has an id of its own.",
        )


@part_rule("tag-duplicate", "info", "tool", "guardrail", "document", source="OAS")
def tag_duplicate(part: CheckedPart, catalog: Catalog) -> Iterator[Violation]:
    """A tag counts once."""
    seen: set[str] = set()
    for index, tag in indexed_texts(part.at("/tags")):
        if tag in seen:
            yield Violation(
                f"/tags/{index}", "The tag is given twice.", remove_value(f"/tags/{index}")
            )
        seen.add(tag)
