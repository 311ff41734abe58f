"""Calls whose answers come later: batches, and responses in the background.

A batch is many requests that are submitted together and answered together hours later. Each of its requests
is a prompt, and each result ends one. If this process does not have the prompt, `custom_id` and `batch` in
the result's event identify the prompt, which is in another log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.clock import Clock
from hilt_autolog.contracts.model import Request, Response
from hilt_autolog.internal_errors import capture_errors, internal_errors

from .call import Call
from .events import add_http_response, add_metrics, batch_event

if TYPE_CHECKING:
    from collections.abc import Callable

_ENDED = "ended"  # in place of a request that has its result


class BatchSubmission(Call):
    """A call that submits a batch."""

    __slots__ = ("_calls",)

    def start(self) -> None:
        """Write the prompt of each request; the requests may stay open after the process ends."""
        self.start_standalone()
        self._calls = [Call(self.recorder, self.provider, request) for request in self.request.batch]
        for call in self._calls:
            call.start()
            self.recorder.open_activities.pop(id(call), None)
        self.register()
        self._started = Clock.monotonic()

    def complete(self, response: Response) -> None:
        """Keep the requests by the id of the batch, and write that it was accepted."""
        if not self.claim_end():
            return
        batch = response.response_id or ""
        self.position.context["batch"] = batch
        if self._calls:
            self.position.context["requests"] = len(self._calls)
        for call in self._calls:
            context = call.position.context
            context["batch"] = batch
            self.recorder.batched.put((batch, context["custom_id"]), call)
        event = batch_event(self.request, self.position.session_id, response)
        add_metrics(event, self.request, Response(), Clock.monotonic() - self._started)
        if self.http is not None:
            add_http_response(event, self.http)
        self.recorder.emit(event, self.position, skip_stat=True)

    @capture_errors
    def fail(self, error: BaseException, result: Any = None) -> None:
        """End every request with the exception, because none was accepted."""
        if self.claim_end():
            for call in self._calls:
                call.http = self.http
                call.fail(error, result)

    @capture_errors
    def abort(self, reason: str) -> None:
        """Abort every request: whether the provider has the batch is unknown."""
        if self.claim_end():
            for call in self._calls:
                call.abort(reason)


class BatchResults(Call):
    """A call that fetches the results of a batch."""

    __slots__ = ()

    def start(self) -> None:
        """Write no prompt, because the call is not sent to a model."""
        self.start_standalone()

    def start_stream(self) -> Callable[[Any], None]:
        """Prepare for results one by one; return the function to call with each result."""
        return self.add

    def add(self, item: Any) -> None:
        """Read the next result."""
        try:
            self._complete_request(item)
        except Exception as error:
            internal_errors.note(error)

    def finish(self, _result: Any) -> None:
        """Read all results: the SDK has read the body."""
        if self.http is not None:
            self.finish_body(self.http.response.content)

    @capture_errors
    def finish_body(self, content: bytes) -> None:
        """Read all results from the body, which the program has read."""
        for line in content.splitlines():
            if line:
                self.add(orjson.loads(line))

    def complete(self, _response: Response) -> None:
        """End: there are no more results."""
        self.claim_end()

    @capture_errors
    def abort(self, _reason: str) -> None:
        """End: the program has stopped reading results."""
        self.claim_end()

    def _complete_request(self, item: Any) -> None:
        read_result, recorder = self.request.operation.parse_result, self.recorder
        if read_result is None:
            return
        custom_id, response = read_result(item)
        key = (self.request.previous_response_id or "", custom_id)
        call = recorder.batched.get(key)
        if call is _ENDED:
            return
        if call is None:
            call = self._call_of_another_process(*key)
        recorder.batched.put(key, _ENDED)
        call.http = self.http
        call.complete(response)

    def _call_of_another_process(self, batch: str, custom_id: str) -> Call:
        request = Request(
            operation=self.request.operation.item_operation or self.request.operation,
            provider=self.request.provider,
            model=None,
            messages=[],
            parameters={},
            server=self.request.server,
            sdk=self.request.sdk,
            extensions={"custom_id": custom_id, "batch": batch},
        )
        call = Call(self.recorder, self.provider, request)
        call.start_standalone()
        return call


class BackgroundFetch(Call):
    """A call that fetches the answer of an earlier call, and therefore has no prompt."""

    __slots__ = ()

    def start(self) -> None:
        """Find the original call, and use its position."""
        recorder = self.recorder
        original = recorder.pending.get(self.request.previous_response_id or "")
        if original is None:
            self.position = recorder.conversations.locate(self.request)
        else:
            self.position, self.prompt_id = original.position, original.prompt_id
            self.request.model = original.request.model
        self._started = Clock.monotonic()

    def complete(self, response: Response) -> None:
        """End the original call, unless the answer is pending or in the log already."""
        if response.is_pending or not self.claim_end():
            return
        recorder, response_id = self.recorder, response.response_id
        original = recorder.pending.pop(response_id or "", None)
        if original is not None:
            original.complete_from(self, response)
        elif not recorder.conversations.has_response(response_id):
            self.write_response(response)
        elif self._chunks is not None:
            self._chunks.end()
