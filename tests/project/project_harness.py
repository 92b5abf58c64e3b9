"""Projects on sandboxes in memory: files, accounts, and kills at any moment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio
from killing_transport import Intercept, KillingTransport, surviving_kill
from mcp_client import SECRET

from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.journal.accounts import Credentials
from tavus_mcp.journal.journal import Journal
from tavus_mcp.journal.location import JournalLocation
from tavus_mcp.models.masking import Masker
from tavus_mcp.project.apply import ApplyResult
from tavus_mcp.project.compare import Comparison
from tavus_mcp.project.plan import PlanOptions, ProjectPlan
from tavus_mcp.project.pull import PulledObject, PullOptions
from tavus_mcp.project.session import ProjectSession, open_session
from tavus_mcp.project.undo import UndoResult
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches
from tavus_mcp.tavus_api.client import TavusApi

T = TypeVar("T")
CONFIGURATION = """\
[environments.staging]
api_key_env = "STAGING_KEY"
values = { replica = "rfe12d8b9597" }
secrets = { openai = "STAGING_OPENAI" }

[environments.production]
api_key_env = "PRODUCTION_KEY"
values = { replica = "rfe12d8b9597" }
secrets = { openai = "PRODUCTION_OPENAI" }
"""
ADA = "persona_name: Ada\nsystem_prompt: You help people.\ndefault_replica_id: {value: replica}\n"
ADA_NAME = "personas/ada"
ADA_PROMPT_FILE = "prompts/ada.md"
ADA_WITH_FILE = ADA.replace("You help people.", "{file: ../prompts/ada.md}")
BOOKING_TOOL = """\
name: book
description: Books a table.
delivery:
  api:
    url: https://example.com/book
    auth: {type: bearer, token: "{secret:openai}"}
"""
VOLATILE = ("created_at", "updated_at", "owner_id", "words")
ID_FIELDS = (
    "persona_id",
    "tool_id",
    "document_id",
    "objectives_id",
    "guardrails_id",
    "pronunciation_dictionary_id",
    "uuid",
)
STORED_KINDS = ("persona", "tool", "document", "objectives", "guardrail", "dictionary")
"""The kinds of the sandbox's store that a project knows."""


@dataclass
class Account:
    """A sandbox with a journal: what an environment of a project points to."""

    environment: str
    store: Store
    journal_path: JournalLocation
    is_protected: bool = False
    switches: Switches = field(default_factory=Switches)
    failure: tuple[str, bool] = ("", False)
    intercept: Intercept = lambda _: None
    secrets: dict[str, str] = field(default_factory=lambda: {"openai": SECRET})

    def documents(self, kind: str = "persona") -> list[dict[str, Any]]:
        """Return the objects of a kind without ids and times, in the order of their names."""
        found = [
            {
                key: value
                for key, value in document.items()
                if key not in VOLATILE and key not in ID_FIELDS
            }
            for document in self.user_objects(kind)
        ]
        return sorted(found, key=lambda item: str(item.get("persona_name") or item.get("name")))

    def ids(self, kind: str = "persona") -> list[str]:
        """Return the ids of the objects of a kind."""
        return [
            next(str(document[key]) for key in ID_FIELDS if key in document)
            for document in self.user_objects(kind)
        ]

    def user_objects(self, kind: str = "persona") -> list[dict[str, Any]]:
        """Return the objects of a kind that are not Tavus's own."""
        return [
            row
            for row in self.store.all(kind)
            if row.get("persona_type") != "system" and not row.get("is_system_tool")
        ]


