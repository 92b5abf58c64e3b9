"""A journal in PostgreSQL that cannot be used: errors give the reason, without a password."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from journal_databases import SERVER_URL, create_database

from tavus_mcp.cli.wiring import build_app
from tavus_mcp.journal import postgres_connection
from tavus_mcp.journal.database import DatabaseError
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import Journal, JournalStore
from tavus_mcp.journal.postgres_connection import RETRY_AFTER_SECONDS, ConnectionAttempts
from tavus_mcp.journal.postgres_database import PostgresDatabase, PostgresLocation
from tavus_mcp.settings import Settings
from tavus_mcp.url_settings import find_url_passwords, parse_journal_url

pytestmark = pytest.mark.anyio

PASSWORD = "p/w %@$tr:ange"
ENCODED = quote(PASSWORD, safe="")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
ENTRY = JournalEntry("seen", "p1", "now", revision="1" * 12, body="{}")


class ManualClock:
    """A clock that a test moves."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_after_a_failure_no_attempt_is_made_for_a_while(tmp_path: Path) -> None:
    clock = ManualClock()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    url = f"postgresql://u:secret-word@127.0.0.1:{port}/journal"
    location = PostgresLocation(url, tmp_path, ConnectionAttempts(clock))
    with pytest.raises(DatabaseError, match=r"Connection refused$"):
        JournalStore.open(location)
    with closing(socket.create_server(("127.0.0.1", port))) as server:
        server.setblocking(False)
        clock.seconds += RETRY_AFTER_SECONDS - 1
        with pytest.raises(DatabaseError, match="refused") as caught:
            JournalStore.open(location)
        assert "secret-word" not in str(caught.value)
        with pytest.raises(BlockingIOError):
            server.accept()
    clock.seconds += 1
    location.attempts.require_allowed()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:100%@127.0.0.1/journal",
        "postgresql://user:secret-word@127.0.0.1/journal?no_such_option=secret-word",
        "postgresql://user:secret%zzword@127.0.0.1/journal",
    ],
)
def test_an_invalid_url_is_reported_without_any_part_of_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="the URL is not valid") as caught:
        JournalStore.open(PostgresLocation(url, tmp_path))
    assert "secret" not in str(caught.value)
    assert "100" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://u:p@[::1]:5433/journal", "postgresql://[::1]:5433/journal"),
        ("postgres://u:p@db.example/journal?sslmode=require", "postgresql://db.example/journal"),
        ("postgresql://u:p@%2Fvar%2Frun/journal", "postgresql://%2Fvar%2Frun/journal"),
        ("postgresql:///journal?host=/var/run&password=p", "postgresql:///var/run/journal"),
        ("postgresql://u:a%C3%A9%C3%B6$word@h/journal", "postgresql://h/journal"),
    ],
)
def test_urls_of_every_form_are_accepted_and_named_without_credentials(
    url: str, name: str, tmp_path: Path
) -> None:
    assert PostgresLocation(parse_journal_url(url), tmp_path).name == name


def test_a_password_is_masked_as_it_is_written_and_as_it_is_meant(tmp_path: Path) -> None:
    urls = (f"postgresql://u:{ENCODED}@h/d", f"postgresql://h/d?user=u&password={ENCODED}")
    for url in urls:
        assert find_url_passwords(url) == [ENCODED, PASSWORD]
        app = build_app(Settings(journal_url=url, data_dir=tmp_path))
        masked = app.masker.mask_message(f"at {url} with {PASSWORD}")
        assert PASSWORD not in masked
        assert ENCODED not in masked


@pytest.fixture
def role_url() -> Iterator[str]:
    """The URL of an empty database for a role without rights, with an unusual password."""
    url = create_database(f"tavus_mcp_rights_{WORKER}")
    role = f"tavus_mcp_role_{WORKER}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP ROLE IF EXISTS "{role}"'.encode())
        statement = psycopg.sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(statement.format(psycopg.sql.Identifier(role), PASSWORD))
    host = urlsplit(url).netloc.rpartition("@")[2]
    yield urlsplit(url)._replace(netloc=f"{role}:{ENCODED}@{host}").geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP OWNED BY "{role}"'.encode())
        connection.execute(f'DROP ROLE "{role}"'.encode())


