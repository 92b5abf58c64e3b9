"""Generated projects: personas with texts, values, layers, keys and parts, and their changes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from project_harness import CONFIGURATION, ProjectFolder, build_folder

from tavus_mcp.persona_files.yaml_writer import render_yaml

_TEXTS = ("You help people.", "Be brief.\nBe kind.", "Zwölf Boxkämpfer", "a: b # c", "yes", "{x}")
_LAYERS: dict[str, list[dict[str, Any]]] = {
    "llm": [
        {"model": "tavus-gpt-oss"},
        {"model": "tavus-gpt-oss", "speculative_inference": False},
        {"model": "gpt-4o", "base_url": "https://api.openai.com/v1", "api_key_ref": "openai"},
    ],
    "tts": [
        {"tts_engine": "cartesia"},
        {"tts_engine": "elevenlabs", "tts_emotion_control": False},
    ],
    "stt": [{"hotwords": "Tavus"}, {"hotwords": "engine, wheel"}],
    "perception": [{"perception_model": "raven-1"}, {"perception_model": "off"}],
    "conversational_flow": [
        {"turn_taking_patience": "high"},
        {"turn_taking_patience": "low", "replica_interruptibility": "low"},
    ],
}


_PARTS: dict[str, list[dict[str, Any]]] = {
    "guardrails/rule": [
        {"guardrail_name": "rule", "guardrail_prompt": "Be kind."},
        {"guardrail_name": "rule", "guardrail_prompt": "Be calm.", "tags": ["tone"]},
    ],
    "tools/book": [
        {"name": "book", "description": "Books a table."},
        {"name": "book", "description": "Books.", "on_call": "silent"},
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
    "dictionaries/words": [
        {"name": "Words", "rules": []},
        {"name": "Words", "rules": [{"text": "a", "pronunciation": "b", "type": "alias"}]},
    ],
}


def draw_parts(draw: random.Random, project: ProjectFolder) -> None:
    """Write or change the files of parts; those that personas name stay."""
    for path, choices in _PARTS.items():
        if (project.folder / f"{path}.yaml").exists() or draw.random() < 0.5:
            project.write(f"{path}.yaml", render_yaml(draw.choice(choices)))


def draw_references(draw: random.Random, project: ProjectFolder) -> dict[str, Any]:
    """Return references of a persona to parts that have a file."""
    names = [path for path in _PARTS if (project.folder / f"{path}.yaml").exists()]
    chosen = dict(name.split("/") for name in names if draw.random() < 0.6)
    return {
        folder: name if folder == "objectives" else [name]
        for folder, name in chosen.items()
        if folder != "dictionaries"
    }


def draw_persona(draw: random.Random, project: ProjectFolder, name: str) -> None:
    """Write the file of a persona, with its prompt in it or in a file of its own."""
    prompt = draw.choice(_TEXTS)
    fields: dict[str, Any] = {
        "persona_name": f"{name} {draw.choice(('A', 'B'))}",
        "system_prompt": prompt,
        "default_replica_id": {"value": "replica"},
        **draw_references(draw, project),
    }
    if draw.random() < 0.5:
        project.write(f"prompts/{name}.md", prompt + "\n")
        fields["system_prompt"] = {"file": f"../prompts/{name}.md"}
    for field in ("context", "greeting"):
        if draw.random() < 0.5:
            fields[field] = draw.choice(_TEXTS)
    if draw.random() < 0.3:
        fields["languages"] = draw.sample(["english", "german", "spanish"], draw.randint(1, 2))
    layers = {
        layer: draw.choice(choices) for layer, choices in _LAYERS.items() if draw.random() < 0.4
    }
    if layers:
        fields["layers"] = layers
    project.write(f"personas/{name}.yaml", render_yaml(fields))


def build_project(draw: random.Random, folder: Path) -> ProjectFolder:
    """Return a generated project that is not applied yet."""
    project = build_folder(folder, CONFIGURATION)
    draw_parts(draw, project)
    for number in range(draw.randint(1, 3)):
        draw_persona(draw, project, f"p{number}")
    return project


def change_project(draw: random.Random, project: ProjectFolder) -> None:
    """Change some personas, add one, and sometimes remove one."""
    draw_parts(draw, project)
    names = sorted(path.stem for path in (project.folder / "personas").iterdir())
    for name in names:
        if draw.random() < 0.6:
            draw_persona(draw, project, name)
    if draw.random() < 0.5:
        draw_persona(draw, project, f"p{len(names)}")
    if draw.random() < 0.4:
        (project.folder / "personas" / f"{draw.choice(names)}.yaml").unlink()
