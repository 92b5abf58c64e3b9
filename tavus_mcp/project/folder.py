"""Read the folder of a project: ``tavus.toml`` and one YAML file for each object."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tavus_mcp.errors import WrongUsage
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
from tavus_mcp.project.kinds import KINDS, ObjectName, ProjectKind, is_device, is_file_name
from tavus_mcp.project.problems import FilePosition, InvalidProject, Problem, parse_position
from tavus_mcp.text import find_nearest, quote_foreign

STATE_FOLDER = ".tavus"
PROMPT_FOLDER = "prompts"
FILE_KEY = "file"
"""The key of what stands for the text of a file."""
_ENDINGS = (".yaml", ".yml")
_IDENTITY_KEYS = ("persona_id", "pal_id", "revision")


class NoProject(WrongUsage):
    """The folder is not that of a project."""

    def __init__(self, folder: Path) -> None:
        place = "this folder" if folder == Path() else quote_foreign(folder)
        super().__init__(
            f"There is no {FILE_NAME} in {place}, so it is not the folder of a project. Name the "
            "folder with --project DIR, or make one with tavus-mcp init."
        )


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
    """The folder of a project as it was read.

    ``problems`` are the mistakes in the form of its files. Where there are some, ``unread`` names
    the objects whose files are not in ``sources``.
    """

    folder: Path
    configuration: ProjectConfiguration
    sources: Mapping[ObjectName, SourceFile] = field(default_factory=dict)
    unread: Set[ObjectName] = frozenset()
    problems: Sequence[Problem] = ()

    def read_text(self, source: SourceFile, reference: str) -> str:
        """Return the text of a file that a source names, relative to itself.

        One line end at the end of the file is not part of the text. Raises ``ValueError`` with the
        reason when it cannot be read or is outside of the project.
        """
        path = self.resolve(source, reference)
        try:
            text = read_file(path)
        except OSError as error:
            near = self._find_similar_text(source, reference)
            suggestion = f"; did you mean {quote_foreign(near)}?" if near else "."
            raise ValueError(f"{reference}: {error.strerror or error}{suggestion}") from None
        except BadFile as error:
            raise ValueError(f"{reference}: {error}") from None
        return normalize_text(text)

    def _find_similar_text(self, source: SourceFile, reference: str) -> str:
        """Return the file whose name is closest to the one that a reference names, or nothing.

        It is looked for in the folder that the reference names, and in that of prompts.
        """
        parent = self.folder / posixpath.dirname(source.path)
        named_folder = posixpath.dirname(reference)
        to_root = "../" * source.path.count("/")
        found: dict[str, str] = {}
        for directory in dict.fromkeys([named_folder, f"{to_root}{PROMPT_FOLDER}"]):
            if not (parent / directory).is_dir() or not is_inside(self.folder, parent / directory):
                continue
            for path in sorted((parent / directory).iterdir()):
                if path.is_file():
                    found.setdefault(path.name, posixpath.join(directory, path.name))
        return found.get(find_nearest(posixpath.basename(reference), found) or "", "")

    def find_unused_texts(self) -> list[str]:
        """Return the files for prompts that no file of an object names, relative to the folder.

        Those that are not read might name them, so that there is none then.
        """
        directory = self.folder / PROMPT_FOLDER
        if self.unread or not directory.is_dir():
            return []
        used = {path for source in self.sources.values() for path in self.find_texts(source)}
        return [
            path.relative_to(self.folder).as_posix()
            for path in sorted(directory.rglob("*"))
            if path.is_file() and not path.name.startswith(".") and path.resolve() not in used
        ]

    def find_texts(self, source: SourceFile) -> list[Path]:
        """Return the path of each text that a file names; those outside of the project are not."""
        found = []
        for reference in _iter_file_references(source.data):
            with suppress(ValueError):
                found.append(self.resolve(source, reference))
        return found

    def resolve(self, source: SourceFile, reference: str) -> Path:
        """Return the path of a file that a source names; raise ``ValueError`` if it is outside."""
        path = (self.folder / source.path).parent / reference
        if not is_inside(self.folder, path):
            raise ValueError(f"{reference}: the file must be inside the folder of the project.")
        return path.resolve()


def read_project(folder: Path) -> Project:
    """Read the folder; raise ``InvalidProject`` with every mistake in the form of its files."""
    project = read_files(folder)
    if project.problems:
        raise InvalidProject(project.problems)
    return project


def read_files(folder: Path) -> Project:
    """Read the folder, with every mistake in the form of its files.

    Without a right ``tavus.toml`` it has no environments. Raises ``NoProject`` without that file.
    """
    problems = list(_find_misplaced(folder))
    configuration = ProjectConfiguration({})
    try:
        configuration = read_configuration(folder)
    except InvalidProject as error:
        problems += error.found
    sources: dict[ObjectName, SourceFile] = {}
    unread: set[ObjectName] = set()
    names: dict[tuple[str, str], SourceFile] = {}
    for kind in KINDS:
        for path in iter_yaml_files(folder / kind.folder):
            try:
                source = _read_source(folder, kind, path)
            except InvalidProject as error:
                problems += error.found
                unread.add(ObjectName(kind.folder, path.stem))
                continue
            first = names.setdefault((kind.folder, source.name.name.lower()), source)
            if first is not source:
                message = (
                    f"this object has two files; the other one is {first.path}. Names that differ "
                    "in capital letters alone are one name on some systems."
                )
                problems.append(Problem(FilePosition(source.path), message))
            sources[source.name] = source
    return Project(folder, configuration, sources, unread, problems)


def read_configuration(folder: Path) -> ProjectConfiguration:
    """Read ``tavus.toml``; raise ``InvalidProject`` when it is wrong, ``NoProject`` without it."""
    if not (folder / FILE_NAME).exists():
        raise NoProject(folder)
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
        raise InvalidProject([Problem(FilePosition(path), f"{error.strerror or error}.")]) from None
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


def normalize_text(text: str) -> str:
    """Return the text of a file without a byte order mark and the line end at its end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n")


