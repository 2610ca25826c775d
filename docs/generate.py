"""Writes docs/commands.md and docs/templates.md from the code, and runs the sessions of all pages: `make docs`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from docs import sessions
from promptreg.cli.main import cli
from promptreg.cli.table import COMMANDS
from promptreg.core.conditions import TESTS
from promptreg.core.filters import FILTERS
from promptreg.core.functions import FUNCTIONS, LIST_METHODS, LOOP_METHODS, MAPPING_METHODS, TEXT_METHODS
from promptreg.core.limits import LIMITS
from promptreg.core.sandbox import LOOP_ATTRIBUTES
from promptreg.core.syntax import NODES

HERE = Path(__file__).parent
_MADE = "<!-- Made by `make docs` from the code. Do not edit. -->\n"


def commands_page() -> str:
    """`docs/commands.md`: the help of every command."""
    parts = [_MADE, "# Commands\n", _COMMANDS_INTRO]
    for title, group in COMMANDS.items():
        parts.append(f"## {title}\n")
        for name in group:
            with click.Context(cli, info_name="promptreg", terminal_width=100, **cli.context_settings) as above:
                command = cli.get_command(above, name)
                assert command is not None
                parts.extend(_help(command, name, above))
    return "\n".join(parts)


def _help(command: click.Command, name: str, above: click.Context) -> list[str]:
    with click.Context(command, info_name=name, parent=above) as context:
        found = [f"### {context.command_path}\n", f"```text\n{command.get_help(context)}\n```\n"]
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                nested = command.get_command(context, inner)
                assert nested is not None
                found.extend(_help(nested, inner, context))
        return found


_COMMANDS_INTRO = """\
Every command that reads takes `--format json` (short: `--json`); [json.md](json.md) has the shapes.

Exit status: **0** yes · **1** the answer is no (a rule or the gate refuses, `check` failed) · **2** the request or a
file is wrong · **3** a bug (with a report to paste) · **4** the gate cannot tell, and the environment's mode blocks
that · **130** interrupted.
"""


def templates_page() -> str:
    """`docs/templates.md`: template profile 1."""
    parts = [_MADE, (HERE / "templates.in.md").read_text(encoding="utf-8")]
    parts.append(_section("Syntax", dict.fromkeys(NODES.values()), lambda what, _: f"- {what}"))
    parts.append(_table("Filters", FILTERS))
    parts.append(_table("Tests", TESTS))
    parts.append(_table("Functions", FUNCTIONS))
    methods = {
        "texts": TEXT_METHODS,
        "mappings": MAPPING_METHODS,
        "lists": LIST_METHODS,
        "`loop`": LOOP_METHODS,
    }
    lines = [f"- {kind}: {', '.join(f'`{name}`' for name in sorted(names))}" for kind, names in methods.items()]
    lines.append(f"- attributes of `loop`: {', '.join(f'`{name}`' for name in sorted(LOOP_ATTRIBUTES))}")
    parts.append("## Methods\n\n" + "\n".join(lines) + "\n")
    rows = "\n".join(f"| `{name}` | {default:,} | {what} |" for name, (default, what) in LIMITS.items())
    parts.append(
        "## Limits\n\n`[limits]` in promptreg.toml raises them.\n\n"
        f"| limit | default | bounds |\n|---|---|---|\n{rows}\n"
    )
    return "\n".join(parts)


def _section(title: str, items: Mapping[str, Any], line: Callable[[str, Any], str]) -> str:
    return f"## {title}\n\n" + "\n".join(line(name, item) for name, item in items.items()) + "\n"


def _table(title: str, functions: Mapping[str, Callable[..., Any]]) -> str:
    names: dict[int, list[str]] = {}
    for name, function in functions.items():
        names.setdefault(id(function), []).append(name)
    known = {id(function): function for function in functions.values()}
    rows = [
        f"| {', '.join(f'`{name}`' for name in sorted(group))} | {_line(known[key])} |" for key, group in names.items()
    ]
    return f"## {title}\n\n| | |\n|---|---|\n" + "\n".join(sorted(rows)) + "\n"


def _line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").split("\n")[0].replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {"commands.md": commands_page, "templates.md": templates_page}


def main() -> None:
    """Write everything."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
        print(f"made docs/{name}")
    sessions.main()


if __name__ == "__main__":
    main()
