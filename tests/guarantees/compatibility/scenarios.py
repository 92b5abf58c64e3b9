"""The scenarios that are replayed, and their recordings."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from normalization import TIME, Normalizer, tokens
from recordings import FIXTURES, HERE, RECORDINGS, clear, read, readable, write
from replay import Scenario, Step, run
from running_server import JOURNAL, STATE
from state_files import journalled, rows, stored

FIXED = "(the same in every run)"
JOURNALS = FIXTURES / "journals"
Recording = dict[str, Any]


@cache
def all_scenarios() -> Mapping[str, Scenario]:
    """Return every scenario by its name, which is its group and its own name."""
    found = [*_written(), _findings(), *_journals(), *_expired(), *_states(), *_files()]
    return {scenario.name: scenario for scenario in found}


def _written() -> list[Scenario]:
    """Return the scenarios of the scripts, each on a copy of the account."""
    account = {f"data/{STATE}": FIXTURES / "states" / "account.sqlite3"}
    scripts = sorted((HERE / "scripts").glob("*.toml"))
    return [
        Scenario(
            f"calls/{path.stem}",
            tomllib.loads(path.read_text(encoding="utf-8"))["step"],
            account,
        )
        for path in scripts
    ]


def _findings() -> Scenario:
    """Return the scenario of the checker: the findings on every document of its tests."""
    documents = json.loads((FIXTURES / "documents.json").read_text(encoding="utf-8"))
    steps = [
        {"tool": "check_persona", "arguments": {"document": _filled(document)}, "note": name}
        for name, document in documents.items()
    ]
    return Scenario("findings/documents", steps)


def _filled(value: Any) -> Any:
    """Return a document with its placeholders expanded to long texts."""
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        many = re.fullmatch(r"many:(\d+)", str(value[0])) if value else None
        return [f"item {i}" for i in range(int(many[1]))] if many else list(map(_filled, value))
    long = re.fullmatch(r"long:(\d+)", value) if isinstance(value, str) else None
    return ("bicycle " * int(long[1]))[: int(long[1])] if long else value


def _plans() -> tuple[datetime, dict[str, dict[str, str]]]:
    made = json.loads((JOURNALS / "plans.json").read_text(encoding="utf-8"))
    return datetime.fromisoformat(made["now"]), made["plans"]


def _journals() -> list[Scenario]:
    """Return a scenario for each journal: all of it read, its plans used, all of it restored."""
    moment, plans = _plans()
    soon = moment + timedelta(minutes=20)
    folders = sorted(path for path in JOURNALS.iterdir() if path.is_dir())
    return [
        Scenario(
            f"journals/{folder.name}",
            _journal_steps(journalled(folder), plans.get(folder.name, {})),
            _both(folder),
            soon,
        )
        for folder in folders
    ]


def _both(folder: Path) -> dict[str, Path]:
    return {f"data/{name}": folder / name for name in (STATE, JOURNAL)}


def _journal_steps(known: Mapping[str, list[str]], plans: Mapping[str, str]) -> list[Step]:
    revisions = [(persona, revision) for persona in known for revision in known[persona]]
    steps: list[Step] = [
        {"command": ["journal", "verify"]},
        {"command": ["journal", "show"]},
        {"tool": "list_personas", "arguments": {"persona_type": "user"}},
    ]
    steps += [_call("list_revisions", persona_id=persona, limit=100) for persona in known]
    for persona, revision in revisions:
        reference = {"persona_id": persona, "revision": revision}
        steps.append(_call("export_persona", persona_id=f"{persona}@{revision}"))
        steps.append({"read": f"tavus://personas/{persona}/revisions/{revision}"})
        steps.append(_call("restore_revision", **reference, dry_run=True))
    steps += [
        {**_call("apply_plan", plan_id=plan_id), "note": name} for name, plan_id in plans.items()
    ]
    steps += [
        _call("restore_revision", persona_id=persona, revision=revision)
        for persona, revision in revisions
    ]
    steps += [_call("list_revisions", persona_id=persona, limit=100) for persona in known]
    return [*steps, {"command": ["journal", "verify"]}]


def _call(tool: str, **arguments: Any) -> Step:
    names = [str(arguments[key]) for key in ("persona_id", "revision") if key in arguments]
    return {"tool": tool, "arguments": arguments, "note": " ".join(names)}


def _expired() -> list[Scenario]:
    """Return a scenario for each journal with plans, an hour later."""
    moment, plans = _plans()
    return [
        Scenario(
            f"plans/{name}_expired",
            [{**_call("apply_plan", plan_id=plan), "note": it} for it, plan in known.items()],
            _both(JOURNALS / name),
            moment + timedelta(minutes=90),
        )
        for name, known in plans.items()
    ]


def _states() -> list[Scenario]:
    """Return a scenario for each state: everything of it is served."""
    found = []
    for path in sorted((FIXTURES / "states").glob("*.sqlite3")):
        query = "SELECT id FROM item WHERE kind = ? ORDER BY seq"
        personas = [key for (key,) in rows(path, query, "persona")]
        calls = [key for (key,) in rows(path, query, "conversation")]
        listed = ("replicas", "voices", "documents", "objectives", "guardrails", "registry_tools")
        steps = [
            _call(f"list_{name}", limit=100) for name in (*listed, "conversations", "personas")
        ]
        steps += [_call("get_persona", persona_id=key, full_prompt=True) for key in personas]
        steps += [_call("get_conversation", conversation_id=key) for key in calls[:3]]
        found.append(Scenario(f"states/{path.stem}", steps, {f"data/{STATE}": path}))
    return found


def _files() -> list[Scenario]:
    """Return a scenario for each persona file: applied as a dry run, and really."""
    found = []
    for path in sorted((FIXTURES / "files").glob("*.yaml")):
        personas = stored(JOURNALS / "everyday", "persona")
        ids = [key for key in personas if key in path.read_text(encoding="utf-8")]
        steps: list[Step] = [
            {"command": ["apply", path.name, "--dry-run"]},
            {"command": ["apply", path.name]},
            {"file": path.name},
            *({**_call("get_persona", persona_id=key, full_prompt=True)} for key in ids),
            {"command": ["apply", path.name], "note": "again"},
            {"command": ["journal", "verify"]},
        ]
        if path.stem in ("unknown_field", "private_url"):
            allowed = f"--allow-{path.stem.replace('unknown_field', 'unknown').replace('_', '-')}"
            steps.append({"command": ["apply", path.name, allowed]})
        files = {**_both(JOURNALS / "everyday"), path.name: path}
        found.append(Scenario(f"files/{path.stem}", steps, files))
    return found


@cache
def recorded(name: str) -> Recording:
    """Return the recording of a scenario."""
    return dict(read(RECORDINGS / f"{name}.json"))


def replayed(scenario: Scenario, folder: Path, fixed: list[str]) -> Recording:
    """Replay a scenario; return its outcomes by step, in the form of a recording."""
    return _named(scenario, run(scenario, folder), folder, fixed)


def _named(scenario: Scenario, outcomes: list[Any], folder: Path, fixed: list[str]) -> Recording:
    normalizer = Normalizer(fixed, {str(folder): "<folder>"})
    normal = [readable(normalizer.normalize(outcome)) for outcome in outcomes]
    return dict(zip(scenario.labels(), json.loads(json.dumps(normal)), strict=True))


def record(scenario: Scenario, folder: Path) -> None:
    """Run a scenario twice, and record what was the same in both runs."""
    folders = [folder / f"{number}" / "run" for number in (1, 2)]
    outcomes = [run(scenario, each, strict=True) for each in folders]
    both = tokens(outcomes[0]) & tokens(outcomes[1])
    known = tokens([list(map(str, scenario.steps)), *map(_contents, scenario.files.values())])
    fixed = sorted(token for token in both if token in known or not _is_time(token))
    first, second = (
        _named(scenario, each, where, fixed) for each, where in zip(outcomes, folders, strict=True)
    )
    differing = [label for label in first if first[label] != second[label]]
    if differing:
        raise AssertionError(f"{scenario.name} is not the same in each run: {differing}")
    write(RECORDINGS / f"{scenario.name}.json", {FIXED: fixed, **first})


def _is_time(token: str) -> bool:
    return Normalizer((), {}).normalize(token) == f"<{TIME}>"


def _contents(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def forget(group: str) -> None:
    """Remove the recordings of a group, before they are made again."""
    clear(RECORDINGS / group)
