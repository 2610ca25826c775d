"""promptreg.core.clients: rendered prompts as arguments of LLM clients."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from promptreg.testing import registry

TEXT_PART = {
    "type": "object",
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    "required": ["type", "text"],
    "additionalProperties": False,
}
IMAGE_PART = {
    "type": "object",
    "properties": {
        "type": {"const": "image_url"},
        "image_url": {
            "type": "object",
            "properties": {"url": {"type": "string"}, "detail": {"enum": ["auto", "low", "high"]}},
            "required": ["url"],
            "additionalProperties": False,
        },
    },
    "required": ["type", "image_url"],
    "additionalProperties": False,
}
TEXT = {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": TEXT_PART}]}
PARTS = {"type": "array", "minItems": 1, "items": {"anyOf": [TEXT_PART, IMAGE_PART]}}
TOOL_CALL = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "arguments": {"type": "string"}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        },
    },
    "required": ["id", "type", "function"],
    "additionalProperties": False,
}


def message(roles: list[str], *, required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"role": {"enum": roles}, **properties},
        "required": ["role", *required],
        "additionalProperties": False,
    }


NAME = {"type": "string"}
FUNCTION_NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"}
#: What https://platform.openai.com/docs/api-reference/chat/create takes, as far as promptreg writes it.
REQUEST = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [
                    message(["system", "developer"], required=["content"], content=TEXT, name=NAME),
                    message(["user"], required=["content"], content={"anyOf": [{"type": "string"}, PARTS]}, name=NAME),
                    message(
                        ["assistant"],
                        required=[],
                        content={"anyOf": [TEXT, {"type": "null"}]},
                        tool_calls={"type": "array", "items": TOOL_CALL},
                        name=NAME,
                    ),
                    message(
                        ["tool"], required=["content", "tool_call_id"], content=TEXT, tool_call_id={"type": "string"}
                    ),
                ]
            },
        },
        "tools": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "type": {"const": "function"},
                    "function": {
                        "type": "object",
                        "properties": {
                            "name": FUNCTION_NAME,
                            "description": {"type": "string"},
                            "parameters": {"type": "object"},
                            "strict": {"type": ["boolean", "null"]},
                        },
                        "required": ["name"],
                        "additionalProperties": False,
                    },
                },
                "required": ["type", "function"],
                "additionalProperties": False,
            },
        },
        "response_format": {
            "type": "object",
            "properties": {
                "type": {"const": "json_schema"},
                "json_schema": {
                    "type": "object",
                    "properties": {
                        "name": FUNCTION_NAME,
                        "description": {"type": "string"},
                        "schema": {"type": "object"},
                        "strict": {"type": ["boolean", "null"]},
                    },
                    "required": ["name"],
                    "additionalProperties": False,
                },
            },
            "required": ["type", "json_schema"],
            "additionalProperties": False,
        },
        "temperature": {"type": "number"},
        "max_completion_tokens": {"type": "integer"},
        "stop": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["messages"],
    "additionalProperties": False,
}

CHAT = """\
---
provider: openai
model: gpt-4.1-mini
parameters: {temperature: 0.2, max_completion_tokens: 600, stop: [END]}
inputs:
  question: string
  url: string
  history: {type: messages, default: []}
output:
  type: object
  properties: {answer: {type: string}}
  required: [answer]
tools:
  - name: find_passages
    description: Search the help centre.
    parameters: {type: object, properties: {query: {type: string}}, required: [query]}
  - {name: stop}
