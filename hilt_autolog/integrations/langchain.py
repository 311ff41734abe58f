"""A callback handler for LangChain and LangGraph that logs their runs into a session.

    with Session("logs/langchain.hilt.jsonl") as session:
        handler = HILTCallbackHandler(session, session_id="demo-chain")
        chain.invoke(question, {"callbacks": [handler]})

Its events are those of automatic capture. Where that is on as well, a run with a handler is logged in the
handler's session and nowhere else, with the exact token counts of the SDK below.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

try:
    from langchain_core.callbacks import BaseCallbackHandler
except ImportError as error:
    raise ImportError('langchain-core is not installed: pip install "hilt-autolog[langchain]"') from error

from hilt_autolog.providers.langchain_core import PROVIDER
from hilt_autolog.recording.context import conversation
from hilt_autolog.recording.recorder import recorder_of
from hilt_autolog.runs.dispatch import RecordingHandler, begin_runs
from hilt_autolog.runs.tool_run import ToolRun

from ._helper_call import conversation_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from hilt_autolog.contracts.types import EventDict, JsonObject
    from hilt_autolog.recording.recorder import EventSink, Recorder

    Id = UUID | str


class HILTCallbackHandler(BaseCallbackHandler, RecordingHandler):
    """Log models, tools, retrievers and chains: prompts, chunks, completions, errors, tokens and cost.

    Args:
        session: where they are logged: a `Session`, or any object with its `append`.
        session_id: the conversation; a simple name becomes the same `conv_...` every time. If there is none,
            that of `hilt_autolog.conversation`, of the run's metadata (`session_id`, `conversation_id`,
            `thread_id`), or of the history that a request repeats; else each chain has one of its own.
        include_metrics: whether events have metrics: latency, tokens, cost.
    """

    def __init__(
        self, session: EventSink, session_id: str | None = None, include_metrics: bool = True
    ) -> None:
        super().__init__()
        self.session = session
        self.session_id = session_id
        self.include_metrics = include_metrics
        self._log = session if include_metrics else _WithoutMetrics(session)
        self._recorder = recorder_of(self._log)
        self._handles: dict[str, _RunHandle] = {}

    @property
    def recorder(self) -> Recorder:
        """The recorder of the runs whose callbacks this handler gets."""
        return self._recorder

    # --- models

    def on_chat_model_start(
        self,
        serialized: JsonObject | None,
        messages: Sequence[Sequence[object]],
        *,
        run_id: Id,
        **details: object,
    ) -> None:
        """Begin the run of a chat model."""
        self._start("on_chat_model_start", run_id, (serialized, messages), details)

    def on_llm_start(
        self, serialized: JsonObject | None, prompts: list[str], *, run_id: Id, **details: object
    ) -> None:
        """Begin the run of a text completion model."""
        self._start("on_llm_start", run_id, (serialized, prompts), details)

    def on_llm_new_token(self, token: object, *, run_id: Id, chunk: object = None, **_: object) -> None:
        """Record a chunk of a model's stream."""
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.add(token if chunk is None else chunk)

    def on_stream_event(self, event: object, *, run_id: Id, **_: object) -> None:
        """Record an event of a model's stream in LangChain's v3 protocol."""
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.add(event)

    def on_llm_end(self, response: object, *, run_id: Id, **_: object) -> None:
        """End the run of a model with its response."""
        self._end(run_id, response)

    def on_llm_error(self, error: BaseException, *, run_id: Id, **_: object) -> None:
        """End the run of a model with an error."""
        self._fail(run_id, error)

    # --- chains

    def on_chain_start(
        self, serialized: JsonObject | None, inputs: object, *, run_id: Id, **details: object
    ) -> None:
        """Begin the run of a chain or a graph."""
        self._start("on_chain_start", run_id, (serialized, inputs), details)

    def on_chain_end(self, outputs: object, *, run_id: Id, **_: object) -> None:
        """End the run of a chain or a graph."""
        self._end(run_id, outputs)

    def on_chain_error(self, error: BaseException, *, run_id: Id, **_: object) -> None:
        """End the run of a chain or a graph with an error, or interrupt it for a human."""
        self._fail(run_id, error)

    # --- tools

    def on_tool_start(
        self, serialized: JsonObject | None, input_str: str, *, run_id: Id, **details: object
    ) -> None:
        """Begin the run of a tool."""
        self._start("on_tool_start", run_id, (serialized, input_str), details)

    def on_tool_end(self, output: object, *, run_id: Id, **_: object) -> None:
        """End the run of a tool with its output."""
        self._end(run_id, output)

    def on_tool_error(self, error: BaseException, *, run_id: Id, **_: object) -> None:
        """End the run of a tool with an error."""
        self._fail(run_id, error)

    # --- retrievers

    def on_retriever_start(
        self, serialized: JsonObject | None, query: str, *, run_id: Id, **details: object
    ) -> None:
        """Begin the run of a retriever."""
        self._start("on_retriever_start", run_id, (serialized, query), details)

    def on_retriever_end(self, documents: Sequence[object], *, run_id: Id, **_: object) -> None:
        """End the run of a retriever with its documents."""
        self._end(run_id, documents)

    def on_retriever_error(self, error: BaseException, *, run_id: Id, **_: object) -> None:
        """End the run of a retriever with an error."""
        self._fail(run_id, error)

    # --- runs

    def _start(self, name: str, run_id: Id, args: tuple[object, object], details: dict[str, object]) -> None:
        handle = _RunHandle(run_id, details.pop("parent_run_id", None), details)
        name_or_none = None if self.session_id is None else conversation_name(self.session_id, "")
        with nullcontext() if name_or_none is None else conversation(name_or_none):
            runs = begin_runs(self._recorder, PROVIDER, PROVIDER.new_runs(name, args, details, handle))
        for run in runs:
            if isinstance(run, ToolRun):
                run.enter()
        self._handles[str(run_id)] = handle

    def _end(self, run_id: Id, result: object) -> None:
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.end(result)
        self._handles.pop(str(run_id), None)

    def _fail(self, run_id: Id, error: BaseException) -> None:
        run = self._recorder.runs.get(str(run_id))
        if run is not None:
            run.fail(error)
        self._handles.pop(str(run_id), None)


class _RunHandle:
    """The identity of a run for as long as it lasts, with the attributes of LangChain's run managers.

    langchain-core 1.8 callbacks/manager.py: a handler gets the attributes of a run manager, not the manager.
    """

    __slots__ = ("__weakref__", "metadata", "parent_run_id", "run_id", "tags")

    def __init__(self, run_id: Id, parent_run_id: object, details: dict[str, object]) -> None:
        self.run_id, self.parent_run_id = run_id, parent_run_id
        self.metadata, self.tags = details.get("metadata"), details.get("tags")


class _WithoutMetrics:
    """A session whose events are stripped of metrics."""

    def __init__(self, session: EventSink) -> None:
        self._session = session

    def append(self, event: EventDict) -> None:
        stripped = {name: value for name, value in event.items() if name != "metrics"}
        extensions = event.get("extensions", {})
        stripped["extensions"] = {name: value for name, value in extensions.items() if name != "latency_ms"}
        self._session.append(stripped)
