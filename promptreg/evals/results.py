"""Stored results: one immutable file for each run (docs/evals.md has the format)."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from promptreg.core.errors import FileError
from promptreg.core.sums import is_digest
from promptreg.core.text import CONFLICT, decode, marked_line
from promptreg.core.versions import is_version
from promptreg.evals.json_text import NO_TEXT, holds_half_pairs, line_json, shown, strict_json
from promptreg.evals.scorer import PROVIDER
from promptreg.evals.statistics import mean_of
from promptreg.evals.suite import FOLDER, Setup
from promptreg.files import LOCAL
from promptreg.validation import Location, Strict, validated

SCHEMA = 1
RESULTS = "results"
OUTPUTS = ".outputs.jsonl"
MAX_OUTPUT = 2000
_TOLERANCE = 1e-9
#: Above this a latency, cost or number of tokens is none.
_LARGEST = 1e15
_CASE_DIGEST = re.compile("[0-9a-f]{16}")

Number = Annotated[float, Field(allow_inf_nan=False)]


class Failure(Strict):
    """Why one repeat of a case has no score: `source` is `provider` or the name of a metric."""

    repeat: Annotated[int, Field(ge=0)]
    source: str
    reason: str


class CaseResult(Strict):
    """One case of a run. Each list holds one entry for each repeat; null is no evidence, and `errors` says why.

    `cached` marks answers that were not asked for again; they are never a new repeat.
    """

    id: str
    case: str
    tags: list[str] = Field(default_factory=list)
    cluster: str | None = None
    scores: dict[str, list[Number | None]] = Field(default_factory=dict)
    latency_ms: list[Number | None] = Field(default_factory=list)
    tokens_in: list[int | None] = Field(default_factory=list)
    tokens_out: list[int | None] = Field(default_factory=list)
    cost_usd: list[Number | None] = Field(default_factory=list)
    errors: list[Failure] = Field(default_factory=list)
    cached: list[bool] = Field(default_factory=list)


class ScorerFacts(Strict):
    """What a result says of a scorer."""

    kind: Literal["pass-fail", "score"]
    range: Annotated[tuple[Number, Number], Field(strict=False)]
    direction: Literal["up", "down"]
    digest: str
    model: str | None = None


class MetricTotal(Strict):
    """A metric over a run: how many cases it scored, and the mean of their means."""

    n: int
    mean: Number | None = None


class Totals(Strict):
    """Sums over a run; derived from its cases."""

    metrics: dict[str, MetricTotal]
    tokens_in: int
    tokens_out: int
    cost_usd: Number
    errors: int


class Origin(Strict):
    """Where a run was made: on somebody's machine, in CI (with its `url`), or imported from another tool."""

    kind: Literal["local", "ci", "import"]
    url: str | None = None
    tool: str | None = None
    version: str | None = None
    digest: str | None = None


class Result(Strict):
    """One run of one version on one suite."""

    model_config = ConfigDict(populate_by_name=True)

    format: Annotated[Literal[1], Field(alias="schema")]
    prompt: str
    version: str
    digest: str
    suite: str
    tool: str
    fingerprint: str
    setup: Setup
    models: list[str]
    repeats: Annotated[int, Field(ge=1, le=100_000)]
    seed: int | None = None
    started_at: str
    duration_s: Number
    origin: Origin
    scorers: dict[str, ScorerFacts]
    totals: Totals
    cases: list[CaseResult]

    def text(self) -> str:
        """The file: header keys on their own lines, then one case a line; empty keys of cases are left out."""
        data = _compact(self.model_dump(mode="json", by_alias=True, exclude_none=True))
        # to a provider 1.0 and 1, null and nothing may differ, so that they are other setups
        data["setup"]["parameters"] = self.setup.parameters
        cases = data.pop("cases")
        lines = [f"{line_json(key)}: {line_json(value)}," for key, value in data.items()]
        rows = [line_json({key: value for key, value in case.items() if value not in (None, [], {})}) for case in cases]
        return "{\n" + "\n".join(lines) + '\n"cases": [\n' + ",\n".join(rows) + "\n]\n}\n"

    def file_name(self) -> str:
        """`SUITE-FINGERPRINT8-DIGEST8.json`."""
        return f"{self.suite}-{self.fingerprint[7:15]}-{_digest8(self.text().encode())}.json"


