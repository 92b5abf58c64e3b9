"""``tavus-mcp journal``: verify the journal, print it, adopt or erase entries, copy it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from tavus_mcp.cli.output import ExitStatus, fail, report
from tavus_mcp.cli.wiring import account_credentials, journal_location, journal_path
from tavus_mcp.journal.author import find_author
from tavus_mcp.journal.copying import copy_journal
from tavus_mcp.journal.database import MissingJournal
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.location import UNUSABLE, JournalLocation
from tavus_mcp.journal.postgres_database import PostgresLocation
from tavus_mcp.journal.verification import Verification, verify_journal
from tavus_mcp.keys import BadSetting
from tavus_mcp.settings import Settings
from tavus_mcp.text import quote_foreign, quote_paths
from tavus_mcp.url_settings import parse_journal_url

ALTERED, UNREADABLE = 1, 4
"""The exit statuses for a journal that was altered, and for one that is missing or unreadable."""
_ORDINARY_CELL = re.compile(r"[\w.:/+@-]*", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "action",
        choices=("verify", *_ACTIONS, "copy"),
        help="verify: check that no entry was edited or removed; show: print the entries; adopt: "
        "entries of older versions, which have no account, belong to the account of this key; "
        "erase: remove the contents of a persona's entries; copy: copy the file of the journal to "
        "PostgreSQL and verify the copy",
    )
    parser.add_argument("persona_id", nargs="?", help="with show and erase: the persona")
    parser.add_argument("--to", metavar="URL", help="with copy: a postgresql:// URL")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the action; return 0, ``ALTERED``, ``UNREADABLE`` or ``WRONG_USAGE``."""
    is_copy = arguments.action == "copy"
    if (arguments.to is not None) != is_copy:
        return fail("Write: tavus-mcp journal copy --to URL.", ExitStatus.WRONG_USAGE)
    try:
        target_url = parse_journal_url(arguments.to) if is_copy else ""
    except BadSetting as error:
        return fail(f"--to: {error}", ExitStatus.WRONG_USAGE)
    location = journal_path(settings) if is_copy else journal_location(settings)
    try:
        if arguments.action == "verify":
            return _verify(location)
        if isinstance(location, Path) and not location.exists():
            return fail(f"There is no journal at {location}.", UNREADABLE)
        if isinstance(location, Path) and is_copy:
            return _copy(location, PostgresLocation(target_url, settings.data_dir))
        return _ACTIONS[arguments.action](location, settings, arguments.persona_id)
    except MissingJournal as error:
        return fail(str(error), UNREADABLE)
    except (*UNUSABLE, ValueError) as error:
        return fail(f"{location} cannot be read: {error}", UNREADABLE)


def _verify(location: JournalLocation) -> int:
    result = verify_journal(location)
    if _report_faults(result):
        return ALTERED
    erased = f" The contents of {result.erased_count} were erased." if result.erased_count else ""
    newest = f" The newest is {result.newest}." if result.newest else ""
    return report(
        f"The journal is intact: {result.entry_count} entries, none edited, removed or reordered "
        f"since it was written.{newest}{erased} This cannot show that somebody rewrote the journal "
        "and its anchor together."
    )


def _report_faults(result: Verification) -> bool:
    """Print the faults that were found; return whether there were any."""
    for fault in result.faults:
        report(fault, ALTERED)
    if result.faults:
        report(f"The journal was altered: {len(result.faults)} fault(s).", ALTERED)
    return bool(result.faults)


def _copy(path: Path, target: PostgresLocation) -> int:
    if _report_faults(verify_journal(path)):
        return fail("Nothing was copied.", ALTERED)
    copied = copy_journal(path, target)
    result = verify_journal(target)
    if _report_faults(result):
        return ALTERED
    return report(
        f"Copied {copied} entries to {target}, which now holds {result.entry_count} and verifies. "
        f"Set TAVUS_MCP_JOURNAL to its URL wherever the journal is used. What is written to {path} "
        "from now on is not in it; run the command again to add that, before others write there."
    )


def _show(path: JournalLocation, _: Settings, persona_id: str | None) -> int:
    with closing(JournalStore.open(path)) as journal:
        for entry in journal.entries():
            if persona_id is None or entry.persona_id == persona_id:
                account = journal.find_account(entry.account).name if entry.account else ""
                report(_format_entry(entry, account))
    return 0


def _adopt(path: JournalLocation, settings: Settings, _: str | None) -> int:
    if not settings.sandbox and not settings.api_key:
        return fail(
            "Set TAVUS_API_KEY: it identifies the account that the entries belong to.",
            ExitStatus.WRONG_USAGE,
        )
    author = partial(find_author, settings.author)
    with closing(JournalStore.open(path, account_credentials(settings), author)) as journal:
        objects = journal.unowned_objects()
        journal.adopt(objects)
    return report(
        f"Adopted: the entries about {len(objects)} object(s) belong to the account of this key."
        if objects
        else "Nothing to adopt: every entry belongs to an account."
    )


def _erase(path: JournalLocation, settings: Settings, persona_id: str | None) -> int:
    if persona_id is None:
        return fail("Name the persona: tavus-mcp journal erase PERSONA_ID.", ExitStatus.WRONG_USAGE)
    author = partial(find_author, settings.author)
    with closing(JournalStore.open(path, author=author)) as journal:
        successors = _successors(journal, persona_id)
        count, is_compacted = journal.erase(persona_id)
    if not count:
        return fail(f"The journal holds nothing about {quote_foreign(persona_id)}.")
    report(
        f"Erased: the contents of {count} entries about {persona_id}. They cannot be restored. "
        "Times, tools, authors and ids stay."
    )
    for successor in successors:
        report(f"It was brought back as {successor}, which has entries of its own.")
    if isinstance(path, PostgresLocation):
        report(
            "Old copies may be in the write-ahead log, the replicas and the backups of PostgreSQL. "
            "Ask the person who runs the database."
        )
    if not is_compacted:
        return fail(
            "A server uses the journal, so that old copies may be left in its files. Stop the "
            "servers and run the command again."
        )
    return 0


def _successors(journal: JournalStore, persona_id: str) -> list[str]:
    """Return the ids under which a persona was brought back."""
    entries = journal.entries_of_persona(persona_id)
    found = [entry.detail["revived_as"] for entry in entries if "revived_as" in entry.detail]
    return sorted(set(map(str, found)))


_ACTIONS: Mapping[str, Callable[[JournalLocation, Settings, str | None], int]] = {
    "show": _show,
    "adopt": _adopt,
    "erase": _erase,
}


def _format_entry(entry: JournalEntry, account: str) -> str:
    cells = [
        str(entry.seq),
        *map(
            _quote_cell,
            (
                entry.at,
                entry.persona_id or "new",
                entry.kind,
                entry.tool,
                entry.status,
                entry.revision,
            ),
        ),
        f"of entry {entry.ref}" if entry.ref else "",
        quote_paths(entry.paths),
        f"by {quote_foreign(entry.author)}" if entry.author else "",
        f"in {quote_foreign(account)}" if account else "",
    ]
    return "  ".join(cell for cell in cells if cell)


def _quote_cell(text: str) -> str:
    """Return a value as it is if it can only be one of ours or an id, else quoted."""
    return text if _ORDINARY_CELL.fullmatch(str(text)) else quote_foreign(text)
