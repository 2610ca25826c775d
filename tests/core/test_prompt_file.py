from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptreg.core.errors import LimitError, PromptFileError, PromptregError
from promptreg.core.limits import Limits
from promptreg.core.prompt_file import PromptFile
from promptreg.core.text import canonical
from tests.support.reading import often, said, value_or_words

_FULL = """\
---
description: Answer a customer's question from the help-centre passages.
provider: openai
model: gpt-4.1-mini
parameters: {temperature: 0.2, max_tokens: 600, stop: [END], thinking: {budget_tokens: 1024}}
inputs:
  question: string
  tone: {enum: [formal, friendly], default: friendly}
output: {type: object, properties: {answer: {type: string}}, required: [answer]}
tools:
  - name: search
    description: Search the help centre.
    parameters: {type: object, properties: {url: {type: string}, token: {type: string}}}
    strict: true
  - {name: stop}
owners: [support-team, aki@example.com]
tags: [beta]
metadata: {ticket: 12, links: [a, b], base_url: https://example.com}
profile: 1
---

Answer {{ question }} in a {{ tone }} tone.
"""


def _file(text: str, limits: Limits | None = None) -> PromptFile:
    return PromptFile(text, "p.md", limits or Limits())


def _front(front: str) -> PromptFile:
    return _file(f"---\n{front}\n---\nText.\n")


def _refused(front: str) -> str:
    return said(PromptFileError, _front, front)


def test_front_matter_takes_eleven_keys() -> None:
    file = _file(_FULL)
    assert file.description == "Answer a customer's question from the help-centre passages."
    assert (file.provider, file.model) == ("openai", "gpt-4.1-mini")
    assert file.parameters == {
        "temperature": 0.2,
        "max_tokens": 600,
        "stop": ["END"],
        "thinking": {"budget_tokens": 1024},
    }
    assert file.inputs is not None
    assert {name: declared.type for name, declared in file.inputs.items()} == {"question": "string", "tone": "string"}
    assert file.output == {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    assert [tool["name"] for tool in file.tools] == ["search", "stop"]
    assert (file.owners, file.tags) == (["support-team", "aki@example.com"], ["beta"])
    assert file.metadata == {"ticket": 12, "links": ["a", "b"], "base_url": "https://example.com"}
    assert (file.body, file.body_line) == ("\nAnswer {{ question }} in a {{ tone }} tone.\n", 21)
    assert file.text == _FULL


@pytest.mark.parametrize(
    ("text", "body", "line"),
    [
        ("Just text.\n", "Just text.\n", 1),
        ("# Title\n\n---\n\nMore.\n", "# Title\n\n---\n\nMore.\n", 1),
        ("----\nText.\n", "----\nText.\n", 1),
        ("\n---\nText.\n", "\n---\nText.\n", 1),
    ],
)
def test_without_front_matter_all_is_body_and_inputs_are_not_declared(text: str, body: str, line: int) -> None:
    file = _file(text)
    assert (file.body, file.body_line, file.inputs, file.front) == (body, line, None, None)
    assert (file.description, file.provider, file.model, file.parameters, file.tools) == ("", None, None, {}, [])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\n---\nText.\n", 3),
        ("---\n# Nothing yet.\n---\nText.\n", 4),
        ("---\ninputs:\n---\nText.\n", 4),
        ("---\ndescription: A\n---\nText.\n", 4),
    ],
)
def test_front_matter_that_declares_no_inputs_means_none(text: str, line: int) -> None:
    file = _file(text)
    assert (file.inputs, file.body, file.body_line) == ({}, "Text.\n", line)


def test_the_body_may_hold_lines_of_dashes() -> None:
    assert _file("---\nmodel: a\n---\nOne\n---\nTwo\n").body == "One\n---\nTwo\n"


_KEYS = "It takes description, provider, model, parameters, inputs, output, tools, owners, tags, metadata, profile."


