"""promptreg.core.prompt: frozen prompts, inputs that do not fit, version skew, what a rendering gives; and errors."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptreg import InputError, LimitError, Prompt, PromptregError, Registry, TemplateError
from promptreg.testing import registry
from tests.support.shelf import NAME, QUIET, Shelf, answer, sha, until

FULL = """\
---
description: Answer a customer's question.
provider: openai
model: gpt-4.1-mini
parameters: {temperature: 0.2, stop: [END], logit_bias: {"50256": -100}}
inputs:
  question: string
  tone: {enum: [formal, friendly], default: friendly}
  history:
    type: messages
    default:
      - role: assistant
        content: null
        tool_calls: [{id: call_1, type: function, function: {name: find, arguments: "{}"}}]
      - {role: tool, tool_call_id: call_1, content: Found.}
  topics: {type: array, items: {type: object, properties: {title: string}}, default: [{title: returns}]}
output:
  type: object
  properties: {answer: {type: string}}
  required: [answer]
tools:
  - {name: find, description: Find, parameters: {type: object, properties: {}}}
owners: [support]
tags: [chat]
metadata: {ticket: {id: 7}, seen: [1]}
---
{% messages history %}
{% message role="user" %}
{{ tone }}: {{ question }} ({% for topic in topics %}{{ topic.title }}{% endfor %})
{% endmessage %}
"""


@pytest.fixture
def full() -> Prompt:
    return registry({NAME: FULL}).load(NAME)


# What a prompt says, and that it stays so


def test_a_prompt_says_what_its_front_matter_says(full: Prompt) -> None:
    assert (full.name, full.version, full.digest) == (NAME, "draft", sha(FULL))
    assert full.description == "Answer a customer's question."
    assert (full.provider, full.model) == ("openai", "gpt-4.1-mini")
    assert full.parameters == {"temperature": 0.2, "stop": ["END"], "logit_bias": {"50256": -100}}
    assert list(full.inputs) == ["question", "tone", "history", "topics"]
    assert full.output == {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    assert full.tools == [{"name": "find", "description": "Find", "parameters": {"type": "object", "properties": {}}}]
    assert full.metadata == {"ticket": {"id": 7}, "seen": [1]}
    assert repr(full) == f"<Prompt support/answer@draft {sha(FULL)[:15]}…>"


def test_a_prompt_without_front_matter_has_the_inputs_that_it_uses() -> None:
    prompt = registry({"a": "{% for x in xs %}{{ x }}{% endfor %} {{ y }}\n"}).load("a")
    assert {name: declared.type for name, declared in prompt.inputs.items()} == {"xs": "any", "y": "any"}
    assert (prompt.description, prompt.provider, prompt.model, prompt.output) == ("", None, None, None)
    assert (prompt.parameters, prompt.tools, prompt.metadata) == ({}, [], {})


def test_the_inputs_of_partials_count_where_there_is_no_front_matter() -> None:
    prompts = registry({"a": '{{ x }}{% include "b@draft" %}', "b": '{{ y }}{% include "c@draft" %}', "c": "{{ z }}"})
    assert sorted(prompts.load("a").inputs) == ["x", "y", "z"]


@pytest.mark.parametrize(
    "field",
    ["name", "version", "digest", "environment", "source", "model", "parameters", "inputs", "metadata", "anything"],
)
def test_a_prompt_cannot_be_changed(full: Prompt, field: str) -> None:
    with pytest.raises(AttributeError, match=f"a prompt cannot be changed: {field}"):
        setattr(full, field, "changed")


@pytest.mark.parametrize("field", ["name", "digest", "model"])
def test_nothing_can_be_taken_from_a_prompt(full: Prompt, field: str) -> None:
    with pytest.raises(AttributeError, match=f"a prompt cannot be changed: {field}"):
        delattr(full, field)


def rename(prompt: Prompt) -> None:
    declared = prompt.inputs["tone"]
    declared.required = True
    declared.has_default = False


MUTATIONS: dict[str, Callable[[Prompt], object]] = {
    "a parameter": lambda prompt: prompt.parameters.update(temperature=2),
    "inside a parameter": lambda prompt: prompt.parameters["stop"].append("x"),
    "an input": lambda prompt: prompt.inputs.pop("question"),
    "a declaration": rename,
    "a default": lambda prompt: prompt.inputs["topics"].default.append({"title": "x"}),
    "a default inside": lambda prompt: prompt.inputs["topics"].default[0].update(title="x"),
    "items of a declaration": lambda prompt: prompt.inputs["topics"].items.properties.clear(),  # type: ignore[union-attr]
    "output": lambda prompt: (prompt.output or {})["properties"].clear(),
    "tools": lambda prompt: prompt.tools[0]["parameters"].update(type="string"),
    "metadata": lambda prompt: prompt.metadata["ticket"].update(id=8),
    "a rendered message": lambda prompt: prompt.render(question="q").messages[0].update(role="system"),
    "inside a rendered message": lambda prompt: prompt.render(question="q").messages[0]["tool_calls"].clear(),
    "arguments for a client": lambda prompt: prompt.render(question="q").for_openai()["tools"][0]["function"].clear(),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_changing_what_a_prompt_returns_does_not_change_the_prompt(full: Prompt, mutation: str) -> None:
    def said() -> Any:
        facts = (full.parameters, full.output, full.tools, full.metadata)
        inputs = {name: declared.data() for name, declared in full.inputs.items()}
        return copy.deepcopy((facts, inputs, full.render(question="q").for_openai()))

    before = said()
    MUTATIONS[mutation](full)
    assert said() == before


def test_changing_what_was_rendered_does_not_change_what_the_caller_gave(full: Prompt) -> None:
    history = [{"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "find"}}]}]
    given = copy.deepcopy(history)
    rendered = full.render(question="q", history=history)
    rendered.messages[0]["content"] = "changed"
    rendered.messages[0]["tool_calls"][0]["function"]["name"] = "changed"
    assert history == given


# Rendering


def test_a_text_prompt_gives_text_and_one_user_message() -> None:
    rendered = registry({"a": "Hi {{ name }}!\n"}).load("a").render(name="Aki")
    assert rendered.text == "Hi Aki!"
    assert rendered.messages == [{"role": "user", "content": "Hi Aki!"}]
    assert rendered.prompt.name == "a"
    assert rendered.attributes() == rendered.prompt.attributes()
    assert repr(rendered) == "<Rendered a@draft>"


def test_a_chat_prompt_has_no_text(full: Prompt) -> None:
    rendered = full.render(question="Why?")
    assert rendered.messages[-1] == {"role": "user", "content": "friendly: Why? (returns)"}
    with pytest.raises(PromptregError) as caught:
        _ = rendered.text
    assert str(caught.value) == "support/answer@draft is a chat prompt: use .messages."


DECLARED = """\
---
inputs:
  question: string
  passages: {type: array, items: string}
  locale: {type: string, required: false}
  count: {type: integer, default: 3}
