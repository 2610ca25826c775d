"""What profile 1 allows means in promptreg exactly what it means in jinja2: the templates of tests/core/templates.

The yardstick is `tests.support.templates.Plain`: jinja2's own ImmutableSandboxedEnvironment with the settings that the
profile names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined, nodes
from jinja2 import TemplateError as JinjaError

from promptreg.core.conditions import TESTS
from promptreg.core.errors import PromptregError
from promptreg.core.filters import FILTERS
from promptreg.core.functions import FUNCTIONS, METHODS
from promptreg.core.limits import Limits
from promptreg.core.prompt_file import PromptFile
from promptreg.core.syntax import NODES
from promptreg.core.template import Parsed, sandbox
from promptreg.testing import registry
from tests.support.templates import PARTIALS, Case, Plain, cases, text

NAMED = {"map": (0, "filter"), "select": (0, "test"), "reject": (0, "test"), "selectattr": (1, "test")} | {
    "rejectattr": (1, "test")
}


@pytest.fixture(scope="module")
def plain() -> Plain:
    return Plain()


@pytest.mark.parametrize("path", cases(), ids=lambda path: path.stem)
def test_a_template_renders_byte_for_byte_as_in_jinja2(plain: Plain, path: Path) -> None:
    case = Case(path)
    rendered = registry({"t": case.text} | PARTIALS).load("t").render()
    expected = plain.output(case)
    assert (rendered.text if isinstance(expected, str) else rendered.messages) == expected


# The templates use the whole table


def trees() -> Iterator[nodes.Template]:
    environment = sandbox(Limits())
    for path in cases():
        file = PromptFile(path.read_text(encoding="utf-8"), path.name, Limits())
        yield Parsed(file, environment, partial=False).tree


def found() -> Iterator[tuple[str, str]]:
    """What the templates use: (node, its type), (filter, name), (test, name), (function, name)."""
    for tree in trees():
        for node in [tree, *tree.find_all(nodes.Node)]:
            yield "node", type(node).__name__
            if isinstance(node, nodes.Filter):
                yield "filter", node.name
                position, kind = NAMED.get(node.name, (0, ""))
                if kind and len(node.args) > position:
                    yield kind, node.args[position].value  # type: ignore[attr-defined]
            elif isinstance(node, nodes.Test):
                yield "test", node.name
            elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
                yield "function", node.node.name


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("node", {name for group in NODES for name in group.split()}),
        ("filter", set(FILTERS)),
        ("test", set(TESTS)),
        ("function", set(FUNCTIONS)),
    ],
    ids=["nodes", "filters", "tests", "functions"],
)
def test_the_templates_use_all_that_the_table_allows(kind: str, allowed: set[str]) -> None:
    used = {name for found_kind, name in found() if found_kind == kind}
    assert allowed - used == set(), f"allowed, and in no template of tests/core/templates: {kind}"


class Listening(Plain):
    """Notes which methods of which types a template calls."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: set[tuple[type, str]] = set()

    def getattr(self, obj: Any, attribute: str) -> Any:
        value = super().getattr(obj, attribute)
        if callable(value):
            self.heard.add((type(obj), attribute))
        return value


def test_the_templates_call_every_method_of_every_type() -> None:
    listening = Listening()
    for path in cases():
        listening.output(Case(path))
    allowed = {(kind, name) for kind, methods in METHODS.items() for name in methods}
    assert allowed - listening.heard == set(), "allowed, and called in no template of tests/core/templates"


# Expressions on which a rewriting of templates could go wrong


