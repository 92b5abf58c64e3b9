"""Findings and errors for people at a terminal, who have commands and no tools.

Messages are written once, for an assistant that calls tools. ``adapt_text`` turns one into what a
person can do: sentences with an equivalent get it (``PHRASES``), a tool with a command is named by
that command (``_COMMANDS``), and a clause that names what only an assistant has is left out. What
is quoted in a message was written by others and stays as it is, and so do paths.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from tavus_mcp.errors import CheckRefused
from tavus_mcp.models.base import JsonObject
from tavus_mcp.models.findings import Finding, RuleFinding
from tavus_mcp.project.problems import Problem
from tavus_mcp.server.surface import load_surface

_COMMANDS: Mapping[str, str] = {
    "apply_file": "tavus-mcp apply",
    "apply_project": "tavus-mcp apply",
    "check_persona": "tavus-mcp check",
    "delete_persona": "tavus-mcp delete",
    "export_persona": "tavus-mcp export",
    "get_persona": "tavus-mcp export",
    "list_personas": "tavus-mcp list",
    "list_revisions": "tavus-mcp journal show",
    "plan_project": "tavus-mcp plan",
    "restore_revision": "tavus-mcp restore",
    "show_project": "tavus-mcp status",
}
"""The command that does what a tool does, or what the journal names as a tool."""
PHRASES: Sequence[tuple[str, str]] = (
    (r"^No Tavus key: set TAVUS_API_KEY.*", "No Tavus key. Set TAVUS_API_KEY, or add --sandbox."),
    (
        r"TAVUS_MCP_PROTECTED=1 is set for this server",
        "Writes are protected (TAVUS_MCP_PROTECTED=1, or protected = true in tavus.toml)",
    ),
    (r" (?:for|of) this server(?=:| is)", ""),
    (r"(?:this|the) server's", "the"),
    (r"\bthe environment of the server", "the environment"),
    (r"\bthe server that made the plan", "the process that made the plan"),
    (r"\bthrough this server", "through tavus-mcp"),
    (r"\bwhile this server ran", "while it was in use"),
    (r"Use a server that has the key", "Use the key"),
    (r" and restarts? the server", ""),
    (r"\b(?:then )?restart (?:the|this) server", "run the command again"),
    (r"\b(?:Then r|R)estart the server", "Run the command again"),
    (r"the person who runs the server can say so with the command", "say so with"),
    (r"Another call", "Another process"),
    (r"Wait for its answer", "Wait until it ends"),
    (r"\bCall again\b", "Try again"),
    (r"Call (?=list_personas)", "Run "),
    (r"(?:the )?call again with if_revision=\S+ or without it", "run the command again"),
    (r"\bcall again\b(?! with)", "run the command again"),
    (r"until then the call fails", "until then the request fails"),
    (r"the change that this call undoes", "the change to undo"),
    (r"\bin (?:this|one) call\b", "in this command"),
    (r"\bfor one call\b", "of one command"),
    (r"\bwhich this call uses\b", "which is used here"),
    (r"Its receipt holds the call", "Its receipt names the command"),
    (r"The call contains this key itself, so the model has seen it", "The key is written here"),
    (r"the fields? in only\b", "the fields of --only"),
    (
        r"To keep these edits, undo the other fields alone: restore_revision\([^()]*\)",
        "To keep these edits, restore the other fields alone: tavus-mcp restore with --only",
    ),
    (
        r"To overwrite them, after the person agreed: restore_revision\([^()]*\)",
        "To overwrite them, name each with --overwrite",
    ),
    (
        r"restore_revision with after_revision and overwrite",
        "tavus-mcp undo ID@REVISION with --overwrite",
    ),
    (
        r"apply_plan reads them once more and then writes",
        "After a yes they are read once more and then written",
    ),
    (r"\ballow_private_url=true", "--allow-private-url"),
    (r"(?<=\.) Read it with get_persona\.$", ""),
    (r"a list_\* tool shows them", "tavus-mcp list shows them"),
    (r"give it again with configure_llm", "give it again"),
    (
        r"Make a copy that you can change: create_persona"
        r"(?:\([^()]*\)| with based_on and a name)",
        "Make a copy that you can change: tavus-mcp export prints its file, and tavus-mcp apply "
        "creates one from that file without the id",
    ),
    (r"Publish it with apply_plan\([^()]*\) of the server, or", "Publish it"),
    (
        r"The plan publishes the whole draft, with",
        "To make it live, publish it in the Tavus dashboard: the whole draft, with",
    ),
)
"""What is said to an assistant, as a regular expression, and what is said to a person."""
_TOOL_ARGUMENTS = (
    r"\b(?:plan_id|dry_run|if_revision|after_revision|next_cursor|undo_of|based_on|full_prompt)\b"
)
_ADVICE_TO_ASSISTANTS = (
    r"(?i:\bshow (?:this|it|the names|these plans) to the person)|\bthe person (?:agreed|asked)"
    r"|(?i:\bthe person who runs (?:it|the server))|\b(?:list|configure)_\*"
    r"|\btoo long to show a call"
)
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")(?!\w)""")
_PATH = re.compile(
    r"(?<![\w./~-])(?:/?[\w.~-]+/[\w.~/-]*|[\w.-]+\.(?:json|md|toml|txt|ya?ml)\b)(?<!\.)"
)
_PROTECTED = re.compile("\x00(\\d+)\x00")
_CALL_OF_REVISIONS = re.compile(
    r"(?:list_revisions\(persona_id=|restore_revision\(persona_id=(?=.*revision))\x00(\d+)\x00"
    r"(?:, revision=\x00(\d+)\x00)?\)"
)
"""A call that a command does with the same id and revision; strings in it are protected."""
_OPTION = re.compile(r"(?<!\S)/(only|overwrite): ")
_ARGUMENT = re.compile(r"/(?:undo_of|after_revision|if_revision): (\w)")
_EDITOR = re.compile(r"\bby (\w+)(?= at )")
_ACCOUNT_COMMAND = re.compile(
    r"\btavus-mcp (?:list\b|journal show\b(?: [\w/-]*\d[\w/-]*)?|restore [\w/-]+@\w+|"
    r"export \S+ --into (?:'[^']*'|[^\s']*[^\s.]))"
)
_CLAUSE_ENDS = re.compile(r"(?<=[.!?;])[ ]+|(?=, or )")


