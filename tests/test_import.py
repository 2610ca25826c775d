"""What importing promptreg, and loading a prompt with it, must not import: a cold process pays for each."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import promptreg
from tests.support.shelf import NAME, Shelf

HEAVY = ("pydantic", "click", "git", "deepdiff", "mpmath", "scipy", "statsmodels", "nodesemver", "filelock", "openai")


def modules_after(script: str) -> set[str]:
    """The modules that a process of its own has imported when a script has run."""
    code = textwrap.dedent(script) + "\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def among(loaded: set[str], names: tuple[str, ...]) -> set[str]:
    """Which of some modules, or of modules inside them, were loaded."""
    return {module for module in loaded for name in names if module == name or module.startswith(f"{name}.")}


def test_importing_promptreg_loads_nothing() -> None:
    loaded = modules_after("import promptreg")
    assert "promptreg" in loaded
    assert among(loaded, (*HEAVY, "jinja2", "yaml", "asyncio", "importlib.metadata", "logging")) == set()
    assert {module for module in loaded if module.startswith("promptreg.")} == set()


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A chat prompt that includes a partial, in production."""
    shelf = Shelf(tmp_path / "prompts")
    shelf.release("shared/tone@1.0.0", "Be kind.\n")
    shelf.release(
        f"{NAME}@1.0.0",
        '---\nmodel: m\ninputs: {question: string, tone: {enum: [a, b], default: a}}\noutput: {type: object}\n---\n'
        '{% message role="system" %}\n{% include "shared/tone@1.0.0" %}\n{% endmessage %}\n'
        '{% message role="user" %}\n{{ question | trim }} {{ tone | tojson }}\n{% endmessage %}\n',
        "shared/tone@1.0.0",
    )  # fmt: skip
    shelf.pin(f"{NAME}@1.0.0")
    return str(shelf.root)


def test_loading_and_rendering_by_environment_loads_core_jinja2_and_yaml_alone(root: str) -> None:
    loaded = modules_after(f"""\
        import os
        os.environ["PROMPTREG_ROOT"] = {root!r}
        import promptreg
        call = promptreg.load({NAME!r}, key="user-1").render(question="Hi")
        assert call.for_openai()["messages"][0]["content"] == "Be kind."
        assert call.attributes()["gen_ai.prompt.version"] == "1.0.0"
    """)
    assert {"jinja2", "yaml"} <= loaded
    assert among(loaded, (*HEAVY, "logging", "asyncio", "importlib.metadata", "subprocess")) == set()
    assert {module for module in loaded if module.startswith("promptreg.")} - {"promptreg.core"} == {
        module for module in loaded if module.startswith("promptreg.core.")
    }


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("preload", "registry.preload()"),
        ("latest", f"registry.load('{NAME}@latest').render(question='Hi')"),
        ("exact", f"registry.load('{NAME}@1.0.0').render(question='Hi')"),
        ("listing", f"registry.names(), registry.versions('{NAME}'), registry.environments()"),
        ("snapshot", f"registry.snapshot('production').load('{NAME}')"),
    ],
)
def test_the_rest_of_a_registry_loads_nothing_heavy_either(root: str, what: str, line: str) -> None:
    loaded = modules_after(f"from promptreg import Registry\nregistry = Registry.open({root!r})\n{line}")
    assert among(loaded, (*HEAVY, "logging", "asyncio")) == set()


def test_a_range_loads_the_range_library_and_nothing_else(root: str) -> None:
    loaded = modules_after(f"import promptreg\npromptreg.Registry.open({root!r}).load('{NAME}@^1')")
    assert among(loaded, HEAVY) - among(loaded, ("nodesemver",)) == set()


def test_every_public_name_is_there_and_others_are_attribute_errors() -> None:
    script = """\
        import json, promptreg
        print(json.dumps({name: type(getattr(promptreg, name)).__name__ for name in promptreg.__all__}), end="\\n")
        import sys; sys.exit()
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    kinds = json.loads(done.stdout)
    assert (kinds["load"], kinds["Prompt"], kinds["Registry"], kinds["__version__"]) == (
        "function",
        "type",
        "type",
        "str",
    )
    assert set(dir(promptreg)) >= set(promptreg.__all__)
    with pytest.raises(AttributeError, match="module 'promptreg' has no attribute 'lod'"):
        _ = promptreg.lod  # type: ignore[attr-defined]


def test_every_error_of_the_contract_is_public_and_of_one_family() -> None:
    for name in (
        "SpecError PromptNotFound VersionNotFound EnvironmentNotFound RegistryNotFound PromptFileError TemplateError "
        "InputError IntegrityError LimitError FileError"
    ).split():
        assert issubclass(getattr(promptreg, name), promptreg.PromptregError)
