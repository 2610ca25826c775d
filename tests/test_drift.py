"""`eval --no-store`, `--against-stored` and `--junit`: did the model change under a version?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.evals.reading import read_result
from promptreg.evals.verdict import MetricVerdict, SideFacts, Verdict
from promptreg.report.junit import SuiteTest, junit_text
from tests.support.flipping import NAME, NEW, NUMBER, OLD, SUITE, Loopback, Model, every, ids, two_versions
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.shipping import cases, prepared, said

DRIFT = ("eval", "--no-store", "--against-stored")
LOST = ids(6)


@pytest.fixture
def loopback(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    place, model = prepared(tmp_path_factory, tmp_path, two_versions), Model()
    with OpenAIServer(model) as server:
        yield Loopback(place, server, model)


@pytest.fixture
def stored(loopback: Loopback) -> Loopback:
    """Both versions have a stored run, all of it right."""
    loopback.ok("eval", f"{NAME}@{OLD}", f"{NAME}@{NEW}")
    loopback.server.requests.clear()
    return loopback


def mode(loopback: Loopback, name: str) -> None:
    toml = "prompts/promptreg.toml"
    text = loopback.place.read(toml)
    assert 'mode = "standard"' in text
    loopback.place.write(toml, text.replace('mode = "standard"', f'mode = "{name}"'))


# --no-store


def test_a_run_that_is_not_stored_leaves_no_file(loopback: Loopback):
    before = loopback.place.files()
    ran = loopback.ok("eval", f"{NAME}@{NEW}", "--no-store")
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"{NAME}@{NEW}  suite  openai  30 cases × 1  ")
    assert lines[1].split() == ["correct", "1.000", "30", "of", "30"]
    assert lines[-1] == "  not stored"
    data = loopback.ok("eval", f"{NAME}@{NEW}", "--no-store", "--json").json
    assert (data["results"][0]["path"], data["results"][0]["totals"]["metrics"]["correct"]["n"]) == (None, 30)
    assert ("drift" in data, loopback.calls) == (False, 60)
    after = {path: text for path, text in loopback.place.files().items() if not path.endswith(".promptreg/.gitignore")}
    assert after == {path: text for path, text in before.items() if not path.endswith(".promptreg/.gitignore")}


# --against-stored


def test_a_model_that_answers_as_before_is_no_drift(stored: Loopback):
    before = stored.place.files()
    lines = stored.ok(*DRIFT, f"{NAME}@{OLD}").out.splitlines()
    assert lines[:2] == [
        f"{NAME}@{OLD}  suite  openai  30 cases × 1  30 calls  asked for",
        "30 calls in all, at a cost that nobody stated ([prices] in promptreg.toml)",
    ]
    start = lines.index("") + 1
    assert lines[start : start + 5] == [
        f"PASS  {NAME}@{OLD}, a fresh run against 1 stored run       mode standard, alpha 0.05",
        "The same answered then and now: gpt-x-2026-01-01.",
        "Yes: no drop seen; a drop up to 8.3 points cannot be excluded.",
        "metric   1.0.0 then  1.0.0 now  change  one-sided 95 % bounds  lost/won  p (Holm)  verdict",
        lines[start + 4],
    ]
    assert (stored.place.files(), stored.calls) == (before, 30)


def test_a_model_that_answers_worse_is_a_regression_with_the_models_that_answered(stored: Loopback):
    stored.answers(Model(old=every(*LOST), model="gpt-x-2026-06-30"))
    ran = stored.ok(*DRIFT, f"{NAME}@{OLD}", status=1)
    lines = ran.out.splitlines()[ran.out.splitlines().index("") + 1 :]
    assert lines[:3] == [
        f"REGRESSED  {NAME}@{OLD}, a fresh run against 1 stored run       mode standard, alpha 0.05",
        "Answered then: gpt-x-2026-01-01. Now: gpt-x-2026-06-30.",
        "No: 6 of 30 cases that 1.0.0 then answers right fail with 1.0.0 now; 0 others now pass.",
    ]
    assert "30 cases × 1 run, same cases, same setup; 0 missing, 0 errors" in lines
    assert len(stored.stored(OLD)) == 1


def test_the_stored_runs_are_pooled_and_said_in_json(stored: Loopback):
    stored.ok("eval", f"{NAME}@{OLD}", "--repeat", "2")
    stored.answers(Model(old=every("q1"), model="other"))
    (row,) = stored.ok(*DRIFT, f"{NAME}@{OLD}", "--json").json["drift"]
    assert list(row)[:4] == ["name", "version", "models", "verdict"]
    assert (row["name"], row["version"], row["verdict"]) == (NAME, OLD, "uncertain")
    assert row["models"] == {"then": ["gpt-x-2026-01-01"], "now": ["other"]}
    assert [(row[side]["version"], row[side]["runs"]) for side in ("baseline", "candidate")] == [(OLD, 2), (OLD, 1)]
    assert row["metrics"]["correct"]["lost"] == ["c1"]


@pytest.mark.parametrize(("name", "status"), [("lenient", 0), ("standard", 0), ("strict", 4)])
def test_what_the_gate_is_uncertain_about_is_4_where_the_mode_of_the_environment_is_strict(
    stored: Loopback, name: str, status: int
):
    mode(stored, name)
    stored.answers(Model(old=every("q1")))
    assert stored.run(*DRIFT, f"{NAME}@{OLD}", "--in", "production").status == status
    assert stored.run(*DRIFT, f"{NAME}@{OLD}").status == 0  # without an environment the mode is standard


def test_that_other_models_answer_is_no_evidence_in_strict_mode(stored: Loopback):
    mode(stored, "strict")
    stored.answers(Model(model="gpt-x-2026-06-30"))
    ran = stored.ok(*DRIFT, f"{NAME}@{OLD}", "--in", "production", status=4)
    assert "Cannot be compared: the models that answered differ: gpt-x-2026-01-01 and gpt-x-2026-06-30." in ran.out


def test_the_age_of_stored_runs_is_no_doubt(stored: Loopback):
    mode(stored, "strict")
    (path,) = stored.stored(OLD)
    found = read_result(stored.place.read(path).encode(), path)
    old = found.model_copy(update={"started_at": "2025-01-01T00:00:00.000+00:00"})
    (stored.place.path / path).unlink()
    stored.place.write(f"prompts/{NAME}/evals/results/{OLD}/{old.file_name()}", old.text())
    # between two versions it is one
    compared = stored.place.run("compare", f"{NAME}@{OLD}", f"{NAME}@{NEW}", "--in", "production")
    assert (compared.status, "days older" in compared.out) == (4, True)
    (row,) = stored.ok(*DRIFT, f"{NAME}@{OLD}", "--in", "production", "--json").json["drift"]
    assert (row["mode"], row["verdict"], row["notes"]) == ("strict", "pass", [])


@pytest.mark.parametrize(
    "specs", [["@production"], [f"{NAME}@production"], ["--in", "production"], [NAME, "-e", "production"]]
)
def test_what_an_environment_pins_is_named_in_each_way(stored: Loopback, specs: list[str]):
    found = stored.ok(*DRIFT, *specs, "--json").json["drift"]
    assert [(row["name"], row["version"]) for row in found] == [(NAME, OLD)]


def test_several_versions_are_checked_and_the_worst_is_the_status(stored: Loopback):
    stored.answers(Model(old=every(*LOST)))
    ran = stored.ok(*DRIFT, f"{NAME}@{NEW}", f"{NAME}@{OLD}", f"{NAME}@production", "--json", status=1)
    assert [(row["version"], row["verdict"]) for row in ran.json["drift"]] == [(NEW, "pass"), (OLD, "regressed")]


def test_without_stored_evidence_nobody_is_asked(loopback: Loopback):
    ran = loopback.ok(*DRIFT, f"{NAME}@{OLD}", status=4)
    assert ran.out.splitlines() == [
        "",
        f"MISSING  {NAME}@{OLD}, nothing stored       mode standard, alpha 0.05",
        "Not evaluated: 1.0.0 then has 30 cases and no result; 1.0.0 now has 30 cases and no result.",
        "Not run, since nothing is stored: suite. To store a run:",
        f"    promptreg eval {NAME}@{OLD}",
    ]
    assert loopback.calls == 0


def test_of_several_suites_only_those_with_something_stored_are_run(stored: Loopback):
    stored.place.write(f"prompts/{NAME}/evals/tone.yaml", SUITE.replace("exact", "contains"))
    ran = stored.ok(*DRIFT, f"{NAME}@{OLD}", status=4)
    assert "Not run, since nothing is stored: tone. To store a run:" in ran.out.splitlines()
    assert stored.calls == NUMBER


def test_an_environment_that_is_not_there_is_said_before_anybody_is_asked(stored: Loopback):
    for arguments in ([*DRIFT, f"{NAME}@{OLD}"], ["eval", "--aa", f"{NAME}@{OLD}"]):
        ran = stored.run(*arguments, "--in", "prodution")
        words = "There is no environment prodution. There is production. Did you mean production?"
        assert (ran.status, said(ran), stored.calls) == (2, words, 0)


def test_results_of_another_setup_are_nothing_to_compare_with(stored: Loopback):
    stored.place.suite(NAME, cases(NUMBER), SUITE + "parameters: {temperature: 1}\n")
    assert stored.run(*DRIFT, f"{NAME}@{OLD}").status == 4
    assert stored.calls == 0


def test_calls_that_fail_are_no_drift(stored: Loopback):
    refused = b'{"error": {"message": "No."}}'
    stored.server.script = lambda asked: Reply(status=400, body=refused)
    ran = stored.ok(*DRIFT, f"{NAME}@{OLD}", status=4)
    assert "30 of 30 calls failed for 1.0.0 now (run it again, once the provider answers)" in ran.out
    assert len(stored.stored(OLD)) == 1


def test_some_cases_are_compared_with_the_same_stored_ones(stored: Loopback):
    (row,) = stored.ok(*DRIFT, f"{NAME}@{OLD}", "--max-cases", "25", "--json").json["drift"]
    assert (row["verdict"], row["metrics"]["correct"]["n"], stored.calls) == ("pass", 25, 25)


def test_a_dry_run_of_a_drift_check_says_the_plan(stored: Loopback):
    ran = stored.ok(*DRIFT, f"{NAME}@{OLD}", "--dry-run")
    assert (len(ran.out.splitlines()), stored.calls) == (2, 0)


def test_an_environment_that_pins_nothing_with_cases_is_said(stored: Loopback):
    stored.place.ok("unpin", NAME, "--in", "production")
    ran = stored.run(*DRIFT, "@production")
    assert (ran.status, said(ran)) == (2, "production pins no prompt that has cases. promptreg eval --help shows how.")


# --junit


def junit_of(path: Path) -> list[tuple[str, str, str | None, dict[str, str]]]:
    """Class, name, failure and properties of each test of a JUnit file."""
    found = []
    for suite in ET.parse(path).getroot():
        (case,) = suite.findall("testcase")
        failure = case.find("failure")
        properties = {each.get("name", ""): each.get("value", "") for each in suite.iter("property")}
        found.append((case.get("classname"), case.get("name"), None if failure is None else failure.text, properties))
    return found


def test_drift_as_junit(stored: Loopback):
    stored.answers(Model(old=every(*LOST)))
    file = stored.place.path / "build/drift.xml"
    ran = stored.ok(*DRIFT, f"{NAME}@{OLD}", f"{NAME}@{NEW}", "--junit", "build/drift.xml", status=1)
    worse, same = junit_of(file)
    assert (worse[:2], same[:3]) == ((NAME, "suite"), (NAME, "suite", None))
    assert worse[2] is not None
    assert worse[2].splitlines()[1] == (
        "No: 6 of 30 cases that 1.0.0 then answers right fail with 1.0.0 now; 0 others now pass."
    )
    assert set(worse[2].splitlines()) <= set(ran.out.splitlines())
    assert worse[3]["version"] == OLD
    assert (worse[3]["metric:correct:baseline"], worse[3]["metric:correct:candidate"]) == ("1", "0.8")
    assert (worse[3]["metric:correct:verdict"], worse[3]["models:now"]) == ("regressed", "gpt-x-2026-01-01")
    assert ET.parse(file).getroot()[0].get("failures") == "1"


def test_each_suite_is_a_test_of_its_own(stored: Loopback):
    stored.place.write(f"prompts/{NAME}/evals/tone.yaml", SUITE.replace("exact", "contains"))
    stored.ok("eval", f"{NAME}@{OLD}", "--suite", "tone")
    stored.ok(*DRIFT, "@production", "--junit", "drift.xml")
    found = junit_of(stored.place.path / "drift.xml")
    assert [each[:3] for each in found] == [(NAME, "suite", None), (NAME, "tone", None)]
    assert "metric:tone.correct:candidate" in found[1][3]


def test_needed_as_junit_is_the_gates_verdict(loopback: Loopback):
    loopback.answers(Model(new=every(*LOST)))
    loopback.ok("eval", "--needed", "--to", "production", "--junit", "gate.xml")
    ((name, suite, failure, properties),) = junit_of(loopback.place.path / "gate.xml")
    assert (name, suite) == (NAME, "suite → production")
    assert failure is not None
    assert failure.splitlines()[0].startswith(f"BLOCKED  {NAME} {NEW} → production ({OLD} there now)")
    assert (properties["candidate"], properties["baseline"], properties["verdict"]) == (NEW, OLD, "regressed")


def test_an_earlier_report_is_replaced_and_no_other_file(stored: Loopback):
    file = stored.place.path / "drift.xml"
    for _ in range(2):
        stored.ok(*DRIFT, f"{NAME}@{OLD}", "--junit", "drift.xml")
    assert len(junit_of(file)) == 1
    stored.server.requests.clear()
    path = f"prompts/{NAME}/prompt.md"
    text = stored.place.read(path)
    for other, why in (
        (path, "this file is no earlier report, and stays. Choose another name."),
        ("prompts", "this is no regular file. Choose another name."),
        (f"{path}/x.xml", f"nothing can be written into {stored.place.path / path}. Choose another name."),
    ):
        ran = stored.run(*DRIFT, f"{NAME}@{OLD}", "--junit", other)
        assert (ran.status, said(ran)) == (2, f"{other}: {why}")
    (stored.place.path / "link.xml").symlink_to(path)
    assert stored.run(*DRIFT, f"{NAME}@{OLD}", "--junit", "link.xml").status == 2
    assert (stored.place.read(path), stored.calls) == (text, 0)


def verdict(words: str, name: str) -> Verdict:
    metric = MetricVerdict("pass-fail", 3, "regressed", (words,), baseline=1.0, candidate=0.5)
    return Verdict("regressed", "standard", SideFacts("1", "d"), SideFacts("0", "d"), metrics={name: metric})


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_comes_out_of_junit_but_for_what_xml_cannot_hold(words: str, name: str):
    test = SuiteTest(name, "suite", verdict(words, name), ["first", words], {"why": words})
    root = ET.fromstring(junit_text([test], "2026-11-20T10:00:00").encode())
    kept = "".join(
        each
        for each in words
        if each in "\t\n\r" or 0x20 <= ord(each) < 0xD800 or 0xE000 <= ord(each) < 0xFFFE or ord(each) > 0xFFFF
    )
    (case,) = root[0].findall("testcase")
    said_there = case.findall("failure")[0].get("message")
    assert said_there == kept
    assert root[0].find("properties/property").get("value") == kept  # type: ignore[union-attr]


#: What the Ant schema (windyroad/JUnit-Schema) and Jenkins' junit-10.xsd both take, in this order.
ORDER = ["properties", "testcase", "system-out", "system-err"]
REQUIRED = {"package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"}


def test_the_file_is_of_the_shape_that_strict_schemas_take():
    test = SuiteTest("a/b", "suite", verdict("worse", "correct"), ["first", "worse"], {})
    root = ET.fromstring(junit_text([test, test], "2026-11-20T10:00:00").encode())
    assert (root.tag, root.attrib, [suite.get("id") for suite in root]) == ("testsuites", {}, ["0", "1"])
    for suite in root:
        assert ([each.tag for each in suite], set(suite.attrib)) == (ORDER, REQUIRED)
        (case,) = suite.findall("testcase")
        assert set(case.attrib) == {"classname", "name", "time"}
        assert [(each.tag, set(each.attrib)) for each in case] == [("failure", {"type", "message"})]
