"""What the calls of one process share: the settings of the log, its conversations, the calls still open."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .call import Call
from .chunks import Chunks
from .collection import Collection
from .conversations import Conversations
from .guard import faults
from .media import Describer
from .privacy import withhold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .chunks import Write, WriteLine
    from .events import Event
    from .provider import Provider

_DEEPEST = 2


class _Depth(threading.local):
    value = 0


class Recorder:
    """Turns the calls of one process into events.

    Args:
        write: takes an event, and hands it to the disk.
        write_line: takes a line that is an event already.
        chunks: "each", "merged" or "off".
        content: "full", "hash" or "none".
        user: the id of the human in prompts.
        tags: labels for the events of every call.
        conversation: the conversation of the calls that nothing else names.
        media: gives the folder for contents of media; None stores none.
    """

    def __init__(  # noqa: PLR0913  the settings, each by its name
        self,
        write: Write,
        write_line: WriteLine,
        *,
        chunks: str = "each",
        content: str = "full",
        user: str = "user",
        tags: tuple[str, ...] = (),
        conversation: str | None = None,
        media: Callable[[], str] | None = None,
    ) -> None:
        self._write = write
        self.write_line = write_line
        self._content = content
        self.chunks = chunks if content == "full" else "off"
        self.user = user
        self.tags = list(tags)
        self._conversation = conversation
        self.conversations = Conversations(conversation)
        self.describer = Describer(media)
        self.open: dict[int, Call] = {}  # calls that have not ended
        self._depth = _Depth()
        self.awaited: dict[str, Call] = {}  # response id -> the call that will be answered later

    def begin(
        self, provider: Provider, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Call | None:
        """Write the prompt of a call; None when the call is not one to a model, or we have failed."""
        if self._depth.value >= _DEEPEST:  # reading a request may run the program's code, and that a call
            return None
        self._depth.value += 1
        try:
            prompt = provider.prompt(client, args, kwargs)
            if prompt is None:
                return None
            call = (Collection if prompt.operation.collects else Call)(self, provider, prompt)
            call.ask()
        except Exception as fault:
            faults.note(fault)
            return None
        finally:
            self._depth.value -= 1
        return call

    def write(self, event: Event, *, is_json: bool = False) -> None:
        """Write an event, with as much of its content as the settings allow; `is_json` as in the writer."""
        if self._content != "full":
            withheld = withhold(event, self._content)
            if withheld is None:
                return
            event = withheld
        self._write(event, is_json=is_json)

    def chunks_of(self, session_id: str, model: str, reply_to: str | None) -> Chunks:
        """Return what writes the chunks of a stream."""
        return Chunks(self.write, self.write_line, self.chunks, session_id, model, reply_to)

    def end_all(self, how: str = "exit") -> None:
        """End what is still open: the process, or the recording, is over."""
        for call in list(self.open.values()):
            call.cut(how)

    def forget(self) -> None:
        """Leave the calls and conversations of the parent process to it: a forked child begins anew."""
        for call in self.open.values():
            call.disown()
        self.open, self.awaited = {}, {}
        self.conversations = Conversations(self._conversation)