def adapt_text(text: str) -> str:
    """Return one of our texts for a person; one that is for assistants alone stays, marked."""
    return _adapt(text) or _tool_pattern().sub(lambda match: f"{match[0]} (in an assistant)", text)


def describe_finding(finding: Finding) -> JsonObject:
    """Return a finding as it is printed; of the calls that fix it, their effect."""
    hint = finding.hint
    if isinstance(finding, RuleFinding):
        hint = finding.render_hint(_unnamed_tools())
    return {
        "severity": finding.severity,
        "path": finding.path,
        "message": adapt_text(finding.message),
        "hint": (hint and _adapt(hint)) or None,
    }


def describe_problem(problem: Problem) -> Problem:
    """Return a mistake in a file as it is printed."""
    return replace(problem, message=adapt_text(problem.message))


def describe_error(error: Exception) -> str:
    """Return the text of an error as it is printed."""
    if isinstance(error, CheckRefused):
        return adapt_text(error.render(_unnamed_tools()))
    return adapt_text(str(error))


def complete_commands(text: str, options: Sequence[str], file_name: str = "FILE") -> str:
    """Return a text that advises commands on the account with the options that name it.

    ``file_name`` is that of the file that the command worked on.
    """
    text = text.replace("--into FILE", f"--into {shlex.quote(file_name)}")
    suffix = "".join(f" {option}" for option in options)
    return _ACCOUNT_COMMAND.sub(lambda match: match[0] + suffix, text)