---
{% message role="developer" %}
Answer shortly.
{% endmessage %}
{% messages history %}
{% message role="user" %}
{{ question }}
{% image url %}
Look!
{% endmessage %}
"""
HISTORY = [
    {"role": "user", "content": "Hi", "name": "aki"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find_passages", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "None found."},
    {"role": "assistant", "content": "Sorry."},
]


def call(text: str, name: str = "support/answer", /, **inputs: Any) -> dict[str, Any]:
    return registry({name: text}).load(name).render(**inputs).for_openai()


def test_a_chat_prompt_becomes_a_call_of_chat_completions() -> None:
    made = call(CHAT, question="Why?", url="https://example.com/a.png", history=HISTORY)
    jsonschema.validate(made, REQUEST)
    assert made == {
        "model": "gpt-4.1-mini",
        "temperature": 0.2,
        "max_completion_tokens": 600,
        "stop": ["END"],
        "messages": [
            {"role": "developer", "content": "Answer shortly."},
            *HISTORY,
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Why?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "text", "text": "Look!"},
                ],
            },
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "find_passages",
                    "description": "Search the help centre.",
                    "parameters": {
                        "type": "object",
                        "properties": {"query": {"type": "string"}},
                        "required": ["query"],
                    },
                },
            },
            {"type": "function", "function": {"name": "stop"}},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "support_answer",
                "schema": {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]},
                "strict": False,
            },
        },
    }
    assert json.loads(json.dumps(made)) == made


def test_what_a_prompt_does_not_say_is_left_out() -> None:
    made = call("Hi {{ name }}\n", name="Aki")
    jsonschema.validate(made, REQUEST)
    assert made == {"messages": [{"role": "user", "content": "Hi Aki"}]}


@pytest.mark.parametrize("name", ["support/answer", "a.b/c_d", "x/" * 60 + "y", "judge/" + "long-" * 30 + "name"])
def test_any_name_gives_a_schema_name_that_the_interface_takes(name: str) -> None:
    jsonschema.validate(call("---\noutput: {type: object}\n---\nHi\n", name), REQUEST)


CLOSED = "type: object, additionalProperties: false"


@pytest.mark.parametrize(
    ("output", "strict"),
    [
        (f"{{{CLOSED}, properties: {{a: {{type: string}}}}, required: [a]}}", True),
        (f"{{{CLOSED}, properties: {{a: {{{CLOSED}, properties: {{}}, required: []}}}}, required: [a]}}", True),
        (f"{{{CLOSED}, properties: {{type: {{}}, required: {{}}}}, required: [required, type]}}", True),
        (f"{{{CLOSED}, properties: {{a: {{type: string}}, b: {{type: string}}}}, required: [a]}}", False),
        ("{type: object, properties: {a: {type: string}}, required: [a]}", False),
        (f"{{{CLOSED}, properties: {{a: {{type: object}}}}, required: [a]}}", False),
        (f"{{{CLOSED}, properties: {{a: {{type: [object, 'null']}}}}, required: [a]}}", False),
        (f"{{{CLOSED}, properties: {{a: {{type: array, items: {{type: object}}}}}}, required: [a]}}", False),
        (f"{{{CLOSED}, properties: {{a: {{anyOf: [{{type: string}}, {{type: object}}]}}}}, required: [a]}}", False),
        (f"{{{CLOSED}, properties: {{a: {{$ref: '#/$defs/x'}}}}, required: [a], $defs: {{x: {{type: object}}}}}}",
         False),
        # The interface refuses `strict` where the root is no object, or anyOf, and allOf anywhere.
        ("{type: array, items: {type: string}}", False),
        ("{type: string}", False),
        (f"{{anyOf: [{{{CLOSED}, properties: {{}}, required: []}}]}}", False),
        (f"{{{CLOSED}, properties: {{a: {{allOf: [{{type: string}}]}}}}, required: [a]}}", False),
        # A mistake that is common: `required` in a property, as older drafts had it.
        ("{type: object, properties: {a: {type: string, required: true}}}", False),
    ],
)  # fmt: skip
def test_a_schema_is_enforced_where_the_interface_can_enforce_it(output: str, strict: bool) -> None:
    made = call(f"---\noutput: {output}\n---\nHi\n")
    jsonschema.validate(made, REQUEST)
    assert made["response_format"]["json_schema"]["strict"] is strict


def test_the_arguments_can_be_changed_without_changing_the_next_ones() -> None:
    rendered = registry({"a": CHAT}).load("a").render(question="q", url="u")
    made = rendered.for_openai()
    made["messages"].append({"role": "user", "content": "More"})
    made["stop"].append("x")
    made["response_format"]["json_schema"]["schema"].clear()
    made["tools"][0]["function"]["parameters"].clear()
    again = rendered.for_openai()
    assert len(again["messages"]) == 2
    assert again["stop"] == ["END"]
    assert again["response_format"]["json_schema"]["schema"]["required"] == ["answer"]
    assert again["tools"][0]["function"]["parameters"]["required"] == ["query"]
