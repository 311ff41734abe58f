from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hilt_autolog.event import Actor, Content, Event, Metrics, Privacy

SAID = {"session_id": "conv_1", "actor": {"type": "human", "id": "ada"}, "action": "prompt"}
WHOLE = {
    "hilt_version": "1.0.0",
    "event_id": "0198c0de-0000-7000-8000-000000000001",
    "timestamp": "2026-01-31T12:00:00.000001Z",
    "session_id": "conv_1",
    "actor": {"type": "agent", "id": "gpt-4o", "name": "Bot", "metadata": {"team": "blue"}},
    "action": "completion",
    "content": {
        "text": "Hi",
        "messages": [{"role": "assistant", "parts": []}],
        "media": [{"sha256": "00"}],
        "text_hash": "sha256:" + "0" * 64,
        "text_encrypted": "x",
    },
    "metrics": {"latency_ms": 12, "ttft_ms": 3, "tokens": {"prompt": 1, "completion": 2}, "cost_usd": 0.5},
    "provenance": {"provider": "openai"},
    "privacy": {"pii_detected": ["email"], "redaction_applied": True, "consent": {"given": True}},
    "integrity": {"seq": 1},
    "extensions": {"reply_to": "x", "usage": {"cached": None}},
}


def test_an_event_needs_only_who_what_and_where():
    event = Event(session_id="conv_1", actor=Actor(type="human", id="ada"), action="prompt")
    assert event.to_dict() == {
        "hilt_version": "1.0.0",
        "event_id": event.event_id,
        "timestamp": event.timestamp,
        **SAID,
    }


def test_id_and_time_are_made_on_the_spot():
    event = Event(**SAID)
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", event.event_id
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.timestamp)
    assert abs(datetime.fromisoformat(event.timestamp) - datetime.now(UTC)) < timedelta(minutes=1)
    assert Event(**SAID).event_id > event.event_id


def test_a_whole_event_survives_the_way_there_and_back():
    assert Event.from_dict(WHOLE).to_dict() == WHOLE
    line = Event.from_dict(WHOLE).to_json()
    assert "\n" not in line
    assert json.loads(line) == WHOLE
    assert Event.from_json(line) == Event.from_json(line.encode()) == Event.from_dict(WHOLE)


def test_reading_does_not_change_what_was_read():
    given = json.loads(json.dumps(WHOLE))
    Event.from_dict(given)
    assert given == WHOLE


@pytest.mark.parametrize("part", ["content", "metrics", "privacy"])
def test_unknown_keys_are_kept_even_when_they_are_null(part):
    strange = {**WHOLE, "later": None, part: {**WHOLE[part], "new": {"a": None}, "null": None}}
    assert Event.from_dict(strange).to_dict() == strange


def test_absent_values_have_no_key():
    event = Event(**SAID, content=Content(text="Hi", messages=None), metrics=Metrics(), privacy=None)
    said = event.to_dict()
    assert said["content"] == {"text": "Hi"}
    assert said["metrics"] == {}
    assert "privacy" not in said
    assert Actor(type="tool", id="t", name=None).model_dump() == {"type": "tool", "id": "t"}
    assert Privacy(redaction_applied=False).model_dump() == {"redaction_applied": False}


def test_an_actor_takes_no_other_key():
    with pytest.raises(ValueError, match="an actor has type, id, name and metadata, and no did, role"):
        Event(**{**SAID, "actor": {"type": "human", "id": "ada", "did": "did:key:z", "role": "boss"}})
    with pytest.raises(ValueError, match="and no did"):
        Actor(type="human", id="ada", did="did:key:z")


def test_an_actor_that_is_read_keeps_what_it_has():
    old = {**WHOLE, "actor": {"type": "human", "id": "ada", "did": "did:key:z", "role": None}}
    assert Event.from_dict(old).to_dict() == old
    assert Event.from_json(json.dumps(old)).to_dict() == old


@pytest.mark.parametrize(
    "empty", [{"session_id": ""}, {"event_id": ""}, {"actor": {"type": "human", "id": ""}}], ids=str
)
def test_an_empty_name_is_refused_but_read(empty):
    with pytest.raises(ValueError, match="is empty"):
        Event(**{**WHOLE, **empty})
    assert Event.from_dict({**WHOLE, **empty}).to_dict() == {**WHOLE, **empty}


def test_a_number_as_an_actor_s_id_becomes_text():
    assert Actor(type="human", id=42) == Actor(type="human", id="42")
    with pytest.raises(ValueError, match="id"):
        Actor(type="human", id=None)


def test_the_parts_may_be_models_or_dicts():
    parts = {"content": Content(text="Hi"), "metrics": Metrics(latency_ms=1), "privacy": Privacy(consent={})}
    dicts = {name: part.model_dump() for name, part in parts.items()}
    stamp = {"event_id": "1", "timestamp": "2026-01-31T12:00:00Z"}
    assert Event(**SAID, **stamp, **parts) == Event(**SAID, **stamp, **dicts)


def test_what_hilt_python_calls_images_and_metadata_is_there():
    content = Content(images=["a.png"], metadata={"lang": "en"})
    assert (content.images, content.metadata, Content().images) == (["a.png"], {"lang": "en"}, None)
    assert content.model_dump() == {"images": ["a.png"], "metadata": {"lang": "en"}}


@pytest.mark.parametrize("line", ["", "{", b"\xff", "[]", "3", "null", b"\xff\xfe{\x00}\x00"])
def test_what_is_no_json_object_is_a_value_error(line):
    with pytest.raises(ValueError, match=r".+"):
        Event.from_json(line)


def test_an_unknown_actor_type_is_refused_with_the_valid_ones():
    with pytest.raises(ValueError, match="'human', 'agent', 'tool' or 'system'"):
        Actor(type="robot", id="r2")


def test_an_unknown_action_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'prompt', 'completion', .*'rerank' or 'embedding'"):
        Event(**{**SAID, "action": "shout"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"actor": {"type": "robot", "id": "r2"}},
        {"session_id": None},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"timestamp": None},
        {"timestamp": "yesterday"},
        {"timestamp": 1_700_000_000},
        {"metrics": {"latency_ms": -1}},
        {"metrics": {"latency_ms": 1.5}},
        {"metrics": {"tokens": {"prompt": 1.0}}},
        {"metrics": {"tokens": {"prompt": True}}},
        {"content": {"text_hash": "md5:00"}},
        {"content": {"messages": ["hello"]}},
        {"extensions": ["reply_to"]},
    ],
    ids=str,
)
def test_what_the_format_forbids_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        Event.from_dict({**WHOLE, **wrong})


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T13:00:00.25+01:00", "2026-01-31T12:00:00.250000Z"),
        (datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1))), "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T12:00:00", "2026-01-31T12:00:00.000000Z"),
        (datetime(2026, 1, 31, 12), "2026-01-31T12:00:00.000000Z"),  # noqa: DTZ001  as hilt-python takes it
    ],
)
def test_a_time_is_spelled_the_one_way_of_the_format(given, spelled):
    assert Event.from_dict({**WHOLE, "timestamp": given}).timestamp == spelled
