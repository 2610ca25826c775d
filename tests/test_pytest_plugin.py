"""`pytest --prompts`, run as people run it: in a process of its own, in a repository with a registry."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.shipping import ALSO_RIGHT, RIGHT, WRONG, begun, cases, prepared

SMOKE = "def test_smoke():\n    pass\n"
TWO_OF_TEN_WRONG = "{{ question | replace('q7', 'x') | replace('q3', 'x') }}\n"


def run(place: Place, *arguments: str, folder: str = ".", **environ: str) -> tuple[int, str]:
    """pytest's exit status, and all that it says."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:hypothesispytest", *arguments],
        cwd=place.path / folder,
        env={**given, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def outcomes(said: str) -> dict[str, str]:
    """What `-rA` says of each test, by its id."""
    words = ("PASSED", "FAILED", "ERROR")
    lines = [line.split(" ", 2) for line in said.splitlines() if line.startswith(words)]
    return {line[1]: line[0] for line in lines}


def shelf(place: Place) -> None:
    """Prompts in production, and what has become of them since: better, worse, not evaluated, too few cases, …"""
    begun(place)
    for name, number in (("answer", 30), ("refund", 30), ("quiet", 30), ("few", 5), ("greet", 0)):
        place.draft(f"support/{name}", RIGHT)
        if number:
            place.suite(f"support/{name}", cases(number))
        place.ok("ship", f"support/{name}", "--to", "production", "-m", "First")
    place.draft("shared/partial", "Be kind.\n")
    place.commit("Ship")
    place.draft("support/answer", WRONG)
    place.ok("eval", "support/answer@draft")
    place.draft("support/refund", ALSO_RIGHT)
    place.draft("support/few", "{{ question }}。\n")
    place.ok("eval", "support/few@draft", "--provider", "echo")
    place.draft("support/greet", "Hello!\n")
    place.write("tests/test_smoke.py", SMOKE)


@pytest.fixture
def stock(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path / "place", shelf)


NO = "No: 30 of 30 cases that 1.0.0 answers right fail with draft; 0 others now pass."
REGRESSED = f"""\
{NO}
BLOCKED  support/answer draft → production (1.0.0 there now)       mode standard, alpha 0.05, scored by echo (not a \
language model)
metric   1.0.0  draft  change     one-sided 95 % bounds  lost/won  p (Holm)  verdict
correct  1.000  0.000  −100.0 pt  [−100.0, −88.3]        30 / 0    <0.001    regressed: p ≤ 0.05; drop over 5 points, \
30 net
"""


def test_each_suite_is_a_test_with_the_gates_verdict(stock: Place) -> None:
    status, said = run(stock, "--prompts", "-rA", "--junitxml=report.xml")

    assert status == 1
    assert "collected 6 items" in said
    assert outcomes(said) == {
        "tests/test_smoke.py::test_smoke": "PASSED",
        "support/answer::suite": "FAILED",
        "support/few::suite": "FAILED",
        "support/greet::no-suite": "PASSED",
        "support/quiet::suite": "PASSED",
        "support/refund::suite": "FAILED",
    }
    assert REGRESSED in said
    assert f"\nFAILED support/answer::suite - {NO}\n" in said
    assert "\nFAILED support/refund::suite - Not evaluated: draft has 30 cases and no result.\n" in said
    assert "\n    promptreg eval support/refund@draft\n" in said
    assert "support/quiet 1.0.0 runs in production already." in said
    assert "Nothing was tested: there are no cases." in said
    assert "== prompts that passed and are not proven ==" in said
    assert "support/greet::no-suite: ungated: there are no cases" in said
    assert "Traceback" not in said
    assert "pytest_plugin.py" not in said

    found = {
        (case.get("classname"), case.get("name")): {
            each.get("name"): each.get("value") for each in case.iter("property")
        }
        for case in ET.parse(stock.path / "report.xml").iter("testcase")
    }
    assert found["support.answer", "suite"] == {
        "candidate": "draft",
        "baseline": "1.0.0",
        "environment": "production",
        "verdict": "regressed",
        "reasons": "correct: p ≤ 0.05; drop over 5 points, 30 net",
        "metric:correct:candidate": "0",
        "metric:correct:baseline": "1",
        "metric:correct:verdict": "regressed",
    }
    assert found["support.quiet", "suite"]["verdict"] == "pass"
    assert found["support.greet", "no-suite"]["verdict"] == "ungated"


def test_without_the_option_nothing_is_collected_and_nothing_is_imported(stock: Place) -> None:
    stock.write(
        "tests/test_smoke.py",
        textwrap.dedent("""\
            import sys

            def test_smoke():
                loaded = {name for name in sys.modules if name.split(".")[0] == "promptreg"}
                assert loaded == {"promptreg", "promptreg.core", "promptreg.core.errors", "promptreg.pytest_plugin"}
                assert not {"pydantic", "click", "git", "jinja2", "yaml", "mpmath", "deepdiff"} & set(sys.modules)
            """),
    )
    stock.write("prompts/support/answer/evals/suite.yaml", "nonsense: [")

    status, said = run(stock)

    assert (status, "1 passed" in said) == (0, True), said


def test_it_works_where_there_are_no_other_tests_and_in_many_processes(stock: Place) -> None:
    (stock.path / "tests/test_smoke.py").unlink()

    alone = run(stock, "--prompts", "-rA")
    many = run(stock, "--prompts", "-rA", "-n", "2")

    assert (alone[0], many[0]) == (1, 1)
    assert len(outcomes(alone[1])) == 5
    assert outcomes(many[1]) == outcomes(alone[1])
    assert REGRESSED in many[1]
    assert "support/greet::no-suite: ungated: there are no cases" in many[1]


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("-m", "prompts", "-k", "support/quiet and suite"), {"support/quiet::suite"}),
        (("-m", "not prompts"), {"tests/test_smoke.py::test_smoke"}),
        (("--strict-markers", "-W", "error", "-k", "greet"), {"support/greet::no-suite"}),
    ],
)
def test_suites_are_selected_as_other_tests_are(stock: Place, arguments: tuple[str, ...], chosen: set[str]) -> None:
    _, said = run(stock, "--prompts", "-rA", *arguments)
    assert set(outcomes(said)) == chosen


