"""Read the folder of a project: ``tavus.toml`` and one YAML file for each object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.persona_files.yaml_reader import (
    MAX_FILE_BYTES,
    BadFile,
    Node,
    decode_file,
    parse_yaml,
)
from tavus_mcp.project.configuration import FILE_NAME, ProjectConfiguration, parse_configuration
from tavus_mcp.project.kinds import KINDS, ObjectName, ProjectKind
from tavus_mcp.project.problems import FilePosition, InvalidProject, Problem, parse_position

STATE_FOLDER = ".tavus"
PROMPT_FOLDER = "prompts"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_ENDINGS = (".yaml", ".yml")
_NO_PROJECT = (
    "there is no such file here, so this is not the folder of a project. Name the folder with "
    "--project DIR, or make one with tavus-mcp init."
)
_IDENTITY_KEYS = ("persona_id", "pal_id", "revision")


@dataclass(frozen=True)
class SourceFile:
    """The file of one object: its text, and its values with their places.

    ``path`` is relative to the folder of the project, with slashes.
    """

    name: ObjectName
    path: str
    text: str
    root: Node

    @property
    def data(self) -> JsonObject:
        """The content of the file as it is written, with its references."""
        content: JsonObject = self.root.to_data()
        return content

    def position_of(self, pointer: str) -> FilePosition:
        """Return the place of a field, or of the nearest thing around it that is in the file."""
        node, position = self.root, self.root.position
        for token in pointer_tokens(pointer):
            if node.kind == "object" and token in node.members:
                key, node = node.members[token]
                position = key.position
            elif node.kind == "list" and token.isdecimal() and int(token) < len(node.items):
                node = node.items[int(token)]
                position = node.position
            else:
                break
        return parse_position(self.path, position)[0]


@dataclass(frozen=True)
class Project:
    """The folder of a project as it was read."""

    folder: Path
    configuration: ProjectConfiguration
    sources: Mapping[ObjectName, SourceFile] = field(default_factory=dict)

    def read_text(self, source: SourceFile, reference: str) -> str:
        """Return the text of a file that a source names, relative to itself.

        One line end at the end of the file is not part of the text. Raises ``ValueError`` with the
        reason when it cannot be read or is outside of the project.
        """
        path = self.resolve(source, reference)
        try:
            text = read_file(path)
        except OSError as error:
            raise ValueError(f"{reference}: {error.strerror or error}.") from None
        except BadFile as error:
            raise ValueError(f"{reference}: {error}") from None
        text = text.replace("\r\n", "\n")
        return text.removesuffix("\n")

    def resolve(self, source: SourceFile, reference: str) -> Path:
        """Return the path of a file that a source names; raise ``ValueError`` if it is outside."""
        path = (self.folder / source.path).parent / reference
        try:
            resolved = path.resolve()
            is_inside = resolved.is_relative_to(self.folder.resolve())
        except (OSError, ValueError):
            is_inside = False
        if not is_inside:
            raise ValueError(f"{reference}: the file must be inside the folder of the project.")
        return resolved


def read_project(folder: Path) -> Project:
    """Read the folder; raise ``InvalidProject`` with every mistake in the form of its files."""
    configuration = read_configuration(folder)
    sources: dict[ObjectName, SourceFile] = {}
    problems: list[Problem] = []
    for kind in KINDS:
        for path in iter_yaml_files(folder / kind.folder):
            try:
                source = _read_source(folder, kind, path)
            except InvalidProject as error:
                problems += error.found
                continue
            if source.name in sources:
                first = sources[source.name].path
                message = f"this object has two files; the other one is {first}."
                problems.append(Problem(FilePosition(source.path), message))
            sources[source.name] = source
    if problems:
        raise InvalidProject(problems)
    return Project(folder, configuration, sources)


def read_configuration(folder: Path) -> ProjectConfiguration:
    """Read ``tavus.toml``; raise ``InvalidProject`` when it is missing or wrong."""
    return parse_configuration(_read_text(folder, FILE_NAME))


def read_file(path: Path) -> str:
    """Return the text of a file; raise ``OSError`` or ``BadFile`` when it cannot be read."""
    with path.open("rb") as file:
        return decode_file(file.read(MAX_FILE_BYTES + 1))


def _read_text(folder: Path, path: str) -> str:
    """Return the text of a file of the project; raise ``InvalidProject`` if it cannot be read."""
    try:
        return read_file(folder / path)
    except OSError as error:
        is_no_project = path == FILE_NAME and isinstance(error, FileNotFoundError)
        message = _NO_PROJECT if is_no_project else f"{error.strerror or error}."
        raise InvalidProject([Problem(FilePosition(path), message)]) from None
    except BadFile as error:
        raise _bad_file(path, error) from None


def _bad_file(path: str, error: BadFile) -> InvalidProject:
    return InvalidProject([Problem(*parse_position(path, text)) for text in error.problems])


def parse_source(name: ObjectName, path: str, text: str) -> SourceFile:
    """Parse the file of an object; raise ``InvalidProject`` with every mistake in its form."""
    try:
        source = SourceFile(name, path, text, parse_yaml(text))
    except BadFile as error:
        raise _bad_file(path, error) from None
    problems = [
        Problem(
            source.position_of(f"/{key}"),
            f"{key} does not belong into a project: ids and revisions are in {STATE_FOLDER}/, one "
            "file for each environment. tavus-mcp init takes over the ids of exported files.",
        )
        for key in _IDENTITY_KEYS
        if key in source.root.members
    ]
    if problems:
        raise InvalidProject(problems)
    return source


def iter_yaml_files(directory: Path) -> Iterator[Path]:
    """Yield the YAML files of a folder, by name; none if there is no such folder."""
    if directory.is_dir():
        yield from sorted(path for path in directory.iterdir() if path.suffix in _ENDINGS)


def _read_source(folder: Path, kind: ProjectKind, path: Path) -> SourceFile:
    relative = path.relative_to(folder).as_posix()
    if not _NAME.fullmatch(path.stem):
        message = (
            "the name of a file is the name of its object: letters, digits, '-', '_' and '.' "
            "only, at most 100."
        )
        raise InvalidProject([Problem(FilePosition(relative), message)])
    text = _read_text(folder, relative)
    return parse_source(ObjectName(kind.folder, path.stem), relative, text)
