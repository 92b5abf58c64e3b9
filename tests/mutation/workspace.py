"""A scratch copy of a tree with an environment of its own, where mutants are made and tested."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mutants import Mutation

NOT_COPIED = shutil.ignore_patterns(".*_cache", ".git", ".venv", ".hypothesis", "__pycache__")
IMPORT_TIMEOUT_SECONDS = 60
SITE_PACKAGES = "import sysconfig; print(sysconfig.get_path('purelib'))"
VERIFY = "import tavus_mcp; print(tavus_mcp.__file__)"


class Workspace:
    """A copy of the tree in ``folder/tree`` and a virtual environment in ``folder/venv``.

    The environment sees the copy first and then the packages of ``python``, so that processes
    which tests start import the mutated code too, whatever their working directory and variables.
    """

    def __init__(self, root: Path, python: Path, folder: Path) -> None:
        self.tree = folder / "tree"
        self.python = folder / "venv" / "bin" / "python"
        self.environment = folder / "venv"
        if folder.resolve().is_relative_to(root.resolve()):
            raise ValueError("the scratch folder must not be inside the tree")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(root, self.tree, ignore=NOT_COPIED)
        self._create_environment(python)

    def _create_environment(self, python: Path) -> None:
        command = [str(python), "-m", "venv", "--without-pip", str(self.environment)]
        subprocess.run(command, check=True)
        packages = _read_output([str(python), "-c", SITE_PACKAGES])
        own_packages = _read_output([str(self.python), "-c", SITE_PACKAGES])
        lines = f"{self.tree}\nimport site; site.addsitedir({packages!r})\n"
        (Path(own_packages) / "scratch.pth").write_text(lines, encoding="utf-8")
        script = python.parent / "tavus-mcp"
        if script.exists():
            text = script.read_text(encoding="utf-8").partition("\n")[2]
            copy = self.python.parent / script.name
            copy.write_text(f"#!{self.python}\n{text}", encoding="utf-8")
            copy.chmod(0o755)
        imported = Path(_read_output([str(self.python), "-c", VERIFY], self.environment))
        if not imported.is_relative_to(self.tree):
            raise RuntimeError(f"the scratch environment imports {imported}")

    @contextmanager
    def mutated(self, mutation: Mutation) -> Iterator[None]:
        """Hold a mutated file in the copy for the duration of a block."""
        path = self.tree / mutation.path
        original = path.read_bytes()
        path.write_text(mutation.text, encoding="utf-8")
        try:
            yield
        finally:
            path.write_bytes(original)

    def find_import_error(self, module: str) -> str:
        """Import a module in a new process; return the last line of its error, or nothing."""
        done = subprocess.run(
            [str(self.python), "-c", f"import {module}"],
            cwd=self.tree,
            capture_output=True,
            text=True,
            check=False,
            timeout=IMPORT_TIMEOUT_SECONDS,
        )
        return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]


def _read_output(command: list[str], folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
