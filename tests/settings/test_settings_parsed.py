"""What is read from the environment, without a server: keys, addresses, names, bindings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tavus_mcp.models.masking import MASK, Masker
from tavus_mcp.settings import from_environment

KEY = "tvs-0123456789abcdef"
HALF = KEY[:10]
NEARLY_KEYS = {
    "copied out of JSON": (f'{KEY}",', "quotation mark"),
    "escaped line break": (f"{KEY}\\n", "backslash"),
    "shortened": (f"{HALF}...", "shortened"),
    "masked": (f"{HALF}********", "shortened"),
    "line of a file": (f"TAVUS_API_KEY={KEY}", "name of a variable"),
    "line of a shell": (f"export TAVUS_API_KEY={KEY}", "name of a variable"),
    "header": (f"x-api-key: {KEY}", "name of a header"),
    "header with a scheme": (f"Authorization: Bearer {KEY}", "name of a header"),
    "command": ("$(pass tavus)", "placeholder"),
    "name of a variable": ("TAVUS_API_KEY", "placeholder"),
    "name of a variable in code": ("process.env.TAVUS_API_KEY", "placeholder"),
    "order": ("REPLACE_ME", "placeholder"),
    "reference to a vault": ("op://vault/tavus/key", "placeholder"),
    "Bearer alone": ("Bearer ", "placeholder"),
}
NO_TAVUS_KEYS = (
    f"{KEY},",
    f"{KEY};",
    f"$${KEY}$",
    "https://platform.tavus.io/api-keys",
    "a:b-0123456",
)
CHOSEN_KEYS = (
    *("my-vllm-inference-a8f3k29d", "my_login_8f7d9a0bc3", "put-9f8e7d6c-in-5b4a"),
    *("fill-main-8877", "example-7f6e5d4c-cabin1", "TEAM_ALPHA_BRAVO", "AKIA_ABCD="),
    "abc...def12345",
)


@pytest.mark.parametrize("value", CHOSEN_KEYS)
def test_a_key_of_a_persona_may_be_chosen_freely(value: str) -> None:
    settings = from_environment({"TAVUS_API_KEY": KEY, "TAVUS_SECRET_V": value})
    assert (settings.problems, settings.secrets) == ((), {"v": value})
    assert Masker(settings.secrets.values()).mask_text(f"It is {value}") == f"It is {MASK}"
    if "-" in value or "login" in value:
        assert from_environment({"TAVUS_API_KEY": value}).problems == ()


@pytest.mark.parametrize("name", ["TAVUS_API_KEY", "TAVUS_SECRET_OPENAI"])
@pytest.mark.parametrize("case", NEARLY_KEYS)
def test_what_was_copied_with_or_in_place_of_a_key_is_named(case: str, name: str) -> None:
    value, problem = NEARLY_KEYS[case]
    settings = from_environment({"TAVUS_API_KEY": KEY, name: value})
    (line,) = settings.problems
    assert line.startswith(f"{name}: ")
    assert problem in line
    assert HALF not in line
    assert value not in (settings.api_key, *settings.secrets.values())


@pytest.mark.parametrize("value", NO_TAVUS_KEYS)
def test_characters_that_no_tavus_key_has_are_named(value: str) -> None:
    (line,) = from_environment({"TAVUS_API_KEY": value}).problems
    assert "TAVUS_API_KEY: contains a character that no key has" in line
    assert from_environment({"TAVUS_API_KEY": KEY, "TAVUS_SECRET_A": value}).problems == ()


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("HTTPS://TavusAPI.com:443/v2/", "https://tavusapi.com/v2"),
        ("https://tavusapi.com./v2", "https://tavusapi.com/v2"),
        ("https://tavus.example:8443/eu/v2", "https://tavus.example:8443/eu/v2"),
        ("https://gate.example/k:Ab%2F=@1/v2", "https://gate.example/k:Ab%2F=@1/v2"),
        ("http://[::1]:80/v2", "http://[::1]/v2"),
        ("http://LOCALHOST:8123/v2//", "http://localhost:8123/v2"),
    ],
)
def test_an_address_has_one_spelling(url: str, read: str) -> None:
    """The journal recognises an account by its address."""
    settings = from_environment({"TAVUS_API_KEY": KEY, "TAVUS_BASE_URL": url})
    assert (settings.problems, settings.base_url) == ((), read)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TAVUS_READ_ONLY", "TAVUS_MCP_READ_ONLY"),
        ("TAVUSMCP_READ_ONLY", "TAVUS_MCP_READ_ONLY"),
        ("TAVUS.MCP.READ.ONLY", "TAVUS_MCP_READ_ONLY"),
        ("TavusMcpReadOnly", "TAVUS_MCP_READ_ONLY"),
        ("\ufeffTAVUS_MCP_PROTECTED", "TAVUS_MCP_PROTECTED"),
        (" TAVUS_MCP_SANDBOX", "TAVUS_MCP_SANDBOX"),
        ("TAVUS_TOOLSETS", "TAVUS_MCP_TOOLSETS"),
        ("TAVUS_BASEURL", "TAVUS_BASE_URL"),
        ("tavus_base_url", "TAVUS_BASE_URL"),
        ("TAVUS_MCP_API_KEY", "TAVUS_API_KEY"),
        ("TAVUS_MCP_SECRET_OPENAI", "TAVUS_SECRET_<NAME>"),
        ("TAVUS_SECRET_A_HOSTS", "TAVUS_SECRET_A_HOST"),
        ("TAVUS_SECRET_A_host", "TAVUS_SECRET_A_HOST"),
        ("TAVUS_SECRET_A_HOSTNAME", "TAVUS_SECRET_A_HOST"),
    ],
)
def test_a_name_that_is_almost_that_of_a_setting_is_named(name: str, meant: str) -> None:
    environment = {"TAVUS_API_KEY": KEY, "TAVUS_SECRET_A": "sk-abcdef0123", name: "api.example.com"}
    settings = from_environment(environment)
    (line,) = settings.problems
    assert f"there is no such setting; did you mean '{meant}'?" in line
    assert set(settings.secrets) == {"a"}


@pytest.mark.parametrize("end", ["", "_HOST"])
def test_the_name_of_a_secret_forges_no_line(end: str) -> None:
    name = f"TAVUS_SECRET_A\nstatus: applied{end}"
    settings = from_environment({"TAVUS_API_KEY": KEY, name: "sk-abcdef0123"})
    (line,) = settings.problems
    assert line.isprintable()
    assert "a name of letters, digits and _ must follow" in line
    assert (settings.secrets, settings.secret_hosts) == ({}, {})


def test_names_that_may_belong_to_another_program_are_left_alone() -> None:
    environment = {
        "TAVUS_API_KEY": KEY,
        "TAVUS_APIKEY": "another",
        "TAVUS_PERSONA_ID": "p1",
        "TAVUS_LOG_LEVEL": "loud",
        "MCP_READ_ONLY": "1",
        "TAVUS_SECRET_GHOST": "sk-abcdef0123",
        "TAVUS_SECRET_SQL_HOSTNAME": "sk-abcdef0123",
        "TAVUS_MCP_SERVICE_HOST": "10.0.0.1",
        "TAVUS_MCP_SERVICE_PORT": "8000",
        "TAVUS_MCP_SERVICE_PORT_HTTP": "8000",
        "TAVUS_MCP_PORT": "tcp://10.0.0.1:8000",
        "TAVUS_MCP_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "TAVUS_MCP_PORT_8000_TCP_PROTO": "tcp",
        "TAVUS_MCP_PORT_8000_TCP_PORT": "8000",
        "TAVUS_MCP_PORT_8000_TCP_ADDR": "10.0.0.1",
    }
    assert from_environment(environment).problems == ()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("TAVUS_API_KEY", "k123456", "shorter than 8 characters"),
        ("TAVUS_SECRET_A_HOST", "https://api.openai.com/v1", "host names"),
        ("TAVUS_SECRET_A_HOST", "api.openai.com other", "host names"),
        ("TAVUS_SECRET_B_HOST", "api.openai.com", "there is no TAVUS_SECRET_B"),
        ("TAVUS_SECRET_A_HOST", " ", "names no host"),
        ("TAVUS_SECRET_", "sk-abcdef0123", "a name of letters"),
        ("SSL_CERT_DIR", "x" * 300, "certificates"),
    ],
)
def test_short_keys_and_wrong_bindings_are_named(name: str, value: str, problem: str) -> None:
    environment = {"TAVUS_SECRET_A": "sk-abcdef0123", name: value}
    (line,) = [line for line in from_environment(environment).problems if line.startswith(name)]
    assert problem in line
    assert "k123456" not in line


@pytest.mark.skipif(sys.platform == "win32", reason="makes a symbolic link")
def test_a_link_that_leads_nowhere_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for folder in (tmp_path / "link", tmp_path / "link" / "data"):
        (line,) = from_environment(
            {"TAVUS_API_KEY": KEY, "TAVUS_MCP_DATA_DIR": str(folder)}
        ).problems
        assert "cannot be created or written to" in line


def test_a_secret_is_bound_to_a_list_of_hosts() -> None:
    environment = {
        "TAVUS_API_KEY": KEY,
        "TAVUS_SECRET_A": "sk-abcdef0123",
        "TAVUS_SECRET_A_HOST": "API.openai.com, *.example.com",
    }
    settings = from_environment(environment)
    assert settings.problems == ()
    assert settings.secrets == {"a": "sk-abcdef0123"}
    assert settings.secret_hosts == {"a": ("api.openai.com", "*.example.com")}
