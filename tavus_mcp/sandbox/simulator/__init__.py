"""Simulated calls, generated from a persona's settings.

They exist to try out how calls are measured before and after a change of a persona. They are
inventions and say nothing about how Tavus behaves: every number is an assumption of the sandbox
(``parameters.toml``), every sentence is stock text (``sentences.toml``).

``caller`` draws a person's actions from the seed, ``replica`` derives delays and probabilities from
the settings, and ``dialogue`` combines the two. No draw depends on the settings, so the n-th call
of a seed has the same caller before and after a change.

Not simulated, because there is nothing to base an assumption on: wake and sleep phrases,
``turn_commitment``, ``active_listening``, noise cancelling, languages, documents, objectives,
guardrails and tools.
"""

from tavus_mcp.sandbox.simulator.dialogue import SimulatedCall, Turn, simulate_call

__all__ = ["SimulatedCall", "Turn", "simulate_call"]
