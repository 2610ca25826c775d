"""When two versions are the same prompt to a model: docs/gate.md 3."""

from __future__ import annotations

import pytest

from promptreg.core.prompt import Prompt
from promptreg.evals.behaviour import behaviour, why_same
from promptreg.evals.cases import Case
from tests.support.place import Place, released

SETTINGS = 'schema = 1\ndefault_environment = "production"\n\n[environments.production]\n'
CASES = [Case(id="c1", inputs={"question": "返品できますか？"}), Case(id="c2", inputs={"question": "Where is it?"})]
LABELS = "same as 1.0.0: only description, owners, tags or metadata differ"
RENDER = "same as 1.0.0: all 2 cases render the same"

OLD = """\
---
description: Answers.
provider: openai
model: gpt-4.1-mini
parameters: {temperature: 0.2}
inputs: {question: string}
owners: [support]
---
Answer {{ question }} shortly.
"""


def two(folder: Place, old: str, new: str) -> tuple[Prompt, Prompt]:
    """Two released versions, read from files."""
    files = {"promptreg.toml": SETTINGS}
    tone = {f"tone@{version}": released(files, "tone", version, "Be kind.\n") for version in ("1.0.0", "1.0.1")}
    for version, text in (("1.0.0", old), ("1.1.0", new)):
        released(files, "a", version, text, {spec: digest for spec, digest in tone.items() if spec in text})
    for path, text in files.items():
        folder.write(f"prompts/{path}", text)
    loader = folder.project().head.loader
    return loader.version("a", "1.0.0"), loader.version("a", "1.1.0")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("description: Answers.", "description: Antwortet. 返答します。"),
        ("description: Answers.\n", ""),
        ("owners: [support]", "owners: [support, legal]\ntags: [faq]\nmetadata: {ticket: 7}"),
        ("provider: openai\nmodel: gpt-4.1-mini", "model: gpt-4.1-mini\nprovider: openai  # as agreed"),
        ("parameters: {temperature: 0.2}", "parameters:\n  temperature: 0.2"),
        ("owners: [support]", "profile: 1"),
    ],
)
def test_versions_that_differ_in_labels_only_are_the_same_prompt(folder: Place, old: str, new: str) -> None:
    assert old in OLD
    before, after = two(folder, OLD, OLD.replace(old, new))
    assert before.digest != after.digest
    assert behaviour(before) == behaviour(after)
    assert why_same(before, after, []) == LABELS
    assert why_same(before, after, CASES) == LABELS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Answer {{", "{# A note to ourselves. #}Answer {{"),
        ("{{ question }}", "{{question}}"),
        ("{{ question }}", '{{ question }}{% if question == "?" %} politely{% endif %}'),
        ("inputs: {question: string}", "inputs: {question: string, locale: {type: string, default: ja}}"),
        ("inputs: {question: string}", "inputs: {question: {type: string, description: What they ask.}}"),
    ],
)
def test_versions_that_render_alike_on_all_cases_are_the_same_prompt(folder: Place, old: str, new: str) -> None:
    assert old in OLD
    before, after = two(folder, OLD, OLD.replace(old, new))
    assert behaviour(before) != behaviour(after)
    assert why_same(before, after, CASES) == RENDER
    assert why_same(before, after, iter(CASES)) == RENDER
    assert why_same(before, after, []) is None  # nothing was rendered, so nothing was shown


def test_another_version_of_a_partial_with_the_same_words_is_the_same_prompt(folder: Place) -> None:
    text = '{% include "tone@1.0.0" %}\n{{ question }}\n'
    before, after = two(folder, text, text.replace("1.0.0", "1.0.1"))
    assert behaviour(before) != behaviour(after)
    assert why_same(before, after, CASES) == RENDER


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shortly.", "briefly."),
        ("shortly.", "shortly. "),
        ("Answer {{", '{% if "返品" in question %}Kindly a{% else %}A{% endif %}nswer {{'),
        ("Answer {{ question }} shortly.", '{% message role="user" %}\nAnswer {{ question }}.\n{% endmessage %}'),
        ("model: gpt-4.1-mini", "model: gpt-4.1"),
        ("model: gpt-4.1-mini\n", ""),
        ("provider: openai", "provider: azure"),
        ("temperature: 0.2", "temperature: 0.3"),
        ("{temperature: 0.2}", "{temperature: 0.2, seed: 1}"),
        ("owners: [support]", "output: {type: object}"),
        ("owners: [support]", "tools: [{name: look, description: Looks it up., parameters: {type: object}}]"),
        ("inputs: {question: string}", "inputs: {question: string, locale: string}"),  # no case has it
    ],
)  # fmt: skip
def test_versions_that_say_something_else_to_the_model_are_not_the_same_prompt(
    folder: Place, old: str, new: str
) -> None:
    assert old in OLD
    before, after = two(folder, OLD, OLD.replace(old, new))
    assert behaviour(before) != behaviour(after)
    assert why_same(before, after, CASES) is None


def test_a_case_that_cannot_be_rendered_shows_nothing(folder: Place) -> None:
    before, after = two(folder, OLD, OLD.replace("{{ question }}", "{{question}}"))
    assert why_same(before, after, [*CASES, Case(id="c3", inputs={"locale": "ja"})]) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # structured output comes in the order of the schema, so that a reason may or may not come before the answer
        (
            "output: {type: object, properties: {reason: {type: string}, answer: {type: string}}}",
            "output: {type: object, properties: {answer: {type: string}, reason: {type: string}}}",
        ),
        ("parameters: {logprobs: true}", "parameters: {logprobs: 1}"),
    ],
)
def test_settings_that_are_not_byte_equal_are_not_the_same_prompt(folder: Place, old: str, new: str) -> None:
    text = f"---\n{old}\ninputs: {{question: string}}\n---\n{{{{ question }}}}\n"
    before, after = two(folder, text, text.replace(old, new))
    assert why_same(before, after, CASES) is None


def test_the_digest_of_a_behaviour_stands_in_results_for_ever(folder: Place) -> None:
    before, after = two(folder, OLD, '{% include "tone@1.0.0" %}\n{{ question }}\n')
    assert behaviour(before) == "sha256:917654bd5acf5a6f1bbaf4755a954777819a41904d5ad77da6f20cc3b074e093"
    assert behaviour(after) == "sha256:07c877bb199c67d785faf3dbd2897e9b0abc36912469654c0eb570c74ae5cad9"
