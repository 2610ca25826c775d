"""The table of scorers: a new one is a class and a line here."""

from __future__ import annotations

from promptreg.evals.scorer import Scorer
from promptreg.evals.scorers.bertscore import Bertscore
from promptreg.evals.scorers.combined import All, Any_, Weighted
from promptreg.evals.scorers.command import Command
from promptreg.evals.scorers.edit_distance import EditDistance
from promptreg.evals.scorers.json_equal import JsonEqual
from promptreg.evals.scorers.json_schema import JsonSchema
from promptreg.evals.scorers.judge import Judge
from promptreg.evals.scorers.label import Label
from promptreg.evals.scorers.length import Length
from promptreg.evals.scorers.python import Python
from promptreg.evals.scorers.rouge import Rouge
from promptreg.evals.scorers.sacrebleu_metrics import Bleu, Chrf
from promptreg.evals.scorers.text import Contains, Exact, Regex

SCORERS: dict[str, type[Scorer]] = {
    "exact": Exact,
    "contains": Contains,
    "regex": Regex,
    "json-schema": JsonSchema,
    "json-equal": JsonEqual,
    "edit-distance": EditDistance,
    "length": Length,
    "judge": Judge,
    "label": Label,
    "python": Python,
    "command": Command,
    "all": All,
    "any": Any_,
    "weighted": Weighted,
    "bleu": Bleu,
    "chrf": Chrf,
    "rouge": Rouge,
    "bertscore": Bertscore,
}
