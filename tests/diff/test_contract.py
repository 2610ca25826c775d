"""What changed between two prompts, and the bump that it asks for: each row of the table in design 8.5."""

from __future__ import annotations

import pytest

from promptreg.diff.contract import bump_of, compare
from promptreg.diff.sentences import reasons, sentence, shown
from tests.support.place import released
from tests.support.worlds import loader_of, prompt_of

CHAT = '{% message role="user" %}\nHi\n{% endmessage %}\n'


def front(keys: str, body: str = "Hi\n") -> str:
    return f"---\n{keys}\n---\n{body}"


def changes(old: str, new: str) -> list[tuple[str, str, bool, str]]:
    """(kind, path, breaking, bump) of each change."""
    found = compare(prompt_of(old), prompt_of(new))
    return [(change.kind, change.path, change.breaking, change.bump) for change in found]


MAJOR, MINOR, PATCH = (True, "major"), (False, "minor"), (False, "patch")

INPUTS = [
    ("{x: string, y: string}", "{x: string}", [("input-removed", "inputs.y", *MAJOR)]),
    ("{x: {type: string, default: a}}", "{}", [("input-removed", "inputs.x", *MAJOR)]),
    ("{}", "{x: string}", [("input-added-required", "inputs.x", *MAJOR)]),
    ("{}", "{x: {type: string, default: a}}", [("input-added", "inputs.x", *MINOR)]),
    ("{}", "{x: {type: string, required: false}}", [("input-added", "inputs.x", *MINOR)]),
    ("{x: string}", "{x: integer}", [("input-retyped", "inputs.x", *MAJOR)]),
    ("{x: integer}", "{x: number}", [("input-retyped", "inputs.x", *MAJOR)]),
    ("{x: any}", "{x: string}", [("input-retyped", "inputs.x", *MAJOR)]),
    (
        "{x: {type: string, required: false}}",
        "{x: string}",
        [("input-required", "inputs.x", *MAJOR)],
    ),
    (
        "{x: string}",
        "{x: {type: string, required: false}}",
        [("input-optional", "inputs.x", *PATCH)],
    ),
    (
        "{x: {type: string, default: a}}",
        "{x: string}",
        [("input-required", "inputs.x", *MAJOR), ("input-default", "inputs.x", *PATCH)],
    ),
    (
        "{x: {type: string, default: a}}",
        "{x: {type: string, default: b}}",
        [("input-default", "inputs.x", *PATCH)],
    ),
    (
        "{x: {type: string, required: false}}",
        "{x: {type: string, required: false, default: null}}",
        [("input-default", "inputs.x", *PATCH)],
    ),
    ("{x: {enum: [a, b]}}", "{x: {enum: [a]}}", [("input-enum-narrowed", "inputs.x", *MAJOR)]),
    ("{x: {enum: [a, b]}}", "{x: {enum: [a, c]}}", [("input-enum-narrowed", "inputs.x", *MAJOR)]),
    ("{x: string}", "{x: {enum: [a, b]}}", [("input-enum-narrowed", "inputs.x", *MAJOR)]),
    ("{x: {enum: [a]}}", "{x: {enum: [a, b]}}", [("input-enum-widened", "inputs.x", *PATCH)]),
    ("{x: {enum: [a]}}", "{x: string}", [("input-enum-widened", "inputs.x", *PATCH)]),
    ("{x: string}", "{x: {type: string, description: D}}", [("input-description", "inputs.x", *PATCH)]),
    ("{x: string}", "{x: {type: string, untrusted: true}}", [("input-description", "inputs.x", *PATCH)]),
    (
        "{x: {type: array, items: string}}",
        "{x: {type: array, items: integer}}",
        [("input-retyped", "inputs.x.items", *MAJOR)],
    ),
    ("{x: array}", "{x: {type: array, items: string}}", [("input-retyped", "inputs.x.items", *MAJOR)]),
    (
        "{x: {type: object, properties: {y: string}}}",
        "{x: {type: object, properties: {y: integer}}}",
        [("input-retyped", "inputs.x.properties.y", *MAJOR)],
    ),
    (
        "{x: {type: object, properties: {y: string}}}",
        "{x: {type: object, properties: {y: string, z: {type: string, required: false}}}}",
        [("input-added", "inputs.x.properties.z", *MINOR)],
    ),
    (
        "{x: {type: array, items: {properties: {y: string}}}}",
        "{x: {type: array, items: {properties: {y: string, z: string}}}}",
        [("input-added-required", "inputs.x.items.properties.z", *MAJOR)],
    ),
    ("{x: string, y: integer}", "{y: integer, x: {type: string}}", [("comments", "front matter", False, "patch")]),
]


