"""Measurements with their goals, as a table and as JSON."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One measurement. Its goal is an upper bound in the unit of its value.

    ``baseline`` describes what it was measured beside. A ``timed`` one (also resident memory)
    depends on the machine; the goals of the others must always be met.
    """

    name: str
    value: float
    unit: str
    goal: float
    baseline: str = ""
    timed: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Return True if the goal is met."""
        return self.value <= self.goal


def render_table(measurements: list[Measurement]) -> str:
    """Render the measurements as a text table."""
    rows = [("figure", "value", "goal", "", "measured beside it")]
    rows += [
        (
            measurement.name,
            f"{measurement.value:,.6g} {measurement.unit}",
            f"{measurement.goal:,.6g}",
            "met" if measurement.is_met else "MISSED",
            measurement.baseline,
        )
        for measurement in measurements
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n"


def write_json(measurements: list[Measurement], path: Path, *, quick: bool) -> None:
    """Write the measurements as JSON."""
    body = {
        "quick": quick,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "figures": [
            {**asdict(measurement), "met": measurement.is_met} for measurement in measurements
        ],
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
