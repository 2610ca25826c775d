"""`results list` and `results show`: which runs count, which are shown, and which run a line is of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promptreg.files import log
from tests.support.place import Place
from tests.support.shipping import RIGHT, WRONG, begun, cases, prepared, said

NAME = "support/answer"
TWO = "provider: echo\nscorers:\n  correct: {type: exact}\n  said: {type: contains}\n"


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A draft that passes its three cases, with one run."""
    return prepared(tmp_path_factory, tmp_path, _evaluated)


def _evaluated(place: Place) -> None:
    begun(place)
    place.draft(NAME, RIGHT)
    place.suite(NAME, cases(3), TWO)
    place.ok("eval", NAME)


def lines(place: Place, *arguments: str) -> list[str]:
    """What a command prints, the padding of columns, times and the names of files taken out."""
    out = place.ok("results", *arguments).out
    out = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "NOW", out)
    out = re.sub(r"prompts/\S+\.json", "FILE", out)
    return [re.sub(r" {2,}", "  ", line) for line in out.splitlines()]


def counting(place: Place) -> list[str]:
    """The column `counts` of `results list`."""
    head, *rows = lines(place, "list", NAME)
    assert head == "version  suite  started  provider  cases  errors  scores  counts  file"
    return [row.split("  ")[7] for row in rows]


def test_results_of_an_earlier_text_of_the_draft_are_counted_and_not_shown(place: Place):
    place.draft(NAME, WRONG)
    ran = place.run("results", "show", NAME)
    assert (ran.status, said(ran)) == (
        2,
        (
            "support/answer@draft has no stored result of the text that it has now (1 run of an earlier text is left "
            "out). promptreg eval support/answer makes one."
        ),
    )
    place.ok("eval", NAME)
    place.draft(NAME, RIGHT + RIGHT)
    place.ok("eval", NAME)
    assert lines(place, "show", NAME) == [
        "support/answer@draft, 1 run, 3 cases",
        "case  scores  expected  answer  tags",
        "c1  correct 0, said 1  q1  q1 q1",
        "c2  correct 0, said 1  q2  q2 q2",
        "c3  correct 0, said 1  q3  q3 q3",
        "2 runs of earlier texts are left out.",
    ]
    assert counting(place) == ["no: another text", "no: another text", "yes"]
    rows = place.ok("results", "list", NAME, "--json").json["results"]
    assert [(row["counts"], row["unused"]) for row in rows] == [
        (False, "another text"), (False, "another text"), (True, None),
    ]  # fmt: skip


def test_a_draft_that_is_no_prompt_any_more_has_no_results_of_its_text(place: Place):
    place.draft(NAME, "{% if %}\n")
    assert counting(place) == ["no: another text"]


def test_several_runs_of_a_case_are_told_apart_and_cases_counted_once(place: Place):
    place.ok("eval", NAME, "--repeat", "2")
    shown = lines(place, "show", NAME)
    assert shown[:2] == ["support/answer@draft, 2 runs, 3 cases", "case  run  scores  expected  answer  tags"]
    assert len(shown) == 8
    assert shown[2] == "c1  NOW  correct 1, said 1  q1  q1"
    files = [row["path"] for row in place.ok("results", "list", NAME, "--json").json["results"]]
    out = place.ok("results", "show", NAME, "--case", "c2").out
    assert re.findall(r"run {7}\d{4}-\d\d-\d\d \d\d:\d\d {2}(\S+)", out) == files
    assert lines(place, "show", NAME, "--case", "c2")[:6] == [
        "support/answer@draft  suite  case c2",
        "run  NOW  FILE",
        'inputs  {"question": "q2"}',
        'expected  "q2"',
        "scores  correct 1, said 1",
        "output  q2",
    ]


def test_runs_of_a_case_are_parted_and_equal_outputs_told_once(place: Place):
    place.ok("eval", NAME, "--repeat", "4")
    shown = lines(place, "show", NAME, "--case", "c2")
    assert shown[5:8] == ["output  q2", "", "support/answer@draft  suite  case c2"]
    assert shown[11:] == ["scores  correct 1 1 1 1, said 1 1 1 1", "output × 4  q2"]


SAYS = """\
def grade(answer):
    return {"score": 2 / 3, "comment": "第一に、短い\\nsecond"}
"""


