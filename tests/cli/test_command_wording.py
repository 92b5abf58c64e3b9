"""What commands print names commands, and nothing that only an assistant can follow.

Every command that a test runs in this process is examined as well (``CommandRunner``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from command_wording import find_wording_for_assistants

import tavus_mcp
from tavus_mcp.cli.command_texts import PHRASES, adapt_text, describe_finding
from tavus_mcp.models.findings import Finding

PACKAGES = (
    *("checker", "fleet", "history", "journal", "models", "parts", "persona_files", "personas"),
    *("project", "tavus_api"),
)
"""The packages whose texts commands print; those of other packages are answers of tools alone."""


def _iter_texts() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each string of the packages; values are quoted."""
    root = Path(tavus_mcp.__file__).parent
    folders = [root / package for package in PACKAGES]
    for path in (
        root / "app.py",
        root / "errors.py",
        *(p for f in folders for p in f.rglob("*.py")),
    ):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        skipped = {
            id(inner)
            for node in nodes
            if isinstance(node, ast.Expr | ast.JoinedStr)
            for inner in ast.iter_child_nodes(node)
        }
        for node in nodes:
            if id(node) not in skipped and (text := render_string(node)):
                yield f"{path.relative_to(root)}: {text}", text


@cache
def list_texts() -> Sequence[tuple[str, str]]:
    """Return the place and the text of each string that commands may print."""
    return list(_iter_texts())


def render_string(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "'x'" for part in node.values
        )
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text and " " in node.value else ""


def test_every_text_of_ours_names_commands_only() -> None:
    found = {}
    for place, text in list_texts():
        hint = describe_finding(Finding(severity="info", path="", message="", hint=text))["hint"]
        if wording := find_wording_for_assistants((), hint or ""):
            found[place] = wording
    assert found == {}


def test_every_phrase_that_is_adapted_is_in_a_text_of_ours() -> None:
    """A text that is reworded takes its phrase along."""
    call = "restore_revision(persona_id='p1')."
    texts = [text.replace("'x'", value) for _, text in list_texts() for value in ("'x'", call)]
    unmatched = []
    for pattern, replacement in PHRASES:
        phrase = re.compile(pattern)
        if not any(map(phrase.search, texts)):
            unmatched.append(pattern)
        texts = [phrase.sub(replacement, text) for text in texts]
    assert unmatched == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("list_personas finds 'list_personas' by name.", "tavus-mcp list finds 'list_personas' by"),
        ('Set x; describe_layer(layer="llm") compares them.', "Set x."),
        ('set_skill(name="a"); or leave it out.', "Leave it out."),
        ("Publish it there, or with publish_persona. It is safe.", "Publish it there. It is safe."),
        ("There is none. dry_run=true answers with a plan_id.\nline 2", "There is none.\nline 2"),
        ("x (changed by configure_llm at 2026-11-27)", "x (changed by the tool configure_llm at"),
        ("x (changed by apply_file at 2026-11-27)", "x (changed by tavus-mcp apply at 2026-11-27)"),
        ("publish_persona", "publish_persona (in an assistant)"),
        ("tools/get_persona.yaml:3:5: no file.", "tools/get_persona.yaml:3:5: no file."),
        ("get_persona.yaml: it cannot be read.", "get_persona.yaml: it cannot be read."),
        ("/properties/plan_id: unknown. Remove it.", "/properties/plan_id: unknown. Remove it."),
        ("No x; did you mean 'y'? Use apply_plan.", "No x; did you mean 'y'?"),
        ("Use apply_plan; did you mean 'y'?", "Did you mean 'y'?"),
        (
            "It is in a draft. The plan publishes the whole draft, with whatever else is in it.",
            "It is in a draft. To make it live, publish it in the Tavus dashboard: the whole draft",
        ),
        (
            "Edited after the change that this call undoes. To overwrite them, after the person "
            'agreed: restore_revision(persona_id="p1", overwrite=["/a"]).',
            "Edited after the change to undo. To overwrite them, name each with --overwrite.",
        ),
    ],
)
def test_a_text_is_adapted(text: str, expected: str) -> None:
    adapted = adapt_text(text)
    assert adapted.startswith(expected)
    assert "?." not in adapted
