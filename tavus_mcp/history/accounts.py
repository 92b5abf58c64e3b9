"""Refuse what concerns another account: its personas' revisions, and its plans."""

from __future__ import annotations

from tavus_mcp.app import App
from tavus_mcp.errors import Refused
from tavus_mcp.journal.accounts import Account
from tavus_mcp.journal.entry import JournalEntry


async def require_own_persona(app: App, persona_id: str) -> None:
    """Raise ``Refused`` if the journal holds a persona's history for another account only."""
    account = await app.journal.foreign_account(persona_id)
    if account is not None:
        raise Refused(_refusal(f"Persona {persona_id!r}", account))


async def require_own_plan(app: App, entry: JournalEntry) -> None:
    """Raise ``Refused`` if a plan was made for another account."""
    account = await app.journal.foreign_account_of(entry)
    if account is not None:
        raise Refused(_refusal("This plan", account))


def _refusal(subject: str, account: Account) -> str:
    if not account.base_url:
        return (
            f"{subject} was recorded by an older version of tavus-mcp, which did not record the "
            "account, and this server's key does not show whose it is. Nothing was sent. If it "
            "belongs to this account, the person who runs the server can say so with the command "
            "tavus-mcp journal adopt."
        )
    return (
        f"{subject} belongs to another account, {account.name}, in this journal. Nothing was sent. "
        "Use a server that has the key of that account."
    )
