"""`promptreg power`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.power import power_of
from promptreg.report.power import power_lines


@click.command("power")
@click.argument("name", metavar="NAME")
@click.option(
    "--drop",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="The drop to notice, as a share of the cases or of a score's range.  [default: each metric's max_drop]",
)
@click.option("--suite", metavar="NAME", help="This suite only.")
@format_option
def command(name: str, drop: float | None, suite: str | None, as_json: bool) -> None:
    """How large a drop a prompt's suites would notice 80 % of the time, and what they need to notice a smaller one.

    From the stored results: how often a case comes out differently in two runs of one version, else in two versions.
    """
    found = power_of(find_project().head, name, drop, suite)
    if as_json:
        output.say_json({"name": name, "metrics": [power.data() for power in found]})
    else:
        output.say_all(power_lines(name, found))
