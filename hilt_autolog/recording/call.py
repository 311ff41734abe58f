"""One call to a model, from its prompt to its end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from hilt_autolog.clock import Clock
from hilt_autolog.contracts.model import ErrorInfo, HttpResponse, Request, Response, is_plain_text
from hilt_autolog.internal_errors import capture_errors, internal_errors, try_call

from . import events
from .activity import Activity
from .conversations import current_position
from .tools import write_tool_calls, write_tool_results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.types import EventDict

    from .chunks import ChunkReader
    from .conversations import ConversationPosition
    from .recorder import Recorder

_OK = range(200, 300)


class Call(Activity):
    """A call in progress: a prompt, perhaps chunks, and one end by finish, fail or abort.

    It is the `CallObserver` that the instrumentation reports to. Our own errors in the methods that the
    instrumentation calls are counted, and never raised.

    Args:
        recorder: writes its events.
        provider: reads the SDK's objects.
        request: the request, as read from the arguments.
    """

    __slots__ = (
        "_chunks",
        "_is_background",
        "_started",
        "http",
        "position",
        "prompt_id",
        "provider",
        "request",
    )

    recorder: Recorder
    # Changes every event of the call, before the processors.
    adapt: Callable[[EventDict], EventDict] | None = None

    def __init__(self, recorder: Recorder, provider: Provider, request: Request) -> None:
        self.recorder = recorder
        self._open = ["open"]  # as in `Activity.__init__`, which would be one more function per call
        self.provider = provider
        self.request = request
        self.prompt_id: str | None = None  # the event
        self.position: ConversationPosition
        self.http: HttpResponse | None = None
        # Answered later (OpenAI's responses).
        self._is_background = bool(request.parameters.get("background"))
        self._chunks: ChunkReader | None = None
        self._started = 0.0  # on the monotonic clock

    # --- the start

    def start(self) -> None:
        """Write the prompt, and before it the tool results that this request is the first to contain."""
        request, recorder = self.request, self.recorder
        if request.operation.is_embedding:
            self.start_standalone()
            self.register()
            return
        messages = request.messages
        is_plain = len(messages) == 1 and is_plain_text(messages[0])
        is_text = is_plain or recorder.media_redactor.redact(messages)
        position = self.position = recorder.conversations.locate(request, is_plain=is_plain)
        position.adapt = self.adapt
        if request.extensions:
            position.context.update(request.extensions)  # type: ignore[typeddict-item]  # keys of the API's own
        tool = None
        if not is_plain:
            if not is_text:
                tool = write_tool_results(recorder, position, messages)
            is_plain = is_text and len(position.new_messages) == 1 and is_plain_text(position.new_messages[0])
        event = events.prompt_event(request, position, recorder.user, tool, is_plain=is_plain)
        self.prompt_id = position.prompt_id = recorder.emit(
            event, position, is_json=is_text and not request.parameters, skip_stat=True
        )
        current_position.set(position)
        position.new_messages, request.messages, request.parameters = (), [], {}  # written: free the memory
        recorder.open_activities[id(self)] = self
        self._started = Clock.monotonic()

    def start_standalone(self) -> None:
        """Start outside of all conversations, and write no prompt."""
        self.position = self.recorder.conversations.standalone(self.request)
        self.position.adapt = self.adapt
        if self.request.extensions:
            self.position.context.update(self.request.extensions)  # type: ignore[typeddict-item]  # as above
        self._started = Clock.monotonic()

    def take_over(self, other: Call) -> None:
        """Continue with the prompt that another call has written, and end in its place."""
        self.position, self.prompt_id = other.position, other.prompt_id
        self.request.messages, self.request.parameters = [], {}
        self.recorder.open_activities[id(self)] = self
        self._started = Clock.monotonic()

    def record_in(self, recorder: Recorder) -> None:
        """Write to another log; only before the start."""
        self.recorder = recorder

    # --- while the call runs

    def receive_response(self, arguments: Mapping[str, Any]) -> None:
        """Keep the HTTP response, whose body is not read yet, from a function's keyword arguments."""
        self.http = self.provider.http_response(arguments)

    def release_response(self) -> None:
        """Keep the HTTP response without its body, which the program reads or discards itself."""
        if self.http is not None:
            self.http = self.http.without_body()

    def start_stream(self) -> Callable[[Any], None]:
        """Prepare for an answer in chunks; return the function to call with each chunk."""
        return self._start_stream(self.request.model or self.request.provider)

    def _start_stream(self, actor_id: str) -> Callable[[Any], None]:
        accumulator = self.request.operation.accumulator
        if accumulator is None:
            return lambda _chunk: None  # a stream that no accumulator can read
        self._chunks = self.recorder.chunks_of(accumulator(), self.position, actor_id, self.prompt_id)
        return self._chunks.add

    # --- the end

    def finish(self, result: Any) -> None:
        """End with the SDK's return value; the caller catches our own errors."""
        if self._open:
            try:
                response = self.provider.response(self.request, result, self.http)
            except Exception as error:
                internal_errors.note(error)
                response = Response()
            self.complete(response)

    @capture_errors
    def finish_body(self, content: bytes) -> None:
        """End with the body of the response, which the program has read."""
        if self._open and self.http is not None:
            http = self.http.with_body(content)
            self.complete(try_call(self.provider.response, self.request, None, http) or Response())

    @capture_errors
    def finish_stream(self) -> None:
        """End with the chunks: the stream has been read to its end."""
        if self._open:
            self.complete(self._partial_response())

    @capture_errors
    def fail(self, error: BaseException, result: Any = None) -> None:
        """End with an exception; keep the part of the answer that came before it, which is paid for."""
        if not self.claim_end():
            return
        name = type(error).__name__
        error_info = try_call(self.provider.error_info, error)
        error_info = error_info or ErrorInfo(text=name, type=name, code="api_error")
        response = self._partial_response()
        if self._chunks is None and (result is not None or (self.http and self.http.status in _OK)):
            with contextlib.suppress(Exception):  # not JSON, or the body was not read
                response = self.provider.response(self.request, result, self.http)
        self._write_failure(error_info, response)

    @capture_errors
    def abort(self, reason: str) -> None:
        """End now: with the answer if it is complete, else with the partial one."""
        if self._open and self._chunks is not None and self._chunks.accumulator.finished:
            self.complete(self._partial_response())
        elif self.claim_end():
            response = self._partial_response()
            self._write_completion(response, reason)
            if self._is_background:
                self.recorder.keep_pending(response.response_id, self)

    def discard(self) -> None:
        """End it without an event, because it belongs to another process."""
        super().discard()
        if self._chunks is not None:
            self._chunks.discard()

    def complete(self, response: Response) -> None:
        """End with an answer, unless the answer is pending."""
        if response.is_pending and self._is_background:
            self.recorder.keep_pending(response.response_id, self)
        elif self.claim_end():
            if response.error is None:
                self._write_completion(response)
            else:
                self._write_failure(response.error, response)

    def complete_from(self, fetch: Call, response: Response) -> None:
        """End a call that was answered in the background, with the answer that another call has fetched."""
        self.claim_end()
        self.http, self._chunks = fetch.http or self.http, fetch._chunks or self._chunks
        self.write_response(response)

    # --- the events of the end

    def write_response(self, response: Response) -> None:
        """Write the events of an answer."""
        if response.error is None:
            self._write_completion(response)
        else:
            self._write_failure(response.error, response)

    def _partial_response(self) -> Response:
        return (None if self._chunks is None else self._chunks.response()) or Response()

    def _write_failure(self, error_info: ErrorInfo, response: Response) -> None:
        """Write the error. It includes a complete answer; that of a stream is written before it."""
        if self._chunks is not None and (self._chunks.count or events.has_content(response)):
            self._write_completion(response, "cancelled" if error_info.code == "cancelled" else "error")
            response = Response()
        if response.tokens or events.has_content(response):
            self._write_completion(response, error_info=error_info)
        else:
            self._write_error(error_info)

    def _write_completion(
        self, response: Response, ended: str | None = None, error_info: ErrorInfo | None = None
    ) -> None:
        """Write an answer: its documents, the answer itself, its tool calls.

        Args:
            response: the answer, perhaps partial.
            ended: why it is partial: closed, cancelled, error, dropped or exit.
            error_info: the error that the answer ended with.
        """
        recorder, request, position = self.recorder, self.request, self.position
        chunks, messages = self._chunks, response.messages
        if chunks is not None:
            chunks.end()
        is_plain = len(messages) == 1 and is_plain_text(messages[0])
        if not is_plain:
            recorder.media_redactor.redact(messages)
        if error_info is not None:
            event = events.error_event(request, position.session_id, error_info, self.prompt_id, response)
        elif request.operation.is_embedding:
            event = events.embedding_event(request, position.session_id, response)
        else:
            event = events.completion_event(
                request, position.session_id, response, self.prompt_id, is_plain=is_plain
            )
        extensions = event["extensions"]
        is_json = error_info is None and self.http is not None  # its values were parsed from JSON
        self.http = self.http or response.http
        if self.http is not None:
            events.add_http_response(event, self.http)
        if chunks is not None:
            extensions["chunks"] = chunks.count
        if ended is not None:
            extensions["partial"], extensions["ended"] = True, ended
        seconds = Clock.monotonic() - self._started
        first = None if chunks is None or chunks.first is None else chunks.first - self._started
        events.add_metrics(event, request, response, seconds, first)
        for rank, document in enumerate(response.documents, 1):  # the model read them before it answered
            retrieval = events.retrieval_event(position.session_id, document, rank, self.prompt_id)
            recorder.emit(retrieval, position, skip_stat=True)
        event_id = recorder.emit(event, position, is_json=is_json, skip_stat=True)
        recorder.conversations.record_response(
            position, response, event_id, by_id=request.operation.stores_responses, is_plain=is_plain
        )
        if response.tool_calls:
            write_tool_calls(recorder, position, response.tool_calls, event)

    def _write_error(self, error_info: ErrorInfo) -> None:
        if self._chunks is not None:
            self._chunks.end()
        if error_info.status is None and error_info.type == "ResponseError":
            error_info.status = self.http and self.http.status
        event = events.error_event(self.request, self.position.session_id, error_info, self.prompt_id)
        events.add_metrics(event, self.request, Response(), Clock.monotonic() - self._started)
        if request_id := error_info.request_id or (self.http and self.http.request_id):
            event["provenance"]["request_id"] = request_id
        self.recorder.emit(event, self.position, skip_stat=True)
