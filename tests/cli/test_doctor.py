"""``tavus-mcp doctor``: each check, its fix, and an output that may be published."""

from __future__ import annotations

import getpass
import json
import re
import sqlite3
import sys
import threading
import time
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from doctor_runs import Doctor, serve_answer, serve_silence
from install_fixtures import doctor_fixture, home_fixture, project_fixture  # noqa: F401 - fixtures
from install_runs import KEY, USER_FILES

from tavus_mcp.cli import main
from tavus_mcp.diagnostics.background import BackgroundWork
from tavus_mcp.diagnostics.check import Sanitizer
from tavus_mcp.diagnostics.environment import EXTRAS, MIN_PYTHON, SDK_SERIES

ROOT = Path(__file__).parents[2]
CHECKS = (
    *("python", "versions", "settings", "key_present", "key_format", "base_url", "proxy"),
    *("ca_file", "reachability", "key_accepted", "account", "data_folder", "journal_opens"),
    *("journal_verifies", "sandbox_state", "extras", "secrets"),
    *(f"host.{name}.user" for name in USER_FILES),
)


def test_the_sandbox_works_without_a_key(doctor: Doctor) -> None:
    checks = doctor.check("--sandbox")
    assert tuple(checks) == CHECKS
    statuses = {check["status"] for check in checks.values()}
    assert statuses == {"ok", "skipped"}
    assert checks["key_present"]["status"] == checks["reachability"]["status"] == "skipped"


def test_a_key_that_tavus_accepts(doctor: Doctor) -> None:
    with serve_answer() as api:
        checks = doctor.check(TAVUS_API_KEY=KEY, TAVUS_BASE_URL=api.url)
    assert checks["reachability"]["status"] == checks["key_accepted"]["status"] == "ok"
    assert checks["key_present"]["status"] == checks["key_format"]["status"] == "ok"
    assert api.received_keys == ["", KEY]
    assert api.url not in json.dumps(checks)


ANSWERS = {
    401: ("error", "The key was refused."),
    402: ("warning", "402"),
    404: ("error", "no personas at this address"),
}


@pytest.mark.parametrize("status", ANSWERS)
def test_what_tavus_answers_to_the_key(doctor: Doctor, status: int) -> None:
    expected, detail = ANSWERS[status]
    body = {"message": "account of somebody@example.com"}
    with serve_answer(status, body) as api:
        checks = doctor.check(TAVUS_API_KEY=KEY, TAVUS_BASE_URL=api.url)
    assert checks["reachability"]["status"] == "ok"
    assert checks["key_accepted"]["status"] == expected
    assert detail in checks["key_accepted"]["detail"]
    assert "somebody" not in json.dumps(checks)


def test_a_silent_server_does_not_hold_the_command_up(doctor: Doctor) -> None:
    started = time.monotonic()
    with serve_silence() as url:
        checks = doctor.check("--timeout", "0.5", TAVUS_API_KEY=KEY, TAVUS_BASE_URL=url)
    assert time.monotonic() - started < 5
    assert checks["reachability"]["status"] == "error"
    assert "HTTPS_PROXY" in checks["reachability"]["fix"]
    assert checks["key_accepted"]["status"] == "skipped"


def test_a_server_that_is_silent_to_the_key(doctor: Doctor) -> None:
    with serve_answer(is_silent_to_keys=True) as api:
        checks = doctor.check("--timeout", "0.5", TAVUS_API_KEY=KEY, TAVUS_BASE_URL=api.url)
    assert checks["reachability"]["status"] == "ok"
    assert checks["key_accepted"]["status"] == "warning"
    assert "no answer came in time" in checks["key_accepted"]["detail"]


