"""`promptreg eval --rescore`: new scorers on stored answers."""

from __future__ import annotations

from collections.abc import Sequence

from promptreg.cli import output
from promptreg.cli.evaluating import Cost, interruptible, run_facts
from promptreg.cli.needed import moves_of
from promptreg.core.prompt import Prompt
from promptreg.evals.all_providers import NOT_MODELS
from promptreg.evaluation.plans import Options
from promptreg.judging import version_of
from promptreg.project import Project
from promptreg.report.moves import rescoring_lines, stored_lines
from promptreg.rescoring import plan_rescoring, rescore


def rescored(
    project: Project,
    prompts: Sequence[Prompt],
    options: Options,
    metrics: Sequence[str],
    *,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Score the stored answers of some versions by the scorers that their suites declare now."""
    if not prompts:
        output.say(
            "nothing waits to move there: name the versions, as in  promptreg eval --rescore NAME@1.0.0 NAME@1.1.0"
        )
        return
    planned = plan_rescoring(project.head, prompts, options, metrics)
    if not as_json:
        output.say_all(rescoring_lines(planned))
    made = [] if dry_run else interruptible(lambda: rescore(project, planned, options), kept=False)
    if as_json:
        costs: list[Cost] = [("about", 0.0) if not plan.calls else None for plan in planned]
        output.say_json(run_facts(planned, made, costs))
    else:
        output.say_all(stored_lines(made, NOT_MODELS))


def both_sides(project: Project, specs: tuple[str, ...], environment: str | None) -> list[Prompt]:
    """What specs mean; with an environment, the versions that want in and those that are there."""
    if environment is None:
        return [project.prompt(spec) for spec in specs]
    view = project.head
    versions = [
        (move.name, version)
        for move in moves_of(project, specs, environment)
        for version in (move.before, move.to)
        if version is not None
    ]
    return [version_of(view, name, version) for name, version in dict.fromkeys(versions)]
