"""Hold each long text once: files, state and account of a project mostly have the same ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tavus_mcp.models.document import Document
from tavus_mcp.project.merge import MergeBase
from tavus_mcp.project.render import RenderedProject
from tavus_mcp.project.state import EnvironmentState, ObjectState

_MIN_SHARED_CHARS = 100
"""Shorter texts take hardly more memory than the reference to one."""


class TextPool:
    """Replaces long texts by equal ones that are held already: those of the files at first."""

    def __init__(self, rendered: RenderedProject | None = None) -> None:
        self._texts: dict[str, str] = {}
        for item in (rendered or {}).values():
            self._share(item.fields)

    def share_state(self, state: EnvironmentState) -> EnvironmentState:
        """Return the same state with shared texts."""
        objects = {name: self._share_object(item) for name, item in state.objects.items()}
        return replace(state, objects=objects)

    def share_document(self, document: Document) -> Document:
        """Return the same document, which was just read, with shared texts."""
        return document.with_data(self._share(document.data))

    def _share_object(self, item: ObjectState) -> ObjectState:
        file = self._share(item.base.file)
        account = file if item.base.account is item.base.file else self._share(item.base.account)
        return replace(item, base=MergeBase(file, account))

    def _share(self, value: Any) -> Any:
        if isinstance(value, str):
            is_long = len(value) >= _MIN_SHARED_CHARS
            return self._texts.setdefault(value, value) if is_long else value
        if isinstance(value, dict):
            return {key: self._share(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._share(item) for item in value]
        return value
