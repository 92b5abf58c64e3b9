"""Short paragraphs that tuning appends to a prompt, each inside a tag that names it.

By its tag a paragraph is recognised, so that none is added twice and opposites are found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from tavus_mcp.catalog import Paragraph, Step
from tavus_mcp.models.base import text
from tavus_mcp.tuning.working_copy import PROMPT, AlreadyMet, WorkingCopy


def add_paragraph(working_copy: WorkingCopy, step: Step) -> None:
    """Append the paragraph of a step to the prompt, unless it or an opposite is there already."""
    prompt = working_copy.at(PROMPT)
    paragraph = working_copy.catalog.paragraphs[step.paragraph or ""]
    if working_copy.strength not in step.strengths or not text(prompt):
        return
    winning_goal = working_copy.conflicting_goal(PROMPT, paragraph.name)
    if winning_goal is not None:
        chosen = f"without the paragraph {paragraph.name}"
        working_copy.resolve_conflict(PROMPT, winning_goal, chosen, paragraph.text)
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
    working_copy.constrain(PROMPT, lambda name: name not in opposed)


def opening_tag(name: str) -> str:
    """Return the tag that opens the paragraph of this name."""
    return f'<tuning name="{name}">'


def render_paragraph(paragraph: Paragraph) -> str:
    """Return a paragraph with its tags, as it is added to a prompt."""
    return f"{opening_tag(paragraph.name)}\n{paragraph.text}\n</tuning>"


def remove_paragraphs(prompt: str, paragraphs: Iterable[Paragraph]) -> str:
    """Return a prompt without these paragraphs; one that was edited since it was added remains."""
    for paragraph in paragraphs:
        prompt = prompt.replace(f"\n\n{render_paragraph(paragraph)}", "")
    return prompt


def _find_opposite(
    working_copy: WorkingCopy, prompt: str, paragraph: Paragraph
) -> Paragraph | None:
    """Return a paragraph in the prompt that opposes this one."""
    opposites = (working_copy.catalog.paragraphs[name] for name in paragraph.opposes)
    return next((opposite for opposite in opposites if opening_tag(opposite.name) in prompt), None)


def _report_opposite(working_copy: WorkingCopy, paragraph: Paragraph, opposite: Paragraph) -> None:
    find = json.dumps(render_paragraph(opposite))
    working_copy.add_finding(
        "opposite-paragraph",
        PROMPT,
        f"The prompt still holds the paragraph {opposite.name}, which pulls the other way, so "
        f"{paragraph.name} was not added.",
        f'Remove it with edit_prompt(persona_id, find={find}, replace=""), then ask again.',
        paragraph.source,
        "warning",
    )
