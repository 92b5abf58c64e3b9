"""Putting an ``App`` together from the settings, and where its files are."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.journal.author import find_author
from tavus_mcp.journal.journal import Journal
from tavus_mcp.models.masking import Masker
from tavus_mcp.settings import Settings, without_bearer
from tavus_mcp.tavus_api.client import TavusApi

SANDBOX_STATE_FILE_NAME = "sandbox.sqlite3"
JOURNAL_FILE_NAME = "journal.sqlite3"
SANDBOX_JOURNAL_FILE_NAME = "sandbox-journal.sqlite3"


def build_app(settings: Settings) -> App:
    """Return the ``App`` for the account, or the embedded sandbox, that the settings name."""
    proxy_password = urlsplit(settings.proxy).password if settings.proxy else None
    secrets = [key for value in settings.secrets.values() for key in (value, without_bearer(value))]
    keys = [settings.api_key, proxy_password, *secrets]
    masker = Masker(key for key in keys if key)
    if settings.sandbox:
        api = _build_sandbox_api(settings)
    else:
        api = TavusApi(settings.base_url, settings.api_key, proxy=settings.proxy)
    journal = Journal(journal_path(settings), account_credentials(settings))
    journal.author = partial(find_author, settings.author)
    return App(
        api,
        load_catalog(),
        journal,
        masker,
        settings.secrets,
        problems=settings.problems,
        is_sandbox=settings.sandbox,
        protected=settings.protected,
    )


def account_credentials(settings: Settings) -> Credentials:
    """Return what the account that the settings name is recognised by in the journal."""
    label = settings.account_label
    if settings.sandbox:
        return Credentials("sandbox", "sandbox", label, has_own_journal=True)
    return Credentials(settings.base_url, settings.api_key or "", label)


def _build_sandbox_api(settings: Settings) -> TavusApi:
    def transport() -> httpx2.AsyncBaseTransport:
        from tavus_mcp.sandbox.transport import SandboxTransport  # only when it is used: 60 ms

        return SandboxTransport(sandbox_state_path(settings))

    return TavusApi("http://127.0.0.1/v2", "sandbox", transport=transport)


def journal_path(settings: Settings) -> Path:
    """Return the journal of the account, or that of the sandbox."""
    name = SANDBOX_JOURNAL_FILE_NAME if settings.sandbox else JOURNAL_FILE_NAME
    return settings.data_dir / name


def sandbox_state_path(settings: Settings) -> Path:
    """Return the database of the embedded sandbox."""
    return settings.data_dir / SANDBOX_STATE_FILE_NAME
