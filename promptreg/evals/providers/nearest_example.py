"""Answers with the answer of the nearest example: an honest small learner, not a language model."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

from promptreg.evals.provider import Completion, Means, ProviderUnusable, Request, last_user_text, text_of

_LENGTHS = (2, 3, 4)


class NearestExample:
    """`nearest-example`: needs no key, and is not a language model.

    The user/assistant pairs in the rendered messages are its examples. It answers the last user message with the
    assistant text of the example nearest to it: cosine of character 2- to 4-grams of the NFKC-casefolded texts, term
    frequency 1 + ln(tf), inverse document frequency ln((1 + n) / (1 + df)) + 1 over the examples, L2-normalised; the
    first on ties. So its answers depend on the prompt, and it works without spaces between words.
    """

    is_model: ClassVar[bool] = False
    runs_code: ClassVar[bool] = False
    costs: ClassVar[bool] = False
    summary: ClassVar[str] = "answers like the nearest example in the prompt; no key, not a language model"

    def __init__(self, argument: str, means: Means) -> None:
        """Takes no argument."""

    async def complete(self, request: Request, repeat: int) -> Completion:
        """The assistant text of the nearest example; ProviderUnusable where the messages hold none."""
        examples = examples_in(request.messages)
        if not examples:
            raise ProviderUnusable(
                "nearest-example answers from the user/assistant pairs in the prompt, and the rendered messages hold "
                "none. It is not a language model: write examples into the prompt, or choose another provider: echo, "
                "command:PROGRAM."
            )
        index = _index(tuple(question for question, _ in examples))
        asked = index.vector(last_user_text(request.messages))
        scores = [_cosine(asked, vector) for vector in index.vectors]
        return Completion(examples[scores.index(max(scores))][1], "nearest-example")

    async def close(self) -> None:
        """It holds nothing."""


def examples_in(messages: list[dict[str, object]]) -> list[tuple[str, str]]:
    """The user/assistant pairs of some messages, as question and answer."""
    return [
        (text_of(question), text_of(answer))
        for question, answer in pairwise(messages)
        if question.get("role") == "user" and answer.get("role") == "assistant"
    ]


def _grams(text: str) -> Counter[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return Counter(folded[at : at + n] for n in _LENGTHS for at in range(len(folded) - n + 1))


class _Index:
    """The examples as vectors; character n-grams that no example holds do not count."""

    def __init__(self, questions: tuple[str, ...]) -> None:
        counts = [_grams(question) for question in questions]
        documents = Counter(gram for count in counts for gram in count)
        self.weights = {gram: math.log((1 + len(counts)) / (1 + held)) + 1 for gram, held in documents.items()}
        self.vectors = [self._normalised(count) for count in counts]

    def vector(self, text: str) -> dict[str, float]:
        return self._normalised(_grams(text))

    def _normalised(self, counts: Counter[str]) -> dict[str, float]:
        raw = {gram: (1 + math.log(n)) * self.weights[gram] for gram, n in counts.items() if gram in self.weights}
        length = math.sqrt(math.fsum(value * value for value in raw.values()))
        return {gram: value / length for gram, value in raw.items()} if length else {}


@lru_cache(maxsize=8)
def _index(questions: tuple[str, ...]) -> _Index:
    return _Index(questions)


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    if len(other) < len(one):
        one, other = other, one
    return math.fsum(value * other[gram] for gram, value in one.items() if gram in other)
