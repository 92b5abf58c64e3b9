"""One journal, several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tavus_mcp.journal.journal import JournalStore

WRITER = """
import sys
from pathlib import Path
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.entry import JournalEntry
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
journal = JournalStore.open(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    journal.append(JournalEntry("seen", sys.argv[2], "now", revision=str(number), body="{}"))
journal.close()
"""
OPENERS = """
import os, sys
from pathlib import Path
from tavus_mcp.journal.journal import JournalStore

def opens(path, start):
    os.read(start, 1)
    try:
        JournalStore.open(path).close()
    except BaseException as error:
        sys.stderr.write(f"{error}\\n")
        sys.stderr.flush()
    os._exit(0)

for number in range(60):
    reader, writer = os.pipe()
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            os.close(writer)
            opens(Path(sys.argv[1]) / str(number) / "journal.sqlite3", reader)
        children.append(child)
    os.close(writer)
    os.close(reader)
    for child in children:
        os.waitpid(child, 0)
"""


def test_processes_appending_concurrently_produce_one_hash_chain(tmp_path: Path) -> None:
    path = tmp_path / "data" / "journal.sqlite3"
    JournalStore.open(path).close()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), f"p{number}", "150"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        _, complaints = process.communicate(timeout=60)
        assert (process.returncode, complaints) == (0, "")
    journal = JournalStore.open(path)
    assert journal.verify() == []
    assert [len(journal.entries_of_persona(name)) for name in ("p1", "p2")] == [150, 150]
    journal.close()


def test_processes_can_create_the_same_journal_concurrently(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPENERS, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stderr == ""