def test_last_failed_runs_what_failed_until_it_passes(stock: Place) -> None:
    run(stock, "--prompts")
    stock.draft("support/answer", RIGHT)
    again = run(stock, "--prompts", "--lf", "-rA")[1]
    assert outcomes(again) == {
        "support/answer::suite": "PASSED",
        "support/few::suite": "FAILED",
        "support/refund::suite": "FAILED",
    }


def test_the_file_of_a_suite_is_shown(stock: Place) -> None:
    _, said = run(stock, "--prompts", "-vv", "-k", "quiet")
    assert "support/quiet::suite <- prompts/support/quiet/evals/suite.yaml PASSED" in said


# Which version is judged, against what, by which rules


def test_the_newest_version_is_judged_where_the_draft_is_not_ahead(stock: Place) -> None:
    stock.ok("release", "support/answer", "-m", "Worse")
    status, said = run(stock, "--prompts", "-k", "answer")
    assert status == 1
    assert "BLOCKED  support/answer 1.0.1 → production (1.0.0 there now)" in said


def test_what_a_branch_promotes_is_judged_against_what_really_runs(stock: Place) -> None:
    stock.git("checkout", "-q", "-b", "worse")
    stock.ok("release", "support/answer", "-m", "Worse")
    pins = stock.read("prompts/environments/production.yaml")
    digest = stock.read("prompts/support/answer/versions.sum").splitlines()[1].split()[1]
    before, entry, after = pins.partition("support/answer:\n")
    rest = after.partition("support/few:")[1:]
    stock.write(
        "prompts/environments/production.yaml",
        f"{before}{entry}  version: 1.0.1\n  digest: {digest}\n{''.join(rest)}",
    )
    stock.commit("By hand")

    status, said = run(stock, "--prompts", "-k", "answer")

    assert status == 1
    assert "BLOCKED  support/answer 1.0.1 → production (1.0.0 there now)" in said


