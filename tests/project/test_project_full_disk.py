"""A full disk while an apply writes its state or the journal: nothing is lost or done twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("full_disk.py")
ROOT = PROGRAM.parents[2]
UNSHARE = shutil.which("unshare")
MOUNT = 'mount -t tmpfs -o size=24m tmpfs "$1" && shift && exec "$@"'


def run_on_small_disk(disk: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a command for which a folder is a small file system in memory."""
    disk.mkdir(exist_ok=True)
    folders = (ROOT, ROOT / "tests", PROGRAM.parent)
    return subprocess.run(
        [UNSHARE or "", "-rm", "sh", "-c", MOUNT, "sh", str(disk), *map(str, command)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.extended
def test_what_a_full_disk_interrupts_is_reported_and_continued(tmp_path: Path) -> None:
    """The disk becomes full at every eighth request; without a number the program tries all."""
    disk, other = tmp_path / "disk", tmp_path / "other"
    if UNSHARE is None or run_on_small_disk(disk, "true").returncode:
        pytest.skip("no file system can be mounted here without rights of an administrator")
    done = run_on_small_disk(disk, sys.executable, PROGRAM, disk, other, 8)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.split()[::2] == ["kept", "moments", "moments", "moments"]
