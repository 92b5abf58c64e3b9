"""Rules of the checker: a check of a persona document with its name, severity and source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import TypeVar

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.fixes import PART_PATCH, PLACEHOLDERS, FixCall, HintPart
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, Severity

MAX_FIX_CHARS = 8_000
"""Longer arguments of a call are not part of a finding: they would repeat a long text."""
MAX_FINDINGS_PER_RULE = 100
"""Further findings of a rule are usually the same mistake again."""
MORE_FINDINGS_NOTE = f" Only the first {MAX_FINDINGS_PER_RULE} findings of this kind are listed."
_LONG_FIX_NOTE = "This call holds a long text, which get_persona shows with full_prompt=true."

_REPEATED_VERB = re.compile(r"^(\w+) it: (?=\1 )", re.IGNORECASE)
"""What stands before the effect of a fix that begins with the same verb."""
_CALL = re.compile(r"\w+\(")

Definition = TypeVar("Definition")


class Violation:
    """A violation of a rule: the JSON Pointer of the field, a message, and the parts of a hint.

    The calls among the parts are the fix, in order.

    >>> Violation("/x", "Bad.", "Remove it: ", unset_fields("tts", "x"), " or keep it").fix
    (FixCall(tool='configure_tts', arguments={'unset': ['x']}),)
    """

    __slots__ = ("hint_parts", "message", "path")

    def __init__(self, path: str, message: str, *hint_parts: HintPart) -> None:
        self.path = path
        self.message = message
        self.hint_parts = hint_parts

    @property
    def fix(self) -> tuple[FixCall, ...]:
        """The calls that fix the violation, in order."""
        return tuple(part for part in self.hint_parts if isinstance(part, FixCall))

    def hint(
        self, *, is_saved: bool = True, unserved: Mapping[str, str] = MappingProxyType({})
    ) -> str | None:
        """Return the hint, with an explanation of the placeholders in the fix.

        For a draft it names fields of the document instead of calls, which need an id. The effect
        of a call that is not served is given as well; ``unserved`` holds tools with the reason,
        which may be empty.
        """
        if not self.hint_parts:
            return None
        text = _as_sentence(
            "".join(_render_part(part, unserved, is_saved) for part in self.hint_parts)
        )
        has_calls = is_saved and not any(call.tool in unserved for call in self.fix)
        legend = "; ".join(self._iter_meanings(text, has_calls=has_calls))
        return ". ".join(part.removesuffix(".") for part in (text, legend) if part) + "."

    def _iter_meanings(self, text: str, *, has_calls: bool) -> Iterator[str]:
        """Yield what each placeholder of the fix means; where it is, if the hint leaves it out."""
        for placeholder in dict.fromkeys(name for call in self.fix for name in call.placeholders):
            meaning = f"{placeholder} is {PLACEHOLDERS[placeholder]}"
            if placeholder in text:
                yield meaning
            elif has_calls:
                holders = (call.find_arguments(placeholder) for call in self.fix)
                names = dict.fromkeys(name for found in holders for name in found)
                yield f"In {' and '.join(names)}, {meaning}"

    def _fix_identity(self) -> str:
        """Return a text that violations with the same fix share; "" without a fix."""
        return "\n".join(call.identity for call in self.fix)

    def finding(self, severity: Severity, persona_id: str, **fields: object) -> RuleFinding:
        """Return the finding; it has a structured fix for a saved persona, whose id is given.

        The fix of a part is no call of a tool, so that the hint names its effect.
        """
        if any(call.tool == PART_PATCH for call in self.fix):
            persona_id = ""
        calls = [call.to_tool_call(persona_id) for call in self.fix] if persona_id else []
        hint = self.hint(is_saved=bool(persona_id))
        if any(len(call.identity) > MAX_FIX_CHARS for call in self.fix) and calls:
            calls, hint = [], f"{hint} {_LONG_FIX_NOTE}"
        finding = RuleFinding.model_validate(
            {
                "severity": severity,
                "path": self.path,
                "message": self.message,
                "hint": hint,
                "fix": calls or None,
                "fix_identity": self._fix_identity(),
                **fields,
            }
        )
        if not persona_id:
            return finding.with_saved_form(lambda saved: self.finding(severity, saved, **fields))
        return finding.with_hint_renderer(lambda unserved: self.hint(unserved=unserved))


def _render_part(part: HintPart, unserved: Mapping[str, str], is_saved: bool) -> str:
    """Return a part of a hint; of a call for a draft, or that is not served, its effect."""
    if isinstance(part, str):
        return part
    if not is_saved:
        return part.draft_hint
    reason = unserved.get(part.tool)
    if reason is None:
        return str(part)
    return f"{part.draft_hint} ({reason})" if reason else part.draft_hint


def _as_sentence(text: str) -> str:
    """Return a hint with a capital letter, which a call has not, and without a verb said twice."""
    text = _REPEATED_VERB.sub("", text)
    return text if _CALL.match(text) else text[:1].upper() + text[1:]


Check = Callable[[PersonaDocument, Catalog], Iterator[Violation]]


@dataclass(frozen=True)
class Rule:
    """A check with its name, severity and source (pages of the docs, or reports).

    ``blocks_write``: Tavus is known to reject the violation, so a write is refused before it is
    sent. ``covers_subtree``: schema findings below the path are dropped as well. ``no_fix_reason``:
    why the rule has no fix.
    """

    name: str
    severity: Severity
    source: str
    check: Check
    blocks_write: bool = False
    covers_subtree: bool = False
    no_fix_reason: str | None = None

    def findings(self, document: PersonaDocument, catalog: Catalog) -> Iterator[RuleFinding]:
        """Yield a finding for each of the first violations; the last says if there are more."""
        violations = self.check(document, catalog)
        for number, violation in enumerate(violations, 1):
            if number == MAX_FINDINGS_PER_RULE and next(violations, None) is not None:
                violation.message += MORE_FINDINGS_NOTE
            yield violation.finding(
                self.severity,
                document.persona_id,
                rule=self.name,
                source=self.source,
                blocks_write=self.blocks_write,
                covers_subtree=self.covers_subtree,
            )
            if number == MAX_FINDINGS_PER_RULE:
                return


def rule(
    name: str,
    severity: Severity,
    *,
    source: str,
    blocks_write: bool = False,
    covers_subtree: bool = False,
    no_fix_reason: str | None = None,
) -> Callable[[Check], Rule]:
    """Declare the decorated check as a rule; see ``Rule`` for the arguments.

    ``collect_definitions`` finds it by its type.
    """

    def declare(check: Check) -> Rule:
        return Rule(name, severity, source, check, blocks_write, covers_subtree, no_fix_reason)

    return declare


def collect_definitions(kind: type[Definition], *modules: ModuleType) -> tuple[Definition, ...]:
    """Return the rules of a type that modules define, in the order of their definition."""
    return tuple(
        definition
        for module in modules
        for definition in vars(module).values()
        if isinstance(definition, kind)
    )
