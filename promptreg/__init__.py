"""Prompts as versioned files in your git repository.

    import promptreg

    prompt = promptreg.load("support/answer")
    call = prompt.render(question="…")
    client.chat.completions.create(**call.for_openai())

Importing this package loads nothing; each name is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from promptreg.core.errors import (
        EnvironmentNotFound,
        FileError,
        InputError,
        IntegrityError,
        LimitError,
        PromptFileError,
        PromptNotFound,
        PromptregError,
        RegistryNotFound,
        SpecError,
        TemplateError,
        VersionNotFound,
    )
    from promptreg.core.prompt import Prompt, Rendered
    from promptreg.core.registry import Registry, load

__version__ = "0.1.0"
__all__ = [
    "EnvironmentNotFound",
    "FileError",
    "InputError",
    "IntegrityError",
    "LimitError",
    "Prompt",
    "PromptFileError",
    "PromptNotFound",
    "PromptregError",
    "Registry",
    "RegistryNotFound",
    "Rendered",
    "SpecError",
    "TemplateError",
    "VersionNotFound",
    "__version__",
    "load",
]
_HOMES = {"Prompt": "prompt", "Rendered": "prompt", "Registry": "registry", "load": "registry"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"promptreg.core.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
