"""BERTScore, as bert-score computes it with a model of the team's choice."""

from __future__ import annotations

import os
import threading
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.provider import Completion, Means
from promptreg.evals.scorer import Bench, Judgement, Scale, Scorer, ScorerError
from promptreg.evals.scorers.references import Expected, check_expected, references
from promptreg.evals.scorers.threads import in_thread

INSTALL = "The bertscore scorer needs bert-score and torch: pip install 'git-promptreg[bertscore]'"
_MOST = 300


class Bertscore(Scorer):
    """BERTScore: how near the tokens of the answer and of `expected` are in a model, from 0 to 1.

    `model` is a folder (relative to the working directory) or a name on the Hugging Face hub, `layers` how many of its
    layers are used: needed where bert-score does not know the model. Of several expected texts the best counts.
    `revision` is a number to raise where another model stands in the folder.
    """

    main_option: ClassVar[tuple[str, ...]] = ("model",)

    type: Literal["bertscore"]
    model: Annotated[str, Field(min_length=1)]
    layers: Annotated[int, Field(ge=1)] | None = None
    expected: Expected = None
    measure: Literal["f", "precision", "recall"] = "f"
    counted: Annotated[int, Field(ge=1, alias="revision")] = 1

    _loaded: Any = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def scale(self) -> Scale:
        """A score from 0 to 1."""
        return Scale("score")

    def check_options(self) -> None:
        """Something must be expected. The library is not looked for: reading a suite needs no torch."""
        check_expected(self.expected)

    def check(self, case: Case) -> None:
        """The case must have the expected texts."""
        references(self.expected, case)

    async def prepare(self, means: Means) -> None:
        """Load the model."""
        await in_thread(lambda: self._model(means))

    async def judge(self, answer: Completion, case: Case, bench: Bench, repeat: int) -> Judgement:
        """How near they are; 0 for an empty answer. PromptregError where the model cannot be loaded."""
        expected = references(self.expected, case)
        if not answer.text.strip():
            return Judgement(0.0)
        return Judgement(await in_thread(lambda: self._score(answer.text.strip(), expected, bench.means)))

    def _score(self, answer: str, expected: list[str], means: Means) -> float:
        model = self._model(means)
        with self._lock:  # torch uses all cores for one
            try:
                measures = model.score([answer], [expected])
            except (RuntimeError, ValueError, IndexError) as problem:
                raise ScorerError(f"{self.model} cannot judge this answer: {_brief(problem)}") from None
        found = float(measures[("precision", "recall", "f").index(self.measure)][0])
        if found != found:  # noqa: PLR0124 - NaN
            raise ScorerError(f"{self.model} gave no number for this answer.")
        return min(max(found, 0.0), 1.0)

    def _model(self, means: Means) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load(means)
            return self._loaded

    def _load(self, means: Means) -> Any:
        try:
            from bert_score import BERTScorer
            from bert_score.utils import model2layers
            from transformers.utils import logging
        except ImportError:
            raise PromptregError(INSTALL) from None
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        folder = os.path.join(means.directory, self.model)
        name = folder if os.path.isdir(folder) else self.model
        if self.layers is None and name not in model2layers:
            raise PromptregError(f"bert-score does not know {self.model}. Say how many layers: layers: 9")
        try:
            found = BERTScorer(model_type=name, num_layers=self.layers, device="cpu", use_fast_tokenizer=True)
        except (OSError, ValueError, RuntimeError, AssertionError, ImportError) as problem:
            raise PromptregError(f"the model {self.model} cannot be loaded: {_brief(problem)}") from None
        _bound_length(found)
        return found


def _bound_length(scorer: Any) -> None:
    """Cut texts where the model ends: tokenizers that do not say how much it takes are asked for no end."""
    most = getattr(scorer._model.config, "max_position_embeddings", None)  # noqa: SLF001
    tokenizer = scorer._tokenizer  # noqa: SLF001
    if isinstance(most, int) and tokenizer.model_max_length > most:
        tokenizer.model_max_length = most


def _brief(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:_MOST] or type(problem).__name__
