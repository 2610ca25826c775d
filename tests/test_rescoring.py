"""`eval --rescore`: new scorers on stored answers, which are not asked for again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from promptreg.core.errors import PromptregError
from promptreg.evals.evidence import Pool
from promptreg.evals.reading import read_result
from promptreg.evals.results import MAX_OUTPUT, Result
from promptreg.evaluation.plans import Options
from promptreg.evaluation.storing import Stored
from promptreg.judging import side
from promptreg.rescoring import plan_rescoring, rescore
from tests.support.place import Place
from tests.support.shipping import RIGHT, WRONG, begun, calls, cases, logged_suite, prepared

NAME = "support/answer"
OLD, NEW = f"{NAME}@1.0.0", f"{NAME}@1.0.1"
TOOL = "promptreg 0.0.0"
#: Says of an answer whether it is polite, and why; what holds "q3" it cannot judge.
JUDGE = """\
import json, sys
request = json.load(sys.stdin)
text = request["messages"][-1]["content"]
open("prompts/.promptreg/judged", "a").write("call\\n")
print("no verdict" if "q3" in text else json.dumps({"reason": f"it says {text}", "score": 0 if "No:" in text else 1}))
"""
JUDGE_PROMPT = """\
---
inputs:
  answer: string
---
{{ answer }}
"""


def _two_versions(place: Place) -> None:
    begun(place)
    for text in (RIGHT, WRONG):
        place.draft(NAME, text)
        place.ok("release", NAME)
    logged_suite(place, NAME, cases(3))
    place.ok("eval", OLD, NEW, "--allow-code", "--repeat", "2")
    place.commit("Evidence")


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """1.0.0 passes its three cases and 1.0.1 fails them; a program answered, twice each, and counts its calls."""
    return prepared(tmp_path_factory, tmp_path, _two_versions)


def declared(place: Place, scorers: str, **changes: str) -> None:
    """Another list of scorers in the suite."""
    path = f"prompts/{NAME}/evals/suite.yaml"
    text = place.read(path).partition("scorers:")[0]
    for old, new in changes.items():
        text = text.replace(old, new)
    place.write(path, f"{text}scorers:\n{scorers}")


BOTH = "  correct: {type: exact}\n  said: {type: contains}\n"


def rescored(place: Place, *specs: str, metrics: tuple[str, ...] = (), **options: Any) -> list[Stored]:
    """Plan and do it, as the door does."""
    with place.inside():
        project = place.project()
        chosen = Options(tool=TOOL, **options)
        planned = plan_rescoring(project.head, [project.prompt(spec) for spec in specs], chosen, metrics)
        return rescore(project, planned, chosen)


def refused(place: Place, *specs: str, **options: Any) -> str:
    with pytest.raises(PromptregError) as caught:
        rescored(place, *specs, **options)
    return caught.value.message


def result_at(place: Place, stored: Stored) -> Result:
    return read_result((place.path / stored.path).read_bytes(), stored.path)


def test_new_scorers_judge_the_stored_answers_of_both_sides_without_a_call(place: Place):
    asked = calls(place)
    declared(place, BOTH)
    made = [result_at(place, stored) for stored in rescored(place, OLD, NEW)]
    assert calls(place) == asked
    for found in made:
        (run,) = [each for each in place.project().head.source.files(f"{NAME}/evals/results/{found.version}")
                  if each == found.answers_of]  # fmt: skip
        assert (list(found.scorers), found.repeats, found.judged_by, found.tool) == (["said"], 2, None, TOOL)
        assert found.setup.engine() == place.project().head.suites(NAME)[0].setup().engine()
        assert run.startswith("suite-")
        assert [(case.id, case.scores, case.latency_ms) for case in found.cases] == [
            (f"c{n}", {"said": [1, 1]}, []) for n in (1, 2, 3)
        ]
    data = place.ok("compare", OLD, NEW, "--json", status=1).json
    assert (data["metrics"]["said"]["candidate"], data["baseline"]["runs"]) == (1, 1)
    assert place.ok("check", "--base", "HEAD").out.endswith("no findings.\n")


def test_a_scorer_that_changed_since_scores_again(place: Place):
    declared(place, "  correct: {type: exact, expected: 'No: {expected}'}\n")
    said = place.ok("compare", OLD, NEW, status=4).out
    assert f"promptreg eval --rescore {OLD} scores it again" in said
    rescored(place, OLD, NEW)
    data = place.ok("compare", OLD, NEW, "--json", status=0).json
    assert (data["metrics"]["correct"]["baseline"], data["metrics"]["correct"]["candidate"]) == (0, 1)


def test_what_was_scored_is_not_scored_again(place: Place):
    declared(place, BOTH)
    assert len(rescored(place, OLD)) == 1
    before = place.files()
    assert rescored(place, OLD) == []
    assert place.files() == before


def test_only_the_metrics_that_are_wished_for_are_scored(place: Place):
    declared(place, BOTH + "  short: {type: regex, pattern: '^.{0,9}$'}\n")
    (made,) = rescored(place, OLD, metrics=("short",))
    assert list(made.header.scorers) == ["short"]
    (rest,) = rescored(place, OLD)
    assert list(rest.header.scorers) == ["said"]
    with pytest.raises(PromptregError, match=r"support/answer has no scorer shrt\. Did you mean short\?"):
        rescored(place, OLD, metrics=("shrt",))


def test_all_runs_of_the_setup_get_their_scores_and_others_none(place: Place):
    place.ok("eval", OLD, "--allow-code")
    place.ok("eval", OLD, "--provider", "echo")
    declared(place, BOTH)
    made = rescored(place, OLD)
    assert sorted(stored.header.repeats for stored in made) == [1, 2]
    assert len({stored.header.answers_of for stored in made}) == 2


def test_a_case_that_was_edited_or_removed_is_left_out(place: Place):
    edited = cases(3)
    edited[0]["expected"] = "else"
    path = f"prompts/{NAME}/evals/cases.jsonl"
    place.write(path, "".join(json.dumps(case) + "\n" for case in edited[:2]))
    declared(place, BOTH)
    (made,) = rescored(place, OLD)
    assert [case.id for case in result_at(place, made).cases] == ["c2"]


# What is not there as a whole


def outputs_of(place: Place, version: str) -> Path:
    (path,) = (place.path / f"prompts/{NAME}/evals/results/{version}").glob("*.outputs.jsonl")
    return path


def test_an_answer_that_was_cut_is_not_judged_and_why_is_said(place: Place):
    declared(place, BOTH)
    path = outputs_of(place, "1.0.0")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["outputs"][1] = "x" * MAX_OUTPUT
    rows[1]["cut"] = [0]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (made,) = rescored(place, OLD)
    found = result_at(place, made)
    assert [case.scores["said"] for case in found.cases] == [[1, None], [None, 1], [1, 1]]
    reason = "only the first 2,000 characters of its output are stored."
    assert [[failure.model_dump() for failure in case.errors] for case in found.cases] == [
        [{"repeat": 1, "source": "said", "reason": reason}],
        [{"repeat": 0, "source": "said", "reason": reason}],
        [],
    ]
    assert (made.reason, made.failing) == (reason, True)


def test_an_answer_that_is_not_stored_is_left_out(place: Place):
    place.ok("results", "redact", OLD, "--case", "c2")
    declared(place, BOTH)
    (made,) = rescored(place, OLD)
    found = result_at(place, made)
    assert [(case.id, case.scores) for case in found.cases] == [("c1", {"said": [1, 1]}), ("c3", {"said": [1, 1]})]


def test_where_no_outputs_are_stored_it_says_what_asks_again(place: Place):
    place.ok("results", "redact", OLD)
    declared(place, BOTH)
    name = outputs_of(place, "1.0.1").parent.parent / "1.0.0"
    (run,) = [path.name for path in name.glob("*.json")]
    words = f"No outputs are stored of {run}, so that nothing can be scored anew. promptreg eval {OLD} asks again."
    assert refused(place, OLD) == f"{OLD}: {words}"
    place.ok("eval", OLD, "--allow-code")
    place.ok("results", "redact", OLD)
    declared(place, "  correct: {type: exact}\n")
    place.ok("eval", OLD, "--allow-code")
    declared(place, BOTH)
    notes: list[str] = []
    assert len(rescored(place, OLD, note=notes.append)) == 1
    assert len(notes) == 1
    assert notes[0].endswith(f"so that nothing can be scored anew. promptreg eval {OLD} asks again.")


def test_without_a_run_it_says_what_makes_one(place: Place):
    place.draft(NAME, RIGHT + RIGHT)
    assert refused(place, NAME) == (
        "support/answer@draft has no stored run of the setup that its suites declare, so there are no answers to "
        "score. promptreg eval support/answer@draft makes one."
    )


# Judges


def judging(place: Place) -> None:
    """A judge that is a program, and a suite that asks it."""
    place.write("judge.py", JUDGE)
    place.draft("judge/polite", JUDGE_PROMPT)
    place.ok("release", "judge/polite")
    asks = f"range: [0, 1], provider: 'command:{sys.executable} judge.py'"
    declared(place, f"  correct: {{type: exact}}\n  polite: {{type: judge, prompt: judge/polite@1.0.0, {asks}}}\n")


def judged(place: Place) -> int:
    path = place.path / "prompts/.promptreg/judged"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_judge_is_called_and_its_reasons_stand_beside_the_scores(place: Place):
    judging(place)
    asked = calls(place)
    (made,) = rescored(place, NEW, allow_code=True)
    found = result_at(place, made)
    assert (calls(place), judged(place), found.judging and found.judging.calls) == (asked, 6, 6)
    assert [case.scores["polite"] for case in found.cases] == [[0, 0], [0, 0], [None, None]]
    assert [len(case.errors) for case in found.cases] == [0, 0, 2]
    rows = [json.loads(line) for line in place.read(made.path.replace(".json", ".outputs.jsonl")).splitlines()]
    assert rows == [
        {"id": f"c{n}", "outputs": [], "comments": {"polite": [f"it says No: q{n}"] * 2}} for n in (1, 2)
    ]  # fmt: skip
    shown = place.ok("results", "show", NEW, "--case", "c1").out
    assert "comment   polite 1: it says No: q1\n" in shown


def test_a_plan_says_how_many_calls_of_judges_it_takes_and_keeps_to_what_is_allowed(place: Place):
    judging(place)
    with place.inside():
        project = place.project()
        (plan,) = plan_rescoring(project.head, [project.prompt(NEW)], Options())
    assert plan.data() == {
        "name": NAME, "version": "1.0.1", "suite": "suite", "provider": plan.provider, "cases": 3, "calls": 6,
        "why": "stored answers without polite",
    }  # fmt: skip
    before = place.files()
    assert refused(place, NEW, allow_code=True, max_calls=5) == (
        "this takes 6 calls of judges, and --max-calls allows 5. Nothing was called."
    )
    assert refused(place, NEW, allow_code=True, max_cost=1.0).startswith("--max-cost needs a price for the judge's ")
    assert refused(place, NEW).endswith("If you trust it: --allow-code")
    assert (place.files(), judged(place)) == (before, 0)


def test_where_nothing_could_be_scored_nothing_is_stored(place: Place):
    judging(place)
    place.write("judge.py", "print('no verdict')\n")
    before = place.files()
    said = refused(place, NEW, allow_code=True)
    assert said.startswith(f"{NEW} suite: not one of 6 stored answers could be scored, so nothing was stored: ")
    assert place.files() == before


def test_a_judge_that_never_answers_is_an_error_and_no_score(place: Place):
    judging(place)
    place.write("judge.py", "import sys\nsys.exit('the judge is ill')\n")
    assert "the judge is ill" in refused(place, NEW, allow_code=True)


# Drafts, and what happens to results on the way


def test_a_release_takes_scores_of_stored_answers_over_and_they_still_fit(place: Place):
    place.draft(NAME, RIGHT + RIGHT)
    place.ok("eval", NAME, "--allow-code")
    declared(place, BOTH)
    (made,) = rescored(place, NAME)
    assert made.path.startswith("prompts/.promptreg/")
    assert "took over 2 results of the draft" in place.ok("release", NAME).out
    runs = place.ok("results", "list", f"{NAME}@1.0.2", "--json").json["results"]
    assert [(Path(run["path"]).name, run["counts"]) for run in runs] == [
        (runs[1]["answers_of"], True), (Path(runs[1]["path"]).name, True),
    ]  # fmt: skip
    assert place.ok("check", "--base", "HEAD").out.endswith("no findings.\n")


def test_scores_whose_run_is_gone_are_not_taken_over(place: Place):
    place.draft(NAME, RIGHT + RIGHT)
    place.ok("eval", NAME, "--allow-code")
    declared(place, BOTH)
    (made,) = rescored(place, NAME)
    assert made.header.answers_of is not None
    (place.path / made.path).with_name(made.header.answers_of).unlink()
    assert "took over" not in place.ok("release", NAME).out


def test_scores_of_two_branches_merge_and_are_averaged(place: Place):
    judging(place)
    for score in (1, 0):
        place.write("judge.py", JUDGE.replace('0 if "No:" in text else 1', str(score)))
        (made,) = rescored(place, OLD, allow_code=True)
        (place.path / made.path).rename(place.path / Path(made.path).name)
        (place.path / made.path.replace(".json", ".outputs.jsonl")).unlink()
    for path in place.path.glob("suite-*.json"):
        path.rename(place.path / f"prompts/{NAME}/evals/results/1.0.0" / path.name)
    assert [run["counts"] for run in place.ok("results", "list", OLD, "--json").json["results"]] == [True] * 3
    assert place.ok("check", "--base", "HEAD").out.endswith("no findings.\n")
    assert place.ok("results", "list", OLD, "--json").json["problems"] == []
    view = place.project().head
    suite = view.suites(NAME)[0]
    pool = Pool(side(view, view.loader.version(NAME, "1.0.0"), suite), suite.setup())
    assert [pool.score(case.id, case.digest, "polite") for case in suite.cases] == [0.5, 0.5, None]


# Forged files


def forged(place: Place, change: Any) -> tuple[str, list[dict[str, Any]]]:
    """Put a changed copy of scores of stored answers in; its path and what check finds of it."""
    declared(place, BOTH)
    (made,) = rescored(place, OLD)
    found = change(result_at(place, made))
    path = str(Path(made.path).with_name(found.file_name()))
    (place.path / made.path).unlink()
    place.write(path, found.text())
    return path, place.run("check", "--base", "HEAD", "--json").json["findings"]


def test_scores_of_answers_that_are_not_stored_count_for_nothing_and_check_says_so(place: Place):
    lost = "suite-01234567-89abcdef.json"
    path, findings = forged(place, lambda found: found.model_copy(update={"answers_of": lost}))
    assert [(each["severity"], each["path"], each["message"]) for each in findings] == [
        ("warning", path, f"this result scores answers of {lost}, which is not stored: it counts for nothing."),
    ]
    assert f"Note: {Path(path).name} scores answers of {lost}" in place.ok("compare", OLD, NEW, status=1).out


def renamed(found: Result) -> Result:
    cases = [found.cases[0].model_copy(update={"id": "c9"}), *found.cases[1:]]
    return found.model_copy(update={"cases": cases})


def elsewhere(found: Result) -> Result:
    return found.model_copy(update={"setup": found.setup.model_copy(update={"provider": "echo"})})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (renamed, "which has no such answer for case c9"),
        (elsewhere, "which is of another text or setup"),
    ],
)
def test_scores_that_contradict_their_run_are_refused(place: Place, change: Any, problem: str):
    path, findings = forged(place, change)
    about = json.loads((place.path / path).read_text())["answers_of"]
    assert [(each["severity"], each["path"], each["message"]) for each in findings] == [
        ("error", path, f"this result is about the answers of {about}, {problem}."),
    ]
    (told,) = place.ok("results", "list", OLD, "--json").json["problems"]
    assert told == f"{path} is about the answers of {about}, {problem}"
    assert told in place.ok("compare", OLD, NEW, status=4).out


def test_a_run_is_not_scored_again_by_the_scorer_that_it_had(place: Place):
    own = place.project().head.suites(NAME)[0].scorers["correct"].digest()

    def as_correct(found: Result) -> Result:
        facts = found.scorers["said"].model_copy(update={"digest": own})
        cases = [case.model_copy(update={"scores": {"correct": case.scores["said"]}}) for case in found.cases]
        changes = {"scorers": {"correct": facts}, "cases": cases}
        changes["setup"] = found.setup.model_copy(update={"scorers": {"correct": own}})
        sums = found.totals.model_copy(update={"metrics": {"correct": found.totals.metrics["said"]}})
        return found.model_copy(update={**changes, "totals": sums})

    path, findings = forged(place, as_correct)
    about = json.loads((place.path / path).read_text())["answers_of"]
    assert [each["message"] for each in findings] == [
        f"this result is about the answers of {about}, which correct scored then already, by the same scorer."
    ]


def test_a_copy_of_scores_is_refused_as_a_copy_of_a_run_is(place: Place):
    declared(place, BOTH)
    (made,) = rescored(place, OLD)
    copy = result_at(place, made).model_copy(update={"tool": "promptreg 9"})
    path = str(Path(made.path).with_name(copy.file_name()))
    place.write(path, copy.text())
    (told,) = place.ok("results", "list", OLD, "--json").json["problems"]
    assert told.endswith(f" claim to be the same run, begun at {copy.started_at}")
