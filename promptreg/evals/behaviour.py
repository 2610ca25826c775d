"""When two versions are the same prompt to a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from promptreg.core.errors import PromptregError
from promptreg.core.prompt import Prompt
from promptreg.evals.cases import Case, fitted_inputs
from promptreg.evals.json_text import canonical_json


def behaviour(prompt: Prompt) -> str:
    """`sha256:…` of all that a prompt says but description, owners, tags and metadata, its includes counted in."""
    file = prompt.file
    facts = {
        "body": file.body,
        "inputs": None if file.inputs is None else {name: declared.data() for name, declared in file.inputs.items()},
        "model": file.model,
        "output": file.output,
        "parameters": file.parameters,
        "provider": file.provider,
        "tools": file.tools,
        "includes": list(prompt.include_digests),
    }
    return f"sha256:{hashlib.sha256(canonical_json(facts).encode()).hexdigest()}"


def why_same(old: Prompt, new: Prompt, cases: Iterable[Case]) -> str | None:
    """Why two prompts are the same to a model: only labels differ, or all cases render alike; else None."""
    if _settings(old) != _settings(new):
        return None
    if behaviour(old) == behaviour(new):
        return f"same as {old.version}: only description, owners, tags or metadata differ"
    count = 0
    for case in cases:
        count += 1
        try:
            if _messages(old, case) != _messages(new, case):
                return None
        except PromptregError:
            return None
    return f"same as {old.version}: all {count} cases render the same" if count else None


def _settings(prompt: Prompt) -> str:
    """What goes with the messages, as JSON: there 1 is not true, and a schema keeps the order of its properties.

    A model may write its answer in that order; only the parameters themselves have none.
    """
    parameters = dict(sorted(prompt.parameters.items()))
    return json.dumps([prompt.provider, prompt.model, parameters, prompt.output, prompt.tools])


def _messages(prompt: Prompt, case: Case) -> str:
    inputs, _ = fitted_inputs(prompt, case)
    return json.dumps(prompt.render(**inputs).messages)
