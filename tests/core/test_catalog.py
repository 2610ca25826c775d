from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.catalog import Catalog, read_spec
from promptreg.core.errors import (
    EnvironmentNotFound,
    FileError,
    IntegrityError,
    LimitError,
    PromptFileError,
    PromptNotFound,
    PromptregError,
    RegistryNotFound,
    SpecError,
    VersionNotFound,
)
from promptreg.core.names import DRAFT, Selector, parse_selector
from promptreg.core.source import Files
from promptreg.core.text import digest
from promptreg.core.versions import precedence
from tests.support.place import released
from tests.support.reading import often, said, value_or_words

_SETTINGS = """\
schema = 1
default_environment = "production"
[environments.staging]
[environments.production]
[limits]
include_depth = 3
"""
_FORMATTER = (
    "A formatter (prettier, mdformat, end-of-file-fixer) often does this. promptreg check --fix restores it from the "
    "base branch; exclude versions/ from the formatter."
)
_ANSWER = "support/answer"


class _Registry:
    """The files of a registry under construction."""

    def __init__(self) -> None:
        self.files = {"promptreg.toml": _SETTINGS}

    @property
    def catalog(self) -> Catalog:
        return Catalog(Files({path: text.encode() for path, text in self.files.items()}, "prompts/"))

    def release(self, *versions: str, name: str = _ANSWER, includes: dict[str, str] | None = None) -> str:
        return [released(self.files, name, version, f"{name} {version}\n", includes) for version in versions][-1]

    def yank(self, *versions: str) -> None:
        for version in versions:
            self.files[f"{_ANSWER}/versions.sum"] += f"{version} yanked 2026-12-01 # Bad\n"

    def pin(self, version: str, pinned: str, environment: str = "production") -> None:
        path = f"environments/{environment}.yaml"
        entry = f"{_ANSWER}:\n  version: {version}\n  digest: {pinned}\n"
        self.files[path] = self.files.get(path, "# Pins.\n") + entry

    def chosen(self, selector: str, name: str = _ANSWER) -> str:
        return self.catalog.resolve(name, parse_selector(selector)).version

    def refused(self, kind: type[PromptregError], selector: str, name: str = _ANSWER) -> str:
        return said(kind, self.catalog.resolve, name, parse_selector(selector))


@pytest.fixture
def registry() -> _Registry:
    """Nothing but a promptreg.toml."""
    return _Registry()


@pytest.fixture
def answer(registry: _Registry) -> _Registry:
    """support/answer 1.0.0, 1.1.0, 2.0.0-rc.1 and a draft; production runs 1.0.0."""
    registry.pin("1.0.0", registry.release("1.0.0"))
    registry.release("1.1.0", "2.0.0-rc.1")
    registry.files[f"{_ANSWER}/prompt.md"] = "Draft.\n"
    return registry


# What a selector means


@pytest.mark.parametrize(
    ("selector", "version", "source"),
    [
        ("1.0.0", "1.0.0", "version"),
        ("2.0.0-rc.1", "2.0.0-rc.1", "version"),
        ("1", "1.1.0", "range"),
        ("^1.0", "1.1.0", "range"),
        ("~1.0.0", "1.0.0", "range"),
        ("<1.1", "1.0.0", "range"),
        ("*", "1.1.0", "range"),
        (">=2.0.0-0", "2.0.0-rc.1", "range"),
        ("1.x || 2.x", "1.1.0", "range"),
        ("latest", "1.1.0", "latest"),
        ("draft", "draft", "draft"),
    ],
)
def test_each_selector_comes_to_one_version(answer: _Registry, selector: str, version: str, source: str) -> None:
    choice = answer.catalog.resolve(_ANSWER, parse_selector(selector))
    assert (choice.version, choice.source, choice.environment, choice.digest) == (version, source, None, None)


def test_an_environment_comes_to_what_it_pins(answer: _Registry) -> None:
    choice = answer.catalog.resolve(_ANSWER, parse_selector("production"))
    pinned = answer.catalog.sums(_ANSWER).releases["1.0.0"].digest
    assert (choice.version, choice.source, choice.environment) == ("1.0.0", "environment", "production")
    assert choice.digest == pinned