---
{{ question }}{{ passages | join }}{{ count }}
"""


@pytest.mark.parametrize(
    ("given", "message", "missing", "unexpected", "invalid"),
    [
        (
            {"question": "q", "passages": [], "locle": "de"},
            "unexpected input locle. Takes: question, passages, locale, count. Did you mean locale?",
            (),
            ("locle",),
            {},
        ),
        (
            {"question": "q"},
            "missing input passages. Takes: question, passages, locale, count.",
            ("passages",),
            (),
            {},
        ),
        (
            {"question": "q", "passages": ["a", 7]},
            "passages[1] must be a string, not 7. Takes: question, passages, locale, count.",
            (),
            (),
            {"passages": "passages[1] must be a string, not 7"},
        ),
        (
            {"question": None, "qestion": "q", "tone": "x", "count": "4"},
            (
                "missing input passages; unexpected input qestion, tone; question must be a string, not null; count "
                "must be a whole number, not '4'. Takes: question, passages, locale, count."
            ),
            ("passages",),
            ("qestion", "tone"),
            {
                "question": "question must be a string, not null",
                "count": "count must be a whole number, not '4'",
            },
        ),
    ],
)
def test_inputs_that_do_not_fit_are_one_error_that_lists_them_all(
    given: dict[str, Any],
    message: str,
    missing: tuple[str, ...],
    unexpected: tuple[str, ...],
    invalid: dict[str, str],
) -> None:
    with pytest.raises(InputError) as caught:
        registry({NAME: DECLARED}).load(NAME).render(**given)
    error = caught.value
    assert str(error) == f"support/answer@draft: {message}"
    assert (error.missing, error.unexpected, error.invalid) == (missing, unexpected, invalid)


def test_a_prompt_without_inputs_says_so() -> None:
    with pytest.raises(InputError) as caught:
        registry({"a": "Hi\n"}).load("a").render(name="Aki")
    assert str(caught.value) == "a@draft: unexpected input name. It takes no inputs."


# Version skew


@pytest.fixture
def skewed(tmp_path: Path) -> Shelf:
    """1.0.0 with `tone`, 1.1.0 with `locale` too, 2.0.0 without `tone`."""
    shelf = Shelf(tmp_path / "prompts")
    shelf.release(f"{NAME}@1.0.0", "---\ninputs: {question: string, tone: string}\n---\n1: {{ question }}\n")
    shelf.release(f"{NAME}@1.1.0", "---\ninputs: {question: string, tone: string, locale: string}\n---\n2\n")
    shelf.release(f"{NAME}@2.0.0", "---\ninputs: {question: string, locale: string}\n---\n3: {{ question }}\n")
    shelf.pin(f"{NAME}@1.0.0")
    return shelf


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "promptreg"]


@pytest.mark.parametrize(
    ("spec", "inputs", "message"),
    [
        (
            NAME,
            {"question": "q", "tone": "t", "locale": "de"},
            "support/answer@1.0.0 ignores input 'locale', known since 1.1.0",
        ),
        (
            f"{NAME}@2.0.0",
            {"question": "q", "tone": "t", "locale": "de"},
            "support/answer@2.0.0 ignores input 'tone', known since 1.0.0",
        ),
        (
            f"{NAME}@draft",
            {"question": "q", "locale": ["not", "a", "string"]},
            "support/answer@draft ignores input 'locale', known since 1.1.0",
        ),
    ],
)
def test_an_input_that_another_version_declares_is_dropped_and_logged_once(
    skewed: Shelf, caplog: pytest.LogCaptureFixture, spec: str, inputs: dict[str, Any], message: str
) -> None:
    skewed.draft(NAME, "---\ninputs: {question: string}\n---\nD: {{ question }}\n")
    opened = skewed.open()
    for _ in range(3):
        assert opened.load(spec).render(**inputs).text.endswith(": q")
    assert warnings_of(caplog) == [message]


def test_a_name_that_no_version_knows_stays_an_error_with_a_near_match(
    skewed: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InputError) as caught:
        skewed.open().load(NAME).render(question="q", tnoe="t", locale="de")
    assert str(caught.value) == (
        "support/answer@1.0.0: missing input tone; unexpected input tnoe. Takes: question, tone. Did you mean tone?"
    )
    assert caught.value.unexpected == ("tnoe",)
    assert warnings_of(caplog) == ["support/answer@1.0.0 ignores input 'locale', known since 1.1.0"]


def test_other_versions_are_only_looked_at_on_the_error_path_and_may_be_damaged(
    skewed: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    skewed.write(f"{NAME}/versions/1.1.0.txt", "Edited\n")
    prompt = skewed.open().load(NAME)
    prompt.render(question="q", tone="t")
    assert warnings_of(caplog) == []
    assert prompt.render(question="q", tone="t", locale="de").text == "1: q"
    assert warnings_of(caplog)[-1] == "support/answer@1.0.0 ignores input 'locale', known since 2.0.0"


def test_an_input_of_a_version_that_was_released_since_is_dropped_too(skewed: Shelf) -> None:
    skewed.release("billing/refund@1.0.0", "Refund.\n")
    skewed.pin("billing/refund@1.0.0")
    opened = skewed.open()
    opened.load(NAME)
    opened.load("billing/refund")
    skewed.release(f"{NAME}@2.1.0", "---\ninputs: {question: string, audience: string}\n---\n4\n")
    skewed.release("billing/refund@1.1.0", "Refund now.\n")
    skewed.pin("billing/refund@1.1.0")
    assert until(lambda: opened.load("billing/refund"), "1.1.0").version == "1.1.0"
    assert opened.load(NAME).render(question="q", tone="t", audience="all").text == "1: q"


def test_many_threads_log_a_dropped_input_once(skewed: Shelf) -> None:
    """In a process of its own, where nothing has been imported or warned about yet."""
    script = f"""\
        import sys, threading
        sys.setswitchinterval(1e-6)
        from promptreg import Registry
        prompt = Registry.open({str(skewed.root)!r}).load({NAME!r})
        barrier = threading.Barrier(8)
        def work():
            barrier.wait()
            prompt.render(question="q", tone="t", locale="de")
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stderr == "support/answer@1.0.0 ignores input 'locale', known since 1.1.0\n"


