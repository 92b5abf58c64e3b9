"""Short texts that tuning adds to a prompt, each between its own marks, and never twice."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tavus_mcp.catalog import Paragraph, Step
from tavus_mcp.checker.lookups import text
from tavus_mcp.tuning.working_copy import PROMPT, Already, Draft


def add_paragraph(draft: Draft, step: Step) -> None:
    """Append the step's text to the prompt, unless it is there or the opposite is."""
    prompt, paragraph = draft.at(PROMPT), draft.catalog.paragraph(step.paragraph or "")
    if draft.strength not in step.strengths or not text(prompt):
        return
    rival = draft.rival(PROMPT, paragraph.name)
    if rival is not None:
        kept = f"without the paragraph {paragraph.name}"
        draft.settle(PROMPT, rival, kept, paragraph.text)
        return
    if mark(paragraph.name) not in prompt:
        if opposite := _opposite(draft, prompt, paragraph):
            _remark(draft, paragraph, opposite)
            return
        draft.put(PROMPT, f"{prompt}\n\n{marked(paragraph)}", draft.why(step), adds=True)
    elif mark(paragraph.name) in str(draft.before.at(PROMPT)):
        draft.already.append(Already(draft.goal, PROMPT, f"holds the paragraph {paragraph.name}"))
    else:
        draft.is_so(PROMPT, None)
    opposed = paragraph.opposes
    draft.claim(PROMPT, lambda other: other not in opposed)


def mark(name: str) -> str:
    """Return what a paragraph of this name begins with."""
    return f'<tuning name="{name}">'


def marked(paragraph: Paragraph) -> str:
    """Return a paragraph as it stands in a prompt."""
    return f"{mark(paragraph.name)}\n{paragraph.text}\n</tuning>"


def without_paragraphs(prompt: str, paragraphs: Iterable[Paragraph]) -> str:
    """Return a prompt without paragraphs that stand there as they were added."""
    for paragraph in paragraphs:
        prompt = prompt.replace(f"\n\n{marked(paragraph)}", "")
    return prompt


def _opposite(draft: Draft, prompt: str, paragraph: Paragraph) -> Paragraph | None:
    """Return a paragraph of the prompt that pulls the other way."""
    known = (one for one in draft.catalog.paragraphs() if one.name in paragraph.opposes)
    return next((one for one in known if mark(one.name) in prompt), None)


def _remark(draft: Draft, paragraph: Paragraph, opposite: Paragraph) -> None:
    there = json.dumps(marked(opposite))
    draft.remark(
        "opposite-paragraph",
        PROMPT,
        f"The prompt still holds the paragraph {opposite.name}, which pulls the other way, so "
        f"{paragraph.name} was not added.",
        f'Remove it with edit_prompt(persona_id, find={there}, replace=""), then ask again.',
        paragraph.source,
        "warning",
    )
