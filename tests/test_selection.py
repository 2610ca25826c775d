from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.core.errors import PromptNotFound, PromptregError, SpecError
from promptreg.git.repo import GitError
from promptreg.selection import Selection, dependencies_first, drafts_including, names_of, selected
from tests.support.place import Place
from tests.support.shipping import RIGHT, begun, prepared, said

NAMES = ["billing/refund", "shared/tone", "support/answer", "support/deep/answer", "support/refund"]


@pytest.fixture
def registry(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, begun)


@pytest.fixture
def many(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Five prompts, committed; two of them include shared/tone."""
    return prepared(tmp_path_factory, tmp_path, _many)


def _many(place: Place) -> None:
    begun(place)
    for name in NAMES:
        includes = '{% include "shared/tone" %}\n' if name.endswith("refund") else ""
        place.draft(name, f"{name}\n{includes}")
    place.commit()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("support/answer",), ["support/answer"]),
        (("support/answer", "shared/tone", "support/answer"), ["shared/tone", "support/answer"]),
        (("support/*",), ["support/answer", "support/deep/answer", "support/refund"]),
        (("*/refund",), ["billing/refund", "support/refund"]),
        (("support/?nswer", "billing/*"), ["billing/refund", "support/answer"]),
        (("*",), NAMES),
    ],
)
def test_names_and_patterns_mean_prompts_each_once_and_sorted(many: Place, names: tuple[str, ...], found: list[str]):
    assert selected(many.project(), Selection(names)) == found


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "support/anwser",
            PromptNotFound,
            "There is no prompt support/anwser under prompts. Did you mean support/answer?",
        ),
        ("nowhere/*", PromptNotFound, "No prompt matches nowhere/*."),
        ("Support/answer", SpecError, "Support/answer: names are lower-case. Did you mean support/answer?"),
        (
            "support/answer@1.0.0",
            SpecError,
            "support/answer@1.0.0: this is about prompts, not versions. Name the prompt: support/answer",
        ),
        ("../prompts", SpecError, None),
    ],
)
def test_what_means_no_prompt_is_told(many: Place, name: str, error: type[PromptregError], message: str | None):
    with pytest.raises(error) as caught:
        selected(many.project(), Selection((name,)))
    assert message is None or str(caught.value) == message


def test_all_means_every_prompt(many: Place):
    assert selected(many.project(), Selection(all=True)) == NAMES


def test_uses_means_the_drafts_that_include_a_partial(many: Place):
    assert selected(many.project(), Selection(uses="shared/tone")) == ["billing/refund", "support/refund"]


def test_uses_of_a_partial_that_is_not_there_is_told_with_a_near_match(many: Place):
    ran = many.run("release", "--uses", "shared/tome")
    assert ran.status == 2
    assert said(ran) == "There is no prompt shared/tome under prompts. Did you mean shared/tone?"


def test_uses_of_a_partial_that_nobody_includes_says_so(many: Place):
    ran = many.run("release", "--uses", "support/answer")
    first_sentence = (ran.out + said(ran)).partition(".")[0]
    assert "support/answer" in first_sentence
    assert "Changed drafts" not in first_sentence


def test_ways_to_select_add_up(many: Place):
    chosen = Selection(("support/answer",), uses="shared/tone")
    assert selected(many.project(), chosen) == ["billing/refund", "support/answer", "support/refund"]


@pytest.mark.parametrize("command", [["release"], ["ship", "--to", "production"]])
def test_a_command_that_was_told_nothing_asks_what_it_is_about(many: Place, command: list[str]):
    ran = many.run(*command)
    assert ran.status == 2
    assert said(ran) == (
        f"Name a prompt, a pattern in quotes ('support/*'), --all or --changed. promptreg {command[0]} --help "
        "shows how."
    )


def test_a_base_without_changed_is_a_mistake(many: Place):
    ran = many.run("release", "--all", "--base", "main")
    assert (ran.status, said(ran)) == (2, "--base goes with --changed. promptreg release --help shows how.")


# What changed


def test_changed_means_prompts_any_of_whose_files_differ_new_and_untracked_ones_too(many: Place):
    many.draft("support/answer", RIGHT)
    many.write("prompts/support/refund/evals/suite.yaml", "scorers: {}\n")
    many.draft("new/one", RIGHT)
    many.write("prompts/README.md", "Not a prompt")
    many.write("elsewhere/prompt.md", "Not in the registry")
    assert selected(many.project(), Selection(changed=True)) == ["new/one", "support/answer", "support/refund"]


def test_changed_counts_the_branchs_commits_and_not_what_main_did_meanwhile(many: Place):
    many.git("checkout", "-q", "-b", "feature")
    many.draft("support/answer", RIGHT)
    many.commit()
    many.git("checkout", "-q", "main")
    many.draft("billing/refund", RIGHT)
    many.commit()
    many.git("checkout", "-q", "feature")
    assert selected(many.project(), Selection(changed=True)) == ["support/answer"]


def test_changed_against_a_revision_that_is_named(many: Place):
    many.draft("support/answer", RIGHT)
    many.commit()
    many.draft("support/refund", RIGHT)
    many.commit()
    project = many.project()
    found = [selected(project, Selection(changed=True, base=base)) for base in ("HEAD~2", "HEAD~1", "HEAD")]
    assert found == [["support/answer", "support/refund"], ["support/refund"], []]


def test_changed_against_a_revision_that_is_not_there_is_told(many: Place):
    with pytest.raises(GitError, match=r"^git knows no revision nowhere\.$"):
        selected(many.project(), Selection(changed=True, base="nowhere"))


def test_changed_before_the_first_commit_says_what_to_do(repo: Place):
    repo.registry()
    with pytest.raises(GitError) as caught:
        selected(repo.project(), Selection(changed=True))
    assert str(caught.value) == "there is no base revision to tell what changed. Name one: --base REV"


def test_changed_outside_of_git_is_told(folder: Place):
    folder.registry()
    with pytest.raises(GitError, match=r"is not inside a git repository\. git init makes one\.$"):
        selected(folder.project(), Selection(changed=True))


def test_nothing_changed_is_nothing_to_release_and_no_error(many: Place):
    ran = many.ok("release", "--changed")
    assert ran.out == "Nothing to release: no draft is ahead of its newest version.\n"


def test_a_file_belongs_to_the_prompt_with_the_longest_name_around_it(many: Place):
    many.draft("support", "A prompt whose folder holds others\n")
    paths = [
        "support/answer/prompt.md",
        "support/answer/evals/results/1.0.0/x.json",
        "support/prompt.md",
        "support/other/readme.txt",
        "environments/production.yaml",
        "promptreg.toml",
    ]
    view = many.project().head
    assert [names_of([path], view) for path in paths] == [
        ["support/answer"],
        ["support/answer"],
        ["support"],
        ["support"],
        [],
        [],
    ]


def test_a_prompt_that_was_removed_does_not_make_the_one_around_it_a_changed_one(many: Place):
    many.draft("support", "A prompt whose folder holds others\n")
    many.commit()
    (many.path / "prompts/support/answer/prompt.md").unlink()
    assert selected(many.project(), Selection(changed=True)) == []


# Who stands on whom


_LETTERS = "abcdef"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_partials_stand_before_those_that_include_them(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    includes = {
        name: data.draw(st.sets(st.sampled_from(_LETTERS[:at]))) if at else set() for at, name in enumerate(_LETTERS)
    }
    place = Place(tmp_path_factory.mktemp("registry"))
    place.write("prompts/promptreg.toml", 'schema = 1\ndefault_environment = "draft"\n')
    for name, inner in includes.items():
        place.draft(name, f"{name}\n" + "".join(f'{{% include "{other}" %}}\n' for other in sorted(inner)))
    wanted = data.draw(st.lists(st.sampled_from(_LETTERS), unique=True))
    order = dependencies_first(place.project().head, wanted)
    assert sorted(order) == sorted(wanted)
    assert all(order.index(inner) < order.index(name) for name in order for inner in includes[name] if inner in order)


def test_includes_that_go_round_are_told_with_the_way(registry: Place):
    registry.draft("a", '{% include "b" %}\n')
    registry.draft("b", '{% include "c" %}\n')
    registry.draft("c", '{% include "a" %}\n')
    ran = registry.run("release", "--all", "--json")
    assert (ran.status, said(ran)) == (2, "includes go round: a → b → c → a.")


def test_a_draft_that_cannot_be_read_includes_nothing_as_far_as_can_be_said(many: Place):
    many.draft("support/refund", '{% include "shared/tone" %}{{ broken\n')
    assert drafts_including(many.project().head, "shared/tone") == ["billing/refund"]
