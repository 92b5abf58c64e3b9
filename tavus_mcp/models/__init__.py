"""Pydantic models and pure functions, without I/O and clock.

``persona`` and ``layers`` are the schema that tools, resources, checker and sandbox share. Input is
validated strictly: unknown fields are errors. Responses of Tavus are not validated: they become a
``document.PersonaDocument``, which has every field of the response.
"""
