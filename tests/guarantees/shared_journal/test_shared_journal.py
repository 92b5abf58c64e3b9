"""Two servers with one journal in PostgreSQL lose nothing and do nothing twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from journal_databases import create_database
from shared_runs import run_shared_journal

pytestmark = pytest.mark.extended
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def test_two_servers_share_a_journal(tmp_path: Path) -> None:
    url = create_database(f"tavus_mcp_test_{WORKER}")
    figures = run_shared_journal(url, tmp_path, 60, seed=1)
    assert figures["applied"] == 60
    assert figures["undo: applied"]
    assert figures["plans applied, each once"]
