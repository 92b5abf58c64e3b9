from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from network import Line, Tavus, desk_at, listening


@pytest.fixture(scope="module")
def serving_tavus() -> Iterator[Tavus]:
    with listening() as tavus:
        yield tavus


@pytest.fixture
async def line(serving_tavus: Tavus, tmp_path: Path) -> AsyncIterator[Line]:
    async with desk_at(serving_tavus, tmp_path) as (desk, wire):
        yield Line(desk, wire, serving_tavus, tmp_path / "journal.sqlite3")
        wire.refused = lambda _method, _path: False
    serving_tavus.calm()
