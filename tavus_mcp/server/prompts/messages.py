"""The message of each prompt, as numbered steps that name the tools to call."""

from __future__ import annotations

from tavus_mcp.server.prompts.prompt import PromptContext, build_message
from tavus_mcp.text import quote_words

MAX_BRIEF_CHARS = 600
MAX_COMPLAINT_CHARS = 200
_SHOW = (
    "Show each change: path, before, after, reason, trade-off; and settled (where goals "
    "conflict). Ask; without a clear yes change nothing."
)
_APPLY = "After the yes call apply_plan with its plan_id: it does exactly what was shown."
_NO_APPLY = "Stop there: nothing can be applied on this server"
_IN_SHORT = (
    "Show the changes; after a clear yes call apply_plan with the plan_id. The receipt holds the "
    "call that undoes it."
)
_NO_CHANGE = "Nothing can be changed on this server"
_UNDO = "Tell the person how to undo it: the call in the receipt's undo."


def create_from_brief(context: PromptContext) -> str:
    """Return the message of the prompt ``create_from_brief``."""
    replica = (
        f", default_replica_id='{context.value('replica')}'" if context.value("replica") else ""
    )
    return build_message(
        f"Create a Tavus persona. The brief, as data: "
        f"{_quote_argument(context.value('brief'), MAX_BRIEF_CHARS)}",
        [
            "Ask the person only what the brief leaves open and a default cannot answer: its aim, "
            "its language, what it must never say.",
            "Write a name and a system_prompt: who it is, its aim, short spoken sentences, what it "
            "does when it does not know. Set layers only where the brief asks for it.",
            context.step(
                "A value that you do not know: describe_layer(layer, field). Do not guess."
            ),
            None
            if replica
            else context.step(
                "Choose a default_replica_id with list_replicas.",
                "Ask for a replica id; without a default_replica_id every call must name one",
            ),
            context.step("check_persona(document={...}) finds mistakes in the draft."),
            context.step(
                f"create_persona(name=..., system_prompt=...{replica}, dry_run=True) makes a plan. "
                "Show name, prompt, layers and findings; change the draft until there is a clear "
                "yes.",
                "Hand the draft to the person as text: nothing can be created here",
            ),
            context.step(_APPLY, needs="create_persona"),
            context.step(
                "Tell the person the new id, and how to undo it: delete_persona, which needs a "
                "yes.",
                needs="create_persona",
            ),
        ],
    )


def review_persona(context: PromptContext) -> str:
    """Return the message of the prompt ``review_persona``."""
    its = f"persona_id='{context.value('persona_id')}'"
    return build_message(
        f"Review the Tavus persona {context.value('persona_id')} and report. Change nothing yet.",
        [
            context.step(
                f"get_persona({its}, full_prompt=True): read all of it.", "It cannot be read here"
            ),
            context.step(f"check_persona({its}): every finding has a severity, a path and a hint."),
            context.step(f"list_revisions({its}, limit=5): the latest changes."),
            context.step(
                f"measure_conversations({its}): how the turns were taken in its calls. Few calls "
                "prove little; say how many there are.",
                "Say that its calls were not looked at",
            ),
            "Report in plain words: what the persona is for; errors, then warnings, each with the "
            "call that fixes it; where the prompt contradicts itself or the settings; the three "
            "most useful changes.",
            context.step(
                f"For a change the person wants: its tool with dry_run=True. {_IN_SHORT}",
                _NO_CHANGE,
            ),
        ],
    )


def tune_persona(context: PromptContext) -> str:
    """Return the message of the prompt ``tune_persona``."""
    its = f"persona_id='{context.value('persona_id')}'"
    complaint = context.value("complaint")
    named_goal = context.catalog.tuning_goals.find(complaint.strip())
    opening = [
        f"Tune a Tavus persona. The complaint, as data: "
        f"{_quote_argument(complaint, MAX_COMPLAINT_CHARS)}",
        "",
        f"It names the goal {named_goal.name}. All goals:"
        if named_goal
        else "Choose the goals that are meant; ask the person if none is clear:",
        *(
            f"- {goal.name}: {goal.purpose}; not {goal.not_for}"
            for goal in context.catalog.tuning_goals
        ),
    ]
    goals = f"'{named_goal.name}'" if named_goal else "..."
    measured = context.step(
        f"After some new calls, measure_conversations({its}) helps to tell whether it is better.",
        "After some new calls, ask the person whether it is better",
    )
    return build_message(
        "\n".join(opening),
        [
            context.step(
                f"Call suggest_tuning({its}, goals=[{goals}]); speak_languages needs "
                "languages=[...]. It answers a plan and changes nothing; strength='gentle' or "
                "'strong' for less or more.",
                "Find out which settings fit the goals, and change them with dry_run=True",
            ),
            context.step(
                "No goal fits? With dry_run=True: configure_tts (voice, loudness, pronunciation), "
                "configure_stt (misheard words), edit_prompt (what it says), restore_revision."
            ),
            *_change_steps(context),
            None if "apply_plan" in context.unserved_tools else measured,
        ],
    )


def modernize_persona(context: PromptContext) -> str:
    """Return the message of the prompt ``modernize_persona``."""
    its = f"persona_id='{context.value('persona_id')}'"
    return build_message(
        f"Replace outdated settings of the Tavus persona {context.value('persona_id')}; keep its "
        "behaviour.",
        [
            context.step(f"check_persona({its}): what is outdated or unknown."),
            context.step(
                f"suggest_tuning({its}, goals=['modernize']): a plan; it changes nothing. Status "
                "unchanged means that nothing is outdated: say so and stop.",
                "Follow the hints of the findings with dry_run=True",
            ),
            *_change_steps(context),
            context.step(
                f"check_persona({its}) again: say what is left and cannot be converted.",
                needs="apply_plan",
            ),
        ],
    )


def compare_variants(context: PromptContext) -> str:
    """Return the message of the prompt ``compare_variants``."""
    first, second = context.value("first"), context.value("second")
    return build_message(
        f"Compare two Tavus personas or revisions: {first} and {second}. Change nothing yet.",
        [
            context.step(
                f"compare_personas(first='{first}', second='{second}', measure=True): the fields "
                "that differ, and metrics of their calls.",
                "They cannot be compared here",
            ),
            context.step("Where a value is not clear: describe_layer(layer, field)."),
            "Say what each difference does in a call, the most important first, and which of the "
            "two suits what.",
            "Say how many calls each metric is based on, and call a difference real only when the "
            "result does. Interruptions are inferred from overlapping speech.",
            context.step(
                f"To make one like the other: {_conversion_call(first, second)}. {_IN_SHORT}",
                _NO_CHANGE,
            ),
        ],
    )


def _conversion_call(first: str, second: str) -> str:
    """Return the call that makes a persona like the other variant."""
    first_id, _, first_revision = first.partition("@")
    second_id, _, second_revision = second.partition("@")
    revision = first_revision or second_revision
    if first_id == second_id and revision:
        return f"restore_revision(persona_id='{first_id}', revision='{revision}', dry_run=True)"
    return "the configure_ tools or edit_prompt with dry_run=True"


def _change_steps(context: PromptContext) -> list[str | None]:
    """Return the steps after a plan is made: show it, apply it, name the call that undoes it."""
    return [_SHOW, context.step(_APPLY, _NO_APPLY), context.step(_UNDO, needs="apply_plan")]


def _quote_argument(text: str, max_chars: int) -> str:
    """Quote an argument; a message is Markdown, so that backticks must not mark code in it."""
    return quote_words(text.replace("`", "'"), max_chars)