def test_further_lines_stand_below_the_first(place: Place):
    place.draft(NAME, "一行目\n{{ question }}\n\nend\n")
    place.write(f"prompts/{NAME}/evals/says.py", SAYS)
    place.suite(NAME, cases(1), "provider: echo\nscorers:\n  正確: {type: python, function: says:grade, kind: score}\n")
    place.ok("eval", NAME, "--allow-code")
    assert place.ok("results", "show", NAME, "--case", "c1").out.splitlines()[4:-1] == [
        "scores    正確 0.667",
        "comment   正確: 第一に、短い",
        "                second",
        "output    一行目",
        "          q1",
        "",
        "          end",
    ]


def test_what_is_expected_is_shown_as_json_and_scores_with_three_decimals(place: Place):
    expected = [{"queue": "返品", "sure": True}, ["a", None], 5, "two\nlines"]
    place.suite(
        NAME,
        [{"id": f"c{at}", "inputs": {"question": "x"}, "expected": each} for at, each in enumerate(expected)],
        "provider: echo\nscorers: {says: {type: python, function: says:grade, kind: score}}\n",
    )
    place.write(f"prompts/{NAME}/evals/says.py", SAYS)
    place.ok("eval", NAME, "--allow-code")
    shown = [line for line in lines(place, "show", NAME) if "says" in line]
    assert [re.sub(r"  NOW  ", "  ", line) for line in shown] == [
        'c0  says 0.667  {"queue": "返品", "sure": tru…  x',
        'c1  says 0.667  ["a", null]  x',
        "c2  says 0.667  5  x",
        "c3  says 0.667  two lines  x",
    ]
    case, *_ = [case for case in place.ok("results", "show", NAME, "--json").json["cases"] if "says" in case["scores"]]
    assert (case["expected"], case["scores"]) == (expected[0], {"says": [2 / 3]})


def test_failing_cases_of_several_runs_have_a_row_each_with_how_many_answers_failed(place: Place):
    found = cases(3)
    found[1]["expected"] = "q9"
    place.suite(NAME, [*found[:2], {**found[2], "tags": ["ja"]}], TWO)
    place.ok("eval", NAME, "--repeat", "3")
    assert lines(place, "show", NAME, "--failing") == [
        "support/answer@draft, 2 runs, 1 case",
        "case  failed  expected  answer  tags",
        "c2  3 of 4  q9  q2",
    ]
    assert lines(place, "show", NAME, "--case", "c3", "--failing") == []
    assert len(place.ok("results", "show", NAME, "--failing", "--json").json["cases"]) == 1
    assert len(place.ok("results", "show", NAME, "--json").json["cases"]) == 6


def test_the_runs_of_a_case_are_told_in_json_too(place: Place):
    (run,) = place.ok("results", "list", NAME, "--json").json["results"]
    for case in place.ok("results", "show", NAME, "--json").json["cases"]:
        assert (case["path"], case["started_at"]) == (run["path"], run["started_at"])


@pytest.mark.parametrize(
    ("suite", "counts"),
    [
        (TWO, "yes"),
        (TWO.replace("echo", "nearest-example"), "no: another setup"),
        (TWO + "parameters: {temperature: 1}\n", "no: another setup"),
        (TWO.replace("exact", "exact, ignore_case: true").replace("contains", "exact"), "no: another scorer"),
        (TWO.replace("contains", "exact"), "in part: another scorer of said"),
        (TWO.replace("said", "other"), "in part: another scorer of said"),
    ],
)
def test_a_run_counts_as_the_gate_counts_it(place: Place, suite: str, counts: str):
    place.suite(NAME, cases(3), suite)
    assert counting(place) == [counts]


def test_a_run_of_a_suite_that_is_gone_does_not_count(place: Place):
    folder = place.path / f"prompts/{NAME}/evals"
    (folder / "suite.yaml").rename(folder / "other.yaml")
    assert counting(place) == ["no: no such suite"]


# Before and after


@pytest.fixture
def two(place: Place) -> Place:
    """1.0.0 passes its three cases and is in production, 1.0.1 fails them; one run each."""
    place.ok("ship", NAME, "--to", "production")
    place.draft(NAME, WRONG)
    place.ok("release", NAME)
    place.ok("eval", f"{NAME}@1.0.1")
    return place


BEFORE = [
    "support/answer@1.0.0  suite  case c2",
    "run  NOW  FILE",
    'inputs  {"question": "q2"}',
    'expected  "q2"',
    "scores  correct 1, said 1",
    "output  q2",
]


