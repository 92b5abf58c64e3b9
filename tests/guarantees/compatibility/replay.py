"""Replays a scenario: steps as data, against a server on a copy of recorded files.

A step is one of: ``tool`` with ``arguments``, ``read`` of a resource, ``command`` of the command
line, ``file`` to show; and, without an outcome, ``edit`` of a persona elsewhere, ``fault`` of the
next request, ``advance`` of the clock by minutes, ``restart`` of the server. ``save`` names parts
of an answer by JSON Pointer, and ``{{name}}`` in a later step stands for such a part.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.shared.exceptions import MCPError
from running_server import connect, run_command
from state_files import edit

Step = Mapping[str, Any]
_RECORDED_KINDS = ("tool", "read", "command", "file")
_REFERENCE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Scenario:
    """A name, the initial files (copied from a folder or one by one), and the steps.

    ``moment`` is where the server's clock begins; without it the clock is the real one.
    """

    name: str
    steps: Sequence[Step]
    files: Mapping[str, Path] = field(default_factory=dict)
    moment: datetime | None = None
    toolsets: str = "all"

    def labels(self) -> list[str]:
        """Return the name of each step that has an outcome, in order."""
        recorded = [
            step for step in self.expanded() if any(kind in step for kind in _RECORDED_KINDS)
        ]
        return [f"{number:03} {_label(step)}" for number, step in enumerate(recorded, 1)]

    def expanded(self) -> list[Step]:
        """Return the steps, with a step for several values repeated for each of them."""
        found: list[Step] = []
        for step in self.steps:
            lists = step.get("for_each", {})
            for values in itertools.product(*lists.values()):
                each = dict(zip(lists, values, strict=True))
                found.append({**_resolve(step, each), "label": _each_label(step, each)})
        return found


def _each_label(step: Step, each: Mapping[str, Any]) -> str:
    note = str(step.get("note", ""))
    return " ".join([note, *map(str, each.values())]).strip()


def _label(step: Step) -> str:
    kind = next(kind for kind in _RECORDED_KINDS if kind in step)
    what = " ".join(step[kind]) if isinstance(step[kind], list) else str(step[kind])
    return " - ".join(filter(None, [_REFERENCE.sub(r"\1", what), step["label"]]))


def _resolve(value: Any, saved: Mapping[str, Any]) -> Any:
    """Replace names by saved values; a name without a value is left."""
    if isinstance(value, dict):
        return {key: _resolve(item, saved) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, saved) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return saved.get(whole[1], value)
    return _REFERENCE.sub(lambda match: str(saved.get(match[1], match[0])), value)


class Faults(httpx2.AsyncBaseTransport):
    """Passes requests on, and answers the next matching one with a planned error."""

    def __init__(self) -> None:
        self.inner: httpx2.AsyncBaseTransport
        self.planned: list[Mapping[str, Any]] = []

    def wrap(self, inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        """Wrap this transport."""
        self.inner = inner
        return self

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer with the planned error of this method, or pass the request on."""
        for fault in self.planned:
            if fault["method"] == request.method:
                self.planned.remove(fault)
                return httpx2.Response(fault["status"], json=fault.get("body", {}))
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self.inner.aclose()


class Replay:
    """One run of a scenario in a folder of its own."""

    def __init__(self, scenario: Scenario, folder: Path, *, strict: bool) -> None:
        self._strict = strict
        self._scenario, self._folder, self._data = scenario, folder, folder / "data"
        self._saved: dict[str, Any] = {}
        self._faults = Faults()
        self._later = timedelta()
        self._client: Client | None = None
        self._open = AsyncExitStack()
        for name, source in scenario.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    async def run(self) -> list[Any]:
        """Return the outcome of every step that has one."""
        outcomes = []
        try:
            for step in self._scenario.expanded():
                resolved = _resolve(step, self._saved)
                outcome = await self._outcome(resolved)
                if outcome is not None:
                    outcomes.append(outcome)
                    self._save(step.get("save", {}), outcome)
        finally:
            await self._open.aclose()
        return outcomes

    def _save(self, names: Mapping[str, str], outcome: Any) -> None:
        """Save parts of an answer; a part that is not there is an error only when recording."""
        for name, pointer in names.items():
            found = outcome.get("structured")
            try:
                for part in pointer.strip("/").split("/"):
                    found = found[int(part)] if isinstance(found, list) else found[part]
            except (TypeError, KeyError, IndexError):
                if self._strict:
                    raise AssertionError(f"{pointer} is not in {outcome}") from None
            else:
                self._saved[name] = found

    async def _outcome(self, step: Step) -> Any:
        match step:
            case {"tool": name}:
                return await self._call(name, step.get("arguments", {}))
            case {"read": uri}:
                return await self._read(uri)
            case {"command": arguments}:
                return await self._command(arguments, step)
            case {"file": name}:
                path = self._folder / name
                return {"text": path.read_bytes().decode() if path.exists() else None}
            case {"edit": persona_id}:
                edit(
                    self._data,
                    persona_id,
                    {**step["fields"], **dict.fromkeys(step.get("unset", ()))},
                )
            case {"fault": fault}:
                self._faults.planned.append(fault)
            case {"advance": minutes}:
                self._later += timedelta(minutes=minutes)
            case {"restart": True}:
                await self._open.aclose()
                self._client = None
        return None

    async def _connected(self) -> Client:
        if self._client is None:
            start = self._scenario.moment
            clock = (
                (lambda: start + self._later)
                if start
                else (lambda: datetime.now(UTC) + self._later)
            )
            server = connect(
                self._data,
                clock=clock,
                wrap=self._faults.wrap,
                TAVUS_MCP_TOOLSETS=self._scenario.toolsets,
            )
            self._client = await self._open.enter_async_context(server)
        return self._client

    async def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        client = await self._connected()
        try:
            result = await client.call_tool(name, arguments)
        except MCPError as refusal:
            return {"refused": refusal.error.model_dump(mode="json", exclude_none=True)}
        parts = [
            part.model_dump(mode="json", by_alias=True, exclude_none=True)
            for part in result.content
        ]
        texts = [part["text"] if set(part) == {"type", "text"} else part for part in parts]
        outcome = {"error": bool(result.is_error), "content": texts}
        if result.structured_content is not None:
            outcome["structured"] = result.structured_content
        return outcome

    async def _read(self, uri: str) -> Any:
        client = await self._connected()
        try:
            result = await client.read_resource(uri)
        except MCPError as refusal:
            return {"refused": refusal.error.model_dump(mode="json", exclude_none=True)}
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def _command(self, arguments: list[str], step: Step) -> Any:
        run = partial(
            run_command,
            self._data,
            *arguments,
            folder=self._folder,
            stdin=step.get("stdin", ""),
            **step.get("variables", {}),
        )
        result = await anyio.to_thread.run_sync(run)
        return {"status": result.status, "output": result.output, "errors": result.errors}


def shortened(outcome: Any) -> Any:
    """Leave out the structured content of an answer whose text is the same in JSON."""
    if not isinstance(outcome, dict) or "structured" not in outcome:
        return outcome
    try:
        same = json.loads(outcome["content"][0]) == outcome["structured"]
    except (ValueError, TypeError, IndexError):
        same = False
    return {**outcome, "structured": "(as the content)"} if same else outcome


def run(scenario: Scenario, folder: Path, *, strict: bool = False) -> list[Any]:
    """Replay a scenario in a folder; return the outcomes of its steps."""
    folder.mkdir(parents=True, exist_ok=True)
    replay: Callable[[], Any] = Replay(scenario, folder, strict=strict).run
    return [shortened(outcome) for outcome in anyio.run(replay)]
