"""Asking the gate: which evidence belongs to a move from one version to another, gathered for the pure function."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from promptreg.core.errors import PromptregError
from promptreg.core.names import DRAFT
from promptreg.core.prompt import Prompt
from promptreg.core.source import Source
from promptreg.evals.all_providers import costs
from promptreg.evals.anew import contradictions
from promptreg.evals.behaviour import why_same
from promptreg.evals.cases import CRITICAL, Case
from promptreg.evals.comparing import failures, spared
from promptreg.evals.cost import FREE, Price, most
from promptreg.evals.evidence import GatedCase, Pool, Question, Side, SuiteEvidence, metrics_of
from promptreg.evals.gate import judge
from promptreg.evals.json_text import shown
from promptreg.evals.named_cases import made_otherwise, named_cases
from promptreg.evals.people import misattributed
from promptreg.evals.policy import Policy
from promptreg.evals.reading import read_result
from promptreg.evals.results import Result, moment, results_of
from promptreg.evals.running.requests import requests
from promptreg.evals.suite import Suite
from promptreg.evals.verdict import Verdict
from promptreg.project import View


@dataclass(frozen=True, slots=True)
class Move:
    """A version that wants into an environment, and the one that stands there (None: nothing does)."""

    name: str
    environment: str | None
    to: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """Who judges: the view whose suites and policy count, and the one that a change would leave, where it differs."""

    judge: View
    head: View

    def suites(self, name: str) -> list[Suite]:
        """The suites that judge a prompt: those of the judging view where it has any, else those of head."""
        return self.judge.suites(name) or self.head.suites(name)

    def dropped(self, name: str, suite: Suite) -> frozenset[str]:
        """The cases that the change from judge to head removes or rewrites; all where code makes them from now on.

        None where code made them before: which they are stands in results alone.
        """
        if self.judge is self.head or suite.code is not None:
            return frozenset()
        after = [each for each in self.head.suites(name) if each.name == suite.name and each.code is None]
        now = {case.id: case.digest for each in after for case in each.cases}
        return frozenset(case.id for case in suite.cases if now.get(case.id) != case.digest)


def stored(source: Source, name: str, version: str) -> tuple[dict[str, Result], list[str]]:
    """The stored results of a version (or of the draft) by file name, and what is wrong with files that are none."""
    folder = results_of(name, version)
    results: dict[str, Result] = {}
    problems: list[str] = []
    for file in source.files(folder):
        if not file.endswith(".json"):
            continue
        path = f"{folder}/{file}"
        try:
            result = read_result(source.read(path) or b"", source.shown(path))
            if (result.prompt, result.version) != (name, version):
                problems.append(f"{source.shown(path)} is a result of {shown(result.prompt)}@{result.version}")
            else:
                results[source.shown(path)] = result
        except PromptregError as problem:
            problems.append(str(problem))
    found = {path.rpartition("/")[2]: result for path, result in results.items()}
    return found, [*problems, *_told_twice(results), *contradictions(results)]


def _told_twice(results: dict[str, Result]) -> Iterator[str]:
    """A sentence for each result whose cases another one tells of the same run: a copy is no repeat.

    Scores that stored answers got later are of a run of their own, for each run that they are about and each person.
    """
    seen: dict[tuple[object, ...], list[tuple[str, set[str]]]] = {}
    for path, result in results.items():
        began = result.origin.digest or moment(result.started_at)
        run = (result.suite, result.setup.engine(), began, result.answers_of, result.judged_by)
        cases = {case.id for case in result.cases}
        for other, others in seen.setdefault(run, []):
            if not cases.isdisjoint(others):
                yield f"{path} and {other} claim to be the same run, begun at {result.started_at}"
        seen[run].append((path, cases))


def side(view: View, prompt: Prompt, suite: Suite) -> Side:
    """One version's part of the evidence on a suite."""
    return _side(prompt, suite, stored(view.source, prompt.name, prompt.version))


def _side(prompt: Prompt, suite: Suite, found: tuple[dict[str, Result], list[str]]) -> Side:
    results, problems = found
    chosen = {name: result for name, result in results.items() if result.suite == suite.name}
    if prompt.version == "draft":
        chosen = {name: result for name, result in chosen.items() if result.digest == prompt.digest}
    wrong = [f"{shown(name)} {what}" for name, result in chosen.items() for what in misattributed(result, suite)]
    return Side(prompt.version, prompt.digest, tuple(chosen.values()), (*problems, *wrong), tuple(chosen))


def question(move: Move, rules: Rules, policy: Policy | None = None) -> Question:
    """All that the gate looks at for a move. Results are read from head."""
    candidate = version_of(rules.head, move.name, move.to)
    baseline = version_of(rules.head, move.name, move.before) if move.before is not None else None
    suites = rules.suites(move.name)
    same = why_same(baseline, candidate, _rendered(suites)) if baseline else None
    prompts = [prompt for prompt in (candidate, baseline) if prompt is not None]
    sides = [(prompt, stored(rules.head.source, prompt.name, prompt.version)) for prompt in prompts]
    return Question(
        policy=policy or rules.judge.policy(move.environment),
        candidate=(candidate.version, candidate.digest),
        baseline=(baseline.version, baseline.digest) if baseline else None,
        suites=tuple(
            _evidence(suite, [_side(prompt, suite, found) for prompt, found in sides], rules.dropped(move.name, suite))
            for suite in suites
        ),
        same=same,
    )


def _rendered(suites: Sequence[Suite]) -> Iterable[Case]:
    """The cases on which two versions may turn out to be the same: none where code makes some, as that may not run."""
    if any(suite.code is not None for suite in suites):
        return ()
    return (case for suite in suites for case in suite.cases)


