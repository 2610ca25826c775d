"""Stored results: one immutable file for each run (docs/evals.md has the format)."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from promptreg.core.errors import FileError
from promptreg.core.text import decode
from promptreg.evals.json_text import holds_half_pairs, line_json, strict_json
from promptreg.evals.statistics import mean_of
from promptreg.evals.suite import FOLDER, Setup
from promptreg.files import LOCAL
from promptreg.validation import Strict

SCHEMA = 1
RESULTS = "results"
OUTPUTS = ".outputs.jsonl"
MAX_OUTPUT = 2000

Number = Annotated[float, Field(allow_inf_nan=False)]


class Failure(Strict):
    """Why one repeat of a case has no score: `source` is `provider` or the name of a metric."""

    repeat: Annotated[int, Field(ge=0)]
    source: str
    reason: str


class CaseResult(Strict):
    """One case of a run. Each list holds one entry for each repeat; null is no evidence, and `errors` says why.

    `cached` marks answers that were not asked for again; they are never a new repeat. `tokens_cached` are those of
    `tokens_in` that the provider had in its own cache; `finish` is why an answer ended, where that was not `stop`.
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
    tokens_cached: list[int | None] = Field(default_factory=list)
    finish: list[str | None] = Field(default_factory=list)
    errors: list[Failure] = Field(default_factory=list)
    cached: list[bool] = Field(default_factory=list)


class ScorerFacts(Strict):
    """What a result says of a scorer."""

    kind: Literal["pass-fail", "score"]
    range: Annotated[tuple[Number, Number], Field(strict=False)]
    direction: Literal["up", "down"]
    digest: str
    model: str | None = None

    @property
    def full_mark(self) -> float:
        """The best score there is."""
        return self.range[1] if self.direction == "up" else self.range[0]


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


class CacheUse(Strict):
    """How many answers came from the cache, how many were asked for.

    `runs` are when those in it were first asked for.
    """

    hits: Annotated[int, Field(ge=0)]
    misses: Annotated[int, Field(ge=0)]
    runs: list[str]


class Judging(Strict):
    """What judges were asked during a run, and what it cost; none of it is a cost of the prompt."""

    calls: Annotated[int, Field(ge=0)]
    tokens_in: Annotated[int, Field(ge=0)] = 0
    tokens_out: Annotated[int, Field(ge=0)] = 0
    cost_usd: Number = 0


class Result(Strict):
    """One run of one version on one suite.

    `answers_of` is the file of the run whose stored answers were scored, where nothing was asked: its scores are about
    the same answers and are no new repeat. `judged_by` is the person who gave the scores, where a person did.
    """

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
    cache: CacheUse | None = None
    judging: Judging | None = None
    answers_of: str | None = None
    judged_by: str | None = None
    scorers: dict[str, ScorerFacts]
    totals: Totals
    cases: list[CaseResult]

    def text(self) -> str:
        """The file: header keys on their own lines, then one case a line; empty keys of cases are left out."""
        return "".join(self.parts(self.cases))

    def parts(self, cases: Iterable[CaseResult]) -> Iterator[str]:
        """The file with some cases, piece by piece, so that they need not all be in memory."""
        data = _compact(self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"cases"}))
        # to a provider 1.0 and 1, null and nothing may differ, so that they are other setups
        data["setup"]["parameters"] = self.setup.parameters
        lines = (f"{line_json(key)}: {line_json(value)},\n" for key, value in data.items())
        yield from ("{\n", *lines, '"cases": [\n')
        separator = ""
        for case in cases:
            row = _compact(case.model_dump(mode="json", exclude_none=True))
            yield separator + line_json({key: value for key, value in row.items() if value not in (None, [], {})})
            separator = ",\n"
        yield "\n]\n}\n"

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


