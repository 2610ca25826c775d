"""Answers with what a program prints."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, ClassVar

from promptreg.evals.json_text import NO_TEXT
from promptreg.evals.programs import ended
from promptreg.evals.provider import Completion, Means, ProviderError, ProviderUnusable, Request
from promptreg.evals.providers.refusals import brief

if TYPE_CHECKING:
    from asyncio.subprocess import Process


class Command:
    """`command:PROGRAM ARGUMENTS`: runs a program for each call, without a shell, in the working directory.

    It gets JSON on standard input, `{"messages", "model", "parameters", "tools", "output"}`, and answers with the text
    that it prints on standard output, UTF-8 both. A failing exit status is a failed call. A call that is given up ends
    the program, and all that it has started. Runs with --allow-code only.
    """

    is_model: ClassVar[bool] = True
    runs_code: ClassVar[bool] = True
    costs: ClassVar[bool] = True
    summary: ClassVar[str] = "runs a program: JSON on its input, the answer on its output (--allow-code)"

    def __init__(self, argument: str, means: Means) -> None:
        """The command line. ProviderUnusable where it is none."""
        try:
            self.argv = shlex.split(argument)
        except ValueError as problem:
            raise ProviderUnusable(f"command:{argument}: {problem}.") from None
        if "\0" in argument:
            raise ProviderUnusable("command: holds the character U+0000, which no program can be given.")
        if not self.argv:
            raise ProviderUnusable("command: needs a program, as in command:python answer.py")
        self.line = argument
        self.directory = means.directory
        self.environ = dict(means.environ)

    async def complete(self, request: Request, repeat: int) -> Completion:
        """What the program prints."""
        import asyncio

        try:
            text = json.dumps(request.facts(), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ProviderError(f"what is asked holds what cannot be sent: {NO_TEXT}") from None
        program = await self._begun()
        try:
            printed, said = await program.communicate(text)
        except asyncio.CancelledError:
            await ended(program)
            raise
        if program.returncode != 0:
            last = brief(said.decode("utf-8", "replace").strip().split("\n")[-1], self.environ)
            raise ProviderError(f"{self.argv[0]} ended with status {program.returncode}. {last}".strip())
        try:
            return Completion(printed.decode("utf-8"), f"command:{self.line}")
        except UnicodeDecodeError as problem:
            byte = printed[problem.start]
            raise ProviderError(f"{self.argv[0]} printed what is not UTF-8 (byte 0x{byte:02x}).") from None

    async def _begun(self) -> Process:
        """The program, in a session of its own: so ^C reaches promptreg alone, which then ends all of it."""
        import asyncio
        from asyncio.subprocess import PIPE

        try:
            return await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=self.directory,
                env=self.environ,
                start_new_session=True,
            )
        except OSError as problem:
            raise ProviderUnusable(f"{self.argv[0]} cannot be run: {problem.strerror}.") from None

    async def close(self) -> None:
        """It holds nothing: every call has a program of its own."""
