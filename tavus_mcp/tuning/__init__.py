"""From goals to changes: what would move a persona towards what people want of it, and why.

``propose`` is pure: a document and goals in, a ``Proposal`` out. What the goals move, how far and
at what cost stands in the catalog (``goals.toml``); here is only what needs thought:

- ``asking``      reads goals and languages, and refuses what makes no sense
- ``draft``       the persona as it is to be, with the reason of every place that differs
- ``ladders``     moves one place towards a goal, as far as the strength says
- ``rated``       exchanges one hosted model for another, by the docs' ratings
- ``modes``       what a mode bypasses, and what that means for a goal
- ``conditions``  when a step applies
- ``thoughts``    steps that no ladder can say
- ``paragraphs``  short texts that are added to a prompt
- ``turn_taking`` carries turn-taking over when conversational_flow comes into use
- ``modernize``   the goal ``modernize``: the conversions of ``deprecations``
"""

from tavus_mcp.tuning.recommend import propose
from tavus_mcp.tuning.working_copy import AlreadyMet, Proposal, Reason, ResolvedConflict

__all__ = ["AlreadyMet", "Proposal", "Reason", "ResolvedConflict", "propose"]
