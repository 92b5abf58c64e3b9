"""Apply a project while its disk, or that of the journal, becomes full at each moment.

``python full_disk.py DISK OTHER_FOLDER [STEP]``: DISK is a small file system. STEP chooses every
such moment. Prints how many moments there were.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from itertools import count
from pathlib import Path

import httpx2
import pytest
from project_harness import ADA, ProjectFolder, build_folder

from tavus_mcp.errors import ToolFailure
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.persona_files.file_writing import write_file
from tavus_mcp.project.state import load_state, state_path

RULE = "guardrails/rule.yaml"
_REASONS = ("No space left on device", "free space on its disk", "disk is full")


def main() -> None:
    """Put the state, the journal or both on the disk, and fill it at one request after another."""
    disk, other = Path(sys.argv[1]), Path(sys.argv[2])
    step = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    write_file_of_two_names(disk)
    expected = build_changed(other / "expected", None)
    expected.apply_successfully()
    for number, (folder, journals) in enumerate(((disk, other), (other, disk), (disk, disk))):
        for moment in count(number * step // 3, step):
            name = f"{number} {moment}"
            project = build_changed(folder / name, journals / f"{name}.sqlite3")
            if not run_out_of_space(project, disk, moment, expected):
                break
        sys.stdout.write(f"moments {moment}\n")


def build_changed(folder: Path, journal: Path | None) -> ProjectFolder:
    """Return a project that was applied, and has changes and new objects since."""
    project = build_folder(folder)
    if journal is not None:
        project.accounts["staging"].journal_path = journal
    project.write(RULE, "guardrail_name: rule\nguardrail_prompt: Be kind.\n")
    project.write("personas/ada.yaml", ADA)
    project.apply_successfully()
    project.replace(RULE, "kind", "brief")
    project.replace("personas/ada.yaml", "help", "assist")
    for name in ("Bob", "Cy"):
        text = ADA.replace("Ada", name).replace("You help people.", name * 3_000)
        project.write(f"personas/{name.lower()}.yaml", text)
    return project


def run_out_of_space(
    project: ProjectFolder, disk: Path, moment: int, expected: ProjectFolder
) -> bool:
    """Apply on a disk that becomes full, then with space; return False if it ended before."""
    filler = disk / "filler"
    numbers = count()

    def intercept(_: str) -> httpx2.Response | None:
        if next(numbers) == moment:
            fill(filler)
        return None

    account = project.accounts["staging"]
    account.intercept = intercept
    try:
        errors = [str(error) for error in project.apply().errors]
    except (ToolFailure, OSError) as error:
        errors = [str(error)]
    was_full = filler.exists()
    if was_full and not account.journal_path.is_relative_to(disk):
        state_file = state_path(project.folder, "staging")
        assert f"{state_file}: No space left on device. So the apply stopped" in errors[0], errors
        assert ("done, and in the journal: " in errors[0]) == bool(project.carried_out)
    assert all(any(reason in error for reason in _REASONS) for error in errors), errors
    load_state(project.folder, "staging")
    done = list(project.carried_out)
    filler.unlink(missing_ok=True)
    account.intercept = lambda _: None
    project.apply_successfully()
    assert len(done + project.carried_out) == len(expected.carried_out), moment
    assert project.contents() == expected.contents(), moment
    assert set(project.statuses().values()) == {"in sync"}
    store = JournalStore.open(account.journal_path)
    assert store.verify() == []
    store.close()
    assert not [path.name for path in (project.folder / ".tavus").iterdir() if "json." in path.name]
    return was_full


def write_file_of_two_names(disk: Path) -> None:
    """Leave space for a complete copy of a file, and not for writing it a second time."""
    path, reserve, filler = disk / "file", disk / "reserve", disk / "filler"
    text = "text" * 10_240
    path.write_text("before")
    path.with_name("other name").hardlink_to(path)
    reserve.write_text(text)
    fill(filler)
    reserve.unlink()
    with pytest.raises(OSError, match="It may be cut short") as error:
        write_file(path, text)
    [copy] = disk.glob(".file.*")
    assert str(copy) in str(error.value)
    assert copy.read_text() == text
    sys.stdout.write("kept whole\n")
    filler.unlink()


def fill(path: Path) -> None:
    """Write a file until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


if __name__ == "__main__":
    main()
