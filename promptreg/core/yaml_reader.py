"""The one YAML reader.

Plain scalars are `true false null ~` and JSON numbers; everything else is a string (`yes`, dates, `1:30`, `010`).
Duplicate keys, anchors, aliases, tags and numbers without a finite value are errors. It is written on the events of
PyYAML's parser, because PyYAML's own constructors guess types, let the last duplicate win and forget positions.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from promptreg.core.errors import FileError
from promptreg.core.limits import LIMITS
from promptreg.core.text import CONFLICT, marked_line

_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBER_START = frozenset("-0123456789")
DEPTH = LIMITS["data_depth"][0]

#: What YAML takes for the end of a line and nobody else does.
_BREAKS = ("\x85", "\u2028", "\u2029")
_UNREADABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"

Path = tuple[str | int, ...]

_WIDE_COLON = (
    "the colon behind {key} is full-width, so this is no key. Write {key}: with a space behind it. "
    "(全角のコロンです。半角の : と空白にしてください。)"
)


def _wide_colon(lines: list[str], numbers: range) -> tuple[int, int, str] | None:
    """The first of some lines (from 0) that has a key and a full-width colon: its number, the column, the key."""
    import re

    for number in numbers:
        line = lines[number] if number < len(lines) else ""
        found = re.match(r"""\s*(?:- )?\{?\s*["']?([A-Za-z_][\w.-]*)["']?\s*：""", line)
        if found:
            return number, found.end(), found[1]
    return None


class YamlText:
    """A YAML text that was read: `data`, and where in its file each part stands."""

    __slots__ = ("data", "depth", "error", "first_line", "path", "text")

    def __init__(self, text: str, path: str, first_line: int, error: type[FileError], depth: int) -> None:
        self.text = text
        self.path = path
        self.first_line = first_line
        self.error = error
        self.depth = depth
        self.data = _Reader(self).read()

    def where(self, at: Path = (), *, key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at a path of keys and indexes, or of its key.

        Where the path leads nowhere, the place of the last part that is there.
        """
        marks: dict[tuple[Path, bool], tuple[int, int]] = {}
        _Reader(self, marks).read()
        while at and (at, False) not in marks:
            at = at[:-1]
        return marks.get((at, key)) or marks.get((at, False)) or (self.first_line, 1)

    def problem(self, message: str, at: Path = (), *, key: bool = False) -> FileError:
        """An error about the value (or the key) at a path; where a full-width colon is behind it, about that."""
        line, column = self.where(at, key=key)
        wide = _wide_colon(self.text.split("\n"), range(line - self.first_line, line - self.first_line + 1))
        if wide is not None:
            return self.error(_WIDE_COLON.format(key=wide[2]), path=self.path, line=line, column=wide[1])
        return self.error(message, path=self.path, line=line, column=column)


def read_yaml(
    text: str, path: str, *, first_line: int = 1, error: type[FileError] = FileError, depth: int = DEPTH
) -> YamlText:
    """Read one YAML document. `first_line` is the line of the file on which the text begins.

    An empty text is null. Raises `error` with path, line and column for what is not YAML as described above, and for
    lists and mappings that stand more than `depth` deep inside one another.
    """
    return YamlText(text, path, first_line, error, depth)


class _Reader:
    def __init__(self, of: YamlText, marks: dict[tuple[Path, bool], tuple[int, int]] | None = None) -> None:
        self.text = of.text
        self.path = of.path
        self.first_line = of.first_line
        self.error = of.error
        self.depth = of.depth
        self.marks = marks
        self.events = getattr(yaml, "CBaseLoader", yaml.BaseLoader)(of.text)

    def read(self) -> Any:
        for character in _BREAKS:
            if character in self.text:
                raise self._character(character)
        try:
            return self._document()
        except yaml.MarkedYAMLError as problem:
            raise self._syntax(problem) from None
        except yaml.reader.ReaderError:
            raise self._character(self._unreadable()) from None
        finally:
            self.events.dispose()

    def _unreadable(self) -> str:
        import re

        found = re.search(_UNREADABLE, self.text)
        return found[0] if found else ""

    def _character(self, character: str) -> FileError:
        before = self.text[: self.text.find(character)]
        name = f"U+{ord(character):04X}" if character else "that YAML does not know"
        return self.error(
            f"the character {name} cannot stand here. Remove it, or write it as an escape in double quotes.",
            path=self.path,
            line=before.count("\n") + self.first_line,
            column=len(before) - before.rfind("\n"),
        )

    def _document(self) -> Any:
        self.events.get_event()
        event = self.events.get_event()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        if event.version or event.tags:
            raise self._at("YAML directives (%) are not used here. Remove the line.", event)
        data = self._value(self.events.get_event(), (), 0)
        self.events.get_event()
        extra = self.events.get_event()
        if not isinstance(extra, yaml.StreamEndEvent):
            raise self._at("a second YAML document begins here; a file holds one.", extra)
        return data

    def _value(self, event: Any, at: Path, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise self._at(f"YAML aliases (*{event.anchor}) are not read here. Write the value out.", event)
        if event.anchor:
            raise self._at(f"YAML anchors (&{event.anchor}) are not read here. Write the value out.", event)
        if event.tag:
            raise self._at(f"YAML tags ({event.tag}) are not read here. Remove it.", event)
        if self.marks is not None:
            self.marks[at, False] = self._mark(event)
        if depth > self.depth:
            raise self._at(f"lists and mappings stand more than {self.depth} deep inside one another here.", event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(at, depth)
        return self._mapping(at, depth)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] in _NUMBER_START:
            return self._number(text, event)
        if text.lower() in (".nan", ".inf", "+.inf"):
            raise self._at(f"{text} is no number that can be compared. Put it in quotes if it is text.", event)
        return text

    def _number(self, text: str, event: Any) -> Any:
        if text.lower() == "-.inf":
            raise self._at(f"{text} is no number that can be compared. Put it in quotes if it is text.", event)
        try:
            number = json.loads(text)
        except json.JSONDecodeError:
            return text
        except ValueError:
            raise self._at("this number has too many digits.", event) from None
        if number in (float("inf"), float("-inf")):
            if text[-1:] == "y":
                return text
            raise self._at(f"{text} is too large for a number.", event)
        return number

    def _sequence(self, at: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self.events.get_event(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*at, len(items)), depth + 1))
        return items

    def _mapping(self, at: Path, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := self.events.get_event(), yaml.MappingEndEvent):
            key = self._value(event, (*at, "?"), depth + 1)
            if not isinstance(key, str):
                raise self._bad_key(event)
            if key in items:
                raise self._at(f"the key {key} stands here a second time.", event)
            if self.marks is not None:
                self.marks[(*at, key), True] = self._mark(event)
            items[key] = self._value(self.events.get_event(), (*at, key), depth + 1)
        return items

    def _bad_key(self, event: Any) -> FileError:
        if isinstance(event, yaml.ScalarEvent):
            return self._at(f"a key must be text: put {event.value or 'it'} in quotes.", event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._at("{{ opens two mappings in YAML. Put the value in quotes.", event)
        return self._at("a key must be text, not a list.", event)

    def _mark(self, event: Any) -> tuple[int, int]:
        return event.start_mark.line + self.first_line, event.start_mark.column + 1

    def _at(self, message: str, event: Any) -> FileError:
        line, column = self._mark(event)
        return self.error(message, path=self.path, line=line, column=column)

    def _syntax(self, problem: yaml.MarkedYAMLError) -> FileError:
        conflict = marked_line(self.text)
        if conflict is not None:
            return self.error(CONFLICT, path=self.path, line=conflict + self.first_line - 1)
        mark = problem.problem_mark or problem.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        first = problem.context_mark.line if problem.context_mark else line
        wide = _wide_colon(self.text.split("\n"), range(max(first - 1, 0), line + 1))
        if wide is not None:
            message = _WIDE_COLON.format(key=wide[2])
            return self.error(message, path=self.path, line=wide[0] + self.first_line, column=wide[1])
        if "mapping values are not allowed" in str(problem.problem):
            column = self._line(line).find(": ") + 2
        return self.error(self._explain(problem, line), path=self.path, line=line + self.first_line, column=column + 1)

    def _line(self, number: int) -> str:
        lines = self.text.split("\n")
        return lines[number] if number < len(lines) else ""

    def _explain(self, problem: yaml.MarkedYAMLError, line: int) -> str:
        words = str(problem.problem)
        source = self._line(line)
        if "mapping values are not allowed" in words:
            key, _, value = source.strip().partition(": ")
            return f'this value holds ": ". Put it in quotes: {key}: {json.dumps(value, ensure_ascii=False)}.'
        if "cannot start any token" in words and "\t" in source:
            return "a tab stands here; YAML indents with spaces."
        if source.lstrip().partition(": ")[2].startswith(("{", "[", "*", "&", "!", "%", "@", "`")):
            return f"this is not YAML: {words}. A value that begins with such a character needs quotes."
        context = f" ({problem.context})" if problem.context else ""
        return f"this is not YAML: {words}{context}."
