"""Find the object that ``tavus-mcp journal`` is to show or erase, with all ids that it had."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tavus_mcp.history.record import journal_id
from tavus_mcp.history.states import parse_state
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.erasure import ErasureTarget
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.text import count_of, did_you_mean, quote_foreign

if TYPE_CHECKING:
    from tavus_mcp.project.kinds import ObjectName
    from tavus_mcp.project.state import EnvironmentState


@dataclass(frozen=True)
class JournalObject:
    """An object in the journal: what is erased of it.

    ``text`` is how the command names it. ``other_ids`` are ids that the object of an id had before
    or since; of an object that is named in a project, they are among those of the target.
    ``suggestion`` ends the sentence that the journal holds nothing about it.
    """

    text: str
    target: ErasureTarget
    other_ids: Sequence[str] = ()
    suggestion: str = "."

    def read_entries(self, journal: JournalStore) -> Iterator[JournalEntry]:
        """Yield the entries about the ids, oldest first, without their documents."""
        pages = [journal.entries(object_id, bodies=False) for object_id in self.target.ids]
        return heapq.merge(*pages, key=lambda entry: entry.seq)

    def describe(self) -> str:
        """Return the ids, without any the name in the project."""
        return ", ".join(self.target.ids) or self.text


def find_journal_object(
    journal: JournalStore,
    text: str,
    state: EnvironmentState | None,
    options: Sequence[str],
    *,
    finds_other_ids: bool,
) -> JournalObject:
    """Return the object of an id, with a state also of a name in its project.

    ``finds_other_ids`` reads the whole journal also for an id alone. ``options`` choose the account
    in advised commands. The state need not know an object that its journal holds: it may have been
    deleted. Raises ``InvalidArgument`` when objects of several kinds have the name.
    """
    if state is None and not finds_other_ids:
        return JournalObject(text, ErasureTarget((text,)))
    from tavus_mcp.project.object_ids import ObjectIds
    from tavus_mcp.project.session import find_object

    ids = ObjectIds.from_entries(journal.entries(bodies=False))
    names: list[ObjectName] = []
    if state is not None:
        names += dict.fromkeys([*state.objects, *ids.find_names(state.state_id)])
    known = [name for name in names if text in (str(name), name.name)]
    if state is None or not known:
        near = did_you_mean(text, [*map(str, names), *(name.name for name in names)])
        suggestion = near or (_hint_at_ids(options) if state else ".")
        return JournalObject(text, ErasureTarget((text,)), ids.find_others(text), suggestion)
    name = find_object(text, known)
    item = state.objects.get(name)
    id_in_state = journal_id(name.kind.name, item.object_id) if item else ""
    found = ids.find_of_name((state.state_id, name), id_in_state)
    target = ErasureTarget(tuple(found), frozenset({str(name)}), frozenset({state.state_id}))
    return JournalObject(str(name), target, suggestion=_hint_at_ids(options))


def _hint_at_ids(options: Sequence[str]) -> str:
    command = " ".join(["tavus-mcp journal show", *options])
    return (
        " by this name. What was deleted and is not in the project any more may be in it by its "
        f"id: {command} shows those it holds."
    )


def describe_contents(journal: JournalStore, item: JournalObject) -> str:
    """Return what erasing would remove, as a person is asked; empty if there is nothing."""
    contents = journal.erasable_contents(item.target)
    if not contents.entry_count:
        return ""
    name = _find_persona_name(journal, item.target.ids)
    subject = f"{quote_foreign(name)} ({item.describe()})" if name else item.describe()
    accounts = [journal.find_account(account).name for account in sorted(contents.accounts)]
    entries = count_of(contents.entry_count, "entry", "entries")
    lines = [
        f"This erases the contents of {entries} about {subject}, of "
        f"{contents.first_at} to {contents.last_at}:",
        "  documents, values, paths and revisions; its changes cannot be undone any more, and it "
        "cannot be restored.",
        *(f"  of account {quote_foreign(account)}" for account in accounts if account),
    ]
    if contents.shared_plan_count:
        plans = count_of(contents.shared_plan_count, "plan")
        lines.append(f"  {plans} of several objects among them, where those of the others stay")
    if others := list_other_ids(journal, item):
        lines.append(f"  not those about {', '.join(others)}, other ids of the same object")
    return "\n".join([*lines, "Times, tools, authors and ids stay, so that the journal verifies."])


def _find_persona_name(journal: JournalStore, ids: Sequence[str]) -> str:
    """Return the name that an object had last, empty if no state of it is left."""
    latest = [entry for object_id in ids if (entry := journal.latest_entry(object_id))]
    newest = max((entry.seq for entry in latest), default=0)
    state = journal.entry(newest) if newest else None
    return parse_state(state).name if state is not None and state.body else ""


def list_other_ids(journal: JournalStore, item: JournalObject) -> list[str]:
    """Return the other ids of an object about which the journal holds states."""
    return [other for other in item.other_ids if journal.latest_entry(other)]
