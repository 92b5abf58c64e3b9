"""What is measured, how it is told, and whether it is enough."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One measured figure: its goal is an upper bound, in the same unit as its value.

    ``timed`` figures (and resident memory) depend on the machine; the others must always hold.
    """

    name: str
    value: float
    unit: str
    goal: float
    floor: str = ""
    timed: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Tell whether the goal is reached."""
        return self.value <= self.goal


def render_table(measurements: list[Measurement]) -> str:
    """Return the figures as a table for people."""
    rows = [("figure", "value", "goal", "", "measured beside it")]
    rows += [
        (
            figure.name,
            f"{figure.value:,.6g} {figure.unit}",
            f"{figure.goal:,.6g}",
            "met" if figure.is_met else "MISSED",
            figure.floor,
        )
        for figure in measurements
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n"


def write_json(measurements: list[Measurement], path: Path, *, quick: bool) -> None:
    """Write the figures as JSON for programs."""
    body = {
        "quick": quick,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "figures": [{**asdict(figure), "met": figure.is_met} for figure in measurements],
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
