"""What Python says of a template's mistakes, in words of templates: who writes prompts need not know what a dict is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from promptreg.core.context import short

Table = Mapping[str, Callable[..., Any]]

_READ = 500
_KEPT = 200
_TYPES = {
    "str": "a string", "int": "a number", "float": "a number", "bool": "true or false", "NoneType": "null",
    "dict": "a mapping", "list": "a list", "tuple": "a list", "range": "a range", "Group": "a group",
    "Macro": "a macro", "Namespace": "a namespace", "LoopContext": "the loop variable", "function": "a function",
}  # fmt: skip
#: How Python complains of arguments, and the sentence to say. What a template calls is named filter.upper, test.odd,
#: method.get, function.range where it is listed.
_CALLS = [
    (r"^\w+\.(\w+)\(\) missing .* arguments?: (.+)$", "{0} needs {1}"),
    (r"^\w+\.(\w+)\(\) got an unexpected keyword argument '(\w+)'", "{0} has no argument {1}"),
    (r"^\w+\.(\w+)\(\) got multiple values for argument '(\w+)'", "{0} is given {1} twice"),
    (r"^\w+\.(\w+)\(\) got some positional-only arguments .*: '(.+)'", "{0} takes {1} without its name"),
    (r"^\w+\.(\w+)\(\) takes .* given", "{0} is given too many arguments"),
    (r"^macro '(.+?)' takes no keyword argument '(\w+)'", "the macro {0} has no parameter {1}"),
    (r"^macro '(.+?)' takes not more than (\d+) argument", "the macro {0} is given more than its {1} arguments"),
    (r"^macro '(.+?)' was invoked with two values", "the macro {0} is given its caller twice"),
]
#: How Python complains of values, and the sentence to say. Names of types are put into words.
_SENTENCES = [
    (r"^'(\w+)' object is not callable", "{0} cannot be called"),
    (r"^LoopContext\.__call__", "loop is called with one list, as in loop(item.children)"),
    # operators
    (r"not supported between instances of '(\w+)' and '(\w+)'", "{0} and {1} have no order, so cannot be compared"),
    (r"^bad operand type for unary (.): '(\w+)'", "{0} does not work before {1}"),
    (r"^unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'", "{0} does not work between {1} and {2}"),
    # lists and keys
    (r"^substring not found", "that text is not in it"),
    (r"^The loop must have the 'recursive' marker", "this loop is not marked recursive"),
    (r"^no items for cycling", "cycle needs values to choose from"),
    (r"^cannot unpack non-iterable (\w+) object", "{0} is not a list"),
    (r"^'(\w+)' object is not (?:iterable|reversible)", "{0} is not a list"),
    (r"^not enough values to unpack \(expected (?:at least )?(\d+), got (\d+)\)", "{0} names are to take {1} values"),
    (r"^too many values to unpack \(expected (\d+)", "{0} names are to take more values than that"),
    (r"^object of type '(\w+)' has no len", "{0} has no length"),
    (r"unhashable type: '(\w+)'", "{0} cannot be a key"),
    (r"^'(\w+)' object is not subscriptable", "{0} has no elements"),
    # numbers
    (r"Exceeds the limit \((\d+) digits\)", "a number of more than {0} digits has no text"),
    (r"too large to convert|into an index-sized|Result too large|math range error", "a number is too large here"),
    (r"^cannot convert float \w+ to integer", "a number beyond all bounds is no whole number"),
    (r"^invalid width", "width must be above 0"),
    (r"^'(\w+)' object cannot be interpreted as an integer", "a whole number is needed here, not {0}"),
    # JSON
    (r"^Out of range float", "a number beyond all bounds has no JSON"),
    (r"^Object of type (\w+) is not JSON", "{0} has no JSON"),
    (r"^keys must be str.* not (\w+)$", "{0} cannot be a key"),
    # printf
    (r"a real number is required, not (\w+)$|must be real number, not (\w+)$", "a number is needed, not {0}"),
    (r"an integer is required, not (\w+)$", "a whole number is needed, not {0}"),
    (r"^not enough arguments for format", "there are too few values"),
    (r"^not all arguments converted", "there are too many values"),
    (r"^unsupported format character '(.)'", "there is no %{0}"),
    (r"^%c ", "%c needs one character"),
    # what is left
    (r"must be .*\bstr\b.*, not (\w+)$", "a text is needed here, not {0}"),
]  # fmt: skip


def in_words(problem: Exception, tables: Mapping[str, Table] | None = None) -> str:
    """One sentence without its full stop. `tables` holds what a template can call: filter, test, method, function."""
    if isinstance(problem, KeyError) and len(problem.args) == 1:
        return f"there is no {short(problem.args[0])}"
    message = " ".join(str(problem)[:_READ].split()).rstrip(".")
    for pattern, sentence in _SENTENCES:
        found = re.search(pattern, message)
        if found:
            return sentence.format(*(_TYPES.get(word, word) for word in found.groups() if word))
    for pattern, sentence in _CALLS:
        found = re.search(pattern, message)
        if found:
            return sentence.format(*(word.replace("'", "") for word in found.groups())) + _usage(message, tables or {})
    cut = message if len(message) <= _KEPT else f"{message[:_KEPT]}…"
    return cut or f"this cannot be done here ({type(problem).__name__})"


def _usage(message: str, tables: Mapping[str, Table]) -> str:
    """`. Write upper` for a message that begins with what was called, else an empty text."""
    called = re.match(r"(\w+)\.(\w+)\(\) ", message)
    function = tables.get(called[1], {}).get(called[2]) if called else None
    if called is None or function is None:
        return ""
    import inspect

    before = 1 if called[1] == "function" else 2
    takes = list(inspect.signature(function).parameters.values())[before:]
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in takes):
        return ""
    names = ", ".join(parameter.name for parameter in takes)
    return f". Write {called[2]}({names})" if names or called[1] == "method" else f". Write {called[2]}"
