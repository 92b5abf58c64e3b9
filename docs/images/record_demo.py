"""Record ``tavus-mcp demo`` as an SVG picture: run it, and draw what it printed.

    python docs/images/record_demo.py            # writes docs/images/demo.svg
    python docs/images/record_demo.py --check    # exits 1 if the picture is not what a run prints

The output is shown page by page; a page holds as many steps as fit. A viewer without animations,
and one for people who asked for reduced motion, shows the page with the plan. The picture loads
nothing: no fonts, no scripts, no styles from elsewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS = 88
LINES_PER_PAGE = 24
SECONDS_PER_PAGE = 8
STILL_PAGE = 1  # the one with the plan, counted from 0
CHAR_WIDTH, LINE_HEIGHT, FONT_SIZE = 8.4, 20, 14
MARGIN, TITLE_HEIGHT = 16, 36
BACKGROUND, FOREGROUND = "#0d1117", "#e6edf3"
COLOR_BY_CODE = {
    "2": "#9198a1",
    "31": "#ff7b72",
    "32": "#56d364",
    "33": "#e3b341",
    "36": "#79c0ff",
}
EIGHTHS = {character: number for number, character in enumerate("▏▎▍▌▋▊▉█", 1)}
SEQUENCE = re.compile(r"\x1b\[([\d;]*)m")
STEP = re.compile(r"\d+\. ")


@dataclass(frozen=True)
class Run:
    """Characters of one style on a line, from a column on."""

    column: int
    text: str
    codes: frozenset[str]


def run_demo() -> str:
    """Return what the demo prints on a terminal with colours."""
    environment = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    done = subprocess.run(
        [sys.executable, "-m", "tavus_mcp", "demo"],
        env={**environment, "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return done.stdout


def render_picture(output: str) -> str:
    """Return the SVG of an output with ANSI colours."""
    pages = split_pages([list(parse_runs(line)) for line in output.rstrip("\n").split("\n")])
    width = round(COLUMNS * CHAR_WIDTH + 2 * MARGIN)
    height = TITLE_HEIGHT + LINES_PER_PAGE * LINE_HEIGHT + 2 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'width="{width}" height="{height}">',
        "<title>A recording of tavus-mcp demo</title>",
        "<desc>An audit, a plan as a diff, its application, calls measured before and after, a "
        "conflict, an undo, and a project in git, on the sandbox.</desc>",
        render_style(len(pages)),
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        *(
            f'<circle cx="{MARGIN + 6 + 20 * number}" cy="18" r="6" fill="{color}"/>'
            for number, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<text class="d" x="{width / 2:g}" y="23" text-anchor="middle">$ tavus-mcp demo</text>',
    ]
    for number, page in enumerate(pages):
        still = " still" if number == STILL_PAGE else ""
        lines.append(f'<g class="page p{number}{still}">')
        lines.append(
            f'<text class="d" x="{width - MARGIN}" y="23" text-anchor="end">'
            f"{number + 1}/{len(pages)}</text>"
        )
        for row, runs in enumerate(page):
            top = TITLE_HEIGHT + MARGIN + row * LINE_HEIGHT
            lines += [render_run(run, top) for run in runs]
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


def render_style(page_count: int) -> str:
    """Return the style sheet: colours, and one page after the other."""
    share = 100 / page_count
    rules = [
        f"text{{font:{FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"
        f"'DejaVu Sans Mono',monospace;fill:{FOREGROUND};white-space:pre}}",
        ".b{font-weight:bold}",
        *(f"text.{name_class(code)}{{fill:{color}}}" for code, color in COLOR_BY_CODE.items()),
        ".page{opacity:0}.still{opacity:1}",
        f"@keyframes turn{{0%,{share:.2f}%{{opacity:1}}{share + 0.01:.2f}%,100%{{opacity:0}}}}",
        "@media (prefers-reduced-motion:no-preference){",
        f".page{{opacity:0;animation:turn {page_count * SECONDS_PER_PAGE}s step-end infinite}}",
        *(
            f".p{number}{{animation-delay:{number * SECONDS_PER_PAGE}s}}"
            for number in range(page_count)
        ),
        "}",
    ]
    return "<style>" + "\n".join(rules) + "</style>"


def name_class(code: str) -> str:
    """Return the class of a style: bold, dim, or a colour."""
    return {"1": "b", "2": "d"}.get(code, f"c{code}")


def parse_runs(line: str) -> Iterator[Run]:
    """Yield the runs of a line; blanks between them are positions."""
    column, codes = 0, frozenset[str]()
    for number, part in enumerate(SEQUENCE.split(line)):
        if number % 2:
            codes = frozenset(part.split(";")) - {"", "0"}
            continue
        for piece in re.finditer(r"[▏▎▍▌▋▊▉█]+|[^▏▎▍▌▋▊▉█]+", part):
            text = piece[0].strip()
            indent = len(piece[0]) - len(piece[0].lstrip())
            if text:
                yield Run(column + piece.start() + indent, text, codes)
        column += len(part)


def split_pages(rows: list[list[Run]]) -> list[list[list[Run]]]:
    """Return the lines in pages: a step is never divided, and no page begins with an empty line."""
    blocks: list[list[list[Run]]] = [[]]
    for runs in rows:
        if runs and runs[0].column == 0 and STEP.match(runs[0].text):
            blocks.append([])
        blocks[-1].append(runs)
    pages: list[list[list[Run]]] = [blocks[0]]
    for block in blocks[1:]:
        if len(strip_rows(pages[-1] + block)) > LINES_PER_PAGE:
            pages.append([])
        pages[-1] = pages[-1] + block
    return [strip_rows(page) for page in pages]


def strip_rows(rows: list[list[Run]]) -> list[list[Run]]:
    """Return the rows without empty ones at the end."""
    while rows and not rows[-1]:
        rows = rows[:-1]
    return rows


def render_run(run: Run, top: int) -> str:
    """Return a run as text, or as a rectangle if it consists of block characters."""
    x = MARGIN + run.column * CHAR_WIDTH
    if run.text[0] in EIGHTHS:
        width = sum(EIGHTHS[character] for character in run.text) / 8 * CHAR_WIDTH
        color = next(
            (COLOR_BY_CODE[code] for code in run.codes if code in COLOR_BY_CODE), FOREGROUND
        )
        return f'<rect x="{x:g}" y="{top + 4}" width="{width:g}" height="13" fill="{color}"/>'
    classes = " ".join(sorted(name_class(code) for code in run.codes))
    length = len(run.text) * CHAR_WIDTH
    attributes = f'class="{classes}" ' if classes else ""
    return (
        f'<text {attributes}x="{x:g}" y="{top + 15}" textLength="{length:g}">'
        f"{escape(run.text, quote=False)}</text>"
    )


def main() -> int:
    """Write the picture, or compare it with a new run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    picture = render_picture(run_demo())
    if not arguments.check:
        PICTURE.write_text(picture, encoding="utf-8")
        return 0
    if PICTURE.read_text(encoding="utf-8") == picture:
        return 0
    sys.stderr.write("docs/images/demo.svg is not what the demo prints; run this without --check\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