def test_a_true_waiver_passes_and_says_who_waived(stock: Place) -> None:
    stock.git("checkout", "-q", "-b", "worse")
    stock.ok("release", "support/answer", "-m", "Worse")
    stock.ok("promote", "support/answer@1.0.1", "--to", "production", "--force", "-m", "The law asks for it")
    stock.commit("Waived")

    status, said = run(stock, "--prompts", "-k", "answer", "-rA")

    assert (status, outcomes(said)) == (0, {"support/answer::suite": "PASSED"})
    assert "support/answer::suite: waived: WAIVED by Aki" in said
    assert "The law asks for it" in said

    pins = stock.read("prompts/environments/production.yaml")
    stock.write("prompts/environments/production.yaml", pins.replace("1.000 → 0.000", "1.000 → 0.990"))
    assert run(stock, "--prompts", "-k", "answer")[0] == 1


@pytest.mark.parametrize(
    ("mode", "failed", "words"),
    [
        ("lenient", set(), ("REGRESSED  support/answer draft →", "MISSING  support/refund draft →")),
        ("strict", {"answer", "few", "greet", "refund"}, ("BLOCKED  support/greet draft →",)),
    ],
)
def test_the_environments_mode_says_what_fails(stock: Place, mode: str, failed: set[str], words: tuple[str]) -> None:
    settings = stock.read("prompts/promptreg.toml")
    stock.write("prompts/promptreg.toml", settings.replace('mode = "standard"', f'mode = "{mode}"'))

    status, said = run(stock, "--prompts", "-rA")

    found = {id_ for id_, outcome in outcomes(said).items() if outcome == "FAILED"}
    assert {id_.partition("::")[0].removeprefix("support/") for id_ in found} == failed
    assert status == (1 if failed else 0)
    assert [word for word in words if word not in said] == []


def test_another_environment_is_named_and_one_that_runs_nothing_is_a_first_promotion(stock: Place) -> None:
    settings = stock.read("prompts/promptreg.toml")
    stock.write("prompts/promptreg.toml", settings + '\n[environments.staging]\nmode = "lenient"\n')
    stock.write("prompts/environments/staging.yaml", "")

    status, said = run(stock, "--prompts", "--prompts-in", "staging", "-rA")

    assert status == 0
    assert "PASS  support/quiet 1.0.0 → staging (nothing there yet)       mode lenient" in said
    assert "support/greet::no-suite" not in outcomes(said)  # staging does not run it


# Several suites, and broken ones


def test_suites_are_told_apart_and_one_that_is_broken_fails_by_itself(stock: Place) -> None:
    lines = stock.read("prompts/support/quiet/evals/cases.jsonl")
    stock.write("prompts/support/quiet/evals/kind.jsonl", lines)
    stock.write(
        "prompts/support/quiet/evals/kind.yaml",
        "provider: echo\ncases: kind.jsonl\nscorers:\n  kind: {type: regex, pattern: '^q'}\n",
    )
    stock.write("prompts/support/quiet/evals/empty.yaml", "provider: echo\ncases: []\nscorers: {x: {type: exact}}\n")
    stock.draft("support/quiet", "a{{ question }}\n")
    for spec in ("support/quiet@1.0.0", "support/quiet@draft"):
        for suite in ("suite", "kind"):
            stock.ok("eval", spec, "--suite", suite)
    stock.write("prompts/support/quiet/evals/broken.yaml", "provider: echo\nscorers: {x: {type: exakt}}\n")

    _, said = run(stock, "--prompts", "-rA", "-k", "quiet")

    assert outcomes(said) == {
        "support/quiet::suite": "FAILED",
        "support/quiet::kind": "FAILED",
        "support/quiet::empty": "PASSED",
        "support/quiet::broken": "FAILED",
    }
    assert "prompts/support/quiet/evals/broken.yaml:2:21: there is no scorer exakt. There are exact" in said
    assert "The suite empty has no cases; suite, kind judged." in said
    assert "kind.kind  1.000  0.000" in said
    assert "Traceback" not in said