# Errors


def _open_without_registry(path: Path) -> None:
    Registry.open(path / "nothing")


def _torn(path: Path) -> None:
    answer(path).write("environments/production.yaml", f"{NAME}:\n  version: 1\n")
    Registry.open(path).load(NAME)


def _edited(path: Path) -> None:
    answer(path).write(f"{NAME}/versions/1.0.0.txt", "Edited\n")
    Registry.open(path).load(NAME)


RAISERS: dict[str, Callable[[Path], object]] = {
    "RegistryNotFound": _open_without_registry,
    "SpecError": lambda path: answer(path).open().load("Not A Name"),
    "PromptNotFound": lambda path: answer(path).open().load("not/there"),
    "EnvironmentNotFound": lambda path: answer(path).open().load(NAME, environment="canary"),
    "VersionNotFound": lambda path: answer(path).open().load(f"{NAME}@9.0.0"),
    "FileError": _torn,
    "IntegrityError": _edited,
    "PromptFileError": lambda path: registry({"a": "---\nmodle: x\n---\nHi\n"}).load("a"),
    "TemplateError": lambda path: registry({"a": "Hi\n{{ a.b }}\n"}).load("a").render(a={}),
    "LimitError": lambda path: registry({"a": "{% for i in range(2000000) %}x{% endfor %}\n"}).load("a").render(),
    "InputError": lambda path: registry({NAME: DECLARED}).load(NAME).render(question=1, locle=2),
    "PromptregError": lambda path: (
        registry({"a": '{% message role="user" %}x{% endmessage %}'}).load("a").render().text
    ),
}


