"""The roll of an account: whose turn it is, one id after the other, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidKey, NotFound, TavusError
from tavus_mcp.models.base import JsonObject
from tavus_mcp.tavus_api.pagination import MAX_PAGE_ROWS, PERSONAS, ListWalk

MAX_CONSECUTIVE_FAILURES = 16
"""Reads that may fail in a row; after that Tavus is taken to be out of order, not the persona."""


@dataclass(frozen=True)
class PersonaFilter:
    """Which personas are meant: all that every given argument fits."""

    persona_type: str | None = None
    name_contains: str | None = None
    persona_ids: Sequence[str] = ()

    def matches(self, row: JsonObject) -> bool:
        """Tell whether a persona, or its row in the list, is of the name that is wanted."""
        wanted = (self.name_contains or "").casefold()
        return wanted in str(row.get("persona_name") or "").casefold()


class PersonaSelection:
    """The ids of the personas that are meant, each once, as the list of the account is walked.

    ``total`` is how many there are, as soon as that is known; ``stopped`` says why not all of them
    were met, and is empty when they were. ``enough`` may be set to let nobody else come up.
    """

    def __init__(self, app: App, persona_filter: PersonaFilter) -> None:
        self.total: int | None = None
        self.yielded_count = 0
        self.stop_reason = ""
        self.is_limit_reached = False
        self._app = app
        self._persona_filter = persona_filter
        self._list_walk = ListWalk(PERSONAS)
        self._pending_ids: list[str] = []
        self._consecutive_failures = 0

    async def fetch_next_page(self) -> None:
        """Read the next page of the list, or take the ids that were given.

        To be called once before ``ids``, so that what is raised then ends the call: without a list
        there is nothing to go by. Raises the errors of the API.
        """
        if self._persona_filter.persona_ids:
            self._pending_ids = list(dict.fromkeys(self._persona_filter.persona_ids))
            self.total, self._list_walk.has_more = len(self._pending_ids), False
            return
        chosen = self._persona_filter.persona_type
        query = {"persona_type": chosen} if chosen else {}
        page = await self._app.api.fetch_page(
            PERSONAS, MAX_PAGE_ROWS, self._list_walk.position, **query
        )
        rows = [row for row in self._list_walk.add_page(page) if self._persona_filter.matches(row)]
        self._pending_ids += [PERSONAS.row_id(row) for row in rows]
        self.total = None if self._persona_filter.name_contains else page.total

    async def iter_ids(self) -> AsyncIterator[str]:
        """Yield one id after the other; a page that cannot be read ends the walk, and is told."""
        while not self.stop_reason:
            for persona_id in self._take_pending():
                if self.stop_reason or self.is_limit_reached:
                    return
                self.yielded_count += 1
                yield persona_id
            if not self._list_walk.has_more:
                self.total = self.yielded_count if self.total is None else self.total
                return
            try:
                await self.fetch_next_page()
            except InvalidKey:
                raise
            except TavusError as error:
                self.stop_reason = f"The list could not be read to its end. {error}"

    def note_result(self, error: TavusError | None) -> None:
        """Take note of a read that failed, or of one that did not; too many in a row end it."""
        lost = error is not None and not isinstance(error, NotFound)
        self._consecutive_failures = self._consecutive_failures + 1 if lost else 0
        if self._consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
            self.stop_reason = (
                f"{MAX_CONSECUTIVE_FAILURES} reads in a row failed, so no more were tried."
            )

    def _take_pending(self) -> list[str]:
        taken, self._pending_ids = self._pending_ids, []
        return taken
