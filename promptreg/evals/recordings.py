"""Recorded answers, by what was asked: `NAME/evals/recordings/SUITE.jsonl`, one answer a line (docs/evals.md).

Lines are sorted by the digest of the request, so two people who record seldom touch the same place. What an answer
cost is not recorded: giving it back costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from promptreg.core.errors import FileError
from promptreg.core.text import CONFLICT, decode, marked_line
from promptreg.evals.json_text import NO_TEXT, holds_half_pairs, line_json, strict_json
from promptreg.evals.provider import Completion
from promptreg.validation import Location, Strict, validated

FOLDER = "recordings"
Key = tuple[str, int]
_Count = Annotated[int, Field(ge=0)] | None


class _ToolCall(Strict):
    name: str
    arguments: Any


class _Line(Strict):
    request: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    repeat: Annotated[int, Field(ge=0)]
    text: str
    model: str
    tokens_in: _Count = None
    tokens_out: _Count = None
    tokens_cached: _Count = None
    finish: str | None = None
    tool_calls: list[_ToolCall] = []

    def answer(self) -> Completion:
        return Completion(**self.model_dump(exclude={"request", "repeat"}))


def recordings_path(prompt: str, suite: str) -> str:
    """The file of a suite's recorded answers, in the registry."""
    return f"{prompt}/evals/{FOLDER}/{suite}.jsonl"


def read_recordings(data: bytes, path: str) -> dict[Key, Completion]:
    """Answers by the request's digest and the repeat; FileError with the line for what is none, or told two ways."""
    text = decode(data, path)
    conflict = marked_line(text)
    if conflict is not None:
        raise FileError(CONFLICT, path=path, line=conflict)
    found: dict[Key, Completion] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        read = _read(line, path, number)
        key, answer = (read.request, read.repeat), read.answer()
        if found.setdefault(key, answer) != answer:
            raise FileError(
                f"another answer to {key[0][:15]}… (repeat {key[1]}) stands further up. Keep one of them.",
                path=path,
                line=number,
            )
    return found


def recordings_text(answers: Mapping[Key, Completion]) -> str:
    """The file of some answers, sorted."""
    return "".join(
        f"{line_json(_facts(key, answer))}\n" for key, answer in sorted(answers.items(), key=lambda item: item[0])
    )


def _read(line: str, path: str, number: int) -> _Line:
    def problem(message: str, _: Location, __: bool) -> FileError:
        return FileError(message, path=path, line=number)

    try:
        data = strict_json(line)
    except (ValueError, RecursionError) as trouble:
        raise FileError(f"this line is no recorded answer: {trouble}.", path=path, line=number) from None
    if holds_half_pairs(line, data):
        raise FileError(NO_TEXT, path=path, line=number)
    return validated(_Line, data, problem)


def _facts(key: Key, answer: Completion) -> dict[str, Any]:
    facts = {
        "request": key[0],
        "repeat": key[1],
        "text": answer.text,
        "model": answer.model,
        "tokens_in": answer.tokens_in,
        "tokens_out": answer.tokens_out,
        "tokens_cached": answer.tokens_cached,
        "finish": answer.finish,
        "tool_calls": [{key: call[key] for key in ("name", "arguments")} for call in answer.tool_calls] or None,
    }
    return {name: value for name, value in facts.items() if value is not None}
