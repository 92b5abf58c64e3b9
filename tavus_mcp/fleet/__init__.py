"""Audits and bulk changes of the personas of a whole account.

- ``selection``        the ids of the selected personas
- ``audit``            checks each of them
- ``plan``             one plan of many changes; ``undo`` is one that takes another back
- ``plan_items``       a bulk plan as stored in the journal, and the progress of its items
- ``apply``            carries a bulk plan out, and resumes it
- ``plan_report``, ``finding_summary``  render plans and findings about many personas
"""
