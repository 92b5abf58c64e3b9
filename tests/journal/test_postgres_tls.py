"""A journal in PostgreSQL over TLS: the certificate of the server is verified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from postgres_server import PASSWORD, URL_PASSWORD, PostgresServer, start_postgres

from tavus_mcp.journal.database import DatabaseError
from tavus_mcp.journal.entry import JournalEntry
from tavus_mcp.journal.journal import JournalStore
from tavus_mcp.journal.postgres_database import PostgresLocation

pytestmark = pytest.mark.extended


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the certificates of two authorities."""
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[PostgresServer]:
    """A server that accepts encrypted connections only, with a certificate for ``localhost``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "good.pem"))
    trustme.CA().cert_pem.write_to_path(str(folder / "wrong.pem"))
    with start_postgres() as started:
        certificate = authority.issue_cert("localhost")
        files = {
            "server.crt": certificate.cert_chain_pems[0].bytes(),
            "server.key": certificate.private_key_pem.bytes(),
            "pg_hba.conf": b"hostssl all all 127.0.0.1/32 scram-sha-256\n",
        }
        for name, content in files.items():
            path = started.data / name
            path.write_bytes(content)
            started.give(path)
        started.execute("ALTER SYSTEM SET ssl = on")
        started.execute("SELECT pg_reload_conf()")
        yield started


def locate(
    server: PostgresServer, tmp_path: Path, host: str, **options: object
) -> PostgresLocation:
    query = "&".join(f"{name}={value}" for name, value in options.items())
    address = f"{host}:{server.port}/postgres?{query}"
    return PostgresLocation(f"postgresql://tavus:{URL_PASSWORD}@{address}", tmp_path)


def test_a_server_with_a_certificate_of_the_named_authority_is_used(
    server: PostgresServer, folder: Path, tmp_path: Path
) -> None:
    options = {"sslmode": "verify-full", "sslrootcert": folder / "good.pem"}
    with closing(JournalStore.open(locate(server, tmp_path, "localhost", **options))) as journal:
        journal.append(JournalEntry("seen", "p1", "now", revision="1" * 12, body="{}"))
        assert journal.verify() == []
        query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert journal._db.execute(query).fetchone() == (True,)  # noqa: SLF001 - not public


@pytest.mark.parametrize(
    ("host", "options", "reason"),
    [
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "wrong.pem"}, "verify failed"),
        ("localhost", {"sslmode": "verify-full", "sslrootcert": "none.pem"}, "does not exist"),
        ("127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "good.pem"}, "does not match"),
        ("localhost", {"sslmode": "disable"}, "no encryption"),
    ],
    ids=["another authority", "a missing file", "another host", "without TLS"],
)
def test_any_other_connection_is_refused_with_the_reason(
    server: PostgresServer,
    folder: Path,
    tmp_path: Path,
    host: str,
    options: dict[str, str],
    reason: str,
) -> None:
    if "sslrootcert" in options:
        options = {**options, "sslrootcert": str(folder / options["sslrootcert"])}
    with pytest.raises(DatabaseError, match=reason) as caught:
        JournalStore.open(locate(server, tmp_path, host, **options))
    assert not any(word in str(caught.value) for word in (PASSWORD, URL_PASSWORD))
    assert "TAVUS_MCP_JOURNAL" in caught.value.advice
