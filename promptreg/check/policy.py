"""Check 5, and what a change loosens: base's rules judge it, so that a looser policy holds from the next change on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from promptreg.check.change import Change
from promptreg.config import Config
from promptreg.core.errors import PromptregError, counted
from promptreg.core.limits import LIMITS
from promptreg.core.pins import FOLDER, environment_path
from promptreg.core.source import SETTINGS
from promptreg.diff.bumps import bump_problem, compared_with
from promptreg.diff.contract import compare
from promptreg.evals.cases import CRITICAL
from promptreg.evals.python_code import CODE, Code
from promptreg.evals.suite import FOLDER as SUITES
from promptreg.evals.suite import MetricPolicy, Suite, suite_names
from promptreg.lint.finding import ERROR, NOTE, WARNING, Finding

_MODES = ("lenient", "standard", "strict")
#: What of outputs is stored, from the least on: what is not there nobody can look at, label or score anew.
_STORED = ("none", "failing", "all")
_MODULE = ".py"
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
            change.problem(problem, name)


LATER = "It holds from the next change on; this one is judged by base's rules."
AT_ONCE = "It holds as soon as this change is merged."


@dataclass(frozen=True, slots=True)
class _Loosened:
    what: str
    path: str
    prompt: str | None = None
    holds: str = LATER
    severity: str = WARNING
    fix: str | None = None


def check_policy(change: Change) -> None:
    """List what head loosens, and what is read from head because base does not have it."""
    if change.before is None:
        return
    for found in _loosened(change):
        shown = change.head.source.shown(found.path)
        message = f"{found.what}. {found.holds}"
        change.say(Finding("policy-loosened", found.severity, message, found.prompt, shown, None, None, found.fix))


def _loosened(change: Change) -> Iterator[_Loosened]:
    assert change.before is not None
    if SETTINGS in change.changed:
        old_config, new_config = change.before.config, change.head.config
        yield from (_Loosened(what, SETTINGS) for what in _config(old_config, new_config))
        for name in old_config.environments:
            if name not in new_config.environments:
                yield _Loosened(f"the environment {name} is removed", SETTINGS, holds=AT_ONCE)
        if new_config.default_environment != old_config.default_environment:
            yield _another_default(change, old_config, new_config.default_environment)
    default_drop = change.before.config.gate.max_drop
    for name in _judged_otherwise(change):
        try:
            old = change.before.suites(name)
        except PromptregError as problem:
            change.unreadable(problem, name)
            continue
        try:
            new = change.head.suites(name)
        except PromptregError:  # told where they themselves are read
            continue
        if new and not old:
            first = change.head.source.shown(f"{name}/evals/suite.yaml")
            change.say(
                Finding("first-suite", NOTE, f"{name} has its first suite; it is read from this change.", name, first)
            )
        yield from (
            _Loosened(what, f"{name}/evals/{suite}.yaml", name) for suite, what in _suites(old, new, default_drop)
        )
        yield from (
            _Loosened(f"the code of the provider {provider} is another", f"{name}/evals/{suite}.yaml", name)
            for suite, provider in _other_providers(change, old, new)
        )


def _judged_otherwise(change: Change) -> list[str]:
    """The prompts of which something beside results differs that judges them: files of theirs, or code elsewhere."""
    here = {path for path in change.paths if "/evals/results/" not in path}
    found = {name for name in change.names() if any(path.startswith(f"{name}/evals/") for path in here)}
    if any(path.endswith(_MODULE) for path in here):
        found.update(name for name in change.here if _names_code(change, name))
    return sorted(found)


def _names_code(change: Change, name: str) -> bool:
    """Whether a suite of a prompt may name a module of the registry."""
    source = change.head.source
    try:
        texts = [source.read(f"{name}/{SUITES}/{suite}.yaml") or b"" for suite in suite_names(source, name)]
    except PromptregError:  # told where the suites are read, if they differ
        return False
    return any(b"python" in text for text in texts)


def _other_providers(change: Change, old: list[Suite], new: list[Suite]) -> Iterator[tuple[str, str]]:
    """The suites whose provider is a function of the registry, where its module is another now; its name."""
    assert change.before is not None
    now = {suite.name: suite for suite in new}
    for suite in old:
        provider = suite.provider or ""
        if not provider.startswith(CODE) or suite.name not in now or now[suite.name].provider != provider:
            continue
        reference = provider.removeprefix(CODE)
        try:
            was, found = (Code.find(reference, ".", view.source.read) for view in (change.before, change.head))
        except PromptregError:  # it names no function, which is told where it is run
            continue
        if was.digest != found.digest:
            yield suite.name, provider


def _another_default(change: Change, old: Config, default: str) -> _Loosened:
    """What code that names no environment will run: an error where this change puts something there that no gate of
    base's default environment has seen. A new environment's pins are judged by that gate (check/environments.py).
    """
    what = f"default_environment: {old.default_environment} → {default}"
    if old.default_environment not in old.environments:
        moved = []
    elif default in ("draft", "latest"):
        moved = [path for path in change.paths if change.prompt_of(path) or path.startswith(f"{FOLDER}/")]
    else:
        moved = [environment_path(default)] if default in old.environments else []
    if change.changed.isdisjoint(moved):
        return _Loosened(what, SETTINGS, holds=AT_ONCE)
    holds = f"{AT_ONCE} What this change does to {moved[0]} would then run past the gate of {old.default_environment}."
    return _Loosened(what, SETTINGS, None, holds, ERROR, "change the default in a change of its own")


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


def _environments(old: Config, new: Config) -> Iterator[str]:
    for name, environment in old.environments.items():
        if name not in new.environments:
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
    if old.code is not None or new.code is not None:
        if old.code != new.code:
            yield "the code that makes the cases is another" if old.code else "code makes the cases from now on"
        return
    now = {case.id: case for case in new.cases}
    removed = [case.id for case in old.cases if case.id not in now]
    rewritten = [case.id for case in old.cases if case.id in now and now[case.id].digest != case.digest]
    relaxed = [
        case.id for case in old.cases if CRITICAL in case.tags and case.id in now and CRITICAL not in now[case.id].tags
    ]
    grouped = [case.id for case in old.cases if case.id in now and now[case.id].cluster not in (None, case.cluster)]
    listings = (
        (removed, "removed"),
        (rewritten, "rewritten"),
        (relaxed, "no longer critical"),
        (grouped, "in a new cluster"),
    )
    for ids, what in listings:
        if ids:
            listed = ", ".join(ids[:8]) + (" …" if len(ids) > 8 else "")
            yield f"{counted(len(ids), 'case')} {what}: {listed}"


def _metrics(old: Suite, new: Suite, default_drop: float) -> Iterator[str]:
    was, now = (suite.setup().model_copy(update={"cases": None, "code": None}).engine() for suite in (old, new))
    if was != now:
        yield "the setup (provider, model or parameters) is another"
    if new.repeats < old.repeats:
        yield f"repeats: {old.repeats} → {new.repeats}"
    if _STORED.index(new.store_outputs) < _STORED.index(old.store_outputs):
        yield f"store_outputs: {old.store_outputs} → {new.store_outputs}"
    for name, scorer in old.scorers.items():
        if name not in new.scorers:
            yield f"the metric {name} is removed"
        elif new.scorers[name].digest() != scorer.digest():
            yield f"the scorer of {name} is another"
    for name in sorted(old.gate.keys() | new.gate.keys()):
        before, after = _asked(old, name), _asked(new, name)
        yield from _thresholds(name, before, after, default_drop)
        less_is_better = name in old.scorers and old.scorers[name].scale().direction == "down"
        yield from looser_min(name, before.min, after.min, less_is_better=less_is_better)


def _asked(suite: Suite, metric: str) -> MetricPolicy:
    """What a suite asks of a metric; what people judge blocks only where it is named."""
    people = metric in suite.scorers and suite.scorers[metric].by_people
    return suite.gate.get(metric) or MetricPolicy(block=not people)


def looser_min(name: str, old: float | None, new: float | None, *, less_is_better: bool) -> Iterator[str]:
    """A `min` that asks for less: a lower one, or a higher one of a metric of which less is better."""
    if old is not None and (new is None or (new > old if less_is_better else new < old)):
        yield f"min of {name}: {old:g} → {'nothing' if new is None else f'{new:g}'}"


def _thresholds(name: str, old: MetricPolicy, new: MetricPolicy, default_drop: float) -> Iterator[str]:
    for key, default in (("max_drop", default_drop), ("max_rise", math.inf)):
        before, after = (default if found is None else found for found in (getattr(old, key), getattr(new, key)))
        if after > before:
            yield f"{key} of {name}: {before:g} → {'nothing' if after == math.inf else f'{after:g}'}"
    if old.block and not new.block:
        yield f"{name} no longer blocks"
