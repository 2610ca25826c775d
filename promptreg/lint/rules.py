"""What lint looks for in drafts: one function for each rule, and their table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from jinja2 import Environment, nodes

from promptreg.core.errors import PromptregError, near
from promptreg.core.inputs import Input
from promptreg.core.loader import Loader
from promptreg.core.names import parse_spec
from promptreg.core.prompt import Prompt
from promptreg.core.prompt_file import PromptFile
from promptreg.core.template import Parsed
from promptreg.core.tokens import tokens
from promptreg.lint.finding import ERROR, WARNING, Finding

_WIDE = str.maketrans("｛｝％＃", "{}%#")


class Draft:
    """A draft that parsed: its file, its syntax tree, what it includes, and the names that all of it uses."""

    def __init__(self, prompt: Prompt, loader: Loader) -> None:
        self.prompt = prompt
        self.file: PromptFile = prompt.file
        self.loader = loader
        self.parsed = Parsed(prompt.file, loader.environment, partial=False)
        self.names = self.parsed.names()
        self.partials = [file for file in loader.files(prompt) if file is not prompt.file]
        #: The body with what stands in raw blocks blanked, and with all but its plain text blanked.
        self.without_raw, self.prose = _blanked(prompt.file.body, loader.environment)

    def finding(
        self, rule: str, severity: str, message: str, place: tuple[int, int | None], fix: str | None = None
    ) -> Finding:
        """A finding about this draft's file."""
        line, column = place
        return Finding(rule, severity, message, self.prompt.name, self.file.path, line, column, fix)

    def search(self, pattern: str, *, code: bool = True) -> Iterator[tuple[re.Match[str], tuple[int, int]]]:
        """Where a pattern stands in the plain text, line by line; with or without samples of `code`."""
        text = self.prose if code else _CODE.sub(lambda found: _blank(found[0]), self.prose)
        for number, line in enumerate(text.split("\n"), start=self.file.body_line):
            for found in re.finditer(pattern, line):
                yield found, (number, found.start() + 1)

    def declared(self, name: str) -> tuple[int, int]:
        """Where an input is declared."""
        return self.file.front.where(("inputs", name), key=True) if self.file.front else (1, 1)


_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def _blanked(body: str, environment: Environment) -> tuple[str, str]:
    without_raw, prose = [], []
    place, is_raw = 0, False
    for kind, _, end in tokens(environment, body):
        is_raw = kind == "raw_begin" or (is_raw and kind != "raw_end")
        text, blank = body[place:end], _blank(body[place:end])
        without_raw.append(blank if is_raw and kind == "data" else text)
        prose.append(text if kind == "data" and not is_raw else blank)
        place = end
    return "".join(without_raw), "".join(prose)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def undeclared(draft: Draft) -> Iterator[Finding]:
    """A name in the template that is no input."""
    inputs = draft.file.inputs
    if inputs is None:
        return
    for name, place in draft.names.items():
        if name not in inputs:
            known = f"Inputs are {', '.join(inputs)}." if inputs else "The front matter declares no inputs."
            message = f"{name} is not an input. {known}{near(name, inputs)}"
            yield draft.finding("undeclared", ERROR, message, place, f"declare it under inputs:  {name}: string")


def unused(draft: Draft) -> Iterator[Finding]:
    """An input that nothing uses; where the text has {input}, what was probably meant."""
    used = set(draft.names)
    for file in draft.partials:
        used |= set(Parsed(file, draft.loader.environment, partial=True).names())
    for name in draft.file.inputs or {}:
        if name in used:
            continue
        left_over = next(draft.search(rf"(?<!\{{)\{{\s*{re.escape(name)}\s*\}}(?!\}})"), None)
        if left_over:
            message = f"input {name} is declared and never used, and the text has {left_over[0][0]}."
            yield draft.finding("left-over", ERROR, message, left_over[1], f"write {{{{ {name} }}}}")
        else:
            message = f"input {name} is declared and never used."
            yield draft.finding("unused", WARNING, message, draft.declared(name), "use it, or take it out of inputs:")


def left_over_braces(draft: Draft) -> Iterator[Finding]:
    """`{x}` as f-strings and str.format write it, in a text that declares no such input."""
    inputs = draft.file.inputs or {}
    for name, place in _fields(draft, code=True):
        if name in inputs and name in draft.names:
            message = f"{{{name}}} stays in the text as it is, and {name} is an input."
            yield draft.finding("left-over", ERROR, message, place, f"write {{{{ {name} }}}}")
    for name, place in _fields(draft, code=False):
        if name not in inputs:
            message = f"{{{name}}} stays in the text as it is."
            yield draft.finding("left-over", WARNING, message, place, f"write {{{{ {name} }}}} if it is an input")


