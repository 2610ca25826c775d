"""Answers that people are asked about, and what they said, as lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from promptreg.core.errors import counted
from promptreg.evals.json_text import shown
from promptreg.evals.results import MAX_OUTPUT
from promptreg.evaluation.storing import Stored
from promptreg.labelling import Asked
from promptreg.report.table import Paint, plain


def asked_lines(about: Asked, at: int, of: int, paint: Paint = plain) -> list[str]:
    """One answer with its case, for somebody who says whether it is good."""
    case, run = about.answers[0].case, about.about
    head = f"{run.prompt.spec}  {run.suite.name}  case {case.id}  {at} of {of}"
    lines = [paint("strong", head)]
    lines.append(f"inputs    {json.dumps(case.inputs, ensure_ascii=False)}")
    if case.expected is not None:
        lines.append(f"expected  {json.dumps(case.expected, ensure_ascii=False)}")
    text = "\n".join(shown(line) for line in about.text.split("\n"))
    lines.append(f"output    {text}")
    if about.cut:
        lines.append(f"          (the first {MAX_OUTPUT:,} characters; no more is stored)")
    if len(about.answers) > 1:
        lines.append(f"          ({counted(len(about.answers), 'equal answer')})")
    if about.others:
        lines.append(f"          (judged already, by {counted(about.others, 'other')})")
    lines.append(f"{about.metric}: {about.question or 'Is it good?'}")
    return lines


def labelled_lines(given: dict[str, Any], spec: str, made: Sequence[Stored]) -> list[str]:
    """What was said, and where it is stored."""
    answers = given["good"] + given["bad"]
    if not made:
        return ["nothing was labelled"]
    what = f"{counted(answers, 'answer')} of {spec}: {given['good']} good, {given['bad']} bad"
    return [f"labelled {what}, by {given['judged_by']}", *(f"  stored {stored.path}" for stored in made)]
