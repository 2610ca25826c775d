"""`check --fix`: mends what is mechanical, says so, and loses nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from promptreg.check.change import Change
from promptreg.check.frozen import FrozenFile, frozen_files, is_released, removed_prompts, users_of_removed
from promptreg.core.errors import PromptregError
from promptreg.core.pins import Pin, environment_path, with_pin
from promptreg.core.source import DRAFT
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.text import canonical, decode
from promptreg.evals.reading import read_result
from promptreg.evals.results import OUTPUTS
from promptreg.files import LOCAL, Writer, writing
from promptreg.git.base import Base
from promptreg.git.repo import GitError
from promptreg.project import Project, View

SAVED = f"{LOCAL}/saved"


def mend(change: Change) -> list[str]:
    """Put back what is frozen, and pins that an amended release left behind; returns what was done, in words.

    What cannot be read or written is left as it is: check tells of it.
    """
    if change.before is None:
        return []
    removed = {name for name in removed_prompts(change) if not users_of_removed(change, name)}
    with writing(change.project.folder) as writer:
        mender = _Mender(change, change.before, writer)
        for file in frozen_files(change, removed):
            mender.guard(partial(mender.put_back, file))
        change.project.reread()
        for path in change.paths:
            mender.guard(partial(mender.set_aside, path))
        for environment in change.head.catalog.settings.environments:
            mender.guard(partial(mender.pins, environment))
    change.project.reread()
    return mender.done


class _Mender:
    """Mends one thing after another, and notes in `done` what it did."""

    def __init__(self, change: Change, before: View, writer: Writer) -> None:
        self.change = change
        self.before = before
        self.writer = writer
        self.done: list[str] = []

    def guard(self, step: Callable[[], None]) -> None:
        """Do one step; what it cannot do stops no other."""
        try:
            step()
        except PromptregError:
            return

    def _did(self, path: str, what: str) -> None:
        self.done.append(f"{self.change.head.source.shown(path)}: {what}")

    def put_back(self, file: FrozenFile) -> None:
        """Give a frozen file base's bytes."""
        if file.rest == SUMS_FILE:
            self._sums(file)
        elif file.rest.startswith("versions/"):
            self._version(file)
        else:
            self.writer.write(file.path, file.old)
            self._did(file.path, "put back; a stored result is evidence.")

    def _sums(self, file: FrozenFile) -> None:
        settled = [line for line in decode(file.old, file.path).split("\n") if line.strip()]
        try:
            now = decode(file.now or b"", file.path).split("\n")
        except PromptregError:
            saved = self._save(file, SUMS_FILE)
            self.writer.write(file.path, file.old)
            self._did(file.path, f"put back the lines of base; what stood there is in {saved}.")
            return
        remaining = iter(now)
        if all(line in remaining for line in settled):
            return
        known = {line.split(" ", 1)[0] for line in settled}
        extra = [line for line in now if line.strip() and line not in settled and _is_new(line, known)]
        self.writer.write(file.path, "".join(f"{line}\n" for line in [*settled, *extra]))
        self._did(file.path, "put back the lines of base.")

    def _version(self, file: FrozenFile) -> None:
        version = is_released(self.change, file)
        if version is None:
            return
        if file.now is None:
            what = "put back; released versions stay."
        elif file.now.split() == file.old.split():
            what = "put back (only white space differed; exclude versions/ from your formatter)."
        else:
            what = f"put back; your edit is in {self._keep_edit(file, version, file.now)}."
        self.writer.write(file.path, file.old)
        self._did(file.path, what)

    def _keep_edit(self, file: FrozenFile, version: str, edit: bytes) -> str:
        """Move an edit of a frozen file to the draft where the draft says nothing new itself, else beside it."""
        draft_path = f"{file.name}/{DRAFT}"
        draft = self.change.head.source.read(draft_path)
        is_prompt = _text(edit) is not None
        if is_prompt and (draft is None or draft == edit or _text(draft) == _text(file.old)):
            self.writer.write(draft_path, edit)
            return self.change.head.source.shown(draft_path)
        why = "prompt.md has changes of its own" if is_prompt else "it is no prompt as it stands"
        return f"{self._save(file, f'{version}.md')} ({why})"

    def _save(self, file: FrozenFile, name: str) -> str:
        """Keep what a file holds among what this machine saved; how messages name the place."""
        data = file.now or b""
        stem, _, ending = name.rpartition(".")
        path = _saved(file.name, f"{stem}-{hashlib.sha256(data).hexdigest()[:8]}.{ending}")
        self.writer.write(path, data)
        return self.change.head.source.shown(path)

    def set_aside(self, path: str) -> None:
        """Move a result away that this branch made of a text which its version does not have any more."""
        name = self.change.prompt_of(path)
        if name is None or "/evals/results/" not in path or path.endswith(OUTPUTS) or not path.endswith(".json"):
            return
        source = self.change.head.source
        data = source.read(path)
        if data is None or self.before.source.has(path):
            return
        result = read_result(data, path)
        release = self.change.head.catalog.sums(name).releases.get(result.version)
        if release is None or release.digest == result.digest:
            return
        for file in (path, path.removesuffix(".json") + OUTPUTS):
            content = source.read(file)
            if content is not None:
                saved = _saved(name, f"{result.version}-{file.rpartition('/')[2]}")
                self.writer.write_all({saved: content, file: None})
        self._did(path, f"moved to {source.shown(SAVED)}; it is of another text than {name} {result.version}.")

    def pins(self, environment: str) -> None:
        """New digests for pins of versions that this branch released again under the same number, and no `previous`
        in a pin that went back, where base does not show it: it is the way that needs no gate.
        """
        catalog = self.change.head.catalog
        path = environment_path(environment)
        text = catalog.pins_text(environment)
        done: list[str] = []
        for name, pin in catalog.pins(environment).items():
            made = self._mended(environment, pin)
            if made is not None:
                amended = made.digest != pin.digest
                which = f"{name} {pin.version}"
                done.append(
                    f"{which} has its amended digest." if amended else f"took previous out of {which}, which went back."
                )
                text = with_pin(text, made)
        if done:
            self.writer.write(path, text)
        for what in done:
            self._did(path, what)

    def _mended(self, environment: str, pin: Pin) -> Pin | None:
        """What a pin should be; None where nothing mechanical is wrong with it."""
        try:
            release = self.change.head.catalog.sums(pin.name).releases.get(pin.version)
        except PromptregError:
            return None
        sums = self.change.base_sums(pin.name)
        if release and release.digest != pin.digest and sums and pin.version not in sums.releases:
            return Pin(pin.name, pin.version, release.digest, previous=pin.previous, rollout=pin.rollout)
        if _went_back(self.before, environment, pin):
            return Pin(pin.name, pin.version, pin.digest, rollout=pin.rollout)
        return None


def _is_new(line: str, known: set[str]) -> bool:
    """Whether a line says what no settled one does: another version, or that one is withdrawn."""
    words = line.split(" ", 2)
    return words[0] not in known or words[1:2] == ["yanked"]


def _saved(name: str, file: str) -> str:
    return f"{SAVED}/{name.replace('/', '__')}-{file}"


def _text(data: bytes) -> str | None:
    try:
        return canonical(data, "draft")
    except PromptregError:
        return None


def _went_back(before: View, environment: str, pin: Pin) -> bool:
    """Whether a pin returned to what base calls its `previous`, and names one of its own."""
    try:
        standing = before.catalog.pin(environment, pin.name)
    except PromptregError:
        return False
    went_back = standing is not None and standing.previous == (pin.version, pin.digest)
    return went_back and standing is not None and pin.previous not in (None, (standing.version, standing.digest))


def base_for(project: Project, base: Base | None) -> Base:
    """The base to mend by: the one check uses, else what is settled here; GitError where there is neither."""
    found = base or project.base()
    if found is None:
        raise GitError("--fix restores from a base revision, and there is none. Name one: --base main")
    return found
