"""docs/sandbox.md lists every switch with its values, the default first."""

from __future__ import annotations

import re
from pathlib import Path

from tavus_mcp.sandbox.switches import Switches

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"


def test_every_switch_is_documented_with_its_values_and_its_default_first() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    documented = {name: values.split(", ") for name, values in rows}
    properties = Switches.model_json_schema()["properties"]
    assert documented == {name: schema["enum"] for name, schema in properties.items()}
    assert all(schema["default"] == schema["enum"][0] for schema in properties.values())
