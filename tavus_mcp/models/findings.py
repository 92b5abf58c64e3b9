"""The findings of the checker, as clients receive them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, WithJsonSchema

from tavus_mcp.models.base import DeferredModel, JsonObject


class ToolCall(DeferredModel):
    """A tool and the arguments to call it with."""

    tool: str
    arguments: JsonObject


Severity = Annotated[Literal["error", "warning", "info"], WithJsonSchema({"type": "string"})]
Calls = Annotated[list[ToolCall], WithJsonSchema({"type": "array", "items": {"type": "object"}})]
SEVERITY_ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


APPLY_AFTER_YES = "Show this to the person; after a clear yes call apply_plan with the plan_id."
"""The hint of a finding on a plan."""
SavedFindingBuilder = Callable[[str], "RuleFinding"]
"""Builds a finding about a draft again for the persona with an id; "" for the draft."""
HintRenderer = Callable[[Mapping[str, str]], str | None]
"""Renders a hint for a server without some tools, which are given with the reason."""


class Finding(DeferredModel):
    """A problem or remark: the JSON Pointer of the field, a message, and a hint how to fix it.

    ``error``: Tavus refuses it or it cannot work; ``warning``: it works differently than it seems;
    ``info``: worth knowing.
    """

    severity: Severity
    path: str
    message: str
    hint: str | None = None


class RuleFinding(Finding):
    """A finding with its rule and the source of the rule.

    ``fix`` holds the calls that fix it, in order; findings about a draft have none, because calls
    need an id. The other fields are not served: ``blocks_write`` if a write with it is refused
    before it is sent, ``covers_subtree`` if it replaces schema findings below its path,
    ``intended_paths`` the fields that were probably meant by an unknown one, and ``fix_identity`` a
    text that findings with the same fix share.
    """

    rule: str | None = None
    source: str | None = None
    fix: Calls | None = None
    blocks_write: Annotated[bool, Field(exclude=True)] = False
    covers_subtree: Annotated[bool, Field(exclude=True)] = False
    intended_paths: Annotated[tuple[str, ...], Field(exclude=True)] = ()
    fix_identity: Annotated[str, Field(exclude=True)] = ""

    _render_hint: HintRenderer | None = PrivateAttr(None)
    _build_saved: SavedFindingBuilder | None = PrivateAttr(None)

    def with_saved_form(self, build: SavedFindingBuilder) -> RuleFinding:
        """Return this finding about a draft, with the function that builds it for a persona."""
        self._build_saved = build
        return self

    def for_saved(self, persona_id: str) -> RuleFinding:
        """Return a finding about a draft as one about the persona that it became.

        A hint that was replaced since is kept.
        """
        if self._build_saved is None or self.hint != self._build_saved("").hint:
            return self
        return self._build_saved(persona_id)

    def with_hint_renderer(self, render: HintRenderer) -> RuleFinding:
        """Return this finding, with the function that renders its hint for other servers."""
        self._render_hint = render
        return self

    def render_hint(self, unserved: Mapping[str, str]) -> str | None:
        """Return the hint for a server without some tools, which are given with the reason.

        A hint that was replaced since is returned as it is.
        """
        if self._render_hint is None or self.hint != self._render_hint({}):
            return self.hint
        return self._render_hint(unserved)


def warning(
    rule: str, message: str, *, path: str = "", hint: str | None = None, source: str | None = None
) -> RuleFinding:
    """Return a finding of severity ``warning``, by default on the persona as a whole."""
    return RuleFinding(
        severity="warning", path=path, message=message, hint=hint, rule=rule, source=source
    )


def info(
    rule: str, message: str, *, path: str = "", hint: str | None = None, source: str | None = None
) -> RuleFinding:
    """Return a finding of severity ``info``, by default on the persona as a whole."""
    return RuleFinding(
        severity="info", path=path, message=message, hint=hint, rule=rule, source=source
    )


def sort_by_severity(findings: list[RuleFinding]) -> list[RuleFinding]:
    """Return unique findings by severity, worst first, then by path."""
    unique = {(item.severity, item.path, item.message): item for item in findings}
    return sorted(unique.values(), key=lambda item: (SEVERITY_ORDER[item.severity], item.path))
