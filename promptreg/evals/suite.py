"""Suites: the cases and scorers that judge a prompt (docs/evals.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from promptreg.core.catalog import Catalog
from promptreg.core.errors import FileError, PromptregError, SpecError, near
from promptreg.core.loader import Loader
from promptreg.core.names import parse_spec
from promptreg.core.prompt import Prompt
from promptreg.core.prompt_file import is_transport
from promptreg.core.source import Source
from promptreg.core.text import decode
from promptreg.core.yaml_reader import YamlText, read_yaml
from promptreg.evals.all_providers import code_digest, provider_kind
from promptreg.evals.all_scorers import SCORERS
from promptreg.evals.cases import Case, Cases, Judge
from promptreg.evals.code_cases import CodeCases
from promptreg.evals.json_text import canonical_json
from promptreg.evals.provider import Means
from promptreg.evals.python_code import CODE, Code
from promptreg.evals.scorer import PROVIDER, Scorer, ScorerError
from promptreg.evals.suite_cases import CasesPlace, holds_cases
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
    """What makes two runs comparable: provider, requested model, suite-side parameters, and the scorers' digests.

    `cases` is the code that makes the cases, with its digest; absent where they stand in a file. `code` is the digest
    of the provider's own code, absent where it has none in the registry.
    """

    provider: str | None = None
    model: str | None = None
    parameters: dict[str, Any] = {}
    scorers: dict[str, str]
    cases: str | None = None
    code: str | None = None

    @model_serializer(mode="wrap")
    def _data(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = fields(self)
        return {name: value for name, value in found.items() if name not in ("cases", "code") or value is not None}

    def engine(self) -> tuple[str | None, ...]:
        """All of it but the scorers."""
        return self.provider, self.model, canonical_json(self.parameters), self.cases, self.code


class _SuiteFile(Strict):
    description: str = ""
    provider: str | None = None
    model: str | None = None
    parameters: dict[str, Any] = {}
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    store_outputs: Literal["all", "failing", "none"] = "all"
    scorers: dict[str, dict[str, Any]]
    gate: dict[str, MetricPolicy] = {}
    cases: str | list[Any] = "cases.jsonl"


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite of a prompt.

    `name` is its file's name without `.yaml`; `cases_path` how messages name the file where the cases stand, and
    `cases_file` that file in the registry, where they have one of their own. `code` is what makes them where they stand
    in none: they are not known before it may run (`with_code`). `read` reads a file of the registry.
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
    cases: Cases
    cases_path: str
    cases_file: str | None = None
    code: Code | None = None
    read: Callable[[str], bytes | None] = field(default=lambda path: None, compare=False, repr=False)

    def problem(self, case: Case, message: str) -> FileError:
        """An error about a case, with its place."""
        return FileError(message, path=self.cases_path, line=self.cases.line_of(case.id))

    def with_code(self, means: Means) -> Suite:
        """The suite with the cases that its code makes, which is run here, once; itself where it has none.

        FileError where the code fails, or for what is wrong with a case.
        """
        return replace(self, cases=self.cases.made(means)) if isinstance(self.cases, CodeCases) else self

    def automatic(self) -> Suite:
        """The suite without what people judge: what a run scores its answers by, and what its result names."""
        scorers = {metric: scorer for metric, scorer in self.scorers.items() if not scorer.by_people}
        return self if len(scorers) == len(self.scorers) else replace(self, scorers=scorers)

    def setup(self, provider: str | None = None) -> Setup:
        """The setup that the suite declares, or the one it would have with another provider."""
        return Setup(
            provider=provider or self.provider,
            model=self.model,
            parameters=self.parameters,
            scorers={name: scorer.digest() for name, scorer in self.scorers.items()},
            cases=None if self.code is None else " ".join(filter(None, (CODE + self.code.reference, self.code.digest))),
            code=code_digest(provider or self.provider, self.read),
        )


def suite_names(source: Source, prompt: str) -> list[str]:
    """The names of a prompt's suites, the main one first."""
    return _suites_among(source.files(f"{prompt}/{FOLDER}"))


def _suites_among(files: Iterable[str]) -> list[str]:
    found = [file.removesuffix(".yaml") for file in files if file.endswith(".yaml") and not holds_cases(file)]
    return sorted(found, key=lambda name: (name != MAIN, name))


