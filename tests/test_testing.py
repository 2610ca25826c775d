"""promptreg.testing: registries from a mapping, for the tests of applications."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import promptreg
from promptreg import PromptFileError, PromptNotFound, SpecError
from promptreg.testing import registry, use
from tests.support.shelf import NAME, Shelf, answer


def application(question: str) -> str:
    """What an application does."""
    return promptreg.load(NAME, environment="production").render(question=question).text


def test_an_application_is_tested_without_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with use(registry({NAME: "Answer: {{ question }}"})):
        assert application("Hi") == "Answer: Hi"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spec", [NAME, f"{NAME}@1.2.0", f"{NAME}@^1", f"{NAME}@staging", f"{NAME}@latest"])
def test_the_text_that_is_given_answers_whatever_is_asked_for(spec: str) -> None:
    prompt = registry({NAME: "Hi\n"}).load(spec, key="user-1")
    assert (prompt.render().text, prompt.version) == ("Hi", "draft")


def test_the_environment_of_the_machine_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTREG_ENV", "production")
    monkeypatch.setenv("PROMPTREG_OVERRIDE", f"{NAME}=1.0.0")
    monkeypatch.setenv("PROMPTREG_ROOT", "/nowhere")
    with use(registry({NAME: "Hi {{ question }}\n"})):
        assert application("Aki") == "Hi Aki"


def test_the_registry_before_is_back_after_the_block_even_after_an_error() -> None:
    outer, inner = registry({NAME: "outer"}), registry({NAME: "inner"})

    def fail() -> None:
        with use(inner):
            assert promptreg.load(NAME).render().text == "inner"
            raise KeyError

    with use(outer) as given:
        assert given is outer
        with pytest.raises(KeyError):
            fail()
        assert promptreg.load(NAME).render().text == "outer"


def test_all_threads_use_it() -> None:
    found: list[str] = []
    with use(registry({NAME: "Answer: {{ question }}"})):
        thread = threading.Thread(target=lambda: found.append(application("Hi")))
        thread.start()
        thread.join()
    assert found == ["Answer: Hi"]


def test_a_registry_of_files_can_be_used_as_well(tmp_path: Path) -> None:
    shelf: Shelf = answer(tmp_path)
    with use(shelf.open()):
        assert application("Hi") == "One: Hi"


def test_prompts_include_one_another() -> None:
    prompts = {NAME: '{% include "shared/tone@draft" %}{{ question }}', "shared/tone": "Be kind."}
    with use(registry(prompts)) as made:
        assert application("Hi") == "Be kind.\nHi"
        assert made.names() == ["shared/tone", NAME]


@pytest.mark.parametrize("include", ["shared/tone", "shared/tone@1.0.0"])
def test_includes_as_an_application_has_them_are_served_from_the_mapping(include: str) -> None:
    prompts = registry({NAME: f'{{% include "{include}" %}}{{{{ question }}}}', "shared/tone": "Be kind."})
    assert prompts.load(NAME).render(question="Hi").text == "Be kind.\nHi"


@pytest.mark.parametrize("environment", [None, "draft", "production"])
def test_an_application_that_takes_snapshots_can_be_tested(environment: str | None) -> None:
    snapshot = registry({NAME: "Hi"}).snapshot(environment)
    assert snapshot.load(NAME, environment="production").render().text == "Hi"


@pytest.mark.parametrize("environment", [None, "production"])
def test_an_application_that_preloads_can_be_tested(environment: str | None) -> None:
    made = registry({NAME: "Hi", "b": "There"})
    assert [(prompt.name, prompt.is_compiled) for prompt in made.preload(environment)] == [("b", True), (NAME, True)]


def test_what_would_fail_with_files_fails_here_too() -> None:
    made = registry({NAME: "Hi", "broken": "---\nmodle: x\n---\nHi\n"})
    with pytest.raises(PromptNotFound, match=r"There is no prompt support/anser\. Did you mean support/answer\?"):
        made.load("support/anser")
    with pytest.raises(PromptFileError) as caught:
        made.load("broken")
    assert str(caught.value).startswith("broken/prompt.md:2:1: front matter has no key modle.")


@pytest.mark.parametrize(("spec", "environment"), [(f"{NAME}@1.0.0", "staging"), (f"{NAME}@", None)])
def test_a_spec_that_no_registry_takes_is_refused_here_too(spec: str, environment: str | None) -> None:
    with pytest.raises(SpecError):
        registry({NAME: "Hi"}).load(spec, environment=environment)
