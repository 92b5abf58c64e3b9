"""The operations on every kind of object that projects handle, by the folder of the kind."""

from __future__ import annotations

from collections.abc import Mapping

from tavus_mcp.project.objects import ObjectAdapter
from tavus_mcp.project.persona_objects import PersonaObjects

ADAPTERS: Mapping[str, ObjectAdapter] = {"personas": PersonaObjects()}
"""Each kind by its folder, in the order of creation."""
