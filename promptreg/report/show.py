"""One version as lines."""

from __future__ import annotations

from promptreg.core.prompt import Prompt
from promptreg.report.table import Paint, columns, plain


def show_lines(prompt: Prompt, about: str, paint: Paint = plain) -> list[str]:
    """One version, all that it says."""
    facts = [
        ("digest", prompt.digest),
        ("description", prompt.description),
        ("provider", prompt.provider or ""),
        ("model", prompt.model or ""),
        ("parameters", ", ".join(f"{key}: {value}" for key, value in prompt.parameters.items())),
        ("includes", " ".join(prompt.includes)),
        ("owners", " ".join(prompt.file.owners)),
        ("tags", " ".join(prompt.file.tags)),
        ("tools", " ".join(tool["name"] for tool in prompt.tools)),
        ("output", "a JSON Schema" if prompt.output is not None else ""),
    ]
    lines = [about, *columns([[name, value] for name, value in facts if value])]
    if prompt.declared:
        lines += ["", paint("strong", "inputs")]
        rows = [[name, _type(data.data()), data.description] for name, data in prompt.declared.items()]
        lines.extend(columns(rows, indent=2))
    return [*lines, "", paint("strong", "chat" if prompt.chat else "text"), *prompt.file.body.rstrip("\n").split("\n")]


def _type(data: dict[str, object]) -> str:
    enum = data.get("enum")
    kind = " | ".join(map(str, enum)) if isinstance(enum, list) else str(data["type"])
    if "default" in data:
        return f"{kind}, default {data['default']}"
    return kind if data["required"] else f"{kind}, optional"
