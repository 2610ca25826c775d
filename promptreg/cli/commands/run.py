"""`promptreg run`."""

from __future__ import annotations

import shutil

import click

from promptreg.asking import Answer, ask, question
from promptreg.cli import output
from promptreg.cli.commands.render import title
from promptreg.cli.inputs import given_inputs, input_options
from promptreg.cli.options import find_project, format_option
from promptreg.diff.words import words
from promptreg.evals.all_providers import NOT_MODELS, provider_kind
from promptreg.report.run import answer_lines, versus_lines


@click.command("run")
@click.argument("spec")
@input_options
@click.option("--provider", metavar="P", help="Another provider than the prompt or its suite names.")
@click.option("--vs", "other", metavar="SPEC", help="Ask this version too, and show both.")
@click.option("--allow-code", is_flag=True, help="Let command: and python: providers run their code.")
@format_option
def command(
    spec: str,
    given: tuple[str, ...],
    file: str | None,
    case_id: str | None,
    provider: str | None,
    other: str | None,
    allow_code: bool,
    as_json: bool,
) -> None:
    """Fill in the inputs, ask the provider once, and show the answer.

    The provider is the prompt's, else its main suite's. With --case the call is the one that eval makes for the case.
    Nothing is stored.
    """
    project = find_project()
    specs = [spec] if other is None else [spec, other]
    prompts = [project.prompt(each) for each in specs]
    questions = [
        question(project.head, prompt, given_inputs(prompt, given, file), case_id=case_id, provider=provider)
        for prompt in prompts
    ]
    titles = [title(project, each, prompt) for each, prompt in zip(specs, prompts, strict=True)]
    if not as_json:
        output.note(" against ".join(titles) + _no_model([each.provider for each in questions]))
    answers = ask(project, questions, allow_code=allow_code)
    if as_json:
        output.say_json({"answers": [answer.data() for answer in answers]} | _words(answers))
    elif other is None:
        output.say_all(answer_lines(answers[0], output.paint))
    else:
        names = prompts[0].spec, prompts[1].spec
        room = shutil.get_terminal_size().columns
        output.say_all(versus_lines(names, (answers[0], answers[1]), room, output.paint))


def _no_model(providers: list[str]) -> str:
    kinds = sorted({provider_kind(name) for name in providers} & NOT_MODELS)
    return f" ({' and '.join(kinds)}: not a language model)" if kinds else ""


def _words(answers: list[Answer]) -> dict[str, object]:
    if len(answers) == 1:
        return {}
    return {"words": [list(piece) for piece in words(answers[1].completion.text, answers[0].completion.text)]}
