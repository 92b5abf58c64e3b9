"""Read the selected personas, fetching list pages on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.catalog import Catalog
from tavus_mcp.checker import schema_check
from tavus_mcp.checker.rules import RULES
from tavus_mcp.concurrency import ProgressCallback, ProgressReporter
from tavus_mcp.deadlines import has_time_for_more
from tavus_mcp.errors import InvalidArgument, InvalidKey, NotFound, TavusError
from tavus_mcp.listings import WalkMark, decode_walk, encode_walk
from tavus_mcp.models.base import JsonObject, parse_id
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.free_texts import count_matches
from tavus_mcp.personas.persona_check import check_persona
from tavus_mcp.personas.summary import LLM_MODEL, TTS_ENGINE, effective_value
from tavus_mcp.tavus_api.pagination import MAX_PAGE_ROWS, PERSONAS
from tavus_mcp.text import join_first, suggest_similar

TIME_OVER = "The time for one call is over. Call again with cursor=next_cursor for the rest."
MAX_CONSECUTIVE_FAILURES = 16
"""Failed reads in a row after which the failure is taken to be Tavus's, not the personas'."""


_MAX_SIMILAR_RULES = 16
_OUTDATED = frozenset({"deprecated", "legacy", "older", "retired"})
"""Words in the names of rules on what Tavus has replaced."""
_WORDS_FOR_OUTDATED = _OUTDATED | {"obsolete", "old", "outdated", "modernize"}
_RULE_NAMES = sorted({*(rule.name for rule in RULES), *schema_check.SCHEMA_RULES})


@dataclass(frozen=True)
class PersonaFilter:
    """Which personas are selected: those that match every given criterion.

    ``model``, ``engine`` and ``mode`` are compared with what is in effect, defaults included;
    ``finding`` is the name of a rule of the checker.
    """

    persona_type: str | None = None
    name_contains: str | None = None
    persona_ids: Sequence[str] = ()
    text_contains: str | None = None
    model: str | None = None
    engine: str | None = None
    mode: str | None = None
    finding: str | None = None

    @property
    def criteria(self) -> JsonObject:
        """The given criteria by name; ``persona_type`` is one of them."""
        return {name: value for name, value in vars(self).items() if value}

    def require_known_finding(self) -> None:
        """Raise ``InvalidArgument`` if there is no rule of the name ``finding``."""
        if self.finding is not None and self.finding not in _RULE_NAMES:
            raise InvalidArgument(
                [
                    f"/finding: no rule has this name{_suggest_rules(self.finding.casefold())} "
                    "audit_personas lists the rules of all findings in the account."
                ]
            )

    def may_match(self, row: JsonObject, catalog: Catalog) -> bool:
        """Return False if a row of the list shows that its persona does not match."""
        if not is_whole_row(row):
            return self._has_name(row)
        return self._matches_fields(PersonaDocument(row), catalog)

    def matches(self, app: App, document: PersonaDocument) -> bool:
        """Return True if a persona matches every criterion, but for its id and type."""
        return self._matches_fields(document, app.catalog) and (
            self.finding is None
            or any(finding.rule == self.finding for finding in check_persona(app, document))
        )

    def _matches_fields(self, document: PersonaDocument, catalog: Catalog) -> bool:
        choices = ((self.model, LLM_MODEL), (self.engine, TTS_ENGINE))
        return (
            self._has_name(document.data)
            and self.mode in (None, document.mode)
            and all(
                wanted.casefold() == effective_value(document, path, catalog).casefold()
                for wanted, path in choices
                if wanted
            )
            and (not self.text_contains or bool(count_matches(document, self.text_contains)))
        )

    def _has_name(self, row: JsonObject) -> bool:
        wanted = (self.name_contains or "").casefold()
        return wanted in str(row.get("persona_name") or "").casefold()


def _suggest_rules(name: str) -> str:
    """Return the end of a sentence about an unknown rule: those that were probably meant."""
    if name in _WORDS_FOR_OUTDATED:
        found = [rule for rule in _RULE_NAMES if not _OUTDATED.isdisjoint(rule.split("-"))]
        return (
            f"; on outdated settings there are {join_first(found, _MAX_SIMILAR_RULES)}. "
            'plan_bulk_change(everything=true, goals=["modernize"]) plans for all of them.'
        )
    containing = [rule for rule in _RULE_NAMES if name in rule]
    if len(containing) > 1:
        return f"; these contain it: {join_first(containing, _MAX_SIMILAR_RULES)}."
    return suggest_similar(name, _RULE_NAMES)


def is_whole_row(row: JsonObject) -> bool:
    """Return True if a row of the list holds the persona itself, not only its name."""
    return "layers" in row or "system_prompt" in row


class PersonaSelection:
    """The ids of the selected personas, each once.

    ``total`` is their number once it is known, ``positions`` are their numbers in the list by id,
    ``listed_names`` the names in the list, matching or not. ``stop_reason`` says why the iteration
    ended early, and is empty if it did not. Set ``is_limit_reached`` to end it. With the cursor of
    an earlier selection it begins after the persona of that cursor.
    """

    def __init__(self, app: App, persona_filter: PersonaFilter, cursor: str | None = None) -> None:
        self.total: int | None = None
        self._scope = ["selection", persona_filter.criteria]
        self._mark, self._list_walk = decode_walk(self._scope, cursor, PERSONAS)
        self.positions: dict[str, int] = {}
        self._position = self._list_walk.row_count
        self._first_position = self._mark.number if self._mark else 0
        self.yielded_count = 0
        self.listed_names: list[str] = []
        self.stop_reason = ""
        self.is_limit_reached = False
        self._app = app
        self._persona_filter = persona_filter
        self._pending_ids: list[str] = []
        self._unplaced_ids: list[str] = []
        self._last_yielded_id = ""
        self._consecutive_failures = 0

    async def fetch_next_page(self) -> None:
        """Fetch the next page of the list, or take the given ids.

        Call it once before ``read_each``, so that a list that cannot be read at all ends the call.
        Raises the errors of the API.
        """
        if self._persona_filter.persona_ids:
            self._list_walk.has_more = False
            ids = list(dict.fromkeys(self._persona_filter.persona_ids))
            self._add_ids(ids, set(ids))
            self.total = len(self._pending_ids)
            return
        persona_type = self._persona_filter.persona_type
        query = {"persona_type": persona_type} if persona_type else {}
        page = await self._app.api.fetch_page(
            PERSONAS, MAX_PAGE_ROWS, self._list_walk.position, **query
        )
        rows = {PERSONAS.row_id(row): row for row in self._list_walk.add_page(page)}
        self.listed_names += [PersonaDocument(row).name for row in rows.values()]
        may_match = self._persona_filter.may_match
        matching = {
            persona_id for persona_id, row in rows.items() if may_match(row, self._app.catalog)
        }
        self._add_ids(list(rows), matching)
        has_criteria = self._persona_filter.criteria.keys() - {"persona_type"}
        self.total = None if has_criteria else page.total

    def cursor_after(self, persona_id: str) -> str | None:
        """Return the cursor after a persona that was yielded; None if nothing comes after it."""
        is_last = not self._pending_ids and not self._list_walk.has_more
        if is_last and persona_id == self._last_yielded_id:
            return None
        if persona_id not in self.positions:
            return None
        return self._encode_cursor(self.positions[persona_id])

    @property
    def next_cursor(self) -> str | None:
        """The cursor after the last persona that was yielded; None at the end.

        When the list was not read to its end, and nothing of what was read is left, it is the
        cursor after that.
        """
        if self._mark is not None:
            return encode_walk(self._scope, self._mark, self._list_walk)
        if self.stop_reason and not self._pending_ids and self._has_new_rows:
            return self._encode_cursor(self._position)
        return self.cursor_after(self._last_yielded_id)

    @property
    def _has_new_rows(self) -> bool:
        """True once rows after the cursor were read, so that the next cursor is a later one."""
        return self._position > self._first_position

    def _encode_cursor(self, number: int) -> str:
        mark = WalkMark.after(number, self.positions)
        return encode_walk(self._scope, mark, self._list_walk)

    def _add_ids(self, ids: list[str], matching: Collection[str]) -> None:
        """Add the matching of these ids to those to yield, without those up to the cursor.

        Where no row tells the place of the cursor any more, because they were deleted, all are
        added: to examine a persona twice is better than never.
        """
        numbers = range(self._position + 1, self._position + len(ids) + 1)
        self.positions.update(zip(ids, numbers, strict=True))
        self._position += len(ids)
        self._unplaced_ids += [persona_id for persona_id in ids if persona_id in matching]
        if self._mark is not None:
            start = self._mark.find_in(self.positions)
            is_passed = self._position >= self._mark.number + MAX_PAGE_ROWS
            if start is None and self._list_walk.has_more and not is_passed:
                return
            self._unplaced_ids = [
                item for item in self._unplaced_ids if self.positions[item] > (start or 0)
            ]
            self._mark = None
        self._pending_ids += self._unplaced_ids
        self._unplaced_ids = []

    async def read_each(
        self,
        handle: Callable[[str, PersonaDocument | TavusError], Awaitable[None]],
        report_progress: ProgressCallback,
    ) -> None:
        """Read the personas, several at a time, and call a function with each or with its error.

        Raises ``InvalidKey`` at any time, since it concerns every persona.
        """
        progress = ProgressReporter(report_progress)

        async def read(persona_id: str) -> None:
            document = await read_persona(self._app, persona_id)
            self._note_result(document if isinstance(document, TavusError) else None)
            await handle(persona_id, document)
            await progress.advance(self.total)

        await concurrency.for_each(self._iter_ids(), read)

    async def _iter_ids(self) -> AsyncIterator[str]:
        """Yield one id after the other; a later page that cannot be read sets ``stop_reason``."""
        while not self.stop_reason:
            while self._pending_ids:
                if self._last_yielded_id and not has_time_for_more():
                    self.stop_reason = TIME_OVER
                if self.stop_reason or self.is_limit_reached:
                    return
                self._last_yielded_id = self._pending_ids.pop(0)
                self.yielded_count += 1
                yield self._last_yielded_id
            if not self._list_walk.has_more:
                self.total = self.yielded_count if self.total is None else self.total
                return
            if self._has_new_rows and not has_time_for_more():
                self.stop_reason = TIME_OVER
                return
            try:
                await self.fetch_next_page()
            except InvalidKey:
                raise
            except TavusError as error:
                self.stop_reason = f"The list could not be read to its end. {error}"

    def _note_result(self, error: TavusError | None) -> None:
        """Note whether a persona could be read; too many failures in a row end the iteration."""
        has_failed = error is not None and not isinstance(error, NotFound)
        self._consecutive_failures = self._consecutive_failures + 1 if has_failed else 0
        if self._consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
            self.stop_reason = (
                f"{MAX_CONSECUTIVE_FAILURES} reads in a row failed, so no more were tried."
            )


async def read_persona(app: App, persona_id: str) -> PersonaDocument | TavusError:
    """Read one persona of many; return its error, but raise ``InvalidKey``."""
    try:
        parse_id(persona_id)
    except ValueError:
        return TavusError("This id of the list of personas is not a valid id.")
    try:
        return await app.api.get_persona(persona_id)
    except InvalidKey:
        raise
    except TavusError as error:
        return error
