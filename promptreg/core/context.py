"""One rendering at run time: its names, what is absent in them, and what is left of its budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from jinja2 import Undefined
from jinja2.nodes import EvalContext
from jinja2.runtime import LoopContext, Macro
from jinja2.utils import Namespace, missing

from promptreg.core.errors import LimitError, PromptregError, TemplateError
from promptreg.core.limits import Limits


class Absent(Undefined):
    """A key, attribute or name that is not there.

    False in a test, unequal to everything, caught by `default` and `is defined`; anything else raises AbsentUsed.
    `owner` is the value that lacks it, `steps` the keys that were asked for, first to last.
    """

    __slots__ = ("hint", "owner", "steps")

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: Any = None, exc: type[Exception] = Exception
    ) -> None:
        super().__init__(hint, obj, name)
        self.hint = hint
        self.owner = obj
        self.steps: tuple[Any, ...] = (name,)

    def then(self, step: Any) -> Absent:
        """What stands at a key of something that is itself absent; of many steps only the first are remembered."""
        if len(self.steps) > _MOST_STEPS:
            return self
        further = Absent(obj=self.owner)
        further.steps = (*self.steps, step)
        return further

    def _use(self, *_: Any, **__: Any) -> NoReturn:
        raise AbsentUsed(self)

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = Undefined.__hash__
    __str__ = __repr__ = __iter__ = __len__ = __call__ = __getitem__ = __contains__ = _use
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _use
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __neg__ = _use
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __index__ = _use


class AbsentUsed(PromptregError):
    """Something absent was printed, looped over, measured or computed with."""

    def __init__(self, absent: Absent) -> None:
        super().__init__("something absent was used")
        self.absent = absent


class Group(tuple[Any, list[Any]]):
    """One group of the `groupby` filter."""

    __slots__ = ()

    @property
    def grouper(self) -> Any:
        """What the members have in common."""
        return self[0]

    @property
    def list(self) -> list[Any]:
        """The members."""
        return self[1]


class Marker(str):
    """A piece of a rendering that is structure, not text: it begins or ends a message, or brings whole ones.

    No value can be one, since values are plain data, so no value can forge structure. It is a `str` whose `str()` is
    itself, and so passes through the output of a compiled template as it is.
    """

    __slots__ = ("act", "value")

    act: str
    value: Any

    def __new__(cls, act: str, value: Any = None) -> Self:
        """`act` is begin, end, messages or image; `value` the role, the messages or the URL."""
        marker = super().__new__(cls)
        marker.act = act
        marker.value = value
        return marker

    def __str__(self) -> str:
        return self


#: How many keys something absent remembers.
_MOST_STEPS = 50

#: What things cost, in characters copied, so that the work budget bounds time and memory about evenly: an element that
#: Python handles one by one, one that is copied with its list, a node of a template that is run, a small object.
ELEMENT = 16
SLOT = 8
_NODE = 4
OBJECT = 96
#: What it costs to hash a value whose hash can be forged, where the mapping it is looked for in is not known.
_FORGED = 4096
#: The digits of a number that takes more than the usual time.
_WORD = 40
#: Values whose hashes nobody can make alike, and the whole numbers of which that is true.
_SAFE = frozenset({str, float, bool, type(None)})
_HASHED = 2**60
_PIECE = 65_536

#: How many characters of a value a sentence holds.
_SHORT = 100

#: What may be walked through and measured, beside strings.
CONTAINERS: frozenset[type] = frozenset({list, dict, tuple, range, Group})


class _Names(dict[str, Any]):
    """The inputs of a rendering, then the functions of the profile."""

    functions: Mapping[str, Callable[..., Any]]

    def __missing__(self, name: str) -> Any:
        return self.functions.get(name, missing)


class RenderContext:
    """One rendering: its names and what is left of its budgets.

    It stands where compiled templates expect jinja2's Context and has what they use of it; building a real Context
    costs more than a small prompt takes to render.
    """

    __slots__ = (
        "environment", "eval_ctx", "exported_vars", "limits", "partials", "resolve_or_missing", "room", "steps",
        "values", "vars", "work",
    )  # fmt: skip

    def __init__(
        self,
        environment: Any,
        eval_ctx: EvalContext,
        limits: Limits,
        functions: Mapping[str, Callable[..., Any]],
        values: dict[str, Any],
        partials: Mapping[str, Any],
    ) -> None:
        self.environment = environment
        self.eval_ctx = eval_ctx
        self.limits = limits
        self.values = names = _Names(values)
        names.functions = functions
        self.resolve_or_missing = names.__getitem__
        self.vars: dict[str, Any] = {}
        self.exported_vars: set[str] = set()
        self.partials = partials
        self.steps = limits.loop_steps
        self.work = limits.work
        self.room = limits.output

    def shown(self, value: Any) -> str:
        """What `{{ value }}` puts into the output, of which it takes its part; in a block, whose text may never be
        printed, it is `text` instead.
        """
        if type(value) is not str:
            value = self.text(value)
        self.room -= len(value)
        if self.room < 0:
            raise LimitError(over("output", self.limits.output))
        return value  # type: ignore[no-any-return]

    def copied_out(self, value: Any) -> None:
        """Charge plain data that goes into the output as it is."""
        left = self.work
        self.takes(self.measure(value))
        self.charge(2 * (left - self.work) + 3 * OBJECT)  # copying takes longer than measuring

    def takes(self, size: int) -> None:
        """Take characters that are copied into the output from what it may hold."""
        self.charge(size)
        self.room -= size
        if self.room < 0:
            raise LimitError(over("output", self.limits.output))

    def charge(self, amount: int) -> None:
        """Take characters or elements from the work budget; LimitError when it is used up."""
        self.work -= amount
        if self.work < 0:
            raise LimitError(over("work", self.limits.work))

    def step(self, weight: int) -> bool:
        """Take one step of a loop or call whose body has `weight` nodes. True: a condition can begin with it."""
        self.steps -= 1
        self.work -= weight * _NODE
        if self.steps < 0:
            raise LimitError(over("loop_steps", self.limits.loop_steps))
        if self.work < 0:
            raise LimitError(over("work", self.limits.work))
        return True

    def text(self, value: Any) -> str:
        """A value as text, as printing it would make it. Absent and null values and methods have none."""
        kind = type(value)
        if kind is str:
            return value  # type: ignore[no-any-return]
        if kind is int or kind is float or kind is bool:
            text = str(value)
            if len(text) > _WORD:
                self.charge(len(text) * ELEMENT)
            return text
        if value is None:
            raise TemplateError("a null value has no text. Give it a default, or test it with  is not none.")
        if isinstance(value, (str, Undefined)):
            return str(value)
        if kind in CONTAINERS:
            self.fits(self.measure(value, represented))
            return self.kept(str(value))
        raise TemplateError(f"{described(value)} has no text.")

    def fits(self, size: int) -> None:
        """LimitError where a text of that many characters goes over the output limit, else charge it."""
        if size > self.limits.output:
            raise LimitError(over("output", self.limits.output))
        self.charge(size)

    def kept(self, text: str) -> str:
        """A text that was made and charged by its length; beyond ASCII its characters take more memory."""
        if not text.isascii():
            self.charge(len(text))
        return text

    def listed(self, length: int) -> None:
        """Charge a list that copies that many elements; LimitError where it would be longer than any text."""
        self.fits(length * SLOT)

    def items(self, value: Any) -> Any:
        """A value that can be walked through, charged by its length: a list, mapping, range or string."""
        if type(value) in CONTAINERS:
            self.charge(len(value) * ELEMENT)
            return value
        if type(value) is str:
            self.charge(len(value) * (ELEMENT if value.isascii() else OBJECT))
            return value
        if isinstance(value, Undefined):
            return iter(value)
        raise TemplateError(f"{described(value)} is not a list.")

    def key(self, value: Any, among: int = _FORGED) -> Any:
        """A value that is about to be hashed: charged as if the `among` keys that there are had its hash, where hashes
        can be forged, and refused where it stands too deep.
        """
        kind = type(value)
        if kind in _SAFE or (kind is int and -_HASHED < value < _HASHED):
            return value
        self.charge(among)
        if kind in CONTAINERS:
            self.charge(self.measure(value) // ELEMENT)
        return value

    def measure(self, value: Any, size_of: Callable[[str], int] | None = None, depth: int = 0) -> int:
        """About how many characters a value has as text, charging each element on the way so that it stays bounded.

        `size_of` says how many a text inside it has; without it that is its length, which costs nothing to know.
        """
        kind = type(value)
        if kind is str:
            if size_of is None:
                return len(value) + 2
            self.charge(len(value))
            return size_of(value)
        if kind not in CONTAINERS:
            return 4 if value is None else len(self.text(value))
        if depth > self.limits.data_depth:
            raise LimitError(over("data_depth", self.limits.data_depth))
        if kind is range:
            return len(str(value))
        self.charge((len(value) + 1) * ELEMENT)
        size = 2 + 2 * len(value)
        if kind is dict:
            size += 2 * len(value) + sum([self.measure(item, size_of, depth + 1) for item in value.values()])
        return size + sum([self.measure(item, size_of, depth + 1) for item in value])

    def joined(self, parts: Any, separator: str = "") -> str:
        """A list of texts joined into one, checked against the output limit before it is made."""
        self.fits(sum(map(len, parts)) + len(separator) * (len(parts) - 1 if parts else 0))
        self.charge(len(parts))
        return self.kept(separator.join(parts))


def in_pieces(text: str, made: Callable[[str], str]) -> int:
    """How long a text becomes by what is `made` of it, which is never held as a whole."""
    if len(text) <= _PIECE:
        return len(made(text))
    return sum([len(made(text[at : at + _PIECE])) for at in range(0, len(text), _PIECE)])


def represented(text: str) -> int:
    """How many characters a text has inside a printed list, with its quotes and escapes."""
    return in_pieces(text, repr) + (text.count("'") if '"' in text else 0)


def over(limit: str, allowed: int) -> str:
    """The sentence of a LimitError."""
    return f"this goes over {limit} = {allowed:,}. If it is meant to, raise {limit} under [limits] in promptreg.toml."


def short(value: Any) -> str:
    """A value as a template writes it, for a sentence: cut where it is long, described where it is no scalar."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHORT else f"{value[:_SHORT]}…")
    if type(value) is int and value.bit_length() > _SHORT:
        return "a very large number"
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in (int, float) else described(value)


def described(value: Any) -> str:
    """What a value is, for a sentence."""
    if isinstance(value, Macro):
        return f"the macro {value.name[:_SHORT]}"
    if isinstance(value, Namespace):
        return "a namespace"
    if isinstance(value, LoopContext):
        return "the loop variable"
    names = {str: "a string", int: "a number", float: "a number", bool: "true or false", type(None): "null",
             dict: "a mapping", list: "a list", tuple: "a list", range: "a range"}  # fmt: skip
    return names.get(type(value), "a function" if callable(value) else "this value")


def present(value: Any) -> Any:
    """The value, or AbsentUsed where it is absent."""
    if isinstance(value, Absent):
        raise AbsentUsed(value)
    return value
