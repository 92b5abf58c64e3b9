"""Record anew what a client sees: ``python tests/guarantees/compatibility/record.py [PART ...]``.

Run it only when a change is meant to be seen by clients, and read the differences before they are
committed. Parts: surface, calls (of the scripts), findings (of the checker), journals, plans,
states, files.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import anyio
import scenarios
import surface


def record_surface(folder: Path) -> None:
    """Record what servers offer."""
    surface.record(
        {name: anyio.run(surface.collect, folder / name, name) for name in surface.CONFIGURATIONS}
    )


def record_group(group: str, folder: Path) -> None:
    """Record the scenarios of a group."""
    scenarios.forget(group)
    for name, scenario in scenarios.all_scenarios().items():
        if name.startswith(f"{group}/"):
            scenarios.record(scenario, folder / name)


PARTS: Mapping[str, Callable[[Path], None]] = {
    "surface": record_surface,
    **{
        group: partial(record_group, group)
        for group in ("calls", "findings", "journals", "plans", "states", "files")
    },
}


def main(names: list[str]) -> None:
    """Record the named parts, or all of them."""
    for name in names or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
