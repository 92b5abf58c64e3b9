"""Whatever Tavus had stored is there again after an undo."""

from __future__ import annotations

from pathlib import Path

import pytest
from property_examples import draw_seed, examples
from undo_runs import run_undos

pytestmark = [pytest.mark.anyio, pytest.mark.generated]

SAMPLE = 40
"""Changes, of which the default suite makes a part; ``full_counts.py`` runs a thousand."""


async def test_changes_of_odd_personas_are_undone_to_the_same_document(tmp_path: Path) -> None:
    """Nulls, mask characters, unknown fields and odd names come back."""
    figures = await run_undos(tmp_path, examples(SAMPLE), draw_seed())
    assert figures["undone to the same document"] >= examples(SAMPLE)
