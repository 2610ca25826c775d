"""Reading a stored result, and checking all that the file alone can show."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from promptreg.core.errors import FileError
from promptreg.core.sums import is_digest
from promptreg.core.text import CONFLICT, decode, marked_line
from promptreg.core.versions import is_version
from promptreg.evals.json_text import NO_TEXT, holds_half_pairs, shown, strict_json
from promptreg.evals.results import CaseResult, Result, totals
from promptreg.evals.scorer import PROVIDER
from promptreg.validation import Location, validated

_TOLERANCE = 1e-9
#: Above this a latency, cost or number of tokens is none.
_LARGEST = 1e15
_CASE_DIGEST = re.compile("[0-9a-f]{16}")
_MEASURES = ("latency_ms", "tokens_in", "tokens_out", "cost_usd", "tokens_cached")
_measures = attrgetter(*_MEASURES)


def read_result(data: bytes, path: str) -> Result:
    """Read and check one result; FileError for what is no result or does not add up.

    Checked is all that the file alone can show: its shape, its name against its own digest, scores inside their
    ranges, lengths against the repeats, ids, and the totals.
    """
    text = decode(data, path)
    conflict = marked_line(text)
    if conflict is not None:
        raise FileError(CONFLICT, path=path, line=conflict)
    try:
        raw = strict_json(text)
    except json.JSONDecodeError as problem:
        message = f"this is not JSON: {problem.msg}."
        raise FileError(message, path=path, line=problem.lineno, column=problem.colno) from None
    except (ValueError, RecursionError) as problem:
        raise FileError(f"{shown(str(problem))}.", path=path) from None
    if holds_half_pairs(text, raw):
        raise FileError(NO_TEXT, path=path)

    def at(message: str, location: Location, _: bool) -> FileError:
        where = "".join(f"{part}." for part in location)[:-1]
        place = f"{where}: " if where else ""
        return FileError(f"this is not a result of promptreg: {shown(place + message)}", path=path)

    result = validated(Result, raw, at)
    inconsistency = _inconsistency(result, data, path.rpartition("/")[2])
    if inconsistency:
        raise FileError(shown(inconsistency), path=path)
    return result


def _digest8(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def _inconsistency(result: Result, data: bytes, name: str) -> str | None:
    if name != f"{result.suite}-{result.fingerprint[7:15]}-{_digest8(data)}.json":
        stated = name.removesuffix(".json")[-8:]
        return f"the file was changed after the run: its name says {stated}, its content is {_digest8(data)}."
    return _header_problem(result) or _cases_problem(result) or _totals_problem(result)


def _header_problem(result: Result) -> str | None:
    if not (is_digest(result.digest) and is_digest(result.fingerprint)):
        return "digest and fingerprint must be sha256: and 64 hexadecimal digits."
    if result.version != "draft" and not is_version(result.version):
        return f"{result.version} is not a version."
    if not _is_moment(result.started_at):
        return f"started_at is {result.started_at!r}, which is no time (ISO 8601)."
    if set(result.scorers) != set(result.setup.scorers):
        return "the scorers and those of the setup are not the same."
    if any(facts.digest != result.setup.scorers[metric] for metric, facts in result.scorers.items()):
        return "a scorer's digest is not the one of the setup."
    return _later_problem(result)


def _later_problem(result: Result) -> str | None:
    """What is wrong with what a result says of scores that answers got later."""
    named = result.answers_of
    if named is not None and not re.fullmatch(rf"{re.escape(result.suite)}-[0-9a-f]{{8}}-[0-9a-f]{{8}}\.json", named):
        return f"answers_of is {named!r}, which is no file name of a result of the suite {result.suite}."
    if named is not None and result.cache is not None:
        return "it is about the answers of another run, and cannot have any from a cache."
    by = result.judged_by
    return None if by is None or (by.strip() and by.isprintable()) else "judged_by must be text that can be printed."


def _cases_problem(result: Result) -> str | None:
    seen: set[str] = set()
    for case in result.cases:
        problem = "it stands here twice." if case.id in seen else _case_problem(case, result)
        if problem:
            return f"case {case.id}: {problem}"
        seen.add(case.id)
    return None


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _case_problem(case: CaseResult, result: Result) -> str | None:
    if not _CASE_DIGEST.fullmatch(case.case):
        return "case must be 16 hexadecimal digits."
    if result.answers_of is not None and (case.finish or case.cached or any(_measures(case)) or _unanswered(case)):
        return "it tells of calls, and is about the answers of another run."
    problem = _scores_problem(case, result) or _measures_problem(case, result)
    if problem or not (case.errors or any(None in scores for scores in case.scores.values())):
        return problem
    return _errors_problem(case, result)


def _unanswered(case: CaseResult) -> bool:
    return any(failure.source == PROVIDER for failure in case.errors)


def _scores_problem(case: CaseResult, result: Result) -> str | None:
    for metric, scores in case.scores.items():
        facts = result.scorers.get(metric)
        if facts is None:
            return f"{metric} is none of the scorers."
        low, high = facts.range
        for score in scores:
            if score is None:
                continue
            if not low <= score <= high:
                return f"{metric} is {score}, outside of its range {low:g} to {high:g}."
            if score not in (0, 1) and facts.kind == "pass-fail":
                return f"{metric} is {score}; a pass-fail score is 0 or 1."
    return None


def _measures_problem(case: CaseResult, result: Result) -> str | None:
    measures = _measures(case)
    for values in measures:
        for value in values:
            if value is not None and not 0 <= value <= _LARGEST:
                return _out_of_range(_MEASURES[measures.index(values)], values)
    lists: tuple[Sequence[Any], ...] = (*measures, *case.scores.values(), case.finish, case.cached)
    if max(map(len, lists)) > result.repeats:
        return f"there are more values than the {result.repeats} repeats."
    return None


def _out_of_range(name: str, values: Sequence[float | None]) -> str:
    below = any(value is not None and value < 0 for value in values)
    return f"{name} is below 0." if below else f"{name} is above {_LARGEST:g}."


def _errors_problem(case: CaseResult, result: Result) -> str | None:
    failed = {(failure.repeat, failure.source) for failure in case.errors}
    if len(failed) < len(case.errors):
        return "an error stands here twice."
    for repeat, source in sorted(failed):
        if repeat >= result.repeats:
            return f"there is an error of repeat {repeat}; {result.repeats} were made, and the first is 0."
        if source != PROVIDER and source not in result.scorers:
            return f"there is an error of {source}, which is neither {PROVIDER} nor one of the scorers."
    for metric, scores in case.scores.items():
        if not failed and None not in scores:
            continue
        for repeat, score in enumerate(scores):
            explained = not failed.isdisjoint({(repeat, PROVIDER), (repeat, metric)})
            # of stored answers some may not have been scored: nobody has looked at them
            if score is None and not explained and result.answers_of is None:
                return f"{metric} has no score in repeat {repeat}, and no error says why."
            if score is not None and explained:
                return f"{metric} has a score in repeat {repeat}, which failed."
    return None


def _totals_problem(result: Result) -> str | None:
    derived, stated = totals(result.cases, result.scorers), result.totals
    same = derived.metrics.keys() == stated.metrics.keys() and all(
        total.n == stated.metrics[name].n and _close(total.mean, stated.metrics[name].mean)
        for name, total in derived.metrics.items()
    )
    counts = all(getattr(derived, name) == getattr(stated, name) for name in ("tokens_in", "tokens_out", "errors"))
    if same and counts and _close(derived.cost_usd, stated.cost_usd):
        return None
    return "the totals do not add up to the cases."


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
