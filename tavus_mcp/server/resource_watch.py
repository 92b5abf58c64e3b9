"""Notices changes of the resources that clients subscribed to.

Tavus announces no changes, so subscribed personas are read at intervals: soon after a change, ever
more seldom while nothing changes. Nothing is read that is not subscribed. Writes of this server are
noticed at once, because ``history.record`` reports them (``App.write_observers``).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from tavus_mcp.app import App
from tavus_mcp.concurrency import for_each
from tavus_mcp.deadlines import CallTimedOut, limit_call
from tavus_mcp.errors import NotFound, ToolFailure
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.layers import LAYER_NAMES
from tavus_mcp.server.resources import PERSONAS_URI, list_personas

MIN_POLL_INTERVAL_SECONDS = 10.0
"""Between two reads of a resource that has just changed; doubled after each read without change."""
MAX_POLL_INTERVAL_SECONDS = 300.0
MIN_SECONDS_AFTER_READ = 2.0
"""Before a resource is read again because this server wrote something that may concern it."""
MAX_CONCURRENT_POLLS = 2

Fingerprints = Mapping[str, str]
"""A short text for each URI that can be subscribed, which changes with the resource."""
Publish = Callable[[str], Awaitable[None]]
_POLLED_URI = re.compile(rf"({PERSONAS_URI}(?:/[^/]+)?)(?:/layers/[^/]+)?")


def polled_uri(uri: str) -> str:
    """Return the URI of the resource whose reads show changes of ``uri``.

    It is the list of personas or a persona. It is empty for a resource that never changes: a
    revision, the catalog, the schema, a guide.
    """
    match = _POLLED_URI.fullmatch(uri)
    return match[1] if match else ""


class WatchClock:
    """The clock of a ``ResourceWatcher``; tests replace it."""

    def now(self) -> float:
        """Return the current seconds."""
        return anyio.current_time()

    async def wait(self, event: anyio.Event, seconds: float) -> None:
        """Return when the event is set, or after some seconds."""
        with anyio.move_on_after(seconds):
            await event.wait()


@dataclass
class PolledResource:
    """A resource that is read at intervals, and the subscribed URIs whose changes that shows.

    ``known`` is what was last read, None before the first read. ``version`` counts the writes of
    this server, so that a read which began before one can be told. ``is_written`` is set when one
    of them was not compared with ``known`` yet.
    """

    uri: str
    due_at: float
    interval_seconds: float = MIN_POLL_INTERVAL_SECONDS
    read_at: float = -math.inf
    subscriptions: Counter[str] = field(default_factory=Counter)
    known: Fingerprints | None = None
    version: int = 0
    is_written: bool = False

    def observe(self, found: Fingerprints, now: float) -> list[str]:
        """Take what was read; return the subscribed URIs that changed, and set the next read."""
        changed: list[str] = []
        if self.known is None:
            changed = list(self.subscriptions) if self.is_written else []
            self.interval_seconds = MIN_POLL_INTERVAL_SECONDS
        else:
            known = self.known
            changed = [uri for uri in self.subscriptions if known.get(uri) != found.get(uri)]
            self.back_off()
            if changed or self.is_written:
                self.interval_seconds = MIN_POLL_INTERVAL_SECONDS
        self.known, self.is_written = found, False
        self.due_at = now + self.interval_seconds
        return changed

    def back_off(self) -> None:
        """Double the interval."""
        self.interval_seconds = min(2 * self.interval_seconds, MAX_POLL_INTERVAL_SECONDS)


class ResourceWatcher:
    """Reads what is subscribed, and publishes the URI of each resource that changed."""

    def __init__(self, app: App, publish: Publish, clock: WatchClock) -> None:
        self._app = app
        self._publish = publish
        self._clock = clock
        self._polled: dict[str, PolledResource] = {}
        self._changed: dict[str, None] = {}
        self._wake = anyio.Event()
        app.write_observers.append(self.note_write)

    @property
    def polled_uris(self) -> tuple[str, ...]:
        """The URIs of the resources that are read at intervals."""
        return tuple(self._polled)

    def add(self, uri: str) -> None:
        """Watch a resource for one more subscription."""
        if polled := polled_uri(uri):
            resource = self._polled.setdefault(polled, PolledResource(polled, self._clock.now()))
            resource.subscriptions[uri] += 1
            self._wake.set()

    def remove(self, uri: str) -> None:
        """Watch a resource for one subscription less; without any it is not read any more."""
        resource = self._polled.get(polled_uri(uri))
        if resource is None or not resource.subscriptions[uri]:
            return
        resource.subscriptions[uri] -= 1
        resource.subscriptions += Counter()  # forgets URIs without subscriptions
        if not resource.subscriptions:
            del self._polled[resource.uri]

    def note_write(self, object_id: str, document: PersonaDocument | None) -> None:
        """Note a write of this server: compare what it read back, or read soon."""
        for uri in (PERSONAS_URI, f"{PERSONAS_URI}/{object_id}"):
            resource = self._polled.get(uri)
            if resource is None:
                continue
            resource.version += 1
            resource.is_written = True
            if document is not None and uri != PERSONAS_URI:
                changed = resource.observe(_persona_fingerprints(document), self._clock.now())
                self._changed.update(dict.fromkeys(changed))
            else:
                resource.due_at = max(self._clock.now(), resource.read_at + MIN_SECONDS_AFTER_READ)
            self._wake.set()

    async def run(self) -> None:
        """Read what is due and publish changes, until cancelled."""
        while True:
            self._wake = anyio.Event()
            while self._changed:
                uri = next(iter(self._changed))
                del self._changed[uri]
                await self._publish(uri)
            now = self._clock.now()
            due = [resource for resource in self._polled.values() if resource.due_at <= now]
            if due:
                await for_each(due, self._poll, max_concurrent=MAX_CONCURRENT_POLLS)
                continue
            next_due = min((item.due_at for item in self._polled.values()), default=math.inf)
            await self._clock.wait(self._wake, next_due - now)

    async def _poll(self, resource: PolledResource) -> None:
        """Read a resource; a failure is a reason to wait longer, nothing else."""
        version = resource.version
        resource.read_at = self._clock.now()
        try:
            with limit_call(self._app.limits):
                found = await _read_fingerprints(self._app, resource.uri)
        except (ToolFailure, CallTimedOut):
            resource.back_off()
            resource.due_at = self._clock.now() + resource.interval_seconds
            return
        if resource.version == version:  # else what was read may be older than the write
            self._changed.update(dict.fromkeys(resource.observe(found, self._clock.now())))


async def _read_fingerprints(app: App, uri: str) -> Fingerprints:
    """Read the list of personas or a persona; a persona that is gone has no fingerprints."""
    if uri == PERSONAS_URI:
        return {uri: _digest(await list_personas(app))}
    try:
        return _persona_fingerprints(await app.api.get_persona(uri.rpartition("/")[2]))
    except NotFound:
        return {}


def _persona_fingerprints(document: PersonaDocument) -> Fingerprints:
    uri = f"{PERSONAS_URI}/{document.persona_id}"
    layers = {f"{uri}/layers/{name}": _digest(document.layer(name)) for name in LAYER_NAMES}
    return {uri: document.digest, **layers}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