#: A field of str.format; shells, escapes and LaTeX write alike.
_FIELD = r"(?<![{$\\^_])\{([A-Za-z_]\w*)\}(?!\})"
_LATEX = re.compile(r"\\[A-Za-z]+\*?(\{[^{}]*\})*$")


def _fields(draft: Draft, *, code: bool) -> Iterator[tuple[str, tuple[int, int]]]:
    for found, place in draft.search(_FIELD, code=code):
        if not _LATEX.search(found.string[: found.start()]):
            yield found[1], place


def full_width(draft: Draft) -> Iterator[Finding]:
    """Full-width braces and signs of tags, which are plain text."""
    for found, place in draft.search(r"[｛{][｛%％#＃{][^｛｝{}]*[｝}％%＃#][｝}]"):
        ends = found[0][:2] + found[0][-2:]
        if any(character in ends for character in "｛｝％＃"):
            narrow = found[0].translate(_WIDE)
            braces = any(character in ends for character in "｛｝")
            wide, kana = ("braces", "波括弧") if braces else ("signs", "記号")
            message = f"{found[0]} uses full-width {wide}, so it is plain text."
            fix = f"write {narrow} (全角の{kana}です。半角 {narrow[:2]} {narrow[-2:]} にしてください。)"
            yield draft.finding("full-width", ERROR, message, place, fix)


_BLOCK_END = re.compile(
    r"\{(%|#)(?!\+?\s*(?:end)?message\b)(?!\+?\s*(?:messages|image|include|endset|macro|endmacro)\b)(?!\+?\s*set\b[^=]*%\})(?:(?!%\}|#\}).)*[^-+](%|#)\}$"
)


def swallowed_line_break(draft: Draft) -> Iterator[Finding]:
    """A line of text that ends with a block tag, whose line break is dropped, so that the next line is joined to it."""
    lines = draft.without_raw.split("\n")
    for number, line in enumerate(lines[:-1]):
        following = lines[number + 1].lstrip()
        text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", line).strip()
        found = _BLOCK_END.search(line)
        if found and text and following and not following.startswith(("{%", "{#")):
            message = f"the line break behind {found[0]} is dropped, so that this line and the next become one."
            fix = f"end the tag with +{found[0][-2:]} to keep it, or with -{found[0][-2:]} if you mean it"
            yield draft.finding(
                "swallowed-line-break", WARNING, message, (number + draft.file.body_line, found.start() + 1), fix
            )


def floating_include(draft: Draft) -> Iterator[Finding]:
    """An include without an exact version, which release refuses."""
    for include in draft.parsed.syntax.includes:
        name, selector = parse_spec(include.spec)
        if selector is not None and selector.kind == "version":
            continue
        newest = draft.loader.catalog.sums(name).latest()
        message = f'include "{include.spec}" needs a version before a release.' + (
            f" Newest: {newest}." if newest else ""
        )
        fix = f"promptreg upgrade {name} {draft.prompt.name}" if newest else f"promptreg release {name}"
        place = draft.parsed.place(include.line - draft.file.body_line + 1, include.spec)
        yield draft.finding("floating-include", WARNING, message, place, fix)


def partial_inputs(draft: Draft) -> Iterator[Finding]:
    """A partial that uses what the including prompt does not declare, or declares as another type."""
    inputs = draft.file.inputs
    if inputs is None:
        return
    for include in draft.parsed.syntax.includes:
        place = draft.parsed.place(include.line - draft.file.body_line + 1, include.spec)
        spec = draft.loader.include_spec(include, draft.file.path)
        partial = draft.loader.partial_file(spec)
        used = Parsed(partial, draft.loader.environment, partial=True).names()
        for name in used:
            if name not in inputs:
                message = (
                    f"{spec} uses {name}, which is no input here. A partial sees what the including prompt declares."
                )
                yield draft.finding("partial-input", ERROR, message, place, f"declare {name} under inputs:")
        for name, wanted in (partial.inputs or {}).items():
            if name in used and name in inputs and not _fits(inputs[name], wanted):
                message = f"{spec} declares {name} as {wanted.type}; here it is {inputs[name].type}."
                yield draft.finding("partial-input", ERROR, message, place, f"give {name} the type {wanted.type}")


def _fits(given: Input, wanted: Input) -> bool:
    return wanted.shape() == {"type": "any"} or given.shape() == wanted.shape()