def test_a_server_that_is_not_there(doctor: Doctor) -> None:
    with serve_silence() as url:
        pass
    checks = doctor.check("--timeout", "2", TAVUS_API_KEY=KEY, TAVUS_BASE_URL=url)
    assert "no connection could be made" in checks["reachability"]["detail"]
    assert "Behind a company's proxy set HTTPS_PROXY" in checks["reachability"]["fix"]
    proxy = {"HTTPS_PROXY": url.removesuffix("/v2"), "TAVUS_BASE_URL": "https://127.0.0.1/v2"}
    checks = doctor.check("--timeout", "2", TAVUS_API_KEY=KEY, **proxy)
    assert checks["reachability"]["status"] == "error"
    assert "Correct HTTPS_PROXY or remove it" in checks["reachability"]["fix"]


def test_work_that_does_not_end_is_left_behind() -> None:
    release = threading.Event()
    work = BackgroundWork(release.wait)
    assert work.result(0.01) is None
    release.set()
    assert work.result(10) is True


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "601"])
def test_a_wrong_time_limit_is_refused(seconds: str) -> None:
    with pytest.raises(SystemExit) as end:
        main.run(["doctor", "--timeout", seconds])
    assert end.value.code == 64


BAD_SETTINGS = {
    "TAVUS_API_KEY=YOUR_TAVUS_API_KEY": ("key_format", "placeholder"),
    "TAVUS_API_KEY=tvs 0123456789": ("key_format", "space"),
    "TAVUS_BASE_URL=https://tavusapi.com": ("base_url", "/v2"),
    "HTTPS_PROXY=socks5://u:pass-word@proxy:1": ("proxy", "http or https"),
    "SSL_CERT_FILE=/nonexistent.pem": ("ca_file", "certificates"),
    "TAVUS_MCP_READONLY=1": ("settings", "did you mean 'TAVUS_MCP_READ_ONLY'?"),
    "TAVUS_MCP_LOG_LEVEL=loud": ("settings", "WARNING"),
    "TAVUS_MCP_ACCOUNT=${input:account}": ("settings", "placeholder"),
    f"TAVUS_MCP_DATA_DIR={__file__}": ("data_folder", "cannot be created or written to"),
    "TAVUS_SECRET_OPENAI=short": ("secrets", "shorter than 8"),
    "TAVUS_SECRET_B_HOST=api.openai.com": ("secrets", "there is no TAVUS_SECRET_B"),
}


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_a_wrong_setting_is_reported_by_its_check_alone(doctor: Doctor, setting: str) -> None:
    name, detail = BAD_SETTINGS[setting]
    variable, _, value = setting.partition("=")
    checks = doctor.check(**{"TAVUS_API_KEY": KEY, variable: value})
    assert checks[name]["status"] == "error"
    assert detail in checks[name]["detail"]
    assert [it for it in checks.values() if it["status"] == "error"] == [checks[name]]
    assert checks["reachability"]["status"] == "skipped"
    assert "pass-word" not in json.dumps(checks)


def test_without_a_key_the_next_step_is_named(doctor: Doctor) -> None:
    with serve_silence() as url:
        pass
    checks = doctor.check(TAVUS_BASE_URL=url)
    assert checks["key_present"]["status"] == "error"
    assert "tavus-mcp install HOST" in checks["key_present"]["fix"]
    assert checks["key_accepted"]["status"] == "skipped"


def test_the_key_of_an_entry_is_checked(doctor: Doctor) -> None:
    with serve_answer() as api:
        variables = {"TAVUS_API_KEY": KEY, "TAVUS_BASE_URL": api.url}
        doctor.write_entry(command=sys.executable, args=["-m", "tavus_mcp"], env=variables)
        checks = doctor.check(TAVUS_API_KEY="")
    assert checks["key_present"]["detail"].endswith("the entry of Cursor is used.")
    assert checks["key_accepted"]["status"] == "ok"
    assert api.received_keys == ["", KEY]


def test_an_entry_of_the_sandbox_is_checked_when_there_is_no_key(doctor: Doctor) -> None:
    doctor.write_entry(command=sys.executable, args=["-m", "tavus_mcp", "--sandbox"])
    checks = doctor.check(TAVUS_API_KEY="")
    assert checks["key_present"]["status"] == checks["reachability"]["status"] == "skipped"
    assert "the entry of Cursor is used" in checks["key_present"]["detail"]
    assert "error" not in {check["status"] for check in checks.values()}


