"""Single cases as lines: what is asked, what is answered, how it is judged."""

from __future__ import annotations

import json
from collections.abc import Sequence

from promptreg.evals.cost import usd_text
from promptreg.evals.provider import text_of
from promptreg.evals.running.journal import Entry
from promptreg.evaluation.looking import Look
from promptreg.report.table import Paint, plain


def look_lines(looks: Sequence[Look], paint: Paint = plain) -> list[str]:
    """All of some cases, one after the other."""
    lines: list[str] = []
    for look in looks:
        plan = look.plan
        lines.append(
            paint("strong", f"{plan.prompt.spec}  {plan.suite.name}  case {look.case.id}") + f"  {plan.provider}"
        )
        lines.append(f"inputs    {json.dumps(look.case.inputs, ensure_ascii=False)}")
        lines.append(f"expected  {json.dumps(look.case.expected, ensure_ascii=False)}")
        for message in look.messages:
            lines += _block(str(message.get("role")), text_of(message))
        for number, entry in enumerate(look.entries, start=1):
            name = "answer" if len(look.entries) == 1 else f"answer {number}"
            lines += _answer(name, entry)
        lines.append("")
    return lines[:-1]


def _answer(name: str, entry: Entry) -> list[str]:
    lines = []
    if entry.answer is not None:
        answer = entry.answer
        told = [str(answer["model"]), f"{entry.ms / 1000:.2f} s"]
        if answer.get("tokens_in") is not None:
            told.append(f"{answer['tokens_in']} tokens in, {answer.get('tokens_out') or 0} out")
        if answer.get("cost_usd"):
            told.append(usd_text(answer["cost_usd"]))
        lines += _block(f"{name} ({', '.join(told)})", answer["text"])
    for metric, score in entry.scores.items():
        comment = entry.comments.get(metric)
        lines.append(f"{metric:<9} {score:g}{f'  {comment}' if comment else ''}")
    lines.extend(f"error     {failure.source}: {failure.reason}" for failure in entry.errors)
    return lines


def _block(title: str, text: str) -> list[str]:
    return [f"{title}:", *(f"    {line}" for line in text.split("\n"))]
