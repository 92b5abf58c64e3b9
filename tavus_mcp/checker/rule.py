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
from tavus_mcp.checker.fixes import CHOICES, Call, Part
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, Severity

_LONGEST_FIX = 8_000
"""Characters from which on a call is not handed over: it would repeat a long text."""
_TOO_LONG = "This call holds a long text, which get_persona shows with full_prompt=true."


class Hit:
    """One place where a rule applies: a JSON Pointer, what is the matter, and what mends it.

    The hint comes in parts, texts and calls. The calls are the fix, in order; another way is told
    by ``also``.

    >>> Hit("/x", "Bad.", "Remove it: ", drop("tts", "x"), "; or ", also(update(name="<NAME>"))).fix
    (Call(tool='configure_tts', arguments={'unset': ['x']}),)
    """

    __slots__ = ("message", "parts", "path")

    def __init__(self, path: str, message: str, *parts: Part) -> None:
        self.path = path
        self.message = message
        self.parts = parts

    @property
    def fix(self) -> tuple[Call, ...]:
        """The calls that mend it, in order."""
        return tuple(part for part in self.parts if isinstance(part, Call))

    def hint(self, *, saved: bool = True) -> str | None:
        """What mends it, in words; with where to find what a person has to choose.

        For a draft it speaks of the document: no tool can be called for what has no id.
        """
        if not self.parts:
            return None
        said = "".join(
            str(one) if saved or isinstance(one, str) else one.of_draft for one in self.parts
        )
        chosen = dict.fromkeys(choice for call in self.fix for choice in call.choices())
        where = "; ".join(f"{choice} is {CHOICES[choice]}" for choice in chosen)
        return ". ".join(part.removesuffix(".") for part in (said, where) if part) + "."

    def finding(self, severity: Severity, document: Document, **more: object) -> Finding:
        """Return it as a finding; what mends it is handed over when the persona is a saved one."""
        persona_id = document.persona_id
        calls = [call.made(persona_id) for call in self.fix] if persona_id else []
        hint = self.hint(saved=bool(persona_id))
        if any(len(json.dumps(call.arguments)) > _LONGEST_FIX for call in calls):
            calls, hint = [], f"{hint} {_TOO_LONG}"
        return Finding.model_validate(
            {
                "severity": severity,
                "path": self.path,
                "message": self.message,
                "hint": hint,
                "fix": calls or None,
                **more,
            }
        )


Check = Callable[[Document, Catalog], Iterator[Hit]]


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
    refuses: bool = False
    covers: bool = False
    no_fix: str | None = None

    def findings(self, document: Document, catalog: Catalog) -> Iterator[Finding]:
        """Return a finding for each hit."""
        for hit in self.check(document, catalog):
            yield hit.finding(
                self.severity,
                document,
                rule=self.name,
                source=self.source,
                blocks=self.refuses,
                covers=self.covers,
            )


def rule(
    name: str,
    severity: Severity,
    *,
    source: str,
    refuses: bool = False,
    covers: bool = False,
    no_fix: str | None = None,
) -> Callable[[Check], Rule]:
    """Declare the decorated function as a rule; the rooms of ``rules`` list theirs in order."""

    def declare(check: Check) -> Rule:
        return Rule(name, severity, source, check, refuses, covers, no_fix)

    return declare
