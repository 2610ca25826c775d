"""What every test of a reader asks: the sentence of a refusal, and that nothing but a worded refusal comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from promptreg.core.errors import PromptregError

#: For property tests: enough examples to find slips, few enough to run on every save.
often = settings(max_examples=200, deadline=None)
rarely = settings(max_examples=60, deadline=None)


def said(kind: type[PromptregError], call: Callable[..., Any], *given: Any, **named: Any) -> str:
    """What a call says when it refuses with exactly this kind of error: place and sentence."""
    with pytest.raises(kind) as caught:
        call(*given, **named)
    assert type(caught.value) is kind
    return str(caught.value)


def value_or_words(call: Callable[..., Any], *given: Any) -> Any:
    """What a call returns, or its PromptregError, which must say something; any other exception fails the test."""
    try:
        return call(*given)
    except PromptregError as problem:
        found = problem
    assert len(found.message.split()) > 1
    assert found.path is None or str(found).startswith(found.path)
    assert found.line is None or found.line >= 1
    assert found.column is None or (found.column >= 1 and found.line is not None)
    return found
