"""`check --fix`: mends what is mechanical, says so, and loses nothing."""

from __future__ import annotations

import hashlib

from promptreg.check.change import Change, prompt_of
from promptreg.check.frozen import removed_prompts, users_of_removed
from promptreg.core.errors import PromptregError
from promptreg.core.pins import Pin, environment_path, with_pin
from promptreg.core.source import DRAFT
from promptreg.core.sums import FILE as SUMS_FILE
from promptreg.core.text import canonical, decode
from promptreg.evals.results import OUTPUTS, read_result
from promptreg.files import LOCAL, Writer, writing
from promptreg.git.base import Base
from promptreg.git.repo import GitError
from promptreg.project import Project, View

SAVED = f"{LOCAL}/saved"


def mend(change: Change) -> list[str]:
    """Put back what is frozen, and pins that an amended release left behind; returns what was done, in words."""
    before = change.before
    done: list[str] = []
    if before is None:
        return done
    removed = {name for name in removed_prompts(change) if not users_of_removed(change, name)}
    with writing(change.project.folder) as writer:
        for path in change.paths:
            name = prompt_of(path)
            old = before.source.read(path)
            if name is None or name in removed or old is None or change.base_sums(name) is None:
                continue
            rest = path[len(name) + 1 :]
            if rest == SUMS_FILE:
                done.extend(_mend_sums(change, writer, path, old))
            elif rest.startswith("versions/"):
                done.extend(_mend_version(change, before, writer, name, path, old))
            elif rest.startswith("evals/results/"):
                done.extend(_mend_result(change, writer, path, old))
        change.project.reread()
        done.extend(_set_aside(change, before, writer))
        done.extend(_mend_pins(change, before, writer))
    change.project.reread()
    return done


def _mend_sums(change: Change, writer: Writer, path: str, old: bytes) -> list[str]:
    now = decode(change.head.source.read(path) or b"", path).split("\n")
    settled = [line for line in decode(old, path).split("\n") if line.strip()]
    remaining = iter(now)
    if all(line in remaining for line in settled):
        return []
    known = {line.split(" ", 1)[0] for line in settled}
    extra = [
        line
        for line in now
        if line.strip() and line not in settled and (line.split(" ", 1)[0] not in known or " yanked " in line)
    ]
    writer.write(path, "".join(f"{line}\n" for line in [*settled, *extra]))
    return [f"{change.head.source.shown(path)}: put back the lines of base."]


def _mend_version(change: Change, before: View, writer: Writer, name: str, path: str, old: bytes) -> list[str]:
    version = path.rpartition("/")[2].removesuffix(".txt")
    if version not in before.catalog.sums(name).releases:
        return []
    shown = change.head.source.shown(path)
    now = change.head.source.read(path)
    if now is None:
        writer.write(path, old)
        return [f"{shown}: put back; released versions stay."]
    if now.split() == old.split():
        writer.write(path, old)
        return [f"{shown}: put back (only white space differed; exclude versions/ from your formatter)."]
    where = _keep_edit(change, writer, name, version, now, old)
    writer.write(path, old)
    return [f"{shown}: put back; your edit is in {where}."]


def _keep_edit(change: Change, writer: Writer, name: str, version: str, edit: bytes, old: bytes) -> str:
    """Move an edit of a frozen file to the draft where the draft says nothing new itself, else beside it."""
    draft_path = f"{name}/{DRAFT}"
    draft = change.head.source.read(draft_path)
    is_prompt = _text(edit) is not None
    if is_prompt and (draft is None or draft == edit or _text(draft) == _text(old)):
        writer.write(draft_path, edit)
        return change.head.source.shown(draft_path)
    saved = _saved(name, f"{version}-{hashlib.sha256(edit).hexdigest()[:8]}.md")
    writer.write(saved, edit)
    why = "prompt.md has changes of its own" if is_prompt else "it is no prompt as it stands"
    return f"{change.head.source.shown(saved)} ({why})"


def _saved(name: str, file: str) -> str:
    return f"{SAVED}/{name.replace('/', '__')}-{file}"


def _text(data: bytes) -> str | None:
    try:
        return canonical(data, "draft")
    except PromptregError:
        return None


def _mend_result(change: Change, writer: Writer, path: str, old: bytes) -> list[str]:
    if change.head.source.read(path) is None and path.endswith(OUTPUTS):
        return []
    writer.write(path, old)
    return [f"{change.head.source.shown(path)}: put back; a stored result is evidence."]


def _set_aside(change: Change, before: View, writer: Writer) -> list[str]:
    """Move results away that this branch made of a text which its version does not have any more."""
    done = []
    for path in change.paths:
        name = prompt_of(path)
        data = change.head.source.read(path) if name else None
        if name is None or data is None or "/evals/results/" not in path or path.endswith(OUTPUTS):
            continue
        if before.source.has(path) or not path.endswith(".json"):
            continue
        try:
            result = read_result(data, path)
        except PromptregError:
            continue
        release = change.head.catalog.sums(name).releases.get(result.version)
        if release is None or release.digest == result.digest:
            continue
        for file in (path, path.removesuffix(".json") + OUTPUTS):
            content = change.head.source.read(file)
            if content is not None:
                writer.write_all({_saved(name, f"{result.version}-{file.rpartition('/')[2]}"): content, file: None})
        shown = change.head.source.shown
        done.append(f"{shown(path)}: moved to {shown(SAVED)}; it is of another text than {name} {result.version}.")
    return done


def _mend_pins(change: Change, before: View, writer: Writer) -> list[str]:
    """New digests for pins of versions that this branch released again under the same number, and no `previous` in a
    pin that went back, where base does not show it: it is the way that needs no gate.
    """
    done = []
    catalog = change.head.catalog
    for environment in catalog.settings.environments:
        text = catalog.pins_text(environment)
        try:
            pins = catalog.pins(environment)
        except PromptregError:
            continue
        for name, pin in pins.items():
            shown = change.head.source.shown(environment_path(environment))
            release = catalog.sums(name).releases.get(pin.version)
            sums = change.base_sums(name)
            amended = release and release.digest != pin.digest and sums and pin.version not in sums.releases
            if release and amended:
                made = Pin(name, pin.version, release.digest, previous=pin.previous, rollout=pin.rollout)
                text = with_pin(text, made)
                done.append(f"{shown}: {name} {pin.version} has its amended digest.")
            elif _went_back(before, environment, pin):
                text = with_pin(text, Pin(name, pin.version, pin.digest, rollout=pin.rollout))
                done.append(f"{shown}: took previous out of {name} {pin.version}, which went back.")
        if text != catalog.pins_text(environment):
            writer.write(environment_path(environment), text)
    return done


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