@pytest.mark.parametrize(
    ("front", "sentence"),
    [
        ("descripton: A", f"p.md:2:1: front matter has no key descripton. {_KEYS} Did you mean description?"),
        ("model: a\nsystem: b", f"p.md:3:1: front matter has no key system. {_KEYS}"),
        ("name: a", f"p.md:2:1: front matter has no key name. {_KEYS} The name of a prompt is its folder."),
        ("version: 1.0.0",
         f"p.md:2:1: front matter has no key version. {_KEYS} Versions are made by promptreg release."),
        ("temperature: 0", f"p.md:2:1: front matter has no key temperature. {_KEYS} Put it under parameters:."),
        ("variables: {}", f"p.md:2:1: front matter has no key variables. {_KEYS} Did you mean inputs?"),
        ("messages: []", f"p.md:2:1: front matter has no key messages. {_KEYS} Write {{% message %}} in the body."),
        ("- a", "p.md:2:1: front matter is a mapping, as in  description: What this prompt is for."),
        ("Only words.", "p.md:2:1: front matter is a mapping, as in  description: What this prompt is for."),
        ("description: [a]", "p.md:2:14: description must be text."),
        ("description:", "p.md:2:13: description must be text."),
        ("provider: 1", "p.md:2:11: provider must be text."),
        ("model: {name: a}", "p.md:2:8: model must be text."),
        ("owners: aki", "p.md:2:9: owners must be a list of texts, as in  owners: [one, two]."),
        ("tags: [a, 1]", "p.md:2:7: tags must be a list of texts, as in  tags: [one, two]."),
        ("metadata: a", "p.md:2:11: metadata must be a mapping."),
        ("output: [a]", "p.md:2:9: output must be a mapping."),
        ("parameters: [a]", "p.md:2:13: parameters must be a mapping."),
        ("profile: 2", "p.md:2:10: this promptreg knows template profile 1 only."),
        ("profile: '1'", "p.md:2:10: this promptreg knows template profile 1 only."),
        ("profile: true", "p.md:2:10: this promptreg knows template profile 1 only."),
        ("parameters: {model: a}", "p.md:2:14: model has a place of its own: model:"),
        ("parameters:\n  temperature: 0\n  tools: []", "p.md:4:3: tools has a place of its own: tools:"),
        ("parameters: {functions: []}", "p.md:2:14: functions has a place of its own: tools:"),
        ("parameters: {messages: []}", "p.md:2:14: messages has a place of its own: {% message %}"),
        ("parameters: {response_format: {}}", "p.md:2:14: response_format has a place of its own: output:"),
        ("tools: {}", "p.md:2:8: tools must be a list of mappings with name, description and parameters."),
        ("tools: [search]",
         "p.md:2:9: a tool is a mapping with name, description and parameters (a JSON Schema)."),
        ("tools:\n  - description: A",
         "p.md:3:5: a tool is a mapping with name, description and parameters (a JSON Schema)."),
        ("tools:\n  - {name: a}\n  - name: b\n    type: function",
         "p.md:5:5: a tool has no key type. It takes name, description, parameters, strict."),
        ("tools: [{name: a, description: 1}]", "p.md:2:32: description of a tool must be text."),
        ("tools: [{name: a, parameters: b}]", "p.md:2:31: parameters of a tool must be a mapping."),
        ("tools: [{name: a, strict: 1}]", "p.md:2:27: strict of a tool must be true or false."),
        ("tools:\n  - name: a\n  - name: a", "p.md:4:11: the tool a stands here a second time."),
        ("inputs: {a: str}",
         ("p.md:2:13: str is not a type. Types are string, integer, number, boolean, array, object, any, messages. "
         "Did you mean string?")),
        ("model: a\nmodel: b", "p.md:3:1: the key model stands here a second time."),
        ("model: a\nprovider: *b", "p.md:3:11: YAML aliases (*b) are not read here. Write the value out."),
    ],
)  # fmt: skip
def test_wrong_front_matter_is_told_with_its_line_and_column(front: str, sentence: str) -> None:
    assert _refused(front) == sentence


_TRANSPORT = """
    base_url api_base baseURL BASE-URL azure_endpoint endpoint server_url webhook_url host hostname port region project
    organization api_version api_type azure_deployment uri proxy proxies http_proxy
    api_key apiKey x-api-key OPENAI_API_KEY token access_token accessToken auth_token hf_token session_token
    refresh_token aws_secret_access_key aws_access_key_id aws_session_token client_secret private_key password
    credentials vertex_credentials authorization bearer
    headers extra_headers default_headers cookies
    http_client timeout request_timeout max_retries num_retries transport default_query extra_query ssl_verify
"""


@pytest.mark.parametrize("name", _TRANSPORT.split())
def test_endpoints_credentials_headers_and_transport_are_no_parameters(name: str) -> None:
    sentence = (
        f"{name} is no generation setting: endpoints, credentials, headers and transport belong to the client in your "
        "code, not into the prompt."
    )
    assert _refused(f"parameters:\n  temperature: 0\n  {name}: x") == f"p.md:4:3: {sentence}"
    assert _refused(f"parameters:\n  extra_body:\n    {name}: x") == f"p.md:4:5: {sentence}"