def test_only_the_suite_that_regressed_fails(stock: Place) -> None:
    lines = stock.read("prompts/support/quiet/evals/cases.jsonl")
    stock.write("prompts/support/quiet/evals/kind.jsonl", lines)
    stock.write(
        "prompts/support/quiet/evals/kind.yaml",
        "provider: echo\ncases: kind.jsonl\nscorers:\n  kind: {type: regex, pattern: 'q'}\n",
    )
    stock.draft("support/quiet", "a{{ question }}\n")
    for spec in ("support/quiet@1.0.0", "support/quiet@draft"):
        stock.ok("eval", spec)

    _, said = run(stock, "--prompts", "-rA", "-k", "quiet")

    assert outcomes(said) == {"support/quiet::suite": "FAILED", "support/quiet::kind": "PASSED"}


def test_a_prompt_that_cannot_be_read_fails_and_the_others_still_run(stock: Place) -> None:
    stock.write("prompts/support/answer/prompt.md", b"\x83e\x83X\x83g {{ question }}\n")
    _, said = run(stock, "--prompts", "-rA")
    assert outcomes(said)["support/answer::suite"] == "FAILED"
    assert outcomes(said)["support/quiet::suite"] == "PASSED"
    assert "prompts/support/answer/prompt.md:1:1: this is not UTF-8 (byte 0x83); it looks like Shift_JIS." in said


# Where the registry is


def test_the_registry_is_found_from_where_pytest_is_started_or_from_its_rootdir(stock: Place) -> None:
    inside = run(stock, "--prompts", "-k", "quiet", folder="tests")
    stock.write("pytest.ini", "[pytest]\n")
    outside = run(Place(stock.path.parent), "--prompts", "-k", "quiet", str(stock.path), "-c", "place/pytest.ini")
    named = run(Place(stock.path.parent), "--prompts", "-k", "quiet", PROMPTREG_ROOT="place/prompts")
    for status, said in (inside, outside, named):
        assert (status, "1 passed" in said) == (0, True), said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prompts", "--prompts-in", "prodction"), "ERROR: --prompts: "),
        (("--prompts-in", "production"), "ERROR: --prompts-in goes with --prompts."),
    ],
)
def test_a_wrong_request_is_a_usage_error(stock: Place, arguments: tuple[str, ...], message: str) -> None:
    status, said = run(stock, *arguments)
    assert (status, message in said) == (4, True), said


def test_without_a_registry_that_is_said(folder: Place) -> None:
    folder.write("test_smoke.py", SMOKE)
    status, said = run(folder, "--prompts")
    assert status == 4
    assert "ERROR: --prompts: No promptreg.toml in " in said


def test_where_drafts_run_an_environment_must_be_named_among_several(stock: Place) -> None:
    settings = stock.read("prompts/promptreg.toml")
    settings = settings.replace('default_environment = "production"', 'default_environment = "draft"')
    stock.write("prompts/promptreg.toml", settings)
    assert run(stock, "--prompts", "-k", "quiet")[0] == 0
    stock.write("prompts/promptreg.toml", settings + "\n[environments.staging]\n")
    status, said = run(stock, "--prompts")
    assert status == 4
    assert "ERROR: --prompts: default_environment is draft. Name an environment: --prompts-in staging" in said


def test_with_drafts_and_no_environment_only_minimums_and_critical_cases_count(folder: Place) -> None:
    folder.init()
    folder.write("prompts/promptreg.toml", 'schema = 1\ndefault_environment = "draft"\n')
    folder.write("prompts/.gitattributes", "")
    for name, text in (("good", RIGHT), ("bad", WRONG)):
        folder.draft(name, text)
        suite = "provider: echo\nscorers:\n  correct: {type: exact}\ngate:\n  correct: {min: 0.9}\n"
        folder.suite(name, cases(30), suite)
        folder.ok("eval", f"{name}@draft")
    _, said = run(folder, "--prompts", "-rA")
    assert outcomes(said) == {"good::suite": "PASSED", "bad::suite": "FAILED"}
