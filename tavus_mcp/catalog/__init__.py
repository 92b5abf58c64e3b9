"""What Tavus offers, as data: each entry says where it was read and when.

- ``data/``     the facts, one TOML file per layer or topic
- ``guides/``   short explanations for people, one Markdown file per topic
- ``catalog``   ``Catalog``: tables and lookups over the files, and ``load_catalog()``
- ``facts``     the types of the entries
- ``goals``     the types of the entries about tuning goals
- ``describe``  a layer as compact JSON, for a tool result
"""

from tavus_mcp.catalog.catalog import GUIDE_TOPICS, LAYERS, Catalog, load_catalog
from tavus_mcp.catalog.facts import (
    ChangelogEntry,
    ContextGuidance,
    EngineFacts,
    FieldFacts,
    Language,
    LayerFacts,
    ModelFacts,
    PipelineMode,
    SeedMapping,
    ShutdownReason,
    SttSupport,
    Value,
    VoiceSetting,
)
from tavus_mcp.catalog.goals import (
    Advice,
    Paragraph,
    Step,
    Translation,
    TuningGoal,
)

__all__ = [
    "GUIDE_TOPICS",
    "LAYERS",
    "Advice",
    "Catalog",
    "ChangelogEntry",
    "ContextGuidance",
    "EngineFacts",
    "FieldFacts",
    "Language",
    "LayerFacts",
    "ModelFacts",
    "Paragraph",
    "PipelineMode",
    "SeedMapping",
    "ShutdownReason",
    "Step",
    "SttSupport",
    "Translation",
    "TuningGoal",
    "Value",
    "VoiceSetting",
    "load_catalog",
]
