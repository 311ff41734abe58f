"""Every kind of content block, in requests and in answers, whole and streamed."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from tests.support.anthropic_answers import ASKED, client, message

PDF = b"%PDF-1.7 nothing"
DATA = base64.b64encode(PDF).decode()
SECRET = base64.b64encode(b"thoughts").decode()
DESCRIBED = {"sha256": hashlib.sha256(PDF).hexdigest(), "bytes": len(PDF)}
HIDDEN = {
    "type": "redacted_thinking",
    "sha256": hashlib.sha256(b"thoughts").hexdigest(),
    "bytes": len(b"thoughts"),
}
CITED = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0}
SEARCH = {"type": "web_search_result", "url": "https://example.com", "title": "T", "encrypted_content": "e"}
CALLER = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}


def text(words, **more):
    return {"type": "text", "content": words} | more


# a block, and the parts that it is recorded as
SPOKEN = {
    "text": ({"type": "text", "text": "Hi"}, [text("Hi")]),
    "text with citations": (
        {"type": "text", "text": "Hi", "citations": [CITED]},
        [text("Hi", annotations=[CITED])],
    ),
    "thinking": (
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        [{"type": "reasoning", "content": "Hm", "signature": "sig"}],
    ),
    "redacted thinking": ({"type": "redacted_thinking", "data": SECRET}, [HIDDEN]),
    "tool use": (
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
        [{"type": "tool_call", "id": "toolu_1", "name": "f", "arguments": '{"a": 1}'}],
    ),
    "tool use by a program": (
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": CALLER},
        [{"type": "tool_call", "id": "toolu_1", "name": "f", "arguments": "{}", "caller": CALLER}],
    ),
    "server tool use": (
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        [
            {
                "type": "server_tool_call",
                "id": "srvtoolu_1",
                "name": "web_search",
                "server_tool_call": {"type": "server_tool_use", "input": {"query": "q"}},
            }
        ],
    ),
    "server tool result": (
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [SEARCH]},
        [
            {
                "type": "server_tool_call_response",
                "id": "srvtoolu_1",
                "server_tool_call_response": {"type": "web_search_tool_result", "content": [SEARCH]},
            }
        ],
    ),
    "a file that was fetched": (
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {
                "type": "web_fetch_result",
                "url": "https://example.com/a.pdf",
                "content": {
                    "type": "document",
                    "title": "A",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
                },
            },
        },
        [
            {
                "type": "server_tool_call_response",
                "id": "srvtoolu_1",
                "server_tool_call_response": {
                    "type": "web_fetch_tool_result",
                    "content": {"type": "web_fetch_result", "url": "https://example.com/a.pdf"},
                },
            },
            {"type": "blob", "modality": "document", "mime_type": "application/pdf", "title": "A"}
            | DESCRIBED,
        ],
    ),
    "MCP tool use": (
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "f", "server_name": "s", "input": {"a": 1}},
        [
            {
                "type": "server_tool_call",
                "id": "mcptoolu_1",
                "name": "f",
                "server_tool_call": {"type": "mcp_tool_use", "server_name": "s", "input": {"a": 1}},
            }
        ],
    ),
    "MCP tool result": (
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": True, "content": "no"},
        [
            {
                "type": "server_tool_call_response",
                "id": "mcptoolu_1",
                "server_tool_call_response": {
                    "type": "mcp_tool_result",
                    "content": "no",
                    "is_error": True,
                },
            }
        ],
    ),
    "container upload": (
        {"type": "container_upload", "file_id": "file_1"},
        [{"type": "file", "file_id": "file_1"}],
    ),
    "novelty": ({"type": "melody", "key": "a"}, [{"type": "melody", "key": "a"}]),
}
ASKED_WITH = {
    "cached text": (
        {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}},
        [text("Hi")],
    ),
    "image": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
        [{"type": "blob", "modality": "image", "mime_type": "image/png"} | DESCRIBED],
    ),
    "image at a URL": (
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        [{"type": "uri", "modality": "image", "uri": "https://example.com/a.png"}],
    ),
    "image in a file": (
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        [{"type": "file", "modality": "image", "file_id": "file_1"}],
    ),
    "document": (
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
            "title": "A",
            "citations": {"enabled": True},
        },
        [
            {
                "type": "blob",
                "modality": "document",
                "mime_type": "application/pdf",
                "title": "A",
                "citations": {"enabled": True},
            }
            | DESCRIBED
        ],
    ),
    "document of text": (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words"}},
        [{"type": "document", "mime_type": "text/plain", "content": "Words"}],
    ),
    "document of blocks": (
        {
            "type": "document",
            "title": "A",
            "source": {"type": "content", "content": [{"type": "text", "text": "Words"}]},
        },
        [{"type": "document", "title": "A"}, text("Words")],
    ),
    "source of a kind that nobody knows": (
        {"type": "image", "source": {"type": "dream", "of": "sheep"}},
        [{"type": "image", "source": {"type": "dream", "of": "sheep"}}],
    ),
    "search result": (
        {
            "type": "search_result",
            "source": "s",
            "title": "t",
            "content": [{"type": "text", "text": "found"}],
        },
        [
            {
                "type": "search_result",
                "source": "s",
                "title": "t",
                "content": [{"type": "text", "text": "found"}],
            }
        ],
    ),
}


def parts_of(event):
    content = event["content"]
    return content["messages"][0]["parts"] if "messages" in content else [text(content["text"])]


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("name", SPOKEN)
def test_a_block_of_an_answer(recording, name, is_streamed):
    block, parts = SPOKEN[name]

    def ask():
        answer = client(message(block)).beta.messages.create(**ASKED, stream=is_streamed)
        return [str(item) for item in answer] if is_streamed else str(answer)

    alone = ask()
    recording()
    assert ask() == alone
    [answer] = recording.log().of("completion")
    assert parts_of(answer) == parts
    assert DATA not in recording.path.read_text()


@pytest.mark.parametrize("name", [*SPOKEN, *ASKED_WITH])
def test_a_block_of_a_request(recording, name):
    block, parts = (SPOKEN | ASKED_WITH)[name]
    role = "user" if name in ASKED_WITH else "assistant"
    before = json.dumps(block)
    recording()
    client(message()).messages.create(**ASKED | {"messages": [{"role": role, "content": [block]}]})
    assert parts_of(recording.log().of("prompt")[0]) == parts
    assert json.dumps(block) == before
    assert DATA not in recording.path.read_text()


@pytest.mark.parametrize("name", SPOKEN)
def test_an_answer_that_is_given_back_is_recognised(recording, name):
    recording()
    block, _ = SPOKEN[name]
    claude = client(message(block), message(block), message())
    messages = [*ASKED["messages"]]
    for _ in range(2):
        answer = claude.beta.messages.create(**ASKED | {"messages": messages})
        messages += [
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": "Go on"},
        ]
    claude.beta.messages.create(**ASKED | {"messages": messages})
    prompts = recording.log().of("prompt")
    assert len({event["session_id"] for event in prompts}) == 1
    assert [event["content"] for event in prompts[1:]] == [{"text": "Go on"}] * 2
    assert [event["extensions"]["history"]["messages"] for event in prompts[1:]] == [2, 4]


def test_thoughts_that_are_not_given_back(recording):
    recording()
    thought, said = SPOKEN["thinking"][0], SPOKEN["text"][0]
    claude = client(message(thought, said), message(said))
    claude.messages.create(**ASKED)
    again = [*ASKED["messages"], {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Go on"}]
    claude.messages.create(**ASKED | {"messages": again})
    assert recording.log().of("prompt")[1]["content"] == {"text": "Go on"}


# --- tool results


RESULTS = {
    "text": ("done", "done"),
    "a block of text": ([{"type": "text", "text": "done"}], "done"),
    "nothing": (None, ""),
    "an image": (
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}],
        [{"type": "blob", "modality": "image", "mime_type": "image/png"} | DESCRIBED],
    ),
    "two texts": ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], [text("a"), text("b")]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_tool_result(recording, name):
    recording()
    content, told = RESULTS[name]
    call = SPOKEN["tool use"][0]
    claude = client(message(call, stop_reason="tool_use"), message(SPOKEN["text"][0]))
    answer = claude.messages.create(**ASKED)
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
    turn = [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    claude.messages.create(**ASKED | {"messages": [*ASKED["messages"], *turn]})
    log = recording.log()
    assert log.actions == ["prompt", "completion", "tool_call", "tool_result", "prompt", "completion"]
    asked, done, again = log.events[2], log.events[3], log.events[4]
    assert (asked["content"], asked["extensions"]["tool"]) == ({"text": '{"a": 1}'}, "f")
    assert done["actor"] == {"type": "tool", "id": "f"}
    assert done["extensions"]["reply_to"] == asked["event_id"]
    assert again["actor"] == {"type": "tool", "id": "f"}
    response = {"type": "tool_call_response", "id": "toolu_1", "response": told}
    assert log.read.messages_of(again)[-1] == {"role": "tool", "parts": [response]}


def test_a_tool_result_with_an_error_and_text(recording):
    recording()
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no", "is_error": True}
    content = [result, {"type": "text", "text": "Try again"}]
    client(message()).messages.create(**ASKED | {"messages": [{"role": "user", "content": content}]})
    [prompt] = recording.log().of("prompt")
    assert prompt["content"]["text"] == "Try again"
    response = {"type": "tool_call_response", "id": "toolu_1", "response": "no", "is_error": True}
    assert prompt["content"]["messages"] == [
        {"role": "tool", "parts": [response]},
        {"role": "user", "parts": [text("Try again")]},
    ]
