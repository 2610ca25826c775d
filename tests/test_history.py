from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from promptreg.history import Event, history
from tests.support.place import Place
from tests.support.shipping import (
    RIGHT,
    WRONG,
    as_hana,
    begun,
    cases,
    environment_text,
    prepared,
    said,
)

NAME = "support/answer"
PRODUCTION = "prompts/environments/production.yaml"


@pytest.fixture
def registry(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepared(tmp_path_factory, tmp_path, begun)


@pytest.fixture
def lived(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A life of five days in January 2026: first version, second, promotion, another prompt, rollback."""
    return prepared(tmp_path_factory, tmp_path, _lived)


def on(place: Place, moment: str, message: str) -> str:
    """Commit everything at a time."""
    place.git("add", "-A")
    command = ["git", "commit", "-q", "-m", message]
    environ = {"GIT_COMMITTER_DATE": moment, "GIT_AUTHOR_DATE": moment}
    with place.inside(environ):
        subprocess.run(command, cwd=place.path, check=True)
    return place.git("rev-parse", "HEAD")


def _lived(place: Place) -> None:
    place.init()
    place.registry()
    on(place, "2026-01-01T12:00:00+00:00", "Begin")
    place.draft(NAME)
    place.ok("ship", NAME, "--to", "production", "-m", "First")
    on(place, "2026-01-02T12:00:00+00:00", "Ship answer")
    place.draft(NAME, RIGHT)
    place.ok("release", NAME, "-m", "Second")
    on(place, "2026-01-03T12:00:00+00:00", "Release answer")
    place.ok("promote", NAME, "--to", "production")
    on(place, "2026-01-04T12:00:00+00:00", "Promote answer")
    place.draft("support/refund")
    place.ok("release", "support/refund", "-m", "Refunds")
    on(place, "2026-01-05T12:00:00+00:00", "Release refund")


def told(place: Place, *options: str) -> list[tuple[str, str, str, str | None]]:
    """The events: day, what, of which version, where."""
    events = place.ok("history", *options, "--json").json["events"]
    return [((row["at"] or "now")[:10], row["event"], row["version"], row["environment"]) for row in events]


# Events


def test_history_tells_releases_and_promotions_newest_first(lived: Place):
    assert told(lived)[:3] == [
        ("2026-01-05", "released", "1.0.0", None),
        ("2026-01-04", "promoted", "1.0.1", "production"),
        ("2026-01-03", "released", "1.0.1", None),
    ]
    assert set(told(lived)[3:]) == {
        ("2026-01-02", "released", "1.0.0", None),
        ("2026-01-02", "promoted", "1.0.0", "production"),
    }


def test_an_event_says_who_and_in_which_commit(lived: Place):
    event = lived.ok("history", NAME, "--in", "production", "--json").json["events"][0]
    assert event == {
        "at": "2026-01-04T12:00:00+00:00",
        "by": "Aki <aki@example.com>",
        "commit": lived.git("log", "--format=%H", "--grep=Promote answer"),
        "event": "promoted",
        "name": NAME,
        "version": "1.0.1",
        "environment": "production",
        "from": "1.0.0",
        "message": "",
        "earlier": False,
    }


def test_history_as_text(lived: Place):
    commit = lived.git("log", "--format=%H", "--grep=Release refund")[:9]
    line = lived.ok("history", "support/refund").out.splitlines()[-1]
    assert line.split() == ["2026-01-05", "12:00", "Aki", commit, "released", "support/refund", "1.0.0", "Refunds"]


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ([], 5),
        ([NAME], 4),
        (["support/refund"], 1),
        (["--in", "production"], 2),
        (["support/refund", "--in", "production"], 0),
        (["--since", "2026-01-03"], 3),
        (["--since", "2026-01-03T12:00:00+00:00"], 3),
        (["--since", "2026-01-03T12:00:01+00:00"], 2),
        (["--since", "2026-01-03T22:00:00+09:00"], 2),
        (["--since", "2026-01-03T20:00:00+09:00"], 3),
        (["--since", "2030-01-01"], 0),
    ],
)
def test_history_of_one_prompt_of_one_environment_and_since_a_moment(lived: Place, options: list[str], number: int):
    assert len(told(lived, *options)) == number


@pytest.mark.parametrize("since", ["nonsense", "2026-13-01", "01/02/2026"])
def test_a_since_that_is_no_date_is_told(lived: Place, since: str):
    ran = lived.run("history", "--since", since)
    assert ran.status == 2
    assert since in said(ran)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["support/anser"], "There is no prompt support/anser under prompts. Did you mean support/answer?"),
        (["--in", "prodution"], "There is no environment prodution. There is production. Did you mean production?"),
        (["--at", "HEAD"], "--at needs an environment: --in ENV. promptreg history --help shows how."),
        (["--at", "nowhere", "--in", "production"], "git knows no revision nowhere."),
        (["--at", "2020-01-01", "--in", "production"], "there is no commit before 2020-01-01."),
    ],
)
def test_a_history_that_cannot_be(lived: Place, arguments: list[str], message: str):
    ran = lived.run("history", *arguments)
    assert (ran.status, said(ran)) == (2, message)


def test_a_prompt_that_was_removed_still_has_its_history(lived: Place):
    for path in sorted((lived.path / "prompts/support/refund").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    on(lived, "2026-01-06T12:00:00+00:00", "Remove refund")
    assert ("2026-01-05", "released", "1.0.0", None) in told(lived, "support/refund")


def test_without_git_history_says_what_it_needs(folder: Place):
    folder.registry()
    ran = folder.run("history")
    assert ran.status == 2
    assert said(ran).endswith("is not inside a git repository. git init makes one.")


def test_in_a_new_registry_nothing_has_happened(registry: Place):
    assert registry.ok("history").out == "Nothing has happened yet.\n"


# Every kind of event


def test_yanks_rollbacks_and_unpins_are_told(lived: Place):
    lived.ok("rollback", NAME, "--in", "production")
    on(lived, "2026-01-06T12:00:00+00:00", "Roll back")
    lived.ok("yank", f"{NAME}@1.0.1", "-m", "Leaks")
    on(lived, "2026-01-07T12:00:00+00:00", "Yank")
    lived.ok("unpin", NAME, "--in", "production")
    on(lived, "2026-01-08T12:00:00+00:00", "Unpin")
    events = lived.ok("history", "--since", "2026-01-06", "--json").json["events"]
    assert [(row["event"], row["version"], row["from"], row["message"]) for row in events] == [
        ("unpinned", "1.0.0", "1.0.0", ""),
        ("yanked", "1.0.1", None, "Leaks"),
        ("rolled-back", "1.0.0", "1.0.1", ""),
    ]


def test_a_waiver_is_told_with_its_verdict_its_author_and_its_reason_for_ever(
    lived: Place, monkeypatch: pytest.MonkeyPatch
):
    as_hana(lived, monkeypatch)
    lived.suite(NAME, cases(2))
    lived.draft(NAME, WRONG)
    lived.ok("release", NAME)
    lived.ok("promote", NAME, "--to", "production", "--force", "-m", "The provider is down")
    on(lived, "2026-01-06T12:00:00+00:00", "Force")
    lived.ok("rollback", NAME, "--in", "production")
    on(lived, "2026-01-07T12:00:00+00:00", "Roll back")
    (waived,) = (row for row in lived.ok("history", NAME, "--json").json["events"] if row["event"] == "waived")
    assert (waived["version"], waived["from"], waived["environment"]) == ("1.0.2", "1.0.1", "production")
    assert waived["message"].startswith("missing (")
    assert waived["message"].endswith("Hana <hana@example.com>: The provider is down")


def test_an_amended_release_is_told_again(lived: Place):
    lived.git("checkout", "-q", "-b", "feature")
    for number, text in enumerate((WRONG, "Third {{ question }}\n"), start=6):
        lived.draft(NAME, text)
        lived.ok("ship", NAME, "--to", "production", "-m", f"Try {number}")
        on(lived, f"2026-01-0{number}T12:00:00+00:00", f"Try {number}")
    events = lived.ok("history", NAME, "--since", "2026-01-06", "--json").json["events"]
    released = [(row["version"], row["message"]) for row in events if row["event"] == "released"]
    assert released == [("1.0.2", "Try 7"), ("1.0.2", "Try 6")]


# What is not committed


def test_what_is_not_committed_comes_first_and_has_neither_time_nor_author(lived: Place):
    lived.draft("support/refund", RIGHT)
    lived.ok("ship", "support/refund", "--to", "production", "-m", "Now")
    events = lived.ok("history", "--json").json["events"]
    found = {(row["event"], row["version"], row["at"], row["by"], row["commit"]) for row in events[:2]}
    assert found == {("released", "1.0.1", None, None, None), ("promoted", "1.0.1", None, None, None)}
    assert len(events) == 7


def test_before_the_first_commit_everything_is_not_committed(repo: Place):
    repo.registry()
    repo.draft(NAME)
    repo.ok("ship", NAME, "--to", "production")
    assert sorted(event for _, event, _, _ in told(repo)) == ["promoted", "released"]


def test_a_change_that_is_no_event_is_none(lived: Place):
    lived.write(PRODUCTION, "# Another word.\n" + environment_text(lived))
    lived.draft(NAME, "Unfinished\n")
    lived.write("prompts/environments/notes.txt", "support/answer:\n")
    assert len(told(lived)) == 5


# Branches


def test_events_of_a_merged_branch_are_told_with_their_own_commits(lived: Place):
    lived.git("checkout", "-q", "-b", "feature")
    lived.ok("promote", "support/refund", "--to", "production")
    promoted = on(lived, "2026-01-06T12:00:00+00:00", "Promote refund")
    lived.git("checkout", "-q", "main")
    lived.write("other.txt", "x")
    on(lived, "2026-01-07T12:00:00+00:00", "Something else")
    lived.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    events = lived.ok("history", "support/refund", "--json").json["events"]
    assert [(row["event"], row["commit"]) for row in events if row["event"] == "promoted"] == [("promoted", promoted)]


def test_a_pin_that_was_settled_in_a_merge_commit_is_told(lived: Place):
    """Two branches promoted different versions; the merge settled on a third. Production runs it since the merge."""
    for text in (WRONG, "Third {{ question }}\n", "Fourth {{ question }}\n"):
        lived.draft(NAME, text)
        lived.ok("release", NAME)
    on(lived, "2026-01-06T12:00:00+00:00", "Versions")
    lived.git("checkout", "-q", "-b", "feature")
    lived.ok("promote", f"{NAME}@1.0.2", "--to", "production")
    on(lived, "2026-01-07T12:00:00+00:00", "Ours")
    lived.git("checkout", "-q", "main")
    lived.ok("promote", f"{NAME}@1.0.3", "--to", "production")
    on(lived, "2026-01-08T12:00:00+00:00", "Theirs")
    with pytest.raises(subprocess.CalledProcessError):
        lived.git("merge", "feature")
    lived.git("checkout", "-q", "--ours", PRODUCTION)
    lived.ok("promote", f"{NAME}@1.0.4", "--to", "production")
    merge = on(lived, "2026-01-09T12:00:00+00:00", "Settled")
    events = lived.ok("history", NAME, "--in", "production", "--json").json["events"]
    assert (events[0]["version"], events[0]["commit"]) == ("1.0.4", merge)
    (row,) = lived.ok("list", "--in", "production", "--json").json["prompts"]
    assert (row["version"], row["since"][:10]) == ("1.0.4", "2026-01-09")


def test_a_state_that_could_not_be_read_hides_no_move(lived: Place):
    """Conflict markers were committed, and mended with another version in the next commit."""
    whole = environment_text(lived)
    lived.write(PRODUCTION, "<<<<<<< a\n" + whole + "=======\n>>>>>>> b\n")
    on(lived, "2026-01-06T12:00:00+00:00", "Torn")
    lived.write(PRODUCTION, whole)
    lived.ok("promote", f"{NAME}@1.0.0", "--to", "production")
    on(lived, "2026-01-07T12:00:00+00:00", "Mended")
    assert told(lived, "--in", "production")[0] == ("2026-01-07", "rolled-back", "1.0.0", "production")


@pytest.mark.parametrize("subject", ["hid\x01den", ":100644 100644 a b M"])
def test_no_commit_message_hides_a_promotion(lived: Place, subject: str):
    lived.ok("promote", "support/refund", "--to", "production")
    on(lived, "2026-01-06T12:00:00+00:00", subject)
    assert told(lived, "support/refund", "--in", "production") == [("2026-01-06", "promoted", "1.0.0", "production")]


def test_an_author_whose_name_is_no_utf_8_can_be_printed(lived: Place):
    lived.ok("promote", "support/refund", "--to", "production")
    lived.git("add", "-A")
    tree = lived.git("write-tree")
    head = lived.git("rev-parse", "HEAD")
    commit = (
        f"tree {tree}\nparent {head}\nauthor ".encode()
        + b"Ren\xe9 <rene@example.com> 1767700800 +0000\n"
        + b"committer Ren\xe9 <rene@example.com> 1767700800 +0000\n\nLatin\n"
    )
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=lived.path,
        input=commit,
        capture_output=True,
        check=True,
    )
    lived.git("reset", "-q", "--hard", made.stdout.decode().strip())
    for options in ([], ["--json"]):
        ran = lived.ok("history", *options)
        assert "Ren" in ran.out
        assert ran.out.encode("utf-8")


@pytest.mark.parametrize("folder_name", ["prompts [new]", "prompts*", "日本"])
def test_a_registry_in_a_folder_with_odd_letters_has_its_history(repo: Place, folder_name: str):
    repo.ok("init", folder_name)
    repo.write(f"{folder_name}/{NAME}/prompt.md", RIGHT)
    place = Place(repo.path / folder_name)
    place.ok("ship", NAME, "--to", "production")
    repo.commit()
    events = place.ok("history", "--json").json["events"]
    assert sorted((row["event"], row["commit"] is None) for row in events) == [("promoted", False), ("released", False)]


# What an environment ran then


@pytest.mark.parametrize(
    ("moment", "version"),
    [
        ("HEAD", "1.0.1"),
        ("HEAD~1", "1.0.1"),
        ("HEAD~2", "1.0.0"),
        ("main", "1.0.1"),
        ("2026-01-02T11:59:59+00:00", None),
        ("2026-01-02T12:00:01+00:00", "1.0.0"),
        ("2026-01-04T11:59:59+00:00", "1.0.0"),
        ("2026-01-04T12:00:01+00:00", "1.0.1"),
        ("2026-01-04T20:59:59+09:00", "1.0.0"),
        ("2026-01-04T21:00:01+09:00", "1.0.1"),
    ],
)
def test_what_an_environment_ran_at_a_revision_or_a_moment(lived: Place, moment: str, version: str | None):
    facts = lived.ok("history", "--in", "production", "--at", moment, "--json").json
    assert facts["environment"] == "production"
    assert {name: row["version"] for name, row in facts["prompts"].items()} == ({NAME: version} if version else {})


def test_a_date_without_a_time_means_the_same_at_every_time_of_the_day(registry: Place):
    """git itself would read `2026-01-04` as that day at the present hour."""
    registry.draft(NAME)
    registry.ok("ship", NAME, "--to", "production")
    on(registry, "2026-01-03T12:00:00+00:00", "Before")
    for hour, text in ((0, RIGHT), (23, WRONG)):
        registry.draft(NAME, text)
        registry.ok("ship", NAME, "--to", "production")
        on(registry, f"2026-01-04T{hour:02}:{59 if hour else 0:02}:30+00:00", f"At {hour}")
    ran = registry.run("history", "--in", "production", "--at", "2026-01-04", "--json", environ={"TZ": "UTC"})
    assert ran.status == 0
    assert ran.json["prompts"][NAME]["version"] in ("1.0.0", "1.0.2")


def test_what_it_ran_then_of_one_prompt_and_as_text(lived: Place):
    commit = lived.git("rev-parse", "HEAD~2")
    assert lived.ok("history", NAME, "--in", "production", "--at", "HEAD~2").out.splitlines() == [
        f"production at HEAD~2 ({commit[:9]})",
        "support/answer  1.0.0",
    ]
    assert lived.ok("history", "support/refund", "--in", "production", "--at", "HEAD").out.splitlines()[1] == (
        "It ran nothing."
    )


def test_a_commit_before_the_registry_is_told(repo: Place):
    repo.commit()
    repo.registry()
    repo.commit()
    ran = repo.run("history", "--in", "production", "--at", "HEAD~1")
    assert (ran.status, said(ran)) == (2, f"{repo.git('rev-parse', 'HEAD~1')[:12]} holds no registry at prompts/.")


def test_what_main_ran_then_is_asked_of_the_main_line_and_not_of_a_branch_merged_later(lived: Place):
    lived.git("checkout", "-q", "-b", "feature", "HEAD~1")
    lived.ok("rollback", NAME, "--in", "production")
    on(lived, "2026-01-05T13:00:00+00:00", "On the branch")
    lived.git("checkout", "-q", "main")
    with lived.inside({"GIT_COMMITTER_DATE": "2026-01-08T12:00:00+00:00"}):
        subprocess.run(
            ["git", "merge", "-q", "--no-ff", "-m", "Merge", "feature"], cwd=lived.path, check=True, capture_output=True
        )
    found = [
        lived.ok("history", "--in", "production", "--at", f"2026-01-0{day}T00:00:00Z", "--json").json["prompts"]
        for day in (7, 9)
    ]
    assert [row[NAME]["version"] for row in found] == ["1.0.1", "1.0.0"]


def test_the_library_gives_the_same_events_as_data(lived: Place):
    events = history(lived.project(), frozenset({"support/refund"}))
    assert [type(event) for event in events] == [Event]
    assert (events[0].event, events[0].version, events[0].message) == ("released", "1.0.0", "Refunds")


def test_a_shallow_clone_does_not_say_who_did_what_was_there_before_it_begins(tmp_path: Path):
    origin = Place(tmp_path / "origin")
    origin.path.mkdir()
    origin.init().registry()
    origin.draft("a")
    origin.ok("release", "a", "-m", "First")
    origin.commit("One")
    origin.write("note.txt", "x")
    origin.commit("Two")
    origin.draft("a", "Other {{ question }}\n")
    origin.ok("release", "a", "-m", "Second")
    origin.commit("Three")
    origin.git("clone", "-q", "--depth=2", f"file://{origin.path}", str(tmp_path / "clone"))
    clone = Place(tmp_path / "clone")
    events = clone.ok("history", "--json").json["events"]
    assert [(event["version"], event["by"] is None, event["earlier"]) for event in events] == [
        ("1.0.1", False, False),
        ("1.0.0", True, True),
    ]
    text = clone.ok("history").out
    assert "before this clone" in text
    assert text.endswith("git fetch --unshallow brings it.\n")


def test_a_branch_whose_name_begins_like_a_date_is_a_revision(registry: Place):
    registry.git("branch", "2026-11-20-hotfix")
    assert registry.ok("history", "--in", "production", "--at", "2026-11-20-hotfix").out.endswith("It ran nothing.\n")
    ran = registry.run("history", "--in", "production", "--at", "2026-13-40")
    assert (ran.status, "is no date" in ran.err) == (2, True)
