"""``tavus.toml``: the environments of a project, with their values and the names of secrets.

The file holds no key: ``api_key_env`` and ``secrets`` name variables of the environment.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tavus_mcp.keys import BadSetting
from tavus_mcp.models.base import JsonObject
from tavus_mcp.project.kinds import is_device
from tavus_mcp.project.problems import FilePosition, InvalidProject, Problem
from tavus_mcp.project.toml_positions import find_key, split_parser_message
from tavus_mcp.text import quote_foreign, quote_path, suggestion_or_period
from tavus_mcp.url_settings import DEFAULT_BASE_URL, parse_base_url

FILE_NAME = "tavus.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_KEYS = ("api_key_env", "base_url", "sandbox", "protected", "values", "secrets")


@dataclass(frozen=True)
class Environment:
    """One account that the project is applied to, or a sandbox.

    ``values`` are inserted at ``{value: NAME}``; ``secrets`` maps the names that ``api_key_ref``
    takes to variables of the process. A ``protected`` one is changed only by an accepted plan.
    """

    name: str
    api_key_env: str = ""
    base_url: str = DEFAULT_BASE_URL
    sandbox: bool = False
    protected: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """What tells accounts apart without their keys: the address, or ``sandbox``."""
        return "sandbox" if self.sandbox else self.base_url


@dataclass(frozen=True)
class ProjectConfiguration:
    """The environments by name, in the order of the file."""

    environments: Mapping[str, Environment]


def parse_configuration(text: str) -> ProjectConfiguration:
    """Parse ``tavus.toml``; raise ``InvalidProject`` with every mistake, its line and column."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column, words = split_parser_message(text, str(error))
        position = FilePosition(FILE_NAME, line, column)
        raise InvalidProject([Problem(position, f"not TOML: {words}.")]) from None
    parser = _Parser(text)
    environments = parser.parse(data)
    if parser.problems:
        raise InvalidProject(parser.problems)
    return ProjectConfiguration(environments)


@dataclass
class _Parser:
    """Checks the data of the file and collects what is wrong with it."""

    text: str
    problems: list[Problem] = field(default_factory=list)

    def report(self, message: str, *path: str) -> None:
        position = FilePosition(FILE_NAME, *find_key(self.text, path))
        self.problems.append(Problem(position, message))

    def parse(self, data: JsonObject) -> dict[str, Environment]:
        self._refuse_unknown(data, ("environments",))
        tables = data.get("environments", {})
        if not isinstance(tables, dict) or not tables:
            self.report("there is no environment. Add a table, like [environments.staging].")
            return {}
        self._refuse_equal_names(list(tables))
        return {
            name: environment
            for name, table in tables.items()
            if (environment := self._parse_environment(name, table)) is not None
        }

    def _refuse_equal_names(self, names: list[str]) -> None:
        """Report names that stand for one file on some systems."""
        for index, name in enumerate(names):
            if is_device(name):
                message = "Windows has no files of this name; choose another one."
                self.report(message, "environments", name)
            for earlier in names[:index]:
                if earlier.lower() == name.lower():
                    message = f"{earlier!r} is the same name in other letters; choose another one."
                    self.report(message, "environments", name)

    def _parse_environment(self, name: str, table: Any) -> Environment | None:
        path = ("environments", name)
        if not _NAME.fullmatch(name):
            message = "the name of an environment has letters, digits, '-' and '_' only."
            self.report(message, *path)
        if not isinstance(table, dict):
            self.report(f"must be a table, like [environments.{name}].", *path)
            return None
        self._refuse_unknown(table, _KEYS, *path)
        sandbox = self._flag(table, "sandbox", *path)
        variable = table.get("api_key_env", "")
        if not isinstance(variable, str) or (variable and not VARIABLE_NAME.fullmatch(variable)):
            message = "api_key_env names a variable that holds the key, like TAVUS_API_KEY."
            self.report(message, *path, "api_key_env")
            variable = ""
        elif bool(variable) == sandbox:
            message = "needs either api_key_env (an account) or sandbox = true, and not both."
            self.report(message, *path)
        return Environment(
            name,
            variable,
            self._base_url(table, *path),
            sandbox=sandbox,
            protected=self._flag(table, "protected", *path),
            values=self._values(table, *path),
            secrets=self._secrets(table, *path),
        )

    def _refuse_unknown(self, table: JsonObject, known: tuple[str, ...], *path: str) -> None:
        for key in table:
            if key not in known:
                message = f"there is no key {quote_foreign(key)}{suggestion_or_period(key, known)}"
                self.report(f"{message} Known: {', '.join(known)}.", *path, key)

    def _flag(self, table: JsonObject, key: str, *path: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.report(f"{key} must be true or false.", *path, key)
        return value is True

    def _base_url(self, table: JsonObject, *path: str) -> str:
        url = table.get("base_url", DEFAULT_BASE_URL)
        try:
            return parse_base_url(url if isinstance(url, str) else "")
        except BadSetting as error:
            self.report(f"base_url: {error}", *path, "base_url")
            return DEFAULT_BASE_URL

    def _values(self, table: JsonObject, *path: str) -> JsonObject:
        values = self._table(table, "values", *path)
        for name, value in values.items():
            if not _is_json(value):
                message = f"{quote_path(name)}: a date or an infinite number is no value of JSON."
                self.report(message, *path, "values", name)
        return values

    def _secrets(self, table: JsonObject, *path: str) -> dict[str, str]:
        secrets = self._table(table, "secrets", *path)
        for name, variable in secrets.items():
            if not isinstance(variable, str) or not VARIABLE_NAME.fullmatch(variable):
                message = (
                    f"{name}: write the name of the variable that holds the key, not the key. "
                    "If a key stood here, replace it: it was seen."
                )
                self.report(message, *path, "secrets", name)
        return {str(name).lower(): str(variable) for name, variable in secrets.items()}

    def _table(self, table: JsonObject, key: str, *path: str) -> JsonObject:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self.report(f'{key} must be a table, like {{ name = "..." }}.', *path, key)
        return {}


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (str, int))
