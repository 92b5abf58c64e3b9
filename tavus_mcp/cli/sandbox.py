"""``tavus-mcp sandbox``: the local Tavus over HTTP, and simulated calls for its state."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from tavus_mcp.cli.output import ExitStatus, fail, report
from tavus_mcp.cli.wiring import sandbox_state_path
from tavus_mcp.sandbox import http_server
from tavus_mcp.sandbox.app import build_sandbox
from tavus_mcp.sandbox.simulator import store_calls
from tavus_mcp.sandbox.store import Store
from tavus_mcp.sandbox.switches import Switches
from tavus_mcp.settings import Settings
from tavus_mcp.text import quote_path

DEFAULT_PORT = 8710


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}; 0 finds one"
    )
    parser.add_argument("--key", help="the only key to accept; default: any that is not empty")
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how to behave where Tavus is not known, as in patches=draft; may be repeated",
    )
    state = parser.add_mutually_exclusive_group()
    state.add_argument("--state", type=Path, metavar="FILE", help="where state is kept")
    state.add_argument("--memory", action="store_true", help="keep no state")
    calls = parser.add_argument_group("made-up calls", "written into the state; nothing is served")
    calls.add_argument("--make-calls", metavar="PERSONA_ID", help="make up calls of this persona")
    calls.add_argument("--calls", type=int, metavar="N", help="how many, 1 to 200; default: 20")
    calls.add_argument("--seed", type=int, metavar="S", help="decides who calls; default: 1")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal; with ``--make-calls`` write calls into the state instead."""
    state = None if arguments.memory else arguments.state or sandbox_state_path(settings)
    if arguments.make_calls is not None:
        return _make_calls(arguments, state)
    if arguments.calls is not None or arguments.seed is not None:
        return fail("--calls and --seed go with --make-calls PERSONA_ID.", ExitStatus.WRONG_USAGE)
    try:
        switches = Switches(**dict(item.split("=", 1) for item in arguments.switch))
    except ValueError:
        return fail(f"--switch takes one of: {_render_choices()}.", ExitStatus.WRONG_USAGE)
    with closing(Store.open(state)) as store:
        sandbox = build_sandbox(store, key=arguments.key, switches=switches)
        http_server.run(sandbox, host=arguments.host, port=arguments.port)
    return 0


def _render_choices() -> str:
    """Return every switch with its values, as ``NAME=VALUE|VALUE``; the first is the default."""
    fields = Switches.model_json_schema()["properties"].items()
    return ", ".join(f"{name}={'|'.join(schema['enum'])}" for name, schema in fields)


def _make_calls(arguments: argparse.Namespace, state: Path | None) -> int:
    if state is None:
        return fail(
            "--make-calls writes into a file, so --memory makes no sense with it.",
            ExitStatus.WRONG_USAGE,
        )
    persona_id = arguments.make_calls
    count = store_calls.DEFAULT_COUNT if arguments.calls is None else arguments.calls
    seed = store_calls.DEFAULT_SEED if arguments.seed is None else arguments.seed
    with closing(Store.open(state)) as store:
        try:
            store_calls.make_calls(store, persona_id, count=count, seed=seed)
        except store_calls.SimulationError as error:
            return fail(f"{state}: {error}.")
    calls = "1 call" if count == 1 else f"{count} calls"
    return report(
        f"{state}: {calls} of {quote_path(persona_id)}, made up by the sandbox (seed {seed})."
    )