@pytest.mark.parametrize(
    ("released_", "selector", "newest"),
    [
        (["1.9.0", "1.10.0", "1.2.0"], "1", "1.10.0"),
        (["1.2.0", "3.0.0-alpha"], "1.2.0 || 3.0.0-alpha", "3.0.0-alpha"),
        (["1.0.0", "2.0.0-rc.1"], "<=2.0.0-rc.1", "2.0.0-rc.1"),
        (["1.0.0", "1.1.0-rc.1", "1.1.0-rc.2"], ">=1.1.0-rc.1", "1.1.0-rc.2"),
        (["1.0.0", "1.1.0-rc.1"], ">=1.0.0", "1.0.0"),
    ],
)
def test_a_range_takes_its_newest_match_as_npm_does(
    registry: _Registry, released_: list[str], selector: str, newest: str
) -> None:
    """The pre-releases that a range names count like any other match: npm's maxSatisfying."""
    registry.release(*released_)
    assert registry.chosen(selector) == newest


def test_a_yanked_version_is_served_by_its_number_and_its_pin_alone(answer: _Registry) -> None:
    answer.yank("1.1.0", "1.0.0")
    answer.release("0.9.0")
    assert answer.chosen("1.1.0") == "1.1.0"
    assert answer.chosen("production") == "1.0.0"
    assert answer.chosen("latest") == "0.9.0"
    assert answer.chosen("*") == "0.9.0"


def test_latest_is_a_pre_release_where_there_is_nothing_else(registry: _Registry) -> None:
    registry.release("1.0.0-rc.1", "1.0.0-rc.2")
    assert registry.chosen("latest") == "1.0.0-rc.2"


def test_a_revision_is_for_the_command_line(answer: _Registry) -> None:
    assert answer.refused(SpecError, "git:main") == "support/answer@git:main: revisions work on the command line only."


@pytest.mark.parametrize(
    ("spec", "default", "selector"),
    [
        ("a", "production", Selector("environment", "production")),
        ("a", "draft", DRAFT),
        ("a@1.0.0", "production", Selector("version", "1.0.0")),
    ],
)
def test_a_spec_without_a_selector_means_the_default(spec: str, default: str, selector: Selector) -> None:
    assert read_spec(spec, None, default) == ("a", selector)


# What there is not


@pytest.mark.parametrize(
    ("selector", "sentence"),
    [
        ("1.0.9", "support/answer has no 1.0.9. It has 1.0.0, 1.1.0, 2.0.0-rc.1."),
        ("^3", "support/answer has no ^3. It has 1.0.0, 1.1.0, 2.0.0-rc.1."),
        ("staging", ("support/answer has no version in staging. It has 1.0.0, 1.1.0, 2.0.0-rc.1. Promote one: "
         "promptreg promote support/answer@1.1.0 --to staging")),
    ],
)  # fmt: skip
def test_a_version_that_is_not_there_is_told_with_those_that_are(
    answer: _Registry, selector: str, sentence: str
) -> None:
    assert answer.refused(VersionNotFound, selector) == sentence


@pytest.mark.parametrize(
    ("selector", "sentence"),
    [
        ("1.0.0", "support/answer has no 1.0.0: it was never released. promptreg release support/answer does it."),
        ("latest", "support/answer has no latest: it was never released. promptreg release support/answer does it."),
        ("^1", "support/answer has no ^1: it was never released. promptreg release support/answer does it."),
        ("production",
         ("support/answer has no version in production. It has a draft. Ship it: promptreg ship support/answer --to "
         "production — or run with PROMPTREG_ENV=draft.")),
    ],
)  # fmt: skip
def test_a_draft_that_was_never_released_is_told_so(registry: _Registry, selector: str, sentence: str) -> None:
    registry.files[f"{_ANSWER}/prompt.md"] = "Draft.\n"
    assert registry.refused(VersionNotFound, selector) == sentence


def test_a_prompt_without_a_draft_says_how_to_get_one(registry: _Registry) -> None:
    registry.release("1.0.0", "1.1.0")
    assert registry.refused(VersionNotFound, "draft") == (
        "support/answer has no draft. promptreg draft support/answer@1.1.0 makes one from a version."
    )


