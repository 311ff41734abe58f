"""Whatever a program does with its messages between two calls, each request is read back as it was sent."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offline.wire import frame

import hilt_autolog
from tests.support.calling import Log
from tests.support.chat_messages import as_logged
from tests.support.in_process import client_over, response

WORDS = st.sampled_from(["a", "b", "", "Grüße \u2028\x7f"])  # few, so that conversations meet again
PLACE = st.integers(0, 7)

ANSWERS = st.fixed_dictionaries(
    {"content": WORDS | st.none()},
    optional={
        "reasoning_content": WORDS,
        "tool_calls": st.lists(st.sampled_from(["{}", '{"a']), max_size=2),
    },
)
CHOICES = st.lists(ANSWERS, min_size=1, max_size=3)
ASKS = st.tuples(st.just("ask"), CHOICES, PLACE, st.booleans(), st.booleans())
STEPS = st.one_of(
    ASKS,
    ASKS,
    st.tuples(st.just("say"), st.sampled_from(["user", "system", "developer", "assistant"]), WORDS),
    st.tuples(st.just("parts"), st.lists(WORDS, max_size=2)),
    st.tuples(st.just("result"), WORDS | st.lists(WORDS, max_size=2)),
    st.tuples(st.just("edit"), PLACE, WORDS),
    st.tuples(st.just("insert"), PLACE, WORDS),
    st.tuples(st.just("drop"), PLACE),
    st.tuples(st.just("begin again"), st.none()),
)
NUMBERS = itertools.count()


def text_parts(words):
    return [{"type": "text", "text": word} for word in words]


class Program:
    """A program that keeps a list of messages, and does with it what a list of steps says."""

    def __init__(self):
        self.client = client_over(self.answer)
        self.messages, self.sent, self.next = [], [], []

    def answer(self, request):
        name = f"c_{next(NUMBERS)}"
        if b'"stream":true' not in request.content.replace(b" ", b""):
            choices = [{"index": n, "message": message} for n, message in enumerate(self.next)]
            return response({"id": name, "model": "m", "choices": choices})
        deltas = [{"index": n, "delta": _delta(message)} for n, message in enumerate(self.next)]
        return response([frame({"id": name, "model": "m", "choices": [delta]}) for delta in deltas])

    def ask(self, answers, choice, *, whole, stream):
        self.next = [_answer(given) for given in answers]
        self.sent.append(as_logged(self.messages))
        answered = self.client.chat.completions.create(model="m", messages=self.messages, stream=stream)
        for _ in answered if stream else ():
            pass
        said = self.next[choice % len(self.next)]
        kept = said if whole else {key: said[key] for key in said if key != "reasoning_content"}
        self.messages.append(kept)

    def do(self, kind, *what):
        place = what[0] % (len(self.messages) or 1) if isinstance(what[0], int) else 0
        if kind == "ask":
            answers, choice, whole, stream = what
            self.ask(answers, choice, whole=whole, stream=stream)
        elif kind == "say":
            self.messages.append({"role": what[0], "content": what[1]})
        elif kind == "parts":
            self.messages.append({"role": "user", "content": text_parts(what[0])})
        elif kind == "result":
            self.result(what[0] if isinstance(what[0], str) else text_parts(what[0]))
        elif kind == "edit" and self.messages:
            self.messages[place] = {"role": "user", "content": what[1]}
        elif kind == "insert":
            self.messages.insert(place, {"role": "user", "content": what[1]})
        elif kind == "drop":
            del self.messages[place:]
        elif kind == "begin again":
            self.messages = []

    def result(self, content):
        asked = [call["id"] for message in self.messages for call in message.get("tool_calls") or ()]
        identity = asked[-1] if asked else "call_x"
        self.messages.append({"role": "tool", "tool_call_id": identity, "content": content})


def _answer(given):
    calls = [
        {"id": f"call_{next(NUMBERS)}", "type": "function", "function": {"name": "f", "arguments": arguments}}
        for arguments in given.get("tool_calls", ())
    ]
    return {"role": "assistant", **given} | ({"tool_calls": calls} if calls else {"tool_calls": None})


def _delta(message):
    calls = [call | {"index": place} for place, call in enumerate(message["tool_calls"] or ())]
    return message | {"tool_calls": calls or None}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
def test_each_request_is_rebuilt(steps):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.hilt.jsonl")
        with hilt_autolog.enable(path=str(path)):
            program = Program()
            for step in steps:
                program.do(*step)
        log = Log(path)
        assert [log.read.messages_of(prompt) for prompt in log.of("prompt")] == program.sent
        for action in ("tool_call", "tool_result"):
            named = [(event["session_id"], event["extensions"]["tool_call_id"]) for event in log.of(action)]
            assert len(set(named)) == len(named)
