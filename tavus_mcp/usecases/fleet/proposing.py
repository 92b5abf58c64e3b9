"""What is to be different about each of many personas: one change for all, or one for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tavus_mcp.app import App
from tavus_mcp.models.changes import Change, SetFields
from tavus_mcp.models.document import Document
from tavus_mcp.models.findings import Finding
from tavus_mcp.usecases.patching import checked_fields
from tavus_mcp.usecases.secrets import literal_keys, resolved


@dataclass(frozen=True)
class Proposed:
    """A change of one persona, what is to be said of it, and which rules it may pass."""

    change: Change
    remarks: Sequence[Finding] = ()
    allow: frozenset[str] = frozenset()


Propose = Callable[[Document], Awaitable[Proposed]]
"""Says what is to be different about a persona; raises ``Refused`` to leave it alone."""


def setting(app: App, values: Mapping[str, Any], unset: Sequence[str]) -> Propose:
    """Return a proposal that sets the same places of every persona.

    Raises ``InvalidArgument`` with everything that is wrong with the places.
    """
    fields, gone = checked_fields(values, unset)
    app.masker.learn_from(fields)
    ready = {f"/{name}": value for name, value in resolved(app, fields).items()}
    proposed = Proposed(SetFields(ready, gone), literal_keys(fields))

    async def propose(_: Document) -> Proposed:
        return proposed

    return propose