def test_transport_is_refused_inside_a_list_too() -> None:
    front = "parameters:\n  mcp_servers:\n    - name: a\n      authorization_token: x"
    assert _refused(front) == (
        "p.md:5:7: authorization_token is no generation setting: endpoints, credentials, headers and transport belong "
        "to the client in your code, not into the prompt."
    )


_SETTINGS = """
    temperature top_p top_k max_tokens max_completion_tokens max_output_tokens min_tokens stop stop_sequences
    stop_token_ids seed n best_of suffix logprobs top_logprobs logit_bias frequency_penalty presence_penalty
    repetition_penalty reasoning_effort reasoning verbosity thinking budget_tokens service_tier user store stream
    metadata parallel_tool_calls tool_choice modalities audio prediction prompt_cache_key safety_identifier truncation
    include num_ctx keep_alive candidate_count eos_token ignore_eos skip_special_tokens guided_json extra_body
"""


@pytest.mark.parametrize("name", _SETTINGS.split())
def test_generation_settings_of_any_provider_are_parameters(name: str) -> None:
    assert _front(f"parameters: {{{name}: 1}}").parameters == {name: 1}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "---\nmodel: a\nText.\n",
            "p.md:1:1: the front matter that begins here does not end. Close it with a line of three dashes: ---",
        ),
        (
            "---\nmodel: a\n ---\nText.\n",
            "p.md:1:1: the front matter that begins here does not end. Close it with a line of three dashes: ---",
        ),
        ("---\nmodel: a\n---\n", "p.md:4: there is no text below the front matter."),
        ("---\nmodel: a\n---\n \n\t\n", "p.md:4: there is no text below the front matter."),
    ],
)
def test_a_file_that_is_no_prompt_is_told_so(text: str, sentence: str) -> None:
    assert said(PromptFileError, _file, text) == sentence


def test_a_blank_file_is_not_told_of_front_matter_that_it_has_not() -> None:
    assert "front matter" not in said(PromptFileError, _file, " \n")


def test_a_file_has_as_many_characters_as_the_limit_allows() -> None:
    assert _file("字" * 19 + "\n", Limits(source=20)).body_line == 1
    assert said(LimitError, _file, "字" * 20 + "\n", Limits(source=20)) == (
        "p.md: the file has 21 characters; source under [limits] allows 20."
    )
    assert said(LimitError, _file, "a" * 256 * 1024 + "\n") == (
        "p.md: the file has 262,145 characters; source under [limits] allows 262,144."
    )


def test_the_depth_that_limits_allow_holds_for_front_matter() -> None:
    text = "---\nmetadata: {a: {b: {c: {d: [1]}}}}\n---\nText.\n"
    assert _file(text).metadata == {"a": {"b": {"c": {"d": [1]}}}}
    with pytest.raises(PromptregError, match="deep"):
        _file(text, Limits(data_depth=4))


_PIECES = st.sampled_from(
    ["---\n", "model: a\n", "inputs:\n", "  a: string\n", "  b: {enum: [x], default: y}\n", "tools: [{name: a}]\n",
     "parameters: {a: 1}\n", "profile: 1\n", "tags: [a]\n", "{{ a }}\n", "\n", "\t", ": ", "- ", "&", "é", "'", "\x00"]
)  # fmt: skip


@given(st.binary(max_size=60) | st.lists(_PIECES, max_size=10).map(lambda pieces: "".join(pieces).encode()))
@often
def test_any_bytes_are_a_prompt_file_or_a_worded_error(data: bytes) -> None:
    def read() -> Any:
        return _file(canonical(data, "p.md"))

    found = value_or_words(read)
    if isinstance(found, PromptFile):
        assert found.text.endswith(found.body)
        assert found.text.split("\n")[found.body_line - 1 :] == found.body.split("\n")
    else:
        assert found.path == "p.md"


@pytest.mark.parametrize(
    ("front", "place", "key"),
    [
        ("description: x\ninputs：\n  q: string", "3:7", "inputs"),
        ("inputs:\n  lang： string\n  q: string", "3:7", "lang"),
        ("inputs:\n  question： string", "3:11", "question"),
        ("inputs： {question: string}", "2:7", "inputs"),
        ("inputs:\n  q: string\ndescription： あ：い", "4:12", "description"),
    ],
)
def test_a_full_width_colon_behind_a_key_is_told_in_both_languages(front: str, place: str, key: str) -> None:
    assert _refused(front) == (
        f"p.md:{place}: the colon behind {key} is full-width, so this is no key. Write {key}: with a space behind it. "
        "(全角のコロンです。半角の : と空白にしてください。)"
    )
