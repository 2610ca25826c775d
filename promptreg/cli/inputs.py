"""The inputs of a prompt, as they are given on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from promptreg.core.errors import FileError
from promptreg.core.prompt import Prompt
from promptreg.core.text import decode
from promptreg.core.yaml_reader import read_yaml

Function = TypeVar("Function", bound=Callable[..., Any])


def input_options(function: Function) -> Function:
    """`-i KEY=VALUE`, `--inputs FILE` and `--case ID`; gives the command `given`, `file` and `case_id`."""
    return given_options(
        click.option("--case", "case_id", metavar="ID", help="The inputs of a case of the prompt's suites.")(function)
    )


def given_options(function: Function) -> Function:
    """`-i KEY=VALUE` and `--inputs FILE`; gives the command `given` and `file`."""
    wrapped: Any = click.option(
        "--inputs", "file", metavar="FILE", type=click.Path(), help="Inputs from a JSON or YAML mapping."
    )(function)
    wrapped = click.option(
        "-i", "--input", "given", metavar="KEY=VALUE", multiple=True, help="An input; KEY=@FILE takes a file's content."
    )(wrapped)
    result: Function = wrapped
    return result


def given_inputs(prompt: Prompt, given: tuple[str, ...], file: str | None) -> dict[str, Any]:
    """What `-i` and `--inputs` say, read by the declared types; `-i` goes before the file."""
    inputs = _from_file(file) if file else {}
    return inputs | dict(_read(prompt, word) for word in given)


def _from_file(path: str) -> dict[str, Any]:
    data = read_yaml(decode(content(path), path), path).data
    if not isinstance(data, dict):
        raise FileError("inputs are a mapping from names to values.", path=path)
    return data


def content(path: str) -> bytes:
    """The bytes of a file that was named on the command line."""
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        raise FileError(f"cannot be read: {problem.strerror}.", path=path) from None


def _read(prompt: Prompt, word: str) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not equals:
        raise click.UsageError(f"-i {word}: write -i KEY=VALUE or -i KEY=@FILE.")
    if text.startswith("@"):
        text = decode(content(text[1:]), text[1:])
    declared = prompt.declared.get(name)
    kind = declared.type if declared else "string"
    if kind in ("string", "any"):
        return name, text
    try:
        return name, json.loads(text)
    except (ValueError, RecursionError):
        return name, text  # which is then told as not of its type, with all else that is wrong
