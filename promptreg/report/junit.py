"""Verdicts as JUnit XML, which CI servers show as tests: one for each prompt and suite.

Written so that the strict schemas take it: properties stand in test suites, which is why each test has one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from promptreg.evals.verdict import Verdict

#: What XML 1.0 has no way to say.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """The verdict on one suite of a prompt: it fails where it blocks.

    `prompt` is how the test is filed, `facts` what else is known by name; `lines` are the verdict's, the second of
    which says it in a sentence.
    """

    prompt: str
    suite: str
    verdict: Verdict
    lines: Sequence[str]
    facts: dict[str, str]
    seconds: float = 0.0


def junit_text(tests: Sequence[SuiteTest], at: str) -> str:
    """The file; `at` is when it was made, `2026-11-20T10:00:00`."""
    root = ET.Element("testsuites")
    for number, test in enumerate(tests):
        root.append(_suite(test, number, at))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(test: SuiteTest, number: int, at: str) -> ET.Element:
    facts = {"name": _clean(f"{test.prompt} {test.suite}"), "package": _clean(test.prompt), "id": str(number)}
    seconds = f"{test.seconds:.3f}"
    counts = {"tests": "1", "failures": str(int(test.verdict.blocks)), "errors": "0", "time": seconds}
    suite = ET.Element("testsuite", {**facts, **counts, "timestamp": at, "hostname": "localhost"})
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(test):
        ET.SubElement(properties, "property", {"name": _clean(name), "value": _clean(value)})
    names = {"classname": _clean(test.prompt), "name": _clean(test.suite)}
    case = ET.SubElement(suite, "testcase", {**names, "time": seconds})
    text = _clean("\n".join(test.lines))
    if test.verdict.blocks:
        failed = {"type": test.verdict.verdict, "message": _clean(test.lines[1] if len(test.lines) > 1 else text)}
        ET.SubElement(case, "failure", failed).text = text
    # what passes without being proven is told too
    ET.SubElement(suite, "system-out").text = text
    ET.SubElement(suite, "system-err").text = ""
    return suite


def _properties(test: SuiteTest) -> Iterator[tuple[str, str]]:
    """What `pytest --prompts` names so too: the verdict, and for each metric both means and its own verdict."""
    yield from test.facts.items()
    yield "verdict", test.verdict.verdict
    yield "reasons", "; ".join(test.verdict.reasons)
    for name, metric in test.verdict.metrics.items():
        for side, mean in (("candidate", metric.candidate), ("baseline", metric.baseline)):
            if mean is not None:
                yield f"metric:{name}:{side}", f"{mean:.6g}"
        yield f"metric:{name}:verdict", metric.verdict


def _clean(text: str) -> str:
    """A text without what XML cannot hold: control characters, halves of surrogate pairs."""
    return _NO_XML.sub("", text)