def printed_collection(draft: Draft) -> Iterator[Finding]:
    """A list or mapping that is printed as Python writes it."""
    inputs = draft.file.inputs or {}
    for output in draft.parsed.tree.find_all(nodes.Output):
        for node in output.nodes:
            declared = inputs.get(node.name) if isinstance(node, nodes.Name) else None
            if declared is not None and declared.type in ("array", "object", "messages"):
                name = declared.name
                message = f"{name} is {_noun(declared.type)} and is printed here as Python writes it."
                fix = (
                    "{% messages " + name + " %}"
                    if declared.type == "messages"
                    else f"loop over it, or {{{{ {name} | tojson }}}}"
                )
                yield draft.finding("printed-collection", WARNING, message, draft.parsed.place(node.lineno, name), fix)


def _noun(kind: str) -> str:
    return {"array": "a list", "object": "a mapping", "messages": "a list of messages"}[kind]


def untrusted_instruction(draft: Draft) -> Iterator[Finding]:
    """An input marked untrusted that stands in a system or developer message."""
    inputs = draft.file.inputs or {}
    for block in draft.parsed.tree.find_all(nodes.CallBlock):
        arguments = block.call.args
        role = arguments[0].value if arguments and isinstance(arguments[0], nodes.Const) else ""
        if role not in ("system", "developer"):
            continue
        for inner in block.body:
            names = [inner] if isinstance(inner, nodes.Name) else list(inner.find_all(nodes.Name))
            for node in names:
                if node.name in inputs and inputs[node.name].untrusted:
                    message = f"{node.name} is untrusted and stands in a {role} message."
                    place = draft.parsed.place(node.lineno, node.name)
                    yield draft.finding("untrusted", WARNING, message, place, "put it into a user message")


def unreleased_includes(loader: Loader, name: str, text: str) -> list[Finding]:
    """Includes of versions that are not there yet, of partials that have a draft: released together, they will be.

    Where the drafts include one another in a circle, that is the finding, since they never can be.
    """
    file = PromptFile(text, loader.catalog.draft_path(name), loader.catalog.settings.limits)
    parsed = Parsed(file, loader.environment, partial=False)
    found = []
    for include in parsed.syntax.includes:
        partial, selector = parse_spec(include.spec)
        line, column = parsed.place(include.line - file.body_line + 1, include.spec)
        circle = _circle(loader, include.spec, [name], set())
        if circle:
            message = f"includes go round: {' → '.join(circle)}."
            return [Finding("include-circle", ERROR, message, name, file.path, line, column, "take one of them out")]
        if selector is None or not _is_draft_only(loader, include.spec) or selector.kind != "version":
            continue
        message = f"{include.spec} is not released yet, so nothing else of this draft was looked at."
        fix = f"promptreg release {partial} {name}"
        found.append(Finding("unreleased-include", WARNING, message, name, file.path, line, column, fix))
    return found


def _is_draft_only(loader: Loader, spec: str) -> bool:
    """Whether what an include asks for stands in a draft and in no version."""
    partial, selector = parse_spec(spec)
    if loader.catalog.draft(partial) is None:
        return False
    if selector is None:
        return loader.catalog.sums(partial).latest() is None
    return selector.kind == "draft" or (
        selector.kind == "version" and selector.value not in loader.catalog.sums(partial).releases
    )


def _circle(loader: Loader, spec: str, above: list[str], ended: set[str]) -> list[str] | None:
    """The drafts that an include leads back to, first to last; None where it comes to an end, as `ended` remembers."""
    partial = parse_spec(spec)[0]
    if partial in ended or not _is_draft_only(loader, spec):
        return None
    if partial in above:
        return [*above[above.index(partial) :], partial]
    try:
        text = loader.catalog.draft(partial) or ""
        file = PromptFile(text, loader.catalog.draft_path(partial), loader.catalog.settings.limits)
        for include in Parsed(file, loader.environment, partial=True).syntax.includes:
            circle = _circle(loader, include.spec, [*above, partial], ended)
            if circle:
                return circle
    except PromptregError:
        return None
    ended.add(partial)
    return None


RULES: tuple[Callable[[Draft], Iterator[Finding]], ...] = (
    undeclared,
    unused,
    left_over_braces,
    full_width,
    swallowed_line_break,
    floating_include,
    partial_inputs,
    printed_collection,
    untrusted_instruction,
)


def findings(draft: Draft) -> list[Finding]:
    """All findings of all rules, in the order of the file."""
    found: list[Finding] = []
    for rule in RULES:
        found.extend(rule(draft))
    return sorted(found, key=lambda finding: (finding.line or 0, finding.column or 0, finding.rule))


def problem_in(draft: Draft) -> PromptregError | None:
    """What stops the draft from compiling, None where nothing does."""
    try:
        draft.prompt.compile()
    except PromptregError as problem:
        return problem
    return None
