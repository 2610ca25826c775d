"""`new`: drafts and suites that run at once."""

from __future__ import annotations

import json

import pytest

from tests.support.place import Place
from tests.support.shipping import said

NAME = "support/answer"
SUITE = f"prompts/{NAME}/evals/suite.yaml"
CASES = f"prompts/{NAME}/evals/cases.jsonl"
EXAMPLES = """\
{% message role="user" %}It broke{% endmessage %}
{% message role="assistant" %}complaint{% endmessage %}
{% message role="user" %}{{ question }}{% endmessage %}
"""
TYPED = """\
---
inputs:
  tone: {enum: [formal, friendly]}
  count: integer
  hits: {type: array, items: {type: object, properties: {title: string, score: number}}}
  strict: boolean
  history: messages
  anything: any
  late: {type: string, default: no}
---
{% messages history %}
{% message role="user" %}{{ tone }} {{ count }} {{ hits[0].title }} {{ anything }}{% endmessage %}
"""


@pytest.mark.parametrize("options", [[], ["--chat"]])
def test_a_new_suite_runs_at_once_and_its_case_waits_for_words(registry: Place, options: list[str]):
    registry.ok("new", NAME, *options, "--cases")
    text = registry.read(SUITE)
    assert "provider: echo\n" in text
    assert text.startswith(
        "# Cases and scorers that judge this prompt.\n"
        "# echo says the last user message back, so that the first case fails until something else answers.\n"
        "# Neither echo nor nearest-example is a language model. provider: openai asks one, litellm and "
        "command:PROGRAM others;\n# nearest-example needs no key.\n"
    )
    out = registry.ok("eval", NAME).out
    assert "correct      0.000  0 of 1" in out
    registry.ok("ship", NAME, "--to", "production")


def test_a_prompt_with_examples_gets_the_provider_that_learns_from_them(registry: Place):
    registry.draft(NAME, EXAMPLES)
    registry.ok("new", NAME, "--cases")
    assert "provider: nearest-example\n" in registry.read(SUITE)
    assert json.loads(registry.read(CASES))["expected"] == "complaint"
    assert "correct      1.000  1 of 1" in registry.ok("eval", NAME).out


def test_a_file_with_examples_is_looked_into_before_it_is_written(registry: Place):
    registry.write("old.md", EXAMPLES)
    registry.ok("new", NAME, "--from", "old.md", "--cases")
    assert "provider: nearest-example\n" in registry.read(SUITE)


def test_the_first_case_fits_what_the_prompt_declares(registry: Place):
    registry.draft(NAME, TYPED)
    registry.ok("new", NAME, "--cases")
    assert json.loads(registry.read(CASES))["inputs"] == {
        "tone": "formal",
        "count": 1,
        "hits": [{"title": "What somebody might ask.", "score": 1}],
        "strict": True,
        "history": [{"role": "user", "content": "What somebody might ask."}],
        "anything": "What somebody might ask.",
    }
    registry.ok("eval", NAME)


@pytest.mark.parametrize("options", [[], ["--cases"]])
def test_a_file_that_is_no_prompt_is_refused_with_its_finding_once_and_nothing_is_written(
    registry: Place, options: list[str]
):
    registry.write("old.md", "Answer\n{% if %}\n")
    before = registry.files()
    ran = registry.run("new", NAME, "--from", "old.md", *options)
    assert (ran.status, ran.out, registry.files()) == (2, "", before)
    assert said(ran).startswith("old.md:2:")
    assert said(ran).endswith(" Nothing was written.")
    assert said(ran).count("\n") == 0


def test_a_file_with_a_finding_is_written_and_the_finding_told_once(registry: Place):
    registry.draft("shared/tone", "Be brief.\n")
    registry.write("old.md", '{% include "shared/tone@1.0.0" %}\n{{ question }}\n')
    ran = registry.ok("new", NAME, "--from", "old.md")
    assert ran.out.count("shared/tone@1.0.0 is not released yet") == 1
    assert ran.err == ""


def test_a_file_that_includes_what_is_not_there_is_refused(registry: Place):
    registry.write("old.md", '{% include "shared/tone@1.0.0" %}\n{{ question }}\n')
    ran = registry.run("new", NAME, "--from", "old.md")
    assert ran.status == 2
    assert said(ran).startswith('old.md:1: include "shared/tone@1.0.0": No prompt shared/tone under prompts')
