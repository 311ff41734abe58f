"""A provider of one's own in a log: some forty lines, and no SDK.

    python examples/custom_integration.py

The model here is called Echo. It runs in this process, and repeats what it hears. Yours may be behind any
protocol: what it is asked and what it answers becomes events, and a `Session` writes them. They are what
`hilt_autolog` itself writes, so everything that reads logs reads them as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from offline.table import show

from hilt_autolog import Actor, Content, Event, Metrics, conversation, read
from hilt_autolog.session.session import Session

if TYPE_CHECKING:
    from hilt_autolog.event import Action

LOG = "logs/echo.hilt.jsonl"

# --- the provider: how a model answers is its own affair


@dataclass
class Reply:
    """What Echo answers, and what it says about that."""

    id: str
    text: str
    words_read: int
    words_said: int


class Echo:
    """A model that repeats what it hears; it has nothing to say to nothing."""

    _numbers = count(1)

    def reply(self, text: str) -> Reply:
        """Answer.

        Raises:
            ValueError: there is nothing to repeat.
        """
        time.sleep(0.01)  # it thinks
        words = text.split()
        if not words:
            raise ValueError("I have heard nothing.")
        return Reply(f"echo-{next(self._numbers)}", f"{text}, {words[-1]}", len(words), len(words) + 1)


# --- its integration: a prompt before the call, and one end of it

USER = Actor(type="human", id="user")
ECHO = Actor(type="agent", id="echo-1")
PROVIDER = Actor(type="system", id="echo")
ORIGIN = {"provider": "echo", "operation": "reply", "model": "echo-1"}
PRICE = 0.000001  # US dollars a word


class LoggedEcho:
    """Echo, with each call in a log.

    Args:
        echo: the model.
        session: the log.
        session_id: the conversation that its calls are in.
    """

    def __init__(self, echo: Echo, session: Session, session_id: str) -> None:
        self._echo = echo
        self._session = session
        self._session_id = session_id

    def reply(self, text: str) -> Reply:
        """Answer, and log it: the prompt first, so that a crash in between keeps the question."""
        asked = self._log(USER, "prompt", text, provenance=ORIGIN)
        link = {"reply_to": asked.event_id}
        began = time.monotonic()
        try:
            reply = self._echo.reply(text)
        except Exception as error:
            why = {"error_type": type(error).__name__, "error_code": "api_error"}
            self._log(PROVIDER, "system", str(error), provenance=ORIGIN, extensions=link | why)
            raise
        self._log(
            ECHO,
            "completion",
            reply.text,
            metrics=measured(reply, seconds=time.monotonic() - began),
            provenance=ORIGIN | {"response_id": reply.id},  # which answer this is, for an audit
            extensions=link,
        )
        return reply

    def _log(self, actor: Actor, action: Action, text: str, **more: Any) -> Event:
        content = Content(text=text)
        event = Event(session_id=self._session_id, actor=actor, action=action, content=content, **more)
        self._session.append(event)
        return event


def measured(reply: Reply, seconds: float) -> Metrics:
    """Return what a reply took, and what it cost."""
    total = reply.words_read + reply.words_said
    tokens = {"prompt": reply.words_read, "completion": reply.words_said, "total": total}
    return Metrics(latency_ms=round(seconds * 1000), tokens=tokens, cost_usd=total * PRICE)


def main() -> None:
    """Talk to Echo, also about nothing, and show the log."""
    with Session(LOG, mode="w") as session, conversation("mountains") as session_id:
        echo = LoggedEcho(Echo(), session, session_id)
        for text in ("Is anybody there", ""):
            print(f"> {text}")
            try:
                print(echo.reply(text).text)
            except ValueError as error:
                print(f"! {error}")
    print(f"\n{LOG}\n")
    show(read(LOG))


if __name__ == "__main__":
    main()