EXPRESSIONS = r"""
{{ 1 < x < 9 }} {{ 9 < x < 1 }} {{ 1 < x > 3 }} {{ 1 != x != 1 }} {{ x == 5 in [true, 5] }}
{% macro f() %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% endmacro %}{% set ns = namespace(n=0) %}{{ "0" < f() < "9" }}{{ ns.n }}
{{ (1, 2) in {(1, 2): 3} }} {{ {(1, 2): 3}[(1, 2)] }} {{ (1, 2) in [(1, 2)] }} {{ [1] in [[1]] }}
{{ x in {5: 1} }} {{ "5" in {5: 1} }} {{ "a" in {} }} {{ none in [none] }} {{ 1 in range(3) }}
{% set ns = namespace(context=1, name="n", value=2) %}{{ ns.context }}{{ ns.name }}{{ ns.value }}
{{ "%(context)s" | format(context="c") }}
{% macro f(context, name) %}{{ context }}{{ name }}{% endmacro %}{{ f(context=1, name=2) }}
{{ [1, 2][-1] }} {{ "abc"[-2] }} {{ "abc"[::-1] }} {{ [1, 2, 3][1:] }} {{ (1, 2, 3)[:-1] }} {{ range(9)[2:4] }}
{{ true + 1 }} {{ true == 1 }} {{ 1 == 1.0 }} {{ "1" == 1 }} {{ [1] == (1,) }} {{ none == false }}
{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7.5 // 2 }} {{ 1 / 3 }} {{ 2 * 3.0 }} {{ 0.1 + 0.2 }}
{{ "a" ~ 1 ~ 2.5 ~ true ~ [1] ~ {"a": 1} }} {{ "ab" * 0 }} {{ "ab" * -1 }} {{ [1] * 2 }} {{ 2 * "ab" }}
{% for a, b in {"x": 1}.items() %}{{ a }}{{ b }}{% endfor %}{% for c in "abc" %}{{ c }}{{ loop.index }}{% endfor %}
{% for i in [3, 4, 5] if i != 4 %}{{ i }}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% else %}none{% endfor %}
{% for i in [1, 2] if i > 5 %}{{ i }}{% else %}none{% endfor %}
{% for i in "ab" %}{% for j in [1, 2] %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}
{% for i in [1, 2, 3] if i != 2 %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{{ loop.index }}{% endfor %}
{% set f = range %}{{ f(3) | list }} {{ (x) }} {{ ((x + 1)) * 2 }} {{ - x }} {{ not x }}
{% set x = 1 %}{% for i in [1] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% if x is defined and (x | string).isdigit() %}yes{% endif %} {{ x if x > 9 }}|{{ "a" if x else "b" }}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}
{% set a %}{% set b %}in{% endset %}{{ b }}ner{% endset %}{{ a }} {{ a | length }}
{{ "a,b" | replace(",", "\n") | indent(2) }} {{ "" | default("x", true) }} {{ 0 | default("x") }}
{{ [3, 1, 2] | sort | reverse | list }} {{ ["b", "A"] | sort }} {{ ["b", "A"] | min }} {{ [] | sum }}
{{ ["a", "B", "b"] | groupby("0") }} {{ [{"a": 1}, {"b": 2}] | groupby("b", default=0) | map("last") | list }}
{{ "the end" | title }} {{ "it's a dog's life" | title }} {{ "ǆ" | upper }} {{ "ß" | upper }} {{ "İ" | lower }}
{{ 1.0 | int }} {{ "1.9" | int }} {{ "x" | int(7) }} {{ "0x1f" | int(0, 16) }} {{ true | int }} {{ "1e3" | float }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 1234.5 | round(-2) }} {{ 1.005 | round(2) }} {{ -1.5 | round(0, "floor") }}
{{ "a b c d e f" | truncate(5, leeway=0) }} {{ "abcdef" | truncate(5, true, "") }} {{ "ab" | truncate(1, true, "", 0) }}
{{ [1, 2, 3, 4] | batch(3) | list }} {{ [1, 2, 3, 4] | batch(3, 0) | list }} {{ [1, 2, 3] | slice(2, 0) | list }}
{{ {"b": [1, {"z": 1, "a": 2}]} | tojson }} {{ [] | tojson }} {{ {"a": []} | tojson(indent=1) }} {{ 1.0 | tojson }}
{{ "one two" | wordcount }} {{ "ひとつ ふたつ" | wordcount }} {{ "x" | center(4) }}| {{ "a\n\nb" | indent(1, true) }}
{{ " x " | trim }} {{ "xax" | trim("x") }} {{ 5 | string | length }} {{ "aXb" | lower | upper | capitalize }}
{{ x | abs }} {{ true | abs }} {{ [x, 2] | max }} {{ [[1, 2], [3]] | sum(start=0, attribute="0") }} {{ {"a": x} | items | list }}
""".strip().split("\n")  # noqa: E501 - one template a line


@pytest.mark.parametrize("template", EXPRESSIONS)
def test_an_expression_means_what_it_means_in_jinja2(plain: Plain, template: str) -> None:
    assert text(template, x=5) == plain.from_string(template).render(x=5)


