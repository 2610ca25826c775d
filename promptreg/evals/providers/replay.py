"""Answers with what was recorded."""

from __future__ import annotations

from typing import ClassVar

from promptreg.evals.provider import Completion, Means, ProviderError, ProviderUnusable, Request
from promptreg.evals.recordings import Key, read_recordings, recordings_path


class Replay:
    """`replay`: gives recorded answers back, found by what is asked. Not a language model.

    They stand in `NAME/evals/recordings/SUITE.jsonl`, or in the file of the registry that `replay:PATH` names.
    `promptreg eval … --record` makes them.
    """

    is_model: ClassVar[bool] = False
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = False
    summary: ClassVar[str] = "gives back answers made with --record; no key, not a language model"

    def __init__(self, argument: str, means: Means) -> None:
        """The file, where one is named. ProviderUnusable where there is none."""
        self.path = argument
        self.read = means.read
        self.files: dict[str, dict[Key, Completion]] = {}
        if argument and (argument.startswith("/") or ".." in argument.split("/")):
            raise ProviderUnusable(f"replay:{argument} names a file outside of the registry.")
        if argument and means.read(argument) is None:
            raise ProviderUnusable(f"replay:{argument}: the registry has no such file.")

    async def complete(self, request: Request, repeat: int) -> Completion:
        """The recorded answer; ProviderError where there is none. FileError where the file cannot be read."""
        if not self.path and not (request.prompt and request.suite):
            raise ProviderUnusable("replay finds answers by their suite, and this call belongs to none: replay:PATH")
        path = self.path or recordings_path(request.prompt, request.suite)
        if path not in self.files:
            self.files[path] = read_recordings(self.read(path) or b"", path)
        answer = self.files[path].get((request.digest(), repeat))
        if answer is None:
            message = f"the {_ordinal(repeat + 1)} answer is not recorded in {path} in the registry."
            raise ProviderError(f"{message} {_how(request, repeat)}")
        return answer

    async def close(self) -> None:
        """It holds nothing."""


def _ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _how(request: Request, repeat: int) -> str:
    prompt = request.prompt or "SPEC"
    suite = "" if request.suite in ("", "suite") else f" --suite {request.suite}"
    repeats = f" --repeat {repeat + 1}" if repeat else ""
    return f"To record: promptreg eval {prompt}{suite}{repeats} --provider openai --record"