@pytest.mark.parametrize("kind", RAISERS)
def test_errors_survive_pickling_with_all_that_they_say(tmp_path: Path, kind: str) -> None:
    with pytest.raises(PromptregError) as caught:
        RAISERS[kind](tmp_path)
    error = caught.value
    assert type(error).__name__ == kind
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
        assert (again.message, again.path, again.line, again.column) == (
            error.message,
            error.path,
            error.line,
            error.column,
        )


@pytest.mark.parametrize(
    ("text", "given", "kind", "message"),
    [
        (
            "Hi\n{{ user.name }}\n",
            {"user": {}},
            TemplateError,
            "a/prompt.md:2: user.name is absent. Test it with  is defined, or give it a default.",
        ),
        (
            "---\ninputs: {n: integer}\n---\n{% for i in range(n) %}\n{{ i }}\n{% endfor %}\n",
            {"n": 2_000_000},
            LimitError,
            None,
        ),
    ],
)
def test_what_fails_while_rendering_names_its_place(
    text: str, given: dict[str, Any], kind: type[PromptregError], message: str | None
) -> None:
    with pytest.raises(kind) as caught:
        registry({"a": text}).load("a").render(**given)
    assert caught.value.path == "a/prompt.md"
    assert caught.value.line is not None
    assert message is None or str(caught.value) == message


def test_a_prompt_keeps_rendering_after_its_files_are_gone_or_replaced(tmp_path: Path) -> None:
    shelf = answer(tmp_path / "prompts")
    prompt = shelf.open().load(NAME)
    (shelf.root / NAME / "versions/1.0.0.txt").unlink()
    shelf.write(f"{NAME}/versions.sum", "")
    time.sleep(QUIET)
    assert prompt.render(question="x").text == "One: x"
