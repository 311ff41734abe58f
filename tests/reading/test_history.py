from __future__ import annotations

import copy
import json
import time
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilt_autolog.reading.history import rebuild_messages
from hilt_autolog.reading.reader import messages_of, read


def text(content):
    return {"type": "text", "content": content}


def message(role, *parts, **more):
    return {"role": role, "parts": [text(part) if isinstance(part, str) else part for part in parts], **more}


def event(name, action, content=None, actor="human", **extensions):
    fields = {
        "event_id": name,
        "action": action,
        "actor": {"type": actor, "id": "x"},
        "extensions": extensions,
    }
    return fields if content is None else fields | {"content": content}


def prompt(name, content=None, actor="human", **extensions):
    return event(name, "prompt", content, actor, **extensions)


def completion(name, reply_to, content=None):
    return event(name, "completion", content, "agent", reply_to=reply_to)


def logged(tmp_path, *events):
    path = tmp_path / "a.hilt.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in events))
    return read(path)


def conversation_of(*events):
    """Return the messages of the last of `events`."""
    by_id = {e["event_id"]: e for e in events}
    return rebuild_messages(events[-1], by_id.get)


# --- what an event brings


@pytest.mark.parametrize(
    ("actor", "role"), [("human", "user"), ("system", "system"), ("agent", "assistant"), ("tool", "tool")]
)
def test_a_prompt_without_messages_is_its_text(actor, role):
    assert conversation_of(prompt("p", {"text": "Hi"}, actor)) == [message(role, "Hi")]


def test_a_prompt_with_messages_is_those_messages():
    both = [message("system", "Be brief."), message("user", "Hi")]
    assert conversation_of(prompt("p", {"text": "Hi", "messages": both})) == both


def test_a_prompt_may_bring_nothing_new():
    assert conversation_of(prompt("p", {"text": "Hi", "messages": []})) == []
    assert conversation_of(prompt("p")) == []


def test_a_completion_gives_the_request_and_the_answer():
    assert conversation_of(prompt("p", {"text": "Hi"}), completion("c", "p", {"text": "Hello"})) == [
        message("user", "Hi"),
        message("assistant", "Hello"),
    ]


def test_an_answer_loses_its_finish_reason_and_nothing_else():
    answer = message("assistant", {"type": "reasoning", "content": "hm"}, "Hello", name="bot")
    content = {"text": "Hello", "messages": [answer | {"finish_reason": "stop"}]}
    assert conversation_of(completion("c", "p", content), prompt("p"), completion("c", "p", content)) == [
        answer
    ]


def test_an_answer_that_says_nothing_is_an_empty_message():
    assert conversation_of(prompt("p", {"text": "Hi"}), completion("c", "p")) == [
        message("user", "Hi"),
        message("assistant"),
    ]
    assert conversation_of(prompt("p", {"text": "Hi"}), completion("c", "p", {"messages": []})) == [
        message("user", "Hi")
    ]


def test_a_completion_of_nothing_known_is_the_answer_alone():
    assert conversation_of(event("c", "completion", {"text": "Hello"}, "agent")) == [
        message("assistant", "Hello")
    ]


def test_a_failure_with_an_answer_counts_as_the_answer():
    kept = {"text": "Could not parse it", "messages": [message("assistant", "Ann", finish_reason="length")]}
    events = {
        "p": prompt("p", {"text": "Who?"}),
        "e": event("e", "system", kept, "system", reply_to="p", error_type="LengthFinishReasonError"),
        "q": prompt("q", {"text": "Go on"}, reply_to="e", history={"messages": 2, "after": "e"}),
    }
    messages = [message("user", "Who?"), message("assistant", "Ann")]
    assert rebuild_messages(events["e"], events.get) == messages
    assert rebuild_messages(events["q"], events.get) == [*messages, message("user", "Go on")]


