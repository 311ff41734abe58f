"""What the tests of the helpers share: a log in short, and clients made by the tests."""

from __future__ import annotations

from types import SimpleNamespace as Made

from hilt_autolog.reading.reader import read

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."


def events(log):
    """The events of a session, or of a file; without those that open and close a file."""
    log = getattr(log, "filepath", log)
    return [event for event in read(log) if event["actor"]["id"] != "hilt-autolog"]


def summary(log):
    """Of each event the action, the actor, the text, and the number of the event that it replies to."""
    logged = events(log)
    numbers = {event["event_id"]: number for number, event in enumerate(logged)}
    return [
        (
            event["action"],
            f"{event['actor']['type']}/{event['actor']['id']}",
            event.get("content", {}).get("text"),
            numbers.get(event.get("extensions", {}).get("reply_to")),
        )
        for event in logged
    ]


def extensions(log, action):
    """The extensions of the only event of this action."""
    (found,) = [event["extensions"] for event in events(log) if event["action"] == action]
    return found


def client_of(create):
    """A client with this `create`."""
    return Made(chat=Made(completions=Made(create=create)))


def answer(text="Hi", **known):
    """An answer as the tests of a program would make it."""
    return Made(choices=[Made(message=Made(content=text))], **known)


def chunk(text=None, **known):
    """A chunk of such a stream."""
    return Made(choices=[Made(index=0, delta=Made(content=text), finish_reason=None)], usage=None, **known)
