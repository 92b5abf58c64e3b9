"""Insert texts, values and names into the files of a project, for one environment.

A text is ``{file: PATH}``, relative to the file that names it; ``{value: NAME}`` stands for a value
of the environment; ``tools``, ``objectives``, ``guardrails``, ``documents`` and
``layers.tts.pronunciation_dictionary`` of a persona name files. An object that is not in the
project is named by its id in one account: ``id:t0123456789ab``, or by a value that is an id.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.models.base import JsonObject, is_id
from tavus_mcp.models.changes import put_at
from tavus_mcp.models.json_patch import ABSENT, get_at, pointer_of
from tavus_mcp.models.vocabularies import duplicate_names, to_persona_names
from tavus_mcp.project.configuration import Environment
from tavus_mcp.project.folder import FILE_KEY, Project, SourceFile
from tavus_mcp.project.kinds import PERSONA, REFERENCES, ObjectName, ReferenceField
from tavus_mcp.project.problems import InvalidProject, Problem
from tavus_mcp.text import did_you_mean, quote_foreign, quote_path

VALUE_KEY = "value"
ID_PREFIX = "id:"
"""What stands before the id of an object that is not in the project."""


@dataclass(frozen=True)
class Insertion:
    """Where the value of a field comes from: ``file`` or ``value``, and the path or the name."""

    key: str
    name: str


@dataclass(frozen=True)
class RenderedObject:
    """An object as its file describes it for one environment: names instead of ids, no keys.

    ``insertions`` are the fields that were inserted, by JSON Pointer, and ``problems`` the mistakes
    in references, each with its pointer; the value of such a field stands for one that is missing.
    """

    source: SourceFile
    fields: JsonObject
    insertions: Mapping[str, Insertion] = field(default_factory=dict)
    problems: Sequence[tuple[str, Problem]] = ()

    @property
    def name(self) -> ObjectName:
        """The name of the object."""
        return self.source.name

    def file_of(self, pointer: str) -> str:
        """Return the path of the file that holds a field, relative to the project."""
        path = self.source.position_of(pointer).path
        insertion = self.insertions.get(pointer)
        if insertion is None or insertion.key != FILE_KEY:
            return path
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), insertion.name))


RenderedProject = Mapping[ObjectName, RenderedObject]


def render_project(project: Project, environment: Environment) -> RenderedProject:
    """Return every object for an environment; raise ``InvalidProject`` with every mistake."""
    rendered = render_objects(project, environment)
    problems = [problem for item in rendered.values() for _, problem in item.problems]
    if problems:
        raise InvalidProject(problems)
    return rendered


def render_objects(project: Project, environment: Environment) -> RenderedProject:
    """Return every object for an environment, also those with mistakes, which it then holds."""
    return {
        name: _Renderer(project, environment, source).render()
        for name, source in project.sources.items()
    }


@dataclass
class _Renderer:
    """Renders one file and collects the mistakes in it."""

    project: Project
    environment: Environment
    source: SourceFile
    insertions: dict[str, Insertion] = field(default_factory=dict)
    problems: list[tuple[str, Problem]] = field(default_factory=list)

    def report(self, pointer: str, message: str) -> None:
        position = self.source.position_of(pointer)
        text = f"{quote_path(pointer)}: {message}"
        problem = Problem(position, text, environment=self.environment.name)
        self.problems.append((pointer, problem))

    def render(self) -> RenderedObject:
        data = self.source.data
        if self.source.name.kind is PERSONA:
            for pair in duplicate_names(data):
                self.report(pair[0], f"{quote_path(pair[1])} is another name of this field.")
            data = to_persona_names(data)
        references = {item.pointer: item for item in REFERENCES if self._has(data, item)}
        fields: JsonObject = self._insert(data, (), references)
        if self.source.name.kind.name == "tool":
            _complete_delivery(fields)
        for pointer, item in references.items():
            put_at(fields, pointer, self._resolve(item, get_at(data, pointer)))
        return RenderedObject(self.source, fields, self.insertions, self.problems)

    def _has(self, data: JsonObject, item: ReferenceField) -> bool:
        """Tell whether the file has a reference; report one that is given by ids as well."""
        if self.source.name.kind is not PERSONA:
            return False
        has_names = get_at(data, item.pointer, ABSENT) is not ABSENT
        if get_at(data, item.id_pointer, ABSENT) is not ABSENT:
            names = item.pointer.rpartition("/")[2]
            self.report(
                item.id_pointer,
                f"ids belong to one account. Write {names} with names of files, or "
                "{value: NAME} with an id for each environment.",
            )
        return has_names

    def _insert(
        self, value: Any, parts: tuple[str, ...], references: Mapping[str, ReferenceField]
    ) -> Any:
        pointer = pointer_of(parts)
        if pointer in references:
            return None  # set by the caller
        if isinstance(value, dict):
            for key in (FILE_KEY, VALUE_KEY):
                if value.keys() == {key} and isinstance(value[key], str):
                    return self._insertion(Insertion(key, value[key]), pointer)
            return {
                key: self._insert(item, (*parts, key), references) for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self._insert(item, (*parts, str(index)), references)
                for index, item in enumerate(value)
            ]
        return value

    def _insertion(self, insertion: Insertion, pointer: str) -> Any:
        self.insertions[pointer] = insertion
        if insertion.key == VALUE_KEY:
            return self._value(insertion.name, pointer)
        try:
            return self.project.read_text(self.source, insertion.name)
        except ValueError as error:
            self.report(pointer, str(error))
            return ""

    def _value(self, name: str, pointer: str) -> Any:
        values = self.environment.values
        if name in values:
            return values[name]
        near = did_you_mean(name, values)
        message = f"environment {self.environment.name} has no value {quote_foreign(name)}{near}"
        self.report(pointer, f"{message}{'' if near else '.'}")
        return ""

    def _resolve(self, item: ReferenceField, value: Any) -> Any:
        if not item.is_list:
            return self._resolve_one(item, value, item.pointer)
        if value is None:
            return []
        if not isinstance(value, list):
            self.report(item.pointer, f"must be a list of names of {item.kind.folder}.")
            return []
        return [
            self._resolve_one(item, name, f"{item.pointer}/{index}")
            for index, name in enumerate(value)
        ]

    def _resolve_one(self, item: ReferenceField, value: Any, pointer: str) -> Any:
        """Return the name of a file, or ``id:`` and an id."""
        if isinstance(value, dict) and value.keys() == {VALUE_KEY}:
            value = f"{ID_PREFIX}{self._value(str(value[VALUE_KEY]), pointer)}"
        if value in (None, "") and not item.is_list:
            return ""
        text = value if isinstance(value, str) else ""
        if text.startswith(ID_PREFIX):
            if not is_id(text.removeprefix(ID_PREFIX)):
                self.report(pointer, f"{quote_foreign(text)} is not {ID_PREFIX} and an id.")
            return text
        name = ObjectName(item.kind.folder, text)
        if name not in self.project.sources and name not in self.project.unread:
            names = [known.name for known in self.project.sources if known.folder == name.folder]
            near = did_you_mean(text, names)
            self.report(
                pointer,
                f"there is no file {item.kind.folder}/NAME.yaml of the name "
                f"{quote_foreign(value)}{near or '.'} An object that is not in the project is "
                f"written {ID_PREFIX}ID.",
            )
        return text


def _complete_delivery(fields: JsonObject) -> None:
    """Say in a tool where its calls go, in place: to an API, or else as messages to the app.

    A call goes one way only, and messages are the default, so that an account holds ``true`` there
    from the time before the file had an API.
    """
    delivery = fields.setdefault("delivery", {})
    if isinstance(delivery, dict):
        delivery.setdefault("app_message", not delivery.get("api"))
