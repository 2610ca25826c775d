"""Answers of earlier runs by content, in a SQLite file on this machine.

SQLite, since it is in the standard library, is found in by key without being read whole, and bears a kill.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import fields
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import Completion, Request

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    provider TEXT, request TEXT, repeat INTEGER, run TEXT, answer TEXT, PRIMARY KEY (provider, request, repeat)
) WITHOUT ROWID
"""


class CacheError(PromptregError):
    """The cache cannot be read or written."""


class Cache:
    """Answers by provider, request (messages, model, parameters, tools, output) and number of the repeat.

    The request is what a prompt's text and a case's inputs come to, so that an edit that changes nothing for a case
    still finds its answer.
    """

    def __init__(self, path: str, run: str) -> None:
        """The cache in a file, which is made where it is not there; `run` is when the run that fills it began."""
        self._path = path
        self._run = run
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=60)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(_TABLE)
        except sqlite3.Error as problem:
            raise self._problem(problem) from None

    def _problem(self, problem: sqlite3.Error) -> CacheError:
        return CacheError(
            f"the cache cannot be used: {problem}. It holds nothing but copies: remove it.", path=self._path
        )

    def find(self, provider: str, request: Request, repeat: int) -> tuple[Completion, str] | None:
        """An answer, and when the run began that asked for it; None where there is none."""
        try:
            found = self._connection.execute(
                "SELECT answer, run FROM answers WHERE provider = ? AND request = ? AND repeat = ?",
                (provider, request.digest(), repeat),
            ).fetchone()
        except sqlite3.Error as problem:
            raise self._problem(problem) from None
        try:
            return (Completion(**json.loads(found[0])), found[1]) if found else None
        except (ValueError, TypeError):  # another version of promptreg knew other facts of an answer
            return None

    def keep(self, provider: str, request: Request, repeat: int, answer: Completion) -> None:
        """Store an answer, in the place of an older one."""
        row = (provider, request.digest(), repeat, self._run, json.dumps(_facts(answer)))
        try:
            self._connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as problem:
            raise self._problem(problem) from None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _facts(answer: Completion) -> dict[str, Any]:
    return {each.name: getattr(answer, each.name) for each in fields(Completion)}