def _compact(value: Any) -> Any:
    """Whole floats as integers, so that 1.0 and 1 are written alike."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items()}
    return [_compact(item) for item in value] if isinstance(value, list) else value


def _digest8(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def results_of(prompt: str, version: str) -> str:
    """Where the results of a version stand in the registry; those of the draft, on this machine only."""
    return f"{LOCAL}/{RESULTS}/{prompt}" if version == "draft" else f"{prompt}/{FOLDER}/{RESULTS}/{version}"


def totals(cases: Iterable[CaseResult], metrics: Iterable[str]) -> Totals:
    """Sums over cases."""
    found = list(cases)
    return Totals(
        metrics={metric: _metric_total(found, metric) for metric in metrics},
        tokens_in=sum(value or 0 for case in found for value in case.tokens_in),
        tokens_out=sum(value or 0 for case in found for value in case.tokens_out),
        cost_usd=math.fsum(value or 0 for case in found for value in case.cost_usd),
        errors=sum(len(case.errors) for case in found),
    )


def _metric_total(cases: list[CaseResult], metric: str) -> MetricTotal:
    means = [mean for case in cases if (mean := mean_of(case.scores.get(metric, []))) is not None]
    return MetricTotal(n=len(means), mean=math.fsum(means) / len(means) if means else None)


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
    return None


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
    return _scores_problem(case, result) or _measures_problem(case, result) or _errors_problem(case, result)


def _scores_problem(case: CaseResult, result: Result) -> str | None:
    for metric, scores in case.scores.items():
        facts = result.scorers.get(metric)
        if facts is None:
            return f"{metric} is none of the scorers."
        low, high = facts.range
        for score in scores:
            if score is not None and not low <= score <= high:
                return f"{metric} is {score}, outside of its range {low:g} to {high:g}."
            if score not in (None, 0, 1) and facts.kind == "pass-fail":
                return f"{metric} is {score}; a pass-fail score is 0 or 1."
    return None


def _measures_problem(case: CaseResult, result: Result) -> str | None:
    measures = {name: getattr(case, name) for name in ("latency_ms", "tokens_in", "tokens_out", "cost_usd")}
    for name, values in measures.items():
        if any(value is not None and value < 0 for value in values):
            return f"{name} is below 0."
        if any(value is not None and value > _LARGEST for value in values):
            return f"{name} is above {_LARGEST:g}."
    lists: list[list[Any]] = [*case.scores.values(), *measures.values(), case.cached]
    if any(len(values) > result.repeats for values in lists):
        return f"there are more values than the {result.repeats} repeats."
    return None


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
            if score is None and failed.isdisjoint({(repeat, PROVIDER), (repeat, metric)}):
                return f"{metric} has no score in repeat {repeat}, and no error says why."
            if not (score is None or failed.isdisjoint({(repeat, PROVIDER), (repeat, metric)})):
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


def read_outputs(data: bytes, path: str) -> dict[str, list[str | None]]:
    """The outputs of a run by case id; FileError with path and line for what is none."""
    outputs: dict[str, list[str | None]] = {}
    for number, line in enumerate(decode(data, path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = strict_json(line)
            id_, texts = row["id"], row["outputs"]
            kinds = isinstance(id_, str) and isinstance(texts, list) and all(isinstance(t, str | None) for t in texts)
            if not kinds or holds_half_pairs(line, row):
                raise TypeError
            outputs[id_] = texts
        except (ValueError, TypeError, KeyError, RecursionError):
            raise FileError(
                'this is not a line of outputs: {"id": …, "outputs": […]}.', path=path, line=number
            ) from None
    return outputs


def outputs_text(outputs: Mapping[str, list[str | None]]) -> str:
    """The file of outputs: one case a line, each output cut to MAX_OUTPUT characters."""
    rows = [
        line_json({"id": id_, "outputs": [None if text is None else text[:MAX_OUTPUT] for text in texts]})
        for id_, texts in outputs.items()
    ]
    return "".join(f"{row}\n" for row in rows)
