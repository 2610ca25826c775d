"""The gate's verdict told apart by suite: the worst of them is the verdict on the prompt."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.evidence import Question, SuiteEvidence
from promptreg.evals.gate import judge, judge_each
from promptreg.evals.policy import Policy
from promptreg.evals.verdict import VERDICTS
from tests.support.evals import DIGESTS, NEW, OLD, evidence, outcomes


def question(*suites: SuiteEvidence, same: str | None = None, mode: str = "standard") -> Question:
    return Question(Policy(mode=mode), (NEW, DIGESTS[NEW]), (OLD, DIGESTS[OLD]), suites, same)  # type: ignore[arg-type]


COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 8), st.integers(0, 8), st.integers(0, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(COUNTS, min_size=1, max_size=4), st.sampled_from(["lenient", "standard", "strict"]))
def test_the_verdict_on_a_prompt_is_the_worst_of_its_suites(counts: list[tuple[int, int, int, int]], mode: str) -> None:
    suites = [evidence(*outcomes(*each), suite=f"s{at}") for at, each in enumerate(counts)]
    asked = question(*suites, mode=mode)
    whole, each = judge(asked), judge_each(asked)

    with_cases = [suite.suite for suite in suites if suite.cases]
    assert list(each) == with_cases
    if not with_cases:
        assert whole.verdict == "ungated"
        return
    assert whole.verdict == min((verdict.verdict for verdict in each.values()), key=VERDICTS.index)
    assert whole.blocks == any(verdict.blocks for verdict in each.values())
    # the correction for many metrics runs over all suites, so that a metric is told the same in both
    assert whole.metrics == {name: metric for verdict in each.values() for name, metric in verdict.metrics.items()}


def test_a_prompt_that_is_the_same_passes_in_every_suite() -> None:
    suites = [evidence(*outcomes(5, 5), suite="one"), evidence(*outcomes(5), suite="two")]
    asked = question(*suites, same="same as 1.1.0")
    assert judge_each(asked) == {"one": judge(asked), "two": judge(asked)}
    assert judge(asked).verdict == "pass"
