"""What lint says about drafts, where, and what it must not say (design 6, messages.md)."""

from __future__ import annotations

import pytest

from promptreg.lint.linter import lint_name
from promptreg.report.findings import finding_lines
from tests.support.place import released
from tests.support.worlds import loader_of

FRONT = "---\ninputs: {question: string}\n---\n"
KEYS = "description, provider, model, parameters, inputs, output, tools, owners, tags, metadata, profile"

JSON_BRACES = (
    'error [template] {{ opens an expression here. JSON needs single braces: {"answer": …}. (f-strings double them, '
    "Jinja does not.)"
)


def swallowed(place: str, tag: str) -> str:
    return (
        f"{place}: warning [swallowed-line-break] the line break behind {tag} is dropped, so that this line and the "
        "next become one."
    )


def partials() -> dict[str, str]:
    files: dict[str, str] = {}
    released(files, "tone", "1.0.0", "Be brief.\n")
    released(files, "tone", "1.1.0", "Be kind.\n")
    released(files, "part", "1.0.0", "---\ninputs: {question: integer}\n---\n{{ question }} {{ city }}\n")
    released(files, "chatty", "1.0.0", '{% message role="user" %}\nHi\n{% endmessage %}\n')
    files["fresh/prompt.md"] = "Not released.\n"
    files["ring/prompt.md"] = '{% include "a" %}\n'
    return files


def linted(text: str) -> list[str]:
    """The findings as the terminal shows them, without the file's name."""
    loader = loader_of(partials() | {"a/prompt.md": text})
    lines = finding_lines(lint_name(loader, "a"))
    return [line.removeprefix("a/prompt.md:").replace("    fix: ", "→ ") for line in lines]


