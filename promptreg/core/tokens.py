"""A template's text in Jinja's tokens, each with its place."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment


def tokens(environment: Environment, body: str) -> Iterator[tuple[str, int, int]]:
    """(kind, begin, end) of each token in a body that Jinja can read: `data`, `string`, `block_begin`, `raw_begin` …

    White space that a tag's dash drops belongs to none.
    """
    place = 0
    for _, kind, value in environment.lex(body):
        begin = body.index(value, place)
        place = begin + len(value)
        yield kind, begin, place
