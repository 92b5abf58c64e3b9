"""The settings of one run; no other module reads the environment.

``from_environment`` never fails: what is wrong is collected as ``Settings.problems``, one line
each. No line repeats the value of a variable that holds a key or may hold credentials.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import platformdirs

from tavus_mcp.invisible_characters import describe_invisible
from tavus_mcp.keys import (
    HOST_SUFFIX,
    SECRET_PREFIX,
    BadSetting,
    parse_api_key,
    parse_hosts,
    parse_secret,
    strip_copied,
)
from tavus_mcp.setting_names import find_misspelt_names
from tavus_mcp.text import quote_foreign, suggestion_or_period
from tavus_mcp.url_settings import (
    DEFAULT_BASE_URL,
    is_excluded,
    parse_base_url,
    parse_journal_url,
    parse_proxy,
    refuse_placeholder,
)

TOOLSETS = (
    "personas",
    "layers",
    "history",
    "checks",
    "fleet",
    "account",
    "parts",
    "conversations",
    "advanced",
)
PROJECT_TOOLSET = "project"
"""The toolset of a server that is started with --project; it is no part of ``all``."""
DEFAULT_TOOLSETS = ("personas", "layers", "history", "checks", "fleet")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

VARIABLES: Mapping[str, str] = {
    "TAVUS_API_KEY": "The Tavus API key. Not needed with --sandbox.",
    "TAVUS_BASE_URL": (
        f"The API to talk to; default `{DEFAULT_BASE_URL}`. https, or http on loopback only."
    ),
    "TAVUS_MCP_SANDBOX": "`1`: use the embedded local Tavus, like --sandbox.",
    "TAVUS_MCP_READ_ONLY": "`1`: serve only tools that read, like --read-only.",
    "TAVUS_MCP_PROTECTED": "`1`: every write answers a plan, which only `apply_plan` carries out.",
    "TAVUS_MCP_TOOLSETS": "Comma list of toolsets, or `all`, like --toolsets.",
    "TAVUS_MCP_DATA_DIR": "Where state is kept; default: the user's data folder.",
    "TAVUS_MCP_ACCOUNT": "A name for the account in messages, like production. For people only.",
    "TAVUS_MCP_AUTHOR": "Who makes the changes, for the journal; default: git's user or user@host.",
    "TAVUS_MCP_JOURNAL": (
        "`postgresql://USER:PASSWORD@HOST/DATABASE`: keep the journal there, shared with others. "
        "Needs the extra `postgres`. Default: a file in the data folder."
    ),
    "TAVUS_MCP_LOG_LEVEL": "DEBUG, INFO, WARNING (default), ERROR or CRITICAL; logs go to stderr.",
    "HTTPS_PROXY": (
        "The proxy (http or https) for requests to Tavus; `NO_PROXY` lists hosts without it."
    ),
    "SSL_CERT_FILE": "A PEM file of the certificate authorities to trust, as behind a proxy.",
    "TAVUS_SECRET_<NAME>": (
        "A key that a persona needs (custom LLM, TTS account): a tool call names it as "
        '`api_key_ref: "name"`, so that the model never sees it. At least 8 characters.'
    ),
    "TAVUS_SECRET_<NAME>_HOST": (
        "Comma list of hosts that may get this key, like `api.openai.com` or `*.example.com`; it "
        "is refused to any other host."
    ),
}
"""Every environment variable that is read, with its description; the README table shows it."""

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
_MAX_LABEL_CHARS = 100
_WORD = re.compile(r"[A-Za-z_-]{1,24}")
_FOREIGN_PATH = re.compile(
    r"[A-Za-z][\w+.-]+:/|<" if os.name == "nt" else r"[A-Za-z][\w+.-]*:[\\/]|\\\\|<"
)
"""The beginning of a URL, of a path on another system, or of a placeholder."""

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Settings:
    """The settings of one run of the server.

    ``journal_url`` is the URL of a journal in PostgreSQL, None for the file in ``data_dir``.
    ``proxy`` is the URL of the proxy for ``base_url``, or None. ``other_keys`` are keys of other
    accounts, which are only masked. ``problems`` holds a line for each
    setting that is wrong; while there is one, nothing may be sent.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL
    sandbox: bool = False
    read_only: bool = False
    protected: bool = False
    toolsets: tuple[str, ...] = DEFAULT_TOOLSETS
    data_dir: Path = field(default_factory=lambda: Path(platformdirs.user_data_dir("tavus-mcp")))
    log_level: str = "WARNING"
    account_label: str = ""
    author: str = ""
    journal_url: str | None = field(default=None, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_variables: Mapping[str, str] = field(default_factory=dict)
    secret_hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    proxy: str | None = field(default=None, repr=False)
    other_keys: tuple[str, ...] = field(default=(), repr=False)
    problems: tuple[str, ...] = ()


def from_environment(environ: Mapping[str, str], *, needs_account: bool = True) -> Settings:
    """Read and check the settings.

    Arguments:
        environ: the variables of the process.
        needs_account: False when Tavus is not called (a sandbox, an offline command); then the
            key, the address and the network settings are neither read nor checked.

    A wrong setting leaves its default, and ``TAVUS_MCP_READ_ONLY`` and ``TAVUS_MCP_PROTECTED``
    True, with a line in ``problems``.
    """
    reader = _Reader(environ)
    defaults = Settings()
    sandbox = reader.read("TAVUS_MCP_SANDBOX", _parse_flag, default=False)
    reader.check_names(needs_account=needs_account and not sandbox)
    base_url, api_key, proxy = defaults.base_url, None, None
    if needs_account and not sandbox:
        api_key = reader.read("TAVUS_API_KEY", parse_api_key, default=None)
        base_url = reader.read("TAVUS_BASE_URL", parse_base_url, default=base_url)
        proxy = _read_proxy(reader, urlsplit(base_url))
        # httpx2 reads these as they are, so that nothing is removed around them
        reader.read("SSL_CERT_FILE", lambda _: _check_file(environ["SSL_CERT_FILE"]), default="")
        reader.read("SSL_CERT_DIR", lambda _: _check_folders(environ["SSL_CERT_DIR"]), default="")
    return Settings(
        api_key=api_key,
        base_url=base_url,
        sandbox=sandbox,
        read_only=reader.read("TAVUS_MCP_READ_ONLY", _parse_flag, default=False, if_wrong=True),
        protected=reader.read("TAVUS_MCP_PROTECTED", _parse_flag, default=False, if_wrong=True),
        toolsets=reader.read("TAVUS_MCP_TOOLSETS", parse_toolsets, default=DEFAULT_TOOLSETS),
        data_dir=reader.read_data_dir(defaults.data_dir),
        log_level=reader.read("TAVUS_MCP_LOG_LEVEL", _parse_log_level, default="WARNING"),
        account_label=reader.read("TAVUS_MCP_ACCOUNT", _parse_label, default=""),
        author=reader.read("TAVUS_MCP_AUTHOR", _parse_label, default=""),
        journal_url=reader.read("TAVUS_MCP_JOURNAL", parse_journal_url, default=None),
        secrets=reader.read_secrets(),
        secret_hosts=reader.read_secret_hosts(needs_secrets=needs_account),
        proxy=proxy,
        problems=tuple(reader.problems),
    )


def for_account(
    settings: Settings,
    *,
    api_key_env: str,
    base_url: str,
    secrets: Mapping[str, str],
    other_variables: Iterable[str] = (),
) -> Settings:
    """Return the settings for an account whose key is in the variable ``api_key_env``.

    ``secrets`` maps the names of secrets to variables; those of ``TAVUS_SECRET_<NAME>`` stay. With
    an empty ``api_key_env`` no account is needed. ``other_variables`` hold keys of other accounts.
    Problems name the variables that are wrong.
    """
    environ = {
        **os.environ,
        "TAVUS_API_KEY": os.environ.get(api_key_env, ""),
        "TAVUS_BASE_URL": base_url,
    }
    names = {"TAVUS_API_KEY": api_key_env}
    for name, variable in secrets.items():
        names[SECRET_PREFIX + name.upper()] = variable
        environ[SECRET_PREFIX + name.upper()] = os.environ.get(variable, "")
    read = from_environment(environ, needs_account=bool(api_key_env))
    problems = [
        f"{names.get(name, name)}:{rest}"
        for name, _, rest in (problem.partition(":") for problem in read.problems)
    ]
    return replace(
        settings,
        api_key=read.api_key,
        base_url=read.base_url,
        secrets=read.secrets,
        secret_variables=secrets,
        secret_hosts=read.secret_hosts,
        proxy=read.proxy,
        other_keys=tuple(
            strip_copied(os.environ.get(name, "")) for name in ("TAVUS_API_KEY", *other_variables)
        ),
        problems=tuple(problems),
    )


class _Reader:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []
        self.misspelt_names: set[str] = set()

    def read(
        self,
        name: str,
        parse: Callable[[str], _Value],
        *,
        default: _Value,
        if_wrong: _Value | None = None,
    ) -> _Value:
        """Return the parsed value; ``default`` if it is unset or blank, or wrong and reported."""
        text = strip_copied(self.environ.get(name, ""))
        if not text:
            return default
        try:
            return parse(text)
        except BadSetting as error:
            self.problems.append(f"{name}: {error}")
            return default if if_wrong is None else if_wrong

    def check_names(self, *, needs_account: bool) -> None:
        """Report every name that looks like one of ours and is none."""
        for name, problem in find_misspelt_names(
            self.environ, VARIABLES, needs_account=needs_account
        ):
            self.misspelt_names.add(name)
            self.problems.append(problem)

    def read_data_dir(self, default: Path) -> Path:
        """Return the data folder, checked whether or not it is the default one."""
        path = self.read("TAVUS_MCP_DATA_DIR", _parse_folder, default=default)
        if not any(problem.startswith("TAVUS_MCP_DATA_DIR:") for problem in self.problems):
            try:
                _check_folder(path)
            except BadSetting as error:
                self.problems.append(f"TAVUS_MCP_DATA_DIR: {error}")
        return path

    def read_secrets(self) -> dict[str, str]:
        """Return the values of ``TAVUS_SECRET_<NAME>`` by name in lower case, without bad ones."""
        values = {
            name.removeprefix(SECRET_PREFIX).lower(): self.read(name, parse_secret, default="")
            for name in sorted(self.environ)
            if name.startswith(SECRET_PREFIX)
            and not name.endswith(HOST_SUFFIX)
            and name not in self.misspelt_names
        }
        return {name: value for name, value in values.items() if value}

    def read_secret_hosts(self, *, needs_secrets: bool) -> dict[str, tuple[str, ...]]:
        """Return the hosts of ``TAVUS_SECRET_<NAME>_HOST`` by the name of the secret.

        With ``needs_secrets`` the secret must be there; a project may have it in another variable.
        """
        bound: dict[str, tuple[str, ...]] = {}
        for name in sorted(self.environ):
            is_binding = name.startswith(SECRET_PREFIX) and name.endswith(HOST_SUFFIX)
            if is_binding and name not in self.misspelt_names:
                secret = name.removesuffix(HOST_SUFFIX)
                # a wrong binding must not become none: it allows no host
                hosts: tuple[str, ...] = self.read(name, parse_hosts, default=())
                bound[secret.removeprefix(SECRET_PREFIX).lower()] = hosts
                if not strip_copied(self.environ[name]):
                    self.problems.append(f"{name}: names no host. Name one or remove it.")
                elif needs_secrets and not self.environ.get(secret):
                    self.problems.append(f"{name}: there is no {secret} that it could bind.")
        return bound


def parse_toolsets(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of toolsets; ``all`` means every one."""
    names = [name.strip() for name in text.lower().split(",") if name.strip()]
    for name in names:
        if name not in (*TOOLSETS, "all"):
            allowed = ", ".join(TOOLSETS)
            quoted = repr(name) if _WORD.fullmatch(name) else "one name"  # it may be a key
            raise BadSetting(
                f"{quoted} is no toolset{suggestion_or_period(name, TOOLSETS)} "
                f"Choose one of {allowed}, or all."
            )
    if not names:
        raise BadSetting(f"the list is empty. Choose one of {', '.join(TOOLSETS)}, or all.")
    return tuple(name for name in TOOLSETS if name in names or "all" in names)


def _parse_flag(text: str) -> bool:
    if text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    raise BadSetting(f"must be one of {', '.join((*_TRUE, *_FALSE[:-1]))}.")


def _parse_label(text: str) -> str:
    refuse_placeholder(text)
    if not text.isprintable() or len(text) > _MAX_LABEL_CHARS:
        raise BadSetting(f"must be one line of at most {_MAX_LABEL_CHARS} printable characters.")
    return text


def _parse_log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise BadSetting(f"must be one of {', '.join(LOG_LEVELS)}.")
    return text.upper()


def _parse_folder(text: str) -> Path:
    refuse_placeholder(text)
    if _FOREIGN_PATH.match(text) or "\n" in text or next(describe_invisible(text), None):
        raise BadSetting("must be the path of a folder on this system.")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise BadSetting("the home folder that ~ stands for is not known.") from None


def _check_folder(path: Path) -> None:
    """Raise ``BadSetting`` unless files can be created in this folder; create nothing."""
    try:
        folders = (path.absolute(), *path.absolute().parents)
        existing = next(folder for folder in folders if os.path.lexists(folder))
        is_usable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    except (OSError, ValueError):
        is_usable = False
    if not is_usable:
        raise unusable_folder(path)


def unusable_folder(path: Path) -> BadSetting:
    """Return the error for a data folder that cannot be created or written to."""
    return BadSetting(
        f"the data folder {quote_foreign(path, 200)} cannot be created or written to. "
        "Name a folder in which this user may write."
    )


def _check_file(text: str) -> str:
    import ssl  # takes a tenth of the time until a server answers, and is rarely needed

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
    except (OSError, ValueError):
        raise BadSetting("names no readable file of certificates in PEM format.") from None
    return text


def _check_folders(text: str) -> str:
    with suppress(OSError, ValueError):  # as for a name that is too long
        if any(Path(folder).is_dir() for folder in text.split(os.pathsep)):
            return text
    raise BadSetting("names no folder of certificates.")


def _read_proxy(reader: _Reader, base_url: SplitResult) -> str | None:
    """Return the proxy for https requests to the host of ``base_url``.

    http is allowed on loopback only, and never proxied: a proxy would read the key.
    """
    hosts_without = reader.environ.get("NO_PROXY") or reader.environ.get("no_proxy") or ""
    host = base_url.hostname or ""
    if base_url.scheme != "https" or is_excluded(host, base_url.port or 443, hosts_without):
        return None
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        if strip_copied(reader.environ.get(name, "")):
            return reader.read(name, parse_proxy, default=None)
    return None
