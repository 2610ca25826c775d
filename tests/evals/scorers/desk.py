"""Suites in real folders, and what judges by them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from promptreg.core.errors import FileError, PromptregError
from promptreg.core.source import Folder
from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion, Means, Request
from promptreg.evals.scorer import Judgement, Scorer, ScorerError
from promptreg.evals.suite import read_suite
from tests.support.place import Place

SUITE = "prompts/a/evals/suite.yaml"


@dataclass
class Desk:
    """A bench for scorers that ask no provider."""

    means: Means = field(default_factory=lambda: Means(dict(os.environ)))

    async def ask(self, provider: str, request: Request, repeat: int) -> Completion:
        raise AssertionError(provider)


def case(expected: Any = None, **more: Any) -> Case:
    return Case(**({"id": "c1", "expected": expected} | more))


def suite_text(options: dict[str, Any], cases: list[dict[str, Any]] | None = None) -> str:
    scorer = json.dumps(options, ensure_ascii=False)
    return f"scorers:\n  m: {scorer}\ncases: {json.dumps(cases or [], ensure_ascii=False)}\n"


def scorer(place: Place, options: dict[str, Any], cases: list[dict[str, Any]] | None = None) -> Scorer:
    """A scorer as a suite in a folder declares it."""
    place.write(SUITE, suite_text(options, cases))
    return read_suite(Folder(str(place.path / "prompts"), "prompts/"), "a").scorers["m"]


def refusal(place: Place, options: dict[str, Any], cases: list[dict[str, Any]] | None = None) -> str:
    """What is said of a scorer or a case when the suite is read."""
    with pytest.raises(FileError) as caught:
        scorer(place, options, cases)
    return str(caught.value)


def judged(judge: Scorer, answer: str, of: Case | None = None, desk: Desk | None = None) -> Judgement:
    return asyncio.run(judge.judge(Completion(answer, "m"), of or case(), desk or Desk(), 0))


def trouble(judge: Scorer, answer: str, of: Case | None = None, desk: Desk | None = None) -> str:
    """What is said where an answer cannot be judged."""
    with pytest.raises(ScorerError) as caught:
        judged(judge, answer, of, desk)
    return str(caught.value)


def outcome(judge: Scorer, answer: str, of: Case | None = None) -> Judgement | str:
    """A judgement, or what is said where there is none; anything else is raised."""
    try:
        return judged(judge, answer, of)
    except ScorerError as problem:
        return str(problem)


def without_library(monkeypatch: pytest.MonkeyPatch, module: str, judge: Scorer) -> str:
    """What is said where a library is not installed."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PromptregError) as caught:
        asyncio.run(judge.prepare(Means()))
    return str(caught.value)
