"""Suites: the cases and scorers that judge a prompt (docs/evals.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from promptreg.core.errors import FileError, PromptregError, near
from promptreg.core.source import Source
from promptreg.core.text import decode
from promptreg.core.yaml_reader import YamlText, read_yaml
from promptreg.evals.all_providers import provider_kind
from promptreg.evals.all_scorers import SCORERS
from promptreg.evals.cases import Case, check_cases, read_case_lines
from promptreg.evals.json_text import canonical_json
from promptreg.evals.scorer import PROVIDER, Scorer
from promptreg.validation import Location, Strict, validated

#: Metrics that every run has beside its scorers; of these, less is better, and they are told as ratios.
FREE_METRICS = ("latency", "cost", "tokens")
FOLDER = "evals"
MAIN = "suite"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class MetricPolicy(Strict):
    """What the gate asks of one metric; None takes the registry's default."""

    max_drop: Annotated[float, Field(gt=0, le=1)] | None = None
    max_rise: Annotated[float, Field(gt=0)] | None = None
    min: float | None = None
    block: bool = True


class Setup(Strict):
    """What makes two runs comparable: provider, requested model, suite-side parameters, and the scorers' digests."""

    provider: str | None = None
    model: str | None = None
    parameters: dict[str, Any] = {}
    scorers: dict[str, str]

    def engine(self) -> tuple[str | None, str | None, str]:
        """All of it but the scorers."""
        return self.provider, self.model, canonical_json(self.parameters)


class _SuiteFile(Strict):
    description: str = ""
    provider: str | None = None
    model: str | None = None
    parameters: dict[str, Any] = {}
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    store_outputs: Literal["all", "failing", "none"] = "all"
    scorers: dict[str, dict[str, Any]]
    gate: dict[str, MetricPolicy] = {}
    cases: str | list[Case] = "cases.jsonl"


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite of a prompt.

    `name` is its file's name without `.yaml`; `cases_path` the file where the cases stand, `line_of` the line of a
    case in it, by id (None where it has none).
    """

    name: str
    path: str
    provider: str | None
    model: str | None
    parameters: dict[str, Any]
    repeats: int
    store_outputs: str
    scorers: dict[str, Scorer]
    gate: dict[str, MetricPolicy]
    cases: tuple[Case, ...]
    cases_path: str
    line_of: Callable[[str], int | None] = field(default=lambda _: None, compare=False, repr=False)

    def problem(self, case: Case, message: str) -> FileError:
        """An error about a case, with its place."""
        return FileError(message, path=self.cases_path, line=self.line_of(case.id))

    def setup(self, provider: str | None = None) -> Setup:
        """The setup that the suite declares, or the one it would have with another provider."""
        digests = {name: scorer.digest() for name, scorer in self.scorers.items()}
        return Setup(provider=provider or self.provider, model=self.model, parameters=self.parameters, scorers=digests)


def suite_names(source: Source, prompt: str) -> list[str]:
    """The names of a prompt's suites, the main one first."""
    found = [name.removesuffix(".yaml") for name in source.files(f"{prompt}/{FOLDER}") if name.endswith(".yaml")]
    return sorted(found, key=lambda name: (name != MAIN, name))


def read_suites(source: Source, prompt: str) -> list[Suite]:
    """All suites of a prompt; FileError with path, line and column for what is wrong in one."""
    return [read_suite(source, prompt, name) for name in suite_names(source, prompt)]


def read_suite(source: Source, prompt: str, name: str = MAIN) -> Suite:
    """One suite; FileError where it is not there or wrong."""
    path = f"{prompt}/{FOLDER}/{name}.yaml"
    shown = source.shown(path)
    data = source.read(path)
    if data is None:
        raise FileError(f"{prompt} has no suite {name}.{near(name, suite_names(source, prompt))}", path=shown)
    if not name or not _NAME.issuperset(name):
        raise FileError("a suite's file name is made of a–z, 0–9, - and _.", path=shown)
    text = read_yaml(decode(data, shown), shown)
    return _Reader(source, prompt, text).read(name)


