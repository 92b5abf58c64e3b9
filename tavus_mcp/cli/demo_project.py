"""The step of the demo about projects: agents as files, compared with an account."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from tavus_mcp.cli.diff_report import DiffWords, diff_text
from tavus_mcp.cli.project_command import environment_settings
from tavus_mcp.cli.project_reports import status_text
from tavus_mcp.cli.wiring import build_app
from tavus_mcp.concurrency import ignore_progress
from tavus_mcp.project.configuration import FILE_NAME
from tavus_mcp.project.folder import read_project
from tavus_mcp.project.plan import PlanOptions
from tavus_mcp.project.session import ProjectSession, choose_environment, open_session
from tavus_mcp.settings import Settings

_ENVIRONMENT = "staging"
_PERSONA_FILE = "personas/front-desk.yaml"


async def compare_edited_project(
    folder: Path, prompt: str, edit: tuple[str, str]
) -> tuple[str, str]:
    """Write a project, apply it to a sandbox, edit a file; return what status and diff print.

    ``edit`` is a sentence of the prompt and the one that replaces it.
    """
    files = {
        FILE_NAME: f"[environments.{_ENVIRONMENT}]\nsandbox = true\n",
        _PERSONA_FILE: (
            f"persona_name: Front desk\nsystem_prompt: {prompt}\ndefault_replica_id: rfe12d8b9597\n"
        ),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    project = read_project(folder)
    environment = choose_environment(project.configuration, _ENVIRONMENT)
    app = build_app(environment_settings(Settings(), project, environment))
    async with aclosing(app):
        session, options = ProjectSession(app, project, environment), PlanOptions()
        planned = await session.plan(options, ignore_progress)
        await session.apply(planned, options, ignore_progress)
        path = folder / _PERSONA_FILE
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(*edit), encoding="utf-8", newline="\n")
        edited = open_session(app, folder, _ENVIRONMENT)
        comparison = await edited.compare(ignore_progress)
        items = list(comparison.objects.values())
        differences = diff_text(app, items, DiffWords(f"account of {_ENVIRONMENT}", "files"))
        return status_text(comparison), differences
