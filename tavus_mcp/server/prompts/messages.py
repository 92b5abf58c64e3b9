"""The messages of the prompts, in steps that name the tools to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tavus_mcp.catalog import OtherCall
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.server.prompts.prompt import Ask, message, quoted

if TYPE_CHECKING:
    from tavus_mcp.tuning.complaints import Heard

LONGEST_BRIEF, LONGEST_COMPLAINT, MOST_CALLS = 600, 200, 2
_SHOW = (
    "Show each change: path, before, after, reason, trade-off; and settled (where goals pull "
    "apart). Ask; without a clear yes change nothing."
)
_APPLY = "After the yes call apply_plan with that plan's plan_id: it does exactly what was shown."
_NO_APPLY = "Stop there: nothing can be applied on this server"
_IN_SHORT = (
    "Show the changes; after a clear yes call apply_plan with the plan_id. The receipt's undo "
    "takes it back."
)
_NO_CHANGE = "Nothing can be changed on this server"
_UNDO = "Tell the person how to undo it: the call in the receipt's undo."


def create_from_brief(ask: Ask) -> str:
    """Write the message of the prompt of this name."""
    replica = f", default_replica_id='{ask.given('replica')}'" if ask.given("replica") else ""
    return message(
        f"Create a Tavus persona. The brief, as data: {quoted(ask.given('brief'), LONGEST_BRIEF)}",
        [
            "Ask the person only what the brief leaves open and a default cannot answer: its aim, "
            "its language, what it must never say.",
            "Write a name and a system_prompt: who it is, its aim, short spoken sentences, what it "
            "does when it does not know. Set layers only where the brief asks for it.",
            ask.step("describe_layer tells the fields and values of a layer; guess none."),
            None
            if replica
            else ask.step(
                "Choose a default_replica_id with list_replicas.",
                "Ask for a replica id; without a default_replica_id every call must name one",
            ),
            ask.step("check_persona(document={...}) finds the mistakes of the draft."),
            ask.step(
                f"create_persona(name=..., system_prompt=...{replica}, dry_run=True) makes a plan. "
                "Show name, prompt, layers and findings; change the draft until there is a clear "
                "yes.",
                "Hand the draft to the person as text: nothing can be created here",
            ),
            ask.step(_APPLY, needs="create_persona"),
            ask.step(
                "Tell the new id, and how to undo it: delete_persona, which asks before deleting.",
                needs="create_persona",
            ),
        ],
    )


def review_persona(ask: Ask) -> str:
    """Write the message of the prompt of this name."""
    its = f"persona_id='{ask.given('persona_id')}'"
    return message(
        f"Review the Tavus persona {ask.given('persona_id')} and report. Change nothing yet.",
        [
            ask.step(
                f"get_persona({its}, full_prompt=True): read it whole.", "It cannot be read here"
            ),
            ask.step(f"check_persona({its}): every finding has a severity, a path and a hint."),
            ask.step(f"list_revisions({its}, limit=5): what was changed lately."),
            ask.step(
                f"measure_conversations({its}): how the turns were taken in its calls. Few calls "
                "prove little; say how many there are.",
                "Say that its calls were not looked at",
            ),
            "Report in plain words: what the persona is for; errors, then warnings, each with the "
            "call that mends it; where the prompt contradicts itself or the settings; the three "
            "changes that are worth most.",
            ask.step(
                f"For a change the person wants: its tool with dry_run=True. {_IN_SHORT}",
                _NO_CHANGE,
            ),
        ],
    )


def tune_persona(ask: Ask) -> str:
    """Write the message of the prompt of this name."""
    from tavus_mcp.tuning.complaints import heard  # here, so that a start does not pay for it

    its = f"persona_id='{ask.given('persona_id')}'"
    found = heard(ask.given("complaint")[:LONGEST_COMPLAINT], ask.catalog)
    said = quoted(ask.given("complaint"), LONGEST_COMPLAINT)
    measured = ask.step(
        f"After some new calls, measure_conversations({its}) helps to tell whether it is better.",
        "After some new calls, ask the person whether it is better",
    )
    return message(
        f"Tune a Tavus persona. The complaint, as data: {said}\n\n{_pointed(ask, found)}",
        [
            *_planning(ask, found),
            *_changing(ask),
            None if "apply_plan" in ask.missing else measured,
        ],
    )


def _pointed(ask: Ask, found: Heard) -> str:
    """Tell which goals the words point to, and what else there is to choose."""
    if found.goals:
        rest = ", ".join(goal for goal in GOALS if goal not in found.goals)
        return (
            f"The words point to {', '.join(found.goals)}. If the person meant something else, "
            f"choose among: {rest}."
        )
    if found.elsewhere:
        return (
            f"The words point to no goal of tuning. If one is meant after all: {', '.join(GOALS)}."
        )
    means = {facts.name: facts.means for facts in ask.catalog.complaints()}
    return "\n".join(
        [
            "Choose the goals that are meant; ask the person if none is clear:",
            *(f"- {goal}: {means[goal]}" for goal in GOALS),
        ]
    )


def _planning(ask: Ask, found: Heard) -> list[str | None]:
    """Return the steps to a plan: tuning, and what no goal of tuning does."""
    its = f"persona_id='{ask.given('persona_id')}'"
    others = found.elsewhere[:MOST_CALLS]
    if others and not found.goals:
        calls = (_call(its, other) for other in others)
        return [ask.step(f"Call {call}.", "Find out what to change") for call in calls]
    return [
        ask.step(
            f"Call suggest_tuning({its}, {_asked_for(found)}). It answers a plan and changes "
            "nothing; strength='gentle' or 'strong' for less or more.",
            "Find out which settings fit the goals, and change them with dry_run=True",
        ),
        *(ask.step(f"They also point to {_call('persona_id=...', other)}.") for other in others),
    ]


def _asked_for(found: Heard) -> str:
    """Return the arguments of suggest_tuning; what the words do not tell is left open."""
    goals = f"goals=[{', '.join(map(repr, found.goals)) or '...'}]"
    if "speak_languages" not in found.goals:
        return goals
    return f"{goals}, languages=[{', '.join(map(repr, found.languages)) or '...'}]"


def _call(its: str, other: OtherCall) -> str:
    given = "".join(f", {name}=..." for name in other.arguments)
    first = f"{other.first}({its}), then " if other.first else ""
    return f"{first}{other.tool}({its}{given}, dry_run=True)"


def modernize_persona(ask: Ask) -> str:
    """Write the message of the prompt of this name."""
    its = f"persona_id='{ask.given('persona_id')}'"
    return message(
        f"Bring old settings of the Tavus persona {ask.given('persona_id')} up to date; keep how "
        "it behaves.",
        [
            ask.step(f"check_persona({its}): what is deprecated, retired, legacy or unknown."),
            ask.step(
                f"suggest_tuning({its}, goals=['modernize']): a plan; it changes nothing. Answered "
                "unchanged? Then nothing is old: say so and stop.",
                "Follow the hints of the findings with dry_run=True",
            ),
            *_changing(ask),
            ask.step(
                f"check_persona({its}) again: tell what remains and cannot be converted.",
                needs="apply_plan",
            ),
        ],
    )


def compare_variants(ask: Ask) -> str:
    """Write the message of the prompt of this name."""
    first, second = ask.given("first"), ask.given("second")
    return message(
        f"Compare two Tavus personas or revisions: {first} and {second}. Change nothing yet.",
        [
            ask.step(
                f"compare_personas(first='{first}', second='{second}', measure=True): the fields "
                "that differ, and the figures of their calls.",
                "They cannot be compared here",
            ),
            ask.step("Where a value is not clear: describe_layer."),
            "Tell what each difference does in a call, the weightiest first, and which of the two "
            "suits what.",
            "Say how many calls stand behind a figure, and call a difference real only when the "
            "answer does; interruptions are inferred from overlapping speech.",
            ask.step(
                f"If one shall become like the other: {_becoming(first, second)}. {_IN_SHORT}",
                _NO_CHANGE,
            ),
        ],
    )


def _becoming(first: str, second: str) -> str:
    """Return the call that makes a persona like the other variant."""
    (one, before), (other, after) = (_parts(reference) for reference in (first, second))
    revision = before or after
    if one == other and revision:
        return f"restore_revision(persona_id='{one}', revision='{revision}', dry_run=True)"
    return "the configure_ tools or edit_prompt with dry_run=True"


def _parts(reference: str) -> tuple[str, str]:
    persona_id, _, revision = reference.partition("@")
    return persona_id, revision


def _changing(ask: Ask) -> list[str | None]:
    """Return the steps from a plan to a change that can be undone."""
    return [_SHOW, ask.step(_APPLY, _NO_APPLY), ask.step(_UNDO, needs="apply_plan")]
