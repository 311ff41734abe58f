"""Logs as chat messages."""

from __future__ import annotations

import json

import pyarrow.json as pj
import pytest

from hilt_autolog import read
from hilt_autolog.converters.messages import chat, convert_to_messages

TEXT = {"role": "user", "parts": [{"type": "text", "content": "Hello"}, {"type": "text", "content": "you"}]}


def event(number, action, session="conv_1", **more):
    kind = {"completion": "agent", "prompt": "human"}.get(action, "tool")
    return {
        "event_id": f"e{number}",
        "timestamp": f"2026-01-31T12:00:{number:02}Z",
        "session_id": session,
        "actor": {"type": kind, "id": "gpt"},
        "action": action,
    } | more


def log_event(number, action, text, extensions=None, **more):
    return event(number, action, content={"text": text}, extensions=extensions or {}, **more)


def converted(tmp_path, *events):
    path = tmp_path / "a.hilt.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in events))
    log = read(path)
    count = convert_to_messages(log, tmp_path / "m.jsonl")
    conversations = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert len(conversations) == count
    return conversations, log.problems


def test_a_conversation_is_one_line_up_to_its_last_answer(tmp_path):
    conversations, problems = converted(
        tmp_path,
        log_event(1, "prompt", "One?"),
        log_event(2, "completion", "One.", {"reply_to": "e1"}),
        log_event(3, "prompt", "Two?", {"history": {"messages": 2, "after": "e2"}}),
        log_event(4, "completion", "Two.", {"reply_to": "e3"}),
        log_event(5, "prompt", "Three?", {"history": {"messages": 4, "after": "e4"}}),
        log_event(6, "completion", "Thr", {"reply_to": "e5", "partial": True}),
    )
    words = [("user", "One?"), ("assistant", "One."), ("user", "Two?"), ("assistant", "Two.")]
    messages = [{"role": role, "content": text} for role, text in words]
    assert conversations == [{"conversation_id": "conv_1", "model": "gpt", "messages": messages}]
    assert problems == []


def test_each_conversation_with_an_answer_has_one_line(tmp_path):
    conversations, _ = converted(
        tmp_path,
        log_event(1, "prompt", "One?"),
        log_event(2, "prompt", "Two?", session="conv_2"),
        log_event(3, "completion", "Two.", {"reply_to": "e2"}, session="conv_2"),
        log_event(4, "completion", "One.", {"reply_to": "e1"}),
        log_event(5, "prompt", "Three?", session="conv_3"),
    )
    assert [line["conversation_id"] for line in conversations] == ["conv_2", "conv_1"]


def test_tools_as_openai_spells_them():
    call = {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}}
    results = [
        {"type": "tool_call_response", "id": f"c{n}", "response": r}
        for n, r in ((1, "sunny"), (2, {"t": 18}))
    ]
    messages = [
        TEXT,
        {
            "role": "assistant",
            "parts": [{"type": "reasoning", "content": "hm"}, call],
            "finish_reason": "tool_calls",
        },
        {"role": "tool", "parts": results},
    ]
    function = {"name": "weather", "arguments": '{"city":"Paris"}'}
    assert list(chat(messages)) == [
        {"role": "user", "content": "Hello\nyou"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
        {"role": "tool", "content": '{"t":18}', "tool_call_id": "c2"},
    ]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "blob", "modality": "image", "mime_type": "a/b", "bytes": 9}, "[image: a/b, 9 bytes]"),
        ({"type": "uri", "modality": "image", "uri": "https://x/y.png"}, "[image: https://x/y.png]"),
        ({"type": "file", "file_id": "f-1"}, "[file: f-1]"),
        ({"type": "unread"}, "[unread]"),
        ({"type": "refusal", "content": "I will not."}, "I will not."),
        ({"type": "text", "content": None}, "null"),
        ({}, "[part]"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_described(part, words):
    assert list(chat([{"role": "user", "parts": [part]}])) == [{"role": "user", "content": words}]


@pytest.mark.parametrize("message", [{}, {"parts": None}, {"role": "user", "parts": [7, "x"]}])
def test_an_odd_message_is_an_empty_one(message):
    assert list(chat([message])) == [{"role": "user", "content": ""}]


def test_a_conversation_without_its_beginning_is_reported_and_left_out(tmp_path):
    conversations, problems = converted(
        tmp_path,
        log_event(1, "completion", "One.", {"reply_to": "gone"}),
        log_event(2, "prompt", "Two?", session="conv_2"),
        log_event(3, "completion", "Two.", {"reply_to": "e2"}, session="conv_2"),
    )
    assert [line["conversation_id"] for line in conversations] == ["conv_2"]
    assert [(problem.line, problem.reason) for problem in problems] == [
        (1, "not written: the log has no prompt, completion or tool_result with the id 'gone'")
    ]


def test_message_content_is_always_text(tmp_path):
    call = {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "n", "arguments": "{}"}]}
    converted(
        tmp_path,
        log_event(1, "prompt", "One?"),
        log_event(2, "completion", "One.", {"reply_to": "e1"}),
        event(3, "prompt", session="conv_2", content={"messages": [TEXT, call]}),
        event(4, "completion", session="conv_2", content={"messages": [call]}, extensions={"reply_to": "e3"}),
    )
    table = pj.read_json(tmp_path / "m.jsonl")
    message = table.schema.field("messages").type.value_type
    assert {message.field(n).name: str(message.field(n).type) for n in range(2)} == {
        "role": "string",
        "content": "string",
    }