def test_a_case_is_shown_before_and_after_with_the_words_that_changed(two: Place):
    assert lines(two, "show", f"{NAME}@1.0.1", "--case", "c2") == [
        "support/answer@1.0.1  suite  case c2",
        "run  NOW  FILE",
        'inputs  {"question": "q2"}',
        'expected  "q2"',
        "scores  correct 0, said 1",
        "output  No: q2",
        "",
        "before: support/answer@1.0.0, which production runs",
        *BEFORE,
        "",
        "output, from before to after:",
        "  {+No: +}q2",
    ]


def test_a_version_that_production_runs_is_shown_beside_the_one_before(two: Place):
    two.ok("promote", f"{NAME}@1.0.1", "--to", "production", "--force", "-m", "Now")
    shown = lines(two, "show", f"{NAME}@1.0.1", "--case", "c2")
    assert shown[7:14] == ["before: support/answer@1.0.0, the version before", *BEFORE]


def test_the_version_beside_it_can_be_chosen_and_may_say_the_same(two: Place):
    two.ok("eval", NAME)
    shown = lines(two, "show", f"{NAME}@1.0.1", "--case", "c2", "--vs", f"{NAME}@draft")
    assert (shown[7], shown[-1]) == ("before: support/answer@draft, as --vs says", "same output")
    named = lines(two, "show", f"{NAME}@1.0.1", "--case", "c2", "--vs", f"{NAME}@^1.0")
    assert named[7] == "before: support/answer@1.0.1, as --vs says"


def test_japanese_outputs_are_compared_character_by_character(two: Place):
    two.draft(NAME, "---\ninputs:\n  question: string\n---\n返品は三十日以内です: {{ question }}\n")
    two.ok("eval", NAME)
    two.draft(NAME, "---\ninputs:\n  question: string\n---\n返品は十四日以内です: {{ question }}\n")
    two.ok("release", NAME)
    two.ok("eval", f"{NAME}@2.0.0")
    two.draft(NAME, "---\ninputs:\n  question: string\n---\n返品は三十日以内です: {{ question }}\n")
    shown = lines(two, "show", f"{NAME}@2.0.0", "--case", "c2", "--vs", NAME)
    assert shown[-1] == "  返品は[-三-]十{+四+}日以内です: q2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vs", f"{NAME}@1.0.0"], "--vs goes with --case."),
        (
            ["--case", "c2", "--vs", "other/one@1.0.0"],
            "--vs takes a version of support/answer: support/answer@VERSION.",
        ),
        (["--case", "c9"], "no stored result of support/answer@1.0.1 has a case c9."),
    ],
)
def test_what_cannot_be_shown_beside_it_is_said(two: Place, arguments: list[str], message: str):
    two.draft("other/one", RIGHT)
    two.ok("release", "other/one")
    ran = two.run("results", "show", f"{NAME}@1.0.1", *arguments)
    assert (ran.status, said(ran).partition(" promptreg results")[0]) == (2, message)


def test_a_version_beside_it_without_a_run_is_said(two: Place):
    two.draft(NAME, RIGHT + WRONG)
    two.ok("release", NAME)
    two.ok("eval", f"{NAME}@1.0.2")
    shown = lines(two, "show", f"{NAME}@1.0.1", "--case", "c1", "--vs", NAME)
    assert shown[7:] == ["before: support/answer@draft, as --vs says, has no stored result of case c1"]


def test_before_and_after_in_json(two: Place):
    found = two.ok("results", "show", f"{NAME}@1.0.1", "--case", "c2", "--json").json
    (case,) = found["before"]["cases"]
    assert (found["before"]["version"], case["outputs"], case["version"]) == ("1.0.0", ["q2"], "1.0.0")
    assert found["differences"] == [{"suite": "suite", "words": [["+", "No: "], ["=", "q2"]]}]
    assert "before" not in two.ok("results", "show", f"{NAME}@1.0.1", "--json").json