@pytest.mark.parametrize(
    "one",
    [
        event("e", "system", {"text": "session opened"}, "system"),
        event("e", "system", {"text": "Too many"}, "system", error_type="RateLimitError"),
        event(
            "e", "system", {"text": "failed", "messages": [message("system", "no")]}, error_type="KeyError"
        ),
        event("e", "system", {"text": "paused", "messages": [message("assistant", "Shall I?")]}),
        event("e", "system", {"messages": [3]}, error_type="KeyError"),
    ],
    ids=["opened", "failed call", "failed chain", "paused", "no messages"],
)
def test_other_system_events_have_no_messages(one):
    with pytest.raises(LookupError, match=r"'system' holds no messages|is not a list of messages"):
        rebuild_messages(one, {}.get)


def test_a_tool_result_is_a_message_of_its_own():
    result = event("r", "tool_result", {"text": "18 C"}, "tool", tool_call_id="call_1")
    response = {"type": "tool_call_response", "id": "call_1", "response": "18 C"}
    assert conversation_of(result) == [message("tool", response)]
    empty = event("r", "tool_result", None, "tool")
    assert conversation_of(empty) == [message("tool", {"type": "tool_call_response", "response": ""})]


# --- what came before


CHOICES = [message("assistant", f"Answer {n}", finish_reason="stop") for n in range(3)]


def test_history_after_a_prompt():
    first = prompt("p", {"messages": [message("system", "Be brief."), message("user", "Hi")]})
    assert conversation_of(first, prompt("q", {"text": "Hello?"}, history={"messages": 2, "after": "p"})) == [
        message("system", "Be brief."),
        message("user", "Hi"),
        message("user", "Hello?"),
    ]


def test_history_after_a_completion_with_its_choice():
    events = prompt("p", {"text": "Hi"}), completion("c", "p", {"text": "Answer 0", "messages": CHOICES})
    for choice in range(3):
        history = {"messages": 2, "after": "c"} | ({"choice": choice} if choice else {})
        assert conversation_of(*events, prompt("q", {"text": "So?"}, history=history)) == [
            message("user", "Hi"),
            message("assistant", f"Answer {choice}"),
            message("user", "So?"),
        ]


def test_history_without_what_the_program_left_out():
    noted = text("Hello") | {"annotations": [{"url": "https://example.com"}]}
    whole = message(
        "assistant", {"type": "reasoning", "content": "hm"}, {"type": "refusal", "content": "no"}, noted
    )
    events = prompt("p", {"text": "Hi"}), completion("c", "p", {"messages": [whole]})

    def answer(*omits):
        history = {"messages": 2, "after": "c", "omits": list(omits)}
        return conversation_of(*events, prompt("q", {"messages": []}, history=history))[1]

    assert answer() == whole
    assert answer("reasoning") == message("assistant", {"type": "refusal", "content": "no"}, noted)
    assert answer("annotations", "reasoning", "refusal") == message("assistant", "Hello")
    assert conversation_of(*events)[1] == whole


def test_history_through_tool_results():
    calls = [{"type": "tool_call", "id": f"call_{n}", "name": "f", "arguments": {}} for n in (1, 2)]
    responses = [{"type": "tool_call_response", "id": f"call_{n}", "response": str(n)} for n in (1, 2)]
    events = (
        prompt("p", {"text": "Hi"}),
        completion("c", "p", {"messages": [message("assistant", *calls)]}),
        event(
            "r1",
            "tool_result",
            {"text": "1"},
            "tool",
            tool_call_id="call_1",
            history={"messages": 2, "after": "c"},
        ),
        event(
            "r2",
            "tool_result",
            {"text": "2"},
            "tool",
            tool_call_id="call_2",
            history={"messages": 3, "after": "r1"},
        ),
        prompt("q", {"text": "2", "messages": []}, "tool", history={"messages": 4, "after": "r2"}),
    )
    whole = [
        message("user", "Hi"),
        message("assistant", *calls),
        *(message("tool", part) for part in responses),
    ]
    assert conversation_of(*events) == whole
    assert conversation_of(*events[:4]) == whole
    assert conversation_of(*events[:3]) == whole[:3]


