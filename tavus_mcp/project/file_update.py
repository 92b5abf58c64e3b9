"""Write values of an account into the files of a project, which have references in them.

A text that is ``{file: PATH}`` is written into that file. A value that is ``{value: NAME}`` belongs
to ``tavus.toml``, which people write, so it is reported and left.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tavus_mcp.errors import Conflict, Refused
from tavus_mcp.invisible_characters import escape_invisible
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.changes import put_at, remove_at
from tavus_mcp.models.json_patch import ABSENT, get_at, overlaps, pointer_of, pointer_tokens
from tavus_mcp.models.masking import is_masked, is_secret_path
from tavus_mcp.models.vocabularies import to_persona_names
from tavus_mcp.persona_files.file_writing import write_file
from tavus_mcp.persona_files.persona_file import order_fields
from tavus_mcp.persona_files.yaml_reader import BadFile
from tavus_mcp.project.folder import (
    FILE_KEY,
    PROMPT_FOLDER,
    Project,
    SourceFile,
    is_inside,
    normalize_text,
    read_file,
)
from tavus_mcp.project.kinds import PERSONA, ObjectName, is_device
from tavus_mcp.project.merge import MergedField
from tavus_mcp.project.render import VALUE_KEY, RenderedObject
from tavus_mcp.text import quote_path

_PROMPT = "system_prompt"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MAX_NAME_CHARS = 60


@dataclass
class FileEdits:
    """Files to write and to remove, by path; nothing reaches the disk before ``write``.

    ``expected`` are the texts that files had when they were read.
    """

    project: Project
    texts: dict[Path, str] = field(default_factory=dict)
    removed: list[Path] = field(default_factory=list)
    expected: dict[Path, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write and remove the files.

        Raises ``Conflict`` when one was changed meanwhile, ``Refused`` when a link leads out of
        the project; then nothing was written.
        """
        for path in (*self.texts, *self.removed):
            self._require_unchanged(path)
        for path, text in self.texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, text)
        for path in self.removed:
            path.unlink(missing_ok=True)

    def _require_unchanged(self, path: Path) -> None:
        name = path.relative_to(self.project.folder.resolve()).as_posix()
        if not is_inside(self.project.folder, path):
            raise Refused(f"{name}: a link leads out of the project. Nothing was written.")
        text = read_file(path) if path.exists() else None
        if text is not None and normalize_text(text) != self.expected.get(path):
            raise Conflict(
                f"{name}: the file was changed while this command ran. Nothing was written. Run "
                "it again."
            )

    def source_path(self, source: SourceFile) -> Path:
        """Return the path of the file of an object, which is expected to be as it was read."""
        path = self.project.folder.resolve() / source.path
        self.expected[path] = normalize_text(source.text)
        return path

    def new_path(self, *parts: str) -> Path:
        """Return the path of a file in the project that is not there yet."""
        return self.project.folder.resolve().joinpath(*parts)

    def replace_text(self, path: Path, before: str, text: str) -> None:
        """Write a text into the file that held another one, with the line ends of that file."""
        self.expected[path] = before
        has_carriage_returns = b"\r\n" in path.read_bytes()
        self.texts[path] = f"{text}\n".replace("\n", "\r\n" if has_carriage_returns else "\n")

    def remove(self, name: ObjectName) -> list[str]:
        """Remove the file of an object; return the texts that no file names then, which stay.

        They are relative to the folder of the project.
        """
        source, folder = self.project.sources[name], self.project.folder.resolve()
        self.removed.append(self.source_path(source))
        return sorted(
            path.relative_to(folder).as_posix()
            for path in set(self.project.find_texts(source))
            if not self.count_users(path)
        )

    def count_users(self, path: Path) -> int:
        """Return how many fields are the text of this file, without those of removed files."""
        return sum(
            self.project.find_texts(source).count(path)
            for source in self.project.sources.values()
            if self.project.folder.resolve() / source.path not in self.removed
        )


def update_source(
    edits: FileEdits, rendered: RenderedObject, fields: Sequence[MergedField]
) -> tuple[list[MergedField], list[str]]:
    """Take over the account's values of fields into a file and the texts that it names.

    Returns the fields that were taken over, and a sentence for each that was not.
    """
    source = rendered.source
    data = source.data
    if source.name.kind is PERSONA:
        data = to_persona_names(data)
    written: list[MergedField] = []
    refused: list[str] = []
    for item in fields:
        problem = _update_field(edits, rendered, data, item)
        if problem:
            refused.append(f"{quote_path(item.pointer)}: {problem}")
        else:
            written.append(item)
    if written:
        from tavus_mcp.persona_files.yaml_editor import update_yaml  # loads ruamel.yaml

        text = update_yaml(source.text, data)
        if text != source.text:
            edits.texts[edits.source_path(source)] = text
    return written, refused


