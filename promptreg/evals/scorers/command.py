"""A scorer that is a program."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PrivateAttr

from promptreg.evals.cases import Case
from promptreg.evals.json_text import NO_TEXT, shown, strict_json
from promptreg.evals.programs import ended
from promptreg.evals.provider import Completion, Means
from promptreg.evals.providers.refusals import without_secrets
from promptreg.evals.python_code import CodeError
from promptreg.evals.scorer import Bench, Judgement, Place, ScorerError
from promptreg.evals.scorers.code import CodeScorer

if TYPE_CHECKING:
    pass

_LONGEST = 300


class Command(CodeScorer):
    """`command: PROGRAM ARGUMENTS` judges, without a shell, in the working directory: one program for each answer.

    It gets JSON on standard input, `{"answer", "expected", "inputs", "id", "tags"}`, and prints true or false, a number
    or a mapping with `score` and `comment`, as JSON. Words that name a file beside the suite stand for that file, as it
    was when the suite was read.
    """

    main_option: ClassVar[tuple[str, ...]] = ("command",)

    type: Literal["command"]
    command: str

    _argv: list[str] = PrivateAttr(default_factory=list)
    _files: dict[str, bytes] = PrivateAttr(default_factory=dict)

    def bind(self, place: Place) -> None:
        """Read the files that the command names; ScorerError where it is no command line."""
        try:
            self._argv = shlex.split(self.command)
        except ValueError as problem:
            raise ScorerError(f"this is no command line: {problem}.") from None
        if not self._argv or "\0" in self.command:
            raise ScorerError("name a program, as in  command: python grade.py.")
        for word in self._argv:
            data = place.read(f"{place.folder}/{word.removeprefix('./')}") if _may_stand_beside(word) else None
            if data is not None:
                self._files[word] = data
        names = [_base(word) for word in self._files]
        if len(set(names)) < len(names):
            raise ScorerError("two files of the command have one name. Name one of them otherwise.")

    def facts(self) -> dict[str, Any]:
        """The digests of the files that the command names."""
        return {"files": {word: hashlib.sha256(data).hexdigest() for word, data in sorted(self._files.items())}}

    async def prepare(self, means: Means) -> None:
        """The program must be there before answers are paid for."""
        name = self._argv[0]
        here = os.path.join(means.directory, name) if os.sep in name else name
        if name not in self._files and shutil.which(here, path=means.environ.get("PATH")) is None:
            raise CodeError(f"{self._name} cannot be run: there is no program {shown(name)}.")

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """What the program prints; ScorerError where it fails, takes too long, or prints what is no score."""
        import asyncio

        facts = {"answer": answer.text, "expected": case.expected, "inputs": case.inputs}
        text = json.dumps(facts | {"id": case.id, "tags": case.tags}, ensure_ascii=False)
        limit = asyncio.timeout(bench.means.timeout_s)
        try:
            sent = text.encode()
            async with limit:
                with self._unpacked() as argv:
                    printed = await self._run(argv, sent, bench.means)
        except UnicodeEncodeError:
            raise ScorerError(f"the answer cannot be sent: {NO_TEXT}") from None
        except TimeoutError:
            raise ScorerError(f"{self._name} took longer than {bench.means.timeout_s:g} s.") from None
        try:
            found = strict_json(printed.decode())
        except (ValueError, RecursionError):
            told = _line(printed, bench.means)
            raise ScorerError(f"{self._name} printed what is no JSON: {told or 'nothing'}") from None
        return self.judgement(found, self._name)

    @property
    def _name(self) -> str:
        return f"command:{_base(self._argv[0])}"

    @contextlib.contextmanager
    def _unpacked(self) -> Iterator[list[str]]:
        """The command line, its files in a folder of their own: what runs is what was digested."""
        if not self._files:
            yield self._argv
            return
        with tempfile.TemporaryDirectory(prefix="promptreg-") as folder:
            places = {word: os.path.join(folder, _base(word)) for word in self._files}
            for word, path in places.items():
                with open(path, "xb") as file:
                    file.write(self._files[word])
                os.chmod(path, stat.S_IRWXU)
            yield [places.get(word, word) for word in self._argv]

    async def _run(self, argv: list[str], sent: bytes, means: Means) -> bytes:
        import asyncio
        from asyncio.subprocess import PIPE

        # a session of its own, so that all of it can be ended
        session: dict[str, Any] = {"cwd": means.directory, "env": dict(means.environ), "start_new_session": True}
        try:
            program = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, **session)
        except OSError as problem:
            raise ScorerError(f"{self._name} cannot be run: {problem.strerror}.") from None
        try:
            printed, said = await program.communicate(sent)
        except asyncio.CancelledError:
            await ended(program)
            raise
        if program.returncode != 0:
            raise ScorerError(f"{self._name} ended with status {program.returncode}. {_line(said, means)}".strip())
        return printed


def _may_stand_beside(word: str) -> bool:
    parts = word.removeprefix("./").split("/")
    return not word.startswith("-") and all(part not in ("", ".", "..") for part in parts)


def _base(word: str) -> str:
    return word.rpartition("/")[2]


def _line(said: bytes, means: Means) -> str:
    """The last line of what a program said, without keys of the environment."""
    return shown(without_secrets(said.decode("utf-8", "replace").strip().split("\n")[-1], means.environ))[:_LONGEST]
