"""What a mode bypasses, and what that means for a goal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tavus_mcp.catalog import Step
from tavus_mcp.tuning import turns
from tavus_mcp.tuning.working_copy import PROMPT, Already, Draft

_FULL = 'To have it used: update_persona(persona_id, pipeline_mode="full", system_prompt=...).'


def remark_on_mode(draft: Draft, lost: Sequence[Step], rest: Sequence[Step]) -> None:
    """Say which steps have no effect in this mode; ``rest`` are those that count here.

    Where nobody is looked at, a goal that wants just this has it, and is not sent to mode full.
    """
    served = list(dict.fromkeys(step.path for step in lost if step.served and step.ladder))
    for path in served:
        held = f"bypassed in mode {draft.before.mode}"
        draft.already.append(Already(draft.goal, path, held))
    missed = [step.path for step in lost if not step.served]
    if not missed:
        return
    whole = not rest and not served
    effect = "no effect" if whole else "less effect"
    draft.remark(
        "no-effect",
        "/pipeline_mode",
        f"Goal {draft.goal} has {effect} here: mode {draft.before.mode} {_told(missed)}.",
        "" if served else _FULL,
        "D:create-persona, P:echo-mode",
        "warning" if whole else "info",
    )


def _told(paths: Iterable[str]) -> str:
    return "; it ".join(_parts(list(dict.fromkeys(paths))))


def _parts(paths: Sequence[str]) -> Iterator[str]:
    """Say what the docs say of the layers and of the prompt, and what follows for turns."""
    flow = [path for path in paths if path.startswith(turns.FLOW)]
    if layers := [path for path in paths if path not in flow and path != PROMPT]:
        yield f"bypasses {', '.join(layers)}"
    if PROMPT in paths:
        yield f"takes no {PROMPT}"
    if flow:
        yield f"bypasses /layers/stt, so presumably nothing reads {', '.join(flow)}"
