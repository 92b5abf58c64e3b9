"""The folders of the user on each system, and the configuration files of hosts in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tavus_mcp.hosts.table import LINUX, MACOS, WINDOWS, Host


@dataclass(frozen=True)
class UserFolders:
    """What a path in the table of hosts may begin with, by name, and the system."""

    system: str
    paths: Mapping[str, Path]

    @classmethod
    def from_variables(
        cls, variables: Mapping[str, str], *, system: str = "", home: Path | None = None
    ) -> UserFolders:
        """Return the folders of this user, on this system if none is named.

        ``variables`` is the environment.
        """
        system = system or sys.platform
        home = home or Path.home()

        def folder(name: str, default: Path) -> Path:
            return Path(variables[name]) if variables.get(name) else default

        paths = {
            "home": home,
            "config": folder("XDG_CONFIG_HOME", home / ".config"),
            "roaming": folder("APPDATA", home / "AppData" / "Roaming"),
            "local": folder("LOCALAPPDATA", home / "AppData" / "Local"),
            "claude": folder("CLAUDE_CONFIG_DIR", home),
        }
        return cls(system if system in (MACOS, WINDOWS) else LINUX, paths)

    @property
    def home(self) -> Path:
        """The home folder."""
        return self.paths["home"]

    def find_user_file(self, host: Host) -> Path:
        """Return the file of a host for this user; it need not exist.

        Of several candidates the first counts whose folder exists, else the last.
        """
        candidates = [path for text in host.user_files[self.system] for path in self._expand(text)]
        with_folder = (path for path in candidates if path.parent.is_dir())
        return next(with_folder, candidates[-1])

    def find_root(self, path: Path) -> Path:
        """Return the outermost of these folders that holds a file, else the file's own folder."""
        roots = [folder for folder in self.paths.values() if path.is_relative_to(folder)]
        return min(roots, key=lambda folder: len(folder.parts), default=path.parent)

    def _expand(self, text: str) -> Iterator[Path]:
        root, *parts = text.split("/")
        folder, name = self.paths[root], parts.pop()
        if any("*" in part for part in parts):
            yield from (path / name for path in sorted(folder.glob("/".join(parts))))
        else:
            yield folder.joinpath(*parts, name)


def find_repository(path: Path) -> Path | None:
    """Return the root of the git repository that holds a file."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), None)