def test_a_history_may_refer_to_part_of_a_conversation():
    first = prompt("p", {"messages": [message("system", "Be brief."), message("user", "Hi")]})
    branch = prompt("q", {"text": "Hello"}, history={"messages": 1, "after": "p"})
    assert conversation_of(first, branch) == [message("system", "Be brief."), message("user", "Hello")]
    assert conversation_of(first) == first["content"]["messages"]


# --- through a log


def test_a_log_finds_the_events_itself_and_reads_itself_once(tmp_path, monkeypatch):
    events = [prompt("p", {"text": "Hi"}), completion("c", "p", {"text": "Hello"})]
    log = logged(tmp_path, {"action": "prompt"}, {"action": "prompt", "event_id": 3}, *events, {"strange": 1})
    whole = [message("user", "Hi"), message("assistant", "Hello")]
    assert messages_of(events[1], log) == log.messages_of(events[1]) == whole
    (tmp_path / "a.hilt.jsonl").unlink()
    assert log.messages_of(events[1]) == whole
    assert log.problems == []


def test_asking_while_reading(tmp_path):
    log = logged(tmp_path, prompt("p", {"text": "Hi"}), completion("c", "p", {"text": "Hello"}))
    assert [len(log.messages_of(e)) for e in log] == [1, 2]


def test_a_conversation_of_ten_thousand_turns():
    events = {}
    last = None
    for turn in range(10_000):
        history = {"history": {"messages": 2 * turn, "after": last}} if last else {}
        events[f"p{turn}"] = prompt(f"p{turn}", {"text": f"question {turn}"}, **history)
        last = f"c{turn}"
        events[last] = completion(last, f"p{turn}", {"text": f"answer {turn}"})
    began = time.perf_counter()
    messages = rebuild_messages(events[last], events.get)
    assert time.perf_counter() - began < 2
    assert len(messages) == 20_000
    assert messages[-2:] == [message("user", "question 9999"), message("assistant", "answer 9999")]


# --- what cannot be rebuilt


ASKED = prompt("p", {"text": "Hi"})
ANSWERED = completion("c", "p", {"messages": CHOICES})


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([completion("c", "gone")], "no prompt, completion or tool_result with the id 'gone'"),
        ([completion("c", 7)], "with the id 7"),
        ([prompt("q", history={"messages": 1, "after": "gone"})], "with the id 'gone'"),
        ([prompt("q", history={"messages": 1, "after": "q"})], "the history of event q leads back to itself"),
        ([prompt("c", history={"messages": 1, "after": "q"}), completion("q", "c")], "leads back to itself"),
        ([ASKED, prompt("q", history={"messages": 2, "after": "p"})], "a history of 2 messages .* holds 1"),
        ([ASKED, prompt("q", history={"messages": -1, "after": "p"})], "a history of -1 messages"),
        ([ASKED, prompt("q", history={"messages": "1", "after": "p"})], "a history of '1' messages"),
        ([prompt("q", history={"messages": 1})], "a history of 1 messages .* holds 0"),
        (
            [ASKED, ANSWERED, prompt("q", history={"messages": 2, "after": "c", "choice": 3})],
            "choice 3 of an answer that has 3",
        ),
        ([ASKED, ANSWERED, prompt("q", history={"messages": 2, "after": "c", "choice": -1})], "choice -1"),
        ([ASKED, ANSWERED, prompt("q", history={"messages": 2, "after": "c", "choice": "1"})], "choice '1'"),
        ([prompt("p", {"messages": "Hi"})], "content.messages is not a list of messages"),
        ([prompt("p", {"messages": ["Hi"]})], "content.messages is not a list of messages"),
        ([event("t", "tool_call", {"text": "{}"})], "an event whose action is 'tool_call' holds no messages"),
        ([{"event_id": "x"}], "an event whose action is None holds no messages"),
    ],
)
def test_what_contradicts_itself_is_a_clear_error(events, reason):
    with pytest.raises(LookupError, match=reason):
        conversation_of(*events)


