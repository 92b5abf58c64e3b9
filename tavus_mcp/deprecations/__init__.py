"""Legacy settings and their conversion to today's: one table for all that convert.

- ``table``         ``CONVERSIONS``, in the order in which they apply
- ``conversion``    the types of the table
- ``fields``, ``voice``, ``perception``, ``turn_taking``    the conversions, by part of the persona

The fixes of the checker's rules are made of the operations of a conversion; the goal
``modernize`` applies all conversions; a write applies those that are certain. Reasons and remarks
are translations in ``catalog/data/goals.toml``.
"""

from tavus_mcp.deprecations.conversion import (
    Conversion,
    ConvertedOperation,
    Operations,
    apply_operations,
)
from tavus_mcp.deprecations.table import CONVERSIONS

__all__ = ["CONVERSIONS", "Conversion", "ConvertedOperation", "Operations", "apply_operations"]