@pytest.mark.parametrize(("old", "new", "expected"), INPUTS)
def test_each_change_of_an_input_has_its_kind_and_its_bump(old, new, expected):
    assert changes(front(f"inputs: {old}"), front(f"inputs: {new}")) == expected


SETTINGS = [
    ("provider: openai", "provider: mistral", [("provider", "provider", *MINOR)]),
    ("tags: []", "model: gpt-4.1", [("model", "model", *MINOR)]),
    (
        "parameters: {temperature: 0.2}",
        "parameters: {temperature: 0.7}",
        [("parameters", "parameters.temperature", *MINOR)],
    ),
    ("parameters: {stop: [a, b]}", "parameters: {stop: [a]}", [("parameters", "parameters.stop.1", *MINOR)]),
    ("parameters: {seed: 1}", "parameters: {}", [("parameters", "parameters.seed", *MINOR)]),
    ("parameters: {a: {b: 1, c: 2}}", "parameters: {a: {b: 1, c: 3}}", [("parameters", "parameters.a.c", *MINOR)]),
    ("parameters: {logprobs: true}", "parameters: {logprobs: 1}", [("parameters", "parameters.logprobs", *MINOR)]),
    ("description: One", "description: Two", [("metadata", "description", *PATCH)]),
    ("owners: [a]", "owners: [a, b]", [("metadata", "owners", *PATCH)]),
    ("tags: [a]", "tags: []", [("metadata", "tags", *PATCH)]),
    ("metadata: {team: {lead: a}}", "metadata: {team: {lead: b}}", [("metadata", "metadata.team.lead", *PATCH)]),
    ("tools: []", "tools: [{name: t}]", [("tool-added", "tools.t", *MAJOR)]),
    ("tools: [{name: t}]", "tools: []", [("tool-removed", "tools.t", *MAJOR)]),
    ("tools: [{name: t}]", "tools: [{name: t, description: D}]", [("tool-changed", "tools.t", *MAJOR)]),
    (
        "tools: [{name: t}]",
        "tools: [{name: u}]",
        [("tool-removed", "tools.t", *MAJOR), ("tool-added", "tools.u", *MAJOR)],
    ),
    ("output: {type: object}", "tags: []", [("output-dropped", "output", *MAJOR)]),
    ("tags: []", "output: {type: object}", [("output-added", "output", *PATCH)]),
]


@pytest.mark.parametrize(("old", "new", "expected"), SETTINGS)
def test_each_change_of_the_front_matter_has_its_kind_and_its_bump(old, new, expected):
    assert changes(front(old), front(new)) == expected


BODIES = [
    ("Hi\n", "Hello\n", [("text", "body", *PATCH)]),
    ("Hi\n", CHAT, [("messages", "body", *MAJOR), ("text", "body", *PATCH)]),
    (CHAT, "Hi\n", [("messages", "body", *MAJOR), ("text", "body", *PATCH)]),
    (
        "Hi {{ a }}\n",
        "Hi {{ b }}\n",
        [("input-removed", "inputs.a", *MAJOR), ("input-added-required", "inputs.b", *MAJOR), ("text", "body", *PATCH)],
    ),
    ("Hi\n", "Hi\n", []),
]