# --- whatever the conversation


WORDS = st.sampled_from(["", "Hi", "So?", "\u2028"])
PARTS = st.one_of(
    WORDS.map(text),
    WORDS.map(lambda word: {"type": "reasoning", "content": word}),
    WORDS.map(lambda word: {"type": "tool_call", "id": "call_1", "name": "f", "arguments": word}),
)
ANSWERS = st.lists(PARTS, max_size=3).map(lambda parts: {"role": "assistant", "parts": parts})
ASKS = st.builds(message, st.sampled_from(["user", "system", "tool"]), WORDS)
SPEAKERS = {"user": "human", "system": "system", "assistant": "agent", "tool": "tool"}


class Scribe:
    """Writes a conversation down by the contract, and keeps what each event represents."""

    def __init__(self, draw):
        self.draw = draw
        self.names = (f"e{n}" for n in count())
        self.events = {}
        self.truth = {}
        self.heads = [({}, [])]  # (history, the messages it represents)

    def write(self, action, content, actor, extensions, truth):
        name = next(self.names)
        self.events[name] = event(name, action, content, actor, **extensions)
        self.truth[name] = truth
        return name

    def ask(self):
        history, before = self.draw(st.sampled_from(self.heads))
        new = self.draw(st.lists(ASKS, min_size=0 if before else 1, max_size=2))
        content = {"messages": new} | ({"text": new[-1]["parts"][0]["content"]} if new else {})
        speaker = SPEAKERS[new[-1]["role"]] if new else "human"
        if len(new) == 1 and self.draw(st.booleans()):
            del content["messages"]
        truth = before + new
        name = self.write("prompt", content, speaker, {"history": history} if history else {}, truth)
        self.heads.append(({"messages": len(truth), "after": name}, truth))
        self.answer(name, truth)

    def answer(self, prompt_id, before):
        choices = self.draw(st.lists(ANSWERS, min_size=1, max_size=3))
        content = {"messages": [choice | {"finish_reason": "stop"} for choice in choices]}
        if self.draw(st.booleans()):
            content, choices = {"text": "Hello"}, [message("assistant", "Hello")]
        name = self.write("completion", content, "agent", {"reply_to": prompt_id}, [*before, choices[0]])
        for n, choice in enumerate(choices):
            history = {"messages": len(before) + 1, "after": name} | ({"choice": n} if n else {})
            self.heads.append((history, [*before, choice]))
            spoken = choice | {"parts": [part for part in choice["parts"] if part["type"] != "reasoning"]}
            self.heads.append((history | {"omits": ["reasoning"]}, [*before, spoken]))

    def use_tool(self):
        history, before = self.draw(st.sampled_from(self.heads))
        response = {"type": "tool_call_response", "id": "call_1", "response": self.draw(WORDS)}
        truth = [*before, message("tool", response)]
        content = {"text": response["response"]} if response["response"] else None
        extensions = {"tool_call_id": "call_1"} | ({"history": history} if history else {})
        name = self.write("tool_result", content, "tool", extensions, truth)
        self.heads.append(({"messages": len(truth), "after": name}, truth))


@st.composite
def conversations(draw):
    scribe = Scribe(draw)
    for step in draw(st.lists(st.sampled_from(["ask", "ask", "use_tool"]), min_size=1, max_size=12)):
        getattr(scribe, step)()
    return scribe.events, scribe.truth


@settings(max_examples=200, deadline=None)
@given(conversations())
def test_any_conversation_is_rebuilt_exactly(conversation):
    events, truth = conversation
    written = copy.deepcopy(events)
    for name, one in events.items():
        assert rebuild_messages(one, events.get) == truth[name]
    assert events == written