def read_suites(source: Source, prompt: str) -> list[Suite]:
    """All suites of a prompt; FileError with path, line and column for what is wrong in one."""
    folder = f"{prompt}/{FOLDER}"
    files = source.files(folder)
    suites = [read_suite(source, prompt, name) for name in _suites_among(files)]
    used = {suite.cases_file for suite in suites}
    for file in filter(holds_cases, files):
        if f"{folder}/{file}" not in used:
            message = f"no suite says  cases: {file}. Write it into one, or rename this file if it is a suite itself."
            raise FileError(message, path=source.shown(f"{folder}/{file}"))
    return suites


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


class _Place:
    """Where a suite stands, for its scorers (`scorer.Place`)."""

    def __init__(self, reader: _Reader, at: Location) -> None:
        self.folder = f"{reader.prompt}/{FOLDER}"
        self._reader = reader
        self._at = at

    def prompt(self, spec: str) -> Prompt:
        name, selector = parse_spec(spec)
        if selector is None or selector.kind != "version":
            raise SpecError(f"{spec} needs an exact version, as in {name}@1.0.0, so that it can never change.")
        catalog = Catalog(self._reader.source)
        return Loader(catalog).prompt(name, catalog.resolve(name, selector))

    def read(self, path: str) -> bytes | None:
        return self._reader.source.read(path)

    def scorer(self, options: Any, at: Location) -> Scorer:
        return self._reader.made(options, (*self._at, *at))


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
        place = CasesPlace(self.source, f"{self.prompt}/{FOLDER}", self.text)
        cases, path, code = place.cases(file.cases, judge_of(scorers))
        return Suite(
            name, self.text.path, file.provider, file.model, file.parameters, file.repeats, file.store_outputs,
            scorers, file.gate, cases, self.source.shown(path) if path else self.text.path, path, code,
            self.source.read,
        )  # fmt: skip

    def _problem(self, message: str, location: Location, is_key: bool) -> FileError:
        return self.text.problem(message, location, key=is_key)

    def _scorer(self, metric: str, options: dict[str, Any]) -> Scorer:
        at = ("scorers", metric)
        if metric in FREE_METRICS:
            raise self.text.problem(f"{metric} is measured in every run. Name the scorer something else.", at, key=True)
        if metric == PROVIDER or "." in metric or not metric.strip() or not metric.isprintable():
            raise self.text.problem(
                f"a scorer's name is text without a dot, and not {PROVIDER}: results and verdicts use these otherwise.",
                at,
                key=True,
            )
        return self.made(options, at)

    def made(self, options: Any, at: Location) -> Scorer:
        """A scorer from its options, which stand at `at`; FileError for what is wrong with them."""
        kind = options.get("type") if isinstance(options, dict) else None
        if not isinstance(kind, str) or kind not in SCORERS:
            named = kind if isinstance(kind, str) else ""
            there = f"There are {', '.join(SCORERS)}.{near(named, SCORERS)}"
            raise self.text.problem(
                f"there is no scorer {kind}. {there}" if named else f"a scorer needs a type. {there}", (*at, "type")
            )

        if SCORERS[kind].by_people and len(at) > len(("scorers", "NAME")):
            raise self.text.problem(
                f"{kind}: people judge this, so it cannot be a part of another scorer.", (*at, "type")
            )

        def problem(message: str, location: Location, is_key: bool) -> FileError:
            return self._problem(message, (*at, *location), is_key)

        scorer = validated(SCORERS[kind], options, problem)
        try:
            scorer.bind(_Place(self, at))
            scorer.check_options()
        except FileError:
            raise
        except PromptregError as trouble:
            raise self.text.problem(f"{at[1]}: {trouble.message}", (*at, *scorer.main_option)) from None
        return scorer

    def _check(self, file: _SuiteFile) -> None:
        if file.provider is not None:
            try:
                provider_kind(file.provider)
            except PromptregError as problem:
                raise self.text.problem(problem.message, ("provider",)) from None
        for name in file.parameters:
            if is_transport(name):
                raise self.text.problem(
                    f"{name} is no generation setting: endpoints, credentials, headers and transport come from the "
                    "environment.",
                    ("parameters", name),
                    key=True,
                )
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


def judge_of(scorers: Mapping[str, Scorer]) -> Judge:
    """What refuses a case that one of some scorers cannot judge."""

    def judge(case: Case) -> None:
        for metric, scorer in scorers.items():
            try:
                scorer.check(case)
            except PromptregError as problem:
                raise ScorerError(f"{metric}: {problem.message}") from None

    return judge


def fingerprint(behaviour: str, setup: Setup) -> str:
    """`sha256:…` of a prompt's behaviour and a setup: what runs must share to be pooled."""
    facts = canonical_json({"behaviour": behaviour, "setup": setup.model_dump(mode="json")})
    return f"sha256:{hashlib.sha256(facts.encode()).hexdigest()}"
