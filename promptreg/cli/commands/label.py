"""`promptreg case label`; the group is in `case.py`."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

import click

from promptreg import __version__
from promptreg.cli import output
from promptreg.cli.options import find_project, format_option
from promptreg.core.errors import PromptregError
from promptreg.labelling import Asked, Labels, Wish, asked
from promptreg.project import Project
from promptreg.report.labels import asked_lines, labelled_lines

_LETTERS = "g good · b bad · s skip · q quit: "
_COMMENT = "comment (Enter for none): "


@click.command("label")
@click.argument("spec", metavar="NAME[@VERSION]")
@click.option("--case", "case_id", metavar="ID", help="The answers to this case only.")
@click.option("--good/--bad", "good", default=None, help="With --case: say it here instead of being asked.")
@click.option("-m", "--message", "comment", metavar="COMMENT", help="With --good or --bad: why.")
@click.option("--metric", metavar="M", help="This scorer of type label only.")
@click.option("--suite", metavar="SUITE", help="This suite only.")
@format_option
def label(
    spec: str,
    case_id: str | None,
    good: bool | None,
    comment: str | None,
    metric: str | None,
    suite: str | None,
    as_json: bool,
) -> None:
    """Say of stored answers whether they are good, for a scorer of type label.

    Without --good or --bad it shows one answer after the other that you have not judged yet, and asks for a letter and
    a comment. What you said is stored at the end, with your name from git, also when you quit or press ^C.
    """
    if good is not None and case_id is None:
        raise click.UsageError("--good and --bad say it of one case: --case ID.")
    if good is None and (comment is not None or as_json):
        raise click.UsageError("-m and --json go with --good or --bad.")
    if good is None and not sys.stdin.isatty():
        raise click.UsageError("this asks in a terminal. Without one: --case ID --good or --bad.")
    project = find_project()
    prompt = project.prompt(spec)
    labels = Labels.begin(project, f"promptreg {__version__}")
    wish = Wish(labels.who, suite, metric, case_id, again=good is not None)
    waiting = asked(project.head, prompt, wish)
    if not waiting:
        output.say(f"{labels.who} has judged every stored answer of {prompt.spec}.")
        return
    try:
        if good is None:
            _walk(waiting, labels)
        else:
            _check_one(waiting)
            for about in waiting:
                labels.add(about, comment or None, good=good)
    finally:
        _store(project, prompt.spec, labels, as_json=as_json)


def _check_one(waiting: Sequence[Asked]) -> None:
    """PromptregError where a word on a case could mean several things."""
    metrics = sorted({about.metric for about in waiting})
    if len(metrics) > 1:
        raise PromptregError(f"people judge several things here: --metric {', --metric '.join(metrics)}.")
    suites = sorted({about.about.suite.name for about in waiting})
    if len(suites) > 1:
        raise PromptregError(f"several suites have this case: --suite {', --suite '.join(suites)}.")
    texts = {about.text for about in waiting}
    if len(texts) > 1:
        raise PromptregError(
            f"case {waiting[0].case_id} has {len(texts)} different answers. Without --good and --bad each is shown."
        )


def _walk(waiting: Sequence[Asked], labels: Labels) -> None:
    """Ask about one answer after the other, until there are no more or somebody quits."""
    for at, about in enumerate(waiting, start=1):
        output.say_all(asked_lines(about, at, len(waiting), output.paint))
        key, comment = _said()
        if key == "q":
            return
        if key != "s":
            position = len(labels.given)
            # noted before the comment, so that ^C there does not lose it
            labels.add(about, comment, good=key == "g")
            labels.given[position] = (about, key == "g", comment or _line(_COMMENT))
        output.say()


def _said() -> tuple[str, str | None]:
    """One of the letters, and what stood behind it; the end of input quits."""
    while True:
        line = _line(_LETTERS, end="q")
        # a Japanese input method may send full-width letters
        letter = unicodedata.normalize("NFKC", line[:1]).lower() if line else ""
        if line and letter in ("g", "b", "s", "q") and (len(line) == 1 or line[1].isspace()):
            return letter, line[1:].strip() or None


def _line(prompt: str, end: str | None = None) -> str | None:
    """What is typed; None for nothing, `end` at the end of input."""
    try:
        return input(prompt).strip() or None
    except EOFError:
        return end


def _store(project: Project, spec: str, labels: Labels, *, as_json: bool) -> None:
    given = labels.data()
    made = labels.store(project)
    if as_json and made:
        output.say_json({"labelled": given, "results": [stored.data() for stored in made]})
    elif made:
        output.say_all(labelled_lines(given, spec, made))
