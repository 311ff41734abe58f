"""A conversation is recognised and written once, however it is held, and every request is whole again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.calling import KINDS, each, run_sync, settled
from tests.support.chat_messages import as_logged, text_part
from tests.support.in_process import client_over, offline, response

SYSTEM = {"role": "system", "content": "Answer in one sentence."}


def user(content):
    return {"role": "user", "content": content}


def requests(log):
    """The messages of every request, as they can be read back."""
    return [log.read.messages_of(prompt) for prompt in log.of("prompt")]


# --- turns


async def chat(client, messages, *, stream):
    """Ask, and put the answer into the conversation; returns what was asked, as the log should have it."""
    told = as_logged(messages)
    answer = await settled(client.chat.completions.create(model="gpt-4o", messages=messages, stream=stream))
    if stream:
        chunks = [chunk.choices[0].delta.content or "" async for chunk in each(answer)]
        messages.append({"role": "assistant", "content": "".join(chunks)})
    else:
        messages.append(answer.choices[0].message.to_dict())
    return told


async def respond(client, messages, *, stream):
    told = as_logged(messages)
    answer = await settled(client.responses.create(model="gpt-4o", input=messages, stream=stream))
    if stream:
        events = [event async for event in each(answer)]
        answer = events[-1].response
    messages.append({"role": "assistant", "content": answer.output_text})
    return told


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("turn", [chat, respond])
def test_a_conversation_grows_with_its_length(runner, recording, turn, stream, kind):
    recording(chunks="off")
    sizes, asked = [], []

    async def talk():
        client, messages = offline(kind), [SYSTEM]
        for number in range(50):
            messages.append(user(f"Question number {number:03} of a long evening"))
            asked.append(await turn(client, messages, stream=stream))
            sizes.append(recording.path.stat().st_size)

    (run_sync if kind == "sync" else runner.run)(talk())
    log = recording.log()
    assert len({event["session_id"] for event in log.events}) == 1
    assert sizes[-1] - sizes[-2] <= 1.1 * (sizes[1] - sizes[0])
    assert requests(log) == asked
    assert [prompt["extensions"].get("history", {}).get("messages", 0) for prompt in log.of("prompt")] == [
        0,
        *range(3, 101, 2),
    ]


# --- histories that were changed


@pytest.fixture
def talk(recording):
    """Three turns with a client: the client, and the messages so far."""
    recording()
    client, messages = offline(), [SYSTEM]
    for words in ("One", "Two", "Three"):
        messages.append(user(words))
        run_sync(chat(client, messages, stream=False))
    return client, messages


def asked(client, messages):
    run_sync(chat(client, list(messages), stream=False))


EDITS = {  # a change of the messages: how many of them the log has still
    "none": (lambda messages: messages, 7),
    "the system prompt": (lambda messages: [user("Be brief."), *messages[1:]], 0),
    "no system prompt": (lambda messages: messages[1:], 0),
    "the first question": (lambda messages: [SYSTEM, user("Zero"), *messages[2:]], 0),
    "the last answer": (lambda messages: [*messages[:-1], {"role": "assistant", "content": "No."}], 5),
    "the last question": (lambda messages: [*messages[:-2], user("Drei"), messages[-1]], 5),
    "back one turn": (lambda messages: messages[:5], 5),
    "back two turns": (lambda messages: messages[:3], 3),
    "in another order": (lambda messages: [SYSTEM, *messages[3:5], *messages[1:3], *messages[5:]], 0),
    "a name": (lambda messages: [*messages[:5], messages[5] | {"name": "ada"}, messages[6]], 5),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_was_changed_is_written(recording, talk, name):
    client, messages = talk
    edit, known = EDITS[name]
    changed = [*edit(messages), user("Four")]
    asked(client, changed)
    log = recording.log()
    prompt = log.of("prompt")[-1]
    assert prompt["extensions"].get("history", {}).get("messages", 0) == known
    assert log.read.messages_of(prompt) == as_logged(changed)
    sessions = [event["session_id"] for event in log.of("prompt")]
    assert (sessions[-1] == sessions[0]) == bool(known)


def test_branches_refer_to_where_they_begin(recording, talk):
    client, messages = talk
    for words in ("Left", "Right", "Left"):
        asked(client, [*messages, user(words)])
    log = recording.log()
    *_, last = log.of("completion")[:3]
    for branch in log.of("prompt")[3:]:
        assert branch["extensions"]["history"] == {"messages": 7, "after": last["event_id"]}
        assert branch["extensions"]["reply_to"] == last["event_id"]
    assert len({event["session_id"] for event in log.events}) == 1


def test_the_same_question_asked_again_is_asked_anew(recording):
    recording()
    client = offline()
    for _ in range(3):
        asked(client, [SYSTEM, user("Hello")])
    assert len({event["session_id"] for event in recording.log().of("prompt")}) == 3


def test_a_failed_turn_is_recorded_again_with_the_next(recording):
    recording()
    client, messages = offline(), [SYSTEM, user("Hello")]
    asked(client, messages)
    broken = client_over(lambda request: response({}, status=500))
    talked = [*messages, {"role": "assistant", "content": HELLO}, user("Go on")]
    with pytest.raises(Exception, match="500"):
        asked(broken, talked)
    asked(client, talked)
    log = recording.log()
    first, failed, again = log.of("prompt")
    assert failed["session_id"] == again["session_id"] == first["session_id"]
    assert requests(log) == [as_logged(messages), as_logged(talked), as_logged(talked)]


HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."


def test_the_choice_that_a_conversation_goes_on_with(recording):
    recording()
    client, messages = offline(), [SYSTEM, user("Hello")]
    choices = client.chat.completions.create(model="gpt-4o", messages=messages, n=3).choices
    told = []
    for choice in (2, 0, 1):
        goes_on = [*messages, choices[choice].message.to_dict(), user(f"After {choice}")]
        asked(client, goes_on)
        told.append(as_logged(goes_on))
    log = recording.log()
    assert requests(log)[1:] == told
    assert len({event["session_id"] for event in log.events}) == 1


def test_an_answer_repeated_with_and_without_its_thoughts(recording):
    recording()
    client, messages = offline(), [user("Hello")]
    answer = (
        client.chat.completions.create(model="my-reasoner", messages=messages).choices[0].message.to_dict()
    )
    plain = {"role": "assistant", "content": answer["content"]}
    for repeated in (answer, plain):
        asked(client, [*messages, repeated, user("Go on")])
    log = recording.log()
    assert requests(log)[1:] == [as_logged([*messages, said, user("Go on")]) for said in (answer, plain)]
    assert len({event["session_id"] for event in log.events}) == 1


def test_an_answer_that_was_cut_off_is_gone_on_from(recording):
    recording()
    client, messages = offline(), [user("Hello")]
    stream = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
    heard = [chunk.choices[0].delta.content or "" for _, chunk in zip(range(5), stream, strict=False)]
    stream.close()
    left = recording.log().of("completion")[0]["content"]["text"]
    assert left.startswith("".join(heard))
    goes_on = [*messages, {"role": "assistant", "content": left}, user("Go on")]
    asked(client, goes_on)
    log = recording.log()
    assert log.of("prompt")[1]["extensions"]["history"]["messages"] == 2
    assert requests(log)[1] == as_logged(goes_on)


def test_long_conversations_that_begin_alike(recording):
    """A thousand continuations of one beginning, each recorded in a few bytes."""
    recording()
    client, messages = offline(), [SYSTEM, user("x" * 10_000)]
    run_sync(chat(client, messages, stream=False))
    size = recording.path.stat().st_size
    for number in range(100):
        asked(client, [*messages, user(f"{number}")])
    assert recording.path.stat().st_size - size < 100 * 2000


# --- the same words at the same time


TURNS = 5


async def same_words(client, order=None):
    """A conversation whose words are those of every other."""
    messages, told = [SYSTEM], []
    for number in range(TURNS):
        messages.append(user(f"Question {number}"))
        told.append(await chat(client, messages, stream=False))
        await (order or _nothing)()
    return told


async def _nothing():
    """Go on at once."""


def apart(log, count):
    """There are so many conversations, each with its own turns in a row."""
    sessions = {}
    for event in log.events:
        sessions.setdefault(event["session_id"], []).append(event)
    assert len(sessions) == count
    for events in sessions.values():
        assert [event["action"] for event in events] == ["prompt", "completion"] * TURNS
        ids = [event["event_id"] for event in events]
        assert [event["extensions"].get("reply_to") for event in events] == [None, *ids[:-1]]


def test_threads_that_say_the_same(recording):
    recording()
    client = offline()
    with ThreadPoolExecutor(8) as pool:
        told = [*pool.map(lambda _: run_sync(same_words(client)), range(8))]
    log = recording.log()
    apart(log, 8)
    assert sorted(map(str, requests(log))) == sorted(str(request) for one in told for request in one)


def test_tasks_that_say_the_same_in_turns(runner, recording):
    async def together():
        client = offline("async")
        return await asyncio.gather(*(same_words(client, lambda: asyncio.sleep(0)) for _ in range(20)))

    recording()
    runner.run(together())
    apart(recording.log(), 20)


def test_a_message_that_has_no_words(recording):
    recording()
    asked(offline(), [user(""), user([])])
    [told] = requests(recording.log())
    assert told == [{"role": "user", "parts": [text_part("")]}, {"role": "user", "parts": []}]