@pytest.mark.parametrize(("old", "new", "expected"), BODIES)
def test_each_change_of_the_text_has_its_kind_and_its_bump(old, new, expected):
    assert changes(old, new) == expected


def with_partials() -> dict[str, str]:
    files: dict[str, str] = {}
    for version in ("1.0.0", "1.1.0"):
        released(files, "tone", version, f"Be {version}.\n")
    released(files, "style", "1.0.0", "Use short words.\n")
    return files


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('{% include "tone@1.0.0" %}', '{% include "tone@1.1.0" %}', [("include", "1.0.0", "1.1.0")]),
        ("Hi", '{% include "tone@1.1.0" %}', [("include-added", None, "1.1.0")]),
        ('{% include "tone@1.1.0" %}', "Hi", [("include-removed", "1.1.0", None)]),
        (
            '{% include "tone@1.0.0" %}{% include "tone@1.1.0" %}',
            '{% include "tone@1.1.0" %}',
            [("include-removed", "1.0.0", None)],
        ),
    ],
)
def test_a_change_of_an_include_is_a_patch(old, new, expected):
    loader = loader_of(with_partials())
    found = compare(loader.from_text("a", f"{old}\n"), loader.from_text("a", f"{new}\n"))
    assert [(c.kind, c.old, c.new) for c in found if c.kind.startswith("include")] == expected
    assert {c.bump for c in found} == {"patch"}


def test_the_most_consequential_change_comes_first_and_gives_the_bump():
    old = front("model: a\ninputs: {x: string}", "Hi {{ x }}\n")
    new = front("model: b\ninputs: {x: integer}", "Hello {{ x }}\n")
    found = compare(prompt_of(old), prompt_of(new))
    assert [change.bump for change in found] == ["major", "minor", "patch"]
    assert bump_of(found) == "major"
    assert bump_of([]) is None


def test_a_value_that_reads_like_a_word_of_the_differ_is_a_value():
    old, new = front("metadata: {state: not present}"), front("metadata: {state: present}")
    (change,) = compare(prompt_of(old), prompt_of(new))
    assert (change.old, change.new) == ("not present", "present")


def test_old_and_new_are_the_values_themselves():
    old, new = front("parameters: {temperature: 0.2}"), front("parameters: {top_p: 1}")
    found = compare(prompt_of(old), prompt_of(new))
    assert [(change.path, change.old, change.new) for change in found] == [
        ("parameters.temperature", 0.2, None),
        ("parameters.top_p", None, 1),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("inputs: {tone: string}", "inputs: {}", "input tone removed"),
        ("inputs: {}", "inputs: {tone: string}", "new required input tone"),
        ("inputs: {}", "inputs: {tone: {default: a}}", "new optional input tone"),
        ("inputs: {tone: string}", "inputs: {tone: integer}", "input tone: string → integer"),
        ("inputs: {t: {enum: [a, b]}}", "inputs: {t: {enum: [a]}}", 'input t takes fewer values: ["a", "b"] → ["a"]'),
        ("parameters: {temperature: 0.2}", "parameters: {temperature: 0.7}", "parameters.temperature 0.2 → 0.7"),
        ("tags: []", "model: gpt-4.1", "model – → gpt-4.1"),
        ("output: {type: object}", "tags: []", "the output schema was dropped"),
        ("tools: []", "tools: [{name: search}]", "tool search added"),
    ],
)
def test_a_change_is_told_in_a_few_words(old, new, expected):
    (change,) = compare(prompt_of(front(old)), prompt_of(front(new)))
    assert sentence(change) == expected
    assert reasons([change]) == [f"{expected} ({change.bump})"]


def test_a_long_value_is_cut():
    assert shown("x" * 61) == "x" * 59 + "…"
    assert shown("x" * 60) == "x" * 60
    assert shown({"ä": 1}) == '{"ä": 1}'
