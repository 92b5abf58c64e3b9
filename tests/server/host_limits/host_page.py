"""The limits of hosts, read from ``limits.toml``, and docs/hosts.md, which shows them.

Run as a program, it writes the page.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_rules import RULES, Limit

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "hosts.md"
_WRITTEN_BY_USERS = re.compile(r"/issues/|//community\.")
INTRODUCTION = """\
# Limits of hosts

The limits of hosts and model APIs according to public pages, and whether this server is within
them. A test compares every served tool of all toolsets with these rows; nothing was tried in the
hosts themselves. Where two pages disagree, the stricter number is used. The last column says whose
page a number is from: the maker's own, what users reported in a forum or tracker of the maker, or a
third party's, which may be wrong. The data is `tests/server/host_limits/limits.toml`; this page is
rendered from it.
"""


@dataclass(frozen=True)
class Host:
    """A host or API with its limits."""

    name: str
    what: str
    own_pages: tuple[str, ...]
    limits: tuple[Limit, ...]

    def describe_origin(self, source: str) -> str:
        """Return whose page a source is: the maker's, its users', or a third party's."""
        if not any(page in source for page in self.own_pages):
            return "third party"
        return "users, at the maker" if _WRITTEN_BY_USERS.search(source) else "maker"


def load_hosts() -> tuple[Host, ...]:
    """Return the hosts of ``limits.toml``."""
    rows = tomllib.loads((HERE / "limits.toml").read_text(encoding="utf-8"))["host"]
    return tuple(
        Host(
            row["name"],
            row["what"],
            tuple(row["own_pages"]),
            tuple(Limit(**limit) for limit in row["limit"]),
        )
        for row in rows
    )


def render_page() -> str:
    """Return docs/hosts.md."""
    parts = [INTRODUCTION]
    for host in load_hosts():
        parts.append(f"\n## {host.name}\n\nFor {host.what}.\n\n")
        parts.append("| limit | fulfilled | source | whose page |\n| --- | --- | --- | --- |\n")
        parts.extend(render_row(host, limit) for limit in host.limits)
    return "".join(parts)


def render_row(host: Host, limit: Limit) -> str:
    """Return the row of a limit of a host."""
    docstring = (RULES[limit.rule].__doc__ or "").strip().removesuffix(".")
    text = docstring.format(allowed=render_allowed(limit.allowed), prefix=limit.prefix)
    if limit.schemas:
        text += f" ({limit.schemas} schemas)"
    verdict = f"no: {limit.not_fulfilled}" if limit.not_fulfilled else "yes"
    domain = limit.source.split("/")[2].removeprefix("www.")
    origin = host.describe_origin(limit.source)
    return f"| {text} | {verdict} | [{domain}]({limit.source}) | {origin} |\n"


def render_allowed(allowed: Any) -> str:
    """Return an allowed value; of many keywords, each is shown as code."""
    return "`, `".join(allowed) if isinstance(allowed, list) else str(allowed)


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
