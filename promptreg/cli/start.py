"""Where the commands `promptreg` and `git-promptreg` begin: help and version are answered before click is imported."""

from __future__ import annotations

import os
import sys

from promptreg import __version__
from promptreg.cli.table import help_text

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


def main() -> None:
    """Run a command and end with its exit status."""
    arguments = sys.argv[1:]
    if arguments in ([], ["-h"], ["--help"]):
        sys.stdout.write(help_text())
        return
    if arguments == ["--version"]:
        sys.stdout.write(f"promptreg {__version__} (git-promptreg)\n")
        return
    for name in _HOOK_VARIABLES:
        os.environ.pop(name, None)
    from promptreg.cli.main import run

    sys.exit(run(arguments))