@pytest.mark.parametrize("selector", ["1.0.0", "^1", "latest", "draft", "production"])
def test_a_prompt_that_is_not_there_is_told_with_a_near_one(answer: _Registry, selector: str) -> None:
    assert answer.refused(PromptNotFound, selector, "support/anser") == (
        "There is no prompt support/anser under prompts. Did you mean support/answer?"
    )
    answer.release("1.0.0", name="zebra")
    assert answer.refused(PromptNotFound, selector, "q") == (
        "There is no prompt q under prompts. There are 2 prompts: support/answer, zebra."
    )


@pytest.mark.parametrize("selector", ["1.0.0", "^1", "latest", "draft", "production"])
def test_an_image_without_prompts_is_told_what_may_have_left_them_out(registry: _Registry, selector: str) -> None:
    assert registry.refused(PromptNotFound, selector) == (
        "No prompt support/answer under prompts: there is promptreg.toml and no prompt. If this is an image, see "
        "whether .dockerignore excludes *.md or *.txt. Found there: 0 prompts."
    )


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ("prodution",
         "There is no environment prodution. There are staging, production. Did you mean production?"),
        ("qa", "There is no environment qa. There are staging, production."),
    ],
)  # fmt: skip
def test_an_environment_that_is_not_there_is_told_with_those_that_are(
    answer: _Registry, environment: str, sentence: str
) -> None:
    assert answer.refused(EnvironmentNotFound, environment) == sentence
    assert said(EnvironmentNotFound, answer.catalog.pins, environment) == sentence
    assert said(EnvironmentNotFound, answer.catalog.pin, environment, _ANSWER) == sentence


def test_a_registry_without_environments_says_so(registry: _Registry) -> None:
    registry.files["promptreg.toml"] = 'schema = 1\ndefault_environment = "draft"\n'
    assert registry.refused(EnvironmentNotFound, "production") == (
        "There is no environment production. promptreg.toml names none."
    )


@pytest.mark.parametrize("selector", ["latest", "^1", "production"])
def test_of_a_prompt_whose_versions_are_all_yanked_that_is_told(registry: _Registry, selector: str) -> None:
    registry.release("1.0.0", "1.1.0")
    registry.yank("1.0.0", "1.1.0")
    sentence = registry.refused(VersionNotFound, selector)
    assert "yanked" in sentence
    assert "promptreg promote" not in sentence


def test_a_draft_can_be_had_of_a_prompt_whose_versions_are_all_yanked(registry: _Registry) -> None:
    registry.release("1.0.0", "1.1.0")
    registry.yank("1.0.0", "1.1.0")
    assert registry.refused(VersionNotFound, "draft") == (
        "support/answer has no draft. promptreg draft support/answer@1.1.0 makes one from a version."
    )


def test_a_range_whose_matches_are_all_yanked_says_so(answer: _Registry) -> None:
    answer.yank("1.0.0", "1.1.0")
    assert "yanked" in answer.refused(VersionNotFound, "^1")


def test_a_prompt_whose_sums_are_empty_is_not_its_own_near_match(registry: _Registry) -> None:
    registry.files[f"{_ANSWER}/versions.sum"] = ""
    registry.release("1.0.0", name="zebra")
    assert "Did you mean support/answer" not in str(value_or_words(registry.chosen, "1.0.0"))


def test_what_a_prompt_has_is_never_told_short_without_a_sign_of_it(registry: _Registry) -> None:
    registry.release(*[f"1.{minor}.0" for minor in range(12)])
    sentence = registry.refused(VersionNotFound, "2.0.0")
    assert "1.11.0" in sentence
    assert "1.0.0" in sentence or "…" in sentence or "12" in sentence or "older" in sentence


# What is verified


def test_a_released_version_is_served_with_its_text_and_digest(answer: _Registry) -> None:
    text = "support/answer 1.1.0\n"
    assert answer.catalog.released(_ANSWER, "1.1.0") == (text, digest(text, {}))


def test_line_ends_and_a_mark_are_no_edit(answer: _Registry) -> None:
    path = f"{_ANSWER}/versions/1.1.0.txt"
    text = answer.files[path]
    for same in (text.replace("\n", "\r\n"), "\ufeff" + text, text + "\n", text.removesuffix("\n")):
        answer.files[path] = same
        assert answer.catalog.released(_ANSWER, "1.1.0")[0] == text


