"""Calls that nobody held, made up from a persona's settings.

They are inventions for trying out how calls are measured: before a change of a persona, and after
it. They say nothing about how Tavus behaves. Every number in them is an assumption of the sandbox
(``talking.toml``), every sentence is stock (``smalltalk.toml``).

What people do is drawn from the seed (``callers``); what the settings come to in seconds and
chances is read off the persona (``manner``); ``turns`` lets the two meet. Nothing that is drawn
depends on the settings, so the n-th call of a seed has the same caller before and after a change.

Left aside, for want of anything to assume: wake and sleep phrases, ``turn_commitment``,
``active_listening``, noise cancelling, languages, documents, objectives, guardrails and tools.
"""

from tavus_mcp.sandbox.simulator.dialogue import SimulatedCall, Turn, simulate_call

__all__ = ["SimulatedCall", "Turn", "simulate_call"]