SECRET_CASES = {
    "bound": ({"TAVUS_SECRET_A_HOST": "api.example.com"}, "ok"),
    "unbound": ({}, "warning"),
}


@pytest.mark.parametrize("case", SECRET_CASES)
def test_secrets_are_defined_and_bound(doctor: Doctor, case: str) -> None:
    variables, status = SECRET_CASES[case]
    check = doctor.check("--sandbox", TAVUS_SECRET_A="sk-abcdef0123", **variables)["secrets"]
    assert check["status"] == status
    assert "TAVUS_SECRET_A" in check["detail"]
    assert ("TAVUS_SECRET_A_HOST" in check["fix"]) == (status == "warning")


def test_a_production_account_without_protection(doctor: Doctor) -> None:
    with serve_silence() as url:
        pass
    environment = {"TAVUS_API_KEY": KEY, "TAVUS_BASE_URL": url}
    check = doctor.check(TAVUS_MCP_ACCOUNT="Production", **environment)["account"]
    assert check["status"] == "warning"
    assert "TAVUS_MCP_PROTECTED=1" in check["fix"]
    protected = doctor.check(
        TAVUS_MCP_ACCOUNT="Production", TAVUS_MCP_PROTECTED="1", **environment
    )["account"]
    assert protected["status"] == "ok"
    assert protected["detail"] == "its name is set; every write is a plan first (protected)."


@pytest.fixture
def journal(doctor: Doctor) -> Path:
    """The journal of the sandbox after one change."""
    runner = doctor.runner
    runner.create_persona_from_text("persona_name: Desk\nsystem_prompt: You help.\n")
    return doctor.home / "data/sandbox-journal.sqlite3"


def test_a_journal_and_the_sandbox_are_verified(doctor: Doctor, journal: Path) -> None:
    before = {path: path.read_bytes() for path in journal.parent.iterdir()}
    checks = doctor.check("--sandbox")
    for name in ("journal_opens", "journal_verifies", "sandbox_state", "data_folder"):
        assert checks[name]["status"] == "ok", checks[name]
    assert re.search(r"intact, \d+ entries", checks["journal_verifies"]["detail"])
    assert checks["sandbox_state"]["detail"].endswith("holds 1 persona, besides the 7 stock ones.")
    assert {path: path.read_bytes() for path in before} == before


