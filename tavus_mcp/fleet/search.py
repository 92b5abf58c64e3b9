"""Search the personas of an account: filters that Tavus does not have, in pages with cursors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.concurrency import MAX_CONCURRENT_REQUESTS
from tavus_mcp.deadlines import has_time_for_more
from tavus_mcp.errors import TavusError
from tavus_mcp.fleet.selection import TIME_OVER, PersonaFilter, is_whole_row, read_persona
from tavus_mcp.fleet.unmatched_filters import explain_no_match, explain_references
from tavus_mcp.history.deleted_personas import describe_deleted_personas
from tavus_mcp.listings import ListQuery, WalkMark, decode_walk, encode_walk, read_list_page
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.findings import RuleFinding, info
from tavus_mcp.models.free_texts import (
    count_matches,
    find_first_excerpt,
    free_texts,
    refers_to,
)
from tavus_mcp.personas.summary import persona_summary
from tavus_mcp.tavus_api.pagination import MAX_PAGE_ROWS, PERSONAS, ListWalk
from tavus_mcp.text import truncate

_BATCH_SIZE = 4 * MAX_CONCURRENT_REQUESTS
"""Personas that are read before it is decided whether more are needed."""

_MAX_DELETED_PERSONAS = 5
_MAX_EXCERPT_CHARS = 80
"""Longest excerpt, so that rows stay in a table; a longer text to find has none."""


@dataclass
class SearchResult:
    """One page of the personas that were found.

    ``total_count`` is None while it is not known, ``unread_count`` counts personas that could not
    be read. ``stop_reason`` says why the page ended before its limit, ``findings`` why nothing was
    found.
    """

    rows: list[JsonObject] = field(default_factory=list)
    total_count: int | None = None
    next_cursor: str | None = None
    unread_count: int = 0
    stop_reason: str = ""
    findings: list[RuleFinding] = field(default_factory=list)


async def search(
    app: App, persona_filter: PersonaFilter, limit: int, cursor: str | None
) -> SearchResult:
    """Return a page of the personas that match, in the order of the list.

    Without a criterion that Tavus lacks, it is a page of Tavus's list. Rows of the list are whole
    documents, so that most filters need no further request; for a finding each persona is read.
    Raises ``InvalidArgument`` for an unknown rule and a cursor of another search, and the errors of
    the API when the list cannot be read.
    """
    if not persona_filter.criteria.keys() - {"persona_type"}:
        page = await read_list_page(app, _plain_query(app, persona_filter, limit, cursor))
        return SearchResult(page.rows, page.total_count, page.next_cursor)
    persona_filter.require_known_finding()
    scope = ["personas", persona_filter.criteria]
    mark, walk = decode_walk(scope, cursor, PERSONAS)
    is_from_beginning = not walk.row_count
    listed = await _read_candidates(app, persona_filter, walk, mark.number if mark else 0)
    # without the rows of the place it is not known what was examined: rather twice than never
    start = (mark.find_in(listed.numbers) if mark else 0) or 0
    pending = [candidate for candidate in listed.candidates if candidate.number > start]
    result = SearchResult(stop_reason=listed.stop_reason)
    is_total_known = is_from_beginning and not listed.stop_reason
    if is_total_known and not any(_needs_read(item, persona_filter) for item in listed.candidates):
        result.total_count = len(listed.candidates)
    examined = 0
    while examined < len(pending) and len(result.rows) < limit:
        if examined and not has_time_for_more():
            result.stop_reason = TIME_OVER
            break
        batch = pending[examined : examined + _BATCH_SIZE]
        await _read_documents(app, batch, persona_filter)
        for candidate in batch:
            examined += 1
            _add_row(app, result, candidate, persona_filter)
            if len(result.rows) == limit:
                break
    is_all_examined = examined == len(pending) and cursor is None and not listed.stop_reason
    if not result.rows and is_all_examined:
        result.findings = explain_no_match(persona_filter, listed.names, app.catalog)
        result.findings += explain_references(listed.referring_ids)
        result.findings += await _explain_deletions(app, persona_filter)
    if examined < len(pending):
        last = pending[examined - 1]
        mark = WalkMark.after(last.number, listed.numbers)
        result.next_cursor = encode_walk(scope, mark, walk)
    elif listed.stop_reason and walk.row_count > start:
        mark = WalkMark.after(walk.row_count, listed.numbers)
        result.next_cursor = encode_walk(scope, mark, walk)
    return result


async def _explain_deletions(app: App, persona_filter: PersonaFilter) -> list[RuleFinding]:
    """Return a finding for each persona of this name that was deleted, at most a few."""
    if not persona_filter.name_contains:
        return []
    sentences = await describe_deleted_personas(app, persona_filter.name_contains)
    return [
        info("deleted", sentence, path="/name_contains")
        for sentence in sentences[:_MAX_DELETED_PERSONAS]
    ]


def _plain_query(
    app: App, persona_filter: PersonaFilter, limit: int, cursor: str | None
) -> ListQuery:
    return ListQuery(
        PERSONAS,
        lambda row: persona_summary(row, app.catalog),
        "persona_name",
        limit=limit,
        cursor=cursor,
        query=persona_filter.criteria,
    )


@dataclass
class _Candidate:
    """A row of the list that may match, its number in the list, and the persona once it is read."""

    number: int
    row: JsonObject
    document: PersonaDocument | TavusError | None = None


@dataclass
class _ListedPersonas:
    """The personas of the list with their numbers in it, and the rows that may match.

    ``referring_ids`` are those of personas that have the text to find as a reference.
    ``stop_reason`` says why the list was not read to its end.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    candidates: list[_Candidate] = field(default_factory=list)
    referring_ids: list[str] = field(default_factory=list)
    stop_reason: str = ""


