"""What Tavus offers, as data: each entry says where it was read and when.

- ``data/``        the facts, one TOML file per layer or topic
- ``guides/``      short explanations for people, one Markdown file per topic
- ``facts``        the types the facts come in
- ``recipes``      the types that goals of tuning come in
- ``files``        reads one file when it is first needed
- ``load``         ``Catalog``: every question one may ask, and ``load_catalog()``
- ``describe``     a layer as compact JSON, for a tool result
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
    Note,
    PipelineMode,
    SeedMapping,
    ShutdownReason,
    SttSupport,
    Value,
    VoiceSetting,
)
from tavus_mcp.catalog.goals import (
    Advice,
    GoalPhrases,
    OtherCall,
    Paragraph,
    Step,
    Translation,
    TuningGoal,
    WordClass,
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
    "GoalPhrases",
    "Language",
    "LayerFacts",
    "ModelFacts",
    "Note",
    "OtherCall",
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
    "WordClass",
    "load_catalog",
]