def _adapt(text: str) -> str:
    """Return a text for a person, empty if it is for assistants alone."""
    protected: list[str] = []

    def protect(part: str) -> str:
        protected.append(part)
        return f"\x00{len(protected) - 1}\x00"

    adapted = text.replace("\x00", "")
    for pattern in (_QUOTED, _PATH):
        adapted = pattern.sub(lambda match: protect(match[0]), adapted)
    adapted = _EDITOR.sub(lambda match: protect(f"by {_name_editor(match[1])}"), adapted)
    adapted = _OPTION.sub(r"--\1: ", adapted)
    adapted = _ARGUMENT.sub(lambda match: match[1].upper(), adapted)
    for pattern, replacement in _compiled_phrases():
        adapted = pattern.sub(replacement, adapted)
    adapted = "\n".join(map(_leave_out_clauses, adapted.split("\n"))).strip("\n")
    adapted = _tool_pattern().sub(lambda match: _name_command(match, protected), adapted)
    return _PROTECTED.sub(lambda match: protected[int(match[1])], adapted)


def _name_command(match: re.Match[str], protected: Sequence[str]) -> str:
    """Return the command for a tool; for a call with an id, or an id and a revision, with them."""
    command = _COMMANDS[match[1]]
    if call := _CALL_OF_REVISIONS.fullmatch(match[0]):
        numbers = map(int, filter(None, call.groups()))
        reference = "@".join(protected[number].strip("\"'") for number in numbers)
        return f"{command} {reference}"
    return command


def _leave_out_clauses(line: str) -> str:
    """Return a line without the clauses that only an assistant can follow."""
    if not _assistant_pattern().search(line):
        return line
    sentences, sentence, has_gap = [], "", False
    for clause in _CLAUSE_ENDS.split(line):
        if _assistant_pattern().search(clause):
            has_gap = True
        elif sentence:
            sentence += clause if clause.startswith(",") else f" {clause}"
        else:
            sentence = _as_beginning(clause) if has_gap else clause
        if clause.endswith((".", "!", "?")):
            sentences.append(_as_end(sentence) if has_gap else sentence)
            sentence, has_gap = "", False
    return " ".join(filter(None, [*sentences, sentence]))


def _as_beginning(clause: str) -> str:
    """Return a clause as the beginning of a sentence, of which the one before was left out."""
    clause = clause.removeprefix(", ").removeprefix("or ")
    return clause[:1].upper() + clause[1:]


def _as_end(text: str) -> str:
    """Return a sentence whose last clause may be left out, with a full stop."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text.removesuffix(';')}."


def _name_editor(tool: str) -> str:
    """Return what changed something, by its name in the journal."""
    if tool == "restore_revision":  # what the journal has for both
        return "tavus-mcp undo or restore"
    return _COMMANDS.get(tool) or f"the tool {tool}"


@cache
def _compiled_phrases() -> Sequence[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern), replacement) for pattern, replacement in PHRASES]


@cache
def _unnamed_tools() -> Mapping[str, str]:
    """Return every tool, without a reason, so that hints give the effect of its calls alone."""
    return dict.fromkeys(load_surface()["tools"], "")


@cache
def _assistant_pattern() -> re.Pattern[str]:
    """Return what finds a tool without a command, an argument of a tool, or advice on both."""
    tools = "|".join(sorted(load_surface()["tools"].keys() - _COMMANDS.keys(), reverse=True))
    return re.compile(rf"\b(?:{tools})\b|{_TOOL_ARGUMENTS}|{_ADVICE_TO_ASSISTANTS}")


@cache
def _tool_pattern() -> re.Pattern[str]:
    names = sorted({*load_surface()["tools"], *_COMMANDS}, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(names)})\b(?:\([^()]*\))?")
