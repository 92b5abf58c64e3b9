"""What a mode bypasses, and what that means for a goal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tavus_mcp.catalog import Step
from tavus_mcp.deprecations.turn_taking import FLOW
from tavus_mcp.tuning.working_copy import PROMPT, AlreadyMet, WorkingCopy

_FULL_MODE_HINT = (
    'To have it used: update_persona(persona_id, pipeline_mode="full", system_prompt=...).'
)


def report_bypassed_steps(
    working_copy: WorkingCopy, bypassed_steps: Sequence[Step], effective_steps: Sequence[Step]
) -> None:
    """Say which steps have no effect in this mode; ``rest`` are those that count here.

    Where nobody is looked at, a goal that wants just this has it, and is not sent to mode full.
    """
    served = list(
        dict.fromkeys(
            step.path for step in bypassed_steps if step.met_when_bypassed and step.levels
        )
    )
    for path in served:
        held = f"bypassed in mode {working_copy.before.mode}"
        working_copy.already_met.append(AlreadyMet(working_copy.goal, path, held))
    missed = [step.path for step in bypassed_steps if not step.met_when_bypassed]
    if not missed:
        return
    whole = not effective_steps and not served
    effect = "no effect" if whole else "less effect"
    working_copy.add_finding(
        "no-effect",
        "/pipeline_mode",
        f"Goal {working_copy.goal} has {effect} here: mode {working_copy.before.mode} "
        f"{_describe_paths(missed)}.",
        "" if served else _FULL_MODE_HINT,
        "D:create-persona, P:echo-mode",
        "warning" if whole else "info",
    )


def _describe_paths(paths: Iterable[str]) -> str:
    return "; it ".join(_path_clauses(list(dict.fromkeys(paths))))


def _path_clauses(paths: Sequence[str]) -> Iterator[str]:
    """Say what the docs say of the layers and of the prompt, and what follows for turns."""
    flow = [path for path in paths if path.startswith(FLOW)]
    if layers := [path for path in paths if path not in flow and path != PROMPT]:
        yield f"bypasses {', '.join(layers)}"
    if PROMPT in paths:
        yield f"takes no {PROMPT}"
    if flow:
        yield f"bypasses /layers/stt, so presumably nothing reads {', '.join(flow)}"