class _Reader:
    def __init__(self, source: Source, prompt: str, text: YamlText) -> None:
        self.source = source
        self.prompt = prompt
        self.text = text

    def read(self, name: str) -> Suite:
        file = validated(_SuiteFile, self.text.data or {}, self._problem)
        scorers = {metric: self._scorer(metric, options) for metric, options in file.scorers.items()}
        if not scorers:
            raise self.text.problem("a suite needs at least one scorer.", ("scorers",))
        self._check(file)
        cases, cases_path, line_of = self._cases(file.cases)
        suite = Suite(
            name, self.text.path, file.provider, file.model, file.parameters, file.repeats, file.store_outputs,
            scorers, file.gate, tuple(cases), cases_path, line_of,
        )  # fmt: skip
        self._check_cases(suite)
        return suite

    def _problem(self, message: str, location: Location, is_key: bool) -> FileError:
        return self.text.problem(message, location, key=is_key)

    def _scorer(self, metric: str, options: dict[str, Any]) -> Scorer:
        kind = options.get("type")
        at = ("scorers", metric)
        if metric in FREE_METRICS:
            raise self.text.problem(f"{metric} is measured in every run. Name the scorer something else.", at, key=True)
        if metric == PROVIDER or "." in metric or not metric.strip() or not metric.isprintable():
            raise self.text.problem(
                f"a scorer's name is text without a dot, and not {PROVIDER}: results and verdicts use these otherwise.",
                at,
                key=True,
            )
        if not isinstance(kind, str) or kind not in SCORERS:
            named = kind if isinstance(kind, str) else ""
            there = f"There are {', '.join(SCORERS)}.{near(named, SCORERS)}"
            raise self.text.problem(
                f"there is no scorer {kind}. {there}" if named else f"a scorer needs a type. {there}", (*at, "type")
            )

        def problem(message: str, location: Location, is_key: bool) -> FileError:
            return self._problem(message, (*at, *location), is_key)

        scorer = validated(SCORERS[kind], options, problem)
        try:
            scorer.check_options()
        except PromptregError as trouble:
            raise self.text.problem(f"{metric}: {trouble.message}", (*at, *scorer.main_option)) from None
        return scorer

    def _check(self, file: _SuiteFile) -> None:
        if file.provider is not None:
            try:
                provider_kind(file.provider)
            except PromptregError as problem:
                raise self.text.problem(problem.message, ("provider",)) from None
        for metric, policy in file.gate.items():
            at = ("gate", metric)
            if metric not in file.scorers and metric not in FREE_METRICS:
                known = [*file.scorers, *FREE_METRICS]
                raise self.text.problem(
                    f"{metric} is not measured here. There are {', '.join(known)}.{near(metric, known)}", at, key=True
                )
            if metric in FREE_METRICS and (policy.max_drop is not None or policy.min is not None):
                raise self.text.problem(f"{metric} takes max_rise, since less of it is better.", at)
            if metric in file.scorers and policy.max_rise is not None:
                raise self.text.problem(f"{metric} takes max_drop, not max_rise.", at)

    def _cases(self, cases: str | list[Case]) -> tuple[list[Case], str, Callable[[str], int | None]]:
        if isinstance(cases, list):
            check_cases(cases, lambda message, index: self.text.problem(message, ("cases", index, "id")))
            index = {case.id: number for number, case in enumerate(cases)}

            def line_of(id_: str) -> int | None:
                # looked for only when it is asked for: that reads the file once more
                return self.text.where(("cases", index[id_]))[0] if id_ in index else None

            return cases, self.text.path, line_of
        if "/" in cases or cases.startswith(".") or not cases.endswith(".jsonl"):
            raise self.text.problem(
                "cases names a .jsonl file beside the suite, as in  cases: cases.jsonl.", ("cases",)
            )
        path = f"{self.prompt}/{FOLDER}/{cases}"
        shown = self.source.shown(path)
        data = self.source.read(path)
        if data is None:
            raise self.text.problem(f"there is no {shown}.", ("cases",))
        found = read_case_lines(decode(data, shown), shown)
        return [case for case, _ in found], shown, {case.id: line for case, line in found}.get

    def _check_cases(self, suite: Suite) -> None:
        for index, case in enumerate(suite.cases):
            for metric, scorer in suite.scorers.items():
                try:
                    scorer.check(case)
                except PromptregError as problem:
                    message = f"{metric}: {problem.message}"
                    if suite.cases_path == self.text.path:
                        raise self.text.problem(message, ("cases", index)) from None
                    raise suite.problem(case, message) from None


def fingerprint(behaviour: str, setup: Setup) -> str:
    """`sha256:…` of a prompt's behaviour and a setup: what runs must share to be pooled."""
    facts = canonical_json({"behaviour": behaviour, "setup": setup.model_dump(mode="json")})
    return f"sha256:{hashlib.sha256(facts.encode()).hexdigest()}"