FINDINGS = {
    "f-string left over": (
        f"{FRONT}Answer {{question}} now.\n",
        [
            "4:8: error [left-over] input question is declared and never used, and the text has {question}.",
            "→ write {{ question }}",
        ],
    ),
    "f-string left over beside the real thing": (
        f"{FRONT}{{{{ question }}}} and {{question}}\n",
        [
            "4:20: error [left-over] {question} stays in the text as it is, and question is an input.",
            "→ write {{ question }}",
        ],
    ),
    "a field that is no input": (
        f"{FRONT}{{{{ question }}}}\nDear {{customer_name}},\n",
        [
            "5:6: warning [left-over] {customer_name} stays in the text as it is.",
            "→ write {{ customer_name }} if it is an input",
        ],
    ),
    "a field in Japanese text": (
        f"{FRONT}{{{{ question }}}}\nお客様は{{name}}様です。\n",
        ["5:5: warning [left-over] {name} stays in the text as it is.", "→ write {{ name }} if it is an input"],
    ),
    "doubled braces around JSON": (
        f'{FRONT}{{{{ question }}}}\nAnswer: {{{{"answer": "…"}}}}\n',
        [f"5:9: {JSON_BRACES}"],
    ),
    "doubled braces around JSON, behind an expression": (
        f'{FRONT}{{{{ question }}}} {{{{"answer": "…"}}}}\n',
        [f"4:16: {JSON_BRACES}"],
    ),
    "doubled braces around JSON with single quotes": (
        f"{FRONT}{{{{ question }}}}\n{{{{'answer': '…'}}}}\n",
        [f"5:1: {JSON_BRACES}"],
    ),
    "doubled braces around JSON over several lines": (
        f'{FRONT}{{{{ question }}}}\n{{{{\n  "answer": "…"\n}}}}\n',
        [f"5:1: {JSON_BRACES}"],
    ),
    "full-width braces": (
        f"{FRONT}{{{{ question }}}}\n質問｛｛ question ｝｝\n",
        [
            "5:3: error [full-width] ｛｛ question ｝｝ uses full-width braces, so it is plain text.",
            "→ write {{ question }} (全角の波括弧です。半角 {{ }} にしてください。)",
        ],
    ),
    "a full-width tag": (
        f"{FRONT}{{{{ question }}}}｛％ if x ％｝\n",
        [
            "4:15: error [full-width] ｛％ if x ％｝ uses full-width braces, so it is plain text.",
            "→ write {% if x %} (全角の波括弧です。半角 {% %} にしてください。)",
        ],
    ),
    "half of the braces full-width": (
        f"{FRONT}{{{{ question }}}}\n｛｛ question }}}}\n",
        [
            "5:1: error [full-width] ｛｛ question }} uses full-width braces, so it is plain text.",
            "→ write {{ question }} (全角の波括弧です。半角 {{ }} にしてください。)",
        ],
    ),
    "half of a tag full-width": (
        f"{FRONT}{{{{ question }}}}\n{{％ if x ％}}\n",
        [
            "5:1: error [full-width] {％ if x ％} uses full-width signs, so it is plain text.",
            "→ write {% if x %} (全角の記号です。半角 {% %} にしてください。)",
        ],
    ),
    "drafts that include one another": (
        'Hi {% include "ring" %}\n',
        [
            "1:16: error [include-circle] includes go round: a → ring → a.",
            "→ take one of them out",
        ],
    ),
    "a line break that endif swallows": (
        f"{FRONT}Be kind{{% if question %}} and brief{{% endif %}}\nNext: {{{{ question }}}}\n",
        [
            swallowed("4:35", "{% endif %}"),
            "→ end the tag with +%} to keep it, or with -%} if you mean it",
        ],
    ),
    "a line break that a comment swallows": (
        f"{FRONT}Be kind {{# why? #}}\nNext: {{{{ question }}}}\n",
        [
            swallowed("4:9", "{# why? #}"),
            "→ end the tag with +#} to keep it, or with -#} if you mean it",
        ],
    ),
    "a line break that set swallows": (
        f"{FRONT}Be kind {{% set x = 1 %}}\nNext: {{{{ question }}}} {{{{ x }}}}\n",
        [
            swallowed("4:9", "{% set x = 1 %}"),
            "→ end the tag with +%} to keep it, or with -%} if you mean it",
        ],
    ),
    "an undeclared name with a near match": (
        f"{FRONT}{{{{ question }}}}\n{{{{ qestion }}}}\n",
        [
            "5:4: error [undeclared] qestion is not an input. Inputs are question. Did you mean question?",
            "→ declare it under inputs:  qestion: string",
        ],
    ),
    "an undeclared name where nothing is declared": (
        "---\nmodel: m\n---\n{% if x %}\nHi\n{% endif %}\n",
        [
            "4:7: error [undeclared] x is not an input. The front matter declares no inputs.",
            "→ declare it under inputs:  x: string",
        ],
    ),
    "an unused input": (
        "---\ninputs:\n  question: string\n  tone: string\n---\n{{ question }}\n",
        ["4:3: warning [unused] input tone is declared and never used.", "→ use it, or take it out of inputs:"],
    ),
    "a floating include": (
        f'{FRONT}{{% include "tone" %}}\n{{{{ question }}}}\n',
        [
            '4:13: warning [floating-include] include "tone" needs a version before a release. Newest: 1.1.0.',
            "→ promptreg upgrade tone a",
        ],
    ),
    "an include of a draft": (
        f'{FRONT}{{% include "fresh@draft" %}}\n{{{{ question }}}}\n',
        [
            '4:13: warning [floating-include] include "fresh@draft" needs a version before a release.',
            "→ promptreg release fresh",
        ],
    ),
    "a partial that does not fit": (
        f'{FRONT}{{% include "part@1.0.0" %}}\n{{{{ question }}}}\n',
        [
            (
                "4:13: error [partial-input] part@1.0.0 uses city, which is no input here. A partial sees what the "
                "including prompt declares."
            ),
            "→ declare city under inputs:",
            "4:13: error [partial-input] part@1.0.0 declares question as integer; here it is string.",
            "→ give question the type integer",
        ],
    ),
    "printed collections": (
        "---\ninputs: {l: array, o: object, m: messages}\n---\n{{ l }}{{ o }}{{ m }}\n",
        [
            "4:4: warning [printed-collection] l is a list and is printed here as Python writes it.",
            "→ loop over it, or {{ l | tojson }}",
            "4:11: warning [printed-collection] o is a mapping and is printed here as Python writes it.",
            "→ loop over it, or {{ o | tojson }}",
            "4:18: warning [printed-collection] m is a list of messages and is printed here as Python writes it.",
            "→ {% messages m %}",
        ],
    ),
    "an untrusted input in a system message": (
        (
            "---\ninputs: {q: {type: string, untrusted: true}}\n---\n"
            '{% message role="system" %}\nAbout {{ q }}\n{% endmessage %}\n'
            '{% message role="user" %}\n{{ q }}\n{% endmessage %}\n'
        ),
        ["5:10: warning [untrusted] q is untrusted and stands in a system message.", "→ put it into a user message"],
    ),
    "text outside of messages": (
        '{% message role="user" %}\nHi\n{% endmessage %}\nBye\n',
        ["4: error [template] text outside {% message %}: a chat prompt has its words inside messages."],
    ),
    "a Japanese colon": (
        "---\ndescription: 返品: 30日以内\n---\nHi\n",
        ['2:14: error [front-matter] this value holds ": ". Put it in quotes: description: "返品: 30日以内".'],
    ),
    "an unknown key": (
        "---\nmodle: m\n---\nHi\n",
        [f"2:1: error [front-matter] front matter has no key modle. It takes {KEYS}. Did you mean model?"],
    ),
    "what the profile leaves out": (
        "{% extends 'a' %}\n",
        ["1: error [template] templates have no {% extends %}. Use {% include %}."],
    ),
    "merge conflict markers": (
        "Hi\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> main\n",
        ["2: error [front-matter] merge conflict markers stand here. Settle the conflict, then try again."],
    ),
}


