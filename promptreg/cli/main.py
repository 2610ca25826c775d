"""The command line: finds the command, and turns every error into a sentence and an exit status.

0  yes   1  the answer is no   2  the request or a file is wrong   3  a bug   4  the gate cannot tell   130  ^C
"""

from __future__ import annotations

import gc
import importlib
import os
from typing import Any

import click

from promptreg import __version__
from promptreg.cli import output
from promptreg.cli.table import INTERRUPTED, all_commands, help_text

_LOOKING = "--in looks into an environment, --to moves into one."
_MISTAKES = {
    ("rollback", "--to"): "--to takes no environment here. Did you mean: promptreg rollback {first} --in {value}?",
    ("promote", "--in"): f"{_LOOKING} Did you mean: promptreg promote {{first}} --to {{value}}?",
    ("ship", "--in"): f"{_LOOKING} Did you mean: promptreg ship {{first}} --to {{value}}?",
}


class Commands(click.Group):
    """The commands of cli/table.py, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the table."""
        return list(all_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        if cmd_name not in all_commands():
            return None
        module = importlib.import_module(f"promptreg.cli.commands.{cmd_name}")
        command: click.Command = module.command
        gc.freeze()  # what was imported stays, and need not be looked through for garbage
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed, or a usage error with a near match."""
        name = args[0]
        if name not in all_commands():
            from promptreg.core.errors import near

            ctx.fail(f"There is no command {name}.{near(name, all_commands())} promptreg --help lists them.")
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """The commands by what they are for."""
        return help_text().rstrip("\n")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-C", "directory", metavar="DIR", multiple=True, help="Run as if started in DIR.")
@click.version_option(__version__, "--version", message="promptreg %(version)s (git-promptreg)")
def cli(directory: tuple[str, ...]) -> None:
    """Prompts as versioned files in your git repository."""
    for folder in directory:
        try:
            os.chdir(folder)
        except OSError as problem:
            raise click.UsageError(f"-C {folder}: {problem.strerror}.") from None


def run(arguments: list[str]) -> int:
    """Run a command; its exit status. Everything that can go wrong becomes a sentence on stderr."""
    try:
        status: Any = cli.main(arguments, prog_name="promptreg", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        output.note("promptreg: interrupted. What was said to be done is done; nothing is half-written.")
        return INTERRUPTED
    except click.ClickException as problem:
        return _usage(problem, arguments)
    except Exception as problem:  # noqa: BLE001 - the boundary: known trouble is told, a bug is reported
        return _trouble(problem, arguments)


def _usage(problem: click.ClickException, arguments: list[str]) -> int:
    if isinstance(problem, click.exceptions.NoArgsIsHelpError):
        problem.show()
        return 2
    message = problem.format_message()
    if isinstance(problem, click.NoSuchOption):
        words = [word for word in arguments if not word.startswith("-")]
        mistake = _MISTAKES.get((words[0] if words else "", problem.option_name))
        if mistake:
            at = arguments.index(problem.option_name)
            value = arguments[at + 1] if at + 1 < len(arguments) else "ENV"
            message = mistake.format(first=words[1] if len(words) > 1 and words[1] != value else "NAME", value=value)
    context = getattr(problem, "ctx", None)
    hint = f" {context.command_path} --help shows how." if context and context.parent else ""
    click.echo(f"promptreg: {message}{hint}", err=True)
    return 2


def _trouble(problem: Exception, arguments: list[str]) -> int:
    from promptreg.core.errors import PromptregError, Refused

    if isinstance(problem, PromptregError):
        output.note(f"promptreg: {problem}")
        return 1 if isinstance(problem, Refused) else 2
    return _bug(problem, arguments)


def _bug(problem: Exception, arguments: list[str]) -> int:
    import platform
    import traceback

    from promptreg.evals.providers.refusals import without_secrets

    command = next((word for word in arguments if word in all_commands()), "")
    click.echo("promptreg: this is a bug in promptreg. Nothing half-written is left. Please report:\n", err=True)
    click.echo("```", err=True)
    click.echo(
        f"promptreg {__version__} {command}, Python {platform.python_version()}, {platform.platform()}", err=True
    )
    click.echo(without_secrets("".join(traceback.format_exception(problem)), os.environ), err=True, nl=False)
    click.echo("```", err=True)
    return 3
