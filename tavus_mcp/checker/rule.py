"""What a rule of the checker is.

A rule looks at a whole persona document and yields a hit for each place where it applies. It is
declared once, with its severity and the source it comes from; ``refuses`` marks rules whose
violation Tavus is known to reject, so that a write is stopped before it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import PLACEHOLDERS, FixCall, HintPart
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, Severity

_MAX_FIX_CHARS = 8_000
"""Characters from which on a call is not handed over: it would repeat a long text."""
_LONG_FIX_NOTE = "This call holds a long text, which get_persona shows with full_prompt=true."


class Violation:
    """One place where a rule applies: a JSON Pointer, what is the matter, and what mends it.

    The hint comes in parts, texts and calls. The calls are the fix, in order; another way is told
    by ``also``.

    >>> Hit("/x", "Bad.", "Remove it: ", drop("tts", "x"), "; or ", also(update(name="<NAME>"))).fix
    (Call(tool='configure_tts', arguments={'unset': ['x']}),)
    """

    __slots__ = ("hint_parts", "message", "path")

    def __init__(self, path: str, message: str, *parts: HintPart) -> None:
        self.path = path
        self.message = message
        self.hint_parts = parts

    @property
    def fix(self) -> tuple[FixCall, ...]:
        """The calls that mend it, in order."""
        return tuple(part for part in self.hint_parts if isinstance(part, FixCall))

    def hint(self, *, is_saved: bool = True) -> str | None:
        """What mends it, in words; with where to find what a person has to choose.

        For a draft it speaks of the document: no tool can be called for what has no id.
        """
        if not self.hint_parts:
            return None
        said = "".join(
            str(one) if is_saved or isinstance(one, str) else one.draft_hint
            for one in self.hint_parts
        )
        chosen = dict.fromkeys(choice for call in self.fix for choice in call.placeholders())
        where = "; ".join(f"{choice} is {PLACEHOLDERS[choice]}" for choice in chosen)
        return ". ".join(part.removesuffix(".") for part in (said, where) if part) + "."

    def finding(
        self, severity: Severity, document: PersonaDocument, **fields: object
    ) -> RuleFinding:
        """Return it as a finding; what mends it is handed over when the persona is a saved one."""
        persona_id = document.persona_id
        calls = [call.to_tool_call(persona_id) for call in self.fix] if persona_id else []
        hint = self.hint(is_saved=bool(persona_id))
        if any(len(json.dumps(call.arguments)) > _MAX_FIX_CHARS for call in calls):
            calls, hint = [], f"{hint} {_LONG_FIX_NOTE}"
        return RuleFinding.model_validate(
            {
                "severity": severity,
                "path": self.path,
                "message": self.message,
                "hint": hint,
                "fix": calls or None,
                **fields,
            }
        )


Check = Callable[[PersonaDocument, Catalog], Iterator[Violation]]


@dataclass(frozen=True)
class Rule:
    """A check with its name, severity and source.

    ``refuses``: Tavus is known to reject it. ``covers``: its findings speak for everything below
    their path as well. ``no_fix`` says why no call mends it.
    """

    name: str
    severity: Severity
    source: str
    check: Check
    blocks_write: bool = False
    covers_subtree: bool = False
    no_fix_reason: str | None = None

    def findings(self, document: PersonaDocument, catalog: Catalog) -> Iterator[RuleFinding]:
        """Return a finding for each hit."""
        for hit in self.check(document, catalog):
            yield hit.finding(
                self.severity,
                document,
                rule=self.name,
                source=self.source,
                blocks_write=self.blocks_write,
                covers_subtree=self.covers_subtree,
            )


def rule(
    name: str,
    severity: Severity,
    *,
    source: str,
    blocks_write: bool = False,
    covers_subtree: bool = False,
    no_fix_reason: str | None = None,
) -> Callable[[Check], Rule]:
    """Declare the decorated function as a rule; ``rules.collect_rules`` finds it by its type."""

    def declare(check: Check) -> Rule:
        return Rule(name, severity, source, check, blocks_write, covers_subtree, no_fix_reason)

    return declare