@pytest.mark.parametrize(("text", "expected"), FINDINGS.values(), ids=FINDINGS.keys())
def test_a_finding_says_where_what_and_what_to_do(text, expected):
    assert linted(text) == expected


NEAR_MISSES = {
    "JSON": '{"answer": {"text": "…", "n": 1}} and {} and [{"a": [1]}]',
    "JSON over lines": '{\n  "answer": "…",\n  "sources": [{"id": 1}]\n}',
    "raw, a block of lines": "{% raw %}\nDear {name}, {{ x }}\n{% endraw %}",
    "raw on one line": "{% raw %}Dear {name}, {{ x }}{% endraw %}",
    "raw with the name of an input": "{% raw %}\nDear {question}, {{ question }}\n{% endraw %}",
    "raw with a tag at the end of a line": "{% raw %}\nif {% endif %}\nnext\n{% endraw %}",
    "full-width braces in raw": "{% raw %}\n全角の｛｛ x ｝｝は使えません。\n{% endraw %}",
    "a shell variable": "Run ${HOME}/bin with $USER.",
    "a LaTeX fraction": r"Write \frac{a}{b} for a ratio.",
    "a LaTeX exponent and index": r"Write x^{n} and x_{ij}.",
    "LaTeX commands": r"Write \begin{itemize} \textbf{word} \end{itemize}.",
    "an escaped brace": r"A set: \{x\}.",
    "a fenced code sample": '```python\nprint(f"{name}")\n```',
    "an inline code sample": "The route is `/users/{id}`.",
    "CSS and functions": "a{color: red} and function f() {return 1}",
    "spaces and numbers inside": "{ name } {0} {1}",
    "a string in an expression": "{{ '{name}' }}",
    "a comment": "{# was {name} #}",
    "one full-width brace": "表記は｛例｝とします。",
    "a tag alone on its line": "{% if question %}\nA\n{% endif %}\nB",
    "a tag before an empty line": "A{% if question %} b{% endif %}\n\nB",
    "a line break kept": "A{% if question %} b{% endif +%}\nB",
    "a line break dropped on purpose": "A{% if question %} b{% endif -%}\nB",
    "a tag at the end of the text": "A{% if question %} b{% endif %}",
    "a line before another tag": "A{% if question %} b{% endif %}\n{% if question %}\nB\n{% endif %}",
    "an include, which keeps its own line break": 'Rules: {% include "tone@1.1.0" %}\nB',
    "a list that is looped over": "{% for c in question %}\n{{ c }}\n{% endfor %}",
    "a name that is set": "{% set x = question %}\n{{ x }}",
    "functions": "{% set n = namespace(a=1) %}\n{{ n.a }}{% for i in range(2) %}{{ loop.index }}{% endfor %}",
}


@pytest.mark.parametrize("body", NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_what_only_looks_like_a_mistake_is_not_reported(body):
    assert linted(f"{FRONT}{{{{ question }}}}\n{body}\n") == []


def test_a_prompt_without_front_matter_infers_its_inputs_and_has_no_finding():
    assert linted("Answer {{ question }} in {{ tone }}.\n") == []


def test_an_input_that_only_a_partial_uses_is_used():
    text = '---\ninputs: {question: integer, city: string}\n---\n{% include "part@1.0.0" %}\n'
    assert linted(text) == []


def test_what_cannot_be_released_because_of_a_limit_is_a_finding():
    deep = "".join("{% if question %}\n" for _ in range(40)) + "x\n" + "{% endif %}\n" * 40
    (line,) = linted(f"{FRONT}{deep}")
    assert line.endswith("error [limit] blocks stand more than 32 deep (nesting under [limits]).")


def test_all_findings_of_a_draft_are_told_in_the_order_of_its_lines():
    text = f"{FRONT}｛｛ x ｝｝\n{{{{ qestion }}}} {{name}}\n"
    assert [line.split(" ")[0] for line in linted(text) if not line.startswith("→")] == [
        "2:10:",
        "4:1:",
        "5:4:",
        "5:15:",
    ]


def test_a_prompt_that_has_versions_and_no_draft_has_no_finding():
    loader = loader_of(partials())
    assert lint_name(loader, "tone") == []
