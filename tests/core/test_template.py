"""What profile 1 says: values and what is absent, scopes, includes, white space, and errors with their place."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.core.errors import FileError, PromptregError, TemplateError
from promptreg.core.registry import Registry
from promptreg.core.source import Files
from tests.support.place import released
from tests.support.templates import load, render, text

ABSENT = "is absent. Test it with  is defined, or give it a default."
NULL = "a null value has no text. Give it a default, or test it with  is not none."
DRAFTS = 'schema = 1\ndefault_environment = "draft"\n'


def problem(body: str, partials: dict[str, str] | None = None, /, **inputs: object) -> str:
    """What rendering raises, as its reader gets it; the body begins on line 4."""
    with pytest.raises(PromptregError) as caught:
        _ = render(body, partials, **inputs).messages
    return str(caught.value)


def files(prompts: dict[str, str]) -> dict[str, str]:
    return {"promptreg.toml": DRAFTS} | {f"{name}/prompt.md": body for name, body in prompts.items()}


def opened(files: dict[str, str]) -> Registry:
    return Registry(Files({path: body.encode() for path, body in files.items()}))


# Mappings and their methods


@pytest.mark.parametrize("key", ["items", "keys", "values", "get", "update", "pop", "copy"])
def test_a_mappings_key_comes_before_its_method(key: str) -> None:
    assert (
        text(f"{{{{ d.{key} }}}} {{{{ d['{key}'] }}}} {{{{ d.inner.{key} }}}}", d={key: 1, "inner": {key: 2}})
        == "1 1 2"
    )


def test_a_method_is_called_where_no_key_has_its_name() -> None:
    body = "{% for key, value in d.items() %}{{ key }}={{ value }};{% endfor %}{{ d.get('x', 'none') }}"
    assert text(body, d={"a": 1, "b": 2}) == "a=1;b=2;none"


def test_a_key_that_hides_a_method_cannot_be_called() -> None:
    assert problem("{{ d.items() }}", d={"items": [1]}) == (
        "t/prompt.md:4: items is a key of this mapping and cannot be called. Write items without ()."
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{{ s.upper }}", "s.upper is a method. Call it: s.upper()."),
        ("{{ d.items }}", "d.items is a method. Call it: d.items()."),
        ("{{ d.l.count }}", "d.l.count is a method. Call it: d.l.count()."),
        ("{{ s.upper ~ '' }}", "s.upper is a method. Call it: s.upper()."),
        ("{{ [s.upper] | join }}", "s.upper is a method. Call it: s.upper()."),
        ("{{ s.upper | tojson }}", "s.upper is a method. Call it: s.upper()."),
        ("{% for x in d.items %}{% endfor %}", "d.items is a method. Call it: d.items()."),
        ("{{ d.upper() }}", "a mapping has no method upper."),
        ("{{ s.items() }}", "a string has no method items."),
        ("{{ n.upper() }}", "null has no method upper."),
        ("{{ s.uper() }}", "there is no method uper. Did you mean upper?"),
        ("{{ s() }}", "a string cannot be called."),
        ("{{ d.l() }}", "there is no method l."),
        ("{{ d.x.upper() }}", f"d.x {ABSENT}"),
    ],
)
def test_a_method_is_reached_only_by_calling_it(body: str, message: str) -> None:
    assert problem(body, s="text", d={"l": [1]}, n=None) == f"t/prompt.md:4: {message}"


@pytest.mark.parametrize(
    "body",
    [
        "{{ n }}",
        "{{ d.n }}",
        "{{ n ~ 'a' }}",
        "{{ n | upper }}",
        "{{ [1, n] | join(',') }}",
        "{{ n | string }}",
        "{{ n | default('x') }}",
        "{{ d.get('nothing') }}",
        "{{ raise_exception(n) }}",
        "{% set t %}{{ n }}{% endset %}{{ t }}",
        "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(n) }}",
    ],
)
def test_printing_null_is_an_error(body: str) -> None:
    assert problem(body, n=None, d={"n": None}) == f"t/prompt.md:4: {NULL}"


def test_null_is_a_value_where_nothing_prints_it() -> None:
    body = "{{ n is none }} {{ n == none }} {{ n | tojson }} {{ n | default('x', true) }} {{ [n] }} {{ n or 'y' }}"
    assert text(body, n=None) == "True True null x [None] y"


# What is absent


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("'yes' if d.x else 'no'", "no"),
        ("not d.x", "True"),
        ("d.x or 'other'", "other"),
        ("'no' if (d.x and true) is undefined else 'yes'", "no"),
        ("d.x == 1", "False"),
        ("d.x == none", "False"),
        ("d.x == ''", "False"),
        ("d.x == d.x", "False"),
        ("d.x == d.y", "False"),
        ("d.x != 1", "True"),
        ("d.x != d.x", "True"),
        ("1 == d.x", "False"),
        ("1 != d.x", "True"),
        ("d.x is eq(d.x)", "False"),
        ("d.x in [1, none, '']", "False"),
        ("d.x not in [1]", "True"),
        ("d.x in {'x': 1}", "False"),
        ("d.x is in([1])", "False"),
        ("[1, 2].count(d.x) if d.x else 0", "0"),
        ("d.x is defined", "False"),
        ("d.x is undefined", "True"),
        ("d.x.y.z is defined", "False"),
        ("d.x['y'][0] is defined", "False"),
        ("d[d.x] is defined", "False"),
        ("l[d.x] is defined", "False"),
        ("l[9] is defined", "False"),
        ("s[9] is defined", "False"),
        ("n.x is defined", "False"),
        ("d.x | default('other')", "other"),
        ("d.x.y.z | default('other')", "other"),
        ("d.x | d('other')", "other"),
        ("(l | map(attribute='x', default='other') | list)[0]", "other"),
        ("l | first | default('other')", "1"),
        ("[] | first | default('other')", "other"),
        ("[] | last | d('other')", "other"),
        ("[] | min | d('other')", "other"),
        ("[] | max | d('other')", "other"),
        ("d.x is none", "False"),
        ("d.x is string", "False"),
        ("d.x is number", "False"),
        ("d.x is boolean", "False"),
        ("d.x is mapping", "False"),
        ("d.x is sequence", "False"),
        ("[d, {'x': 1}] | selectattr('x') | list | length", "1"),
        ("[d, {'x': 1}] | rejectattr('x', 'eq', 1) | list | length", "1"),
        ("[d, {'x': 1}] | selectattr('x', 'defined') | list | length", "1"),
        ("[d.x, 1] | select | list", "[1]"),
    ],
)
def test_an_absent_key_is_false_unequal_to_everything_and_caught_by_default(expression: str, shown: str) -> None:
    assert text(f"{{{{ {expression} }}}}", d={"a": 1}, l=[1], s="text", n=None) == shown


@pytest.mark.parametrize(
    "body",
    [
        # printed
        "{{ d.x }}",
        "{{ d.x ~ '' }}",
        "{{ d.x | string }}",
        "{{ d.x | upper }}",
        "{{ d.x | tojson }}",
        "{{ [d.x] }}",
        "{{ [d.x] | tojson }}",
        "{{ {'k': d.x} | tojson }}",
        "{{ [d.x] | join }}",
        "{{ '%s' % d.x }}",
        "{{ '%s' % (d.x,) }}",
        "{{ '%s' | format(d.x) }}",
        "{{ d.x and 'b' }}",
        "{% set q = d.x %}{{ q }}",
        "{% set q %}{{ d.x }}{% endset %}",
        "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(d.x) }}",
        "{% set ns = namespace(a=d.x) %}{{ ns.a }}",
        "{{ raise_exception(d.x) }}",
        # looped over
        "{% for a in d.x %}{% endfor %}",
        "{% for a in d.x if a %}{% endfor %}",
        "{% for a in d.x recursive %}{% endfor %}",
        "{% for a in [1] recursive %}{{ loop(d.x) }}{% endfor %}",
        "{{ d.x | list }}",
        "{{ d.x | join }}",
        "{{ d.x | sort }}",
        "{{ d.x | first }}",
        "{{ d.x | last }}",
        "{{ d.x | reverse }}",
        "{{ d.x | unique }}",
        "{{ d.x | map('upper') }}",
        "{{ d.x | select }}",
        "{{ d.x | selectattr('a') }}",
        "{{ d.x | groupby('a') }}",
        "{{ d.x | batch(2) }}",
        "{{ d.x | slice(2) }}",
        "{{ d.x | dictsort }}",
        "{{ d.x | items }}",
        "{{ d.x | sum }}",
        "{{ d.x | max }}",
        "{{ d.x.items() }}",
        "{{ 'a'.join(d.x) }}",
        # measured
        "{{ d.x | length }}",
        "{{ d.x | count }}",
        "{{ d.x | wordcount }}",
        "{{ d.x[1:] }}",
        "{{ 1 in d.x }}",
        # computed with
        "{{ d.x + 1 }}",
        "{{ 1 + d.x }}",
        "{{ d.x - 1 }}",
        "{{ d.x * 2 }}",
        "{{ 2 * d.x }}",
        "{{ d.x / 2 }}",
        "{{ d.x // 2 }}",
        "{{ d.x % 2 }}",
        "{{ -d.x }}",
        "{{ +d.x }}",
        "{{ d.x < 1 }}",
        "{{ 1 <= d.x }}",
        "{{ d.x > d.y }}",
        "{{ 1 < d.x < 3 }}",
        "{{ d.x in 'text' }}",
        "{{ d.x | abs }}",
        "{{ d.x | int }}",
        "{{ d.x | float }}",
        "{{ d.x | round }}",
        "{{ [1, d.x] | sum }}",
        "{{ [1, d.x] | max }}",
        "{{ d.x is odd }}",
        "{{ d.x is divisibleby 2 }}",
        "{{ d.x is lt 2 }}",
        "{{ d.x is lower }}",
        # given to something that computes
        "{% for a in range(d.x) %}{% endfor %}",
        "{{ [1, 2][d.x:] }}",
        "{{ [1, 2][:d.x] }}",
        "{{ 'abc'[::d.x] }}",
        "{{ d[d.x] }}",
        "{{ [1, 2][d.x] }}",
        "{{ 'a' | center(d.x) }}",
        "{{ 'a b' | wordwrap(d.x) }}",
        "{{ 'a' | truncate(d.x) }}",
        "{{ 'a' | replace(d.x, 'b') }}",
        "{{ 'a' | trim(d.x) }}",
        "{{ 1.5 | round(d.x) }}",
        "{{ [1] | batch(d.x) }}",
        "{{ [1] | join(d.x) }}",
        "{{ [d] | sort(attribute=d.x) }}",
        "{{ [d] | map(attribute=d.x) }}",
        "{{ [d] | groupby(d.x) }}",
        "{{ [d] | selectattr(d.x) }}",
        "{{ [1] | tojson(indent=d.x) }}",
        "{{ 4 is divisibleby d.x }}",
        "{{ 'a'.startswith(d.x) }}",
        "{{ 'a'.replace(d.x, 'b') }}",
        "{{ 'a'.split(sep=d.x) }}",
        "{{ d.get(d.x) }}",
        "{{ [1].index(d.x) }}",
        "{% set ns = namespace(d.x) %}",
    ],
)  # fmt: skip
def test_an_absent_key_that_is_printed_looped_over_measured_or_computed_with_is_named(body: str) -> None:
    assert problem(body, d={"a": 1}) == f"t/prompt.md:4: d.x {ABSENT}"


ORDER = {
    "lines": [{"name": "shoe", "price": {"net": 10}}, {"name": "lace"}],
    "buyer": {"name": "Aki", "phone": None, "address": {}},
    "gift": None,
    "note": {"text": None},
}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{{ order.total }}", f"order.total {ABSENT}"),
        ("{{ order.buyer.address.city }}", f"order.buyer.address.city {ABSENT}"),
        ("{{ order.buyer.address.city.name }}", f"order.buyer.address.city.name {ABSENT}"),
        ("{{ order['buyer']['e-mail'] }}", f"order.buyer['e-mail'] {ABSENT}"),
        ("{{ order.lines[1].price }}", f"order.lines[1].price {ABSENT}"),
        ("{{ order.lines[5] }}", f"order.lines[5] {ABSENT}"),
        ("{{ order.lines[5].name }}", f"order.lines[5].name {ABSENT}"),
        ("{% for line in order.lines %}{{ line.price.net }}{% endfor %}", f"order.lines[1].price.net {ABSENT}"),
        ("{% set b = order.buyer %}{{ b.city }}", f"order.buyer.city {ABSENT}"),
        ("{% macro f(x) %}{{ x.city }}{% endmacro %}{{ f(order.buyer) }}", f"order.buyer.city {ABSENT}"),
        ("{{ order.lines | map(attribute='price') | list }}", f"order.lines[1].price {ABSENT}"),
        ("{{ order.lines | map(attribute='price.net') | list }}", f"order.lines[1].price.net {ABSENT}"),
        ("{{ order.lines | sort(attribute='price.net') }}", f"order.lines[1].price.net {ABSENT}"),
        ("{{ order.lines | sum(attribute='price.net') }}", f"order.lines[1].price.net {ABSENT}"),
        ("{{ (order.lines | last).price }}", f"order.lines[1].price {ABSENT}"),
        ("{{ order.buyer.name.first }}", "order.buyer.name.first is absent: a string has no first."),
        ("{{ order.lines[0].price.net.eur }}", "order.lines[0].price.net.eur is absent: a number has no eur."),
        ("{{ order.gift.wrap }}", "order.gift.wrap is absent: null has no wrap."),
        ("{{ order.note.text.words }}", "order.note.text.words is absent: null has no words."),
        ("{{ order.buyer.phone.home }}", "order.buyer.phone.home is absent: null has no home."),
        ("{% for line in order.lines %}{{ line.name.x }}{% endfor %}", "line.name.x is absent: a string has no x."),
        ("{% set k = 'note' %}{{ order[k].text.x }}", "order[…].text.x is absent: null has no x."),
        ("{{ missing.name }}", "missing is not set here. Test it with  is defined, or give it a default."),
    ],
)  # fmt: skip
def test_what_is_absent_is_named_by_its_path_in_the_inputs(body: str, message: str) -> None:
    assert problem(body, order=ORDER) == f"t/prompt.md:4: {message}"


@pytest.mark.parametrize(
    "expression", ["d[l]", "d[{}]", "l[d]", "l[l]", "[d] | sum(attribute=[])", "[d] | sort(attribute=l)"]
)
def test_a_key_that_no_mapping_can_have_is_an_error_in_words(expression: str) -> None:
    message = problem(f"{{{{ {expression} }}}}", d={"a": 1}, l=[1])
    assert re.fullmatch(r"t/prompt\.md:4: .+\.", message), message


def test_values_that_are_no_input_are_not_given_the_name_of_an_equal_one() -> None:
    message = problem("{{ (1).real }} {{ ''.x }}", d={"a": 1, "empty": ""})
    assert message == "t/prompt.md:4: the value.real is absent: a number has no real."


# Names


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{{ nothing }}", "nothing is not set here. Test it with  is defined, or give it a default."),
        ("{{ loop.index }}", "loop is not set here. Test it with  is defined, or give it a default."),
        ("{% for x in [1] %}{% endfor %}{{ x }}",
         "x is not set here. Test it with  is defined, or give it a default."),
        ("{% if false %}{% set x = 1 %}{% endif %}{{ x }}",
         "x is not set here. Test it with  is defined, or give it a default."),
        ("{% with x = 1 %}{% endwith %}{{ x }}",
         "x is not set here. Test it with  is defined, or give it a default."),
        ("{{ f() }}", "f is not set here. Test it with  is defined, or give it a default."),
    ],
)  # fmt: skip
def test_a_name_that_nobody_set_is_an_error(body: str, message: str) -> None:
    assert problem(body, d={}) == f"t/prompt.md:4: {message}"


def test_a_name_that_nobody_set_can_be_asked_for() -> None:
    assert text("{{ x is defined }} {{ x | default('none') }} {{ 'yes' if x else 'no' }}", d=1) == "False none no"


def test_a_parameter_that_a_macro_was_not_given_is_named() -> None:
    body = "{% macro f(first, second) %}\n{{ second }}\n{% endmacro %}\n{{ f(1) }}"
    assert problem(body) == "t/prompt.md:5: parameter 'second' was not provided."


@pytest.mark.parametrize("name", ["context", "name", "args", "obj", "environment"])
def test_arguments_by_name_may_have_any_name(name: str) -> None:
    body = (
        f"{{% macro f({name}) %}}{{{{ {name} }}}}{{% endmacro %}}{{{{ f({name}=1) }}}}"
        f"{{% set ns = namespace({name}=2) %}}{{{{ ns.{name} }}}}{{{{ '%({name})s' | format({name}=3) }}}}"
    )
    assert text(body) == "123"


def test_an_input_may_have_the_name_of_a_filter_or_a_test() -> None:
    assert text("{{ upper | upper }} {{ defined is defined }}", upper="u", defined="d") == "U True"


def test_values_are_never_templates() -> None:
    body = "{{ x }} {{ [x] | join }} {{ x | replace('a', x) }} {{ '%s' % x }}"
    assert text(body, x="{{ secret }}{% if %}") == " ".join(["{{ secret }}{% if %}"] * 4)


def test_a_template_cannot_change_the_callers_objects() -> None:
    value = {"l": [3, 1, {"k": [1]}], "d": {"b": 1, "a": 2}}
    before = copy.deepcopy(value)
    body = (
        "{% set l = v.l + [4] %}{% set ns = namespace(v.d) %}{% set ns.b = 5 %}{% set ns.c = 6 %}"
        "{{ v.d | dictsort }}{{ v.l[:2] | sort | reverse | list }}{{ l | length }}{{ ns.b }}{{ v.l[2].k * 2 }}"
    )
    assert text(body, v=value) == "[('a', 2), ('b', 1)][3, 1]45[1, 1]"
    assert value == before


def test_renderings_do_not_hear_of_one_another() -> None:
    prompt = load("{% set ns = namespace(n=0) %}{% set ns.n = ns.n + x %}{{ ns.n }}", front="inputs: {x: integer}")
    assert [prompt.render(x=number).text for number in (1, 2, 1)] == ["1", "2", "1"]


# tojson, raise_exception


def test_tojson_keeps_other_scripts_and_escapes_nothing_for_html() -> None:
    value = {"名": "東京 <b> & 'x' \"y\" é 😀", "a": [1, None, True, 2.5]}
    shown = '{"a": [1, null, true, 2.5], "名": "東京 <b> & \'x\' \\"y\\" é 😀"}'
    assert text("{{ v | tojson }}", v=value) == shown


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("[1, {'b': 1, 'a': 2}] | tojson(indent=2)", '[\n  1,\n  {\n    "a": 2,\n    "b": 1\n  }\n]'),
        ("{'b': 1, 'a': 2} | tojson(sort_keys=false)", '{"b": 1, "a": 2}'),
        ("'é' | tojson(ensure_ascii=true)", '"\\u00e9"'),
        ("[1, 2] | tojson(separators=(',', ':'))", "[1,2]"),
        ("(1, 2) | tojson", "[1, 2]"),
        ("range(3) | tojson", "[0, 1, 2]"),
        ("'line\nbreak' | tojson", '"line\\nbreak"'),
    ],
)
def test_tojson_writes_what_json_writes(expression: str, shown: str) -> None:
    assert text(f"{{{{ {expression} }}}}") == shown


def test_raise_exception_ends_a_rendering_with_the_templates_own_words() -> None:
    body = "\n{% if n > 3 %}\n{{ raise_exception('at most 3 passages, not ' ~ n) }}\n{% endif %}\nfine"
    assert text(body, n=3) == "\nfine"
    assert problem(body, n=4) == "t/prompt.md:6: at most 3 passages, not 4"


# White space


def test_only_the_prompts_own_last_newline_is_dropped() -> None:
    assert text("a\n") == "a"
    assert text("a  \n") == "a  "
    assert text("{{ x }}\n", x="a\n") == "a\n"
    assert text("a\n\n\n") == "a", "canonical bytes end with one newline"


def test_windows_line_ends_and_a_byte_order_mark_are_not_part_of_a_prompt() -> None:
    registry = opened(
        {"promptreg.toml": DRAFTS, "t/prompt.md": "\ufeffa\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n"}
    )
    assert registry.load("t").render().text == "a\nb\nc"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_a_value_reaches_the_text_unchanged(value: str) -> None:
    assert text("<{{ x }}>", x=value) == f"<{value}>"


# Includes

PART = {"p": "part {{ x }}\n"}


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("a\n{% include 'p@draft' %}\nb\n", "a\npart 1\nb"),
        ("a {% include 'p@draft' %} b\n", "a part 1\n b"),
        ("{% include 'p@draft' %}\n", "part 1\n"),
        ("{% include 'p@draft' %}{% include 'p@draft' %}", "part 1\npart 1\n"),
        ("{% set t %}{% include 'p@draft' %}{% endset %}[{{ t }}]", "[part 1\n]"),
        ("{% filter upper %}{% include 'p@draft' %}{% endfilter %}", "PART 1\n"),
        ("{% macro f() %}{% include 'p@draft' %}{% endmacro %}{{ f() }}{{ f() }}", "part 1\npart 1\n"),
        ("{% if x == 1 %}{% include 'p@draft' %}{% endif %}", "part 1\n"),
        ("{% if x == 2 %}{% include 'p@draft' %}{% endif %}b", "b"),
        ("{% for i in [1, 2] %}{% include 'p@draft' %}{% endfor %}", "part 1\npart 1\n"),
    ],
)
def test_an_included_text_keeps_its_own_final_newline(body: str, shown: str) -> None:
    assert text(body, PART, x=1) == shown


@pytest.mark.parametrize(
    "body",
    [
        "{% for x in [7, 8] %}{% if loop.last %}{% include 'p@draft' %}{% endif %}{% endfor %}",
        "{% set x = 7 %}{% include 'p@draft' %}",
        "{% with x = 7 %}{% include 'p@draft' %}{% endwith %}",
        "{% macro f(x) %}{% include 'p@draft' %}{% endmacro %}{{ f(7) }}",
        "{% set x %}seven{% endset %}{% include 'p@draft' %}",
    ],
)
def test_a_partial_sees_the_inputs_and_nothing_that_surrounds_it(body: str) -> None:
    assert text(body, PART, x=1) == "part 1\n"


@pytest.mark.parametrize(
    ("body", "partial", "name"),
    [
        ("{% for y in [1] %}{% include 'p@draft' %}{% endfor %}", "{{ y }}", "y"),
        ("{% for y in [1] %}{% include 'p@draft' %}{% endfor %}", "{{ loop.index }}", "loop"),
        ("{% set y = 1 %}{% include 'p@draft' %}", "{{ y }}", "y"),
        ("{% macro y() %}{% endmacro %}{% include 'p@draft' %}", "{{ y() }}", "y"),
        ("{% macro f() %}{{ caller() }}{% include 'p@draft' %}{% endmacro %}{% call f() %}{% endcall %}",
         "{{ caller() }}", "caller"),
    ],
)  # fmt: skip
def test_what_a_partial_cannot_see_is_not_set_there(body: str, partial: str, name: str) -> None:
    assert problem(body, {"p": partial}, x=1) == (
        f"p/prompt.md:1: {name} is not set here. Test it with  is defined, or give it a default."
    )


def test_what_a_partial_sets_stays_in_it() -> None:
    body = "{% include 'p@draft' %}{{ x }} {{ y is defined }}"
    assert text(body, {"p": "{% set x = 2 %}{% set y = 3 %}\n"}, x=1) == "1 False"


def test_the_settings_of_a_partial_do_not_apply() -> None:
    partial = (
        "---\nmodel: other\nparameters: {temperature: 2}\ninputs: {x: {type: string, default: own}}\n---\n{{ x }}\n"
    )
    prompt = load("{% include 'p@draft' %}", {"p": partial}, "model: mine\ninputs: {x: integer}")
    assert prompt.render(x=5).text == "5\n"
    assert (prompt.model, prompt.parameters, list(prompt.inputs)) == ("mine", {}, ["x"])


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ({"t": "{% include 't@draft' %}"}, "t/prompt.md:1: includes go round: t → t."),
        ({"t": "a\n{% include 'p@draft' %}", "p": "b\n\n{% include 't@draft' %}"},
         "p/prompt.md:3: includes go round: t → p → t."),
        ({"t": "{% include 'p@draft' %}", "p": "{% include 'q@draft' %}", "q": "\n{% include 'p@draft' %}"},
         "q/prompt.md:2: includes go round: t → p → q → p."),
    ],
)  # fmt: skip
def test_includes_that_go_round_are_refused(prompts: dict[str, str], message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        opened(files(prompts)).load("t").render()
    assert str(caught.value) == message


EXACT = "an include names an exact version, @draft, or nothing, which is the newest one."


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("p", 'include "p": p has no version: it was never released. promptreg release p does it.'),
        ("p@1.0.0", 'include "p@1.0.0": p has no 1.0.0: it was never released. promptreg release p does it.'),
        ("p@latest", f'include "p@latest": {EXACT}'),
        ("p@production",
         f'include "p@production": {EXACT}'),
        ("p@^1", f'include "p@^1": {EXACT}'),
        ("p@git:main", f'include "p@git:main": {EXACT}'),
        ("p@", ('include "p@": the selector behind @ is empty. Name a version, a range, an environment, latest or '
         "draft.")),
        ("p@1.0", f'include "p@1.0": {EXACT}'),
    ],
)  # fmt: skip
def test_an_include_names_an_exact_version_the_draft_or_floats_to_the_newest_release(spec: str, message: str) -> None:
    with pytest.raises(PromptregError) as caught:
        opened(files({"t": f"\n{{% include '{spec}' %}}", "p": "text"})).load("t").render()
    assert str(caught.value).lower() == f"t/prompt.md:2: {message}".lower()


def test_in_a_draft_an_include_without_a_version_is_the_newest_release() -> None:
    prompts = files({"t": "{% include 'p' %}{% include 'p@1.0.0' %}{% include 'p@draft' %}", "p": "draft\n"})
    for version in ("1.0.0", "1.9.0", "1.10.0", "2.0.0-rc.1"):
        released(prompts, "p", version, f"{version}\n")
    assert opened(prompts).load("t").render().text == "1.10.0\n1.0.0\ndraft\n"


# Errors and their place


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{{ d.x }}", f"d.x {ABSENT}"),
        ("{% if d.x > 1 %}{% endif %}", f"d.x {ABSENT}"),
        ("{% if false %}{% elif d.x > 1 %}{% endif %}", f"d.x {ABSENT}"),
        ("{% for a in d.x %}{% endfor %}", f"d.x {ABSENT}"),
        ("{% for a in [1] if d.x + 1 %}{% endfor %}", f"d.x {ABSENT}"),
        ("{% set a = d.x + 1 %}", f"d.x {ABSENT}"),
        ("{% with a = d.x + 1 %}{% endwith %}", f"d.x {ABSENT}"),
        ("{% set a %}{{ d.x }}{% endset %}", f"d.x {ABSENT}"),
        ("{% filter center(d.x) %}a{% endfilter %}", f"d.x {ABSENT}"),
        ("{{ 1 // 0 }}", "integer division or modulo by zero."),
        ("{{ 'a' + 1 }}", "+ does not work between a string and a number. To join texts, write ~ between them."),
        ("{{ 'a' - 'b' }}", "- does not work between a string and a string."),
        ("{{ d * d }}", "* does not work between a mapping and a mapping."),
        ("{{ 1 in 5 }}", "nothing can be looked for in a number."),
        ("{{ 1 in 'a' }}", "in a string only a string can be looked for, not a number."),
        ("{{ 5 | length }}", "only texts, lists and mappings have a length."),
        ("{{ 5 | dictsort }}", "this filter takes a mapping."),
        ("{{ 'x' | round }}", "this filter takes numbers."),
        ("{{ 'x' is odd }}", "this test takes whole numbers."),
        ("{{ raise_exception('no') }}", "no"),
        ("{{ d | uper }}", "there is no filter uper. Did you mean upper?"),
        ("{{ d is defned }}", "there is no test defned. Did you mean defined?"),
        ("{{ d._a }}", "_a begins with an underscore and cannot be reached."),
        ("{% break %}", "break stands outside of a loop."),
        ("{% for a in [] %}{% else %}{% continue %}{% endfor %}", "continue stands outside of a loop."),
        ("{% block a %}{% endblock %}", "templates have no {% block %}. Use {% include %} or a macro."),
        ("{% set d.x = 1 %}", "cannot assign attribute on non-namespace object."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("above", [0, 3])
def test_an_error_carries_the_path_and_the_line_of_the_file(line: str, message: str, above: int) -> None:
    body = {0: "", 3: "text\n{# a comment\n #}\n"}[above] + line + "\nmore\n{{ 1 }}\n"
    assert problem(body, d={}) == f"t/prompt.md:{4 + above}: {message}"


def test_an_error_in_a_macro_carries_the_line_in_the_macro() -> None:
    body = "{% macro f(x) %}\nfirst\n{{ x.name }}\n{% endmacro %}\n\n\n{{ f(d) }}\n"
    assert problem(body, d={}) == f"t/prompt.md:6: d.name {ABSENT}"


def test_an_error_in_a_partial_carries_the_path_and_line_of_the_partial() -> None:
    partials = {"p": "{% include 'q@draft' %}\n", "q": "---\ndescription: Two\n---\nfirst\n{{ d.x }}\n"}
    assert problem("\n\n{% include 'p@draft' %}", partials, d={}) == f"q/prompt.md:5: d.x {ABSENT}"


def test_an_error_in_a_released_version_carries_the_path_of_the_version() -> None:
    prompts = files({})
    released(prompts, "t", "1.0.0", "---\ninputs: {d: object}\n---\n\n{{ d.x }}\n")
    with pytest.raises(TemplateError) as caught:
        opened(prompts).load("t@1.0.0").render(d={})
    assert str(caught.value) == f"t/versions/1.0.0.txt:5: d.x {ABSENT}"


OPENS = '{{ opens an expression here. JSON needs single braces: {"answer": …}. (f-strings double them, Jinja does not.)'
RAW = "If this is no template syntax, put {% raw %} … {% endraw %} around it."
UNCLOSED = (
    "unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. "
    "The innermost block that needs to be closed is 'if'."
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("text {{ a b }}", ":4:6: expected token 'end of print statement', got 'b'."),
        ("a\n{% if x %}b", f":5:1: {UNCLOSED}"),
        ("x {% fro a in b %}", f":4:3: encountered unknown tag 'fro'. {RAW}"),
        ("\n  {%s}", f":5:3: encountered unknown tag 's'. {RAW}"),
        ("Use {#id}", ":4:5: missing end of comment tag."),
        ('{{"answer": 1}}', f":4:1: {OPENS}"),
        ('Like {{ "answer": {"a": 1} }}', f":4:6: {OPENS}"),
        ('Like\n{{\n  "answer": 1\n}}', f":5:1: {OPENS}"),
    ],
)
def test_a_syntax_error_carries_its_place_and_what_to_write(body: str, message: str) -> None:
    assert problem(body, x=1) == f"t/prompt.md{message}"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("{{ x }} and {{ a b }}", "4:13"),
        ("{% if x %}{{ '}}' }}{{ c d }}{% endif %}", "4:21"),
        ("{# {{ #} {% raw %}{{ a b }}{% endraw %} {{ c d }}", "4:41"),
        ("{% if x %}{{ x }}{% endfor %}", "4:18"),
        ("{{ x(\n  a b) }} {{ x }}", "5"),
        ("{% if x %}\n{{ x }}", "5"),
        ('{{ x }} {{\n "a": {"b": 1}}}', "4:9"),
    ],
)
def test_a_column_is_that_of_the_tag_or_expression_with_the_mistake(body: str, place: str) -> None:
    assert problem(body, x=1).startswith(f"t/prompt.md:{place}: ")


@pytest.mark.parametrize(("body", "column"), [("{{ x }} and {{ a b }}", 13), ("{{ x(\n  a b) }}", 5)])
def test_a_column_is_told_only_where_it_is_the_right_one(body: str, column: int) -> None:
    with pytest.raises(FileError) as caught:
        render(body, x=1)
    assert caught.value.column in (None, column)


@pytest.mark.parametrize("front", [None, "inputs: {l: array}"], ids=["inferred", "declared"])
@pytest.mark.parametrize(
    "body",
    [
        "\n{% for loop in l %}{% endfor %}",
        "\n{% macro f(a, a) %}{% endmacro %}{{ l }}",
        "\n{% macro f(a) %}{% endmacro %}{% call(b, b) f(1) %}{% endcall %}{{ l }}",
        "\n{{ l | replace(a=1, a=2) }}",
    ],
)
def test_what_cannot_be_compiled_is_a_template_error_on_its_line(body: str, front: str | None) -> None:
    with pytest.raises(TemplateError) as caught:
        load(body, front=front).render(l=[])
    assert caught.value.line == (2 if front is None else 5)
    assert "too deep" not in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "s | upper(1)",
        "s | upper(x=1)",
        "s | replace('a')",
        "s | truncate(1)",
        "s | truncate('a')",
        "s | truncate(9, leeway=-1)",
        "s | trim(1)",
        "s | indent(none)",
        "[1, 'a'] | sort",
        "[n, 1] | max",
        "[d] | unique",
        "l | groupby(d)",
        "d | tojson(separators=1)",
        "{1: 1, 'a': 2} | tojson",
        "[] | min",
        "4 is divisibleby",
        "4 is divisibleby 0",
        "4 is eq",
        "s is lower(1)",
        "n < 1",
        "s < 1",
        "-s",
        "range('a')",
        "range()",
        "range(1, 2, 0)",
        "range(99999999999999999999999)",
        "s.upper(1)",
        "s.replace('a')",
        "s.split(1)",
        "s.index('zz')",
        "l.index('zz')",
        "l.count()",
        "d.get()",
        "d.get({})",
        "d[1:2]",
        "l['a':]",
        "{l: 1}",
        "namespace(1)",
        "'%d' % s",
        "'%s %s' % (1,)",
        "'%(a)s' % d",
        "[['']] | map('map', 'nope')",
        "1e999 | int",
        "9" * 5000,
        "('f' * 5000) | int(base=16)",
    ],
)
def test_an_error_speaks_of_the_template_and_not_of_python(expression: str) -> None:
    """messages.md: what is wrong, where. Whoever writes prompts need not know what a NoneType is."""
    message = problem(f"{{{{ {expression} }}}}", s="text", l=[1], d={"b": 1}, n=None)
    python = (
        r"<lambda>|<locals>|\b_\w+\(|\w+_\(\)|positional argument|keyword argument|takes no arguments"
        r"|\b(dict|str|int)\b|NoneType|' object|unhashable|Absent|sys\.|instances of|__|\.\.$|: '\w+'\.$"
    )
    assert re.match(r"t/prompt\.md:4: ", message), message
    assert not re.search(python, message), message


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("s | upper(1)", "upper is given too many arguments. Write upper."),
        ("s | upper(x=1)", "upper has no argument x. Write upper."),
        ("s | int(x=1)", "int has no argument x. Write int(default, base)."),
        ("s | replace('a')", "replace needs new. Write replace(old, new, count)."),
        ("s | replace('a', 'b', old='c')", "replace is given old twice. Write replace(old, new, count)."),
        ("s is lower(1)", "lower is given too many arguments. Write lower."),
        ("4 is divisibleby", "divisibleby needs by. Write divisibleby(by)."),
        ("d.keys(1)", "keys is given too many arguments. Write keys()."),
        ("d.get()", "get needs key. Write get(key, default)."),
        ("s.split(1)", 'split cannot be called with this. Write it like split(",") or split(",", 1).'),
        ("f(1, 2)", "the macro f is given more than its 1 arguments."),
        ("f(b=1)", "the macro f has no parameter b."),
        ("namespace(1)", "namespace takes names, as in namespace(found=false), not a number."),
        ("range('a')", "range takes one to three whole numbers."),
        ("n < 1", "null and a number have no order, so cannot be compared."),
        ("[1, s] | sort", "a string and a number have no order, so cannot be compared."),
        ("-s", "- does not work before a string."),
        ("{l: 1}", "a list cannot be a key."),
        ("d[1:]", "only texts and lists can be sliced."),
        ("l['a':]", "a slice takes whole numbers, not a string."),
        ("[] | first", "the list is empty, so it has no first element."),
        ("[] | max", "the list is empty, so it has no largest element."),
        ("'%d' % s", "'%d' and the values do not fit: a number is needed, not a string."),
    ],
)
def test_a_wrong_use_is_told_with_the_right_one(expression: str, message: str) -> None:
    body = "{% macro f(a) %}{% endmacro %}{{ " + expression + " }}"
    assert problem(body, s="text", l=[1], d={"b": 1}, n=None) == f"t/prompt.md:4: {message}"


@pytest.mark.parametrize("body", ["{% for x in n %}{% endfor %}", "{% for x in 5 %}{% endfor %}", "{{ 5 | join }}"])
def test_looping_over_what_is_no_list_says_so(body: str) -> None:
    assert re.fullmatch(r"t/prompt\.md:4: (null|a number) is not a list\.", problem(body, n=None))


def test_the_two_parts_of_a_group_can_be_named_to_filters() -> None:
    rows = [{"a": 1}, {"a": 2}, {"a": 1}]
    assert text('{{ v | groupby("a") | map(attribute="grouper") | join(",") }}', v=rows) == "1,2"
    assert text('{{ v | groupby("a") | selectattr("grouper") | list | length }}', v=rows) == "2"
    assert text('{{ v | groupby("a") | map(attribute="list") | map("length") | join(",") }}', v=rows) == "2,1"