def test_what_was_said_of_answers_later_stands_beside_them(two: Place):
    two.suite(NAME, cases(3), TWO + "  good: {type: label}\n")
    two.ok("case", "label", f"{NAME}@1.0.1", "--case", "c2", "--bad", "-m", "断り方が冷たい")
    assert lines(two, "show", f"{NAME}@1.0.1", "--case", "c2")[4:8] == [
        "scores  correct 0, said 1",
        "later  good 0  NOW by Aki <aki@example.com>",
        "comment  good: 断り方が冷たい",
        "output  No: q2",
    ]
    assert lines(two, "show", f"{NAME}@1.0.1")[:4] == [
        "support/answer@1.0.1, 1 run, 3 cases",
        "case  scores  expected  answer  tags",
        "c1  correct 0, said 1  q1  No: q1",
        "c2  correct 0, said 1, good 0  q2  No: q2",
    ]
    (case,) = two.ok("results", "show", f"{NAME}@1.0.1", "--case", "c2", "--json").json["cases"]
    (later,) = case["later"]
    assert (later["metric"], later["scores"], later["comments"], later["judged_by"]) == (
        "good", [0.0], ["断り方が冷たい"], "Aki <aki@example.com>",
    )  # fmt: skip
    run, label = two.ok("results", "list", f"{NAME}@1.0.1", "--json").json["results"]
    assert (run["answers_of"], label["answers_of"], label["counts"]) == (None, Path(run["path"]).name, True)
    (two.path / run["path"]).unlink()
    (lost,) = two.ok("results", "list", f"{NAME}@1.0.1", "--json").json["results"]
    assert (lost["counts"], lost["unused"]) == (False, "its answers are not stored")
    ran = two.run("results", "show", f"{NAME}@1.0.1")
    assert said(ran).startswith("support/answer@1.0.1 has no stored result.")


# Taking outputs away


def redacted(place: Place, *arguments: str) -> list[str]:
    """What `results redact` prints."""
    return place.ok("results", "redact", *arguments).out.splitlines()


def outputs(place: Place) -> dict[str, list[str]]:
    """The ids in each file of outputs."""
    return {
        path: re.findall(r'^\{"id": "([^"]*)"', data.decode(), re.MULTILINE)
        for path, data in place.files().items()
        if path.endswith(".outputs.jsonl")
    }


def others(place: Place) -> dict[str, bytes]:
    """Every file that is no file of outputs."""
    return {path: data for path, data in place.files().items() if not path.endswith(".outputs.jsonl")}


