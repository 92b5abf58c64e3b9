"""All checks of ``tavus-mcp doctor``, within a time limit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tavus_mcp.diagnostics import environment
from tavus_mcp.diagnostics.background import BackgroundWork
from tavus_mcp.diagnostics.check import Check, Sanitizer, Status
from tavus_mcp.diagnostics.host_entries import HostEntry, check_host_entry
from tavus_mcp.diagnostics.network import check_network
from tavus_mcp.diagnostics.storage import check_journal_verifies, check_storage
from tavus_mcp.journal.location import JournalLocation
from tavus_mcp.settings import Settings
from tavus_mcp.url_settings import find_url_passwords

_SLOW_DISK_FIX = "Try again when it is less busy; --timeout gives the check more time."


@dataclass(frozen=True)
class Installation:
    """What is checked.

    Attributes:
        settings: the settings, of the environment or of the entry of a host.
        variables: the variables that they were read from.
        key_source: what is said about the key when it is not from the environment.
        journal, sandbox_state: where they are.
        entries: the files of hosts.
        home: the home folder of the user.
    """

    settings: Settings
    variables: Mapping[str, str]
    key_source: str
    journal: JournalLocation
    sandbox_state: Path
    entries: Sequence[HostEntry]
    home: Path

    @property
    def secrets(self) -> list[str]:
        """Every secret that is known, so that none is printed."""
        settings = self.settings
        password = urlsplit(settings.proxy).password if settings.proxy else None
        found = [settings.api_key or "", password or "", *settings.secrets.values()]
        found += find_url_passwords(settings.journal_url) if settings.journal_url else []
        found += [value for entry in self.entries for value in entry.literal_secrets.values()]
        return [secret for secret in found if secret]


def collect_checks(installation: Installation, seconds: float) -> list[Check]:
    """Run every check, which takes at most about so many seconds; the texts are safe to publish."""
    ends_at = time.monotonic() + seconds
    settings = installation.settings
    journal = installation.journal
    verification = BackgroundWork(lambda: [check_journal_verifies(journal)])
    storage = BackgroundWork(lambda: check_storage(settings, journal, installation.sandbox_state))
    variables = installation.variables
    checks = [
        environment.check_python(),
        environment.check_versions(),
        environment.check_settings(settings),
        environment.check_key_present(settings, variables, installation.key_source),
        environment.check_key_format(settings),
        *environment.iterate_network_settings(settings, variables),
        *check_network(settings, seconds),
        environment.check_account(settings),
    ]
    stored = storage.result(ends_at - time.monotonic()) or _describe_slow_disk(
        "data_folder", "journal_opens", "sandbox_state"
    )
    verified = verification.result(ends_at - time.monotonic()) or _describe_slow_disk(
        "journal_verifies"
    )
    checks += [*stored[:2], *verified, *stored[2:]]
    checks += [environment.check_extras(), environment.check_secrets(settings)]
    secrets = installation.secrets
    checks += [check_host_entry(entry, variables, secrets) for entry in installation.entries]
    sanitizer = Sanitizer(installation.home, secrets)
    return [sanitizer.clean_check(check) for check in checks]


def _describe_slow_disk(*names: str) -> list[Check]:
    detail = "it could not be read within the time limit: the disk or the database is slow."
    return [Check(name, Status.WARNING, detail, _SLOW_DISK_FIX) for name in names]
