"""The gate under hostile evidence: it never crashes, and nothing hides what blocks in every mode."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.evals.evidence import GatedCase, Metric, Question, Side, SuiteEvidence
from promptreg.evals.gate import judge
from promptreg.evals.policy import Policy
from promptreg.evals.reading import read_result
from promptreg.evals.results import CaseResult, Failure, Result, totals
from promptreg.evals.suite import MetricPolicy
from promptreg.evals.verdict import VERDICTS, Verdict
from promptreg.report.gate import verdict_lines
from tests.support.evals import (
    CASE,
    DIGESTS,
    GRADE,
    NEW,
    OLD,
    PASS_FAIL,
    case_id,
    drop,
    evidence,
    judged,
    outcomes,
    result,
    setup_of,
)

MODES = ("lenient", "standard", "strict")

# Whatever can be read can be judged

METRICS = {
    "correct": PASS_FAIL,
    "wrong": replace(PASS_FAIL, direction="down"),
    "grade": GRADE,
    "harm": Metric("score", -5, 10, "down", "sha256:" + "b" * 64),
}
FREE = ("latency", "cost", "tokens")
sizes = st.none() | st.sampled_from([0.0, 1e-300, 5e-324, 0.1, 1.0, 1e15]) | st.floats(0, 1e15)
whole = st.none() | st.integers(0, 10**15)
moments = st.sampled_from([
    "2026-11-20T10:00:00.000+00:00", "2026-11-20", "2026-01-01",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
])  # fmt: skip
policies = st.builds(
    MetricPolicy,
    max_drop=st.none() | st.sampled_from([1e-9, 0.05, 1.0]),
    min=st.none() | st.sampled_from([-1e9, 0.0, 0.5, 1.0, 1e9]),
    block=st.booleans(),
)
rises = st.builds(MetricPolicy, max_rise=st.none() | st.sampled_from([1e-9, 0.2, 1e300]), block=st.booleans())


def scores_of(metric: Metric) -> st.SearchStrategy[float]:
    if metric.kind == "pass-fail":
        return st.sampled_from([0.0, 1.0])
    return st.sampled_from([metric.low, metric.high, 0.1, 0.3]) | st.floats(metric.low, metric.high)


@st.composite
def cases(draw: st.DrawFn, index: int, metrics: dict[str, Metric], repeats: int) -> CaseResult:
    """One case of a result, with failures that its scores agree with."""
    failed = {at for at in range(repeats) if draw(st.integers(0, 9)) == 0}
    errors = [Failure(repeat=at, source="provider", reason="no") for at in sorted(failed)]
    scores: dict[str, list[float | None]] = {}
    for name, metric in metrics.items():
        length = draw(st.sampled_from([repeats, repeats, 0, 1]))
        scores[name] = [None if at in failed else draw(scores_of(metric)) for at in range(length)]
    lists = {key: draw(st.lists(sizes, max_size=repeats)) for key in ("latency_ms", "cost_usd")}
    counts = {key: draw(st.lists(whole, max_size=repeats)) for key in ("tokens_in", "tokens_out")}
    cached = draw(st.just([]) | st.lists(st.booleans(), max_size=repeats))
    digest = draw(st.sampled_from([CASE, CASE, CASE, "f" * 16]))
    return CaseResult(id=case_id(index), case=digest, scores=scores, errors=errors, cached=cached, **lists, **counts)


@st.composite
def results(draw: st.DrawFn, version: str, metrics: dict[str, Metric]) -> Result:
    """A result that was written and read again."""
    repeats = draw(st.integers(1, 3))
    measured = {name: metrics[name] for name in draw(st.sets(st.sampled_from(sorted(metrics)), min_size=1))}
    named = {
        name: replace(m, digest=draw(st.sampled_from([m.digest] * 4 + ["sha256:"]))) for name, m in measured.items()
    }
    rows = [draw(cases(index, named, repeats)) for index in range(draw(st.integers(0, 12)))]
    made = result(
        version,
        {},
        named,
        repeats=repeats,
        started_at=draw(moments),
        models=draw(st.lists(st.sampled_from(["m", "n"]), max_size=2)),
        digest=draw(st.sampled_from([DIGESTS[version]] * 5 + ["sha256:" + "9" * 64])),
        setup=setup_of(named, provider=draw(st.sampled_from(["command:model"] * 5 + ["echo"]))),
    )
    made = made.model_copy(update={"cases": rows, "totals": totals(rows, made.scorers)})
    return read_result(made.text().encode(), made.file_name())


@st.composite
def suites(draw: st.DrawFn, name: str, first: bool) -> SuiteEvidence:
    metrics = {each: METRICS[each] for each in draw(st.sets(st.sampled_from(sorted(METRICS)), min_size=1))}
    gate = {each: draw(policies) for each in metrics} | {each: draw(rises) for each in FREE}
    clusters = st.none() | st.sampled_from(["", "a", "b"])
    gated = {
        case_id(index): GatedCase(CASE, draw(st.booleans()), draw(clusters))
        for index in range(draw(st.integers(0, 12)))
    }
    sides = [
        Side(version, DIGESTS[version], tuple(draw(st.lists(results(version, metrics), max_size=2))))
        for version in (NEW, OLD)
    ]
    return SuiteEvidence(
        suite=name,
        setup=setup_of(metrics),
        metrics=metrics,
        policies={each: draw(st.sampled_from([policy, None])) or MetricPolicy() for each, policy in gate.items()},
        cases=gated,
        candidate=sides[0],
        baseline=None if first else sides[1],
        dropped=frozenset(draw(st.sets(st.sampled_from(sorted(gated)), max_size=2))) if gated else frozenset(),
    )


@st.composite
def questions(draw: st.DrawFn) -> Question:
    first = draw(st.booleans())
    asked = tuple(draw(suites(name, first)) for name in ("suite", "tone")[: draw(st.integers(0, 2))])
    policy = Policy(mode=draw(st.sampled_from(MODES)), min_cases=draw(st.sampled_from([1, 5, 20])))
    return Question(policy, (NEW, DIGESTS[NEW]), None if first else (OLD, DIGESTS[OLD]), asked)


@given(questions())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_results_can_be_read_the_gate_answers(question: Question) -> None:
    found = judge(question)
    assert found.verdict in VERDICTS
    assert found.exit_status in ({0} if not found.blocks else {1, 4})
    assert found.blocks or not found.hard
    json.dumps(found.data(), allow_nan=False)
    assert all("\n" not in line for line in verdict_lines("a", found, "production"))
    assert judge(question) == found


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_whatever_bytes_a_file_holds_it_is_a_result_or_refused(data: bytes) -> None:
    with pytest.raises(FileError):
        read_result(data, "x/suite-ffffffff-00000000.json")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_result_with_one_value_replaced_is_read_or_refused(data: st.DataObject) -> None:
    whole_one = result(NEW, {"correct": [[1, 0]], "grade": [[0.5, 0.1]]}, METRICS_OF_TWO, failed={0: ["grade"]})
    facts = json.loads(whole_one.text())
    places = [(holder, key) for holder in _holders(facts) for key in _keys(holder)]
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(st.sampled_from(ODD))
    text = json.dumps(facts)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    named = f"{facts.get('suite')}-{str(facts.get('fingerprint'))[7:15]}-{digest}.json"
    try:
        found = read_result(text.encode(), f"x/{named}")
    except FileError as problem:
        said = problem.message
    else:
        said = " ".join(verdict_lines("a", judged(evidence(found, found))))
    assert said.isprintable(), said
    assert ": :" not in said


METRICS_OF_TWO = {"correct": PASS_FAIL, "grade": GRADE}


ODD = (None, True, -1, 0, 1.5, 1e308, 10**400, "", "provider", "\x1b[2K\n\x7f", [], [[]], {}, {"x": 1}, {"\x1b\n": 1})


def _holders(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, (dict, list)) else []), *(each for item in inner for each in _holders(item))]


def _keys(holder: Any) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


# What blocks in every mode is hidden by nothing

BOTH = {"correct": PASS_FAIL, "polite": PASS_FAIL}
N = 60


def lost(**changes: Any) -> SuiteEvidence:
    """A suite in which the critical case 7 is lost, and all others pass."""
    before, after = [1.0] * N, [1.0] * N
    after[7] = 0.0
    return evidence(before, after, critical={7}, **changes)


def with_candidate(suite: SuiteEvidence, *more: Result, **changes: Any) -> SuiteEvidence:
    candidate = replace(suite.candidate, results=(*suite.candidate.results, *more), **changes)
    return replace(suite, candidate=candidate)


def edited(suite: SuiteEvidence, version: str, edit: Callable[[Result], Result]) -> SuiteEvidence:
    if version == NEW:
        side = suite.candidate
        return replace(suite, candidate=replace(side, results=tuple(map(edit, side.results))))
    assert suite.baseline is not None
    return replace(suite, baseline=replace(suite.baseline, results=tuple(map(edit, suite.baseline.results))))


def without(ids: set[str]) -> Callable[[Result], Result]:
    return lambda run: run.model_copy(update={"cases": [case for case in run.cases if case.id not in ids]})


def failing(count: int) -> Callable[[Result], Result]:
    failure = Failure(repeat=0, source="provider", reason="no")

    def edit(run: Result) -> Result:
        spoiled = [case.model_copy(update={"errors": [failure], "scores": {}}) for case in run.cases[-count:]]
        return run.model_copy(update={"cases": [*run.cases[:-count], *spoiled]})

    return edit


def begun(when: str) -> Callable[[Result], Result]:
    return lambda run: run.model_copy(update={"started_at": when})


def asked_of(provider: str) -> Callable[[Result], Result]:
    return lambda run: run.model_copy(update={"setup": setup_of(provider=provider)})


HIDING: dict[str, Callable[[SuiteEvidence], SuiteEvidence]] = {
    "nothing": lambda suite: suite,
    "the candidate lacks other cases": lambda suite: edited(suite, NEW, without({case_id(at) for at in range(30, 50)})),
    "the baseline lacks other cases": lambda suite: edited(suite, OLD, without({case_id(at) for at in range(30, 50)})),
    "other calls of the candidate failed": lambda suite: edited(suite, NEW, failing(20)),
    "other calls of the baseline failed": lambda suite: edited(suite, OLD, failing(20)),
    "other cases are removed": lambda suite: replace(suite, dropped=frozenset(map(case_id, range(20, 50)))),
    "a file is damaged": lambda suite: with_candidate(suite, problems=("x.json: it was edited.",)),
    "a result of another text": lambda suite: with_candidate(
        suite, result(NEW, [1.0] * N, digest="sha256:" + "9" * 64, seed=1)
    ),
    "results of another setup": lambda suite: with_candidate(
        suite, *(result(NEW, [1.0] * N, setup=setup_of(provider="echo"), seed=seed) for seed in range(9))
    ),
    "results of another scorer": lambda suite: with_candidate(
        suite, *(result(NEW, [1.0] * N, {"correct": replace(PASS_FAIL, digest="sha256:" + "b" * 64)}) for _ in range(9))
    ),
    "another model": lambda suite: edited(suite, NEW, lambda run: run.model_copy(update={"models": ["other"]})),
    "an old baseline": lambda suite: edited(suite, OLD, begun("2020-01-01")),
    "many new cases": lambda suite: replace(
        with_candidate(suite, result(NEW, [1.0] * 300, ids=[case_id(1000 + at) for at in range(300)])),
        cases={**suite.cases, **{case_id(1000 + at): GatedCase(CASE) for at in range(300)}},
    ),
    "repeats that fail from a cache": lambda suite: with_candidate(
        suite, result(NEW, [1.0] * N, columns={"cached": [[True]] * N})
    ),
    "a metric that nobody scored": lambda suite: replace(
        suite, metrics={**suite.metrics, "polite": PASS_FAIL}, setup=setup_of(BOTH)
    ),
    "a score outside of the range elsewhere": lambda suite: edited(
        suite,
        NEW,
        lambda run: run.model_copy(
            update={"cases": [*run.cases[:-1], run.cases[-1].model_copy(update={"scores": {"correct": [7.0]}})]}
        ),
    ),
    "all cases in one cluster": lambda suite: replace(
        suite, cases={id_: replace(case, cluster="one") for id_, case in suite.cases.items()}
    ),
    "a large max_drop": lambda suite: replace(suite, policies=drop(max_drop=1.0)),
    "no model": lambda suite: replace(
        edited(edited(suite, NEW, asked_of("echo")), OLD, asked_of("echo")), setup=setup_of(provider="echo")
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("hiding", HIDING)
def test_nothing_hides_a_critical_case_that_was_lost(hiding: str, mode: str) -> None:
    found = judged(HIDING[hiding](lost()), mode=mode)
    assert (found.verdict, found.blocks, found.exit_status) == ("regressed", True, 1), found.reasons
    assert "critical: c0007" in " ".join(found.reasons)


OTHER_SUITES: dict[str, Callable[[], SuiteEvidence]] = {
    "passes": lambda: evidence(*outcomes(100)),
    "is missing": lambda: evidence(outcomes(100)[0], [], count=100),
    "cannot be compared": lambda: evidence([1.0] * 100, [1.0] * 50, count=100),
    "is large and better": lambda: evidence(*outcomes(200, 0, 200)),
    "is damaged": lambda: with_candidate(evidence(*outcomes(30)), problems=("y.json: no.",)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("other", OTHER_SUITES)
@pytest.mark.parametrize("order", [1, -1])
def test_no_other_suite_hides_it_either(other: str, mode: str, order: int) -> None:
    both = [lost(), replace(OTHER_SUITES[other](), suite="tone")][::order]
    found = judged(*both, mode=mode)
    assert (found.verdict, found.blocks) == ("regressed", True)
    both = [replace(lost(), suite="tone"), OTHER_SUITES[other]()][::order]
    assert judged(*both, mode=mode).blocks


@given(
    st.sets(st.sampled_from(sorted(HIDING.keys() - {"no model"}))),
    st.sampled_from(MODES),
    st.randoms(use_true_random=False),
)
@settings(max_examples=30, deadline=None)
def test_nor_do_several_of_them_together(hiding: set[str], mode: str, random: Any) -> None:
    order = sorted(hiding)
    random.shuffle(order)
    suite = lost()
    for name in order:
        suite = HIDING[name](suite)
    found = judged(replace(suite, cases=dict(random.sample(list(suite.cases.items()), len(suite.cases)))), mode=mode)
    assert found.blocks
    assert found.verdict == "regressed", found.reasons


def below() -> SuiteEvidence:
    return evidence([0.9] * N, [0.5] * N, {"grade": GRADE}, policies={"grade": MetricPolicy(min=0.8, max_drop=1.0)})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "hiding",
    [
        "nothing",
        "other calls of the baseline failed",
        "the baseline lacks other cases",
        "a file is damaged",
        "another model",
        "an old baseline",
        "a metric that nobody scored",
    ],
)
def test_nothing_that_is_wrong_elsewhere_excuses_a_mean_below_min(hiding: str, mode: str) -> None:
    suite = below()
    if hiding == "a metric that nobody scored":
        metrics = {**suite.metrics, "polite": PASS_FAIL}
        suite = replace(suite, metrics=metrics, setup=setup_of(metrics))
    else:
        suite = HIDING[hiding](suite)
    found = judged(suite, mode=mode)
    assert (found.verdict, found.blocks, found.exit_status) == ("regressed", True, 1), found.reasons
    assert "0.500 is below min 0.8" in " ".join(found.reasons)


@pytest.mark.parametrize("mode", MODES)
def test_min_holds_although_the_baseline_has_no_result_or_another_scorer(mode: str) -> None:
    suite = below()
    missing = replace(suite, baseline=Side(OLD, DIGESTS[OLD]))
    other = {"grade": replace(GRADE, digest="sha256:" + "c" * 64)}
    rescored = replace(suite, baseline=Side(OLD, DIGESTS[OLD], (result(OLD, [0.9] * N, other),)))
    for each in (missing, rescored):
        found: Verdict = judged(each, mode=mode)
        assert (found.verdict, found.blocks) == ("regressed", True)


def test_min_is_not_judged_on_a_part_of_the_cases() -> None:
    suite = evidence([0.9] * N, [0.5] * 3, {"grade": GRADE}, count=N, policies={"grade": MetricPolicy(min=0.8)})
    found = judged(suite, mode="lenient")
    assert (found.verdict, found.blocks) == ("not-comparable", False)
