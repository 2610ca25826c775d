"""Options that several commands share, and the project that a command is about."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from promptreg.core.errors import PromptregError
from promptreg.project import Project, Surroundings
from promptreg.selection import Selection, selected

Function = TypeVar("Function", bound=Callable[..., Any])


#: What litellm reads when it is imported: no prices fetched over the network, no keys out of a `.env` file.
_QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}


def surroundings() -> Surroundings:
    """The working directory and the environment variables, read here at the door."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        return Surroundings(os.getcwd(), dict(os.environ))
    except FileNotFoundError:
        raise PromptregError("the working directory is gone. cd to one that is there.") from None


def find_project() -> Project:
    """The registry around the working directory."""
    return Project.find(surroundings())


def format_option(function: Function) -> Function:
    """`--format text|json`, with `--json` short for `--format json`; gives the command `as_json`."""

    def chosen(ctx: click.Context, _: click.Parameter, value: str) -> bool:
        return value == "json" or bool(ctx.meta.get("json"))

    def short(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta["json"] = value

    function = click.option(
        "--format", "as_json", type=click.Choice(["text", "json"]), default="text", callback=chosen,
        help="How to print.  [default: text]",
    )(function)  # fmt: skip
    return click.option(
        "--json", is_flag=True, expose_value=False, is_eager=True, callback=short, help="Short for --format json."
    )(function)


def selection_options(function: Function) -> Function:
    """`NAME… | 'support/*' | --all | --changed [--base REV] | --uses PARTIAL`; gives the command a `selection`."""

    def wrapper(
        *args: Any, names: tuple[str, ...], all_: bool, changed: bool, base: str | None, uses: str | None, **kwargs: Any
    ) -> Any:
        if base is not None and not changed:
            raise click.UsageError("--base goes with --changed.")
        chosen = Selection(names, all=all_, changed=changed, base=base, uses=uses)
        return function(*args, selection=chosen, **kwargs)

    wrapper.__name__ = function.__name__
    wrapper.__doc__ = function.__doc__
    wrapper.__dict__.update(function.__dict__)
    wrapped: Any = click.argument("names", metavar="[NAME]…", nargs=-1)(wrapper)
    wrapped = click.option("--uses", metavar="PARTIAL", help="The drafts that include PARTIAL.")(wrapped)
    wrapped = click.option("--base", metavar="REV", help="With --changed: compared with REV.")(wrapped)
    wrapped = click.option("--changed", is_flag=True, help="What differs from the base branch.")(wrapped)
    wrapped = click.option("--all", "all_", is_flag=True, help="Every prompt.")(wrapped)
    result: Function = wrapped
    return result


def chosen(project: Project, selection: Selection) -> list[str]:
    """The names that were selected; a usage error where nothing was said."""
    if selection.is_empty:
        raise click.UsageError("Name a prompt, a pattern in quotes ('support/*'), --all or --changed.")
    return selected(project, selection)


def in_option(required: bool = True) -> Callable[[Function], Function]:
    """`--in ENV` (`-e`): an environment to look in."""
    return click.option(
        "--in", "-e", "environment", metavar="ENV", required=required, help="The environment to look in."
    )


def to_option(function: Function) -> Function:
    """`--to ENV`: an environment to move into."""
    return click.option("--to", "environment", metavar="ENV", required=True, help="The environment to move into.")(
        function
    )


def message_of(text: str | None, what: str) -> str:
    """A message that must be given."""
    if not text or not text.strip():
        raise PromptregError(f"{what} needs a reason: -m TEXT")
    return text
