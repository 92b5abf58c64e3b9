"""Recordings: JSON files whose differences are readable, one entry a file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
FIXTURES = HERE / "fixtures"
LINES, COMPACT = "(lines)", "(compact JSON)"
"""The key of a text that is kept as a list of lines, and of one that is JSON on one line."""
_LONG = 200


def readable(value: Any) -> Any:
    """Return JSON whose long texts are lists of lines; no two values have the same form."""
    if isinstance(value, dict):
        return {key: readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, str):
        return _readable_text(value)
    return value


def _readable_text(text: str) -> Any:
    if text[:1] in ("{", "[") and len(text) > _LONG // 4:
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        compact = json.dumps(parsed, ensure_ascii=False, separators=(",", ":"))
        if compact == text:
            return {COMPACT: json.dumps(parsed, ensure_ascii=False, indent=1).split("\n")}
    return {LINES: text.split("\n")} if "\n" in text else text


def write(path: Path, value: Any) -> None:
    """Write one recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(readable(value), indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Any:
    """Return a recording as it was written, in its readable form."""
    return json.loads(path.read_text(encoding="utf-8"))


def clear(folder: Path) -> None:
    """Remove the recordings of a folder, before they are made again."""
    shutil.rmtree(folder, ignore_errors=True)
