"""``python -m tavus_mcp`` and the command ``tavus-mcp``."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command. Garbage is collected only after all imports, which saves start-up time."""
    parent = os.getppid()
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from tavus_mcp.cli.main import run

    try:
        status = run(sys.argv[1:], parent=parent, on_import=_collect_garbage)
    except BrokenPipeError:  # what reads the output has ended, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)


def _collect_garbage() -> None:
    """Collect garbage from now on, without what exists already."""
    gc.enable()
    gc.freeze()


if __name__ == "__main__":
    main()