def is_inside(folder: Path, path: Path) -> bool:
    """Tell whether a path is inside a folder, also after following links."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False


def iter_yaml_files(directory: Path) -> Iterator[Path]:
    """Yield the YAML files of a folder, by name; hidden ones are those of editors."""
    if directory.is_dir():
        for path in sorted(directory.iterdir()):
            if path.suffix.lower() in _ENDINGS and not path.name.startswith("."):
                yield path


def _find_misplaced(folder: Path) -> Iterator[Problem]:
    """Yield a problem for each folder that holds files of objects and is not read."""
    spellings = {
        text: kind.folder
        for kind in KINDS
        for text in (kind.folder, kind.folder.removesuffix("s"), kind.name)
    }
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        wanted = spellings.get(path.name.lower(), path.name)
        if wanted != path.name and _holds_files(path):
            message = f"this folder is not read; that of these objects is {wanted}/."
            yield Problem(FilePosition(path.name), message)
    for kind in KINDS:
        directory = folder / kind.folder
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            if _holds_files(path):
                message = f"files of objects lie in {kind.folder}/ itself, not in folders in it."
                yield Problem(FilePosition(path.relative_to(folder).as_posix()), message)


def _holds_files(path: Path) -> bool:
    return path.is_dir() and any(item.suffix in _ENDINGS for item in path.iterdir())


def _read_source(folder: Path, kind: ProjectKind, path: Path) -> SourceFile:
    relative = path.relative_to(folder).as_posix()
    if message := _find_path_problem(folder, path):
        raise InvalidProject([Problem(FilePosition(relative), message)])
    text = _read_text(folder, relative)
    return parse_source(ObjectName(kind.folder, path.stem), relative, text)


def _find_path_problem(folder: Path, path: Path) -> str:
    """Return what is wrong with the path of a file, or an empty string."""
    if path.suffix not in _ENDINGS:
        return f"write the ending as {path.suffix.lower()}."
    if is_device(path.stem):
        return "Windows has no files of this name; choose another one."
    if not is_file_name(path.stem):
        return (
            "the name of a file is the name of its object: letters (a to z), digits, '-', '_' and "
            "'.' only, at most 100, and first a letter or digit. Any name can be in the file."
        )
    if not is_inside(folder, path):
        return "this is a link that leads out of the folder of the project; put the file here."
    return ""


def _iter_file_references(value: Any) -> list[str]:
    if isinstance(value, dict):
        if value.keys() == {FILE_KEY} and isinstance(value[FILE_KEY], str):
            return [value[FILE_KEY]]
        return [found for item in value.values() for found in _iter_file_references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _iter_file_references(item)]
    return []
