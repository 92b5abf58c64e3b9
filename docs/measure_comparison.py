"""Measure this server and the vendor's by the same program, and write the table of comparison.md.

    python docs/measure_comparison.py            # installs the vendor's package from the index
    python docs/measure_comparison.py --vendor COMMAND
    python docs/measure_comparison.py --check    # writes nothing; exits 1 if a figure is off by 5 %

Both servers are started over stdio and asked for their tools; neither is connected to Tavus. What
cannot be run is named in the table instead of a figure.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

ROOT = Path(__file__).parents[1]
DOCUMENT = Path(__file__).with_name("comparison.md")
VENDOR_REQUIREMENT = "tavus-cli==0.11.0"
BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"
TOLERANCE = 0.05
"""By how much a figure may differ: the vendor's framework is not pinned by the vendor's package."""
NOT_RUN = "not run"
READ_ONLY = "tools marked as reading only"
DRY_RUN = "tools that can preview their change (`dry_run`)"

Figures = dict[str, int]
Schema = dict[str, Any]


async def measure(command: Sequence[str], environment: dict[str, str]) -> Figures:
    """Start a server, list its tools and return the figures."""
    other = ("TAVUS_", "PYTHONPATH")
    plain = {name: text for name, text in os.environ.items() if not name.startswith(other)}
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as log:
        server = StdioServerParameters(
            command=command[0],
            args=list(command[1:]),
            env={**plain, "TAVUS_API_KEY": "key-0123456789", "HOME": folder, **environment},
            cwd=folder,
        )
        async with Client(stdio_client(server, errlog=log), mode="legacy") as client:
            listed = await client.list_tools()
    return count(listed.model_dump(mode="json", by_alias=True, exclude_none=True))


def count(listed: dict[str, Any]) -> Figures:
    """Return the figures of an answer to ``tools/list``."""
    tools = listed["tools"]
    visible = [
        {name: tool.get(name, "") for name in ("name", "description", "inputSchema")}
        for tool in tools
    ]
    schemas = [tool["inputSchema"] for tool in tools]
    return {
        "tools listed": len(tools),
        "bytes that a model reads (name, description, input schema)": sum(map(size, visible)),
        "bytes of the whole answer to `tools/list`": size(listed),
        "tools with an output schema": sum("outputSchema" in tool for tool in tools),
        READ_ONLY: sum(bool(tool.get("annotations", {}).get("readOnlyHint")) for tool in tools),
        "arguments that are objects without named fields": sum(
            is_open_object(argument, schema)
            for schema in schemas
            for argument in schema.get("properties", {}).values()
        ),
        DRY_RUN: sum("dry_run" in schema.get("properties", {}) for schema in schemas),
    }


def size(value: Any) -> int:
    """Return the bytes of a value as JSON without blanks."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def is_open_object(argument: Schema, schema: Schema) -> bool:
    """Tell whether an argument may be an object whose fields the schema does not name."""
    return any(
        variant.get("type") == "object" and "properties" not in variant
        for variant in iterate_variants(argument, schema)
    )


def iterate_variants(argument: Schema, schema: Schema) -> Iterator[Schema]:
    """Yield a schema and its alternatives, with references followed; not what is inside objects."""
    if reference := argument.get("$ref"):
        argument = schema
        for name in reference.removeprefix("#/").split("/"):
            argument = argument[name]
    yield argument
    for keyword in ("anyOf", "oneOf", "allOf"):
        for variant in argument.get(keyword, ()):
            yield from iterate_variants(variant, schema)


def measure_vendor(command: str | None) -> Figures | str:
    """Return the figures of the vendor's server, or why it could not be run."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return anyio.run(measure, [command or install_vendor(Path(folder))], {})
    except (OSError, subprocess.SubprocessError, ExceptionGroup) as error:
        return f"{NOT_RUN}: {error}"


def install_vendor(folder: Path) -> str:
    """Install the vendor's package into a new environment; return the path of its command."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)  # noqa: S603
    python = next(folder.glob("*/python*"))
    install = [str(python), "-m", "pip", "install", "-q", VENDOR_REQUIREMENT]
    subprocess.run(install, check=True)  # noqa: S603
    return str(python.with_name("tavus-mcp"))


def render_table(vendor: Figures | str) -> str:
    """Return the table, with the day of the measurement."""
    ours = [sys.executable, "-m", "tavus_mcp"]
    environment = {"PYTHONPATH": str(ROOT)}
    default = anyio.run(measure, ours, environment)
    every = anyio.run(measure, [*ours, "--toolsets", "all"], environment)
    today = datetime.now(UTC).strftime("%-d %B %Y")
    lines = [
        f"Measured on {today} with `{VENDOR_REQUIREMENT}`, by `docs/measure_comparison.py`:",
        "",
        "| | vendor's server | this one, default | this one, all toolsets |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, value in default.items():
        theirs = vendor if isinstance(vendor, str) else f"{vendor[name]:,}"
        lines.append(f"| {name} | {theirs} | {value:,} | {every[name]:,} |")
    return "\n".join(lines)


def read_figures(text: str) -> dict[str, list[int]]:
    """Return the figures of a table by the title of their row."""
    rows = re.findall(r"^\| ([^|]+[^| ]) \|((?: [\d,]+ \|)+)$", text, re.MULTILINE)
    return {
        title: [int(cell.replace(",", "")) for cell in cells.split("|") if cell.strip()]
        for title, cells in rows
    }


def is_current(stored: dict[str, list[int]], measured: dict[str, list[int]]) -> bool:
    """Tell whether the document has all measured figures, about as they are."""
    return {title: len(row) for title, row in stored.items()} == {
        title: len(row) for title, row in measured.items()
    } and all(
        abs(old - new) <= TOLERANCE * max(old, new)
        for title, row in measured.items()
        for old, new in zip(stored[title], row, strict=True)
    )


def main() -> int:
    """Write the table into the document, or compare the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--vendor", metavar="COMMAND", help="the vendor's installed command")
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = render_table(measure_vendor(arguments.vendor))
    measured = f"{before}{BEGIN}\n{table}\n{END}{after}"
    if not arguments.check:
        DOCUMENT.write_text(measured, encoding="utf-8")
        sys.stdout.write(f"{table}\n")
        return 0
    if is_current(read_figures(rest), read_figures(table)):
        return 0
    sys.stderr.write("docs/comparison.md is out of date; run this without --check\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
