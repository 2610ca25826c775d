"""`make bench`: the runtime's figures as ratios against a reference measured in the same run.

Reads whole processes and warm calls; the method is: one round times the reference and every case in turn, the figure
is the median over the rounds of case / reference. Absolute times are this machine's.
"""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jinja2

import promptreg
from benchmarks import registries
from benchmarks.measure import Ratio, compare, process, python, repeated
from promptreg.core.registry import Registry, replace_default

_COMMAND = str(Path(sys.executable).parent / "promptreg")
_LOAD = "import promptreg; promptreg.load({name!r}).render(**{values!r})"


def main() -> None:
    """Print one table."""
    print(f"Python {platform.python_version()}, jinja2 {jinja2.__version__}\n")
    print("| figure | ratio | target | | time / reference | rounds |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for figure in figures(Path(folder)):
            print(figure.line(), flush=True)


def figures(folder: Path) -> Iterator[Ratio]:
    """All figures, one after another."""
    small = registries.registry(
        folder / "small" / "prompts",
        {"text": [registries.FIVE], "loop": [registries.LOOP], "chat": [registries.CHAT]},
    ).parent
    yield from cold(small)
    yield from warm(small)
    yield from scale(folder)


def cold(small: Path) -> list[Ratio]:
    """Whole processes, against a bare interpreter."""
    load = _LOAD.format(name="text", values=registries.VALUES)
    cases = {
        "`import promptreg` / bare Python": (python("import promptreg", small), 2.0),
        "cold load + render by environment from a folder / bare": (python(load, small), 7.5),
        "… of which `import jinja2, yaml` alone / bare": (python("import jinja2, yaml", small), 7.5),
        "`promptreg --help` / bare": (process([_COMMAND, "--help"], small), 4.0),
    }
    return compare(cases, python("pass", small), rounds=31)


def warm(small: Path) -> Iterator[Ratio]:
    """Load and render in one process, against raw jinja2's Template.render of the same text."""
    replace_default(Registry.open(small))
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - prompts are no HTML
    for name, text, values, target, title in (
        ("text", registries.FIVE, registries.VALUES, 1.3, "text, five variables"),
        ("loop", registries.LOOP, registries.PASSAGES, 2.0, "text, a loop over 20 mappings"),
        ("chat", _plain(registries.CHAT), registries.VALUES, 2.2, "chat, two messages"),
    ):
        template = environment.from_string(registries.body(text))

        def ours(name: str = name, values: dict[str, object] = values) -> object:
            return promptreg.load(name).render(**values).messages

        def raw(template: jinja2.Template = template, values: dict[str, object] = values) -> object:
            return template.render(**values)

        cases = {f"warm load + render, {title} / raw jinja2 `Template.render`": (repeated(ours, 2000), target)}
        yield from compare(cases, repeated(raw, 2000), rounds=21, divide=2000)


def _plain(text: str) -> str:
    """A chat prompt's text without its message tags."""
    return "".join(line for line in text.splitlines(keepends=True) if "message" not in line)


def scale(folder: Path) -> Iterator[Ratio]:
    """Large registries."""
    few = registries.many(folder / "few" / "prompts", 100).parent
    lots = registries.many(folder / "lots" / "prompts", 10_000).parent

    def load(name: str) -> str:
        return _LOAD.format(name=name, values=registries.VALUES)

    one = {"one among 10,000 × 5 by environment / among 100 × 5": (python(load("team00/prompt-09000"), lots), 1.2)}
    yield from compare(one, python(load("team10/prompt-00090"), few), rounds=15)
    yield _over(lots, "`promptreg list` of 10,000, s over bare (target 0.6)", ["list"], 0.6)
    registries.git(lots, "init", "-q", "-b", "main")
    registries.git(lots, "add", "-A")
    registries.git(lots, "commit", "-q", "-m", "Begin")
    for number in range(50):
        draft = lots / "prompts" / f"team{number % 40:02}" / f"prompt-{number:05}" / "prompt.md"
        draft.write_text(draft.read_text(encoding="utf-8") + "One sentence more.\n", encoding="utf-8")
    yield _over(
        lots,
        "`promptreg check` of 50 changed among 10,000 × 5, s over bare (target 2)",
        ["check", "--base", "HEAD"],
        2.0,
    )


def _over(folder: Path, name: str, arguments: list[str], target: float) -> Ratio:
    """How much longer than a bare interpreter a command takes; its `ratio` is in seconds."""
    found = compare({name: (process([_COMMAND, *arguments], folder), target)}, python("pass", folder), rounds=7)[0]
    return Ratio(name, found.seconds - found.reference, found.seconds, found.reference, target, found.rounds)


if __name__ == "__main__":
    main()
