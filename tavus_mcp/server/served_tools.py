"""Which tools a server serves, and texts that name no others.

Messages, hints and guides are written once, for a server with every tool. Before they leave a
server that lacks a tool, ``UnservedTools`` replaces what they say about it: a call of a fix by its
effect, a name by what the tool is for, both with the reason. Documents and names that other people
wrote are never changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from tavus_mcp.errors import ToolFailure
from tavus_mcp.journal.entry import split_journal_id
from tavus_mcp.models.base import JsonObject, map_texts
from tavus_mcp.models.findings import Finding, RuleFinding, info
from tavus_mcp.models.receipt import Undo
from tavus_mcp.server.surface import load_surface, select_tools

_TEXT_MEMBERS = frozenset(
    {"findings", "groups", "layer", "message", "next", "note", "notes", "settled", "stopped"}
)
"""The members of results that hold our own texts."""
_ROW_TEXTS = {"personas": "error", "skipped": "reason"}
"""Members whose rows hold one text of ours, beside names that other people wrote."""

_SENTENCE_START = re.compile(r"(?:[.?!]\s+|\n\n|\n *- )\Z")
_MAX_BLANK_CHARS = 20


class UnservedTool(ToolFailure):
    """A tool was called that is not served; the text names it."""


class UnservedTools:
    """The tools that a server does not serve, each with the reason.

    ``entries`` describes all tools there are, by default as they are rendered.
    """

    def __init__(
        self,
        served: Iterable[str],
        *,
        read_only: bool,
        is_sandbox: bool = False,
        entries: Mapping[str, JsonObject] | None = None,
    ) -> None:
        names = frozenset(served)
        entries = load_surface()["tools"] if entries is None else entries
        self._command_options = " --sandbox" if is_sandbox else ""
        self.reasons: Mapping[str, str] = {
            name: _find_reason(entry, read_only=read_only)
            for name, entry in entries.items()
            if name not in names
        }
        self._phrases = {
            name: f'the tool "{entries[name]["listed"]["title"]}"{_as_clause(reason)}'
            for name, reason in self.reasons.items()
        }
        longest_first = sorted(self.reasons, key=len, reverse=True)
        choice = "|".join(longest_first)
        remarks = "|".join([*map(re.escape, {*self.reasons.values()}), r"toolset \w+"])
        # with the arguments and the marks of a call, which could not be made, and a reason after it
        pattern = re.compile(rf"(`)?\b({choice})\b(?:\([^()]*\))?(?(1)`)(?: \((?:{remarks})\))?")
        self._pattern = pattern if self.reasons else None

    def adapt_text(self, text: str) -> str:
        """Return one of our texts with each unserved tool named by what it is for."""
        if self._pattern is None:
            return text
        return self._state_once(self._pattern.sub(self._describe, text))

    def _describe(self, match: re.Match[str]) -> str:
        """Return the phrase for an unserved tool, with a capital at the start of a sentence."""
        phrase = self._phrases[match[2]]
        before = match.string[max(0, match.start() - _MAX_BLANK_CHARS) : match.start()]
        is_start = match.start() == 0 or _SENTENCE_START.search(before)
        return phrase[0].upper() + phrase[1:] if is_start else phrase

    def _state_once(self, text: str) -> str:
        """Return a text that gives each reason why a tool is not served at its first place only."""
        for reason in set(self.reasons.values()):
            remark = re.compile(f"{re.escape(_as_clause(reason))}| {re.escape(f'({reason})')}")
            if first := remark.search(text):
                text = text[: first.end()] + remark.sub("", text[first.end() :])
        return text

    def adapt_calls(self, result: BaseModel) -> BaseModel:
        """Return a result without calls that are not served, in findings or as its undo.

        An undo is replaced by a finding that names the command which does the same.
        """
        if not self.reasons:
            return result
        update: dict[str, Any] = {}
        if findings := getattr(result, "findings", None):
            update["findings"] = [self._adapt_finding(finding) for finding in findings]
        undo = getattr(result, "undo", None)
        if isinstance(undo, Undo) and undo.tool in self.reasons:
            remark = _describe_undo(undo, self.reasons[undo.tool], self._command_options)
            update |= {"undo": None, "findings": [*update.get("findings", ()), remark]}
        return result.model_copy(update=update) if update else result

    def adapt_members(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the members of a result with our texts adapted."""
        if not self.reasons:
            return facts
        return {name: self._adapt_member(name, value) for name, value in facts.items()}

    def _adapt_member(self, name: str, value: Any) -> Any:
        if name in _TEXT_MEMBERS:
            return self.adapt_value(value)
        return adapt_row_texts(name, value, self.adapt_text)

    def adapt_value(self, value: Any) -> Any:
        """Return a JSON value that we wrote with its texts adapted."""
        return map_texts(value, self.adapt_text)

    def select_lines(self, text: str) -> str:
        """Return a text without the lines that name a tool which is not served."""
        if self._pattern is None:
            return text
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if not self._pattern.search(line))

    def _adapt_finding(self, finding: Finding) -> Finding:
        if not isinstance(finding, RuleFinding):
            return finding
        unserved = [call for call in finding.fix or () if call.tool in self.reasons]
        return finding.model_copy(
            update={
                "hint": finding.render_hint(self.reasons),
                "fix": None if unserved else finding.fix,
            }
        )


def adapt_row_texts(name: str, value: Any, adapt: Callable[[str], str]) -> Any:
    """Return a member of a result with our texts in its rows adapted, if it has some."""
    text_name = _ROW_TEXTS.get(name)
    if text_name is None or not isinstance(value, list):
        return value
    return [
        {**row, text_name: adapt(row[text_name])} if row.get(text_name) else row for row in value
    ]


def unserved_tools(
    toolsets: tuple[str, ...], *, read_only: bool, entries: Mapping[str, JsonObject] | None = None
) -> UnservedTools:
    """Return what a server with these toolsets does not serve, of the rendered tools or others."""
    entries = load_surface()["tools"] if entries is None else entries
    served = select_tools(entries, toolsets, read_only=read_only)
    return UnservedTools(served, read_only=read_only, entries=entries)


def _describe_undo(undo: Undo, reason: str, options: str) -> Finding:
    """Return the finding about an undo whose tool is not served: which command does the same.

    No command undoes a change of a part.
    ``options`` are those with which the command works on the account of the server.
    """
    arguments = undo.arguments
    persona = arguments.get("persona_id", "")
    message = f"The undo of this change is not served ({reason}). "
    if "kind" in arguments or split_journal_id(persona)[0] != "persona":  # no command takes a part
        restart = "After a start with that toolset the change is found in the history of the part."
        return info("undo-not-served", message + restart)
    if plan_id := arguments.get("undo_of"):
        command = f"undo {plan_id}"
    elif revision := arguments.get("after_revision"):
        command = f"undo {persona}@{revision}"
    elif revision := arguments.get("revision"):
        command = f"restore {persona}@{revision}"
    else:
        command = f"delete {persona}"
    return info("undo-not-served", f"{message}A person can run: tavus-mcp {command}{options}")


def _find_reason(entry: JsonObject, *, read_only: bool) -> str:
    if read_only and not entry["listed"]["annotations"]["readOnlyHint"]:
        return "this server is read-only"
    return f"toolset {entry['toolset']} is off"


def _as_clause(reason: str) -> str:
    """Return a reason as words after the name of a tool, without marks that could be nested."""
    toolset = reason.removeprefix("toolset ").removesuffix(" is off")
    is_off = toolset != reason
    return (
        f" of the switched-off toolset {toolset}" if is_off else " that this read-only server lacks"
    )
