"""Check the files of a project without a request: form, references, and the rules of personas."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.check import check
from tavus_mcp.checker.parts.check import check_part
from tavus_mcp.checker.schema_check import UNKNOWN_FIELD
from tavus_mcp.errors import InvalidArgument
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.document import PartKindName, PersonaDocument
from tavus_mcp.models.findings import RuleFinding
from tavus_mcp.models.json_patch import ABSENT, get_at, is_within, pointer_tokens
from tavus_mcp.models.masking import MASK
from tavus_mcp.models.parts.part_document import PartDocument
from tavus_mcp.models.parts.tool import AUTH_SECRETS
from tavus_mcp.persona_files.merge import literal_key_pointers, mask_paths
from tavus_mcp.personas.secret_references import (
    KEY_FIELD,
    KEY_REFERENCE_FIELD,
    SECRET_PLACEHOLDER,
)
from tavus_mcp.project.configuration import Environment
from tavus_mcp.project.folder import Project
from tavus_mcp.project.kinds import PERSONA, ObjectName
from tavus_mcp.project.names import with_ids
from tavus_mcp.project.plan import placeholder_id
from tavus_mcp.project.problems import FilePosition, InvalidProject, Problem
from tavus_mcp.project.render import RenderedObject, RenderedProject, render_objects
from tavus_mcp.project.secret_names import iter_secret_names
from tavus_mcp.project.state import load_state
from tavus_mcp.text import did_you_mean, quote_foreign, quote_path


def find_problems(
    project: Project,
    catalog: Catalog,
    environments: Sequence[Environment],
    allow: Container[str] = frozenset(),
) -> list[Problem]:
    """Return every mistake and remark, by file and line; equal ones of all environments once.

    Those in the form of the files are among them; what cannot be read is not checked further.
    ``allow`` names rules of the checker whose violations are no mistakes.
    """
    found: dict[Problem, list[str]] = {}
    for environment in environments:
        for problem in _find_in_environment(project, catalog, environment, allow):
            found.setdefault(replace(problem, environment=""), []).append(environment.name)
    problems = [
        problem
        if len(names) == len(environments)
        else replace(problem, environment=", ".join(names))
        for problem, names in found.items()
    ]
    return sorted([*project.problems, *problems, *_find_unused_texts(project)], key=_sort_key)


def require_valid(
    project: Project,
    catalog: Catalog,
    environments: Sequence[Environment],
    allow: Container[str] = frozenset(),
) -> list[Problem]:
    """Return the remarks; raise ``InvalidProject`` with every mistake."""
    problems = find_problems(project, catalog, environments, allow)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidProject(errors)
    return problems


def _find_unused_texts(project: Project) -> Iterator[Problem]:
    """Yield a remark on each file for prompts that no object names."""
    for path in project.find_unused_texts():
        message = "no file names this text, so it is not sent."
        yield Problem(FilePosition(path), message, severity="info", rule="unused-text")


def _sort_key(problem: Problem) -> tuple[str, int, int, str]:
    position = problem.position
    return position.path, position.line, position.column, problem.message


def _find_in_environment(
    project: Project, catalog: Catalog, environment: Environment, allow: Container[str]
) -> Iterator[Problem]:
    rendered = render_objects(project, environment)
    yield from _check_names(rendered)
    stored = _load_stored_fields(project.folder, environment)
    for item in rendered.values():
        yield from (problem for _, problem in item.problems)
        accepts = partial(_is_accepted, allow, item.fields, stored.get(item.name, {}))
        yield from _check_secrets(item, environment)
        if item.name.kind is PERSONA:
            fields = _with_stand_ins(with_ids(item.fields, placeholder_id))
            yield from _report(item, check(PersonaDocument(fields), catalog), accepts)
        else:
            kind = cast(PartKindName, item.name.kind.name)
            part: JsonObject | PartDocument = item.fields
            if mask_paths(item.fields):  # as it was read: a mask is no mistake then
                part = PartDocument(kind, "stored", item.fields)
            yield from _report(item, check_part(kind, part, catalog), accepts)


def _check_names(rendered: RenderedProject) -> Iterator[Problem]:
    """Yield a warning for each object that has the name of an earlier one of its kind."""
    first: dict[tuple[str, str], ObjectName] = {}
    for item in rendered.values():
        field = item.name.kind.name_field
        name = item.fields.get(field)
        if not isinstance(name, str) or not name:
            continue
        other = first.setdefault((item.name.folder, name), item.name)
        if other != item.name:
            yield _problem(
                item,
                f"/{field}",
                f"{other} has this name as well. Without their state, the two cannot be told "
                "apart in an account.",
                severity="warning",
                rule="same-name",
            )


def _load_stored_fields(folder: Path, environment: Environment) -> dict[ObjectName, JsonObject]:
    """Return what each object held in the account at the last sync, as far as it is known."""
    with suppress(InvalidArgument):
        objects = load_state(folder, environment.name).objects
        return {name: item.base.account for name, item in objects.items()}
    return {}


def _is_accepted(
    allow: Container[str], fields: JsonObject, stored: JsonObject, finding: RuleFinding
) -> bool:
    """Tell whether a violation prevents no write: it is allowed, or Tavus stores the field itself.

    Tavus has fields that are not known here, which a pull takes over.
    """
    value = get_at(fields, finding.path, ABSENT)
    is_stored = value is not ABSENT and value == get_at(stored, finding.path, ABSENT)
    return finding.rule in allow or (finding.rule == UNKNOWN_FIELD and is_stored)


def _problem(item: RenderedObject, pointer: str, message: str, **more: Any) -> Problem:
    text = f"{quote_path(pointer)}: {message}" if pointer else message
    return Problem(item.source.position_of(pointer), text, **more)


def _report(
    item: RenderedObject,
    findings: Iterable[RuleFinding],
    accepts: Callable[[RuleFinding], bool],
) -> Iterator[Problem]:
    missing = [pointer for pointer, _ in item.problems]
    for finding in findings:
        if is_within(finding.path, missing):
            continue
        is_mistake = finding.blocks_write and not accepts(finding)
        hint = f" {finding.hint}" if finding.hint else ""
        yield _problem(
            item,
            _pointer_in_file(finding.path),
            finding.message + hint,
            severity="error" if is_mistake else _soften(finding.severity),
            rule=finding.rule or "",
        )


def _soften(severity: Any) -> Any:
    """Return the severity of a finding that does not prevent a write."""
    return "warning" if severity == "error" else severity


def _pointer_in_file(pointer: str) -> str:
    if pointer.endswith(f"/{KEY_FIELD}"):
        return pointer.removesuffix(KEY_FIELD) + KEY_REFERENCE_FIELD
    return pointer


def _with_stand_ins(value: Any) -> Any:
    """Return fields with masks for the keys that are named by reference."""
    if isinstance(value, dict):
        return {
            (KEY_FIELD if key == KEY_REFERENCE_FIELD else key): (
                MASK if key == KEY_REFERENCE_FIELD else _with_stand_ins(item)
            )
            for key, item in value.items()
        }
    return [_with_stand_ins(item) for item in value] if isinstance(value, list) else value


def _check_secrets(item: RenderedObject, environment: Environment) -> Iterator[Problem]:
    for pointer in literal_key_pointers(item.fields):
        if not _is_literal_key(item, pointer):
            continue
        yield _problem(
            item,
            pointer,
            "the file contains a key, and with it every copy and git. Write api_key_ref: NAME "
            "({secret:NAME} in a header), name the variable in tavus.toml, and replace the key.",
            rule="literal-key",
        )
    for pointer in mask_paths(item.fields):
        yield _problem(
            item,
            pointer,
            "a mask stands for no key in another account. Write api_key_ref: NAME, or leave it "
            "out to keep the stored key.",
            severity="warning",
            rule="mask",
        )
    for pointer, name in iter_secret_names(item.fields, ()):
        if name.lower() not in environment.secrets:
            near = did_you_mean(name, environment.secrets)
            yield _problem(
                item,
                pointer,
                f"environment {environment.name} has no secret {quote_foreign(name)}"
                f"{near or '.'} Add it to secrets in tavus.toml, with the name of its variable.",
                rule="unknown-secret",
            )


def _is_literal_key(item: RenderedObject, pointer: str) -> bool:
    """Tell whether a text at the place of a secret is one: no name and no reference in a tool."""
    *above, name = pointer_tokens(pointer)
    if item.name.kind is PERSONA:
        return True
    is_name = above[-1:] == ["auth"] and name not in AUTH_SECRETS.values()
    return not is_name and not SECRET_PLACEHOLDER.search(str(get_at(item.fields, pointer)))
