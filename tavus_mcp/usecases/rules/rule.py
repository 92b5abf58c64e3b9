"""What a rule of the checker is.

A rule looks at a whole persona document and yields a hit for each place where it applies. It is
declared once, with its severity and the source it comes from; ``refuses`` marks rules whose
violation Tavus is known to reject, so that a write is stopped before it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tavus_mcp.catalog import Catalog
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding, Severity


@dataclass(frozen=True)
class Hit:
    """One place where a rule applies: a JSON Pointer, what is the matter, and what mends it."""

    path: str
    message: str
    hint: str | None = None


Check = Callable[[Document, Catalog], Iterator[Hit]]


@dataclass(frozen=True)
class Rule:
    """A check with its name, severity and source."""

    name: str
    severity: Severity
    source: str
    refuses: bool
    check: Check

    def findings(self, document: Document, catalog: Catalog) -> Iterator[Finding]:
        """Return a finding for each hit."""
        return (self.finding(hit) for hit in self.check(document, catalog))

    def finding(self, hit: Hit) -> Finding:
        """Return a hit as a finding of this rule."""
        return Finding(
            severity=self.severity,
            path=hit.path,
            message=hit.message,
            hint=hit.hint,
            rule=self.name,
            source=self.source,
            blocks=self.refuses,
        )


def rule(
    name: str, severity: Severity, *, source: str, refuses: bool = False
) -> Callable[[Check], Rule]:
    """Declare the decorated function as a rule; the rooms of ``rules`` list theirs in order."""

    def declare(check: Check) -> Rule:
        return Rule(name, severity, source, refuses, check)

    return declare
