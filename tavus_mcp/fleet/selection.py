"""The roll of an account: whose turn it is, one id after the other, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tavus_mcp.app import App
from tavus_mcp.errors import InvalidKey, NotFound, TavusError
from tavus_mcp.models.base import JsonObject
from tavus_mcp.tavus_api.pagination import LARGEST, PERSONAS, Walk

HOPELESS = 16
"""Reads that may fail in a row; after that Tavus is taken to be out of order, not the persona."""


@dataclass(frozen=True)
class Selection:
    """Which personas are meant: all that every given argument fits."""

    persona_type: str | None = None
    name_contains: str | None = None
    persona_ids: Sequence[str] = ()

    def fits(self, row: JsonObject) -> bool:
        """Tell whether a persona, or its row in the list, is of the name that is wanted."""
        wanted = (self.name_contains or "").casefold()
        return wanted in str(row.get("persona_name") or "").casefold()


class Roll:
    """The ids of the personas that are meant, each once, as the list of the account is walked.

    ``total`` is how many there are, as soon as that is known; ``stopped`` says why not all of them
    were met, and is empty when they were. ``enough`` may be set to let nobody else come up.
    """

    def __init__(self, app: App, selection: Selection) -> None:
        self.total: int | None = None
        self.met = 0
        self.stopped = ""
        self.enough = False
        self._app = app
        self._selection = selection
        self._walk = Walk(PERSONAS)
        self._waiting: list[str] = []
        self._failures = 0

    async def turn_page(self) -> None:
        """Read the next page of the list, or take the ids that were given.

        To be called once before ``ids``, so that what is raised then ends the call: without a list
        there is nothing to go by. Raises the errors of the API.
        """
        if self._selection.persona_ids:
            self._waiting = list(dict.fromkeys(self._selection.persona_ids))
            self.total, self._walk.more = len(self._waiting), False
            return
        chosen = self._selection.persona_type
        query = {"persona_type": chosen} if chosen else {}
        page = await self._app.api.page(PERSONAS, LARGEST, self._walk.mark, **query)
        rows = [row for row in self._walk.met(page) if self._selection.fits(row)]
        self._waiting += [PERSONAS.id_of(row) for row in rows]
        self.total = None if self._selection.name_contains else page.total

    async def ids(self) -> AsyncIterator[str]:
        """Yield one id after the other; a page that cannot be read ends the walk, and is told."""
        while not self.stopped:
            for persona_id in self._taken():
                if self.stopped or self.enough:
                    return
                self.met += 1
                yield persona_id
            if not self._walk.more:
                self.total = self.met if self.total is None else self.total
                return
            try:
                await self.turn_page()
            except InvalidKey:
                raise
            except TavusError as error:
                self.stopped = f"The list could not be read to its end. {error}"

    def heard(self, error: TavusError | None) -> None:
        """Take note of a read that failed, or of one that did not; too many in a row end it."""
        lost = error is not None and not isinstance(error, NotFound)
        self._failures = self._failures + 1 if lost else 0
        if self._failures >= HOPELESS:
            self.stopped = f"{HOPELESS} reads in a row failed, so no more were tried."

    def _taken(self) -> list[str]:
        taken, self._waiting = self._waiting, []
        return taken
