"""``tavus-mcp completion``: print the script that completes commands and options in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from tavus_mcp.cli import files
from tavus_mcp.cli.output import ExitStatus
from tavus_mcp.settings import Settings

_ENVIRONMENTS = r"sed -n 's/^\[environments\.\([A-Za-z0-9_-]*\).*/\1/p' tavus.toml 2>/dev/null"
"""A shell command that prints the environments of the project in the folder."""
_BASH = """\
_tavus_mcp() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word choices
    if [ "$previous" = --env ] || [ "$previous" = --against ]; then
        COMPREPLY=($(compgen -W "$(%(environments)s)" -- "$current"))
        return
    fi
    choices="%(commands)s"
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
%(cases)s
        esac
    done
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _tavus_mcp tavus-mcp
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the argument of the command."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to complete in")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the script, to be loaded by the shell's start file."""
    options = _read_options(arguments.commands)
    script = _render_fish(options) if arguments.shell == "fish" else _render_bash(options)
    if arguments.shell == "zsh":
        script = f"autoload -U +X bashcompinit && bashcompinit\n{script}"
    files.print_utf8(script)
    return ExitStatus.DONE


def _read_options(parsers: Mapping[str, argparse.ArgumentParser]) -> dict[str, list[str]]:
    """Return the long options of each command."""
    return {
        name: sorted(
            text
            for action in parser._actions  # noqa: SLF001 - argparse has no other way to ask
            for text in action.option_strings
            if text.startswith("--")
        )
        for name, parser in parsers.items()
    }


def _render_bash(options: Mapping[str, list[str]]) -> str:
    cases = [
        f'            {name}) choices="{" ".join(words)}"; break ;;'
        for name, words in options.items()
    ]
    return _BASH % {
        "environments": _ENVIRONMENTS,
        "commands": " ".join(options),
        "cases": "\n".join(cases),
    }


def _render_fish(options: Mapping[str, list[str]]) -> str:
    names = " ".join(options)
    lines = [f"complete -c tavus-mcp -n __fish_use_subcommand -f -a '{names}'"]
    for name, words in options.items():
        condition = f"__fish_seen_subcommand_from {name}"
        for word in words:
            line = f"complete -c tavus-mcp -n '{condition}' -l {word.removeprefix('--')}"
            if word in ("--env", "--against"):
                line += f' -x -a "({_ENVIRONMENTS})"'
            lines.append(line)
    return "\n".join(lines) + "\n"