@dataclass
class ProjectFolder:
    """The folder of a project, and two accounts that it is applied to."""

    folder: Path
    accounts: dict[str, Account]
    transport: KillingTransport | None = None

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return (self.folder / path).read_text(encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        text = self.read(path)
        assert old in text, text
        self.write(path, text.replace(old, new))

    def files(self) -> dict[str, str]:
        """Return every file that people write."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and ".tavus" not in path.parts
        }

    def state_text(self, environment: str = "staging") -> str | None:
        """Return the text of the state of an environment, None if there is none."""
        path = self.folder / ".tavus" / f"{environment}.json"
        return path.read_text(encoding="utf-8") if path.exists() else None

    def state_ids(self, environment: str = "staging") -> dict[str, str]:
        """Return the id of each object of the state."""
        objects = json.loads(self.state_text(environment) or "{}").get("objects", {})
        return {name: item["id"] for name, item in objects.items()}

    def contents(self, environment: str = "staging") -> dict[str, dict[str, Any]]:
        """Return every object of an account by its name in the project, with names for ids.

        Those that the project does not know are left out.
        """
        account, ids = self.accounts[environment], self.state_ids(environment)
        rows = {
            object_id: row
            for kind in STORED_KINDS
            for object_id, row in zip(account.ids(kind), account.user_objects(kind), strict=True)
        }
        found = {name: rows[object_id] for name, object_id in ids.items() if object_id in rows}
        text = json.dumps(found)
        for name, object_id in ids.items():
            text = text.replace(f'"{object_id}"', f'"{name}"')
        return {
            name: {
                key: value
                for key, value in row.items()
                if key not in VOLATILE
                and key not in (ID_FIELDS[:1] if name.startswith("personas/") else ID_FIELDS)
            }
            for name, row in json.loads(text).items()
        }

    def count_objects(self, environment: str = "staging") -> int:
        """Return how many objects an account has."""
        return sum(len(self.accounts[environment].ids(kind)) for kind in STORED_KINDS)

    def agents(self, environment: str = "staging") -> list[dict[str, Any]]:
        """Return the personas of an account with names in place of the ids of parts."""
        text = json.dumps(self.accounts[environment].documents())
        for name, object_id in self.state_ids(environment).items():
            text = text.replace(f'"{object_id}"', f'"{name}"')
        return list(json.loads(text))

    def run(
        self,
        work: Callable[[ProjectSession], Awaitable[T]],
        environment: str = "staging",
        moment: int = -1,
    ) -> T:
        """Run work with a session of its own, as a command does; it may be killed at a moment."""
        account = self.accounts[environment]
        self.transport = KillingTransport(
            account.store,
            moment,
            account.switches,
            failure=account.failure,
            intercept=account.intercept,
        )
        return anyio.run(self._run, work, account, self.transport)

    async def _run(
        self,
        work: Callable[[ProjectSession], Awaitable[T]],
        account: Account,
        transport: KillingTransport,
    ) -> T:
        key = f"key-{account.environment}"
        api = TavusApi("http://127.0.0.1/v2", key, transport=lambda: transport)
        app = App(
            api,
            load_catalog(),
            Journal(account.journal_path, Credentials("http://127.0.0.1/v2", key)),
            Masker(account.secrets.values()),
            account.secrets,
            {"openai": f"{account.environment.upper()}_OPENAI"},
            protected=account.is_protected,
        )
        async with aclosing(app):
            return await work(open_session(app, self.folder, account.environment))

    @property
    def requests(self) -> list[str]:
        """Return the requests of the last command."""
        assert self.transport is not None
        return self.transport.lines

    @property
    def carried_out(self) -> list[str]:
        """Return the writes of the last command that took effect."""
        assert self.transport is not None
        return self.transport.carried_out

    @property
    def writes(self) -> list[str]:
        """Return the requests of the last command that are not reads."""
        assert self.transport is not None
        return self.transport.writes

    def compare(self, environment: str = "staging") -> Comparison:
        """Compare the files with an account."""
        return self.run(lambda session: session.compare(ignore), environment)

    def statuses(self, environment: str = "staging") -> dict[str, str]:
        """Return the status of each object."""
        found = self.compare(environment).objects
        return {str(name): item.status.value for name, item in found.items()}

    def plan(self, environment: str = "staging", **options: Any) -> ProjectPlan:
        """Return the plan."""

        async def work(session: ProjectSession) -> ProjectPlan:
            return (await session.plan(PlanOptions(**options), ignore)).plan

        return self.run(work, environment)

    def apply(self, environment: str = "staging", moment: int = -1, **options: Any) -> ApplyResult:
        """Plan and apply; it may be killed at a moment."""

        async def work(session: ProjectSession) -> ApplyResult:
            chosen = PlanOptions(**options)
            planned = await session.plan(chosen, ignore)
            return await session.apply(planned, chosen, ignore)

        return self.run(work, environment, moment)

    def apply_successfully(self, environment: str = "staging", **options: Any) -> ApplyResult:
        """Apply without an error."""
        result = self.apply(environment, **options)
        assert result.errors == [], result.errors
        assert result.remaining_count == 0
        return result

    def kill_apply(self, moment: int, environment: str = "staging", **options: Any) -> bool:
        """Kill an apply at a moment; return False if it ended before."""

        async def work(session: ProjectSession) -> None:
            chosen = PlanOptions(**options)
            planned = await session.plan(chosen, ignore)
            await session.apply(planned, chosen, ignore)

        return self.kill(work, moment, environment)

    def kill(
        self,
        work: Callable[[ProjectSession], Awaitable[object]],
        moment: int,
        environment: str = "staging",
    ) -> bool:
        """Kill work at a moment; return False if it ended before.

        The state stays as it was at that moment: a killed process writes nothing any more.
        """
        state_at_kill: list[str | None] = []
        ended: list[bool] = []
        account = self.accounts[environment]
        self.transport = KillingTransport(
            account.store,
            moment,
            account.switches,
            lambda: state_at_kill.append(self.state_text(environment)),
        )
        with surviving_kill(ended):
            anyio.run(self._run, work, account, self.transport)
        if not ended:
            return False
        path = self.folder / ".tavus" / f"{environment}.json"
        if state_at_kill[0] is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(state_at_kill[0], encoding="utf-8")
        return True

    def pull(self, environment: str = "staging", **options: Any) -> list[PulledObject]:
        """Pull."""

        async def work(session: ProjectSession) -> Sequence[PulledObject]:
            return (await session.pull(PullOptions(**options), ignore)).objects

        return list(self.run(work, environment))

    def undo(self, environment: str = "staging", run_id: str = "") -> UndoResult:
        """Undo a run, by default the newest one."""

        async def work(session: ProjectSession) -> UndoResult:
            return await session.undo(await session.choose_run(run_id), ignore)

        return self.run(work, environment)

    def kill_undo(self, moment: int, environment: str = "staging") -> bool:
        """Kill the undo of the newest run at a moment; return False if it ended before."""

        async def work(session: ProjectSession) -> None:
            await session.undo(await session.choose_run(), ignore)

        return self.kill(work, moment, environment)

    def copy(self, folder: Path) -> ProjectFolder:
        """Return a clone of the folder on another machine, for the same accounts and journal."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("local"))
        return ProjectFolder(folder, self.accounts)

    def edit_remotely(self, environment: str = "staging", number: int = 0, **fields: Any) -> str:
        """Change fields of a persona in the account, as a colleague does in the dashboard."""
        account = self.accounts[environment]
        document = account.user_objects()[number]
        persona_id = str(document["persona_id"])
        account.store.put("persona", persona_id, {**document, **fields})
        return persona_id

    def delete_remotely(self, persona_id: str, environment: str = "staging") -> None:
        """Delete a persona in the account."""
        self.accounts[environment].store.remove("persona", persona_id)


async def ignore(*_: object) -> None:
    """Report no progress."""


def build_folder(folder: Path, configuration: str = CONFIGURATION) -> ProjectFolder:
    """Return the folder of a project with two empty accounts."""
    accounts = {
        name: Account(name, Store.open(None), folder / "journals" / f"{name}.sqlite3")
        for name in ("staging", "production")
    }
    project = ProjectFolder(folder / "project", accounts)
    project.write("tavus.toml", configuration)
    return project
