"""The view as one HTML document, assembled from its sources.

The sources are ES modules, so that editors and linters understand them. They become one inline
module script: imports go, names are exported to nobody, and every name is unique.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from tavus_mcp import __version__

SCRIPT_NAMES = (
    "dom",
    "host",
    "page",
    "table",
    "diff",
    "changes",
    "figures",
    "comparison",
    "actions",
    "audit",
    "plan",
    "main",
)
"""The modules, each after those that it imports."""
_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


@cache
def view_document() -> str:
    """Return the HTML document of the view."""
    scripts = (_read_source(f"{name}.js") for name in SCRIPT_NAMES)
    script = "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in scripts)
    page = _read_source("view.html").replace("/*{style}*/", _read_source("view.css"))
    return page.replace("/*{script}*/", script.replace("{version}", __version__))


def _read_source(name: str) -> str:
    source = files("tavus_mcp.server.view").joinpath("source", name)
    return source.read_text(encoding="utf-8")
