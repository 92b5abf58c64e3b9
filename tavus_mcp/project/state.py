"""The state of one environment: ``.tavus/ENVIRONMENT.json``, which is committed with the files.

For each object it holds the id in the account and the merge base. It holds no key and no secret:
secrets are masked before they get here. It is replaced completely or not at all.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject, is_id
from tavus_mcp.models.json_patch import Operation, PatchError, apply_patch, diff
from tavus_mcp.persona_files.file_writing import write_file
from tavus_mcp.project.folder import STATE_FOLDER
from tavus_mcp.project.kinds import ObjectName
from tavus_mcp.project.merge import MergeBase
from tavus_mcp.text import quote_foreign

STATE_VERSION = 1
_CONFLICT_MARK = re.compile(r"^(?:<{7}|={7}|>{7})", re.MULTILINE)
LOCAL_FOLDER = "local"
"""The folder beside the states for what belongs to one machine: sandboxes and locks."""
_FOLDER_ID = "folder-id"


@dataclass(frozen=True)
class ObjectState:
    """What is known of an object in one account.

    ``is_created`` says that this project created it, so that ``--prune`` may delete it. ``digest``
    is that of the object in the account at the last sync.
    """

    object_id: str
    base: MergeBase = field(default_factory=MergeBase)
    digest: str = ""
    is_created: bool = False


@dataclass(frozen=True)
class EnvironmentState:
    """The objects of an environment by name; ``run`` is the id of an apply that did not end.

    ``account`` is the account that holds them (``Environment.account``), empty if it is not known.
    ``state_id`` distinguishes the state from those of other projects in one journal.
    """

    environment: str
    objects: Mapping[ObjectName, ObjectState] = field(default_factory=dict)
    run: str = ""
    account: str = ""
    state_id: str = field(default_factory=lambda: secrets.token_hex(4))

    def find_name(self, folder: str, object_id: str) -> ObjectName | None:
        """Return the name of the object of a kind that has an id, or None."""
        found = (
            name
            for name, item in self.objects.items()
            if item.object_id == object_id and name.folder == folder
        )
        return next(found, None)

    def renamed(self, old: ObjectName, new: ObjectName) -> EnvironmentState:
        """Return the state with an object under a new name."""
        return self.with_object(old, None).with_object(new, self.objects[old])

    def with_object(self, name: ObjectName, item: ObjectState | None) -> EnvironmentState:
        """Return the state with an object set, or with None without it."""
        objects = {key: value for key, value in self.objects.items() if key != name}
        return replace(self, objects=objects if item is None else {**objects, name: item})


def state_path(folder: Path, environment: str) -> Path:
    """Return the path of the state of an environment."""
    return folder / STATE_FOLDER / f"{environment}.json"


def local_folder(folder: Path) -> Path:
    """Return the folder for what belongs to this machine, which git ignores; it is created."""
    local = folder / STATE_FOLDER / LOCAL_FOLDER
    local.mkdir(parents=True, exist_ok=True)
    ignored = folder / STATE_FOLDER / ".gitignore"
    if not ignored.exists():
        write_file(ignored, f"{LOCAL_FOLDER}/\n")
    return local


def load_folder_id(folder: Path) -> str:
    """Return the id of this folder on this machine, which a clone does not share; made once."""
    path = local_folder(folder) / _FOLDER_ID
    if not path.exists():
        write_file(path, secrets.token_hex(8))
    return path.read_text(encoding="utf-8")


def load_state(folder: Path, environment: str) -> EnvironmentState:
    """Read the state of an environment; an empty one if there is no file yet.

    Raises ``InvalidArgument`` when the file cannot be read or was written by a newer version.
    """
    path = state_path(folder, environment)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return EnvironmentState(environment)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error)) from None
    if mark := _CONFLICT_MARK.search(text):
        line = text.count("\n", 0, mark.start()) + 1
        raise _unreadable(
            path,
            f"line {line} is a mark of a conflict of git. Choose one side of the whole file (git "
            "checkout --ours or --theirs FILE); what only the other side knew, tavus-mcp pull "
            "finds by name",
        )
    try:
        return _parse_state(environment, json.loads(text, object_pairs_hook=_without_duplicates))
    except (ValueError, TypeError, KeyError, AttributeError, PatchError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise _unreadable(path, reason) from None


def save_state(folder: Path, state: EnvironmentState) -> None:
    """Write the state of an environment; raise ``OSError`` when that fails."""
    path = state_path(folder, state.environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = render_state(state)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_file(path, text)


def render_state(state: EnvironmentState) -> str:
    """Return the text of a state; equal states give equal texts."""
    data: JsonObject = {
        "version": STATE_VERSION,
        "environment": state.environment,
        **({"account": state.account} if state.account else {}),
        "state": state.state_id,
        **({"run": state.run} if state.run else {}),
        "objects": {
            str(name): render_object(state.objects[name])
            for name in sorted(state.objects, key=lambda item: item.sort_key)
        },
    }
    return json.dumps(data, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def render_object(item: ObjectState) -> JsonObject:
    """Return what a state holds of an object, for JSON."""
    file, account = _sorted(item.base.file), _sorted(item.base.account)
    differences = [operation.to_json() for operation in diff(file, account)]
    return {
        "id": item.object_id,
        **({"created": True} if item.is_created else {}),
        "digest": item.digest,
        "base": file,
        **({"account": differences} if differences else {}),
    }


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _parse_state(environment: str, data: JsonObject) -> EnvironmentState:
    if data["version"] != STATE_VERSION:
        raise ValueError(
            f"it has version {data['version']}, and this program reads {STATE_VERSION}"
        )
    if data["environment"] != environment:
        name = quote_foreign(data["environment"])
        raise ValueError(f"it is the state of environment {name}; was it copied?")
    objects = {ObjectName.parse(name): parse_object(item) for name, item in data["objects"].items()}
    names: dict[tuple[str, str], ObjectName] = {}
    for own_name, item in objects.items():
        first = names.setdefault((own_name.folder, item.object_id), own_name)
        if first != own_name:
            raise ValueError(f"{first} and {own_name} have the same id, {item.object_id}")
    run, account = str(data.get("run", "")), str(data.get("account", ""))
    return EnvironmentState(environment, objects, run, account, str(data["state"]))


def _without_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    """Return the members of an object; raise ``ValueError`` if one stands there twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{quote_foreign(name)} stands there twice")
    return members


def parse_object(item: JsonObject) -> ObjectState:
    """Return what ``render_object`` gives the JSON of; raise ``ValueError`` and others if wrong."""
    if not is_id(item["id"]):
        raise ValueError(f"{quote_foreign(item['id'])} is not an id")
    differences = [
        Operation(**{("source" if key == "from" else key): value for key, value in row.items()})
        for row in item.get("account", [])
    ]
    base: JsonObject = item["base"]
    account = apply_patch(base, differences) if differences else base
    if not isinstance(base, dict) or not isinstance(account, dict):
        raise ValueError(f"the base of {item['id']} is no object")  # noqa: TRY004 - of a file
    return ObjectState(
        item["id"],
        MergeBase(base, account),
        str(item["digest"]),
        is_created=item.get("created") is True,
    )


def _unreadable(path: Path, reason: str) -> InvalidArgument:
    return InvalidArgument(
        [
            f"{path}: the state of this environment cannot be read: {reason}. Take the file from "
            "git again; without it, tavus-mcp pull finds objects by name. Nothing was sent."
        ]
    )
