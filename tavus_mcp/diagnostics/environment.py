"""Checks of Python, the packages, the settings and the secrets."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec

from tavus_mcp import __version__
from tavus_mcp.diagnostics.check import Check, Finding, Status, merge_findings
from tavus_mcp.keys import HOST_SUFFIX, SECRET_PREFIX
from tavus_mcp.settings import Settings
from tavus_mcp.url_settings import DEFAULT_BASE_URL

MIN_PYTHON = (3, 11)
SDK_SERIES = "2.3."
"""The releases of the MCP SDK that the package is built on."""
EXTRAS: Mapping[str, str] = {"postgres": "psycopg", "statistics": "scipy"}
"""The optional extras of the package, and the module that each brings."""
_REPORTED_PACKAGES = ("mcp", "httpx2", "pydantic")
_RESTART = "Correct it where the server gets its environment, and restart the server."
_VARIABLES_BY_CHECK: Mapping[str, tuple[str, ...]] = {
    "key_format": ("TAVUS_API_KEY",),
    "base_url": ("TAVUS_BASE_URL",),
    "proxy": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
    "ca_file": ("SSL_CERT_FILE", "SSL_CERT_DIR"),
    "data_folder": ("TAVUS_MCP_DATA_DIR",),
}
"""The checks that report the problems of a variable; all others are reported by ``settings``."""


def check_python() -> Check:
    """Check the version of Python."""
    detail = f"{platform.python_version()} ({platform.python_implementation()}), {sys.platform}"
    if sys.version_info >= MIN_PYTHON:
        return Check("python", Status.OK, detail)
    needed = ".".join(map(str, MIN_PYTHON))
    return Check("python", Status.ERROR, detail, f"Use Python {needed} or newer.")


def check_versions() -> Check:
    """Check the versions of this package and of those that it is built on."""
    versions = {name: _version_of(name) for name in _REPORTED_PACKAGES}
    listed = ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())
    findings = []
    if not (versions["mcp"] or "").startswith(SDK_SERIES):
        findings.append(
            Finding(
                Status.ERROR,
                f"The MCP SDK must be of the series {SDK_SERIES}x.",
                "Install the package again, which brings the right one.",
            )
        )
    if _version_of("tavus-mcp") not in (None, __version__):
        findings.append(
            Finding(
                Status.ERROR,
                "Another package of the name tavus-mcp is installed in the same environment.",
                "Give this program an environment of its own, as `uv tool install` does.",
            )
        )
    return merge_findings("versions", findings, f"tavus-mcp {__version__}, {listed}.")


def check_settings(settings: Settings) -> Check:
    """Check for unknown settings, and for values that are wrong or were not filled in."""
    elsewhere = [name for names in _VARIABLES_BY_CHECK.values() for name in names]
    problems = [
        problem
        for problem in settings.problems
        if _variable_of(problem) not in elsewhere and not problem.startswith(SECRET_PREFIX)
    ]
    if problems:
        return Check("settings", Status.ERROR, " ".join(problems), _RESTART)
    return Check("settings", Status.OK, "no unknown, misspelt or unfilled setting.")


def check_key_present(settings: Settings, variables: Mapping[str, str], source: str) -> Check:
    """Check that there is a key; ``source`` says where it is from if not from the environment."""
    if settings.sandbox:
        return Check("key_present", Status.SKIPPED, f"{source} The sandbox needs no key.".strip())
    if variables.get("TAVUS_API_KEY", "").strip():
        return Check("key_present", Status.OK, source or "TAVUS_API_KEY is set.")
    return Check(
        "key_present",
        Status.ERROR,
        "TAVUS_API_KEY is not set here, and no entry of a host holds a key.",
        "Run `tavus-mcp install HOST`, which asks for the key, or set TAVUS_API_KEY. Without a key "
        "--sandbox serves a local stand-in.",
    )


def check_key_format(settings: Settings) -> Check:
    """Check that the key can be one."""
    problems = problems_of(settings, "key_format")
    if problems:
        return Check("key_format", Status.ERROR, problems, _RESTART)
    if not settings.api_key:
        return Check("key_format", Status.SKIPPED, "there is no key.")
    return Check("key_format", Status.OK, "the key is well-formed.")


def iterate_network_settings(settings: Settings, variables: Mapping[str, str]) -> Iterator[Check]:
    """Check the base URL, the proxy and the file of certificates; none is printed."""
    is_default = settings.base_url == DEFAULT_BASE_URL
    has_user = "@" in (settings.proxy or "")
    certificates = [name for name in _VARIABLES_BY_CHECK["ca_file"] if variables.get(name)]
    details = {
        "base_url": f"the default, {DEFAULT_BASE_URL}." if is_default else "not the default one.",
        "proxy": f"set, {'with' if has_user else 'without'} a user." if settings.proxy else "none.",
        "ca_file": (
            f"{certificates[0]} names the trusted authorities."
            if certificates
            else "the authorities of this system."
        ),
    }
    fixes = {
        "base_url": f"Remove TAVUS_BASE_URL, or set it to {DEFAULT_BASE_URL}.",
        "proxy": "Set it to the URL of the proxy, as in http://proxy:3128, or remove it.",
        "ca_file": "Name a PEM file of certificates that this user may read.",
    }
    for name, detail in details.items():
        problems = problems_of(settings, name)
        if settings.sandbox:
            yield Check(name, Status.SKIPPED, "the sandbox uses no network.")
        elif problems:
            yield Check(name, Status.ERROR, problems, fixes[name])
        else:
            yield Check(name, Status.OK, detail)


def check_account(settings: Settings) -> Check:
    """Check how the account is named and protected; its name is not printed."""
    if settings.sandbox:
        return Check("account", Status.OK, "the sandbox has no account.")
    name = "its name is set" if settings.account_label else "it has no name (TAVUS_MCP_ACCOUNT)"
    if settings.read_only:
        return Check("account", Status.OK, f"{name}; writes are refused (read-only).")
    if settings.protected:
        return Check("account", Status.OK, f"{name}; every write is a plan first (protected).")
    if "prod" in settings.account_label.lower():
        return Check(
            "account",
            Status.WARNING,
            f"{name} and says production; writes are carried out without a person's yes.",
            "Set TAVUS_MCP_PROTECTED=1, so that every write is a plan first.",
        )
    return Check("account", Status.OK, f"{name}; writes are carried out at once.")


def check_extras() -> Check:
    """Check which extras are installed."""
    missing = [name for name, module in EXTRAS.items() if find_spec(module) is None]
    present = [name for name in EXTRAS if name not in missing]
    detail = f"installed: {', '.join(present) or 'none'}."
    if not missing:
        return Check("extras", Status.OK, detail)
    modules = " or ".join(EXTRAS[name] for name in missing)
    pronoun = "it" if len(missing) == 1 else "them"
    return Check(
        "extras",
        Status.SKIPPED,
        f"{detail} Not installed, and needed only for what they add: {', '.join(missing)}.",
        f"Install {modules} into the environment of this program if you want {pronoun}.",
    )


def check_secrets(settings: Settings) -> Check:
    """Check that the keys for personas are defined and bound to hosts."""
    problems = [problem for problem in settings.problems if problem.startswith(SECRET_PREFIX)]
    if problems:
        return Check("secrets", Status.ERROR, " ".join(problems), _RESTART)
    if not settings.secrets:
        return Check("secrets", Status.SKIPPED, f"no {SECRET_PREFIX}<NAME> is set.")
    unbound = [name for name in sorted(settings.secrets) if not settings.secret_hosts.get(name)]
    names = _list_variables(sorted(settings.secrets))
    if not unbound:
        return Check("secrets", Status.OK, f"defined and bound to hosts: {names}.")
    return Check(
        "secrets",
        Status.WARNING,
        f"defined: {names}. Not bound to a host, so that any host may get them: "
        f"{_list_variables(unbound)}.",
        f"Set {', '.join(SECRET_PREFIX + name.upper() + HOST_SUFFIX for name in unbound)} to the "
        "host that may get the key, such as api.openai.com.",
    )


def problems_of(settings: Settings, check_name: str) -> str:
    """Return the problems of the settings that a check reports, empty without any."""
    names = _VARIABLES_BY_CHECK[check_name]
    return " ".join(it for it in settings.problems if _variable_of(it) in names)


def _variable_of(problem: str) -> str:
    return problem.partition(":")[0]


def _list_variables(names: Sequence[str]) -> str:
    return ", ".join(SECRET_PREFIX + name.upper() for name in names)


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
