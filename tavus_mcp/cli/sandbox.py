"""``tavus-mcp sandbox``: the local Tavus over HTTP, and made-up content for its state."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

import anyio

from tavus_mcp.cli.command_texts import describe_error
from tavus_mcp.cli.exit_status import status_of
from tavus_mcp.cli.output import ExitStatus, fail, report
from tavus_mcp.cli.project_arguments import is_project_use
from tavus_mcp.cli.wiring import sandbox_state_path
from tavus_mcp.errors import InvalidArgument, ToolFailure
from tavus_mcp.sandbox import http_server
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.example_agents import create_example_agents
from tavus_mcp.sandbox.simulator import store_calls
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches
from tavus_mcp.settings import Settings
from tavus_mcp.text import did_you_mean, quote_path

DEFAULT_PORT = 8710


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"default: {DEFAULT_PORT}; 0 picks a free port",
    )
    parser.add_argument("--key", help="the only key that is accepted; default: any key")
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=(
            "how to behave where the behaviour of Tavus is not known, like patches=draft; "
            "repeatable"
        ),
    )
    state = parser.add_mutually_exclusive_group()
    state.add_argument("--state", type=Path, metavar="FILE", help="file that holds the state")
    state.add_argument("--memory", action="store_true", help="keep no state")
    state.add_argument(
        "--env",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="use the state of this environment of a project",
    )
    parser.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="the folder of that project; default: this one",
    )
    content = parser.add_argument_group(
        "options that write made-up content", "into the state file; nothing is served"
    )
    content.add_argument(
        "--make-personas", action="store_true", help="create ten example personas with parts"
    )
    content.add_argument(
        "--make-calls", metavar="PERSONA_ID", help="generate calls of this persona"
    )
    content.add_argument("--calls", type=int, metavar="N", help="how many, 1 to 200; default: 20")
    content.add_argument(
        "--seed", type=int, metavar="S", help="random seed of the generated calls; default: 1"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal; with ``--make-...`` write content into the state instead."""
    try:
        state = _find_state(arguments, settings)
    except ToolFailure as error:
        return fail(describe_error(error), status_of(error))
    if arguments.make_personas:
        return _make_personas(state)
    if arguments.make_calls is not None:
        return _make_calls(arguments, state)
    if arguments.calls is not None or arguments.seed is not None:
        return fail("--calls and --seed go with --make-calls PERSONA_ID.", ExitStatus.WRONG_USAGE)
    try:
        switches = Switches(**dict(item.split("=", 1) for item in arguments.switch))
    except ValueError:
        names = (item.partition("=")[0] for item in arguments.switch)
        wrong = next((name for name in names if name not in Switches.model_fields), "")
        near = did_you_mean(wrong, Switches.model_fields) if wrong else ""
        problem = f"--switch takes one of: {_render_choices()}{near or '.'}"
        return fail(problem, ExitStatus.WRONG_USAGE)
    with closing(Store.open(state)) as store:
        sandbox = build_sandbox(store, key=arguments.key, switches=switches)
        http_server.run(sandbox, host=arguments.host, port=arguments.port)
    return 0


def _find_state(arguments: argparse.Namespace, settings: Settings) -> Path | None:
    """Return the file of the state, or None for one in memory.

    Raises ``ToolFailure`` when there is no such environment, or it is an account.
    """
    if arguments.memory:
        return None
    if not is_project_use(arguments):
        return Path(arguments.state) if arguments.state else sandbox_state_path(settings)
    from tavus_mcp.cli.project_command import environment_settings  # only where it is needed
    from tavus_mcp.project.folder import read_project
    from tavus_mcp.project.session import choose_environment

    project = read_project(arguments.project or Path())
    environment = choose_environment(project.configuration, arguments.env)
    if not environment.sandbox:
        raise InvalidArgument([f"--env: {environment.name} is an account, not a sandbox."])
    return sandbox_state_path(environment_settings(settings, project, environment))


def _make_personas(state: Path | None) -> int:
    if state is None:
        return fail(
            "--make-personas writes into a file and cannot be combined with --memory.",
            ExitStatus.WRONG_USAGE,
        )
    with closing(Store.open(state)) as store:
        counts = anyio.run(create_example_agents, store)
    personas, parts = counts.pop("persona"), sum(counts.values())
    return report(f"created: {personas} personas and {parts} parts, in {state}")


def _render_choices() -> str:
    """Return every switch with its values, as ``NAME=VALUE|VALUE``; the first is the default."""
    fields = Switches.model_json_schema()["properties"].items()
    return ", ".join(f"{name}={'|'.join(schema['enum'])}" for name, schema in fields)


def _make_calls(arguments: argparse.Namespace, state: Path | None) -> int:
    if state is None:
        return fail(
            "--make-calls writes into a file and cannot be combined with --memory.",
            ExitStatus.WRONG_USAGE,
        )
    persona_id = arguments.make_calls
    count = store_calls.DEFAULT_COUNT if arguments.calls is None else arguments.calls
    seed = store_calls.DEFAULT_SEED if arguments.seed is None else arguments.seed
    with closing(Store.open(state)) as store:
        try:
            store_calls.make_calls(store, persona_id, count=count, seed=seed)
        except store_calls.SimulationError as error:
            return fail(f"{state}: {error}.", ExitStatus.WRONG_USAGE)
    calls = "1 call" if count == 1 else f"{count} calls"
    return report(
        f"{state}: {calls} of {quote_path(persona_id)}, generated by the sandbox (seed {seed})."
    )