def test_the_outputs_of_a_case_are_taken_away_and_check_has_nothing_against_it(two: Place):
    two.commit("Evidence")
    before, scores = others(two), two.ok("compare", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--json", status=1).json
    said_ = redacted(two, NAME, "--case", "c2")
    assert list(outputs(two).values()) == [["c1", "c3"]] * 3
    assert said_[:4] == [
        *(f"took 1 case out of {path}" for path in sorted(outputs(two), key=lambda path: ".promptreg" in path)),
        "Scores stay and count as before; these answers can be neither scored anew nor labelled.",
    ]
    released = [path for path in outputs(two) if ".promptreg" not in path]
    assert said_[-1] == f"    git filter-repo --invert-paths {' '.join(f'--path {path}' for path in released)}"
    assert others(two) == before
    assert two.ok("compare", f"{NAME}@1.0.0", f"{NAME}@1.0.1", "--json", status=1).json == scores
    assert two.ok("check", "--base", "HEAD").out.endswith("no findings.\n")
    after = two.files()
    two.ok("check", "--base", "HEAD", "--fix")
    assert two.files() == after
    assert lines(two, "show", f"{NAME}@1.0.1", "--case", "c2")[5] == "no outputs are stored"


def test_what_was_never_committed_needs_no_other_history(two: Place):
    assert all("git" not in line for line in redacted(two, NAME, "--dry-run"))
    two.commit("Evidence")
    two.suite(NAME, cases(3), TWO + "parameters: {temperature: 1}\n")
    two.ok("eval", f"{NAME}@1.0.1")
    (advice,) = [line for line in redacted(two, f"{NAME}@1.0.1") if "filter-repo" in line]
    assert advice.count("--path ") == 1


def test_where_git_cannot_say_what_was_committed_all_may_have_been(two: Place):
    (two.path / ".git/HEAD").write_text("nonsense")
    (advice,) = [line for line in redacted(two, NAME) if "filter-repo" in line]
    assert advice.count("--path ") == 2
    assert outputs(two) == {}


def test_of_many_files_git_is_given_a_list(two: Place):
    for at in range(3):
        two.suite(NAME, cases(3), TWO + f"parameters: {{temperature: {at}}}\n")
        two.ok("eval", f"{NAME}@1.0.0")
    two.commit("Evidence")
    released = sorted(path for path in outputs(two) if ".promptreg" not in path)
    assert len(released) == 5
    shown = redacted(Place(two.path / "prompts/support"), NAME)
    assert shown[-7:] == [
        "    git filter-repo --invert-paths --paths-from-file FILE", "where FILE holds these lines:", *released,
    ]  # fmt: skip


def test_all_outputs_of_one_version_are_taken_away(two: Place):
    two.commit("Evidence")
    before = others(two)
    two.ok("results", "redact", f"{NAME}@1.0.1")
    assert [path for path in outputs(two) if "/1.0.1/" in path] == []
    assert len(outputs(two)) == 2
    assert others(two) == before
    assert two.ok("check", "--base", "HEAD").out.endswith("no findings.\n")
    assert redacted(two, f"{NAME}@1.0.1") == ["support/answer@1.0.1 has no stored outputs"]


def test_outputs_that_were_changed_are_a_finding_all_the_same(two: Place):
    two.commit("Evidence")
    path = next(path for path in outputs(two) if "/1.0.1/" in path)
    text = two.read(path)
    two.write(path, text.replace("No: q2", "q2"))
    found = two.ok("check", "--base", "HEAD", "--json", status=1).json["findings"]
    assert [(each["rule"], each["path"]) for each in found] == [("result-changed", path)]
    lines_ = text.splitlines(keepends=True)
    two.write(path, "".join(lines_[::-1]))
    assert [each["rule"] for each in two.ok("check", "--base", "HEAD", "--json", status=1).json["findings"]] == [
        "result-changed"
    ]
    two.ok("check", "--base", "HEAD", "--fix")
    assert two.read(path) == text


def test_a_dry_run_takes_nothing_away(two: Place):
    before = two.files()
    assert redacted(two, NAME, "--dry-run")[0].startswith("would remove prompts/support/answer/evals/results/")
    found = two.ok("results", "redact", NAME, "--case", "c1", "--dry-run", "--json").json
    assert [(file["cases"], file["whole"]) for file in found["files"]] == [(1, False)] * 3
    assert (found["dry_run"], two.files()) == (True, before)


def test_a_case_that_no_file_of_outputs_has_is_named(two: Place):
    before = two.files()
    ran = two.run("results", "redact", NAME, "--case", "c2", "--case", "c22")
    assert (ran.status, said(ran)) == (2, "support/answer has no stored output of case c22. Did you mean c2?")
    assert two.files() == before


LOCAL = "prompts/.promptreg"
KEPT = [
    f"{LOCAL}/runs/0123456789abcdef-20261120T100000000000.jsonl",
    f"{LOCAL}/saved/support__answer-1.0.0-suite-01234567-89abcdef.outputs.jsonl",
    f"{LOCAL}/cache.sqlite",
]
RECORDED = f"prompts/{NAME}/evals/recordings/suite.jsonl"


def kept(place: Place) -> None:
    """What this machine may keep of answers beside the results of drafts, and a recording."""
    for path in (*KEPT, RECORDED, f"{LOCAL}/saved/support__other-1.0.0-suite-0-0.outputs.jsonl"):
        place.write(path, "{}\n")


def test_where_the_same_answers_may_stand_is_said(two: Place):
    kept(two)
    before = two.files()
    shown = redacted(two, f"{NAME}@1.0.1")
    assert f"Left, and may hold the same answers: {', '.join(KEPT)}. --all removes them." in shown
    assert f"Left, and may hold the same answers: {RECORDED}. The provider replay reads them." in shown
    assert all(two.files()[path] == before[path] for path in (*KEPT, RECORDED))


def test_all_takes_away_what_this_machine_keeps_as_well(two: Place):
    kept(two)
    two.commit("Evidence")
    shown = redacted(two, NAME, "--all")
    assert [line for line in shown if line.removeprefix("removed ") in KEPT] == [f"removed {path}" for path in KEPT]
    left = two.files()
    assert [path for path in KEPT if path in left] == []
    assert [path for path in left if path.startswith(f"{LOCAL}/") and "results" not in path] == [
        f"{LOCAL}/.gitignore", f"{LOCAL}/saved/support__other-1.0.0-suite-0-0.outputs.jsonl",
    ]  # fmt: skip
    assert RECORDED in left
    assert two.ok("check", "--base", "HEAD").out.endswith("no findings.\n")


def test_a_journal_that_a_run_holds_is_left_and_said(two: Place):
    kept(two)
    folder = two.project().folder
    held = log(folder, KEPT[0].removeprefix(f"{LOCAL}/"))
    assert held is not None
    try:
        ran = two.run("results", "redact", NAME, "--all")
    finally:
        held.close(done=False)
    assert (ran.status, said(ran)) == (
        2, f"{KEPT[0]} belongs to a run that is on its way. All else was taken away.",
    )  # fmt: skip
    assert [path for path in KEPT if path in two.files()] == KEPT[:1]
    assert all(path.startswith(f"{LOCAL}/saved/support__other") for path in outputs(two))
