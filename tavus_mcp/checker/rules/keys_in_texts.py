"""The rule about keys in texts, where reads, the model and the journal see them."""

from __future__ import annotations

from collections.abc import Iterator

from tavus_mcp.catalog import Catalog
from tavus_mcp.checker.rule import Violation, rule
from tavus_mcp.models.document import PersonaDocument
from tavus_mcp.models.json_patch import pointer_tokens
from tavus_mcp.models.masking import is_secret_path
from tavus_mcp.models.secret_shapes import has_key_shape

_ADDRESS = "/layers/llm/base_url"
"""Its query has rules of its own (``llm_url``)."""


@rule(
    "key-in-text",
    "warning",
    source="D:get-persona",
    no_fix_reason="Only a person knows whether it is a key, and it must be revoked elsewhere.",
)
def key_in_text(document: PersonaDocument, catalog: Catalog) -> Iterator[Violation]:
    """A key in a prompt or a description is read by the model and shown by every read."""
    for path, text in document.texts:
        if not has_key_shape(text) or path == _ADDRESS:
            continue
        if not is_secret_path(pointer_tokens(path)):
            yield Violation(
                path,
                "This text contains what looks like a key. The model reads it, every read shows "
                "it, and the journal stores it.",
                "If it is a key: remove it here, revoke it at its provider, and give the new one "
                "as api_key_ref, or in a header as {secret:NAME}.",
            )
