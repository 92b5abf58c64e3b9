"""What Tavus offers, as data: each entry says where it was read and when.

- ``data/``     the facts, one TOML file per layer or topic
- ``guides/``   short explanations for people, one Markdown file per topic
- ``catalog``   ``Catalog``: tables and lookups over the files, and ``load_catalog()``
- ``facts``     the types of the entries
- ``goals``     the types of the entries about tuning goals
- ``describe``  a layer as compact JSON, for a tool result
"""

from tavus_mcp.catalog.catalog import LAYERS, Catalog, load_catalog
from tavus_mcp.catalog.facts import EngineFacts, FieldFacts, Language, ModelFacts, VoiceSetting
from tavus_mcp.catalog.goals import Advice, Paragraph, Step, Translation, TuningGoal

__all__ = [
    "LAYERS",
    "Advice",
    "Catalog",
    "EngineFacts",
    "FieldFacts",
    "Language",
    "ModelFacts",
    "Paragraph",
    "Step",
    "Translation",
    "TuningGoal",
    "VoiceSetting",
    "load_catalog",
]
