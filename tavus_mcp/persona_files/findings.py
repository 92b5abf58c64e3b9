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
        "This key stands in the file itself, and with it in every copy and in git.",
        "Set TAVUS_SECRET_<NAME>, write api_key_ref: NAME ({secret:NAME} in a header) instead, and "
        "replace the key: it was seen.",
    ),
    "sent-again": _Remark(
        "info",
        "Tavus never shows what is stored here, so it is sent with every apply.",
        'In place of a reference, "********" leaves the stored one as it is.',
    ),
    "secret-stays": _Remark(
        "info",
        "A secret is stored here and not in the file; it stays, its absence removes none.",
        "null in the file removes it.",
    ),
    "masked-text": _Remark(
        "warning",
        "This text holds a secret, which is masked in the file.",
        "As long as the text stays as it is, apply leaves the stored one alone.",
    ),
    "set-by-tavus": _Remark(
        "info",
        "Tavus sets this field itself; what the file says of it was not sent.",
        "Leave it out of the file.",
    ),
}


def build_finding(rule: str, path: str) -> RuleFinding:
    """Return the remark of a rule, one of the keys of ``_REMARKS``, at a JSON Pointer."""
    remark = _REMARKS[rule]
    return RuleFinding(
        rule=rule, path=path, severity=remark.severity, message=remark.message, hint=remark.hint
    )
