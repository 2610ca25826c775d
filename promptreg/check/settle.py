"""`check --fix`: takes git's conflict markers out of the files that promptreg writes."""

from __future__ import annotations

from collections.abc import Iterator

from promptreg.core.errors import FileError, IntegrityError, PromptregError
from promptreg.core.pins import FOLDER, Pin, read_pins, with_pin, without_pin
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.sums import read_sums
from promptreg.core.text import canonical, conflict_line, decode, digest
from promptreg.files import Writer, writing
from promptreg.git.repo import GitError
from promptreg.project import Project, View


def settle_conflicts(project: Project, revision: str) -> list[str]:
    """Take git's conflict markers out of versions.sum and environment files; returns what was done, in words.

    Sums keep the lines of both sides. Where the sides pin different versions, the settled branch's pin counts: ship
    again what this branch wanted.
    """
    done: list[str] = []
    conflicted = [path for path in _own_files(project) if _has_conflict(project, path)]
    if not conflicted:
        return done
    settled = _settled(project, revision)
    with writing(project.folder) as writer:
        for path in conflicted:
            try:
                done.append(_settle(project, path, settled, writer))
            except (FileError, IntegrityError):  # it stays as it is, and check tells of it
                continue
    project.reread()
    return done


def _settle(project: Project, path: str, settled: View | None, writer: Writer) -> str:
    """Settle one file; what was done, in words. GitError for an environment file where no branch is settled."""
    shown = project.folder.shown(path)
    sides = _sides(decode(project.folder.read(path) or b"", path))
    theirs = decode((settled.source.read(path) if settled else None) or b"", path)
    if path.endswith(SUMS_FILE):
        writer.write(path, _merged_sums(project, path, sides, theirs))
        return f"{shown}: kept the versions of both sides."
    if settled is None:
        raise GitError(f"{shown} has conflict markers. Which branch is settled? --base main")
    text, taken = _merged_pins(path, sides, theirs)
    writer.write(path, text)
    names = f" for {', '.join(taken)}. Ship again what this branch wanted" if taken else ""
    return f"{shown}: took the settled branch's pins{names}."


def _own_files(project: Project) -> Iterator[str]:
    for file in project.folder.files(FOLDER):
        yield f"{FOLDER}/{file}"
    for name in project.folder.names():
        yield f"{name}/{SUMS_FILE}"


def _has_conflict(project: Project, path: str) -> bool:
    try:
        data = project.folder.read(path)
        return data is not None and b"<<<<<<< " in data and conflict_line(decode(data, path)) is not None
    except (FileError, IntegrityError):  # not to be read, so not to be settled; check tells of it
        return False


def _settled(project: Project, revision: str) -> View | None:
    """The branch whose state is settled: the one named, else the remote's default branch, else a local main."""
    repository = project.repository
    candidates = [revision] if revision != "auto" else [repository.default_branch() or "", "main", "master"]
    for candidate in filter(None, candidates):
        try:
            return project.at(repository.commit_id(candidate))
        except GitError:
            if revision != "auto":
                raise
    return None


def _sides(text: str) -> tuple[str, str]:
    """The two texts that a text with conflict markers stands for."""
    sides: tuple[list[str], list[str]] = ([], [])
    here: tuple[int, ...] = (0, 1)
    for line in text.splitlines(keepends=True):
        if line.startswith("<<<<<<< "):
            here = (0,)
        elif line.startswith("||||||| "):
            here = ()
        elif line.rstrip("\n") == "=======" and here != (0, 1):
            here = (1,)
        elif line.startswith(">>>>>>> "):
            here = (0, 1)
        else:
            for side in here:
                sides[side].append(line)
    return "".join(sides[0]), "".join(sides[1])


def _merged_sums(project: Project, path: str, sides: tuple[str, str], settled: str) -> str:
    """Settled lines, then those of both sides; of two lines for one version the one that its file fits."""
    name = path.removesuffix(f"/{SUMS_FILE}")
    kept = {_what(line): line for line in settled.split("\n") if line.strip()}
    standing = frozenset(kept)
    for line in "".join(sides).split("\n"):
        if not line.strip() or _what(line) in standing:
            continue
        if _what(line) not in kept or _fits(project, name, line):
            kept[_what(line)] = line
    text = "".join(f"{line}\n" for line in kept.values())
    read_sums(text, project.folder.shown(path))
    return text


def _what(line: str) -> tuple[str, bool]:
    """The version that a line is about, and whether it withdraws it."""
    version, _, rest = line.partition(" ")
    return version, rest.startswith("yanked ")


def _fits(project: Project, name: str, line: str) -> bool:
    """Whether the version file that is there is the one a line describes."""
    words = line.partition(" # ")[0].split(" ")
    data = project.folder.read(f"{name}/versions/{words[0]}.txt")
    if data is None:
        return False
    sums = project.head.catalog.sums
    try:
        includes = {spec: sums(spec.partition("@")[0]).releases[spec.partition("@")[2]].digest for spec in words[3:]}
        return digest(canonical(data, name), includes) == words[1]
    except (PromptregError, KeyError):
        return False


def _merged_pins(path: str, sides: tuple[str, str], settled: str) -> tuple[str, list[str]]:
    ours, theirs = (read_pins(text, path) for text in sides)
    standing = read_pins(settled, path)
    text = sides[0]
    taken: list[str] = []
    for name in sorted(ours.keys() | theirs.keys()):
        if name in ours and name in theirs and ours[name].facts() == theirs[name].facts():
            continue
        pin: Pin | None = standing.get(name)
        mine = (ours.get(name) or theirs[name]).facts()
        if pin is None or pin.facts() != mine:
            taken.append(name)
        text = with_pin(text, pin) if pin else without_pin(text, name)
    return text, taken
