"""The messages of the prompts, in steps that name the tools to call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tavus_mcp.catalog import OtherCall
from tavus_mcp.catalog.goals import GOALS
from tavus_mcp.server.prompts.prompt import PromptContext, build_message, quote_text

if TYPE_CHECKING:
    from tavus_mcp.tuning.complaints import Heard

MAX_BRIEF_CHARS, MAX_COMPLAINT_CHARS, MAX_OTHER_CALLS = 600, 200, 2
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


def create_from_brief(context: PromptContext) -> str:
    """Write the message of the prompt of this name."""
    replica = (
        f", default_replica_id='{context.value('replica')}'" if context.value("replica") else ""
    )
    return build_message(
        f"Create a Tavus persona. The brief, as data: "
        f"{quote_text(context.value('brief'), MAX_BRIEF_CHARS)}",
        [
            "Ask the person only what the brief leaves open and a default cannot answer: its aim, "
            "its language, what it must never say.",
            "Write a name and a system_prompt: who it is, its aim, short spoken sentences, what it "
            "does when it does not know. Set layers only where the brief asks for it.",
            context.step("describe_layer tells the fields and values of a layer; guess none."),
            None
            if replica
            else context.step(
                "Choose a default_replica_id with list_replicas.",
                "Ask for a replica id; without a default_replica_id every call must name one",
            ),
            context.step("check_persona(document={...}) finds the mistakes of the draft."),
            context.step(
                f"create_persona(name=..., system_prompt=...{replica}, dry_run=True) makes a plan. "
                "Show name, prompt, layers and findings; change the draft until there is a clear "
                "yes.",
                "Hand the draft to the person as text: nothing can be created here",
            ),
            context.step(_APPLY, needs="create_persona"),
            context.step(
                "Tell the new id, and how to undo it: delete_persona, which asks before deleting.",
                needs="create_persona",
            ),
        ],
    )


def review_persona(context: PromptContext) -> str:
    """Write the message of the prompt of this name."""
    its = f"persona_id='{context.value('persona_id')}'"
    return build_message(
        f"Review the Tavus persona {context.value('persona_id')} and report. Change nothing yet.",
        [
            context.step(
                f"get_persona({its}, full_prompt=True): read it whole.", "It cannot be read here"
            ),
            context.step(f"check_persona({its}): every finding has a severity, a path and a hint."),
            context.step(f"list_revisions({its}, limit=5): what was changed lately."),
            context.step(
                f"measure_conversations({its}): how the turns were taken in its calls. Few calls "
                "prove little; say how many there are.",
                "Say that its calls were not looked at",
            ),
            "Report in plain words: what the persona is for; errors, then warnings, each with the "
            "call that mends it; where the prompt contradicts itself or the settings; the three "
            "changes that are worth most.",
            context.step(
                f"For a change the person wants: its tool with dry_run=True. {_IN_SHORT}",
                _NO_CHANGE,
            ),
        ],
    )


def tune_persona(context: PromptContext) -> str:
    """Write the message of the prompt of this name."""
    from tavus_mcp.tuning.complaints import heard  # here, so that a start does not pay for it

    its = f"persona_id='{context.value('persona_id')}'"
    found = heard(context.value("complaint")[:MAX_COMPLAINT_CHARS], context.catalog)
    said = quote_text(context.value("complaint"), MAX_COMPLAINT_CHARS)
    measured = context.step(
        f"After some new calls, measure_conversations({its}) helps to tell whether it is better.",
        "After some new calls, ask the person whether it is better",
    )
    return build_message(
        f"Tune a Tavus persona. The complaint, as data: "
        f"{said}\n\n{_describe_match(context, found)}",
        [
            *_planning_steps(context, found),
            *_change_steps(context),
            None if "apply_plan" in context.unserved_tools else measured,
        ],
    )


def _describe_match(context: PromptContext, goal_match: Heard) -> str:
    """Tell which goals the words point to, and what else there is to choose."""
    if goal_match.goals:
        rest = ", ".join(goal for goal in GOALS if goal not in goal_match.goals)
        return (
            f"The words point to {', '.join(goal_match.goals)}. If the person meant something "
            f"else, "
            f"choose among: {rest}."
        )
    if goal_match.elsewhere:
        return (
            f"The words point to no goal of tuning. If one is meant after all: {', '.join(GOALS)}."
        )
    means = {facts.name: facts.means for facts in context.catalog.complaints()}
    return "\n".join(
        [
            "Choose the goals that are meant; ask the person if none is clear:",
            *(f"- {goal}: {means[goal]}" for goal in GOALS),
        ]
    )


def _planning_steps(context: PromptContext, goal_match: Heard) -> list[str | None]:
    """Return the steps to a plan: tuning, and what no goal of tuning does."""
    its = f"persona_id='{context.value('persona_id')}'"
    others = goal_match.elsewhere[:MAX_OTHER_CALLS]
    if others and not goal_match.goals:
        calls = (_render_call(its, other) for other in others)
        return [context.step(f"Call {call}.", "Find out what to change") for call in calls]
    return [
        context.step(
            f"Call suggest_tuning({its}, {_tuning_arguments(goal_match)}). It answers a plan "
            f"and changes "
            "nothing; strength='gentle' or 'strong' for less or more.",
            "Find out which settings fit the goals, and change them with dry_run=True",
        ),
        *(
            context.step(f"They also point to {_render_call('persona_id=...', other)}.")
            for other in others
        ),
    ]


def _tuning_arguments(goal_match: Heard) -> str:
    """Return the arguments of suggest_tuning; what the words do not tell is left open."""
    goals = f"goals=[{', '.join(map(repr, goal_match.goals)) or '...'}]"
    if "speak_languages" not in goal_match.goals:
        return goals
    return f"{goals}, languages=[{', '.join(map(repr, goal_match.languages)) or '...'}]"


def _render_call(persona_argument: str, other_call: OtherCall) -> str:
    given = "".join(f", {name}=..." for name in other_call.arguments)
    first = f"{other_call.first}({persona_argument}), then " if other_call.first else ""
    return f"{first}{other_call.tool}({persona_argument}{given}, dry_run=True)"


def modernize_persona(context: PromptContext) -> str:
    """Write the message of the prompt of this name."""
    its = f"persona_id='{context.value('persona_id')}'"
    return build_message(
        f"Bring old settings of the Tavus persona {context.value('persona_id')} up to date; "
        f"keep how "
        "it behaves.",
        [
            context.step(f"check_persona({its}): what is deprecated, retired, legacy or unknown."),
            context.step(
                f"suggest_tuning({its}, goals=['modernize']): a plan; it changes nothing. Answered "
                "unchanged? Then nothing is old: say so and stop.",
                "Follow the hints of the findings with dry_run=True",
            ),
            *_change_steps(context),
            context.step(
                f"check_persona({its}) again: tell what remains and cannot be converted.",
                needs="apply_plan",
            ),
        ],
    )


def compare_variants(context: PromptContext) -> str:
    """Write the message of the prompt of this name."""
    first, second = context.value("first"), context.value("second")
    return build_message(
        f"Compare two Tavus personas or revisions: {first} and {second}. Change nothing yet.",
        [
            context.step(
                f"compare_personas(first='{first}', second='{second}', measure=True): the fields "
                "that differ, and the figures of their calls.",
                "They cannot be compared here",
            ),
            context.step("Where a value is not clear: describe_layer."),
            "Tell what each difference does in a call, the weightiest first, and which of the two "
            "suits what.",
            "Say how many calls stand behind a figure, and call a difference real only when the "
            "answer does; interruptions are inferred from overlapping speech.",
            context.step(
                f"If one shall become like the other: {_conversion_call(first, second)}. "
                f"{_IN_SHORT}",
                _NO_CHANGE,
            ),
        ],
    )


def _conversion_call(first: str, second: str) -> str:
    """Return the call that makes a persona like the other variant."""
    (one, before), (other, after) = (_split_reference(reference) for reference in (first, second))
    revision = before or after
    if one == other and revision:
        return f"restore_revision(persona_id='{one}', revision='{revision}', dry_run=True)"
    return "the configure_ tools or edit_prompt with dry_run=True"


def _split_reference(reference: str) -> tuple[str, str]:
    persona_id, _, revision = reference.partition("@")
    return persona_id, revision


def _change_steps(context: PromptContext) -> list[str | None]:
    """Return the steps from a plan to a change that can be undone."""
    return [_SHOW, context.step(_APPLY, _NO_APPLY), context.step(_UNDO, needs="apply_plan")]
