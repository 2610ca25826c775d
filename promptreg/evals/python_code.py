"""Python code that a suite names, `MODULE:FUNCTION`: found when the suite is read, run only where that was allowed."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import Means

#: How a suite says that it names code.
CODE = "python:"
_MOST = 300


class CodeError(PromptregError):
    """Code that a suite names is not there, or failed."""


@dataclass(frozen=True, slots=True)
class Code:
    """A function that a suite names.

    A module in the registry, beside the suite or else in its root, has its `path` there and its bytes, and those very
    bytes are what runs. Any other is imported, with the project directory first among the places where it is looked
    for.
    """

    reference: str
    path: str | None = None
    data: bytes | None = None

    @classmethod
    def find(cls, reference: str, folder: str, read: Callable[[str], bytes | None]) -> Code:
        """The code of `MODULE:FUNCTION` for a suite in a folder of the registry; nothing is run.

        CodeError where it is not written like that.
        """
        module, colon, function = reference.partition(":")
        names = [*module.split("."), *function.split(".")]
        if not colon or not all(name.isidentifier() for name in names):
            raise CodeError(f"python:{reference}: name a function of a module, as in python:tools.checks:polite")
        file = module.replace(".", "/") + ".py"
        for path in (f"{folder}/{file}", file):
            data = read(path)
            if data is not None:
                return cls(reference, path, data)
        return cls(reference)

    @property
    def digest(self) -> str | None:
        """`sha256:…` over the module's bytes; None where it is not in the registry."""
        return None if self.data is None else f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    def facts(self) -> dict[str, Any]:
        """What tells this code from other code, for digests."""
        return {"code": f"python:{self.reference}", "digest": self.digest}

    def function(self, means: Means) -> Callable[..., Any]:
        """Run the module, and give the function that it defines. CodeError where it fails, or has none."""
        module, _, name = self.reference.partition(":")
        directory = os.path.abspath(means.directory)
        if directory not in sys.path:
            sys.path.insert(0, directory)
        try:
            found: Any = self._executed(module) if self.data is not None else importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part, None)
        except (Exception, SystemExit) as problem:
            if isinstance(problem, PromptregError):
                raise
            raise self.trouble(problem) from problem
        if not callable(found):
            where = self.path or "the module that Python finds"
            raise CodeError(f"python:{self.reference}: {where} has no function {name}.")
        function: Callable[..., Any] = found
        return function

    def _executed(self, name: str) -> ModuleType:
        """The module made of the bytes that were digested; what it defines can be looked up by its module's name."""
        assert self.data is not None
        made = ModuleType(f"_promptreg_{hashlib.sha256(self.data).hexdigest()[:16]}_{name.replace('.', '_')}")
        made.__file__ = self.path
        sys.modules[made.__name__] = made
        exec(compile(self.data, self.path or name, "exec", dont_inherit=True), made.__dict__)  # noqa: S102
        return made

    def trouble(self, problem: BaseException) -> CodeError:
        """What to say where the code failed: the last line of its own that was reached, and what it raised."""
        said = " ".join(str(problem).split())[:_MOST]
        kind = type(problem).__name__
        if isinstance(problem, ModuleNotFoundError) and self.data is None and not self._has_begun(problem):
            hint = "It is looked for beside the suite, in the registry, in the project directory, then among packages"
            return CodeError(f"python:{self.reference}: there is no module {problem.name}. {hint}.")
        message = f"python:{self.reference} raised {kind}" + (f": {said}" if said else "")
        return CodeError(message.rstrip(".") + ".", path=self.path, line=self._line(problem))

    def _has_begun(self, problem: ModuleNotFoundError) -> bool:
        """Whether the module itself was found, and what it imports was not."""
        module = self.reference.partition(":")[0]
        return problem.name is not None and not f"{module}.".startswith(f"{problem.name}.")

    def _line(self, problem: BaseException) -> int | None:
        if isinstance(problem, SyntaxError) and problem.filename == self.path:
            return problem.lineno
        frames = traceback.extract_tb(problem.__traceback__)
        return next((frame.lineno for frame in reversed(frames) if frame.filename == self.path), None)
