"""What things are: pydantic models and pure functions; no I/O, no clock.

``persona`` and ``layers`` are the shared schema: tools, resources, checker and sandbox all use
them. What people write is strict (unknown fields are refused). What Tavus answers is never
validated: it is read as a ``document.Document`` that keeps every field it came with.
"""
