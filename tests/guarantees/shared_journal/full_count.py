"""Run the full count of changes and undos by two servers with one journal in PostgreSQL.

    TAVUS_MCP_TEST_POSTGRES=URL python tests/guarantees/shared_journal/full_count.py
        [--count N] [--seed N]

The extended suite runs a sample of the same. Exits non-zero where a change is lost or doubled.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(TESTS), str(Path(__file__).parent)]

from journal_databases import create_database  # noqa: E402
from shared_runs import run_shared_journal  # noqa: E402


def main() -> None:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description="Share a journal between two servers.")
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments = parser.parse_args()
    sys.stdout.write(f"seed {arguments.seed}\n")
    sys.stdout.flush()
    url = create_database("tavus_mcp_full_count")
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        figures = run_shared_journal(url, Path(folder), arguments.count, arguments.seed)
    sys.stdout.write(f"{time.monotonic() - started_at:.0f} s\n")
    for figure, number in sorted(figures.items()):
        sys.stdout.write(f"  {figure}: {number}\n")


if __name__ == "__main__":
    main()
