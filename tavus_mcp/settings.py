"""The settings of one run; no other module reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from tavus_mcp.addresses import is_loopback
from tavus_mcp.text import suggestion_or_period

DEFAULT_BASE_URL = "https://tavusapi.com/v2"
SECRET_PREFIX = "TAVUS_SECRET_"  # noqa: S105 - the prefix of a name, not a secret
TOOLSETS = (
    "personas",
    "layers",
    "history",
    "checks",
    "account",
    "conversations",
    "fleet",
    "advanced",
)
DEFAULT_TOOLSETS = ("personas", "layers", "history", "checks")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

VARIABLES: Mapping[str, str] = {
    "TAVUS_API_KEY": "The Tavus API key. Not needed with --sandbox.",
    "TAVUS_BASE_URL": (
        f"The API to talk to; default `{DEFAULT_BASE_URL}`. https, or http on loopback only."
    ),
    "TAVUS_MCP_SANDBOX": "`1`: use the embedded local Tavus, like --sandbox.",
    "TAVUS_MCP_READ_ONLY": "`1`: serve only tools that read, like --read-only.",
    "TAVUS_MCP_TOOLSETS": "Comma list of toolsets, or `all`, like --toolsets.",
    "TAVUS_MCP_DATA_DIR": "Where state is kept; default: the user's data folder.",
    "TAVUS_MCP_LOG_LEVEL": "DEBUG, INFO, WARNING (default), ERROR or CRITICAL; logs go to stderr.",
    "TAVUS_SECRET_<NAME>": (
        "A key that a persona needs (custom LLM, TTS account): a tool call names it as "
        '`api_key_ref: "name"`, so that the model never sees it.'
    ),
}
"""Every environment variable that is read, with its description; the README table shows it."""

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


class BadSetting(ValueError):
    """A setting is invalid; the message names it and the allowed values."""


@dataclass(frozen=True)
class Settings:
    """The settings of one run of the server."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL
    sandbox: bool = False
    read_only: bool = False
    toolsets: tuple[str, ...] = DEFAULT_TOOLSETS
    data_dir: Path = field(default_factory=lambda: Path(platformdirs.user_data_dir("tavus-mcp")))
    log_level: str = "WARNING"
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise ``BadSetting`` with the name of an invalid variable."""
    data_dir = environ.get("TAVUS_MCP_DATA_DIR")
    defaults = Settings()
    return Settings(
        api_key=environ.get("TAVUS_API_KEY") or None,
        base_url=parse_base_url(environ.get("TAVUS_BASE_URL") or defaults.base_url),
        sandbox=_parse_flag(environ, "TAVUS_MCP_SANDBOX"),
        read_only=_parse_flag(environ, "TAVUS_MCP_READ_ONLY"),
        toolsets=parse_toolsets(environ.get("TAVUS_MCP_TOOLSETS") or ",".join(DEFAULT_TOOLSETS)),
        data_dir=Path(data_dir).expanduser() if data_dir else defaults.data_dir,
        log_level=_parse_log_level(environ.get("TAVUS_MCP_LOG_LEVEL") or defaults.log_level),
        secrets=_parse_secrets(environ),
    )


def parse_toolsets(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of toolsets; ``all`` means every one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*TOOLSETS, "all"):
            allowed = ", ".join(TOOLSETS)
            raise BadSetting(
                f"toolsets: {name!r} is not one{suggestion_or_period(name, TOOLSETS)} "
                f"Choose of {allowed}, or all."
            )
    if not names:
        raise BadSetting(f"toolsets: the list is empty. Choose of {', '.join(TOOLSETS)}, or all.")
    return tuple(name for name in TOOLSETS if name in names or "all" in names)


def parse_base_url(url: str) -> str:
    """Return the base URL without a trailing slash; raise ``BadSetting`` if it is not secure."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not is_secure or not parts.hostname:
        raise BadSetting(
            "TAVUS_BASE_URL: must be an https URL, or http on loopback (127.0.0.1, localhost)."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadSetting("TAVUS_BASE_URL: must hold no user, password, query or fragment.")
    return url.rstrip("/")


def _parse_flag(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise BadSetting(f"{name}: must be one of {', '.join((*_TRUE, *_FALSE[:-1]))}.")


def _parse_log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise BadSetting(f"TAVUS_MCP_LOG_LEVEL: must be one of {', '.join(LOG_LEVELS)}.")
    return text.upper()


def _parse_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(SECRET_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(SECRET_PREFIX) and value
    }
