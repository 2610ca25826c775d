"""What people judge: which cases count, and who says what is missing. They need not look at every case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from promptreg.evals.evidence import GatedCase, Pool
from promptreg.evals.results import Result
from promptreg.evals.suite import MAIN, Suite


def judged_cases(
    pools: Sequence[Pool], cases: Mapping[str, GatedCase], metric: str, *, named: bool
) -> dict[str, GatedCase]:
    """Those of some cases that count for a metric which people judge.

    `pools` are the baseline's, where there is one, and the candidate's; `named` is whether the suite's `gate` names the
    metric: then those count that the baseline got judged, else those that both sides did.
    """
    judged = [pool.scores(cases, metric).keys() for pool in pools]
    both, asked_for = judged[0] & judged[-1], judged[0] if len(pools) > 1 and judged[0] else cases.keys()
    ids = asked_for if named else both
    return {id_: case for id_, case in cases.items() if id_ in ids}


def unjudged(pools: Sequence[Pool], cases: Mapping[str, GatedCase], metric: str, suite: str) -> str | None:
    """Which side nobody has judged, and the commands that change that; None where somebody has judged each."""
    without = [pool for pool in pools if not pool.scores(cases, metric)]
    if not without:
        return None
    versions = " and ".join(pool.side.version for pool in without)
    return f"nobody has judged {metric} of {versions} ({'; '.join(labelling(pool, suite) for pool in without)})"


def labelling(pool: Pool, suite: str) -> str:
    """The command by which people judge a side."""
    which = "" if suite == MAIN else f" --suite {suite}"
    return f"promptreg case label {pool.runs[0].prompt if pool.runs else 'NAME'}@{pool.side.version}{which}"


def misattributed(result: Result, suite: Suite) -> Iterator[str]:
    """What is wrong with who gave a result's scores, for each metric that a suite declares the same scorer of.

    Persons alone give what people judge, each under a name, so that nobody counts twice; and nothing else.
    """
    for metric, digest in sorted(result.setup.scorers.items()):
        scorer = suite.scorers.get(metric)
        if scorer is None or scorer.digest() != digest:
            continue
        if scorer.by_people and (result.judged_by is None or result.answers_of is None):
            yield f"has scores of {metric}, which people judge, and does not say who did"
        if not scorer.by_people and result.judged_by is not None:
            yield f"has scores of {metric} by a person, and a scorer gives these"
