"""Check 5, and what a change loosens: base's rules judge it, so that a looser policy holds from the next change on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from promptreg.check.change import Change
from promptreg.config import Config
from promptreg.core.errors import PromptregError, counted
from promptreg.core.limits import LIMITS
from promptreg.diff.bumps import bump_problem, compared_with
from promptreg.diff.contract import compare
from promptreg.evals.cases import CRITICAL
from promptreg.evals.suite import MetricPolicy, Suite
from promptreg.lint.finding import NOTE, WARNING, Finding, finding_of

_MODES = ("lenient", "standard", "strict")
_HIGHER_IS_STRICTER = ("min_coverage", "min_cases")


def check_bumps(change: Change) -> None:
    """A version new in head is what its line says, and has a bump that its changes allow."""
    if change.before is None:
        return
    for name in change.names():
        before = change.base_sums(name)
        if before is None:
            continue
        try:
            known = set(before.versions())
            versions = change.head.catalog.sums(name).versions()
            loader = change.head.loader
            for version in versions:
                if version in known:
                    continue
                made = loader.version(name, version)
                for below in compared_with(version, versions):
                    problem = bump_problem(version, below, compare(loader.version(name, below), made))
                    if problem:
                        change.error("bump", f"{name}: {problem}", prompt=name, path=f"{name}/versions.sum")
                        break
        except PromptregError as problem:
            if problem.path not in {finding.path for finding in change.findings}:
                change.say(finding_of(problem, name))


@dataclass(frozen=True, slots=True)
class _Loosened:
    what: str
    path: str
    prompt: str | None = None


def check_policy(change: Change) -> None:
    """List what head loosens, and what is read from head because base does not have it."""
    if change.before is None:
        return
    for found in _loosened(change):
        message = f"{found.what}. It holds from the next change on; this one is judged by base's rules."
        shown = change.head.source.shown(found.path)
        change.say(Finding("policy-loosened", WARNING, message, found.prompt, shown))


def _loosened(change: Change) -> Iterator[_Loosened]:
    assert change.before is not None
    if "promptreg.toml" in change.paths:
        yield from (_Loosened(what, "promptreg.toml") for what in _config(change.before.config, change.head.config))
    default_drop = change.before.config.gate.max_drop
    for name in change.names():
        if not any(path.startswith(f"{name}/evals/") and "/results/" not in path for path in change.paths):
            continue
        try:
            old, new = change.before.suites(name), change.head.suites(name)
        except PromptregError:
            continue
        if new and not old:
            first = change.head.source.shown(f"{name}/evals/suite.yaml")
            change.say(
                Finding("first-suite", NOTE, f"{name} has its first suite; it is read from this change.", name, first)
            )
        yield from (
            _Loosened(what, f"{name}/evals/{suite}.yaml", name) for suite, what in _suites(old, new, default_drop)
        )


def _config(old: Config, new: Config) -> Iterator[str]:
    for key in type(old.gate).model_fields:
        before, after = getattr(old.gate, key), getattr(new.gate, key)
        looser = after < before if key in _HIGHER_IS_STRICTER or key == "alpha" else after > before
        if looser:
            yield f"[gate] {key} {before:g} → {after:g}"
    yield from _environments(old, new)
    for key, (default, _) in LIMITS.items():
        before, after = old.limits.get(key, default), new.limits.get(key, default)
        if after > before:
            yield f"[limits] {key} {before:,} → {after:,}"
    if new.default_environment != old.default_environment:
        yield f"default_environment: {old.default_environment} → {new.default_environment}"


def _environments(old: Config, new: Config) -> Iterator[str]:
    for name, environment in old.environments.items():
        if name not in new.environments:
            yield f"the environment {name} is removed"
            continue
        now = new.environments[name]
        if _MODES.index(now.mode) < _MODES.index(environment.mode):
            yield f"mode of {name}: {environment.mode} → {now.mode}"
        if environment.after is not None and now.after != environment.after:
            yield f"after of {name}: {environment.after} → {now.after or 'nothing'}"


def _suites(old: list[Suite], new: list[Suite], default_drop: float) -> Iterator[tuple[str, str]]:
    now = {suite.name: suite for suite in new}
    for suite in old:
        if suite.name not in now:
            yield suite.name, f"the suite {suite.name} is removed"
            continue
        for what in [*_cases(suite, now[suite.name]), *_metrics(suite, now[suite.name], default_drop)]:
            yield suite.name, what


def _cases(old: Suite, new: Suite) -> Iterator[str]:
    now = {case.id: case for case in new.cases}
    removed = [case.id for case in old.cases if case.id not in now]
    rewritten = [case.id for case in old.cases if case.id in now and now[case.id].digest != case.digest]
    relaxed = [
        case.id for case in old.cases if CRITICAL in case.tags and case.id in now and CRITICAL not in now[case.id].tags
    ]
    for ids, what in ((removed, "removed"), (rewritten, "rewritten"), (relaxed, "no longer critical")):
        if ids:
            listed = ", ".join(ids[:8]) + (" …" if len(ids) > 8 else "")
            yield f"{counted(len(ids), 'case')} {what}: {listed}"


def _metrics(old: Suite, new: Suite, default_drop: float) -> Iterator[str]:
    if old.setup().engine() != new.setup().engine():
        yield "the setup (provider, model or parameters) is another"
    for name, scorer in old.scorers.items():
        if name not in new.scorers:
            yield f"the metric {name} is removed"
        elif new.scorers[name].digest() != scorer.digest():
            yield f"the scorer of {name} is another"
    for name in sorted(old.gate.keys() | new.gate.keys()):
        before, after = old.gate.get(name, MetricPolicy()), new.gate.get(name, MetricPolicy())
        yield from _thresholds(name, before, after, default_drop)


def _thresholds(name: str, old: MetricPolicy, new: MetricPolicy, default_drop: float) -> Iterator[str]:
    for key, default in (("max_drop", default_drop), ("max_rise", math.inf)):
        before, after = (default if found is None else found for found in (getattr(old, key), getattr(new, key)))
        if after > before:
            yield f"{key} of {name}: {before:g} → {'nothing' if after == math.inf else f'{after:g}'}"
    if old.min is not None and (new.min is None or new.min < old.min):
        yield f"min of {name}: {old.min:g} → {'nothing' if new.min is None else f'{new.min:g}'}"
    if old.block and not new.block:
        yield f"{name} no longer blocks"
