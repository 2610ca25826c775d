"""Names of prompts and environments, and specs: `NAME[@SELECTOR]`."""

from __future__ import annotations

from promptreg.core.errors import SpecError
from promptreg.core.versions import check_range, is_version, precedence

MAX_NAME = 200
_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
_FIRST = _LOWER | frozenset("0123456789")
_REST = _FIRST | frozenset("._-")
_ENVIRONMENT_REST = _FIRST | frozenset("-")
_RESERVED = frozenset({"versions", "evals", "environments", "prompt.md", "versions.sum", "promptreg.toml"})
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
_NOT_ENVIRONMENTS = frozenset({"latest", "draft", "x"})
_RANGE_START = frozenset("0123456789^~<>=*xXvV|")


def check_name(name: str) -> str:
    """The name itself, or SpecError with the rule that it breaks."""
    problem = _name_problem(name)
    if problem:
        raise SpecError(problem)
    return name


def is_name(name: str) -> bool:
    """Whether a text can be a prompt's name."""
    return _name_problem(name) is None


def _name_problem(name: str) -> str | None:
    if not name:
        return "A prompt's name is missing."
    if len(name) > MAX_NAME:
        return f"{name[:40]}…: a name has at most {MAX_NAME} characters; this one has {len(name)}."
    if "\\" in name:
        return f"{name}: names are joined by /, not by a backslash."
    for segment in name.split("/"):
        if _is_spelt(segment):
            if segment in _RESERVED:
                kind = "file" if "." in segment else "folder"
                return f"{name}: {segment} is a {kind} of promptreg's own and cannot stand in a name."
            if segment.partition(".")[0] in _DEVICES:
                return f"{name}: {segment} is a device name on Windows and cannot stand in a name."
        else:
            return _bad_segment(name)
    return None


def _is_spelt(segment: str) -> bool:
    return bool(segment) and segment[0] in _FIRST and _REST.issuperset(segment) and segment[-1] != "."


def is_segment(segment: str) -> bool:
    """Whether a text can stand between two / of a name."""
    return _is_spelt(segment) and segment not in _RESERVED and segment.partition(".")[0] not in _DEVICES


def _bad_segment(name: str) -> str:
    if any(ord(character) > 127 for character in name):
        return (
            f"{name}: names are lower-case a–z, 0–9 and . _ - / (they become folders and telemetry values). "
            "Put the Japanese title into description:."
            if any("\u3040" <= character <= "\u9fff" for character in name)
            else f"{name}: names are lower-case a–z, 0–9 and . _ - / (they become folders and telemetry values). "
            "Put the title into description:."
        )
    if name != name.lower() and _name_problem(name.lower()) is None:
        return f"{name}: names are lower-case. Did you mean {name.lower()}?"
    return (
        f"{name}: a name is made of segments a–z, 0–9 and . _ - joined by /, each beginning with a letter or digit "
        "and not ending with a dot (support/answer)."
    )


def check_environment_name(name: str) -> str:
    """The name itself, or SpecError: environments are `[a-z][a-z0-9-]*`, and not latest, draft or x."""
    if name in _NOT_ENVIRONMENTS:
        raise SpecError(f"{name} cannot be an environment: as a selector it means something else.")
    if not (name and name[0] in _LOWER and _ENVIRONMENT_REST.issuperset(name)):
        raise SpecError(f"{name!r} is not an environment's name: lower-case letters, digits and -, a letter first.")
    return name


class Selector:
    """What stands behind the @: `kind` is version, range, environment, latest, draft or git; `value` its text."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: str) -> None:
        self.kind = kind
        self.value = value

    def __repr__(self) -> str:
        return f"Selector({self.kind!r}, {self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selector) and (self.kind, self.value) == (other.kind, other.value)

    def __hash__(self) -> int:
        return hash((self.kind, self.value))


_MOST_SELECTOR = 256
LATEST = Selector("latest", "latest")
DRAFT = Selector("draft", "draft")
_FIXED = {"latest": LATEST, "draft": DRAFT}


def parse_selector(text: str) -> Selector:
    """Read a selector; SpecError where it is none."""
    if text in _FIXED:
        return _FIXED[text]
    if text.startswith("git:"):
        if not text[4:]:
            raise SpecError("git: needs a revision, as in git:main.")
        return Selector("git", text[4:])
    if len(text) > _MOST_SELECTOR:
        raise SpecError(f"The selector behind @ has {len(text):,} characters; {_MOST_SELECTOR} are the most.")
    if not text.strip():
        raise SpecError("The selector behind @ is empty. Name a version, a range, an environment, latest or draft.")
    if is_version(text):
        return Selector("version", text)
    if text[0] in _LOWER and _ENVIRONMENT_REST.issuperset(text) and text != "x":
        return Selector("environment", text)
    if "+" in text:
        raise SpecError(f"{text!r}: versions carry no build metadata. Leave out {text[text.index('+') :]!r}.")
    if text[0] in _RANGE_START or text[0].isspace():
        _check_whole_version(text)
        check_range(text)
        return Selector("range", text)
    raise SpecError(
        f"{text!r} is not a selector. Write a version (1.2.0), a range (^1.2), an environment (production), latest "
        "or draft."
    )


def _check_whole_version(text: str) -> None:
    """SpecError with what is wrong where three numbers were meant to be a version and are not one."""
    parts = text.split(".")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        precedence(text)


def parse_spec(spec: str) -> tuple[str, Selector | None]:
    """`support/answer@1.2.0` → its name and selector (None where there is none); SpecError where it cannot be read."""
    try:
        name, at, selector = spec.partition("@")
    except (AttributeError, TypeError):
        raise SpecError(f"a spec is a text, such as support/answer@1.2.0, not {type(spec).__name__}.") from None
    check_name(name)
    return name, parse_selector(selector) if at else None
