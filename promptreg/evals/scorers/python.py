"""A scorer that is a Python function of the team's own."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import PrivateAttr

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion, Means
from promptreg.evals.providers.refusals import without_secrets
from promptreg.evals.python_code import Code, CodeError
from promptreg.evals.scorer import Bench, Judgement, Place, ScorerError
from promptreg.evals.scorers.code import CodeScorer
from promptreg.evals.scorers.threads import in_thread

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Python(CodeScorer):
    """`function: MODULE:FUNCTION` judges. The function gets what its parameters are named for.

    These are `answer` or `output` (the text), `expected`, `inputs`, `case` and `completion`; a single parameter of
    another name gets the text. It returns true or false, a number, None where it cannot judge, a mapping with `score`
    and `comment`, or a list of such with a `key` each. It may be async; else it runs in a thread.
    """

    main_option: ClassVar[tuple[str, ...]] = ("function",)

    type: Literal["python"]
    function: str

    _code: Code | None = PrivateAttr(default=None)
    _loaded: Callable[..., Any] | None = PrivateAttr(default=None)

    def bind(self, place: Place) -> None:
        """Find the module beside the suite or in the registry; nothing is run. CodeError for what names no function."""
        self._code = Code.find(self.function, place.folder, place.read)

    def facts(self) -> dict[str, Any]:
        """The code's digest, where it is in the registry."""
        return self._bound().facts()

    async def prepare(self, means: Means) -> None:
        """Run the module, so that what is wrong with it is said before the first call."""
        self._function(means)

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """What the function says.

        ScorerError where it fails, takes too long, or returns what is no score; CodeError where there is no function.
        """
        import asyncio

        call = _call(self._function(bench.means), answer, case, self._name)
        limit = asyncio.timeout(bench.means.timeout_s)
        try:
            async with limit:
                found = await _result(call)
        except PromptregError as problem:
            said = without_secrets(str(problem), bench.means.environ)
            raise ScorerError(f"{self._name} raised {type(problem).__name__}: {said}") from problem
        except (Exception, SystemExit) as problem:
            if isinstance(problem, TimeoutError) and limit.expired():
                raise ScorerError(f"{self._name} took longer than {bench.means.timeout_s:g} s.") from None
            trouble = self._bound().trouble(problem)
            raise ScorerError(without_secrets(str(trouble), bench.means.environ)) from problem
        return self.judgement(found, self._name)

    @property
    def _name(self) -> str:
        return f"python:{self.function}"

    def _bound(self) -> Code:
        return self._code or Code(self.function)

    def _function(self, means: Means) -> Callable[..., Any]:
        if self._loaded is None:
            self._loaded = self._bound().function(means)
        return self._loaded


async def _result(call: Callable[[], Any]) -> Any:
    function = call.func if isinstance(call, partial) else call
    found = call() if _is_async(function) else await in_thread(call)
    return await found if inspect.isawaitable(found) else found


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _call(function: Callable[..., Any], answer: Completion, case: Case, name: str) -> Callable[[], Any]:
    """The function with what it asks for: copies, so that it cannot change what others are given.

    CodeError where it asks for what there is not: it would for every answer.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a few that are built in do not tell
        return partial(function, answer.text)
    own = case.model_copy(deep=True)
    known = {
        "answer": answer.text, "output": answer.text, "expected": own.expected, "inputs": own.inputs,
        "case": own, "completion": copy.deepcopy(answer),
    }  # fmt: skip
    wanted = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    needed = [each for each in wanted if each.default is each.empty]
    if len(needed) == 1 and needed[0].name not in known and needed[0].kind in _BY_POSITION:
        known[needed[0].name] = answer.text
    strange = [each.name for each in needed if each.name not in known]
    if strange:
        there = "answer, expected, inputs, case, completion"
        raise CodeError(f"{name} asks for {', '.join(strange)}. A scorer can be given {there}.")
    first = [known[each.name] for each in wanted if each.kind is each.POSITIONAL_ONLY and each.name in known]
    rest = {
        each.name: known[each.name] for each in wanted if each.kind is not each.POSITIONAL_ONLY and each.name in known
    }
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        rest = {**known, **rest}
    return partial(function, *first, **rest)
