"""Painters: data in, lines out, as gate.md 7 and design 6 show them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.diff.contract import compare
from promptreg.diff.words import words
from promptreg.evals.verdict import MetricVerdict, SideFacts, Verdict
from promptreg.lint.finding import ERROR, NOTE, WARNING, Finding
from promptreg.report.diff import diff_lines, word_lines
from promptreg.report.findings import finding_data, finding_lines, severities
from promptreg.report.gate import many_line, signed, verdict_lines
from promptreg.report.table import columns, padded, shortened, width
from tests.support.worlds import prompt_of

DIGEST = "sha256:" + "0" * 64
BEFORE, AFTER = SideFacts("1.1.0", DIGEST, 1, 1), SideFacts("1.2.0", DIGEST, 1, 1)
LOST = ("c17", "refund-partial", "c21", "c22", "c30", "c31", "c44", "c58")
CORRECT = MetricVerdict(
    "pass-fail", 100, "regressed", ("p ≤ 0.05", "drop over 5 points, 6 net"), units=100, baseline=0.93, candidate=0.87,
    change=-0.06, lower=-0.1194, upper=-0.0056, p=0.03271, p_holm=0.03271, lost=LOST, won=("c2", "c9"),
    detectable=0.0781,
)  # fmt: skip
LATENCY = MetricVerdict(
    "ratio", 100, "pass", ("rise within 20 %",), units=100, baseline=1310.0, candidate=1520.0, change=1.16, lower=1.09,
    upper=1.24, p=0.5, p_holm=None,
)  # fmt: skip


def plain(lines: list[str]) -> list[str]:
    """Lines with the padding of columns taken out."""
    return [re.sub(r" {2,}", "  ", line) for line in lines]


def verdict(name: str = "regressed", **changes) -> Verdict:
    facts = {"baseline": BEFORE, "metrics": {"correct": CORRECT, "latency": LATENCY}, "cases": 100}
    return Verdict(name, "standard", AFTER, **(facts | changes))


# The gate


def test_a_regression_reads_as_gate_md_shows_it():
    assert plain(verdict_lines("support/route-ticket", verdict(), "production")) == [
        "BLOCKED  support/route-ticket 1.2.0 → production (1.1.0 there now)  mode standard, alpha 0.05",
        "No: 8 of 100 cases that 1.1.0 answers right fail with 1.2.0; 2 others now pass.",
        "metric  1.1.0  1.2.0  change  one-sided 95 % bounds  lost/won  p (Holm)  verdict",
        "correct  0.930  0.870  −6.0 pt  [−11.9, −0.6]  8 / 2  0.033  regressed: p ≤ 0.05; drop over 5 points, 6 net",
        "latency  1.31 s  1.52 s  ×1.16  [×1.09, ×1.24]  –  –  pass: rise within 20 %",
        "100 cases × 1 run, same cases, same setup; 0 missing, 0 errors",
        "This suite would notice a drop of about 7.8 points (80 % of the time).",
        "Newly failing (8): c17 refund-partial c21 c22 c30 c31 c44 c58  newly passing (2): c2 c9",
    ]


def test_the_columns_of_the_table_stand_below_one_another():
    lines = verdict_lines("a", verdict(), "production")
    head, correct, latency = lines[2:5]
    for title, one, other in (
        ("1.1.0", "0.930", "1.31 s"),
        ("change", "−6.0 pt", "×1.16"),
        ("p (Holm)", "0.033", "–  "),
    ):
        assert head.index(title) == correct.index(one)
        assert latency[head.index(title) :].startswith(other)


def test_nothing_but_the_first_word_is_painted():
    painted: list[tuple[str, str]] = []

    def paint(style: str, text: str) -> str:
        painted.append((style, text))
        return text

    verdict_lines("a", verdict(), "production", paint)
    assert painted == [("bad", "BLOCKED")]


@pytest.mark.parametrize(
    ("given", "first", "second"),
    [
        (
            verdict("missing", metrics={}, reasons=("1.2.0 has 100 cases and no result",)),
            "BLOCKED  a 1.2.0 → production (1.1.0 there now)",
            "Not evaluated: 1.2.0 has 100 cases and no result.",
        ),
        (
            verdict("not-comparable", metrics={}, reasons=("a", "b")),
            "BLOCKED  a 1.2.0 → production (1.1.0 there now)",
            "Cannot be compared: a; b.",
        ),
        (
            verdict("uncertain", metrics={}, reasons=("only 3 cases",)),
            "UNCERTAIN  a 1.2.0 → production (1.1.0 there now)",
            "The evidence does not tell: only 3 cases.",
        ),
        (
            verdict("ungated", metrics={}, baseline=None, reasons=("there are no cases",)),
            "UNGATED  a 1.2.0 → production (nothing there yet)",
            "Nothing was tested: there are no cases.",
        ),
        (
            verdict("pass", metrics={}, reasons=("same as 1.1.0: all 3 cases render the same",)),
            "PASS  a 1.2.0 → production (1.1.0 there now)",
            "Yes: same as 1.1.0: all 3 cases render the same.",
        ),
    ],
)
def test_each_verdict_begins_with_the_answer_and_the_reason(given, first, second):
    lines = verdict_lines("a", given, "production")
    assert (lines[0].partition("       ")[0], lines[1]) == (first, second)


def test_a_pass_says_which_drop_cannot_be_excluded():
    metric = MetricVerdict(
        "pass-fail", 100, "pass", ("no drop seen; a drop up to 2.9 points cannot be excluded",), units=100,
        baseline=0.9, candidate=0.9, change=0.0, lower=-0.029, upper=0.029, p=1.0, p_holm=1.0, detectable=0.05,
    )  # fmt: skip
    lines = verdict_lines("a", verdict("pass", metrics={"correct": metric}), "production")
    assert lines[1] == "Yes: no drop seen; a drop up to 2.9 points cannot be excluded."
    assert "This suite would notice a drop of about 5.0 points (80 % of the time)." in lines


def test_repeats_say_what_more_of_them_would_bring():
    metric = MetricVerdict(
        "score", 20, "uncertain", ("only 20 cases",), units=20, baseline=0.8, candidate=0.78, change=-0.02, lower=-0.06,
        upper=0.02, p=0.2, p_holm=0.2, detectable=0.06, detectable_doubled=0.0449,
    )  # fmt: skip
    lines = verdict_lines("a", verdict("uncertain", metrics={"polite": metric}, cases=20), "production")
    assert (
        "This suite would notice a drop of about 6.0 points (80 % of the time). Twice the repeats would bring that to "
        "about 4.5 points."
    ) in lines


def test_what_judged_without_being_a_model_is_said_in_the_first_line():
    lines = verdict_lines("a", verdict("pass", metrics={}, not_a_model="nearest-example"), "production")
    assert lines[0].endswith(", scored by nearest-example (not a language model)")


def test_two_versions_that_are_compared_stand_for_themselves():
    assert verdict_lines("a", verdict("pass", metrics={}))[0].startswith("PASS  a 1.1.0 → 1.2.0 ")


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.06, 1, "+0.1"),
        (-0.06, 1, "−0.1"),
        (0.04, 1, "0.0"),
        (-0.04, 1, "0.0"),
        (0.0, 3, "0.000"),
        (-12.34, 1, "−12.3"),
    ],
)
def test_a_number_has_a_real_minus_and_zero_has_no_sign(value, digits, shown):
    assert signed(value, digits) == shown


def test_many_at_once_begin_with_how_many_would_look_regressed_by_chance():
    moved = [verdict("pass")] * 77 + [verdict()] * 3
    assert many_line(moved, 0.05) == (
        "80 moved: 77 pass, 3 regressed; of 80 unchanged prompts about 4 would look regressed by chance"
    )
    assert many_line([verdict()] * 10, 0.05) == "10 moved: 10 regressed"
    assert many_line([verdict()] * 11, 0.05) == (
        "11 moved: 11 regressed; of 11 unchanged prompts about 1 would look regressed by chance"
    )
    assert many_line([verdict()], 0.05) is None


def test_sides_with_other_numbers_of_runs_are_told_one_by_one():
    twice = SideFacts("1.2.0", DIGEST, 2, 2)
    found = Verdict("regressed", "standard", twice, baseline=BEFORE, metrics={"correct": CORRECT}, cases=180)
    assert "180 cases; 1.1.0 1 run, 1.2.0 2 runs; same cases, same setup; 0 missing, 0 errors" in verdict_lines(
        "a", found
    )


@pytest.mark.parametrize(
    ("lost", "won", "change", "words"),
    [
        ((), (), 0.0, "No case differs between the two"),
        (("c1", "c2"), (), -0.067, "Only 2 of 30 cases differ between the two"),
        (("c1",), (), -0.033, "Only 1 of 30 cases differs between the two"),
        ((), (), -0.1, "The differences have no spread, or too much of it"),
    ],
)
def test_why_nothing_can_be_said_of_what_the_suite_would_notice(lost, won, change, words):
    metric = MetricVerdict("pass-fail", 30, "uncertain", units=30, baseline=1.0, candidate=1 + change, change=change,
                           lost=lost, won=won)  # fmt: skip
    lines = verdict_lines("a", verdict("uncertain", metrics={"correct": metric}, cases=30), "production")
    assert f"{words}: what this suite would notice cannot be said." in lines


def test_a_reason_that_is_a_sentence_gets_no_second_full_stop():
    lines = verdict_lines("a", verdict("not-comparable", metrics={}, reasons=("x.json: this is not JSON.",)), "p")
    assert lines[1] == "Cannot be compared: x.json: this is not JSON."


# Findings


FINDINGS = [
    Finding("gate", ERROR, "It fell.", "a", "prompts/environments/production.yaml", 5, None, "promptreg compare"),
    Finding("left-over", WARNING, "{x} stays.", "a", "prompts/a/prompt.md", 7, 3),
    Finding("prompt", NOTE, "Only a prompt.", "a"),
    Finding("first-registry", NOTE, "Nobody in particular."),
]


def test_a_finding_is_where_how_bad_which_rule_the_sentence_and_what_mends_it():
    assert finding_lines(FINDINGS) == [
        "prompts/environments/production.yaml:5: error [gate] It fell.",
        "    fix: promptreg compare",
        "prompts/a/prompt.md:7:3: warning [left-over] {x} stays.",
        "a: note [prompt] Only a prompt.",
        "registry: note [first-registry] Nobody in particular.",
    ]


def test_a_finding_as_json_has_all_its_keys():
    assert finding_data(FINDINGS[1]) == {
        "rule": "left-over", "severity": "warning", "prompt": "a", "path": "prompts/a/prompt.md", "line": 7,
        "column": 3, "message": "{x} stays.", "fix": None,
    }  # fmt: skip


def test_findings_are_counted_in_words():
    assert severities(FINDINGS) == "1 error, 1 warning, 2 notes"
    assert severities([]) == "no findings"


# Differences


def test_a_diff_tells_the_contract_first_then_settings_labels_and_words():
    old = prompt_of("---\nmodel: a\ninputs: {x: string}\n---\nLine one.\nTell {{ x }} all.\nLine three.\nLine four.\n")
    new = prompt_of(
        "---\nmodel: b\nowners: [me]\ninputs: {x: integer}\n---\nLine one.\nTell {{ x }} a bit.\nLine three.\n"
        "Line four.\n"
    )
    assert diff_lines("a@1.0.0 → a@draft", compare(old, new), words(old.file.body, new.file.body)) == [
        "a@1.0.0 → a@draft: major, 1 breaking",
        "",
        "Inputs and output",
        "  input x: string → integer  breaking",
        "",
        "Model and parameters",
        "  model a → b",
        "",
        "Labels",
        '  owners – → ["me"]',
        "",
        "Words",
        "  Line one.",
        "  Tell {{ x }} [-all-]{+a bit+}.",
        "  Line three.",
    ]


def test_far_apart_changes_are_parted_by_an_ellipsis():
    old = "".join(f"Line {number} of it.\n" for number in range(9))
    new = old.replace("Line 0", "Line zero").replace("Line 8", "Line eight")
    assert word_lines(words(old, new))[:5] == [
        "  Line [-0-]{+zero+} of it.",
        "  Line 1 of it.",
        "  …",
        "  Line 7 of it.",
        "  Line [-8-]{+eight+} of it.",
    ]


def test_an_empty_line_that_came_or_went_can_be_seen():
    assert "  {+↵+}" in word_lines(words("One.\nTwo.\n", "One.\n\nTwo.\n"))
    assert "  [-↵-]" in word_lines(words("One.\n\nTwo.\n", "One.\nTwo.\n"))


@given(st.text("ab \n{}é返\u2028\r", max_size=40), st.text("ab \n{}é返\u2028\r", max_size=40))
@settings(max_examples=200, deadline=None)
def test_every_difference_can_be_painted_and_shows_all_that_changed(old, new):
    pieces = words(old, new)
    shown = "\n".join(word_lines(pieces))
    for sign, text in pieces:
        if sign != "=":
            for part in text.split("\n"):
                assert part.rstrip() in shown


# Tables


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc", 3), ("返品", 4), ("ｶﾅ", 2), ("ＡＢ", 4), ("か\u3099", 2), ("é", 1), ("e\u0301", 1), ("", 0)],
)
def test_the_width_of_a_text_is_that_of_a_terminal(text, expected):
    assert width(text) == expected


def test_columns_align_whatever_the_script():
    assert columns([["prompt", "version"], ["返品", "1.0.0"], ["a", "–", "x"]]) == [
        "prompt  version",
        "返品    1.0.0",
        "a       –        x",
    ]
    assert columns([]) == []


@given(st.lists(st.lists(st.text("a返é ", max_size=6), min_size=2, max_size=2), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_every_second_column_begins_at_the_same_place(rows):
    marked = [[one, f"|{other}"] for one, other in rows]
    assert len({width(line[: line.index("|")]) for line in columns(marked)}) == 1


@given(st.text("ab返é", max_size=30), st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_a_text_is_cut_to_a_width_and_says_so(text, to):
    cut = shortened(text, to)
    assert width(cut) <= to
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
    assert width(padded(cut, to)) == to
