"""What identifies a state of a persona, and the ids that version 0.1 gave to states."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.revision import SHORT_CHARS, shorten

FIXTURES = Path(__file__).parents[1] / "guarantees" / "compatibility" / "fixtures"
JOURNALS = sorted(FIXTURES.glob("journals/*/sandbox-journal.sqlite3"))
DOCUMENT = {"persona_id": "p1", "greeting": "Hi.", "layers": {"tts": {"api_key": "k-012345"}}}


def recorded_states(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the revision and the document of each state in a journal of version 0.1."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT e.revision, d.body FROM entries e JOIN documents d ON d.digest = e.body"
        ).fetchall()
    return [(revision, json.loads(body)) for revision, body in rows]


def test_a_revision_is_the_beginning_of_a_digest_of_64_digits() -> None:
    document = PersonaDocument(DOCUMENT)
    assert len(document.digest) == 64
    assert document.revision == shorten(document.digest) == document.digest[:SHORT_CHARS]


@pytest.mark.parametrize("journal", JOURNALS, ids=lambda path: path.parent.name)
def test_every_id_in_a_journal_of_version_0_1_names_its_state(
    journal: Path, tmp_path: Path
) -> None:
    states = recorded_states(Path(shutil.copy(journal, tmp_path)))
    assert states
    for revision, body in states:
        assert PersonaDocument(body).has_revision(revision), body


@pytest.mark.parametrize("journal", JOURNALS, ids=lambda path: path.parent.name)
def test_an_id_of_version_0_1_names_a_state_that_is_read_with_more_fields(
    journal: Path, tmp_path: Path
) -> None:
    for revision, body in recorded_states(Path(shutil.copy(journal, tmp_path))):
        read_today = {**body, "tool_ids": ["t1"], "skills": {}}
        assert PersonaDocument(read_today).has_revision(revision)
        assert not PersonaDocument({**read_today, "greeting": "Other."}).has_revision(revision)


def test_a_longer_part_of_the_digest_names_the_state_and_a_shorter_one_does_not() -> None:
    document = PersonaDocument(DOCUMENT)
    for length in (12, 13, 40, 64):
        assert document.has_revision(document.digest[:length])
    assert not document.has_revision(document.digest[:11])
    assert not document.has_revision("")
    assert not document.has_revision(document.revision + "0" * 52)