def version_of(view: View, name: str, version: str) -> Prompt:
    """A version by its number, or the draft."""
    return view.prompt(name, DRAFT) if version == "draft" else view.loader.version(name, version)


def _evidence(suite: Suite, sides: list[Side], dropped: frozenset[str]) -> SuiteEvidence:
    """One suite's part of a question; `sides` are the candidate's and, but at a first promotion, the baseline's."""
    candidate = replace(sides[0], problems=(*sides[0].problems, *made_otherwise(suite, sides)))
    return SuiteEvidence(
        suite=suite.name,
        setup=suite.setup(),
        metrics=metrics_of(suite),
        policies=suite.gate,
        cases=gated(suite, sides),
        from_code=suite.code is not None,
        candidate=candidate,
        baseline=sides[1] if len(sides) > 1 else None,
        dropped=dropped,
    )


def gated(suite: Suite, sides: Sequence[Side]) -> dict[str, GatedCase]:
    """The cases of a suite by id. Those that code makes are the ones that stored results name.

    `sides` are the candidate's and, but at a first promotion, the baseline's, which says it where both name one.
    """
    return _gated(suite) if suite.code is None else named_cases(suite, sides)


def _gated(suite: Suite) -> dict[str, GatedCase]:
    return {case.id: GatedCase(case.digest, CRITICAL in case.tags, case.cluster) for case in suite.cases}


def judged(move: Move, rules: Rules, policy: Policy | None = None) -> Verdict:
    """The gate's verdict on a move."""
    return judge(question(move, rules, policy))


@dataclass(frozen=True, slots=True)
class Gap:
    """Evidence that the gate would miss: cases of a suite without scores for a prompt, and why."""

    prompt: Prompt
    suite: Suite
    cases: Collection[Case]
    why: str

    @property
    def calls(self) -> int:
        """How many calls make it."""
        return len(self.cases) * self.suite.repeats

    def usd(self, view: View) -> float | None:
        """What those calls cost at most; None where that is not known, or nothing."""
        price = self.suite.provider and price_of(view, self.prompt, self.suite, self.suite.provider)
        if not price:
            return None
        found = most(requests(self.prompt, self.suite, self.cases), price)
        return found and found * self.suite.repeats


def price_of(view: View, prompt: Prompt, suite: Suite, provider: str) -> Price | None:
    """What a million tokens of a suite's calls cost; None where nobody says so, as for a call that names no model.

    A provider that costs nothing has a price, which is 0.
    """
    if not costs(provider):
        return FREE
    return view.config.prices.get(asked_model(prompt, suite) or "")


def asked_model(prompt: Prompt, suite: Suite) -> str | None:
    """The model that a suite's calls ask for."""
    return suite.model or prompt.model


def gaps(view: View, moves: Iterable[Move], suite: str | None = None) -> list[Gap]:
    """Exactly what the gate would miss for some moves, of both sides; of one suite, or of all.

    FileError where code makes the cases of a suite and was not allowed to (`View.allow_code`).
    """
    found: dict[tuple[str, str], Gap | None] = {}
    for move in moves:
        suites = [each for each in view.suites(move.name) if each.cases and suite in (None, each.name)]
        candidate = version_of(view, move.name, move.to)
        baseline = version_of(view, move.name, move.before) if move.before is not None else None
        if baseline and why_same(baseline, candidate, _rendered(suites)):
            continue
        for each in suites:
            for prompt in filter(None, (candidate, baseline)):
                if (prompt.spec, each.name) not in found:
                    found[prompt.spec, each.name] = _gap(view, prompt, each, view.policy(move.environment))
    return [gap for gap in found.values() if gap is not None]


def _gap(view: View, prompt: Prompt, suite: Suite, policy: Policy) -> Gap | None:
    pool = Pool(side(view, prompt, suite), suite.setup())
    if not pool.cases:
        return Gap(prompt, suite, suite.cases, "no result") if len(suite.cases) else None
    gated = _gated(suite)
    measured = suite.automatic().scorers
    blocking = [metric for metric in measured if metric not in suite.gate or suite.gate[metric].block]
    failed = failures(pool, gated, blocking, policy)
    if failed:
        return Gap(prompt, suite, suite.cases, "; ".join(each.sentence for each in failed))
    scored = [set(pool.scores(gated, metric)) for metric in measured] or [pool.answered(gated)]
    cases = tuple(case for case in suite.cases if not all(case.id in ids for ids in scored))
    if not cases or _failed_and_spared(pool, suite, cases, policy):
        return None
    why = "no result" if len(cases) == len(suite.cases) else f"{len(cases)} cases without a score"
    return Gap(prompt, suite, cases, why)


def _failed_and_spared(pool: Pool, suite: Suite, cases: tuple[Case, ...], policy: Policy) -> bool:
    """Whether cases without a score were all asked and failed, and are so few that the gate can do without them.

    Asked again, what a provider always refuses would fail again, until there are too many failures.
    """
    if any(CRITICAL in case.tags for case in cases):
        return False
    # the other side may lack as many, and then fewer cases are compared
    compared = len(suite.cases) - spared(len(suite.cases), policy)
    found = [pool.cases.get((case.id, case.digest)) for case in cases]
    return len(cases) <= spared(compared, policy) and all(each and each.failures for each in found)


def figures(verdict: Verdict) -> str:
    """The figures of a verdict's main metric in a line, as a waiver states them."""
    main = verdict.main
    if main is None or main.baseline is None or main.candidate is None:
        return "; ".join(verdict.reasons) or verdict.verdict
    p = "" if main.p_holm is None else f", p {main.p_holm:.3g}"
    names = [name for name, metric in verdict.metrics.items() if metric is main]
    return f"{names[0]} {main.baseline:.3f} → {main.candidate:.3f} over {main.n} cases{p}"
