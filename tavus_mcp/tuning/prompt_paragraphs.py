"""Short texts that tuning adds to a prompt, each between its own marks, and never twice."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tavus_mcp.catalog import Paragraph, Step
from tavus_mcp.models.base import text
from tavus_mcp.tuning.working_copy import PROMPT, AlreadyMet, WorkingCopy


def add_paragraph(working_copy: WorkingCopy, step: Step) -> None:
    """Append the step's text to the prompt, unless it is there or the opposite is."""
    prompt, paragraph = (
        working_copy.at(PROMPT),
        working_copy.catalog.paragraphs[step.paragraph or ""],
    )
    if working_copy.strength not in step.strengths or not text(prompt):
        return
    rival = working_copy.conflicting_goal(PROMPT, paragraph.name)
    if rival is not None:
        kept = f"without the paragraph {paragraph.name}"
        working_copy.resolve_conflict(PROMPT, rival, kept, paragraph.text)
        return
    if opening_tag(paragraph.name) not in prompt:
        if opposite := _find_opposite(working_copy, prompt, paragraph):
            _report_opposite(working_copy, paragraph, opposite)
            return
        working_copy.set_value(
            PROMPT,
            f"{prompt}\n\n{render_paragraph(paragraph)}",
            working_copy.reason_of_step(step),
            merge_reasons=True,
        )
    elif opening_tag(paragraph.name) in str(working_copy.before.at(PROMPT)):
        working_copy.already_met.append(
            AlreadyMet(working_copy.goal, PROMPT, f"holds the paragraph {paragraph.name}")
        )
    else:
        working_copy.mark_met(PROMPT, None)
    opposed = paragraph.opposes
    working_copy.constrain(PROMPT, lambda other: other not in opposed)


def opening_tag(name: str) -> str:
    """Return what a paragraph of this name begins with."""
    return f'<tuning name="{name}">'


def render_paragraph(paragraph: Paragraph) -> str:
    """Return a paragraph as it stands in a prompt."""
    return f"{opening_tag(paragraph.name)}\n{paragraph.text}\n</tuning>"


def remove_paragraphs(prompt: str, paragraphs: Iterable[Paragraph]) -> str:
    """Return a prompt without paragraphs that stand there as they were added."""
    for paragraph in paragraphs:
        prompt = prompt.replace(f"\n\n{render_paragraph(paragraph)}", "")
    return prompt


def _find_opposite(
    working_copy: WorkingCopy, prompt: str, paragraph: Paragraph
) -> Paragraph | None:
    """Return a paragraph of the prompt that pulls the other way."""
    known = (one for one in working_copy.catalog.paragraphs if one.name in paragraph.opposes)
    return next((one for one in known if opening_tag(one.name) in prompt), None)


def _report_opposite(working_copy: WorkingCopy, paragraph: Paragraph, opposite: Paragraph) -> None:
    there = json.dumps(render_paragraph(opposite))
    working_copy.add_finding(
        "opposite-paragraph",
        PROMPT,
        f"The prompt still holds the paragraph {opposite.name}, which pulls the other way, so "
        f"{paragraph.name} was not added.",
        f'Remove it with edit_prompt(persona_id, find={there}, replace=""), then ask again.',
        paragraph.source,
        "warning",
    )
