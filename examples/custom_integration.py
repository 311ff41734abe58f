"""Log the calls of your own provider: some forty lines, and no SDK.

    python examples/custom_integration.py

The model here is called Echo. It runs in this process, and repeats its prompt. Yours may be behind any
protocol: its prompts and responses become events, and a `Session` writes them. The events are the same as
those of automatic capture, so everything that reads logs reads them as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from offline.table import show

from hilt_autolog import Actor, Content, Event, Metrics, conversation, read
from hilt_autolog.io.session import Session

if TYPE_CHECKING:
    from hilt_autolog.event import Action

LOG = "logs/echo.hilt.jsonl"

# --- the provider


@dataclass
class Reply:
    """A reply of Echo, and its usage."""

    id: str
    text: str
    prompt_words: int
    reply_words: int


class Echo:
    """A model that repeats its prompt, and fails if there is none."""

    _numbers = count(1)

    def reply(self, text: str) -> Reply:
        """Return the reply to a prompt.

        Raises:
            ValueError: the prompt is empty.
        """
        time.sleep(0.01)  # simulated latency
        words = text.split()
        if not words:
            raise ValueError("The prompt is empty.")
        return Reply(f"echo-{next(self._numbers)}", f"{text}, {words[-1]}", len(words), len(words) + 1)


# --- its integration: an event before the call, and one at its end

USER = Actor(type="human", id="user")
ECHO = Actor(type="agent", id="echo-1")
PROVIDER = Actor(type="system", id="echo")
ORIGIN = {"provider": "echo", "operation": "reply", "model": "echo-1"}
PRICE = 0.000001  # US dollars a word


class LoggedEcho:
    """Echo, with each call logged.

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
        """Return the reply to a prompt, and log both: the prompt first, so that a crash does not lose it."""
        prompt = self._log(USER, "prompt", text, provenance=ORIGIN)
        link = {"reply_to": prompt.event_id}
        start = time.monotonic()
        try:
            reply = self._echo.reply(text)
        except Exception as error:
            error_info = {"error_type": type(error).__name__, "error_code": "api_error"}
            self._log(PROVIDER, "system", str(error), provenance=ORIGIN, extensions=link | error_info)
            raise
        self._log(
            ECHO,
            "completion",
            reply.text,
            metrics=metrics(reply, seconds=time.monotonic() - start),
            provenance=ORIGIN | {"response_id": reply.id},  # for an audit
            extensions=link,
        )
        return reply

    def _log(self, actor: Actor, action: Action, text: str, **fields: Any) -> Event:
        content = Content(text=text)
        event = Event(session_id=self._session_id, actor=actor, action=action, content=content, **fields)
        self._session.append(event)
        return event


def metrics(reply: Reply, seconds: float) -> Metrics:
    """Return the latency, the tokens and the cost of a reply."""
    total = reply.prompt_words + reply.reply_words
    tokens = {"prompt": reply.prompt_words, "completion": reply.reply_words, "total": total}
    return Metrics(latency_ms=round(seconds * 1000), tokens=tokens, cost_usd=total * PRICE)


def main() -> None:
    """Call Echo, also with an empty prompt, and print the log."""
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
