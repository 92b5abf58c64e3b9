"""The command: the only place that wires a world together."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import httpx2

from tavus_mcp import __version__
from tavus_mcp.app import App
from tavus_mcp.catalog import load_catalog
from tavus_mcp.journal.journal import Journal
from tavus_mcp.logs import log_to_stderr
from tavus_mcp.models.masking import Masker
from tavus_mcp.server.server import build_server
from tavus_mcp.settings import (
    TOOLSETS,
    BadSetting,
    Settings,
    from_environment,
    parse_toolsets,
)
from tavus_mcp.tavus_api.client import TavusApi

SANDBOX_STATE_FILE_NAME = "sandbox.sqlite3"
JOURNAL_FILE_NAME = "journal.sqlite3"
SANDBOX_JOURNAL_FILE_NAME = "sandbox-journal.sqlite3"
SANDBOX_PORT = 8710


def run(arguments: Sequence[str], *, parent: int = 0) -> int:
    """Run the command and return its exit status; a server ends with the process ``parent``."""
    asked = _build_parser().parse_args(arguments)
    try:
        settings = _load_settings(asked)
    except BadSetting as error:
        return _fail(2, str(error))
    match asked.command:
        case "demo":
            return _run_demo()
        case "sandbox":
            return _run_sandbox(asked, settings)
        case "journal":
            return _run_journal(asked, settings)
        case "manifest":
            return _run_manifest(check=asked.check)
        case "export" | "apply":
            return _run_file_command(asked, settings)
    return _serve(settings, parent)


def build_app(settings: Settings) -> App:
    """Return the world that the settings ask for: Tavus, or the embedded sandbox."""
    masker = Masker([*settings.secrets.values(), *filter(None, [settings.api_key])])
    if settings.sandbox:
        api = _build_sandbox_api(settings)
    else:
        api = TavusApi(settings.base_url, settings.api_key)
    return App(api, load_catalog(), Journal(_journal_file(settings)), masker, settings.secrets)


def _build_sandbox_api(settings: Settings) -> TavusApi:
    def transport() -> httpx2.AsyncBaseTransport:
        from tavus_mcp.sandbox.transport import SandboxTransport

        return SandboxTransport(settings.data_dir / SANDBOX_STATE_FILE_NAME)

    return TavusApi("http://127.0.0.1/v2", "sandbox", transport=transport)


def _serve(settings: Settings, parent: int) -> int:
    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)
    anyio.run(build_server(app, settings).serve_stdio, parent)
    return 0


def _run_demo() -> int:
    from tavus_mcp.cli.demo import run_demo

    return anyio.run(run_demo)


def _run_sandbox(options: argparse.Namespace, settings: Settings) -> int:
    from tavus_mcp.sandbox.app import build_sandbox
    from tavus_mcp.sandbox.http_server import run as serve
    from tavus_mcp.sandbox.store import Store

    state = None if options.memory else options.state or settings.data_dir / SANDBOX_STATE_FILE_NAME
    if options.make_calls is not None:
        return _make_calls(options, state)
    if options.calls is not None or options.seed is not None:
        return _fail(2, "--calls and --seed go with --make-calls PERSONA_ID.")
    store = Store.open(state)
    try:
        serve(build_sandbox(store, key=options.key), host=options.host, port=options.port)
    finally:
        store.close()
    return 0


def _make_calls(options: argparse.Namespace, state: Path | None) -> int:
    from tavus_mcp.sandbox.simulator import store_calls
    from tavus_mcp.sandbox.store import Store

    if state is None:
        return _fail(2, "--make-calls writes into a file, so --memory makes no sense with it.")
    persona_id = options.make_calls
    count = store_calls.DEFAULT_COUNT if options.calls is None else options.calls
    seed = store_calls.DEFAULT_SEED if options.seed is None else options.seed
    with closing(Store.open(state)) as store:
        try:
            store_calls.make_calls(store, persona_id, count=count, seed=seed)
        except store_calls.SimulationError as error:
            return _fail(1, f"{state}: {error}.")
    # an id that was found is no stranger's text, so it may be repeated
    calls = "1 call" if count == 1 else f"{count} calls"
    print(f"{state}: {calls} of {persona_id}, made up by the sandbox (seed {seed}).")  # noqa: T201
    return 0


def _fail(status: int, message: str) -> int:
    print(f"tavus-mcp: {message}", file=sys.stderr)  # noqa: T201 - the command's own words
    return status


def _run_journal(options: argparse.Namespace, settings: Settings) -> int:
    from tavus_mcp.cli import journal

    return journal.run(_journal_file(settings), options.action, options.persona_id)


def _run_file_command(options: argparse.Namespace, settings: Settings) -> int:
    from tavus_mcp.cli import persona_files

    app = build_app(settings)
    log_to_stderr(app.masker, settings.log_level)
    if options.command == "export":
        return anyio.run(persona_files.export, app, options.persona, options.into)
    given = persona_files.ApplyOptions(
        options.files,
        dry_run=options.dry_run,
        read_only=settings.read_only,
        allow_unknown=options.allow_unknown,
        allow_private_url=options.allow_private_url,
    )
    return anyio.run(persona_files.apply, app, given)


def _journal_file(settings: Settings) -> Path:
    return settings.data_dir / (
        SANDBOX_JOURNAL_FILE_NAME if settings.sandbox else JOURNAL_FILE_NAME
    )


def _run_manifest(*, check: bool) -> int:
    from tavus_mcp.cli.manifest import read_surface, render

    everything = Settings(toolsets=TOOLSETS)
    server = build_server(build_app(everything), everything)
    return render(anyio.run(read_surface, server), Path.cwd(), check=check)


def _load_settings(options: argparse.Namespace) -> Settings:
    settings = from_environment(os.environ)
    if options.toolsets is not None:
        settings = replace(settings, toolsets=parse_toolsets(options.toolsets))
    return replace(
        settings,
        sandbox=settings.sandbox or options.sandbox,
        read_only=settings.read_only or options.read_only,
    )


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tavus-mcp",
        description="An MCP server for Tavus personas (unofficial). Without a command it serves "
        "on stdin and stdout, as MCP hosts launch it.",
    )
    parser.add_argument("--version", action="version", version=f"tavus-mcp {__version__}")
    parser.add_argument(
        "--sandbox", action="store_true", help="use the embedded local Tavus: no key, no network"
    )
    parser.add_argument("--read-only", action="store_true", help="serve only tools that read")
    parser.add_argument(
        "--toolsets", metavar="A,B", help=f"what is served: {', '.join(TOOLSETS)}, or all"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("demo", help="show the whole job on the sandbox, step by step")
    _add_sandbox_arguments(commands.add_parser("sandbox", help="the local Tavus over HTTP, at /v2"))
    journal = commands.add_parser("journal", help="verify or show what was done to personas")
    journal.add_argument("action", choices=("verify", "show"))
    journal.add_argument("persona_id", nargs="?", help="with show: only this persona")
    _add_file_arguments(commands)
    manifest = commands.add_parser("manifest", help="render README tables and server.json")
    manifest.add_argument("--check", action="store_true", help="fail when a file is out of date")
    return parser


def _add_file_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = commands.add_parser("export", help="print a persona as a file, without its keys")
    export.add_argument("persona", metavar="ID[@REVISION]", help="which persona, as it is or was")
    export.add_argument(
        "--into", type=Path, metavar="FILE", help="bring it into this file, whose comments stay"
    )
    apply = commands.add_parser("apply", help="make personas what files say, or create them")
    apply.add_argument("files", nargs="+", metavar="FILE", help="a persona as a file; - is stdin")
    apply.add_argument(
        "--dry-run", action="store_true", help="only show what would change; nothing is written"
    )
    apply.add_argument(
        "--allow-unknown", action="store_true", help="let fields pass that are not known here"
    )
    apply.add_argument(
        "--allow-private-url", action="store_true", help="let http or a private base_url pass"
    )


def _add_sandbox_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=SANDBOX_PORT, help=f"default: {SANDBOX_PORT}; 0 finds one"
    )
    parser.add_argument("--key", help="the only key to accept; default: any that is not empty")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--state", type=Path, metavar="FILE", help="where state is kept")
    kept.add_argument("--memory", action="store_true", help="keep no state")
    made = parser.add_argument_group("made-up calls", "written into the state; nothing is served")
    made.add_argument("--make-calls", metavar="PERSONA_ID", help="make up calls of this persona")
    made.add_argument("--calls", type=int, metavar="N", help="how many, 1 to 200; default: 20")
    made.add_argument("--seed", type=int, metavar="S", help="decides who calls; default: 1")
