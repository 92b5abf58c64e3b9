"""Declaring tools: a verb (read, create, change, destroy) sets all hints that hosts look at."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_types import ToolAnnotations
from pydantic import BaseModel

ToolFunction = Callable[..., Awaitable[BaseModel]]


@dataclass(frozen=True)
class ToolSpec:
    """One tool as it was declared.

    ``aliases`` maps other accepted names of an argument to its published name; ``spread`` are
    objects that are accepted and whose members are taken as arguments. ``for_view_only``: the view
    calls it when a person presses a button; models do not see it.
    """

    function: ToolFunction
    title: str
    toolset: str
    hints: ToolAnnotations
    aliases: Mapping[str, str] = field(default_factory=dict)
    spread: Sequence[str] = ()
    for_view_only: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    @property
    def list_name(self) -> str:
        """The name under which the rows of a ``list_*`` tool are served."""
        return self.name.removeprefix("list_")

    @property
    def description(self) -> str:
        """The docstring of the function, which hosts show to the model."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def result_names(self) -> frozenset[str]:
        """The names of the models that the function returns."""
        return frozenset(str(self.function.__annotations__["return"]).split(" | "))

    @property
    def effect(self) -> str:
        """``read``, ``create``, ``change`` or ``destroy``, according to the hints."""
        if self.hints.read_only_hint:
            return "read"
        if self.hints.destructive_hint:
            return "destroy"
        return "change" if self.hints.idempotent_hint else "create"


class Toolset:
    """A named group of tools that is served or left out as a whole."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.specs: list[ToolSpec] = []

    def read(self, title: str, **options: Any) -> Callable[[ToolFunction], ToolFunction]:
        """Declare a tool that changes nothing."""
        return self._declare(title, read_only=True, destructive=False, idempotent=True, **options)

    def create(self, title: str, **options: Any) -> Callable[[ToolFunction], ToolFunction]:
        """Declare a tool that creates something each time it is called."""
        return self._declare(title, read_only=False, destructive=False, idempotent=False, **options)

    def change(self, title: str, **options: Any) -> Callable[[ToolFunction], ToolFunction]:
        """Declare a tool that changes a persona in a way that can be undone."""
        return self._declare(title, read_only=False, destructive=False, idempotent=True, **options)

    def destroy(self, title: str, **options: Any) -> Callable[[ToolFunction], ToolFunction]:
        """Declare a tool that may delete or overwrite something for good."""
        return self._declare(title, read_only=False, destructive=True, idempotent=True, **options)

    def _declare(
        self, title: str, *, read_only: bool, destructive: bool, idempotent: bool, **options: Any
    ) -> Callable[[ToolFunction], ToolFunction]:
        hints = ToolAnnotations(
            title=title,
            read_only_hint=read_only,
            destructive_hint=destructive,
            idempotent_hint=idempotent,
            open_world_hint=True,
        )

        def declare(function: ToolFunction) -> ToolFunction:
            self.specs.append(ToolSpec(function, title, self.name, hints, **options))
            return function

        return declare
