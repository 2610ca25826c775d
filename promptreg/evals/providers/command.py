"""Answers with what a program prints."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import ClassVar

from promptreg.evals.provider import Completion, ProviderError, ProviderUnusable, Request

TIMEOUT_S = 300


class Command:
    """`command:PROGRAM ARGUMENTS`: runs a program for each call, without a shell, in the working directory.

    It gets JSON on standard input, `{"messages", "model", "parameters", "tools", "output"}`, and answers with the text
    that it prints on standard output, UTF-8 both. A failing exit status is a failed call. Runs with --allow-code only.
    """

    is_model: ClassVar[bool] = True
    runs_code: ClassVar[bool] = True
    costs: ClassVar[bool] = True
    summary: ClassVar[str] = "runs a program: JSON on its input, the answer on its output (--allow-code)"

    def __init__(self, argument: str) -> None:
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

    def complete(self, request: Request) -> Completion:
        """What the program prints."""
        facts = {
            "messages": request.messages,
            "model": request.model,
            "parameters": request.parameters,
            "tools": request.tools,
            "output": request.output,
        }
        text = json.dumps(facts, ensure_ascii=False).encode()
        try:
            done = subprocess.run(self.argv, input=text, capture_output=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise ProviderError(f"{self.argv[0]} did not answer within {TIMEOUT_S} s.") from None
        except OSError as problem:
            raise ProviderUnusable(f"{self.argv[0]} cannot be run: {problem.strerror}.") from None
        if done.returncode != 0:
            last = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1][:300]
            raise ProviderError(f"{self.argv[0]} ended with status {done.returncode}. {last}".strip())
        try:
            return Completion(done.stdout.decode("utf-8"), f"command:{self.line}")
        except UnicodeDecodeError as problem:
            byte = done.stdout[problem.start]
            raise ProviderError(f"{self.argv[0]} printed what is not UTF-8 (byte 0x{byte:02x}).") from None
