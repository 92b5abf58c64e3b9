"""Make a folder a project: write ``tavus.toml``, and take over exported persona files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tavus_mcp.errors import Refused
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.persona import Persona
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.persona_files.file_writing import write_file
from tavus_mcp.persona_files.persona_file import HEADER_COMMENT, PersonaFile, parse_persona_file
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.project.configuration import FILE_NAME, Environment
from tavus_mcp.project.file_update import choose_name
from tavus_mcp.project.folder import iter_yaml_files, read_file
from tavus_mcp.project.kinds import PERSONA, ObjectName
from tavus_mcp.project.names import with_names
from tavus_mcp.project.secret_names import iter_secret_names
from tavus_mcp.project.state import EnvironmentState, ObjectState, local_folder, save_state
from tavus_mcp.url_settings import DEFAULT_BASE_URL

README_NAME = "README.md"
_README = """\
# Tavus agents

The personas of this folder, and the tools, objectives, guardrails, documents and pronunciation
dictionaries that they use, are applied to Tavus with `tavus-mcp`.

```
tavus-mcp validate          # checks the files
tavus-mcp plan --env {env}     # shows what an apply would do
tavus-mcp apply --env {env}    # does it
tavus-mcp pull --env {env}     # takes over what was changed in the dashboard
tavus-mcp undo --env {env}     # takes back the last apply
```

`tavus.toml` lists the environments; it names variables that hold keys, and holds no key itself.
`.tavus/` holds the ids and the last synced state of each environment. Commit both, and the state
again after each apply, pull and undo.
"""


@dataclass(frozen=True)
class ExportedFile:
    """A persona file that ``export`` wrote, at its path, with the name that it gets."""

    path: Path
    name: ObjectName
    file: PersonaFile
    text: str


@dataclass(frozen=True)
class InitializedProject:
    """What was written: the paths, and the files that were taken over with their new ones."""

    written: Sequence[str]
    adopted: Mapping[str, str] = field(default_factory=dict)


def initialize(folder: Path, environment: Environment) -> InitializedProject:
    """Write ``tavus.toml`` and a README, and move exported files of personas to their folder.

    Raises ``Refused`` if the folder is a project already, ``OSError`` when it cannot be written.
    """
    if (folder / FILE_NAME).exists():
        raise Refused(f"{folder / FILE_NAME} exists: this is a project already. Nothing changed.")
    folder.mkdir(parents=True, exist_ok=True)
    exported = list(_find_exported(folder))
    secrets = {
        name.lower(): f"TAVUS_SECRET_{name.upper()}"
        for item in exported
        for _, name in iter_secret_names(item.file.fields, ())
    }
    write_file(folder / FILE_NAME, _render_configuration(environment, secrets))
    written = [FILE_NAME]
    if not (folder / README_NAME).exists():
        write_file(folder / README_NAME, _README.format(env=environment.name))
        written.append(README_NAME)
    local_folder(folder)
    for item in exported:
        _move(folder, item)
    objects = {
        item.name: ObjectState(item.file.persona_id) for item in exported if item.file.persona_id
    }
    save_state(folder, EnvironmentState(environment.name, objects, account=environment.account))
    adopted = {item.path.relative_to(folder).as_posix(): f"{item.name}.yaml" for item in exported}
    return InitializedProject(written, adopted)


def _render_configuration(environment: Environment, secrets: Mapping[str, str]) -> str:
    lines = [f"[environments.{environment.name}]"]
    if environment.sandbox:
        lines.append("sandbox = true  # a local stand-in for Tavus: no key, no network")
    else:
        lines.append(f"api_key_env = {json.dumps(environment.api_key_env)}")
    if environment.base_url != DEFAULT_BASE_URL:
        lines.append(f"base_url = {json.dumps(environment.base_url)}")
    lines.append("values = {}  # what differs between environments, as {value: NAME} in a file")
    pairs = ", ".join(f"{name} = {json.dumps(variable)}" for name, variable in secrets.items())
    lines.append(
        f"secrets = {{ {pairs} }}"
        if pairs
        else 'secrets = {}  # NAME = "VARIABLE": api_key_ref: NAME reads that variable'
    )
    return "\n".join(lines) + "\n"


def _find_exported(folder: Path) -> Iterator[ExportedFile]:
    """Yield the persona files of the folder, each with a name of its own."""
    taken: list[ObjectName] = []
    for directory in (folder, folder / PERSONA.folder):
        for path in iter_yaml_files(directory):
            try:
                text = read_file(path)
                file = parse_persona_file(text)
            except (BadFile, OSError):
                continue
            if not Persona.model_fields.keys() & file.fields:
                continue
            name = choose_name(PERSONA.folder, path.stem, taken)
            taken.append(name)
            yield ExportedFile(path, name, file, text)


def _move(folder: Path, item: ExportedFile) -> None:
    """Write a file without its identity under its new name, and remove the old one."""
    from tavus_mcp.persona_files.yaml_editor import update_yaml  # loads ruamel.yaml

    fields: JsonObject = with_names(to_persona_names(item.file.fields), lambda *_: None)
    target = folder / item.name.folder / f"{item.name.name}.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(target, update_yaml(item.text.removeprefix(HEADER_COMMENT), fields))
    if item.path != target:
        item.path.unlink()
