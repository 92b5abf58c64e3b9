"""Delete a part, always by a plan that names the personas that use it and what is lost."""

from __future__ import annotations

from tavus_mcp import concurrency
from tavus_mcp.app import App
from tavus_mcp.errors import Refused, TavusError
from tavus_mcp.fleet.selection import read_persona
from tavus_mcp.models.document import PartKindName
from tavus_mcp.models.findings import RuleFinding, warning
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.models.receipt import PartReceipt
from tavus_mcp.parts.kinds import KINDS, PartKind
from tavus_mcp.parts.read import read_part
from tavus_mcp.parts.users import PartUser, PartUsers, describe_users, find_use, part_ids
from tavus_mcp.personas import delete, plans
from tavus_mcp.personas.conflicts import require_revision
from tavus_mcp.personas.delete import CONFIRMATION_REQUIRED, DeleteRequest

IDS = "ids"
"""The member of a plan that holds the id of the part, and those of a set's members; stored."""
USERS = "users"
"""The member of a plan and of a deletion's journal entries that lists the personas; stored."""
TOOL = "delete_part"


async def read_deletable(
    app: App, kind: PartKindName, object_id: str, if_revision: str | None
) -> PartDocument:
    """Return a part that can be deleted.

    Raises ``Conflict`` when it is not at ``if_revision``, ``Refused`` for what cannot be deleted.
    """
    document = await read_part(app, kind, object_id)
    await require_revision(app, document, if_revision)
    if document.data.get("is_system_tool") is True:
        raise Refused("Tools of Tavus itself cannot be deleted. Nothing was sent.")
    return document


async def plan_deletion(app: App, document: PartDocument, found: PartUsers) -> PartReceipt:
    """Return a plan to delete a part: who uses it, and what an undo cannot bring back."""
    kind = document.kind
    rows = [user.to_json() for user in found.users]
    plan = plans.build_deletion_plan(document, TOOL, **{USERS: rows, IDS: part_ids(document)})
    findings = [
        CONFIRMATION_REQUIRED,
        *describe_users(KINDS[kind], found),
        loss_finding(app, KINDS[kind], document),
    ]
    receipt = await delete.store_deletion_plan(app, plan, document, findings)
    return PartReceipt(**dict(receipt))


def loss_finding(app: App, kind: PartKind, document: PartDocument) -> RuleFinding:
    """Return the finding that says what of a part cannot be restored once it is deleted."""
    stored = app.masker.mask_with_paths(document.writable_fields())
    masked = [path for path in kind.secret_pointers if document.at(path)]
    secrets = dict.fromkeys([*masked, *_secret_places(stored.paths)])
    lost = [
        "its id" if len(part_ids(document)) == 1 else "its id and those of its members",
        *secrets,
    ]
    sentences = [f"After the deletion {' and '.join(lost)} cannot be restored.", *kind.lost]
    sentences.append("Deployments and programs that hold its id keep the old one.")
    if "/delivery/api/auth" in secrets:
        sentences.append("Its credentials have to be given again.")
    return warning(
        "lost-for-good",
        " ".join(sentences),
        hint="restore_revision creates the rest again under a new id, and repairs these personas.",
    )


def _secret_places(paths: tuple[str, ...]) -> list[str]:
    """Return the masked places, the credentials of a tool as one."""
    auth = ("delivery", "api", "auth")
    return ["/delivery/api/auth" if pointer_tokens(path)[:3] == auth else path for path in paths]


async def build_deletion(app: App, plan: plans.Plan) -> DeleteRequest:
    """Return the deletion that a plan stands for, with how its personas use the part by now."""
    kind = KINDS[plan.object_kind]  # type: ignore[index]  # the plan is of a part
    users = [PartUser.from_json(row) for row in plan.detail.get(USERS, ())]
    current = await refresh_users(app, kind, plan.detail[IDS], users)
    return DeleteRequest(
        plan.object_id,
        plan.revision,
        plan,
        kind.endpoint,
        {USERS: [user.to_json() for user in current]},
    )


async def refresh_users(
    app: App, kind: PartKind, ids: list[str], users: list[PartUser]
) -> list[PartUser]:
    """Return how these personas use a part now; one that cannot be read stays as it was."""
    current: dict[str, PartUser | None] = {}

    async def refresh(user: PartUser) -> None:
        persona = await read_persona(app, user.persona_id)
        if isinstance(persona, TavusError):
            current[user.persona_id] = user
        else:
            current[user.persona_id] = find_use(app, kind, ids, persona)

    await concurrency.for_each(users, refresh)
    return [item for user in users if (item := current[user.persona_id]) is not None]