async def _read_candidates(
    app: App, persona_filter: PersonaFilter, walk: ListWalk, start: int
) -> _ListedPersonas:
    """Return the ids and the names of the personas of a walk, and the rows that may match.

    The walk ends early when the time of the call is over, but not before a row after ``start``.
    """
    query = {"persona_type": persona_filter.persona_type} if persona_filter.persona_type else {}
    listed = _ListedPersonas()
    number = walk.row_count
    while walk.has_more:
        if walk.row_count > start and not has_time_for_more():
            listed.stop_reason = TIME_OVER
            break
        page = await app.api.fetch_page(PERSONAS, MAX_PAGE_ROWS, walk.position, **query)
        for row in walk.add_page(page):
            number += 1
            if persona_filter.may_match(row, app.catalog):
                listed.candidates.append(_Candidate(number, row))
            document = PersonaDocument(row)
            if persona_filter.text_contains and refers_to(document, persona_filter.text_contains):
                listed.referring_ids.append(PERSONAS.row_id(row))
            listed.numbers[PERSONAS.row_id(row)] = number
            listed.names.append(document.name)
    return listed


def _needs_read(candidate: _Candidate, persona_filter: PersonaFilter) -> bool:
    return persona_filter.finding is not None or not is_whole_row(candidate.row)


async def _read_documents(
    app: App, candidates: Sequence[_Candidate], persona_filter: PersonaFilter
) -> None:
    unread = [candidate for candidate in candidates if _needs_read(candidate, persona_filter)]

    async def read(candidate: _Candidate) -> None:
        candidate.document = await read_persona(app, PERSONAS.row_id(candidate.row))

    await concurrency.for_each(unread, read)


def _add_row(
    app: App, result: SearchResult, candidate: _Candidate, persona_filter: PersonaFilter
) -> None:
    document = candidate.document or PersonaDocument(candidate.row)
    if isinstance(document, TavusError):
        result.unread_count += 1
        return
    if not persona_filter.matches(app, document):
        return
    row = persona_summary(document.data, app.catalog)
    if wanted := persona_filter.text_contains:
        counts = count_matches(document, wanted)
        row["matches"] = ", ".join(f"{count} in {path}" for path, count in counts.items())
        if len(wanted) <= _MAX_EXCERPT_CHARS:
            text = app.masker.mask_text(free_texts(document)[next(iter(counts))])
            row["excerpt"] = truncate(find_first_excerpt(text, wanted), _MAX_EXCERPT_CHARS) or None
    result.rows.append(row)
