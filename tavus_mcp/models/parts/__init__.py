"""What a persona points at: tools, objectives, guardrails, documents, dictionaries and skills.

Each kind has the model of the request that creates it; what Tavus stores is a ``PartDocument``.
"""
