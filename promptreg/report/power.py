"""What suites can notice, as lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from promptreg.core.errors import counted
from promptreg.power import Need, Power
from promptreg.report.table import columns

_AT_BEST = "At best: all that a change loses is among the cases that differ by chance anyway; else losses come on top."


def power_lines(name: str, found: Sequence[Power]) -> list[str]:
    """A sentence for each metric, then a table, then what the figures are from."""
    lines = _grouped((power, _sentence(power)) for power in found)
    rows = [_row(power, number) for power in found for number in range(len(power.needs))]
    if rows:
        head = ["suite", "metric", "differing", "cases", "notices", "cases for the drop", "runs of each"]
        lines.extend(["", *columns([head, *rows]), ""])
    lines.extend(_grouped((power, _note(name, power)) for power in found))
    if any(power.source is not None and len(power.needs) > 1 for power in found):
        lines.append(_AT_BEST)
    return lines


def _grouped(said: Iterable[tuple[Power, str]]) -> list[str]:
    """What is said of metrics: once for those of a suite of which the same is said."""
    metrics: dict[tuple[str, str], list[str]] = {}
    for power, sentence in said:
        metrics.setdefault((power.suite, sentence), []).append(power.metric)
    return [
        f"{suite}, {names[0]}: {sentence}" if len(names) == 1 else f"{suite}: {', '.join(names)}: {sentence}"
        for (suite, sentence), names in metrics.items()
    ]


def _sentence(power: Power) -> str:
    drop, cases = _points(power.drop, power), counted(power.units, "case")
    if not power.needs:
        return "what it would notice cannot be said yet."
    if power.source is None:
        low, high = power.needs[0], power.needs[-1]
        return (
            f"how many cases differ by chance is not known yet. To notice {drop} it needs about {low.cases} "
            f"cases if {_percent(low)} of them differ, {high.cases} if {_percent(high)} do; it has {power.units}."
        )
    need = power.needs[0]
    now = (
        f"not even the loss of all of its {cases} would be noticed"
        if need.detectable is None
        else f"would notice a drop of about {_points(need.detectable, power)} 80 % of the time"
    )
    if need.detectable is not None and need.detectable <= power.drop:
        return f"{now}; to notice {drop}, the {cases} that it has suffice."
    return f"{now}; to notice {drop} it needs about {need.cases} cases{_or_runs(power)}."


def _or_runs(power: Power) -> str:
    if power.repeats < 2:
        return ""
    cases = counted(power.units, "case")
    if power.runs is None:
        return f", since no number of runs of its {cases} does it"
    return f", or {counted(power.runs, 'run')} of each of its {cases}"


def _row(power: Power, number: int) -> list[str]:
    need = power.needs[number]
    detectable = "–" if need.detectable is None else _points(need.detectable, power)
    best = power.source is not None and number > 0
    runs = "–" if best or power.repeats < 2 else "none" if power.runs is None else str(power.runs)
    share = _spread(power) if need.differing is None else f"{'if ' if power.source is None else ''}{_percent(need)}"
    return [
        power.suite,
        power.metric,
        f"{share}, at best" if best else share,
        str(power.units),
        detectable,
        f"{need.cases} for {_points(power.drop, power)}",
        runs,
    ]


def _note(name: str, power: Power) -> str:
    """What the figures are from, or what would tell."""
    if power.source is None:
        what = f"it has {counted(power.units, 'case')} and no result that counts"
        if power.results:
            what = "one run of each case says nothing of chance"
        suite = "" if power.suite == "suite" else f" --suite {power.suite}"
        return f"{what}. To know: promptreg eval {name}@VERSION{suite} --repeat 3"
    return f"from {power.source}."


def _percent(need: Need) -> str:
    return f"{(need.differing or 0) * 100:.1f}".removesuffix(".0") + " %"


def _spread(power: Power) -> str:
    return f"± {_points(power.spread or 0.0, power)}"


def _points(share: float, power: Power) -> str:
    """A share of the range: in points, or as a difference of scores where the range is not 1 wide."""
    if power.span != 1:
        return f"{share * power.span:.3g}"
    number = f"{math.floor(share * 1000 + 0.5) / 10:.1f}".removesuffix(".0")
    return f"{number} point{'' if number == '1' else 's'}"
