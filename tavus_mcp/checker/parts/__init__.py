"""The checker of parts: tools, objectives, guardrails, documents, dictionaries and skills.

- ``check``         checks one part; the entry is ``check_part``
- ``part_rule``     declares a rule, and what rules read of a part
- ``part_findings`` makes findings of violations, with the calls that fix them
- ``part_schema``   violations of the models of parts, as findings
- ``rules/``        one module per kind; ``texts`` and ``addresses`` are about several kinds
"""