# … and in combinations that nobody thought of

WHITESPACE = st.sampled_from(["", " ", "\n", "\n\n", "  ", "\t", "　", "\n  ", " \n"])
TAGS = ["if t", "if f", "for x in xs", "with a = 1", "filter upper", "set s"]
ENDS = {"if": "endif", "for": "endfor", "with": "endwith", "filter": "endfilter", "set": "endset"}
SIGN = st.sampled_from(["", "", "-", "+"])


@st.composite
def tag(draw: st.DrawFn, inside: str) -> str:
    return f"{{%{draw(SIGN)} {inside} {draw(SIGN)}%}}"


@st.composite
def output(draw: st.DrawFn) -> str:
    sign = st.sampled_from(["", "", "-"])
    return f"{{{{{draw(sign)} {draw(st.sampled_from(['t', '1', repr('q'), 'xs | length']))} {draw(sign)}}}}}"


@st.composite
def block(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    start = draw(st.sampled_from(TAGS))
    return draw(tag(start)) + draw(inner) + draw(tag(ENDS[start.split()[0]]))


LEAF = st.one_of(
    WHITESPACE,
    output(),
    st.sampled_from(["text", "{a", "}b", "%", "#", "日本", "{# note #}", "{#- note -#}", "{# note\n #}", "x\r"]),
    st.sampled_from(["{% raw %}{{ x }} {% if %}\n{% endraw %}", "{%- raw -%} {{ x }}\n{%- endraw -%}"]),
)
BODY = st.recursive(
    LEAF, lambda inner: st.lists(st.one_of(inner, block(inner)), min_size=1, max_size=5).map("".join), max_leaves=12
)


@settings(max_examples=150, deadline=None)
@given(BODY)
def test_white_space_goes_where_it_goes_in_jinja2(body: str) -> None:
    template = f"{body}.\n"  # a prompt is not blank and ends with one newline
    inputs = {"t": True, "f": False, "xs": [1, 2]}
    canonical = template.replace("\r\n", "\n").replace("\r", "\n")
    assert text(template, None, **inputs) == Plain().from_string(canonical).render(**inputs)


VALUES = "0 1 7 2.5 true '' 'ab' 'b,a' [] [3,1] ['b','A'] {'a':1} (1,2) x s".split()
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
ITEMS = ["%s[0]", "%s[-1]", "%s['a']", "(%s | string)[1:]", "(%s | list)[::2]"]
PIPES = (
    """
length; string; upper; lower; title; capitalize; trim; first; last; list; sort; reverse | list; unique | list; sum; min
max; abs; int; float; round; join('-'); default('d'); replace('a', 'zz'); string | truncate(3, true, '', 0); dictsort
batch(2) | list; slice(2) | list; wordcount; center(5); string | indent(1); map('string') | join; select | list
reject('string') | list; format(1); items | list
""".replace("\n", "; ")
    .strip("; ")
    .split("; ")
)
CHECKS = ["defined", "none", "string", "number", "odd", "even", "mapping", "sequence", "in [1, 'ab']", "eq 1"]
EXPRESSION = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, st.sampled_from(PIPES)).map(lambda parts: f"({parts[0]} | {parts[1]})"),
        st.tuples(inner, st.sampled_from(CHECKS)).map(lambda parts: f"({parts[0]} is {parts[1]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
        st.tuples(inner, st.sampled_from(ITEMS)).map(lambda parts: parts[1] % parts[0]),
        inner.map(lambda part: f"[{part}, {part}]"),
    ),
    max_leaves=5,
)
PLAIN = Plain()
PLAIN.undefined = StrictUndefined  # what is absent means something else in the profile


@settings(max_examples=200, deadline=None)
@given(EXPRESSION)
def test_an_expression_that_renders_renders_what_jinja2_renders(expression: str) -> None:
    """Either may refuse what the other renders; where both render, they render the same."""
    template = f"{{{{ {expression} }}}}"
    try:
        theirs = PLAIN.from_string(template).render(x=5, s="text a")
    except (JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        theirs = None
    try:
        ours = text(template, x=5, s="text a")
    except PromptregError:
        return
    assert theirs is None or ours == theirs or "<generator" in theirs
