from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import FileError
from promptreg.core.limits import LIMITS
from promptreg.core.settings import read_settings
from tests.support.reading import often, said, value_or_words

_MINIMAL = 'schema = 1\ndefault_environment = "draft"\n'
_FULL = """\
schema = 1
default_environment = "production"

[environments.production]
mode = "standard"
after = "staging"

[environments.staging]

[environments.eu-west-1]

[gate]
alpha = 0.05

[prices."gpt-4.1-mini"]
input = 0.4

[limits]
output = 1000
source = 2000
"""


def test_the_order_of_environments_is_that_of_the_file() -> None:
    settings = read_settings(_FULL.encode(), "promptreg.toml")
    assert settings.default_environment == "production"
    assert settings.environments == ("production", "staging", "eu-west-1")
    assert settings.table["gate"] == {"alpha": 0.05}
    assert (settings.limits.output, settings.limits.source) == (1000, 2000)


@pytest.mark.parametrize("default", ["draft", "latest"])
def test_a_registry_may_go_without_environments(default: str) -> None:
    settings = read_settings(f'schema = 1\ndefault_environment = "{default}"\n'.encode(), "f")
    assert (settings.default_environment, settings.environments) == (default, ())


def test_limits_that_are_not_named_have_their_defaults() -> None:
    limits = read_settings(_FULL.encode(), "f").limits
    expected = {name: default for name, (default, _) in LIMITS.items()} | {"output": 1000, "source": 2000}
    assert {name: getattr(limits, name) for name in LIMITS} == expected


def test_line_ends_and_a_mark_do_not_matter() -> None:
    data = b"\xef\xbb\xbf" + _FULL.replace("\n", "\r\n").encode()
    assert read_settings(data, "f").environments == ("production", "staging", "eu-west-1")


_NAMES = "lower-case letters, digits and -, a letter first."
_TAKES = "It takes output, loop_steps, work, source, nesting, expression, include_depth, data_depth."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "f: schema = 1 is missing at the top."),
        ("[environments.production]\n", "f: schema = 1 is missing at the top."),
        ("schema = 2\n", "f: schema is 2; this promptreg reads 1. Is it older than the registry?"),
        ('schema = "1"\n', "f: schema is '1'; this promptreg reads 1. Is it older than the registry?"),
        ("schema = 1\n", 'f: default_environment is missing. Write default_environment = "draft".'),
        ("schema = 1\n[environments.live]\n",
         'f: default_environment is missing. Write default_environment = "live".'),
        ('schema = 1\ndefault_environment = "producton"\n[environments.production]\n',
         ("f:2: default_environment is 'producton' and can be one of production, draft, latest. "
          "Did you mean production?")),
        ("schema = 1\ndefault_environment = 3\n",
         "f:2: default_environment is 3 and can be one of draft, latest."),
        (f"{_MINIMAL}environments = []\n", "f: environments are tables: [environments.production]."),
        (f'{_MINIMAL}[environments]\nproduction = "standard"\n',
         "f: environments are tables: [environments.production]."),
        (f"{_MINIMAL}[environments.Production]\n", f"f:3: 'Production' is not an environment's name: {_NAMES}"),
        (f"{_MINIMAL}[environments.latest]\n",
         "f:3: latest cannot be an environment: as a selector it means something else."),
        (f"{_MINIMAL}[environments.x]\n", "f:3: x cannot be an environment: as a selector it means something else."),
        (f"{_MINIMAL}limits = 3\n", "f:3: limits is a table: [limits]."),
        (f"{_MINIMAL}[limits]\nouput = 3\n", f"f:4: [limits] has no ouput. {_TAKES}"),
        (f"{_MINIMAL}[limits]\noutput = 0\n", "f:4: [limits] output must be a whole number above 0, not 0."),
        (f"{_MINIMAL}[limits]\noutput = true\n", "f:4: [limits] output must be a whole number above 0, not true."),
        (f"{_MINIMAL}[limits]\noutput = 1.5\n", "f:4: [limits] output must be a whole number above 0, not 1.5."),
        ("schema = 1\ndefault_environment = draft\n", "f:2:23: this is not TOML: invalid value."),
        ("schema = 1\nschema = 1\n", "f:2:11: this is not TOML: cannot overwrite a value."),
        ("schema = 1\n[environments.production\n",
         "f:2:25: this is not TOML: expected ']' at the end of a table declaration."),
        ('schema = 1\ndefault_environment = "dr\n', "f:2:26: this is not TOML: illegal character '\\n'."),
        ("schema = 1\nx = [1,", "f:2:8: this is not TOML: invalid value."),
        ("schema ＝ 1\n", ("f:1:8: full-width or curly signs stand here. Write them half-width: ＝ → = "
         "(全角の記号です。半角にしてください。)")),
        ("schema = 1\n[environmnts.x]\n[environments.Production]\n",
         f"f:3: 'Production' is not an environment's name: {_NAMES}"),
        ("schema = 1\n<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> b\n",
         "f:2: merge conflict markers stand here. Settle the conflict, then try again."),
        ("a = '\x01'\n", "f:1:6: the control character U+0001 cannot stand in this file. Remove it."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_the_file(text: str, sentence: str) -> None:
    assert said(FileError, read_settings, text.encode(), "f") == sentence


@pytest.mark.parametrize("schema", ["true", "1.0"])
def test_a_schema_is_a_whole_number(schema: str) -> None:
    text = f'schema = {schema}\ndefault_environment = "draft"\n'
    assert said(FileError, read_settings, text.encode(), "f").startswith("f: schema is ")


def test_bytes_that_are_not_utf8_are_told_with_their_place() -> None:
    assert said(FileError, read_settings, b"schema = 1\n# \xff\n", "f") == (
        "f:2:3: this is not UTF-8 (byte 0xff). Save the file as UTF-8."
    )


@pytest.mark.parametrize("text", [f"a = {'[' * 20_000}", f"a = {'{a = ' * 20_000}", f"a = {'9' * 5000}\n"])
def test_what_is_too_much_for_the_parser_is_told_in_words(text: str) -> None:
    assert said(FileError, read_settings, f"{_MINIMAL}{text}".encode(), "f").startswith("f")


_LINES = st.sampled_from(
    ["schema = 1", 'default_environment = "draft"', "[environments.a]", "[environments]", "environments = {}", "a = 1",
     "[limits]", "output = 1", "output = -1", "x = 2026-13-40", "x = {a = [1, ", "x = '''", "x = 1e999", "x = nan", "é"]
)  # fmt: skip


@given(st.binary(max_size=60) | st.lists(_LINES, max_size=7).map(lambda lines: "\n".join(lines).encode()))
@often
def test_any_bytes_are_settings_or_a_worded_error(data: bytes) -> None:
    found = value_or_words(read_settings, data, "f")
    if isinstance(found, FileError):
        assert found.path == "f"
    else:
        assert found.default_environment in (*found.environments, "draft", "latest")