def moment(text: str) -> datetime:
    """When a run began; without a time zone it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class Sums:
    """Sums over a run, case by case; a number for each case is kept, not the case."""

    def __init__(self, metrics: Iterable[str]) -> None:
        self._means = {metric: array("d") for metric in metrics}
        self._costs = array("d")
        self._tokens_in = self._tokens_out = self._errors = 0

    def add(self, case: CaseResult) -> None:
        """Count a case in."""
        for metric, means in self._means.items():
            scores = case.scores.get(metric, ())
            mean = scores[0] if len(scores) == 1 else mean_of(scores)
            if mean is not None:
                means.append(mean)
        # filter(None, …) leaves nulls and zeros out
        self._costs.extend(filter(None, case.cost_usd))
        self._tokens_in += sum(filter(None, case.tokens_in))
        self._tokens_out += sum(filter(None, case.tokens_out))
        self._errors += len(case.errors)

    def totals(self) -> Totals:
        """What it comes to."""
        return Totals(
            metrics={
                metric: MetricTotal(n=len(means), mean=math.fsum(means) / len(means) if means else None)
                for metric, means in self._means.items()
            },
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
            cost_usd=math.fsum(self._costs),
            errors=self._errors,
        )


def totals(cases: Iterable[CaseResult], metrics: Iterable[str]) -> Totals:
    """Sums over cases."""
    sums = Sums(metrics)
    for case in cases:
        sums.add(case)
    return sums.totals()


@dataclass(frozen=True, slots=True)
class Outputs:
    """A line of a file of outputs: the outputs of a case by repeat, which of them were cut, and comments by metric."""

    texts: list[str | None]
    cut: frozenset[int] = frozenset()
    comments: dict[str, list[str | None]] = field(default_factory=dict)

    def why_unjudged(self, repeat: int) -> str | None:
        """Why an output cannot be judged; None where it is there and whole, or may be."""
        text = self.texts[repeat] if repeat < len(self.texts) else None
        if text is None:
            return "its output is not stored"
        # the first release did not say what it had cut
        cut = repeat in self.cut or len(text) == MAX_OUTPUT
        return f"only the first {MAX_OUTPUT:,} characters of its output are stored" if cut else None


def read_outputs(data: bytes, path: str) -> dict[str, list[str | None]]:
    """The outputs of a run by case id; FileError with path and line for what is none."""
    return {id_: row.texts for id_, row in read_rows(data, path).items()}


def read_rows(data: bytes, path: str) -> dict[str, Outputs]:
    """All that a file of outputs says, by case id; FileError with path and line for what is none."""
    rows: dict[str, Outputs] = {}
    for number, line in enumerate(decode(data, path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = strict_json(line)
            id_, found = row["id"], Outputs(row["outputs"], frozenset(row.get("cut", ())), row.get("comments", {}))
            if not isinstance(id_, str) or not _is_row(found) or holds_half_pairs(line, row):
                raise TypeError
            rows[id_] = found
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise FileError(
                'this is not a line of outputs: {"id": …, "outputs": […]}.', path=path, line=number
            ) from None
    return rows


def _is_row(row: Outputs) -> bool:
    lists = [row.texts, *row.comments.values()]
    texts = all(isinstance(found, list) and all(isinstance(text, str | None) for text in found) for found in lists)
    return texts and all(type(index) is int for index in row.cut)


def is_failing(case: CaseResult, scorers: Mapping[str, ScorerFacts]) -> bool:
    """Whether something of a case failed, or a score is not the full mark."""
    return bool(case.errors) or any(
        score != scorers[metric].full_mark for metric, scores in case.scores.items() for score in scores
    )


def outputs_text(outputs: Mapping[str, list[str | None]]) -> str:
    """The file of outputs: one case a line, each output cut to MAX_OUTPUT characters."""
    return "".join(output_line(id_, texts, {}) for id_, texts in outputs.items())


def output_line(id_: str, texts: list[str | None], comments: Mapping[str, list[str | None]]) -> str:
    """A line of the file of outputs: each cut to MAX_OUTPUT characters, `cut` says which; comments by metric."""
    row: dict[str, Any] = {"id": id_, "outputs": [None if text is None else text[:MAX_OUTPUT] for text in texts]}
    cut = [index for index, text in enumerate(texts) if text is not None and len(text) > MAX_OUTPUT]
    row |= {"cut": cut} if cut else {}
    row |= {"comments": dict(comments)} if comments else {}
    return f"{line_json(row)}\n"
