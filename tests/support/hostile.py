"""Renders hostile templates where they can do no harm: each in a process of its own, with little memory and time.

`Cage` starts one server process; it forks for each attack, so an attack costs a few milliseconds, not an interpreter.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from promptreg.core.errors import PromptregError
from promptreg.core.registry import Registry
from promptreg.core.source import Files

MEMORY = 512 * 1024 * 1024
#: Of processor time, so that other work on the machine counts little; what ends as it should takes about one.
SECONDS = 5


@dataclass(frozen=True)
class Attack:
    """Prompts by name, of which `t` is rendered with `inputs`, or with the object that OBJECTS names as input `x`.

    `limits` stand under [limits] in promptreg.toml.
    """

    prompts: Mapping[str, str]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    made: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """`kind` is rendered, the class of a promptreg error, `escaped …` for any other exception, or `killed by …`."""

    kind: str
    message: str


class Cage:
    """The server process."""

    def __init__(self) -> None:
        root = Path(__file__).parent.parent.parent
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.hostile"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def render(self, attack: Attack) -> Outcome:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps(asdict(attack)) + "\n")
        self.server.stdin.flush()
        return Outcome(*json.loads(self.server.stdout.readline()))

    def close(self) -> None:
        self.server.communicate()


# Objects that a caller might hand in


class _Liar(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "forged"

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("a method of the caller's ran")

    upper = __len__ = __getitem__ = __eq__ = __iter__  # type: ignore[assignment]
    __hash__ = str.__hash__


class _LyingNumber(int):
    def __str__(self) -> str:
        raise RuntimeError("a method of the caller's ran")

    __repr__ = __str__
    __add__ = __lt__ = __index__ = __str__  # type: ignore[assignment]


class _LyingList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("a method of the caller's ran")


class _LyingMapping(dict[str, Any]):
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("a method of the caller's ran")

    keys = items = __iter__  # type: ignore[assignment]


class _Endless(Sequence[int]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        return 1


class _FalseClass:
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return dict


class _AnyAttribute:
    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: {}


def _shared(levels: int) -> list[Any]:
    value: list[Any] = [1]
    for _ in range(levels):
        value = [value, value]
    return value


def _circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


OBJECTS: dict[str, Callable[[], Any]] = {
    "a str subclass": lambda: _Liar("real"),
    "an int subclass": lambda: _LyingNumber(7),
    "a list subclass that raises": lambda: _LyingList([1]),
    "a dict subclass that raises": lambda: _LyingMapping(a=1),
    "an endless sequence": _Endless,
    "an object that says it is a dict": _FalseClass,
    "an object that has every attribute": _AnyAttribute,
    "a list of lists, 2 to the 60": lambda: _shared(60),
    "a list that holds itself": _circle,
    "a range of 10 to the 12": lambda: range(10**12),
    "a number of 10,001 digits": lambda: 10**10_000,
}


# The server


def _serve() -> None:
    _attempt(Attack({"t": "{{ x | upper }}"}, {"x": "warm"}))
    for line in sys.stdin:
        attack = Attack(**json.loads(line))
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            os.write(write, json.dumps(_caged(attack)).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            told = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            told = json.dumps([f"killed by {signal.Signals(os.WTERMSIG(status)).name}", ""])
        sys.stdout.write((told or json.dumps(["died", str(status)])) + "\n")
        sys.stdout.flush()


def _caged(attack: Attack) -> list[str]:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    told = _attempt(attack)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return told


def _attempt(attack: Attack) -> list[str]:
    settings = 'schema = 1\ndefault_environment = "draft"\n[limits]\n'
    settings += "".join(f"{name} = {number}\n" for name, number in attack.limits.items())
    files = {"promptreg.toml": settings} | {f"{name}/prompt.md": text for name, text in attack.prompts.items()}
    inputs = {"x": OBJECTS[attack.made]()} if attack.made else attack.inputs
    try:
        registry = Registry(Files({path: text.encode() for path, text in files.items()}))
        messages = registry.load("t").render(**inputs).messages
    except PromptregError as problem:
        return [type(problem).__name__, str(problem)[:5000]]
    except BaseException as problem:  # noqa: BLE001 - the point: nothing but a PromptregError may come out
        return [f"escaped {type(problem).__name__}", str(problem)[:5000]]
    return ["rendered", str(messages[:20])[:5000]]


if __name__ == "__main__":
    _serve()
