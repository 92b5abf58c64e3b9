"""Reading and writing the configuration file of a host, with a backup beside it."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tavus_mcp.hosts.entry import (
    find_entry,
    holds_nothing_else,
    install_entry,
    is_same_without_entry,
    mask_entry,
    read_file,
    remove_entry,
)
from tavus_mcp.hosts.jsonc import BadConfig, JsonDocument
from tavus_mcp.hosts.table import Host
from tavus_mcp.persona_files.file_writing import write_file

PRIVATE_MODE = 0o600
_OTHERS_BITS = 0o077


@dataclass(frozen=True)
class HostFile:
    """The file of a host for a user or, with ``is_project``, for everyone in a folder.

    ``root`` is a folder above it that is never removed: the home folder, or that of the project.
    Methods raise ``BadConfig`` for a file that the host could not read either, and ``OSError``.
    """

    host: Host
    path: Path
    root: Path
    is_project: bool = False

    @property
    def backup_path(self) -> Path:
        """Where the file is copied to before its first change, without secrets of our entry."""
        return self.path.with_name(f"{self.path.name}.tavus-mcp.bak")

    def read(self) -> JsonDocument | None:
        """Return the content, None if there is no file."""
        return read_file(self.path, self.host)

    def is_private(self) -> bool:
        """Tell whether only this user may read the file."""
        return not stat.S_IMODE(self.path.stat().st_mode) & _OTHERS_BITS

    def install(self, entry: dict[str, Any], *, is_secret: bool) -> bool:
        """Write an entry; return False if the file holds it already and nothing was written.

        With ``is_secret`` the entry holds a key, so that only this user may read the file.
        """
        before = self.read()
        empty = JsonDocument.empty(self.host.syntax)
        after = install_entry(before or empty, self.host, entry)
        mode = PRIVATE_MODE if is_secret or (before is None and not self.is_project) else None
        if (
            before is not None
            and after.text == before.text
            and (not is_secret or self.is_private())
        ):
            return False
        if before is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif after.text != before.text:
            self._back_up(before)
        write_file(self.path, after.text, mode=mode)
        return True

    def uninstall(self) -> bool:
        """Remove our entry; return False if there is none.

        A file that is then as it was before the entry was added gets its bytes of then, and its
        backup is removed. A file that held nothing else is removed, with folders that are empty.
        """
        before = self.read()
        if before is None or find_entry(before, self.host) is None:
            return False
        after, backup = remove_entry(before, self.host), self._read_backup()
        is_original = backup is not None and is_same_without_entry(backup, after, self.host)
        had_entry = backup is not None and find_entry(backup, self.host) is not None
        if (
            holds_nothing_else(after, self.host)
            and not self.path.is_symlink()
            and (not is_original or had_entry)
        ):
            self.path.unlink()
        else:
            if backup is None:
                self._back_up(before)
            is_restored = backup is not None and is_original and not had_entry
            write_file(self.path, backup.text if backup and is_restored else after.text)
        if is_original:
            self.backup_path.unlink(missing_ok=True)
        self._remove_empty_folders()
        return True

    def _remove_empty_folders(self) -> None:
        """Remove the folders above the file that are empty, as those that installing has made."""
        for folder in self.path.parents:
            if folder == self.root or not folder.is_relative_to(self.root):
                return
            try:
                folder.rmdir()
            except OSError:  # something is in it
                return

    def _back_up(self, document: JsonDocument) -> None:
        """Copy the file, unless an earlier copy is there: the first one is the user's own file."""
        if not self.backup_path.exists():
            text = mask_entry(document, self.host).text
            write_file(self.backup_path, text, mode=PRIVATE_MODE)

    def _read_backup(self) -> JsonDocument | None:
        try:
            return read_file(self.backup_path, self.host)
        except (OSError, BadConfig):
            return None
