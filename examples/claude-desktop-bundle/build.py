"""Pack this checkout as a bundle (.mcpb) that Claude Desktop installs by a double click.

    python examples/claude-desktop-bundle/build.py                    # writes dist/tavus-mcp.mcpb
    python examples/claude-desktop-bundle/build.py --output FILE

A bundle is a zip file of ``manifest.json``, rendered by ``tavus-mcp manifest``, and the files from
which uv builds and starts the server on the person's machine: ``pyproject.toml`` and the package.
The manifest is checked against the schema of its version first; the same checkout always gives the
same bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
MANIFEST = Path(__file__).with_name("manifest.json")
SCHEMA = ROOT / "tests" / "cli" / "schemas" / "mcpb-manifest-v0.4.schema.json"
DEFAULT_OUTPUT = ROOT / "dist" / "tavus-mcp.mcpb"
PROJECT_FILES = ("pyproject.toml", "README.md", "LICENSE")
FIRST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def list_contents() -> dict[str, Path]:
    """Return the files of the bundle by their name in it."""
    package = sorted((ROOT / "tavus_mcp").rglob("*"))
    files = [path for path in package if path.is_file() and "__pycache__" not in path.parts]
    project = [ROOT / name for name in PROJECT_FILES]
    return {
        "manifest.json": MANIFEST,
        **{path.relative_to(ROOT).as_posix(): path for path in [*project, *files]},
    }


def find_problems(manifest: dict[str, Any], names: set[str]) -> list[str]:
    """Return what is wrong with the manifest, or with the files that it needs."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    problems = [
        f"/{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(manifest)
    ]
    needed = {"pyproject.toml", str(manifest.get("server", {}).get("entry_point"))}
    return problems + [f"{name} is not in the bundle" for name in sorted(needed - names)]


def write_bundle(output: Path) -> None:
    """Write the zip file; times and modes are fixed, so that its bytes depend on the files only."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w") as bundle:
        for name, path in list_contents().items():
            entry = zipfile.ZipInfo(name, FIRST_ZIP_TIME)
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main() -> int:
    """Render the manifest, check it, and write the bundle."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT)
    output: Path = parser.parse_args().output.resolve()
    command = [sys.executable, "-m", "tavus_mcp", "manifest", "--check"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603 - our own command
        return 1
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    if problems := find_problems(manifest, set(list_contents())):
        sys.stderr.write("".join(f"{problem}\n" for problem in problems))
        return 1
    write_bundle(output)
    print(f"{output}: {output.stat().st_size:,} bytes, {len(list_contents())} files.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
