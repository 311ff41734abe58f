"""One call to a model, from its prompt to its end. Whatever ends it, it ends once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from hilt_autolog.clock import Clock
from hilt_autolog.contracts.model import ErrorInfo, HttpResponse, Request, Response, is_plain_text
from hilt_autolog.internal_errors import capture_errors, try_call

from . import events
from .context import current_position, tags_with
from .events import error_event, says_something
from .processors import measure
from .tools import write_tool_calls, write_tool_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from hilt_autolog.contracts.provider import Provider

    from .chunks import Chunks
    from .conversations import ConversationPosition
    from .events import Event
    from .recorder import Recorder

_OK = range(200, 300)


class Call:
    """What the engine drives: a prompt, perhaps chunks, and the first of finish, fail and cut.

    What the engine calls is guarded: a fault of ours is counted, and the program never sees it.
    """

    __slots__ = (
        "_background",
        "_begun",
        "_chunks",
        "_open",
        "http",
        "place",
        "prompt_id",
        "provider",
        "recorder",
        "request",
        "tags",
    )

    def __init__(self, recorder: Recorder, provider: Provider, prompt: Request) -> None:
        self.provider = provider
        self.recorder = recorder
        self.request = prompt
        self.tags = tags_with(recorder.tags)
        self._background = bool(prompt.parameters.get("background"))
        self.prompt_id: str | None = None
        self.place: ConversationPosition
        self.http: HttpResponse | None = (
            None  # the response, which the engine puts here before the SDK has read it
        )
        self._chunks: Chunks | None = None
        self._open = ["open"]  # pop() is atomic: whoever gets the item ends the call
        self._begun = 0.0

    # --- what the engine calls

    def start(self) -> None:
        """Write the prompt, and before it the tool results that it brings for the first time."""
        prompt, recorder = self.request, self.recorder
        if prompt.operation.is_embedding:
            self.place = recorder.conversations.apart(prompt)
        else:
            is_text = recorder.media_redactor.redact(prompt.messages)
            place = self.place = recorder.conversations.place(prompt)
            tool = None
            if not is_text:
                tool = write_tool_results(recorder.conversations, place, prompt.messages, self._write)
            is_plain = is_text and len(place.new) == 1 and is_plain_text(place.new[0])
            event = events.prompt_event(prompt, place, recorder.user, tool, is_plain_text=is_plain)
            place.prompt_id = self.prompt_id = self._write(event, is_json=is_text and not prompt.parameters)
            current_position.set(place)
            place.new, prompt.messages, prompt.parameters = [], [], {}  # written, so let go
        recorder.open[id(self)] = self
        self._begun = Clock.monotonic()

    def take_over(self, other: Call) -> None:
        """Go on with the prompt that another call has written, and end in its stead."""
        self.place, self.prompt_id = other.place, other.prompt_id
        self.request.messages, self.request.parameters = [], {}
        self.recorder.open[id(self)] = self
        self._begun = Clock.monotonic()

    def release_response(self) -> None:
        """Hold no more of the HTTP response than its head: its body is the program's to read or to drop."""
        if self.http is not None:
            self.http = self.http.without_body()

    def start_stream(self) -> Callable[[Any], None]:
        """Take note that the answer comes in chunks; return what takes each of them."""
        fold = self.request.operation.accumulator
        if fold is None:
            return lambda _chunk: None  # of a stream that nobody can read
        model = self.request.model or self.request.provider
        self._chunks = self.recorder.chunks_of(fold(), self.place.session_id, model, self.prompt_id)
        return self._chunks.add

    def finish(self, result: Any) -> None:
        """End the call with what the SDK returns; the engine guards this."""
        if self._open:
            self.complete(try_call(self.provider.response, self.request, result, self.http) or Response())

    @capture_errors
    def finish_body(self, content: bytes) -> None:
        """End the call with the body of the response, which the program has read by itself."""
        if self._open and self.http is not None:
            self.complete(
                try_call(self.provider.response_from_body, self.request, content, self.http) or Response()
            )

    @capture_errors
    def finish_stream(self) -> None:
        """End the call: the stream is drained."""
        if self._open:
            self.complete(self._so_far())

    @capture_errors
    def fail(self, error: BaseException, result: Any = None) -> None:
        """End the call with an exception; what was said before, and paid for, is kept."""
        if not self.claim_end():
            return
        kind = type(error).__name__
        failure = try_call(self.provider.error_info, error) or ErrorInfo(
            text=kind, type=kind, code="api_error"
        )
        reply = self._so_far()
        if self._chunks is None and (result is not None or (self.http and self.http.status in _OK)):
            with contextlib.suppress(Exception):  # not even JSON, or a body that nobody has read
                reply = self.provider.response(self.request, result, self.http)
        self._fail(failure, reply)

    @capture_errors
    def abort(self, how: str) -> None:
        """End the call where it stands: `how` is closed, cancelled, dropped or exit."""
        if self._open and self._chunks is not None and self._chunks.accumulator.finished:
            self.complete(self._so_far())
        elif self.claim_end():
            reply = self._so_far()
            self._complete(reply, how)
            if self._background:
                self.recorder.wait_for(reply.response_id, self)

    def discard(self) -> None:
        """Forget the call without a word: it is another process's."""
        self._open.clear()
        if self._chunks is not None:
            self._chunks.discard()

    def _so_far(self) -> Response:
        return (None if self._chunks is None else self._chunks.response()) or Response()

    def claim_end(self) -> bool:
        """End the call; False if it has ended before."""
        try:
            self._open.pop()
        except IndexError:
            return False
        self.recorder.open.pop(id(self), None)
        if self._chunks is not None:
            self._chunks.end()
        return True

    def complete(self, reply: Response) -> None:
        """End the call with an answer, unless it is yet to come."""
        if reply.is_pending and self._background:
            self.recorder.wait_for(reply.response_id, self)
        elif self.claim_end():
            self.write_response(reply)

    def write_response(self, reply: Response) -> None:
        """Write the events of an answer."""
        if reply.error is None:
            self._complete(reply)
        else:
            self._fail(reply.error, reply)

    def _fail(self, failure: ErrorInfo, reply: Response) -> None:
        """Write the failure; it keeps what came whole, and what a stream has said comes before it."""
        if self._chunks is not None and (self._chunks.count or says_something(reply)):
            self._complete(reply, "cancelled" if failure.code == "cancelled" else "error")
            reply = Response()
        if reply.tokens or says_something(reply):
            self._complete(reply, failure=failure)
        else:
            self._write_error(failure)

    def complete_from(self, reply: Response, by: Call) -> None:
        """End a call that was answered in the background, with what another call has fetched."""
        self.claim_end()
        self.http, self._chunks = by.http or self.http, by._chunks or self._chunks
        self.write_response(reply)

    def _complete(self, reply: Response, ended: str | None = None, failure: ErrorInfo | None = None) -> None:
        conversations, place, messages = self.recorder.conversations, self.place, reply.messages
        is_text = self.recorder.media_redactor.redact(messages)
        is_plain = is_text and len(messages) == 1 and is_plain_text(messages[0])
        if failure is not None:
            event = error_event(self.request, place.session_id, failure, self.prompt_id, reply)
        elif self.request.operation.is_embedding:
            event = events.embedding_event(self.request, place.session_id, reply)
        else:
            event = events.completion_event(
                self.request, place.session_id, reply, self.prompt_id, is_plain_text=is_plain
            )
        extensions, chunks = event["extensions"], self._chunks
        is_json = failure is None and self.http is not None  # it came off the wire
        self.http = self.http or reply.http
        if self.http is not None:
            events.note_response(event, self.http)
        if chunks is not None:
            extensions["chunks"] = chunks.count
        if ended is not None:
            extensions["partial"], extensions["ended"] = True, ended
        first = chunks.first if chunks is not None else None
        seconds = Clock.monotonic() - self._begun
        measure(event, self.request, reply, seconds, first and first - self._begun)
        for rank, document in enumerate(reply.documents, 1):  # they were read before the answer was made
            self._write(events.retrieval_event(place.session_id, document, rank, self.prompt_id))
        event_id = self._write(event, is_json=is_json)
        conversations.answered(
            place, reply, event_id, by_id=self.request.operation.stores_responses, is_plain_text=is_plain
        )
        if reply.tool_calls:
            write_tool_calls(conversations, place, reply.tool_calls, event, self._write)

    def _write_error(self, failure: ErrorInfo) -> None:
        if failure.status is None and failure.type == "ResponseError":
            failure.status = self.http and self.http.status
        event = error_event(self.request, self.place.session_id, failure, self.prompt_id)
        measure(event, self.request, Response(), Clock.monotonic() - self._begun)
        if request_id := failure.request_id or (self.http and self.http.request_id):
            event["provenance"]["request_id"] = request_id
        self._write(event)

    def _write(self, event: Event, *, is_json: bool = False) -> str:
        recorder, place = self.recorder, self.place
        extensions = event["extensions"]
        if self.request.extensions:
            extensions.update(self.request.extensions)
        if place.name is not None:
            extensions["conversation"] = place.name
        if self.tags:
            extensions["tags"] = self.tags
        recorder.write(event, is_json=is_json, skip_stat=True)
        return event["event_id"]  # type: ignore[no-any-return]
