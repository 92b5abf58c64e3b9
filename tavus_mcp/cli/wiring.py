"""Putting an ``App`` together from the settings, and where its files are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.errors import InvalidSettings
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.journal.author import find_author
from tavus_mcp.journal.journal import Journal
from tavus_mcp.journal.location import JournalLocation
from tavus_mcp.journal.postgres_database import PostgresLocation
from tavus_mcp.keys import MIN_SECRET_CHARS, without_bearer
from tavus_mcp.models.masking import Masker, is_maskable
from tavus_mcp.settings import Settings, unusable_folder
from tavus_mcp.tavus_api.client import TavusApi
from tavus_mcp.text import quote_foreign
from tavus_mcp.url_settings import find_url_passwords

SANDBOX_STATE_FILE_NAME = "sandbox.sqlite3"
JOURNAL_FILE_NAME = "journal.sqlite3"
SANDBOX_JOURNAL_FILE_NAME = "sandbox-journal.sqlite3"


def build_app(settings: Settings) -> App:
    """Return the ``App`` for the account, or the embedded sandbox, that the settings name."""
    stand_ins = {name: f"sandbox-secret-{name}" for name in settings.secrets}
    if settings.sandbox:
        replacements = {
            value: stand_ins[name] for name, value in settings.secrets.items() if is_maskable(value)
        }
        api = _build_sandbox_api(settings, replacements)
    else:
        api = TavusApi(settings.base_url, settings.api_key, proxy=settings.proxy)
    journal = Journal(journal_location(settings), account_credentials(settings))
    journal.author = partial(find_author, settings.author)
    return App(
        api,
        load_catalog(),
        journal,
        build_masker(settings),
        # the sandbox writes what it is sent to a file, so it never gets a secret
        stand_ins if settings.sandbox else settings.secrets,
        secret_variables=settings.secret_variables,
        secret_hosts=settings.secret_hosts,
        problems=settings.problems,
        is_sandbox=settings.sandbox,
        protected=settings.protected,
    )


def build_masker(settings: Settings) -> Masker:
    """Return the masker that knows every secret of the settings."""
    secrets = [key for value in settings.secrets.values() for key in (value, without_bearer(value))]
    urls = [url for url in (settings.proxy, settings.journal_url) if url]
    passwords = [password for url in urls for password in find_url_passwords(url)]
    keys = [settings.api_key, *passwords, *secrets, *_path_secrets(settings.base_url)]
    keys += settings.other_keys
    return Masker(key for key in keys if key)


def account_credentials(settings: Settings) -> Credentials:
    """Return what the account that the settings name is recognised by in the journal."""
    label = settings.account_label
    if settings.sandbox:
        return Credentials("sandbox", "sandbox", label, has_own_journal=True)
    base_url = Masker(_path_secrets(settings.base_url)).mask_text(settings.base_url)
    return Credentials(base_url, settings.api_key or "", label)


def _path_secrets(base_url: str) -> list[str]:
    """Return the parts of the path of a base URL that may be a key, as a gateway has them."""
    parts = urlsplit(base_url).path.split("/")
    return [part for part in parts if len(part) >= MIN_SECRET_CHARS and not part.isalpha()]


def _build_sandbox_api(settings: Settings, replacements: Mapping[str, str]) -> TavusApi:
    def transport() -> httpx2.AsyncBaseTransport:
        from tavus_mcp.sandbox.app import SandboxTransport  # only when it is used: 60 ms

        path = sandbox_state_path(settings)
        try:
            return _ReplacingTransport(SandboxTransport(path), replacements)
        except OSError:
            reason = str(unusable_folder(path.parent))
        except sqlite3.Error as error:
            reason = (
                f"the state of the sandbox in {quote_foreign(path, 200)} cannot be used "
                f"({quote_foreign(error)}). Make the file writable, or move it away to begin anew."
            )
        raise InvalidSettings([reason[0].upper() + reason[1:]])

    return TavusApi("http://127.0.0.1/v2", "sandbox", transport=transport)


class _ReplacingTransport(httpx2.AsyncBaseTransport):
    """Replaces secrets in requests, also where somebody wrote one into a text."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, replacements: Mapping[str, str]
    ) -> None:
        self._transport = transport
        self._replacements = [
            (json.dumps(value)[1:-1].encode(), stand_in.encode())
            for value, stand_in in replacements.items()
        ]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = replaced = await request.aread()
        for value, stand_in in self._replacements:
            replaced = replaced.replace(value, stand_in)
        if replaced != content:
            headers = {**request.headers, "content-length": str(len(replaced))}
            request = httpx2.Request(
                request.method,
                request.url,
                headers=headers,
                content=replaced,
                extensions=request.extensions,
            )
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


def journal_location(settings: Settings) -> JournalLocation:
    """Return where the journal is; the embedded sandbox always has a file of its own."""
    if settings.journal_url and not settings.sandbox:
        return PostgresLocation(settings.journal_url, settings.data_dir)
    return journal_path(settings)


def journal_path(settings: Settings) -> Path:
    """Return the file of the journal of the account, or of that of the sandbox."""
    name = SANDBOX_JOURNAL_FILE_NAME if settings.sandbox else JOURNAL_FILE_NAME
    return settings.data_dir / name


def sandbox_state_path(settings: Settings) -> Path:
    """Return the database of the embedded sandbox."""
    return settings.data_dir / SANDBOX_STATE_FILE_NAME
