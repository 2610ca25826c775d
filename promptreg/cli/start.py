"""Where the commands `promptreg` and `git-promptreg` begin: help and version are answered before click is imported."""

from __future__ import annotations

import gc
import io
import os
import sys

from promptreg import __version__
from promptreg.cli.table import INTERRUPTED, help_text

#: What git sets for its hooks; inherited, it would point git at another repository or index.
_HOOK_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_NAMESPACE",
)
#: How much is made before garbage is looked for. A command reads much and ends soon: as often as usual takes a fifth of
#: the time in which two large results are compared. More would cost runs over the SDK memory.
_MADE = 10_000


def main() -> None:
    """Run a command and end with its exit status."""
    arguments = sys.argv[1:]
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a legacy encoding (cp932, …) has not every dash; a command that has done its work must not fail there
        sys.stdout.reconfigure(errors="replace")
    if arguments in ([], ["-h"], ["--help"]):
        sys.stdout.write(help_text())
        return
    if arguments == ["--version"]:
        sys.stdout.write(f"promptreg {__version__} (git-promptreg)\n")
        return
    for name in _HOOK_VARIABLES:
        os.environ.pop(name, None)
    gc.set_threshold(_MADE)
    from promptreg.cli.main import run

    status = run(arguments)
    if status == INTERRUPTED:
        # without waiting for calls that are still being answered; all writing is done by this thread
        sys.stdout.flush()
        os._exit(status)
    sys.exit(status)