@pytest.mark.extended
def test_a_role_without_rights_is_refused_and_can_be_given_a_schema(
    role_url: str, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseError, match="permission denied for database"):
        JournalStore.open(PostgresLocation(role_url, tmp_path))
    name = urlsplit(role_url).path.strip("/")
    role = str(urlsplit(role_url).username)
    owner = urlsplit(SERVER_URL)._replace(path=f"/{name}").geturl()
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA tavus_mcp AUTHORIZATION "{role}"'.encode())
    with closing(JournalStore.open(PostgresLocation(role_url, tmp_path))) as journal:
        journal.append(ENTRY)
        assert journal.verify() == []


@pytest.mark.extended
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("/postgres", "/there-is-no-such-database"), "does not exist"),
        (("@", "-is-not-the-password@"), "authentication failed"),
        (("/postgres", "/postgres?sslmode=require"), "SSL"),
    ],
)
def test_the_reason_is_given_without_the_password(
    change: tuple[str, str], reason: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    create_database(f"tavus_mcp_test_{WORKER}")
    head, separator, tail = SERVER_URL.rpartition(change[0])
    assert separator, request.node.name
    url = f"{head}{change[1]}{tail}"
    with pytest.raises(DatabaseError, match=reason) as caught:
        JournalStore.open(PostgresLocation(url, tmp_path))
    assert "\n" not in str(caught.value)
    assert all(password not in str(caught.value) for password in find_url_passwords(url))


@pytest.mark.extended
async def test_a_journal_works_again_without_a_restart_when_its_database_is_back(
    tmp_path: Path,
) -> None:
    url = create_database(f"tavus_mcp_test_{WORKER}")
    clock = ManualClock()
    location = PostgresLocation(url, tmp_path, ConnectionAttempts(clock))
    journal = Journal(location)
    await journal.append(ENTRY)
    name = urlsplit(url).path.strip("/")
    with psycopg.connect(SERVER_URL, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (name,),
            )
            for _ in range(2):
                with pytest.raises(Exception, match="not currently accepting connections"):
                    await journal.append(ENTRY)
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        with pytest.raises(Exception, match="not currently accepting connections"):
            await journal.append(ENTRY)
    clock.seconds += RETRY_AFTER_SECONDS
    await journal.append(ENTRY)
    assert await journal.run(JournalStore.verify) == []
    assert len(await journal.entries_of_persona("p1")) == 2
    journal.close()


@pytest.mark.extended
def test_a_statement_without_an_answer_ends_and_the_connection_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = create_database(f"tavus_mcp_test_{WORKER}")
    clock = ManualClock()
    monkeypatch.setattr(postgres_connection, "MAX_ANSWER_SECONDS", 0.3)
    with closing(
        PostgresDatabase.open(PostgresLocation(url, tmp_path, ConnectionAttempts(clock)))
    ) as database:
        with pytest.raises(DatabaseError, match="did not answer"), database.write():
            database.execute("SELECT pg_sleep(5)")
        with pytest.raises(DatabaseError, match="did not answer"):
            database.execute("SELECT 1")
        clock.seconds += RETRY_AFTER_SECONDS
        assert database.execute("SELECT 1").fetchone() == (1,)
        with database.long_work():
            database.execute("SELECT pg_sleep(1)")


@pytest.mark.extended
def test_long_work_that_fails_says_why_and_leaves_the_limit_of_statements(tmp_path: Path) -> None:
    url = create_database(f"tavus_mcp_test_{WORKER}")
    with closing(PostgresDatabase.open(PostgresLocation(url, tmp_path))) as database:
        with (
            pytest.raises(DatabaseError, match="division by zero"),
            database.write(),
            database.allow_rewriting(),
        ):
            database.execute("SELECT 1 / 0")
        assert database.execute("SHOW statement_timeout").fetchone() == ("8s",)
        with database.write(), database.allow_rewriting():
            assert database.execute("SHOW statement_timeout").fetchone() == ("0",)
        assert database.execute("SHOW statement_timeout").fetchone() == ("8s",)
