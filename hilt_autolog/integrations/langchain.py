"""A callback handler for LangChain and LangGraph, which logs their runs into a session.

    with Session("logs/langchain.hilt.jsonl") as session:
        handler = HILTCallbackHandler(session, session_id="demo-chain")
        chain.invoke(question, {"callbacks": [handler]})

Its events are those of automatic capture. Where that is on as well, a run that has a handler stands in the
handler's session and nowhere else; the SDK's exact numbers go there too.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

try:
    from langchain_core.callbacks import BaseCallbackHandler
except ImportError as error:
    raise ImportError('langchain-core is not installed: pip install "hilt-autolog[langchain]"') from error

from hilt_autolog.providers.langchain_core import PROVIDER
from hilt_autolog.recording.context import conversation
from hilt_autolog.recording.recorder import recorder_of
from hilt_autolog.runs.dispatch import RecordingHandler, begin_runs
from hilt_autolog.runs.tool_run import ToolRun

from ._helper_call import conversation_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from hilt_autolog.recording.events import Event
    from hilt_autolog.recording.recorder import EventSink, Recorder

    Id = UUID | str


class HILTCallbackHandler(BaseCallbackHandler, RecordingHandler):
    """Logs models, tools, retrievers and chains: prompts, chunks, completions, errors, tokens and cost.

    Args:
        session: where they are logged: a `Session`, or anything that has its `append`.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, of the run's metadata (`session_id`, `conversation_id`,
            `thread_id`), or of the history that a request repeats; else each chain has one of its own.
        include_metrics: whether events say what was measured: latency, tokens, cost.
    """

    def __init__(
        self, session: EventSink, session_id: str | None = None, include_metrics: bool = True
    ) -> None:
        super().__init__()
        self.session = session
        self.session_id = session_id
        self.include_metrics = include_metrics
        self._log = session if include_metrics else _Unmeasured(session)
        self._recorder = recorder_of(self._log)
        self._handles: dict[str, _Handle] = {}

    @property
    def recorder(self) -> Recorder:
        """What writes the runs that this handler is told of."""
        return self._recorder

    # --- models

    def on_chat_model_start(
        self, serialized: dict[str, Any] | None, messages: list[list[Any]], *, run_id: Id, **known: Any
    ) -> None:
        """A chat model is asked."""
        self._start("on_chat_model_start", run_id, (serialized, messages), known)

    def on_llm_start(
        self, serialized: dict[str, Any] | None, prompts: list[str], *, run_id: Id, **known: Any
    ) -> None:
        """A model that completes texts is asked."""
        self._start("on_llm_start", run_id, (serialized, prompts), known)

    def on_llm_new_token(self, token: Any, *, run_id: Id, chunk: Any = None, **_: Any) -> None:
        """A model says something."""
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.add(token if chunk is None else chunk)

    def on_stream_event(self, event: Any, *, run_id: Id, **_: Any) -> None:
        """A model says something, in the words of LangChain's v3 protocol."""
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.add(event)

    def on_llm_end(self, response: Any, *, run_id: Id, **_: Any) -> None:
        """A model has answered."""
        self._end(run_id, response)

    def on_llm_error(self, error: BaseException, *, run_id: Id, **_: Any) -> None:
        """A model's call has failed."""
        self._fail(run_id, error)

    # --- chains

    def on_chain_start(
        self, serialized: dict[str, Any] | None, inputs: Any, *, run_id: Id, **known: Any
    ) -> None:
        """A chain or a graph starts."""
        self._start("on_chain_start", run_id, (serialized, inputs), known)

    def on_chain_end(self, outputs: Any, *, run_id: Id, **_: Any) -> None:
        """It is done."""
        self._end(run_id, outputs)

    def on_chain_error(self, error: BaseException, *, run_id: Id, **_: Any) -> None:
        """It has failed, or waits for a human."""
        self._fail(run_id, error)

    # --- tools

    def on_tool_start(
        self, serialized: dict[str, Any] | None, input_str: str, *, run_id: Id, **known: Any
    ) -> None:
        """A tool is called."""
        self._start("on_tool_start", run_id, (serialized, input_str), known)

    def on_tool_end(self, output: Any, *, run_id: Id, **_: Any) -> None:
        """It has a result."""
        self._end(run_id, output)

    def on_tool_error(self, error: BaseException, *, run_id: Id, **_: Any) -> None:
        """It has failed."""
        self._fail(run_id, error)

    # --- retrievers

    def on_retriever_start(
        self, serialized: dict[str, Any] | None, query: str, *, run_id: Id, **known: Any
    ) -> None:
        """A search starts."""
        self._start("on_retriever_start", run_id, (serialized, query), known)

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: Id, **_: Any) -> None:
        """It has found something."""
        self._end(run_id, documents)

    def on_retriever_error(self, error: BaseException, *, run_id: Id, **_: Any) -> None:
        """It has failed."""
        self._fail(run_id, error)

    # --- runs

    def _start(self, name: str, run_id: Id, given: tuple[Any, Any], known: dict[str, Any]) -> None:
        handle = _Handle(run_id, known.pop("parent_run_id", None), known)
        named = None if self.session_id is None else conversation_of(self.session_id, "")
        with nullcontext() if named is None else conversation(named):
            lives = begin_runs(self._recorder, PROVIDER, PROVIDER.new_runs(name, given, known, handle))
        for live in lives:
            if isinstance(live, ToolRun):
                live.go_inside()
        self._handles[str(run_id)] = handle

    def _end(self, run_id: Id, result: Any) -> None:
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.end(result)
        self._handles.pop(str(run_id), None)

    def _fail(self, run_id: Id, error: BaseException) -> None:
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.fail(error)
        self._handles.pop(str(run_id), None)


class _Handle:
    """A run, as its managers know it; LangChain hands its handlers no object that lasts as long."""

    __slots__ = ("__weakref__", "metadata", "parent_run_id", "run_id", "tags")

    def __init__(self, run_id: Id, parent_run_id: Id | None, known: dict[str, Any]) -> None:
        self.run_id, self.parent_run_id = run_id, parent_run_id
        self.metadata, self.tags = known.get("metadata"), known.get("tags")


class _Unmeasured:
    """A session that is told nothing of metrics."""

    def __init__(self, session: EventSink) -> None:
        self._session = session

    def append(self, event: Event) -> None:
        kept = {name: one for name, one in event.items() if name != "metrics"}
        extensions = event.get("extensions", {})
        kept["extensions"] = {name: one for name, one in extensions.items() if name != "latency_ms"}
        self._session.append(kept)
