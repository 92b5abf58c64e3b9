"""The goal ``modernize``: every conversion of legacy settings, without a change of behaviour."""

from __future__ import annotations

from collections.abc import Iterable

from tavus_mcp.checker.check import check
from tavus_mcp.deprecations import CONVERSIONS, Conversion, ConvertedOperation
from tavus_mcp.tuning.working_copy import AlreadyMet, WorkingCopy

_LEGACY_RULE_WORDS = {"legacy", "deprecated", "retired", "unknown", "spelling"}


def modernize(working_copy: WorkingCopy) -> None:
    """Apply every conversion; report the legacy settings that none converts."""
    for conversion in CONVERSIONS:
        convert(working_copy, conversion)
    _report_remaining(working_copy)
    if not working_copy.reasons and not working_copy.findings:
        working_copy.already_met.append(
            AlreadyMet(working_copy.goal, "", "all settings are current")
        )


def convert(working_copy: WorkingCopy, conversion: Conversion) -> None:
    """Apply one conversion to the document as it stands by now."""
    operations = conversion.operations(working_copy.document, working_copy.catalog)
    apply_operations(working_copy, operations)


def apply_operations(working_copy: WorkingCopy, operations: Iterable[ConvertedOperation]) -> None:
    """Apply the operations of a conversion with their reasons.

    The assumptions of a translation, and what is left to be done by hand, become findings, once
    for each translation and its words.
    """
    reported: list[tuple[str, dict[str, str]]] = []
    for operation in operations:
        translation = working_copy.catalog.translations[operation.text]
        reason = working_copy.reason_of_translation(translation, **operation.words)
        if operation.kind == "set":
            working_copy.set_value(operation.path, operation.value, reason)
        elif operation.kind == "remove":
            working_copy.remove(operation.path, reason)
        report = (operation.text, dict(operation.words))
        if operation.kind == "keep" or report not in reported:
            _report_translation(working_copy, operation)
        reported.append(report)


def _report_translation(working_copy: WorkingCopy, operation: ConvertedOperation) -> None:
    translation, words = working_copy.catalog.translations[operation.text], operation.words
    hint = (translation.hint or "").format(**words)
    for rule, template in (("assumed", translation.assumed), ("by-hand", translation.by_hand)):
        if template:
            message = template.format(**words)
            working_copy.add_finding(
                rule, operation.path, message, hint, translation.source, translation.severity
            )


def _report_remaining(working_copy: WorkingCopy) -> None:
    """Report the settings that the checker finds legacy and no finding is about yet."""
    reported = {finding.path for finding in working_copy.findings}
    paths = [
        finding.path
        for finding in check(working_copy.document, working_copy.catalog)
        if _LEGACY_RULE_WORDS & set((finding.rule or "").split("-"))
    ]
    remaining = [path for path in dict.fromkeys(paths) if path not in reported]
    apply_operations(
        working_copy, [ConvertedOperation("keep", path, "left_over") for path in remaining]
    )
