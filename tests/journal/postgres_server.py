"""A PostgreSQL server of the tests' own, to freeze, restart and fill, and with a certificate."""

from __future__ import annotations

import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "pass word %40 9f2c"
URL_PASSWORD = "pass%20word%20%2540%209f2c"
_PROGRAMS = Path("/usr/lib/postgresql")
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - the folder below has a name that is not guessed


@dataclass
class PostgresServer:
    """A server on loopback with a folder of its own."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql://tavus:{URL_PASSWORD}@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return self.folder / "data"

    def start(self, *, max_file_bytes: int = resource.RLIM_INFINITY) -> None:
        """Start the server; it accepts connections afterwards.

        No file of it can grow beyond a size, as on a full disk.
        """
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -F"
        arguments = ("-D", self.data, "-l", self.folder / "log", "-o", options)
        self._run_program("pg_ctl", "-w", "-s", *arguments, "start", max_file_bytes=max_file_bytes)

    def stop(self) -> None:
        """End the server and its connections."""
        self._run_program("pg_ctl", "-w", "-s", "-D", self.data, "-m", "fast", "stop")

    def execute(self, statement: str) -> list[Any]:
        """Run a statement; return its rows."""
        options = "-c default_transaction_read_only=off"
        with psycopg.connect(self.url, autocommit=True, options=options) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def has_in_tables(self, text: str) -> bool:
        """Tell whether a text is in the files of the tables."""
        paths = (path for path in (self.data / "base").rglob("*") if path.is_file())
        return any(text.encode() in path.read_bytes() for path in paths)

    def end_connections(self) -> None:
        """End every other connection."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid != pg_backend_pid() AND backend_type = 'client backend'"
        )

    @contextmanager
    def freeze(self) -> Iterator[None]:
        """Stop the processes of the server in this block; the system goes on to accept for it."""
        rows = self.execute("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'client%'")
        processes = [self._main_process(), *(pid for (pid,) in rows)]
        _send_signals(processes, signal.SIGSTOP)
        try:
            yield
        finally:
            _send_signals(processes, signal.SIGCONT)

    def initialize(self) -> None:
        """Make the files of a server with an empty database."""
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        self.give(password_file)
        self._run_program(
            "initdb",
            *("-D", self.data, "-U", "tavus", "--auth=scram-sha-256", f"--pwfile={password_file}"),
            *("--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=1"),
        )

    def _run_program(
        self, name: str, *arguments: object, max_file_bytes: int = resource.RLIM_INFINITY
    ) -> None:
        """Run a program of PostgreSQL, which refuses to work for root."""

        def limit_files() -> None:
            _, hard_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, hard_limit))

        result = subprocess.run(
            [self.programs / name, *map(str, arguments)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
            preexec_fn=limit_files,
            env={**os.environ, "LC_ALL": "C"},
            **_find_user(),
        )
        assert result.returncode == 0, result.stderr.decode()

    def give(self, path: Path) -> None:
        """Make a file private to the user of the server."""
        path.chmod(0o600)
        if user := _find_user():
            shutil.chown(path, user["user"], user["group"])

    def _main_process(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])


@contextmanager
def start_postgres() -> Iterator[PostgresServer]:
    """Start a server with an empty database; skip the test where PostgreSQL is not installed."""
    programs = sorted(_PROGRAMS.glob("*/bin"), key=lambda path: int(path.parent.name))
    if not programs:
        pytest.skip(f"PostgreSQL is not installed in {_PROGRAMS}")
    parent = _MEMORY_FOLDER if _MEMORY_FOLDER.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="tavus-mcp-postgres-", dir=parent))
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    server = PostgresServer(programs[-1], folder, port)
    try:
        folder.chmod(0o700)
        if user := _find_user():
            shutil.chown(folder, user["user"], user["group"])
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _find_user() -> dict[str, Any]:
    """Return the arguments of ``subprocess.run`` for another user than root, if this is root."""
    if os.geteuid():
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_name, "group": entry.pw_gid, "extra_groups": []}


def _send_signals(processes: Sequence[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):  # a worker may have ended meanwhile
            os.kill(process, number)
