"""Tuning: from goals to the changes that move a persona towards them, each with its reason.

``build_recommendation`` is pure: a document and goals in, a ``Recommendation`` out. What the goals
change, how far and at what cost is data of the catalog (``goals.toml``). The modules:

- ``suggest``            the tool suggest_tuning: a recommendation as a plan
- ``recommend``          carries out the steps of the goals, and reports what has no effect
- ``goal_arguments``     reads and checks the requested goals and languages
- ``working_copy``       the persona while it is changed, with the reasons of the changes
- ``steps``              changes one field towards a goal, as far as the strength says
- ``model_ratings``      exchanges a hosted model for another by the ratings of the docs
- ``step_functions``     steps that a list of values cannot express
- ``prompt_paragraphs``  short paragraphs that are added to the prompt
- ``conditions``         the conditions under which a step applies
- ``turn_taking``        keeps the turn-taking of stt when conversational_flow comes into use
- ``modernize``          the goal ``modernize``: the conversions of ``deprecations``
"""

from tavus_mcp.tuning.recommend import build_recommendation
from tavus_mcp.tuning.working_copy import AlreadyMet, Reason, Recommendation, ResolvedConflict

__all__ = ["AlreadyMet", "Reason", "Recommendation", "ResolvedConflict", "build_recommendation"]
