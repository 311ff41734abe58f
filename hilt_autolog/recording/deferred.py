"""Batches: many requests that are handed in together, and answered together hours later.

Each of the requests is a prompt of its own, and each result ends it: in this process where the prompt is
remembered, else the result tells by `custom_id` and `batch` which prompt, in another log, it answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.clock import Clock
from hilt_autolog.contracts.model import Request, Response
from hilt_autolog.internal_errors import capture_errors, internal_errors

from .call import Call
from .events import note_response, submission_event
from .processors import measure

if TYPE_CHECKING:
    from collections.abc import Callable


_DONE = "done"  # what is remembered of a request that has its result


class BatchSubmission(Call):
    """Hands in a batch."""

    __slots__ = ("_calls",)

    def start(self) -> None:
        """Write the prompt of each request; they stay open beyond the end of the process."""
        self.place = self.recorder.conversations.apart(self.request)
        self._calls = [Call(self.recorder, self.provider, prompt) for prompt in self.request.batch]
        for call in self._calls:
            call.start()
            self.recorder.open.pop(id(call), None)
        self.recorder.open[id(self)] = self
        self._begun = Clock.monotonic()

    def complete(self, reply: Response) -> None:
        """Remember the requests under the id of the batch, and write that it was accepted."""
        if not self.claim_end():
            return
        batch = reply.response_id or ""
        self.request.extensions = {"batch": batch}
        if self._calls:
            self.request.extensions["requests"] = len(self._calls)
        for call in self._calls:
            details = call.request.extensions = {**(call.request.extensions or {}), "batch": batch}
            self.recorder.batched.put((batch, details["custom_id"]), call)
        event = submission_event(self.request, self.place.session_id, reply)
        measure(event, self.request, Response(), Clock.monotonic() - self._begun)
        if self.http is not None:
            note_response(event, self.http)
        self._write(event)

    @capture_errors
    def fail(self, error: BaseException, result: Any = None) -> None:  # noqa: ARG002  there are none yet
        """End every request: none was accepted."""
        if self.claim_end():
            for call in self._calls:
                call.http = self.http
                call.fail(error)

    @capture_errors
    def abort(self, how: str) -> None:
        """End the call; whether the provider has the batch, nobody here can know."""
        if self.claim_end():
            for call in self._calls:
                call.abort(how)


class BatchResults(Call):
    """Fetches the results of a batch, one item after the other."""

    __slots__ = ()

    def start(self) -> None:
        """Ask nothing of a model."""
        self.place = self.recorder.conversations.apart(self.request)
        self._begun = Clock.monotonic()

    def start_stream(self) -> Callable[[Any], None]:
        """Take note that the results come one by one; return what takes them."""
        return self.add

    def add(self, chunk: Any) -> None:
        """Take the next result."""
        try:
            self._end(chunk)
        except Exception as fault:
            internal_errors.note(fault)

    def finish(self, _result: Any) -> None:
        """Take all results: the SDK has read the body."""
        if self.http is not None:
            self.finish_body(self.http.response.content)

    @capture_errors
    def finish_body(self, content: bytes) -> None:
        """Take all results: the program has read the body by itself."""
        for line in content.splitlines():
            if line:
                self.add(orjson.loads(line))

    def complete(self, _reply: Response) -> None:
        """There are no more results."""
        self.claim_end()

    @capture_errors
    def abort(self, _how: str) -> None:
        """There are no more results that the program wants to see."""
        self.claim_end()

    def _end(self, item: Any) -> None:
        read, recorder = self.request.operation.parse_result, self.recorder
        if read is None:
            return
        name, reply = read(item)
        key = (self.request.previous_response_id or "", name)
        call = recorder.batched.get(key)
        if call is _DONE:
            return
        if call is None:
            call = self._stranger(*key)
        recorder.batched.put(key, _DONE)
        call.http = self.http
        call.complete(reply)

    def _stranger(self, batch: str, name: str) -> Call:
        """Return a request that another process has handed in."""
        prompt = Request(
            operation=self.request.operation.item_operation or self.request.operation,
            provider=self.request.provider,
            model=None,
            messages=[],
            parameters={},
            server=self.request.server,
            sdk=self.request.sdk,
            extensions={"custom_id": name, "batch": batch},
        )
        call = Call(self.recorder, self.provider, prompt)
        call.place = self.recorder.conversations.apart(prompt)
        call._begun = self._begun  # noqa: SLF001  a call itself, though it asks nothing
        return call


class BackgroundFetch(Call):
    """Fetches the answer of a call; it asks the model nothing, so it has no prompt of its own."""

    __slots__ = ()

    def start(self) -> None:
        """Find the call that asked."""
        recorder = self.recorder
        self._begun = Clock.monotonic()
        original = recorder.awaited.get(self.request.previous_response_id or "")
        if original is None:
            self.place = recorder.conversations.place(self.request)
        else:
            self.place, self.prompt_id = original.place, original.prompt_id
            self.request.model = original.request.model

    def complete(self, reply: Response) -> None:
        """End the call that asked; an answer which is pending, or in the log already, says nothing new."""
        if reply.is_pending or not self.claim_end():
            return
        recorder, identity = self.recorder, reply.response_id
        original = recorder.awaited.pop(identity or "", None)
        if original is not None:
            original.complete_from(reply, self)
        elif not recorder.conversations.is_known(identity):
            self.write_response(reply)
