"""``tavus-mcp journal``: verify the journal, print it, adopt or erase entries, copy it."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tavus_mcp.cli.command_texts import adapt_text
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.journal_object import (
    JournalObject,
    describe_contents,
    find_journal_object,
    list_other_ids,
)
from tavus_mcp.cli.output import ExitStatus, fail, report
from tavus_mcp.cli.project_account import choose_settings, load_project_state
from tavus_mcp.cli.project_arguments import (
    account_options,
    add_environment_arguments,
    is_project_use,
)
from tavus_mcp.cli.project_output import describe_error
from tavus_mcp.cli.terminal import is_confirmed
from tavus_mcp.cli.wiring import account_credentials, journal_location, journal_path
from tavus_mcp.errors import InvalidArgument, ToolFailure
from tavus_mcp.invisible_characters import escape_invisible
from tavus_mcp.journal.author import find_author
from tavus_mcp.journal.copying import TargetInUse, copy_journal
from tavus_mcp.journal.database import DatabaseError, MissingJournal
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.location import UNUSABLE, JournalLocation
from tavus_mcp.journal.postgres_database import PostgresLocation
from tavus_mcp.journal.verification import Verification, verify_journal
from tavus_mcp.keys import BadSetting
from tavus_mcp.settings import Settings
from tavus_mcp.text import count_of, quote_foreign, quote_paths
from tavus_mcp.url_settings import parse_journal_url

if TYPE_CHECKING:
    from tavus_mcp.project.state import EnvironmentState

ALTERED, UNREADABLE = 1, 4
"""The exit statuses for a journal that was altered, and for one that is missing or unreadable."""
_ORDINARY_CELL = re.compile(r"[\w.:/+@-]*", re.ASCII)
_WRITING_ACTIONS = frozenset({"adopt", "erase", "copy"})


@dataclass(frozen=True)
class _Request:
    """What an action works on; ``text`` names an object in the journal, or is empty.

    ``state`` is that of the environment of a project, None without one. ``options`` choose that
    in an advised command.
    """

    location: JournalLocation
    settings: Settings
    text: str = ""
    state: EnvironmentState | None = None
    options: Sequence[str] = ()
    yes: bool = False

    def open_journal(self) -> JournalStore:
        """Open the journal, without an account."""
        return JournalStore.open(self.location, author=self.find_author)

    def find_object(self, journal: JournalStore, *, finds_other_ids: bool) -> JournalObject:
        """Return the object that the text names."""
        return find_journal_object(
            journal, self.text, self.state, self.options, finds_other_ids=finds_other_ids
        )

    def find_author(self) -> str:
        """Return who uses the command."""
        return find_author(self.settings.author)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "action",
        choices=("verify", *_ACTIONS, "copy"),
        help="verify: check that no entry was edited or removed; show: print the entries; adopt: "
        "assign entries of older versions, which have no account, to the account of this key; "
        "erase: remove the contents of an object's entries for good; copy: copy the file of the "
        "journal to PostgreSQL and verify the copy",
    )
    parser.add_argument(
        "object_id",
        metavar="ID",
        nargs="?",
        default="",
        help="with show and erase: a persona, or KIND/ID of a part; with --env also its name in "
        "the project",
    )
    parser.add_argument("--to", metavar="URL", help="with copy: a postgresql:// URL")
    parser.add_argument("--yes", action="store_true", help="with erase: erase without asking")
    add_environment_arguments(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the action on the journal of an environment, or that of the settings.

    Returns the exit status: ``ALTERED`` and ``UNREADABLE`` are those of this command.
    """
    is_copy = arguments.action == "copy"
    if (arguments.to is not None) != is_copy:
        return fail("Write: tavus-mcp journal copy --to URL.", ExitStatus.WRONG_USAGE)
    try:
        target_url = parse_journal_url(arguments.to) if is_copy else ""
        own = choose_settings(arguments, settings, needs_key=arguments.action == "adopt")
        is_named = arguments.object_id and is_project_use(arguments)
        state = load_project_state(arguments) if is_named else None
    except BadSetting as error:
        return fail(f"--to: {error}", ExitStatus.WRONG_USAGE)
    except (ToolFailure, OSError) as error:
        return fail(describe_error(error), status_of(error))
    if own.problems:
        return fail("\n".join(own.problems), ExitStatus.WRONG_USAGE)
    if own.read_only and arguments.action in _WRITING_ACTIONS:
        return fail(
            "nothing was changed: this is read-only (--read-only, TAVUS_MCP_READ_ONLY).",
            ExitStatus.REFUSED,
        )
    location = journal_path(own) if is_copy else journal_location(own)
    options = account_options(arguments, is_sandbox=own.sandbox)
    request = _Request(location, own, arguments.object_id, state, options, arguments.yes)
    try:
        return _run_action(arguments.action, request, target_url)
    except (MissingJournal, TargetInUse) as error:
        return fail(str(error), UNREADABLE)
    except BrokenPipeError:  # what reads the output has ended
        raise
    except DatabaseError as error:
        text = adapt_text(f"{location} cannot be used: {error}. {error.advice}")
        return fail(text, UNREADABLE)
    except (*UNUSABLE, ValueError) as error:
        return fail(f"{location} cannot be read: {error}", UNREADABLE)


