"""`promptreg release`."""

from __future__ import annotations

import click

from promptreg.cli import output
from promptreg.cli.options import chosen, find_project, format_option, selection_options
from promptreg.listing import about
from promptreg.project import Project
from promptreg.release import Wish, nothing_to_release, plan, release
from promptreg.report.moves import release_lines
from promptreg.selection import Selection


@click.command("release")
@selection_options
@click.option(
    "--bump",
    type=click.Choice(["auto", "patch", "minor", "major"]),
    default="auto",
    help="By default what the changes ask for.",
)
@click.option("--version", "version", metavar="V", help="This version exactly.")
@click.option("-m", "--message", metavar="TEXT", help="What changed, for the line in versions.sum.")
@click.option("--amend", is_flag=True, help="Replace the newest version, which base must not have.")
@click.option("--tag", is_flag=True, help="Write git tags for committed versions; nothing ever reads them.")
@click.option("--dry-run", is_flag=True, help="Say what would be released, and write nothing.")
@format_option
def command(
    selection: Selection,
    bump: str,
    version: str | None,
    message: str | None,
    amend: bool,
    tag: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Freeze drafts into versions, dependencies first, all or nothing."""
    project = find_project()
    names = chosen(project, selection)
    if version is not None and len(names) != 1:
        raise click.UsageError("--version is for one prompt.")
    if not as_json:
        output.say_all(
            about(project.head, name, "draft") for name in names if project.head.catalog.draft(name) is not None
        )
    wish = Wish(bump, version, message, frozenset(names) if amend else frozenset())
    planned = plan(project, names, wish) if dry_run else release(project, names, wish)
    if not planned and not tag and not (selection.all or selection.changed):
        raise nothing_to_release(project, names)
    tags = _tag(project, names) if tag and not dry_run else []
    if as_json:
        output.say_json({"released": [made.data() for made in planned], "tags": tags})
        return
    output.say_all(release_lines(planned, dry_run=dry_run))
    output.say_all(f"tagged {name}" for name in tags)
    if not planned and not tags:
        output.say("Nothing to release: no draft is ahead of its newest version.")


def _tag(project: Project, names: list[str]) -> list[str]:
    """Tag the commit that holds each version which has no tag yet; say so of those that are not committed."""
    repository = project.repository
    head = repository.head()
    view = project.at(head) if head else None
    written = []
    for name in names:
        committed = view.catalog.sums(name).releases if view else {}
        for version, release_ in project.head.catalog.sums(name).releases.items():
            tag = f"promptreg/{name}/v{version}"
            if version not in committed or head is None:
                output.note(f"{name} {version} is not committed yet. Commit it, then: promptreg release {name} --tag")
            elif not repository.has_tag(tag):
                repository.tag(tag, head, release_.message or f"{name} {version}")
                written.append(tag)
    return written
