"""The commands, by what they are for: name, what it does in a line. `promptreg.cli.commands.NAME` holds each.

Help is printed from this table, so that no command is imported to be listed.
"""

from __future__ import annotations

#: The exit status after ^C.
INTERRUPTED = 130

COMMANDS: dict[str, dict[str, str]] = {
    "Begin": {
        "init": "make a registry in this repository",
        "new": "write a draft, or a suite for one",
        "draft": "make an old version the draft again",
        "doctor": "say which git, which registry, and what is in the way",
    },
    "Look": {
        "list": "the prompts, their versions and what environments run",
        "show": "one version, all that it says",
        "status": "what is ahead, behind or not evaluated",
        "render": "fill in the inputs and print the messages",
        "run": "fill in the inputs, ask the provider once and show the answer",
        "diff": "what changed between two versions",
        "lint": "what looks wrong in drafts",
        "impact": "who includes a prompt, and where it runs",
        "history": "who released and promoted what, when",
    },
    "Release": {
        "release": "freeze drafts into versions",
        "upgrade": "write a newer version of a partial into drafts",
        "yank": "withdraw a version from promotion",
    },
    "Evaluate": {
        "eval": "run suites and store the results",
        "compare": "two stored results and a verdict",
        "results": "list and show stored results",
        "power": "how large a drop a suite would notice, and what it needs",
        "case": "list, add, import and export cases",
    },
    "Promote": {
        "ship": "release, evaluate and promote in one go",
        "promote": "move an environment to another version, through the gate",
        "rollback": "move an environment back",
        "unpin": "take a prompt out of an environment",
        "check": "everything that CI must enforce",
    },
}


_USAGE = """\
Usage: promptreg [-C DIR] COMMAND [ARGUMENTS]

  Prompts as versioned files in your git repository.

  A spec is NAME[@SELECTOR]: support/answer, support/answer@1.2.0, @^1.2,
  @production, @latest, @draft, @git:REV. Without a selector it is the draft.

Options:
  -C DIR      Run as if started in DIR.
  --version   Show the version and exit.
  -h, --help  Show this message and exit. promptreg COMMAND --help for a command.
"""


def help_text() -> str:
    """What `promptreg --help` prints."""
    widest = max(map(len, all_commands()))
    groups = (
        f"\n{title}:\n" + "".join(f"  {name:<{widest}}  {line}\n" for name, line in group.items())
        for title, group in COMMANDS.items()
    )
    return _USAGE + "".join(groups)


def all_commands() -> dict[str, str]:
    """Every command with its line."""
    return {name: line for group in COMMANDS.values() for name, line in group.items()}