def _run_action(action: str, request: _Request, target_url: str) -> int:
    location = request.location
    if action == "verify":
        return _verify(location)
    if isinstance(location, Path) and not location.exists():
        return fail(f"There is no journal at {location}.", UNREADABLE)
    if isinstance(location, Path) and action == "copy":
        return _copy(location, PostgresLocation(target_url, request.settings.data_dir))
    try:
        return _ACTIONS[action](request)
    except InvalidArgument as error:
        return fail(describe_error(error), status_of(error))


def _verify(location: JournalLocation) -> int:
    result = verify_journal(location)
    if _report_faults(result):
        return ALTERED
    erased = f" The contents of {result.erased_count} were erased." if result.erased_count else ""
    newest = f" The newest is {result.newest}." if result.newest else ""
    return report(
        f"The journal is intact: {_count_entries(result.entry_count)}, none edited, removed or "
        f"reordered since it was written.{newest}{erased} This cannot show that somebody rewrote "
        "the journal and its anchor together."
    )


def _count_entries(count: int) -> str:
    return count_of(count, "entry", "entries")


def _report_faults(result: Verification) -> bool:
    """Print the faults that were found; return whether there were any."""
    for fault in result.faults:
        report(fault, ALTERED)
    if result.faults:
        report(f"The journal was altered: {count_of(len(result.faults), 'fault')}.", ALTERED)
    return bool(result.faults)


def _copy(path: Path, target: PostgresLocation) -> int:
    if _report_faults(verify_journal(path)):
        return fail("Nothing was copied.", ALTERED)
    copied = copy_journal(path, target)
    result = verify_journal(target)
    if _report_faults(result):
        return ALTERED
    return report(
        f"Copied {_count_entries(copied)} to {target}, which now holds {result.entry_count} and "
        f"verifies. Set TAVUS_MCP_JOURNAL to its URL wherever the journal is used. What is "
        f"written to {path} "
        "from now on is not in it; run the command again to add that, before others write there."
    )


def _show(request: _Request) -> int:
    with closing(request.open_journal()) as journal:
        find_account = cache(journal.find_account)
        item = request.find_object(journal, finds_other_ids=False) if request.text else None
        is_empty = True
        for entry in item.read_entries(journal) if item else journal.entries(bodies=False):
            is_empty = False
            account = find_account(entry.account).name if entry.account else ""
            report(_format_entry(entry, account))
    return _report_nothing(item) if is_empty and item else 0


def _report_nothing(item: JournalObject) -> int:
    return fail(f"The journal holds nothing about {quote_foreign(item.text)}{item.suggestion}")


def _adopt(request: _Request) -> int:
    settings = request.settings
    if not settings.sandbox and not settings.api_key:
        return fail(
            "Set TAVUS_API_KEY: it identifies the account that the entries belong to.",
            ExitStatus.WRONG_USAGE,
        )
    credentials = account_credentials(settings)
    with closing(JournalStore.open(request.location, credentials, request.find_author)) as journal:
        objects = journal.unowned_objects()
        journal.adopt(objects)
    return report(
        f"Adopted: the entries about {count_of(len(objects), 'object')} belong to the account of "
        "this key."
        if objects
        else "Nothing to adopt: every entry belongs to an account."
    )


def _erase(request: _Request) -> int:
    if not request.text:
        return fail("Name the persona: tavus-mcp journal erase ID.", ExitStatus.WRONG_USAGE)
    with closing(request.open_journal()) as journal:
        item = request.find_object(journal, finds_other_ids=True)
        text = describe_contents(journal, item)
        if not text:
            return _report_nothing(item)
        if not request.yes:
            sys.stderr.write(escape_invisible(text) + "\n")
            if not is_confirmed("Erase this for good? Type yes:", "Nothing was erased"):
                return ExitStatus.REFUSED
        count, is_compacted = journal.erase(item.target)
        other_ids = list_other_ids(journal, item)
    report(
        f"Erased: the contents of {_count_entries(count)} about {item.describe()}. They cannot be "
        "restored. Times, tools, authors and ids stay."
    )
    for note in _list_remaining_copies(request, other_ids):
        report(note)
    if not is_compacted:
        return fail(
            "A server uses the journal, so that old copies may be left in its files. Stop the "
            "servers and run the command again."
        )
    return 0


def _list_remaining_copies(request: _Request, other_ids: list[str]) -> list[str]:
    """Return where contents of an erased object may be left."""
    notes = []
    if other_ids:
        notes.append(
            f"The same object also had the ids {', '.join(other_ids)}, whose entries are left; "
            "erase each of them, too."
        )
    if isinstance(request.location, PostgresLocation):
        notes.append(
            "Old copies may be in the write-ahead log, the replicas and the backups of PostgreSQL. "
            "Ask the person who runs the database."
        )
    if request.state is not None:
        notes.append(
            "The files of the project, its states in .tavus and their history in git are not part "
            "of the journal; remove it there too."
        )
    return notes


_ACTIONS: Mapping[str, Callable[[_Request], int]] = {
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
