"""Search the texts of one persona without changing it."""

from __future__ import annotations

from collections.abc import Mapping

from tavus_mcp.app import App
from tavus_mcp.models.changes import near_match_hint
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.free_texts import find_excerpts, free_texts, list_first
from tavus_mcp.models.receipt import PromptEdit
from tavus_mcp.text import quote_foreign, quote_path

_MAX_EXCERPTS_PER_TEXT = 5


async def search_texts(app: App, persona_id: str, wanted: str) -> PromptEdit:
    """Return every free text of a persona that holds ``wanted``, exactly, with excerpts."""
    document = await app.api.get_persona(persona_id)
    texts = {path: app.masker.mask_text(text) for path, text in free_texts(document).items()}
    matches = [
        {
            "path": path,
            "count": text.count(wanted),
            "excerpts": list_first(find_excerpts(text, wanted), _MAX_EXCERPTS_PER_TEXT),
        }
        for path, text in texts.items()
        if wanted in text
    ]
    findings: list[RuleFinding] = []
    if not matches:
        near = next(filter(None, (near_match_hint(wanted, text) for text in texts.values())), "")
        findings.append(
            info("no-match", f"No text of this persona holds {quote_foreign(wanted)}.{near}")
        )
    else:
        findings += _other_case_findings(texts, wanted)
    return PromptEdit(
        status="unchanged",
        persona_id=document.persona_id,
        persona_name=document.name or None,
        revision=document.revision,
        matches=matches,
        findings=list(findings),
    )


def _other_case_findings(texts: Mapping[str, str], wanted: str) -> list[RuleFinding]:
    """Return a finding on the matches that differ in case, which a replacement would not change."""
    folded = wanted.casefold()
    counts = {
        path: text.casefold().count(folded) - text.count(wanted) for path, text in texts.items()
    }
    listed = ", ".join(
        f"{count} in {quote_path(path)}" for path, count in counts.items() if count > 0
    )
    if not listed:
        return []
    return [info("other-case", f"In another case, which a replacement leaves: {listed}.")]
