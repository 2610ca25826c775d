"""Single cases as lines: what is asked, what is answered, how it is judged."""

from __future__ import annotations

import json
from collections.abc import Sequence

from promptreg.evals.cost import usd_text
from promptreg.evals.json_text import canonical_json
from promptreg.evals.provider import text_of
from promptreg.evals.running.journal import Entry
from promptreg.evaluation.looking import Look
from promptreg.report.table import Paint, figure, labelled, plain, times


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
        groups = _alike(look.entries)
        for at, entries in enumerate(groups):
            lines += [*([""] if at else []), *_answer(entries)]
        lines.append("")
    return lines[:-1]


def _alike(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The answers of repeats, those together that say the same and are judged the same."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        answer = entry.answer and [entry.answer["text"], entry.answer["model"]]
        errors = [[failure.source, failure.reason] for failure in entry.errors]
        found.setdefault(canonical_json([answer, entry.scores, entry.comments, errors]), []).append(entry)
    return list(found.values())


def _answer(entries: Sequence[Entry]) -> list[str]:
    """An answer that was given once or more."""
    entry = entries[0]
    lines = []
    if entry.answer is not None:
        title = f"{times('answer', len(entries))} ({', '.join(_facts(entries))})"
        lines += _block(title, entry.answer["text"])
    for metric, score in entry.scores.items():
        comment = entry.comments.get(metric)
        lines += labelled(metric, comment, head=f"{figure(score)}  ") if comment else labelled(metric, figure(score))
    for failure in entry.errors:
        lines += labelled(times("error", 1 if entry.answer else len(entries)), f"{failure.source}: {failure.reason}")
    return lines


def _facts(entries: Sequence[Entry]) -> list[str]:
    """What is known of the calls of equal answers: their model, times, tokens and cost, from the least to the most."""
    answers = [entry.answer for entry in entries if entry.answer is not None]
    told = [str(answers[0]["model"]), _span([f"{ms / 1000:.2f}" for ms in sorted(entry.ms for entry in entries)], " s")]
    if all(answer.get("tokens_in") is not None for answer in answers):
        sent, got = (sorted(answer.get(key) or 0 for answer in answers) for key in ("tokens_in", "tokens_out"))
        told.append(f"{_span(list(map(str, sent)), ' tokens in')}, {_span(list(map(str, got)), ' out')}")
    costs = sorted(answer.get("cost_usd") or 0.0 for answer in answers)
    if costs[-1]:
        told.append(_span([usd_text(cost) for cost in costs]))
    return told


def _span(texts: Sequence[str], unit: str = "") -> str:
    """Values that are in order, as one or as from where to where they go."""
    return f"{texts[0]}{unit}" if texts[0] == texts[-1] else f"{texts[0]} to {texts[-1]}{unit}"


def _block(title: str, text: str) -> list[str]:
    return [f"{title}:", *(f"    {line}" for line in text.split("\n"))]