def test_a_released_file_that_was_edited_is_refused(answer: _Registry) -> None:
    before = answer.catalog.sums(_ANSWER).releases["1.1.0"].digest
    answer.files[f"{_ANSWER}/versions/1.1.0.txt"] = "Edited.\n"
    after = digest("Edited.\n", {})
    assert said(IntegrityError, answer.catalog.released, _ANSWER, "1.1.0") == (
        "prompts/support/answer/versions/1.1.0.txt: support/answer 1.1.0 is not what was released "
        f"(sha256 {before[7:11]}… → {after[7:11]}…). {_FORMATTER}"
    )
    assert answer.catalog.released(_ANSWER, "1.0.0")[0] == "support/answer 1.0.0\n"


def test_an_edited_line_of_sums_is_refused(answer: _Registry) -> None:
    right = answer.catalog.sums(_ANSWER).releases["1.1.0"].digest
    path = f"{_ANSWER}/versions.sum"
    answer.files[path] = answer.files[path].replace(right, f"sha256:{'0' * 64}")
    assert said(IntegrityError, answer.catalog.released, _ANSWER, "1.1.0") == (
        "prompts/support/answer/versions/1.1.0.txt: support/answer 1.1.0 is not what was released "
        f"(sha256 0000… → {right[7:11]}…). {_FORMATTER}"
    )


def test_a_released_file_that_is_gone_is_told(answer: _Registry) -> None:
    del answer.files[f"{_ANSWER}/versions/1.1.0.txt"]
    assert said(IntegrityError, answer.catalog.released, _ANSWER, "1.1.0") == (
        "prompts/support/answer/versions/1.1.0.txt: support/answer 1.1.0 was released, and its file is gone. "
        "promptreg check --fix restores it from the base branch. If this is an image, see that .dockerignore keeps "
        "*.txt."
    )


def test_a_file_without_a_line_is_no_version(answer: _Registry) -> None:
    answer.files[f"{_ANSWER}/versions/3.0.0.txt"] = "A leftover.\n"
    assert "3.0.0" not in answer.catalog.sums(_ANSWER).versions()
    assert said(VersionNotFound, answer.catalog.released, _ANSWER, "3.0.0") == (
        "support/answer has no 3.0.0. It has 1.0.0, 1.1.0, 2.0.0-rc.1."
    )


def test_a_released_file_with_conflict_markers_is_told_with_its_line(answer: _Registry) -> None:
    answer.files[f"{_ANSWER}/versions/1.1.0.txt"] = "A\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> d\n"
    assert said(PromptFileError, answer.catalog.released, _ANSWER, "1.1.0") == (
        "prompts/support/answer/versions/1.1.0.txt:2: merge conflict markers stand here, in a version, which is never "
        "edited. Take one side of it whole, and release the other again: git checkout --ours "
        "prompts/support/answer/versions/1.1.0.txt && promptreg check --fix"
    )


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (f"{_ANSWER}/versions.sum",
         ("prompts/support/answer/versions.sum:1: this is not a line of versions.sum (VERSION sha256:… DATE "
         "[INCLUDES] # MESSAGE).")),
        ("environments/production.yaml", ("prompts/environments/production.yaml:1: 'rubbish' is not the name of a "
         "prompt and a colon. An environment file holds entries of promptreg's own and comments, nothing else.")),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_with_path_and_line(answer: _Registry, path: str, sentence: str) -> None:
    answer.files[path] = "rubbish\n"
    catalog = answer.catalog
    assert said(FileError, catalog.sums if "sum" in path else catalog.pins,
                _ANSWER if "sum" in path else "production") == sentence  # fmt: skip


def test_a_draft_is_read_as_canonical_text(answer: _Registry) -> None:
    answer.files[f"{_ANSWER}/prompt.md"] = "\ufeffOne.\r\n\r\n"
    assert answer.catalog.draft(_ANSWER) == "One.\n"
    assert answer.catalog.draft("shared/tone") is None
    answer.files[f"{_ANSWER}/prompt.md"] = "a\x00"
    assert said(PromptFileError, answer.catalog.draft, _ANSWER) == (
        "prompts/support/answer/prompt.md:1:2: the control character U+0000 cannot stand in this file. Remove it."
    )


