"""docs/conformance.md, rendered from ``scenarios.toml``. Run as a program, it writes the page."""

from __future__ import annotations

import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "conformance.md"
INTRODUCTION = """\
# Conformance and clients

The official conformance suite of MCP (`@modelcontextprotocol/conformance`, pinned in
`tests/node/package.json`) runs in `.ci/run` against a build of this server that also has the
tools, resources and prompts that the suite calls by name. The suite speaks HTTP only, so that
build serves the same server object over streamable HTTP on loopback. Revisions:
{revisions}. A failure that is not listed here fails the tests, and so does a listed check
that succeeds.

The Inspector's command line, the Python SDK 1.x and 2.x and the TypeScript SDK 1.x and 2.x list
and call tools of the server over stdio, and are notified of a change, in the same run. Limits of
hosts are in [hosts.md](hosts.md).

## Scenarios that do not apply

| scenario | revisions | why |
| --- | --- | --- |
"""


def render_page() -> str:
    """Return docs/conformance.md."""
    data = tomllib.loads((HERE / "scenarios.toml").read_text("utf-8"))
    names = ", ".join(row["name"] for row in data["revision"])
    rows = [
        f"| `{row['scenario']}` | {', '.join(row['revisions'])} | {row['reason']} |\n"
        for row in data["not_applicable"]
    ]
    return INTRODUCTION.format(revisions=names) + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