def _update_field(
    edits: FileEdits, rendered: RenderedObject, data: JsonObject, item: MergedField
) -> str:
    """Change one field in the data of a file, or in the file of its text; return why not."""
    for pointer, insertion in rendered.insertions.items():
        if not overlaps(pointer, item.pointer):
            continue
        if insertion.key == VALUE_KEY:
            return (
                f"it is {{value: {insertion.name}}}, and the account has another value. Change "
                "the value in tavus.toml, or write the field into the file."
            )
        path = edits.project.resolve(rendered.source, insertion.name)
        is_text = isinstance(item.account, str) and _is_plain_text(item.account)
        if pointer == item.pointer and is_text:
            if edits.count_users(path) > 1:
                return f"{insertion.name} is the text of several objects, so it is left."
            edits.replace_text(path, str(item.file), item.account)
            return ""
    if item.account is ABSENT:
        remove_at(data, item.pointer)
        _remove_empty_parents(data, item.pointer)
    else:
        put_at(data, item.pointer, item.account)
    return ""


def _remove_empty_parents(data: JsonObject, pointer: str) -> None:
    parts = pointer_tokens(pointer)[:-1]
    while parts and get_at(data, pointer_of(parts)) == {}:
        remove_at(data, pointer_of(parts))
        parts = parts[:-1]


def build_new_source(
    edits: FileEdits, name: ObjectName, fields: JsonObject
) -> tuple[JsonObject, list[str]]:
    """Add the file of an object of the account.

    The prompt of a persona becomes a text of its own, which reads better and compares better.
    The mask of a key is left out of a persona; a tool is not complete without that of its secret.
    Returns the fields that the files hold, and the pointers of masks.
    """
    masks: list[str] = []
    rendered = _without_empty(copy.deepcopy(fields), (), masks)
    if name.kind is not PERSONA:
        rendered = copy.deepcopy(fields)
    data = order_fields(rendered) if name.kind is PERSONA else dict(rendered)
    prompt = data.get(_PROMPT)
    if name.kind is PERSONA and isinstance(prompt, str) and _is_plain_text(prompt):
        path = edits.new_path(PROMPT_FOLDER, f"{name.name}.md")
        is_there = _has_text(path, prompt)
        if path not in edits.texts and (is_there or not path.exists()):
            if not is_there:
                edits.texts[path] = prompt + "\n"
            data[_PROMPT] = {FILE_KEY: f"../{PROMPT_FOLDER}/{name.name}.md"}
    from tavus_mcp.persona_files.yaml_writer import render_yaml  # loads ruamel.yaml

    edits.texts[edits.new_path(name.folder, f"{name.name}.yaml")] = render_yaml(data)
    return rendered, masks


def _has_text(path: Path, text: str) -> bool:
    try:
        return path.exists() and normalize_text(read_file(path)) == text
    except (OSError, BadFile):
        return False


def _without_empty(fields: JsonObject, parts: tuple[str, ...], dropped: list[str]) -> JsonObject:
    """Return the fields without members that are empty, and without masks of keys."""
    result: JsonObject = {}
    for key, value in fields.items():
        path = (*parts, key)
        if isinstance(value, dict):
            value = _without_empty(value, path, dropped)
        if is_masked(value) and is_secret_path(path):
            dropped.append(pointer_of(path))
        elif value not in _EMPTY:
            result[key] = value
    return result


_EMPTY: tuple[Any, ...] = (None, "", [], {})


def _is_plain_text(text: str) -> bool:
    """Tell whether a file of text holds this exactly, whatever editors do with line ends."""
    return "\r" not in text and escape_invisible(text) == text and not text.startswith("\ufeff")


def choose_name(folder: str, text: str, taken: Collection[ObjectName]) -> ObjectName:
    """Return a free name for an object that is called ``text`` in the account."""
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(char for char in plain if not unicodedata.combining(char)).lower()
    stem = _NOT_IN_NAMES.sub("_", letters).strip("_")[:_MAX_NAME_CHARS] or "unnamed"
    if is_device(stem):
        stem = f"{stem}_"
    name, number = ObjectName(folder, stem), 1
    used = {(item.folder, item.name.lower()) for item in taken}
    while (name.folder, name.name) in used:
        number += 1
        name = ObjectName(folder, f"{stem}_{number}")
    return name