# Pins


def test_a_pin_of_a_version_that_was_never_released_is_refused(registry: _Registry) -> None:
    registry.pin("2.0.0", registry.release("1.0.0"))
    assert registry.refused(IntegrityError, "production") == (
        "prompts/environments/production.yaml:2: production pins support/answer 2.0.0, which was never released. It "
        "has 1.0.0."
    )


def test_a_pin_whose_digest_is_not_that_of_its_version_is_refused(registry: _Registry) -> None:
    found = registry.release("1.0.0")
    registry.pin("1.0.0", f"sha256:{'0' * 64}")
    assert registry.refused(IntegrityError, "production") == (
        f"prompts/environments/production.yaml:2: production pins support/answer 1.0.0 as sha256:00000000…, and that "
        f"version is {found[:15]}…. promptreg check --fix mends a pin that an amended release left behind."
    )


def test_one_pin_is_found_in_a_file_whose_other_entries_are_damaged(answer: _Registry) -> None:
    answer.files["environments/production.yaml"] += "zebra: rubbish\n"
    pin = answer.catalog.pin("production", _ANSWER)
    assert pin is not None
    assert pin.version == "1.0.0"
    assert said(FileError, answer.catalog.pins, "production").startswith("prompts/environments/production.yaml:5: ")


def test_an_environment_without_a_file_pins_nothing(answer: _Registry) -> None:
    assert answer.catalog.pins("staging") == {}
    assert answer.catalog.pin("staging", _ANSWER) is None


# Includes


def _with_tone(registry: _Registry) -> str:
    """support/answer 1.0.0 that includes shared/tone 1.0.0; returns the partial's digest."""
    tone = registry.release("1.0.0", name="shared/tone")
    registry.release("1.0.0", includes={"shared/tone@1.0.0": tone})
    return tone


def test_the_digest_of_a_version_counts_its_includes_in(registry: _Registry) -> None:
    tone = _with_tone(registry)
    expected = digest("support/answer 1.0.0\n", {"shared/tone@1.0.0": tone})
    assert registry.catalog.released(_ANSWER, "1.0.0") == ("support/answer 1.0.0\n", expected)
    assert expected != digest("support/answer 1.0.0\n", {})


def test_an_include_that_was_edited_is_refused_where_it_stands(registry: _Registry) -> None:
    _with_tone(registry)
    registry.files["shared/tone/versions/1.0.0.txt"] = "Be rude.\n"
    assert said(IntegrityError, registry.catalog.released, _ANSWER, "1.0.0").startswith(
        "prompts/shared/tone/versions/1.0.0.txt: shared/tone 1.0.0 is not what was released (sha256 "
    )


def test_an_include_that_was_released_anew_does_not_match(registry: _Registry) -> None:
    _with_tone(registry)
    del registry.files["shared/tone/versions.sum"]
    released(registry.files, "shared/tone", "1.0.0", "Be rude.\n")
    assert said(IntegrityError, registry.catalog.released, _ANSWER, "1.0.0").startswith(
        "prompts/support/answer/versions/1.0.0.txt: support/answer 1.0.0 is not what was released (sha256 "
    )


@pytest.mark.parametrize("lines", ["1.0.0 {} 2026-11-20", "1.0.0 {} 2026-11-20 shared/rules@1.0.0"])
def test_another_list_of_includes_does_not_match(registry: _Registry, lines: str) -> None:
    _with_tone(registry)
    registry.release("1.0.0", name="shared/rules")
    found = registry.catalog.sums(_ANSWER).releases["1.0.0"].digest
    registry.files[f"{_ANSWER}/versions.sum"] = lines.format(found) + "\n"
    assert said(IntegrityError, registry.catalog.released, _ANSWER, "1.0.0").startswith(
        "prompts/support/answer/versions/1.0.0.txt: support/answer 1.0.0 is not what was released (sha256 "
    )


@pytest.mark.parametrize("gone", ["prompt", "version"])
def test_an_include_that_is_gone_is_told_with_what_includes_it(registry: _Registry, gone: str) -> None:
    _with_tone(registry)
    if gone == "prompt":
        del registry.files["shared/tone/versions.sum"]
    else:
        registry.files["shared/tone/versions.sum"] = registry.files["shared/tone/versions.sum"].replace("1.0", "2.0")
    sentence = said(IntegrityError, registry.catalog.released, _ANSWER, "1.0.0")
    assert "shared/tone" in sentence
    assert _ANSWER in sentence


