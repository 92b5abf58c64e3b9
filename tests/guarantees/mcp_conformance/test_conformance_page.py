"""docs/conformance.md shows the data by which the conformance suite is judged."""

from __future__ import annotations

from conformance_page import PAGE, render_page


def test_the_page_shows_the_scenarios() -> None:
    """Render it with: PYTHONPATH=tests/guarantees/mcp_conformance python -m conformance_page."""
    assert PAGE.read_text(encoding="utf-8") == render_page()
