"""The operations on every kind of object that projects handle, by the folder of the kind."""

from __future__ import annotations

from collections.abc import Mapping

from tavus_mcp.project.kinds import KINDS, PERSONA
from tavus_mcp.project.objects import ObjectAdapter
from tavus_mcp.project.part_objects import PartObjects
from tavus_mcp.project.persona_objects import PersonaObjects

ADAPTERS: Mapping[str, ObjectAdapter] = {
    kind.folder: PersonaObjects() if kind is PERSONA else PartObjects(kind) for kind in KINDS
}
"""Each kind by its folder, in the order of creation."""