def test_includes_that_go_round_in_sums_are_refused(registry: _Registry) -> None:
    nothing = f"sha256:{'0' * 64}"
    released(registry.files, "a", "1.0.0", "A\n", {"b@1.0.0": nothing})
    released(registry.files, "b", "1.0.0", "B\n", {"a@1.0.0": nothing})
    released(registry.files, "c", "1.0.0", "C\n", {"c@1.0.0": nothing})
    assert said(IntegrityError, registry.catalog.released, "a", "1.0.0") == (
        "includes go round: a@1.0.0 → b@1.0.0 → a@1.0.0."
    )
    assert said(IntegrityError, registry.catalog.released, "c", "1.0.0") == ("includes go round: c@1.0.0 → c@1.0.0.")


def _chain(registry: _Registry, length: int) -> None:
    """p0 1.0.0 includes p1 1.0.0, and so on."""
    below: dict[str, str] = {}
    for number in range(length - 1, -1, -1):
        below = {f"p{number}@1.0.0": released(registry.files, f"p{number}", "1.0.0", f"{number}\n", below)}


_TOO_DEEP = "prompts/p0/versions/1.0.0.txt: partials stand too deep (include_depth under [limits])."


def test_partials_stand_inside_one_another_as_deep_as_the_limit_says(registry: _Registry) -> None:
    _chain(registry, 5)
    assert registry.catalog.released("p1", "1.0.0")[0] == "1\n"
    assert said(LimitError, registry.catalog.released, "p0", "1.0.0") == _TOO_DEEP


def test_what_is_too_deep_does_not_depend_on_what_was_loaded_before(registry: _Registry) -> None:
    _chain(registry, 5)
    catalog = registry.catalog
    catalog.released("p2", "1.0.0")
    assert said(LimitError, catalog.released, "p0", "1.0.0") == _TOO_DEEP


# The whole


def test_a_folder_without_promptreg_toml_is_no_registry() -> None:
    assert said(RegistryNotFound, Catalog, Files({}, "prompts/")) == (
        "prompts/: there is no promptreg.toml here, so this is no registry."
    )


_VERSIONS = st.sampled_from(["0.9.0", "1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "2.0.0"])


@given(
    st.lists(_VERSIONS, unique=True),
    st.sets(_VERSIONS),
    st.sampled_from(["latest", "*", "^1", "1.2.0", "~1.2", "<2", ">=2.0.0-0", "production", "draft", "qa", "9.9.9"]),
)
@often
def test_what_a_selector_comes_to_was_released(versions: list[str], yanked: set[str], selector: str) -> None:
    registry = _Registry()
    if versions:
        registry.release(*versions)
        registry.yank(*sorted(yanked & set(versions)))
    found = value_or_words(registry.chosen, selector)
    if isinstance(found, str):
        assert found in versions
        if selector in {"latest", "*", "^1", "~1.2", "<2", ">=2.0.0-0"}:
            assert found not in yanked
        if selector == "*":
            standing = [version for version in versions if version not in yanked and "-" not in version]
            assert found == max(standing, key=precedence)


@given(st.text(alphabet=f"0123456789abc# \n{chr(92)}:@./-", max_size=40), st.sampled_from(["sums", "pins", "file"]))
@often
def test_damage_anywhere_gives_a_worded_error_or_the_right_text(damage: str, where: str) -> None:
    registry = _Registry()
    registry.pin("1.0.0", registry.release("1.0.0"))
    path = {"sums": f"{_ANSWER}/versions.sum", "pins": "environments/production.yaml",
            "file": f"{_ANSWER}/versions/1.0.0.txt"}[where]  # fmt: skip
    registry.files[path] = damage + registry.files[path]

    def load() -> str:
        catalog = registry.catalog
        choice = catalog.resolve(_ANSWER, parse_selector("production"))
        return catalog.released(_ANSWER, choice.version)[0]

    found = value_or_words(load)
    assert isinstance(found, PromptregError) or found == "support/answer 1.0.0\n"
