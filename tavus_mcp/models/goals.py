"""What a persona can be tuned towards, in the words that people use."""

from __future__ import annotations

from typing import Literal, get_args

Goal = Literal[
    "respond_faster",
    "be_more_patient",
    "interrupt_less",
    "be_easier_to_interrupt",
    "sound_more_expressive",
    "sound_calmer",
    "be_more_grounded",
    "be_smarter",
    "ignore_background_noise",
    "re_engage_when_silent",
    "speak_languages",
    "see_the_user",
    "respect_privacy",
    "cost_less",
    "modernize",
]
"""A goal of tuning; ``modernize`` says the same in today's words."""

Strength = Literal["gentle", "normal", "strong"]
"""``gentle`` moves each setting one step; ``strong`` goes to the end and takes what it costs."""

GOALS: tuple[str, ...] = get_args(Goal)
"""Every goal, in the order it is offered."""
