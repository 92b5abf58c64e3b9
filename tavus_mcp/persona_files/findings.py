"""The remarks on persona files."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tavus_mcp.models.findings import RuleFinding


class _Remark(NamedTuple):
    severity: Literal["warning", "info"]
    message: str
    hint: str


_REMARKS = {
    "literal-key": _Remark(
        "warning",
        "The file contains this key, and so does every copy of it.",
        "Set TAVUS_SECRET_<NAME>, write api_key_ref: NAME ({secret:NAME} in a header) instead, and "
        "replace the key: it was seen.",
    ),
    "sent-again": _Remark(
        "info",
        "Tavus never returns this value, so it is sent with every apply.",
        'To keep the stored value, write "********" instead of the reference.',
    ),
    "secret-stays": _Remark(
        "info",
        "The persona has a secret here that the file does not mention; it is kept.",
        "To remove it, write null.",
    ),
    "masked-text": _Remark(
        "warning",
        "This text contains a secret, which is masked in the file.",
        "While the text in the file is unchanged, apply keeps the stored text.",
    ),
    "set-by-tavus": _Remark(
        "info",
        "Tavus sets this field itself; its value in the file was not sent.",
        "Remove it from the file.",
    ),
}


def build_finding(rule: str, path: str) -> RuleFinding:
    """Return the remark of a rule, one of the keys of ``_REMARKS``, at a JSON Pointer."""
    remark = _REMARKS[rule]
    return RuleFinding(
        rule=rule, path=path, severity=remark.severity, message=remark.message, hint=remark.hint
    )
