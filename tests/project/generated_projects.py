"""Generated projects: every kind of object, with odd names and texts, and their changes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from project_harness import CONFIGURATION, ProjectFolder, build_folder

from tavus_mcp.persona_files.yaml_writer import render_yaml

TEXTS = (
    "You help people.",
    "Be brief.\nBe kind.",
    "Zwölf Boxkämpfer\n\n\tjagen  \nViktor.",
    "a: b # c",
    "yes",
    "null",
    "1.0",
    "{x}",
    "- item",
    "'quoted' \"twice\"",
    "日本語のテキスト 👩‍🚀",
    "مرحبا",
    "---\n...\n",
    "{{name}} {secret:none} ********",
    "x" * 3000,
)
NAMES = (
    "Ada",
    "ada",
    "ADA",
    "con",
    "a/b\\c",
    "yes",
    "null",
    "1.0",
    "Zoë",
    "面接官",
    " padded ",
    "n" * 200,
    "../up",
    "🙂",
)
_LAYERS: dict[str, list[dict[str, Any]]] = {
    "llm": [
        {"model": "tavus-gpt-oss"},
        {"model": "tavus-gpt-oss", "speculative_inference": False},
        {"model": "gpt-4o", "base_url": "https://api.openai.com/v1", "api_key_ref": "openai"},
        {"model": "gpt-4o", "base_url": {"value": "llm_url"}, "api_key_ref": "openai"},
    ],
    "tts": [
        {"tts_engine": "cartesia"},
        {"tts_engine": "elevenlabs", "tts_emotion_control": False},
    ],
    "stt": [{"hotwords": "Tavus"}, {"hotwords": {"file": "../prompts/hotwords.md"}}],
    "perception": [{"perception_model": "raven-1"}, {"perception_model": "off"}],
    "conversational_flow": [
        {"turn_taking_patience": {"value": "patience"}},
        {"turn_taking_patience": "low", "replica_interruptibility": "low"},
    ],
}
_TOOL_API = {
    "url": {"value": "llm_url"},
    "auth": {"type": "bearer", "token": "{secret:openai}"},
}
_PARTS: dict[str, list[dict[str, Any]]] = {
    "guardrails/rule": [
        {"guardrail_name": "rule", "guardrail_prompt": "Be kind."},
        {"guardrail_name": "rule", "guardrail_prompt": {"file": "../prompts/hotwords.md"}},
        {"guardrail_name": "rule", "guardrail_prompt": "Be calm.", "tags": ["tone"]},
    ],
    "tools/book": [
        {"name": "book", "description": "Books a table."},
        {"name": "book", "description": "Books.", "on_call": "silent"},
        {"name": "book", "description": "Books.", "delivery": {"api": _TOOL_API}},
    ],
    "objectives/intake": [
        {"name": "Intake", "data": [{"objective_name": "ask", "objective_prompt": "Ask."}]},
        {
            "name": "Intake",
            "data": [
                {
                    "objective_name": "ask",
                    "objective_prompt": "Ask.",
                    "next_required_objective": "end",
                },
                {"objective_name": "end", "objective_prompt": "End."},
            ],
        },
    ],
    "documents/menu": [
        {"document_name": "Menu", "document_url": "https://example.com/a.pdf"},
        {"document_name": "食", "document_url": "https://example.com/a.pdf", "tags": ["x", "y"]},
    ],
    "dictionaries/words": [
        {"name": "Words", "rules": []},
        {"name": "Words", "rules": [{"text": "a", "pronunciation": "b", "type": "alias"}]},
    ],
}


def draw_parts(draw: random.Random, project: ProjectFolder) -> None:
    """Write or change the files of parts; those that personas name stay."""
    project.write("prompts/hotwords.md", draw.choice(("engine, wheel\n", "Tavus")))
    for path, choices in _PARTS.items():
        if (project.folder / f"{path}.yaml").exists() or draw.random() < 0.5:
            project.write(f"{path}.yaml", render_yaml(draw.choice(choices)))


def draw_references(draw: random.Random, project: ProjectFolder) -> dict[str, Any]:
    """Return references of a persona to parts that have a file."""
    names = [path for path in _PARTS if (project.folder / f"{path}.yaml").exists()]
    chosen = dict(name.split("/") for name in names if draw.random() < 0.6)
    return {
        folder: name if folder in ("objectives", "dictionaries") else [name]
        for folder, name in chosen.items()
    }


def draw_persona(draw: random.Random, project: ProjectFolder, name: str) -> None:
    """Write the file of a persona, with its texts in it or in files of their own."""
    references = draw_references(draw, project)
    fields: dict[str, Any] = {
        "persona_name": draw.choice((f"{name} A", f"{name} B", f"{name} {draw.choice(NAMES)}")),
        "system_prompt": draw.choice(TEXTS),
        "default_replica_id": {"value": "replica"},
    }
    for field in ("context", "greeting"):
        if draw.random() < 0.5:
            fields[field] = draw.choice((*TEXTS, {"value": "text"}))
    for field in ("system_prompt", "context"):
        if isinstance(fields.get(field), str) and draw.random() < 0.4:
            project.write(f"prompts/{name}_{field}.md", fields[field] + "\n")
            fields[field] = {"file": f"../prompts/{name}_{field}.md"}
    if draw.random() < 0.3:
        languages = draw.sample(["english", "german", "spanish"], draw.randint(1, 2))
        fields["languages"] = draw.choice((languages, {"value": "languages"}))
    layers: dict[str, Any] = {
        layer: dict(draw.choice(choices))
        for layer, choices in _LAYERS.items()
        if draw.random() < 0.4
    }
    if dictionary := references.pop("dictionaries", None):
        layers.setdefault("tts", {"tts_engine": "cartesia"})["pronunciation_dictionary"] = (
            dictionary
        )
    if layers:
        fields["layers"] = layers
    text = render_yaml({**fields, **references})
    if draw.random() < 0.2:
        text = text.replace("\n", "\r\n")
    project.write(f"personas/{name}.yaml", draw.choice(("", "# A comment\n")) + text)


def build_project(draw: random.Random, folder: Path) -> ProjectFolder:
    """Return a generated project that is not applied yet."""
    values = {
        "replica": "rfe12d8b9597",
        "llm_url": "https://llm.example.com/v1",
        "patience": "high",
        "text": draw.choice(("Hello.", "yes")),
        "languages": ["german"],
    }
    text = ", ".join(
        f'{name} = ["{value[0]}"]' if isinstance(value, list) else f'{name} = "{value}"'
        for name, value in values.items()
    )
    configuration = CONFIGURATION.replace('replica = "rfe12d8b9597"', text)
    project = build_folder(folder, configuration)
    draw_parts(draw, project)
    for number in range(draw.randint(1, 3)):
        draw_persona(draw, project, f"p{number}")
    return project


def change_project(draw: random.Random, project: ProjectFolder) -> None:
    """Change some objects, add, rename and remove some."""
    draw_parts(draw, project)
    names = sorted(path.stem for path in (project.folder / "personas").iterdir())
    for name in names:
        if draw.random() < 0.6:
            draw_persona(draw, project, name)
    if draw.random() < 0.5:
        draw_persona(draw, project, f"p{len(names)}")
    if names and draw.random() < 0.4:
        (project.folder / "personas" / f"{draw.choice(names)}.yaml").unlink()
    remaining = sorted((project.folder / "personas").iterdir())
    if remaining and draw.random() < 0.2:
        path = draw.choice(remaining)
        path.rename(path.with_stem(f"renamed_{path.stem}"))
    texts = [path.read_text("utf-8") for path in (project.folder / "personas").iterdir()]
    is_unused = not any("menu" in text for text in texts)
    if is_unused and draw.random() < 0.3:
        (project.folder / "documents/menu.yaml").unlink(missing_ok=True)
