"""Search the texts of one persona without changing it."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.models.changes import near_match_hint
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.free_texts import find_excerpts, free_texts, list_first
from tavus_mcp.models.receipt import PromptEdit

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
        findings.append(info("no-match", f"No text of this persona holds it.{near}"))
    return PromptEdit(
        status="unchanged",
        persona_id=document.persona_id,
        persona_name=document.name or None,
        revision=document.revision,
        matches=matches,
        findings=list(findings),
    )
