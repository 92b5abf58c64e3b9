"""Hypothesis strategies of JSON objects with the field names of personas."""

from __future__ import annotations

from hypothesis import strategies as st

PERSONA_NAMES = [
    "persona_id",
    "persona_name",
    "persona_type",
    "default_replica_id",
    "replica_id",
    "replica_ids",
    "replica_name",
    "replica_type",
    "replica_interruptibility",
]
NAMES = st.sampled_from([*PERSONA_NAMES, "layers", "system_prompt", "headers", "tools", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=5)