def test_an_edited_journal_is_an_error(doctor: Doctor, journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as db:
        db.execute("DROP TRIGGER no_update_entries")
        db.execute("UPDATE entries SET tool = 'nothing'")
        db.commit()
    checks = doctor.check("--sandbox")
    assert checks["journal_opens"]["status"] == "ok"
    assert checks["journal_verifies"]["status"] == "error"
    assert "journal verify" in checks["journal_verifies"]["fix"]


def test_a_journal_that_is_no_database_is_an_error(doctor: Doctor, journal: Path) -> None:
    journal.write_bytes(b"no database" * 1000)
    checks = doctor.check("--sandbox")
    assert checks["journal_opens"]["status"] == "error"
    assert checks["journal_verifies"]["status"] == "skipped"


def test_a_journal_of_a_newer_version_is_an_error(doctor: Doctor, journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA user_version = 99")
    checks = doctor.check("--sandbox")
    assert "newer version" in checks["journal_opens"]["detail"]


def test_a_lost_journal_is_an_error(doctor: Doctor, journal: Path) -> None:
    for path in journal.parent.glob(f"{journal.name}*"):
        if path.suffix != ".anchor":
            path.unlink()
    checks = doctor.check("--sandbox")
    assert checks["journal_opens"]["status"] == "skipped"
    assert checks["journal_verifies"]["status"] == "error"


def test_a_damaged_sandbox_is_an_error(doctor: Doctor, journal: Path) -> None:
    journal.with_name("sandbox.sqlite3").write_bytes(b"no database" * 1000)
    assert doctor.check("--sandbox")["sandbox_state"]["status"] == "error"


def test_a_data_folder_that_others_may_write_to(doctor: Doctor, journal: Path) -> None:
    journal.parent.chmod(0o777)
    check = doctor.check("--sandbox")["data_folder"]
    assert (check["status"], "chmod 700" in check["fix"]) == ("warning", True)


def test_nothing_is_created(doctor: Doctor) -> None:
    before = [*doctor.home.rglob("*")]
    doctor.check("--sandbox")
    assert [*doctor.home.rglob("*")] == before


def test_the_output_may_be_published(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "alice-smith")
    assert getpass.getuser() == "alice-smith"
    secrets = {
        "TAVUS_API_KEY": KEY,
        "TAVUS_SECRET_OPENAI": "sk-abcdef0123",
        "HTTPS_PROXY": "http://proxy-user:proxy-pass@proxy.internal:99999",
        "TAVUS_MCP_DATA_DIR": "/mnt/alice-smith/data/with\nbreak",
        "TAVUS_MCP_ACCOUNT": "Customer Ltd",
        "TAVUS_BASE_URL": "https://gateway.internal/path-token-123/v2",
    }
    entry_key = "tvs-fedcba9876543210"
    doctor.write_entry(
        command=f"{doctor.home}/bin/tavus-mcp",
        args=["--api-key", "sk-in-arguments"],
        env={"TAVUS_API_KEY": entry_key, "TAVUS_MCP_DATA_DIR": "/mnt/alice-smith/x"},
    )
    (doctor.project / ".mcp.json").write_text(
        json.dumps({"mcpServers": {"tavus": {"command": "x", "env": {"TAVUS_API_KEY": KEY}}}})
    )
    doctor.write_host_file("gemini", '{"a": "sk-in-a-broken-file" "b"}')
    hidden = (
        *(KEY, entry_key, "sk-abcdef0123", "proxy-user", "proxy-pass", "internal", "Customer"),
        *("alice-smith", "path-token", str(doctor.home), "sk-in-arguments", "sk-in-a-broken"),
    )
    for arguments in ([], ["--json"]):
        done = doctor.run(*arguments, **secrets)
        assert done.status == 1
        output = done.stdout + done.stderr
        assert [text for text in hidden if text in output] == []
        assert "~/bin/tavus-mcp" in output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/alice/x", "~/x"),
        ("'/srv/alice'", "'~'"),
        ("/srv/alice2/x", "/srv/alice2/x"),
        (r"C:\Users\bob-b\x and C:\\Users\\bob-b", r"C:\Users\USER\x and C:\\Users\\USER"),
        ("/data/bob-b, bob-b", "/data/USER, bob-b"),
    ],
)
def test_paths_are_cleaned(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "bob-b")
    assert Sanitizer(Path("/srv/alice"), []).clean(text) == expected


def test_colours_are_for_terminals_only(doctor: Doctor) -> None:
    plain = doctor.run("--sandbox").stdout
    assert "\x1b" not in plain
    assert plain.startswith("tavus-mcp ")
    assert len([line for line in plain.splitlines() if line.startswith("skipped")]) == 1
    assert "--json says why" in " ".join(plain.split())
    assert "\x1b[32mok" in doctor.run("--sandbox", FORCE_COLOR="1").stdout


def test_errors_are_printed_with_their_fix(doctor: Doctor) -> None:
    lines = doctor.run("--sandbox", TAVUS_MCP_READONLY="1").stdout.splitlines()
    position = next(index for index, line in enumerate(lines) if line.startswith("error"))
    assert "settings: TAVUS_MCP_READONLY: there is no such setting" in lines[position]
    assert any("Fix: Correct it" in line for line in lines[position : position + 4])


def test_the_table_of_packages_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={'.'.join(map(str, MIN_PYTHON))}"
    assert any(line.startswith(f"mcp>={SDK_SERIES[:-1]},<") for line in project["dependencies"])
    extras = {
        name: re.split(r"[<>=\[]", lines[0])[0]
        for name, lines in project["optional-dependencies"].items()
        if name != "dev"
    }
    assert extras == EXTRAS
