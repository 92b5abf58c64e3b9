"""A check, its status, and what makes its texts safe to publish."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from tavus_mcp.models.masking import Masker

_MIN_USER_NAME_CHARS = 3


class Status(StrEnum):
    """The outcome of a check.

    ``OK``: it works. ``WARNING``: it works, but a person should look at it. ``ERROR``: something
    does not work. ``SKIPPED``: it does not apply here, or could not be checked.
    """

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


WORST_FIRST = (Status.ERROR, Status.WARNING, Status.OK, Status.SKIPPED)


@dataclass(frozen=True)
class Check:
    """One check: a stable name, what was found, and how to correct it (empty if nothing is)."""

    name: str
    status: Status
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class Finding:
    """A part of a check that has several."""

    status: Status
    detail: str
    fix: str = ""


def merge_findings(name: str, findings: Sequence[Finding], detail: str) -> Check:
    """Return one check for several findings; ``detail`` is what is said before them."""
    status = next((item for item in WORST_FIRST if item in [it.status for it in findings]), None)
    fixes = list(dict.fromkeys(finding.fix for finding in findings if finding.fix))
    details = [detail, *(finding.detail for finding in findings)]
    return Check(name, status or Status.OK, " ".join(filter(None, details)), " ".join(fixes))


class Sanitizer:
    """Removes secrets, the home folder and the name of the user from texts."""

    def __init__(self, home: Path, secrets: Iterable[str]) -> None:
        self._masker = Masker(secrets)
        homes = {str(home), str(home.resolve())} - {"/"}
        spellings = {spelling for path in homes for spelling in (path, path.replace("\\", "\\\\"))}
        longest_first = sorted(map(re.escape, spellings), key=len, reverse=True)
        self._home = re.compile(rf"(?:{'|'.join(longest_first)})(?![\w.-])") if homes else None
        self._user = re.compile("|".join(_iterate_user_patterns()))

    def clean(self, text: str) -> str:
        """Return the text without what must not be published."""
        if self._home:
            text = self._home.sub("~", text)
        if self._user.pattern:
            text = self._user.sub("USER", text)
        return self._masker.mask_text(text)

    def clean_check(self, check: Check) -> Check:
        """Return the check with clean texts."""
        return replace(check, detail=self.clean(check.detail), fix=self.clean(check.fix))


def _iterate_user_patterns() -> Iterator[str]:
    """Yield a pattern for the name of the user as a part of a path."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without an entry, as in some containers
        return
    if len(name) >= _MIN_USER_NAME_CHARS:
        yield rf"(?<=[/\\]){re.escape(name)}(?=[/\\]|$|[^\w.-])"
