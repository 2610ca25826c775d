"""Registries of any size, made on the spot."""

from __future__ import annotations

import subprocess
from pathlib import Path

from promptreg.core.text import digest

FILLER = "The text of a prompt of ordinary length, which says what to do and what to leave, in whole sentences. " * 4
FIVE = (
    "---\n"
    "inputs: {role: string, company: string, language: string, tone: string, question: string}\n"
    "---\n"
    "You are {{ role }} at {{ company }}. Answer in {{ language }} and in a {{ tone }} tone.\n"
    f"{FILLER}\n"
    "Question: {{ question }}\n"
)
LOOP = (
    "---\n"
    "inputs:\n  passages: {type: array, items: object}\n  question: string\n"
    "---\n"
    "{% for passage in passages %}\n[{{ loop.index }}] {{ passage.title }}: {{ passage.text }}\n{% endfor %}\n"
    "{{ question }}\n"
)
CHAT = (
    "---\n"
    "inputs: {role: string, company: string, language: string, tone: string, question: string}\n"
    "---\n"
    '{% message role="system" %}\n'
    "You are {{ role }} at {{ company }}. Answer in {{ language }} and in a {{ tone }} tone.\n"
    "{% endmessage %}\n"
    '{% message role="user" %}\n{{ question }}\n{% endmessage %}\n'
)
VALUES = {"role": "a clerk", "company": "Acme", "language": "English", "tone": "friendly", "question": "How do I pay?"}
PASSAGES = {
    "passages": [{"title": f"Title {n}", "text": "What the passage says."} for n in range(20)],
    "question": "How do I pay?",
}


def body(text: str) -> str:
    """A prompt file's template, for raw jinja2."""
    return text.partition("---\n")[2].partition("---\n")[2]


def registry(root: Path, prompts: dict[str, list[str]]) -> Path:
    """A registry: names to the texts of their versions (1.0.0, 1.1.0 …); the last is pinned and the draft."""
    root.mkdir(parents=True)
    (root / "promptreg.toml").write_text(
        'schema = 1\ndefault_environment = "production"\n[environments.production]\n', encoding="utf-8"
    )
    pins = []
    for name, texts in sorted(prompts.items()):
        versions = root / name / "versions"
        versions.mkdir(parents=True)
        lines = []
        for number, text in enumerate(texts):
            (versions / f"1.{number}.0.txt").write_text(text, encoding="utf-8")
            lines.append(f"1.{number}.0 {digest(text, {})} 2026-11-20 # Change {number}\n")
        (root / name / "versions.sum").write_text("".join(lines), encoding="utf-8")
        (root / name / "prompt.md").write_text(texts[-1], encoding="utf-8")
        pins.append(f"{name}:\n  version: 1.{len(texts) - 1}.0\n  digest: {digest(texts[-1], {})}\n")
    (root / "environments").mkdir()
    (root / "environments" / "production.yaml").write_text("".join(pins), encoding="utf-8")
    return root


def many(root: Path, count: int, versions: int = 5) -> Path:
    """`count` prompts of some versions each."""
    texts = [FIVE.replace("Question:", f"Question {number}:") for number in range(versions)]
    return registry(root, {f"team{number % 40:02}/prompt-{number:05}": texts for number in range(count)})


def git(folder: Path, *arguments: str) -> None:
    """Run git."""
    identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "gc.auto=0"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
