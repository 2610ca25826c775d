"""Whatever a template holds, compiling and rendering it ends soon, in little memory, with an error in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from promptreg.core.errors import PromptregError, TemplateError
from tests.support.hostile import Attack, Cage, Outcome
from tests.support.templates import render


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    cage = Cage()
    yield cage
    cage.close()


def over(limit: str, allowed: str) -> str:
    return f"this goes over {limit} = {allowed}. If it is meant to, raise {limit} under [limits] in promptreg.toml."


OUTPUT = over("output", "16,777,216")
STEPS = over("loop_steps", "1,000,000")
WORK = over("work", "134,217,728")
BITS = "a number of more than 4096 bits would come out here."
TOO_WIDE = "is 400,000,000 here and can be 10,000 at most."


def loop(times: int, body: str) -> str:
    return f"{{% for i in range({times}) %}}{body}{{% endfor %}}"


def doubled(start: str, step: str, times: int = 60) -> str:
    return f"{{% set ns = namespace(a={start}, b={start}) %}}" + loop(times, step)


def kept(expression: str, times: int = 100_000) -> str:
    """A template that holds on to what an expression gives, many times over."""
    return "{% set ns = namespace(kept=0) %}" + loop(times, f"{{% set ns.kept = [ns.kept, {expression}] %}}")


TEXT = "{% set s = 'a' * 10000000 %}"
NEAR = "{% set s = 'a' * 1000000 ~ 'b' %}{% set t = 'a' * 1000000 ~ 'c' %}"
LISTS = doubled("[1]", "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}")
TUPLES = doubled("(1,)", "{% set ns.a = (ns.a, ns.a) %}")
NESTED_TUPLE = doubled("(1,)", "{% set ns.a = (ns.a,) %}", 900_000)
HEX = "{% set s = ('f' * 16000000) | int(base=16) %}{% set t = ('f' * 8000000) | int(base=16) %}"


def with_less(template: str) -> Attack:
    """With budgets that are used up sooner, where the default ones would only take longer to show the same."""
    return Attack({"t": template}, limits={"work": 5_000_000, "loop_steps": 10_000})


WORDED = ("rendered", "TemplateError", "LimitError")


def test_the_cage_itself_holds(cage: Cage) -> None:
    assert cage.render(Attack({"t": "{{ x }}"}, {"x": "kept"})) == Outcome(
        "rendered", "[{'role': 'user', 'content': 'kept'}]"
    )


# What asks for too much is refused before it is made, by the limit that it breaks.


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ 'a' * 400000000 }}", OUTPUT),
        ("{{ 400000000 * 'a' }}", OUTPUT),
        ("{{ [0] * 400000000 }}", OUTPUT),
        ("{{ (0,) * 400000000 }}", OUTPUT),
        ("{{ 'a' | center(400000000) }}", f"width {TOO_WIDE}"),
        ("{{ 'a\\nb' | indent(400000000) }}", f"width {TOO_WIDE}"),
        ("{{ [1] | batch(400000000, 0) }}", f"the length of a batch {TOO_WIDE}"),
        ("{{ [1] | slice(400000000) }}", f"the number of slices {TOO_WIDE}"),
        ("{{ 'a b' | wordwrap(400000000) }}", f"width {TOO_WIDE}"),
        ("{{ [1] | tojson(indent=400000000) }}", "indent is 400,000,000 here and can be 16 at most."),
        ("{{ '%400000000d' % 1 }}", OUTPUT),
        ("{{ '%.400000000d' % 1 }}", OUTPUT),
        ("{{ '%0400000000.1f' % 1 }}", OUTPUT),
        ("{{ '%(a)400000000s' % {'a': 1} }}", OUTPUT),
        ("{{ '%400000000d' | format(1) }}", OUTPUT),
        ("{{ range(1000001) | list }}", STEPS),
        ("{{ range(0, 1000001) }}", STEPS),
        (f"{{{{ {'9' * 2000} * {'9' * 2000} }}}}", BITS),
        ("{{ ('a\\n' * 5000000) | indent(100) }}", OUTPUT),
        ("{{ ('a' * 5000000) | replace('a', 'aaaa') }}", OUTPUT),
        ("{{ ('a' * 5000000) | replace('', 'aaaa') }}", OUTPUT),
        ("{{ ('a' * 5000000).replace('a', 'aaaa') }}", OUTPUT),
        ("{{ ('a' * 5000000).join(['x'] * 5) }}", OUTPUT),
        ("{{ (['x'] * 5) | join('a' * 5000000) }}", OUTPUT),
        ("{% set s = 'a' * 9000000 %}{{ s ~ s }}", OUTPUT),
        ("{% set s = 'a' * 9000000 %}{{ s + s }}", OUTPUT),
        ("{% set s = 'a' * 9000000 %}{{ '%s%s' % (s, s) }}", OUTPUT),
        ("{% set s = 'a' * 9000000 %}{{ [s, s] }}", OUTPUT),
        ("{% set s = 'a' * 9000000 %}{{ [s, s] | tojson }}", OUTPUT),
        ("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", STEPS),
        ("{% for a in range(100000) %}{% for b in range(100000) if false %}{% endfor %}{% endfor %}", STEPS),
        (TEXT + loop(1000, "{% set t = s | upper %}"), WORK),
        (doubled("'aa'", "{% set ns.a = ns.a ~ ns.a %}"), OUTPUT),
        (doubled("'aa'", "{% set ns.a = ns.a + ns.a %}"), OUTPUT),
        (doubled("'aa'", "{% set ns.a = [ns.a, ns.a] | join %}"), OUTPUT),
        (doubled("'aa'", "{% set ns.a = ns.a | replace('a', 'aa') %}"), OUTPUT),
        (doubled("'aa'", "{% set ns.a = '%s%s' | format(ns.a, ns.a) %}"), OUTPUT),
        (doubled("'aa'", "{% set ns.a = [ns.a, ns.a] | string %}"), OUTPUT),
        (doubled("'aa'", "{% set ns.a = [ns.a, ns.a] | tojson %}"), OUTPUT),
        (doubled("[1]", "{% set ns.a = ns.a + ns.a %}"), OUTPUT),
        (doubled("[1]", "{% set ns.a = ns.a * 2 %}"), OUTPUT),
        (doubled("7", "{% set ns.a = ns.a * ns.a %}"), BITS),
        ("{% filter replace('a', 'aaaaaaaaaa') %}" * 20 + "a" + "{% endfilter %}" * 20, OUTPUT),
        (doubled("[1]", "{% set ns.a = [ns.a] %}", 1000) + "{{ ns.a }}", over("data_depth", "64")),
        (doubled("[1]", "{% set ns.a = [ns.a] %}", 1000) + "{{ ns.a | tojson }}", over("data_depth", "64")),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "the template calls itself too often."),
        ("{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}", "the template calls itself too often."),
        ("{{ 1" + " + 1" * 20_000 + " }}", "operations stand more than 100 deep (expression under [limits])."),
        ("{{ 1" + " and 1" * 20_000 + " }}", "operations stand more than 100 deep (expression under [limits])."),
        ("{{ {}" + ".a" * 20_000 + " }}", "operations stand more than 100 deep (expression under [limits])."),
        ("{{ 1" + " | abs" * 20_000 + " }}", "operations stand more than 100 deep (expression under [limits])."),
        ("{% if 1 %}" * 34 + "{% endif %}" * 34, "blocks stand more than 32 deep (nesting under [limits])."),
    ],
)  # fmt: skip
def test_what_asks_for_too_much_is_refused_with_the_limit_that_it_breaks(
    cage: Cage, template: str, message: str
) -> None:
    assert cage.render(Attack({"t": template})) == Outcome("LimitError", f"t/prompt.md:1: {message}")


@pytest.mark.parametrize(
    ("template", "limits", "message"),
    [
        (LISTS + "{{ ns.a }}", {"work": 100_000}, over("work", "100,000")),
        (LISTS + "{{ ns.a | tojson }}", {"work": 100_000}, over("work", "100,000")),
        (LISTS + "{{ ns.a == ns.b }}", {"work": 100_000}, over("work", "100,000")),
        (loop(100, "{{ range(1000) | sum }}"), {"work": 100_000}, over("work", "100,000")),
        (loop(100, "{{ range(1000) | map('string') | join }}"), {"work": 100_000}, over("work", "100,000")),
        (
            "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
            {"loop_steps": 1_000},
            over("loop_steps", "1,000"),
        ),
        (
            "{% macro f() %}{{ caller() }}{{ caller() }}{% endmacro %}"
            + "{% call f() %}" * 30 + "{% endcall %}" * 30,
            {"loop_steps": 1_000},
            over("loop_steps", "1,000"),
        ),
        ("{{ 'a' * 1001 }}", {"output": 1_000}, over("output", "1,000")),
        ("{{ 'a' * 600 }}{{ 'a' * 600 }}", {"output": 1_000}, over("output", "1,000")),
        ("{% if 1 %}{% if 1 %}x{% endif %}{% endif %}", {"nesting": 1},
         "blocks stand more than 1 deep (nesting under [limits])."),
        ("{{ 1 + 1 + 1 + 1 }}", {"expression": 2}, "operations stand more than 2 deep (expression under [limits])."),
        ("{{ [[[1]]] }}", {"data_depth": 1}, over("data_depth", "1")),
    ],
)  # fmt: skip
def test_limits_are_those_of_promptreg_toml(cage: Cage, template: str, limits: dict[str, int], message: str) -> None:
    outcome = cage.render(Attack({"t": template}, limits=limits))
    assert outcome == Outcome("LimitError", f"t/prompt.md:1: {message}")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("9 ** (9 ** 9)", "templates have no **."),
        ("'%*d' % (400000000, 1)", "a * width cannot be used. Write the number."),
        ("'%.*f' % (400000000, 1)", "a * width cannot be used. Write the number."),
        ("'{:400000000d}'.format(1)", "there is no method format."),
        ("'a'.ljust(400000000)", "there is no method ljust."),
        ("'a'.zfill(400000000)", "there is no method zfill."),
        ("'a'.center(400000000)", "there is no method center."),
        ("'\\t'.expandtabs(400000000)", "there is no method expandtabs."),
    ],
)
def test_what_would_need_a_limit_of_its_own_is_not_in_the_profile(expression: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(f"{{{{ {expression} }}}}")
    assert str(caught.value).startswith(f"t/prompt.md:4: {message}")


# Everything else that somebody might think of: nothing is said of the outcome but that it is one.

STRAIN: dict[str, str | Attack] = {
    # printf
    "a precision with leading zeros": "{{ '%.000000000000400000000d' % 1 }}",
    "a key with parentheses before a width": "{{ '%(a(b))400000000d' % {'a(b)': 1} }}",
    "many opened keys": "{{ ('%(' * 400000) % 1 }}",
    "many percent signs": "{{ ('%%' * 7000000) % () }}",
    "many conversions": "{{ ('%s' * 7000000) % 1 }}",
    "a conversion that escapes": "{{ '%a' % ('😀' * 15000000) }}",
    # compiling
    "comparisons inside comparisons": "{{ " + "(1 < " * 40 + "2" + " < 3)" * 40 + " }}",
    "comparisons inside comparisons in a loop": loop(1, "{{ " + "(1 < " * 40 + "2" + " < 3)" * 40 + " }}"),
    "joins inside lists": "{% if 0 %}{{ " + "[1 ~ " * 32 + "1" + "]" * 32 + " }}{% endif %}",
    "a deep expression in a loop's head": "{% for x in 1" + " + 1" * 20_000 + " %}{% endfor %}",
    "a large number in another system": "{{ 0x" + "f" * 200_000 + " }}",
    "a chain of comparisons": "{{ 1" + " < 1" * 20_000 + " }}",
    "a chain of comparisons in a loop": loop(1, "{{ 1" + " < 1" * 5_000 + " }}"),
    "a long elif chain": "{% if 0 %}" + "{% elif 0 %}" * 15_000 + "{% endif %}x",
    "ever more loops": "{% for x in [1] %}" * 30 + "{% endfor %}" * 30,
    "deep parentheses": "{{ " + "(" * 60_000 + "1" + ")" * 60_000 + " }}",
    "deep lists": "{{ " + "[" * 60_000 + "]" * 60_000 + " }}",
    "deep mappings": "{{ " + "{1:" * 60_000 + "1" + "}" * 60_000 + " }}",
    "many nots": "{{ " + "not " * 60_000 + "1 }}",
    "many signs": "{{ " + "-" * 200_000 + "1 }}",
    "a number of many digits": "{{ " + "9" * 5_000 + " }}",
    "a number beyond all": "{{ 1e999 }}",
    "many outputs": "{{x}}" * 52_000 + "{% set x = 1 %}",
    "many names": "".join(f"{{{{ a{number} }}}}" for number in range(23_000)),
    "many lists": "{% set x = 1 %}" + "{{ [x,x,x,x,x,x,x,x,x] }}" * 10_000,
    # buffers: what a block or macro collects before anybody counts it
    "a set block of 100 GB": TEXT + "{% set t %}" + loop(10_000, "{{ s }}") + "{% endset %}",
    "a set block of 1 GB": TEXT + "{% set t %}" + loop(100, "{{ s }}") + "{% endset %}",
    "a macro of 1 GB": TEXT + "{% macro f() %}" + loop(100, "{{ s }}") + "{% endmacro %}{{ f() }}",
    "a filter block of 1 GB": TEXT + "{% filter upper %}" + loop(100, "{{ s }}") + "{% endfilter %}",
    "a caller of 1 GB": TEXT + "{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}" + loop(100, "{{ s }}")
    + "{% endcall %}",
    "a recursive loop of 1 GB": TEXT + "{% for x in [[]] recursive %}" + loop(100, "{{ s }}")
    + "{{ loop([]) }}{% endfor %}",
    # text filters and methods
    "lower, printed": TEXT + loop(4_000, "{{ s | lower }}"),
    "lower, kept": TEXT + kept("s | lower"),
    "capitalize, kept": TEXT + kept("s | capitalize"),
    "trim, kept": "{% set s = ' ' ~ 'a' * 10000000 %}" + kept("s | trim"),
    "lower of each": TEXT + "{{ ([s] * 1000) | map('lower') | length }}",
    "upper that grows": "{% set s = '\\u0390' * 16000000 %}" + kept("s.upper()"),
    "float in a loop": TEXT + loop(100_000, "{% if s | float %}{% endif %}"),
    "int in a loop": "{% set s = 'f' * 10000000 %}" + loop(100_000, "{% if s | int(base=16) %}{% endif %}"),
    "indent of other line breaks": "{{ ('\\u2028a' * 1000000) | indent(10000) | length }}",
    "indent of carriage returns": "{{ ('\\r' * 1000000) | indent(10000, blank=true) | length }}",
    "a word wrapped at 1": "{{ ('a' * 1000000) | wordwrap(1) | length }}",
    "spaces wrapped": "{{ (' ' * 3000000) | wordwrap(20) | length }}",
    "title of many words": "{{ ('漢-' * 7000000) | title | length }}",
    "wordcount of many words": "{{ ('漢 ' * 8000000) | wordcount }}",
    "splits, kept": "{% set s = '漢漢 ' * 5000000 %}" + kept("s.split()"),
    "lines, kept": "{% set s = '漢漢\\n' * 5000000 %}" + kept("s.splitlines()"),
    "a text as a list": "{{ ('漢' * 7000000) | list | length }}",
    "rfind of a bad pattern": "{{ ('a' * 8000000).rfind('ab' ~ 'a' * 4000000) }}",
    "rsplit at a bad pattern": "{{ ('a' * 8000000).rsplit('ab' ~ 'a' * 4000000) | length }}",
    "find of a bad pattern": "{{ ('a' * 8000000).find('a' * 4000000 ~ 'b' ~ 'a' * 4000) }}",
    "strip of many characters": "{{ ('a' * 3000000).strip('b' * 3000000 ~ 'a') }}",
    "trim of many characters": "{{ ('a' * 3000000) | trim('b' * 3000000 ~ 'a') }}",
    "startswith any of many": "{% set t = ('x',) * 1000000 %}"
    + loop(1_000_000, "{% if 'a'.startswith(t) %}{% endif %}"),
    "tojson with long separators": "{{ ([0] * 1000) | tojson(separators=('a' * 1000000, ':')) | length }}",
    "tojson that escapes": "{{ ('😀' * 15000000) | tojson(ensure_ascii=true) | length }}",
    "tojson deep and indented": "{{ " + "[" * 50 + "[0] * 100000" + "]" * 50 + " | tojson(indent=16) | length }}",
    # lists
    "seven large lists, kept": kept("[0] * 16000000", 7),
    "seven large texts, kept": kept("'😀' * 16000000", 8),
    "copies of a list, kept": "{% set a = [0] * 1000000 %}" + kept("a[:]"),
    "slices, kept": kept("[1] | slice(10000)"),
    "batches, kept": kept("[1] | batch(10000, 0)"),
    "empty lists, kept": kept("[" + "[]," * 1_000 + "]"),
    "representations, kept": "{% set s = ['\\U000e0001' * 15000000] %}" + kept("s | string"),
    "sorted by large keys": TEXT + "{{ ([s] * 1000) | sort | length }}",
    "grouped by large keys": TEXT + "{{ ([{'a': s}] * 1000) | groupby('a') | length }}",
    "unique large texts": TEXT + "{{ ([s] * 100000) | unique | length }}",
    "the smallest of large texts": TEXT + "{{ ([s] * 100000) | min | length }}",
    "sorted texts that differ at the end": NEAR + "{{ ([s, t] * 100000) | sort(case_sensitive=true) | length }}",
    "lists of texts that differ at the end": NEAR + "{{ ([s] * 1000000 + [t]) == ([t] * 1000000 + [s]) }}",
    "a text in a list of nearly equal ones": NEAR + "{{ t in [s] * 1000000 }}",
    "a text counted in a list of nearly equal ones": NEAR + "{{ ([s] * 1000000).count(t) }}",
    "sorted by a million attributes": "{{ ([{}] * 8000) | sort(attribute='a,' * 1000000) | length }}",
    "an attribute of 200,000 steps": "{{ [{}] | map(attribute='a.' * 200000) | list | length }}",
    "absent of absent of absent": "{% set ns = namespace(x={}) %}" + loop(1_000_000, "{% set ns.x = ns.x.a %}"),
    # doubled and nested data
    "doubled lists sorted": with_less(LISTS + "{{ [ns.a, ns.b] | sort | length }}"),
    "doubled lists, the largest": with_less(LISTS + "{{ [ns.a, ns.b] | max | length }}"),
    "doubled lists grouped": with_less(LISTS + "{{ [{'k': ns.a}, {'k': ns.b}] | groupby('k') | length }}"),
    "doubled lists are lower": with_less(LISTS + "{{ ns.a is lower }}"),
    "doubled lists in a list": with_less(LISTS + "{{ ns.a in [ns.b] }}"),
    "doubled tuples as a key asked for": with_less(TUPLES + "{{ {}[ns.a] is defined }}"),
    "doubled tuples got": with_less(TUPLES + "{{ {}.get(ns.a) is none }}"),
    "doubled tuples as a key": with_less(TUPLES + "{{ {ns.a: 1} | length }}"),
    "doubled tuples, unique": with_less(TUPLES + "{{ [ns.a] | unique | length }}"),
    "a tuple 900,000 deep as a key asked for": NESTED_TUPLE + "{{ {}[ns.a] is defined }}",
    "a tuple 900,000 deep as a key": NESTED_TUPLE + "{{ {ns.a: 1} | length }}",
    "a tuple 900,000 deep is lower": NESTED_TUPLE + "{{ ns.a is lower }}",
    # numbers
    "a number doubled a million times": doubled("1", "{% set ns.a = ns.a + ns.a %}", 999_999),
    "a number summed a million times": doubled("1", "{% set ns.a = [ns.a, ns.a] | sum %}", 999_999),
    "large numbers divided": HEX + "{{ s // t }}",
    "large numbers, the rest": HEX + "{{ s % t }}",
    "large numbers divisible": HEX + "{{ s is divisibleby t }}",
    "large numbers, kept": HEX + kept("s + 1"),
    "a large number printed": HEX + "{{ s }}",
    "a range beyond all": "{{ range(999999999999999999999999999999) | length }}",
    "numbers with one hash": "{% set h = {"
    + ",".join(f"{number * (2**61 - 1)}: 1" for number in range(1, 900))
    + "} %}" + loop(1_000_000, f"{{% if h[{2**61 - 1}] %}}{{% endif %}}"),
    "tuples with one hash": loop(1_000_000, "{% set h = {"
    + ",".join(f"({number * (2**61 - 1)},): 1" for number in range(1, 900)) + "} %}"),
    "a range of large numbers": HEX + "{{ range(s, s + 1000000) | list | length }}",
    "large numbers divided again and again": "{% set s = ('f' * 1020) | int(base=16) %}{% set t = s // 2 %}"
    + loop(1_000_000, "{% set x = s // t %}{% if s is divisibleby t %}{% endif %}"),
    "a large number as text": "{% set s = ('f' * 1020) | int(base=16) %}"
    + loop(1_000_000, "{% if s | string %}{% endif %}"),
    # loops
    "nothing, printed": "{% set x = '' %}" + loop(1_000_000, "{{x}}" * 33),
    "nothing, collected": "{% set x = '' %}{% set t %}" + loop(1_000_000, "{{x}}" * 33) + "{% endset %}",
    "what is absent": loop(1_000_000, "{% if {}.a is defined %}{% endif %}" * 8),
    "filters of each": "".join(
        f"{{{{ range(1000000) | map('{name}') | list | length }}}}" for name in ["tojson", "wordwrap", "title", "int"]
    ),
    "namespaces, kept": kept("namespace(a=i)", 1_000_000),
    "a literal in a loop": loop(1_000_000, "{% set x = [" + "1," * 10_000 + "] %}"),
    "a silent recursion": with_less(
        "{% macro f(n) %}{% if n and f(n - 1) and f(n - 1) %}{% endif %}x{% endmacro %}{{ f(60) }}"
    ),
    "a comparison with a long literal": "{% set s = 'a' * 200000 %}"
    + loop(1_000_000, "{% if s == '" + "a" * 200_000 + "' %}{% endif %}"),
    "a short text looked for in a short one": "{% set s = 'a' * 29000 %}{% set t = 'a' * 14000 ~ 'b' %}"
    + loop(1_000_000, "{% if t in s %}{% endif %}{% if s.count(t) %}{% endif %}"),
    # messages
    "a partial's large text": Attack({
        "t": loop(1_000, "{% include 'a@draft' %}"),
        "a": "{% message role='user' %}{{ 'a' * 10000000 }}{% endmessage %}",
    }),
    "a history of many parts": "{% set h = [{'role': 'assistant', 'tool_calls': [{}] * 500}] %}"
    + loop(999_999, "{% messages h %}"),
    "a million messages": loop(999_999, "{% message role='user' %}{% endmessage %}"),
    "a history, again and again": "{% set h = [{'role': 'user', 'content': 'a'}] * 8 %}"
    + loop(999_999, "{% messages h %}"),
    "a million images": "{% message role='user' %}" + loop(999_999, "{% image 'https://example.com/a.png' %}")
    + "{% endmessage %}",
}  # fmt: skip


@pytest.mark.parametrize("name", STRAIN)
def test_no_template_takes_more_than_512_mib_or_5_seconds_and_each_ends_in_words(cage: Cage, name: str) -> None:
    strain = STRAIN[name]
    outcome = cage.render(strain if isinstance(strain, Attack) else Attack({"t": strain}))
    assert outcome.kind in WORDED, outcome
    assert "no memory left" not in outcome.message, "the machine's memory was the limit, not promptreg's"
    assert outcome.kind == "rendered" or outcome.message.startswith("t/prompt.md:"), outcome


@pytest.mark.parametrize(
    "template",
    [
        TEXT + "{{ {}[s] }}",
        TEXT + "{% messages [{'role': s}] %}",
        TEXT + "{{ (s ~ '%d') % 'x' }}",
    ],
    ids=["absent key", "role", "format"],
)
def test_an_error_message_stays_readable_however_long_the_value_is(cage: Cage, template: str) -> None:
    outcome = cage.render(Attack({"t": template}))
    assert outcome.kind == "TemplateError", outcome
    assert len(outcome.message) < 1_000


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (
            {
                "t": "{% include 'a@draft' %}" * 20,
                "a": "{% include 'b@draft' %}" * 20,
                "b": "{% include 'c@draft' %}" * 20,
                "c": "x",
            },
            f"b/prompt.md:1: {over('loop_steps', '1,000')}",
        ),
        (
            {"t": loop(1_000, "{% include 'a@draft' %}"), "a": "{{ ('a' * 5000) | length }}"},
            f"a/prompt.md:1: {over('work', '1,000,000')}",
        ),
        (
            {"t": "x\n{% include 'a@draft' %}", "a": "{% include 'b@draft' %}" * 4, "b": "{{ 'a' * 50000 }}"},
            f"t/prompt.md:2: {over('output', '100,000')}",
        ),
        (
            {"t": "{% include 'a1@draft' %}", "a9": "end"}
            | {f"a{n}": f"{{% include 'a{n + 1}@draft' %}}" for n in range(1, 9)},
            "a8/prompt.md:1: partials stand too deep (include_depth under [limits]).",
        ),
    ],
    ids=["steps", "work", "output", "depth"],
)
def test_includes_share_the_budget_of_the_prompt_that_includes_them(
    cage: Cage, prompts: dict[str, str], message: str
) -> None:
    limits = {"loop_steps": 1_000, "work": 1_000_000, "output": 100_000}
    assert cage.render(Attack(prompts, limits=limits)) == Outcome("LimitError", message)


def test_eight_partials_inside_one_another_are_allowed(cage: Cage) -> None:
    prompts = {f"a{n}": f"{{% include 'a{n + 1}@draft' %}}\n" for n in range(1, 8)}
    attack = Attack({"t": "{% include 'a1@draft' %}", "a8": "end\n"} | prompts)
    assert cage.render(attack) == Outcome("rendered", "[{'role': 'user', 'content': 'end\\n'}]")


def test_text_that_is_printed_beyond_the_limit_is_an_error_with_its_place(cage: Cage) -> None:
    template = "{% set s = 'a' * 9000000 %}\n{{ s }}\n{{ s }}\n"
    assert cage.render(Attack({"t": template})) == Outcome("LimitError", f"t/prompt.md:3: {OUTPUT}")


def test_history_counts_as_output(cage: Cage) -> None:
    history = [{"role": "user", "content": "a" * 9_000_000}]
    template = "{% messages h %}\n{% messages h %}"
    outcome = cage.render(Attack({"t": template}, {"h": history}))
    assert outcome == Outcome("LimitError", f"t/prompt.md:2: {OUTPUT}")


def test_more_loops_inside_one_another_than_python_compiles_are_refused_by_the_templates_own_line(cage: Cage) -> None:
    template = "first\n" + "{% for x in [1] %}\n" * 25 + "{% endfor %}\n" * 25
    outcome = cage.render(Attack({"t": template}))
    assert outcome.kind == "LimitError"
    assert outcome.message.startswith("t/prompt.md:"), outcome
    assert "prompt.md, line" not in outcome.message, "that is a line of the compiled code"


# Values


@pytest.mark.parametrize("body", ["{{ x }}", "---\ninputs: {x: string}\n---\n{{ x }}"], ids=["any", "string"])
@pytest.mark.parametrize(
    "made",
    [
        "a list subclass that raises",
        "a dict subclass that raises",
        "an endless sequence",
        "an object that says it is a dict",
        "an object that has every attribute",
        "a list of lists, 2 to the 60",
        "a list that holds itself",
        "a range of 10 to the 12",
        "a number of 10,001 digits",
    ],
)
def test_an_object_that_cannot_be_read_as_plain_data_is_an_input_error(cage: Cage, made: str, body: str) -> None:
    outcome = cage.render(Attack({"t": body}, made=made))
    assert outcome.kind == ("TemplateError" if "digits" in made and body == "{{ x }}" else "InputError"), outcome
    assert len(outcome.message) < 1_000


@pytest.mark.parametrize(("made", "shown"), [("a str subclass", "real"), ("an int subclass", "7")])
def test_no_method_of_a_callers_object_runs_in_a_template(cage: Cage, made: str, shown: str) -> None:
    body = "{{ x }} {{ x ~ '' }} {{ [x] | join }} {{ '%s' % x }} {{ x | upper }} {{ x == 5 }}"
    expected = f"{shown} {shown} {shown} {shown} {shown.upper()} False"
    assert cage.render(Attack({"t": body}, made=made)) == Outcome(
        "rendered", f"[{{'role': 'user', 'content': '{expected}'}}]"
    )


# The ways out of a sandbox


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("''.__class__", "__class__ begins with an underscore and cannot be reached."),
        ("''.__class__.__mro__[1].__subclasses__()", "there is no method __subclasses__."),
        ("d.__class__", "__class__ begins with an underscore and cannot be reached."),
        ("d._x", "_x begins with an underscore and cannot be reached."),
        ("d._x()", "there is no method _x."),
        ("f._func", "_func begins with an underscore and cannot be reached."),
        ("ns._Namespace__attrs", "_Namespace__attrs begins with an underscore and cannot be reached."),
        ("''['__class__']", "the value.__class__ is absent: a string has no __class__."),
        ("d['__class__']", "d.__class__ is absent. Test it with  is defined, or give it a default."),
        ("f['_func']", "the value._func is absent: the macro f has no _func."),
        ("f.name", "the value.name is absent: the macro f has no name."),
        ("ns['__class__']", "the value.__class__ is absent: a namespace has no __class__."),
        ("range['__globals__']", "the value.__globals__ is absent: a function has no __globals__."),
        ("'' | attr('__class__')", "there is no filter attr."),
        ("[''] | map('attr', '__class__')", "map needs the name of a filter in quotes; there is no attr."),
        ("[''] | map('<method>', 'format')", "map needs the name of a filter in quotes; there is no <method>."),
        ("[''] | map(s)", "map needs the name of a filter in quotes; there is no …."),
        ("[''] | select(s)", "select needs the name of a test in quotes; there is no …."),
        ("[''] | select('filter')", "select needs the name of a test in quotes; there is no filter."),
        ("[d] | selectattr('a', s)", "selectattr needs the name of a test in quotes; there is no …."),
        ("[['']] | map('map', s)", "map needs the name of a filter in quotes; there is no …."),
        ("[['']] | map('map', 'attr')", "map needs the name of a filter in quotes; there is no attr."),
        ("[['']] | map('select', s)", "select needs the name of a test in quotes; there is no …."),
        ("[['']] | map('select', 'nope')", "select needs the name of a test in quotes; there is no nope."),
        ("[''] | map(attribute='__class__') | join", "the value.__class__ is absent: a string has no __class__."),
        ("[''] | map(attribute='__class__.__mro__') | join",
         "the value.__class__.__mro__ is absent: a string has no __class__."),
        ("[''] | join(attribute='__class__')", "the value.__class__ is absent: a string has no __class__."),
        ("['', ''] | sort(attribute='__class__')", "the value.__class__ is absent: a string has no __class__."),
        ("[''] | groupby('__class__')", "the value.__class__ is absent: a string has no __class__."),
        ("[''] | sum(attribute='__class__')", "the value.__class__ is absent: a string has no __class__."),
        ("['', ''] | min(attribute='__class__')", "the value.__class__ is absent: a string has no __class__."),
        ("['', ''] | max(attribute='_x')", "the value._x is absent: a string has no _x."),
        ("[f] | map(attribute='_func') | join", "the value._func is absent: the macro f has no _func."),
        ("'{0.__class__}'.format('')", "there is no method format."),
        ("'{a}'.format_map(d)", "there is no method format_map."),
        ("'%(a)s'.__mod__(d)", "there is no method __mod__."),
        ("s.encode()", "there is no method encode."),
        ("s.translate(d)", "there is no method translate."),
        ("s['upper']()", "only macros, functions and methods can be called."),
        ("[range][0](3)", "only macros, functions and methods can be called."),
        ("(range if s else range)(3)", "only macros, functions and methods can be called."),
        ("f()()", "only macros, functions and methods can be called."),
        ("l.append(1)", "there is no method append."),
        ("l.pop()", "there is no method pop."),
        ("l.clear()", "there is no method clear. Did you mean lower?"),
        ("l.sort()", "there is no method sort."),
        ("d.update(a=2)", "there is no method update."),
        ("d.setdefault('b', 1)", "there is no method setdefault."),
        ("d.pop('a')", "there is no method pop."),
        ("range(*l)", "arguments cannot be spread with * or **. Write them out."),
        ("namespace(**d)", "arguments cannot be spread with * or **. Write them out."),
        ("s | format(*l)", "arguments cannot be spread with * or **. Write them out."),
        ("l is in(*l)", "arguments cannot be spread with * or **. Write them out."),
        ("self", "templates have no self."),
        ("self.x", "templates have no self."),
        ("super()", "templates have no super."),
        ("lipsum(n=200000)", "lipsum is not set here. Test it with  is defined, or give it a default."),
        ("cycler('a')", "cycler is not set here. Test it with  is defined, or give it a default."),
        ("joiner()", "joiner is not set here. Test it with  is defined, or give it a default."),
        ("dict(a=1)", "dict is not set here. Test it with  is defined, or give it a default."),
        ("now()", "now is not set here. Test it with  is defined, or give it a default."),
        ("l | random", "there is no filter random."),
        ("s | urlize", "there is no filter urlize."),
        ("d | xmlattr", "there is no filter xmlattr."),
        ("s | safe", "there is no filter safe."),
        ("s is sameas(s)", "there is no test sameas."),
        ("s is callable", "there is no test callable."),
        ("f", "the macro f has no text."),
        ("range", "a function has no text."),
        ("ns", "a namespace has no text."),
        ("[f, range, ns] | string", "the macro f has no text."),
        ("[ns] | tojson", "a namespace has no text."),
    ],
)  # fmt: skip
def test_no_way_leads_out_of_the_sandbox(expression: str, message: str) -> None:
    setting = "{% macro f() %}{% endmacro %}{% set ns = namespace(x=1) %}"
    with pytest.raises(PromptregError) as caught:
        render(f"{setting}{{{{ {expression} }}}}", d={"a": 1}, s="upper", l=[1])
    assert str(caught.value) == f"t/prompt.md:4: {message}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{{ loop._iterable }}", "_iterable begins with an underscore and cannot be reached."),
        ("{{ loop['_iterable'] }}", "the value._iterable is absent: the loop variable has no _iterable."),
        ("{{ loop }}", "the loop variable has no text."),
        ("{{ [loop] | map(attribute='_recurse') | join }}",
         "the value._recurse is absent: the loop variable has no _recurse."),
        ("{% set ns = namespace() %}{% set ns.__class__ = 1 %}",
         "__class__ begins with an underscore and cannot be reached."),
    ],
)  # fmt: skip
def test_no_way_leads_out_through_a_loop_or_a_namespace(body: str, message: str) -> None:
    with pytest.raises(PromptregError) as caught:
        render(f"{{% for x in l %}}{body}{{% endfor %}}", l=[1])
    assert str(caught.value) == f"t/prompt.md:4: {message}"


INSTEAD = "Write the macro into this file, or use {% include %}."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{% extends 'a' %}", "templates have no {% extends %}. Use {% include %}."),
        ("{% import 'a' as b %}", f"templates have no {{% import %}}. {INSTEAD}"),
        ("{% from 'a' import b %}", f"templates have no {{% from %}}. {INSTEAD}"),
        ("{% block a %}{% endblock %}", "templates have no {% block %}. Use {% include %} or a macro."),
        ("{% include s %}", 'an include names one partial, in quotes: {% include "shared/tone" %}.'),
        ("{% include ['a', 'b'] %}", 'an include names one partial, in quotes: {% include "shared/tone" %}.'),
        ("{% include 'a' ignore missing %}", "an include takes the name and nothing else."),
        ("{% include 'a' without context %}", "an include takes the name and nothing else."),
        ("{% include '../a' %}", '"../a" is not the name of a prompt. Names look like shared/tone@1.0.0.'),
        ("{% include '/etc/x' %}", '"/etc/x" is not the name of a prompt. Names look like shared/tone@1.0.0.'),
        ("{% autoescape true %}{% endautoescape %}", "templates have no {% autoescape %}."),
    ],
)  # fmt: skip
def test_a_tag_that_the_profile_has_not_is_refused(body: str, message: str) -> None:
    with pytest.raises(PromptregError) as caught:
        render(f"text\n{body}", s="a")
    assert str(caught.value) == f"t/prompt.md:5: {message}"
