"""The kinds of objects of a project: their folders, and the fields that name other objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ProjectKindName = Literal["persona", "document", "dictionary", "tool", "objectives", "guardrail"]


@dataclass(frozen=True)
class ProjectKind:
    """A kind of object: its folder in the project, and the field that holds its name."""

    name: ProjectKindName
    folder: str
    noun: str
    name_field: str


KINDS: tuple[ProjectKind, ...] = (
    ProjectKind("document", "documents", "document", "document_name"),
    ProjectKind("dictionary", "dictionaries", "pronunciation dictionary", "name"),
    ProjectKind("tool", "tools", "tool", "name"),
    ProjectKind("objectives", "objectives", "objective set", "name"),
    ProjectKind("guardrail", "guardrails", "guardrail", "guardrail_name"),
    ProjectKind("persona", "personas", "persona", "persona_name"),
)
"""Every kind, those that others refer to first: the order in which they are created."""
KIND_BY_FOLDER: Mapping[str, ProjectKind] = {kind.folder: kind for kind in KINDS}
KIND_BY_NAME: Mapping[str, ProjectKind] = {kind.name: kind for kind in KINDS}
PERSONA = KIND_BY_NAME["persona"]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_DEVICES = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        *(f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789"),
    }
)
"""Names that no file can have on Windows, whatever its ending."""


def is_file_name(name: str) -> bool:
    """Tell whether a file of an object can have a name, on every system."""
    return bool(_NAME.fullmatch(name)) and not is_device(name)


def is_device(name: str) -> bool:
    """Tell whether Windows takes a name for that of a device."""
    return name.partition(".")[0].lower() in _DEVICES


@dataclass(frozen=True, order=True)
class ObjectName:
    """The name of an object in its project: its folder and its file's name, without the ending."""

    folder: str
    name: str

    @property
    def kind(self) -> ProjectKind:
        """The kind of the object."""
        return KIND_BY_FOLDER[self.folder]

    def __str__(self) -> str:
        """Return ``FOLDER/NAME``, as states and reports name it."""
        return f"{self.folder}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> ObjectName:
        """Return the name that ``FOLDER/NAME`` stands for; raise ``ValueError`` for another."""
        folder, _, name = text.partition("/")
        if folder not in KIND_BY_FOLDER or not is_file_name(name):
            raise ValueError(f"not FOLDER/NAME: {text!r}")
        return cls(folder, name)

    @property
    def sort_key(self) -> tuple[int, str]:
        """The place of the object in the order of creation."""
        return KINDS.index(self.kind), self.name


@dataclass(frozen=True)
class ReferenceField:
    """A field of a persona that names other objects: in files by name, in the account by id."""

    pointer: str
    id_pointer: str
    kind: ProjectKind
    is_list: bool


REFERENCES: tuple[ReferenceField, ...] = (
    ReferenceField("/tools", "/tool_ids", KIND_BY_NAME["tool"], True),
    ReferenceField("/objectives", "/objectives_id", KIND_BY_NAME["objectives"], False),
    ReferenceField("/guardrails", "/guardrail_ids", KIND_BY_NAME["guardrail"], True),
    ReferenceField("/documents", "/document_ids", KIND_BY_NAME["document"], True),
    ReferenceField(
        "/layers/tts/pronunciation_dictionary",
        "/layers/tts/pronunciation_dictionary_id",
        KIND_BY_NAME["dictionary"],
        False,
    ),
)
"""The references of a persona; parts refer to nothing."""
