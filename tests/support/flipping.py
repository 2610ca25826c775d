"""A registry whose prompt has two versions that a loopback server tells apart, and answers by plan: right or wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.support.openai_server import Asked, OpenAIServer, Reply, completion
from tests.support.place import Place, Ran
from tests.support.shipping import begun, cases

NAME = "support/answer"
OLD, NEW = "1.0.0", "1.0.1"
OLD_TEXT, NEW_TEXT = "{{ question }}\n", "New {{ question }}\n"
SUITE = "provider: openai\nmodel: gpt-x\nscorers:\n  correct: {type: exact}\n"
PRICES = '\n[prices."gpt-x"]\ninput = 1000.0\noutput = 1000.0\n'
NUMBER = 30


def every(*wrong: str) -> Callable[[int], set[str]]:
    """These questions are answered wrong in every run."""
    return lambda run: set(wrong)


def first(*wrong: str) -> Callable[[int], set[str]]:
    """These questions are answered wrong in the first run alone."""
    return lambda run: set(wrong) if run == 1 else set()


def nothing(run: int) -> set[str]:
    """No question is answered wrong."""
    return set()


def ids(count: int, start: int = 1) -> list[str]:
    """q1 q2 …"""
    return [f"q{number}" for number in range(start, start + count)]


@dataclass
class Model:
    """What the server answers: `old` and `new` say which questions are wrong when a version is asked so many times."""

    old: Callable[[int], Iterable[str]] = nothing
    new: Callable[[int], Iterable[str]] = nothing
    model: str | None = None
    refuses: Callable[[str, int], bool] = lambda version, run: False
    asked: Counter[str] = field(default_factory=Counter)
    before: Callable[[], object] = lambda: None

    def __call__(self, asked: Asked) -> Reply:
        self.before()
        text = asked.text.strip()
        self.asked[text] += 1
        run, question = self.asked[text], text.removeprefix("New ")
        version = NEW if text.startswith("New ") else OLD
        if self.refuses(version, run):
            return Reply(status=401, body=b'{"error": {"message": "Incorrect API key provided."}}')
        wrong = (self.new if version == NEW else self.old)(run)
        reply = Reply("no" if question in wrong else question)
        if self.model is None:
            return reply
        return Reply(body=json.dumps(completion(asked, reply) | {"model": self.model}).encode())

    def runs(self, version: str, number: int = NUMBER) -> set[int]:
        """How often each question of a version was asked: one number, where all were asked alike."""
        start = "New " if version == NEW else ""
        return {self.asked[f"{start}q{n}"] for n in range(1, number + 1)}


@dataclass
class Loopback:
    """A place, a server that stands in for a model, and what it answers."""

    place: Place
    server: OpenAIServer
    model: Model

    @property
    def calls(self) -> int:
        return len(self.server.requests)

    def run(self, *arguments: str) -> Ran:
        return self.place.run(*arguments, environ=self.server.environ)

    def ok(self, *arguments: str, status: int = 0) -> Ran:
        ran = self.run(*arguments)
        assert ran.status == status, f"promptreg {' '.join(arguments)} → {ran.status}\n{ran.out}\n{ran.err}"
        return ran

    def answers(self, model: Model) -> None:
        """From now on another model answers."""
        self.model = self.server.script = model

    def stored(self, version: str = "") -> list[str]:
        found = [path for path in self.place.files() if f"/results/{version}" in path and path.endswith(".json")]
        return sorted(found)


def two_versions(place: Place) -> None:
    """1.0.0 in production, 1.0.1 released, 30 cases, no results."""
    begun(place)
    place.draft(NAME, OLD_TEXT)
    place.ok("ship", NAME, "--to", "production")
    place.suite(NAME, cases(NUMBER), SUITE)
    place.draft(NAME, NEW_TEXT)
    place.ok("release", NAME, "--bump", "patch")
    place.commit("Two versions")
