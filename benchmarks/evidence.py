"""Registries with suites of any size and stored results for two versions, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from benchmarks import registries
from promptreg.core.catalog import Catalog
from promptreg.core.loader import Loader
from promptreg.core.prompt import Prompt
from promptreg.core.source import Folder
from promptreg.evals.behaviour import behaviour
from promptreg.evals.cases import Case
from promptreg.evals.results import CaseResult, Origin, Result, ScorerFacts, results_of, totals
from promptreg.evals.suite import Suite, fingerprint, read_suite

NAME = "support/route"
TEXT = (
    "---\nprovider: openai\nmodel: stand-in\nparameters: {temperature: 0}\ninputs: {question: string}\n---\n"
    '{% message role="system" %}\n'
    "{system}\n"
    "{% endmessage %}\n"
    '{% message role="user" %}\n{{ question }}\n{% endmessage %}\n'
)
SYSTEM = "Which queue does this ticket belong into? Answer with one word."
SUITE = "scorers:\n  correct: {type: exact}\ngate:\n  correct: {max_drop: 0.05}\n"
QUEUES = ("billing", "shipping", "returns", "account", "other")
VERSIONS = ("1.0.0", "1.1.0")
#: The share of cases that differ between two runs of one prompt.
FLIPS = 0.067


def evaluated(root: Path, count: int, *, provider: str = "openai", repeats: int = 1, stored: bool = True) -> Path:
    """A registry whose one prompt has two versions, a suite of `count` cases and, if `stored`, a result for each."""
    texts = [TEXT.replace("{system}", SYSTEM + more) for more in ("", " Nothing else.")]
    registries.registry(root, {NAME: texts})
    folder = root / NAME / "evals"
    folder.mkdir()
    (folder / "suite.yaml").write_text(f"provider: {provider}\n{SUITE}", encoding="utf-8")
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(case(number)) + "\n")
    if stored:
        _store(root, repeats)
    return root


def case(number: int) -> dict[str, object]:
    """One case; a stand-in server that says what it was told is right on each."""
    question = f"Ticket {number}: a customer writes about an order, which belongs into {QUEUES[number % len(QUEUES)]}"
    return {"id": f"c{number:06}", "inputs": {"question": question}, "expected": question}


def _store(root: Path, repeats: int) -> None:
    source = Folder(str(root))
    loader, suite = Loader(Catalog(source)), read_suite(source, NAME)
    random = Random(7)  # noqa: S311 - made-up results
    for version in VERSIONS:
        found = _result(suite, loader.version(NAME, version), random, repeats)
        path = root / results_of(NAME, version)
        path.mkdir(parents=True)
        (path / found.file_name()).write_bytes(found.text().encode())


def _result(suite: Suite, prompt: Prompt, random: Random, repeats: int) -> Result:
    setup = suite.setup()
    cases = [_case_result(case, random, repeats) for case in suite.cases]
    scorers = {
        name: ScorerFacts(kind="pass-fail", range=(0, 1), direction="up", digest=setup.scorers[name])
        for name in setup.scorers
    }
    return Result(
        format=1,
        prompt=prompt.name,
        version=prompt.version,
        digest=prompt.digest,
        suite=suite.name,
        tool="promptreg bench",
        fingerprint=fingerprint(behaviour(prompt), setup),
        setup=setup,
        models=["stand-in"],
        repeats=repeats,
        started_at="2026-11-20T10:00:00.000+00:00",
        duration_s=1.0,
        origin=Origin(kind="local"),
        scorers=scorers,
        totals=totals(cases, scorers),
        cases=cases,
    )


def _case_result(case: Case, random: Random, repeats: int) -> CaseResult:
    return CaseResult(
        id=case.id,
        case=case.digest,
        scores={"correct": [float(random.random() > FLIPS / 2) for _ in range(repeats)]},
        latency_ms=[round(random.lognormvariate(6, 0.3), 1) for _ in range(repeats)],
        tokens_in=[random.randrange(40, 60) for _ in range(repeats)],
        tokens_out=[random.randrange(1, 4) for _ in range(repeats)],
        cost_usd=[round(random.uniform(1e-5, 3e-5), 8) for _ in range(repeats)],
    )
