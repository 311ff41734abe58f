"""LangChain and LangGraph: what they tell their callback managers of models, tools, retrievers and chains.

Every run of theirs passes through these managers, also where nobody listens: `on_..._start` hands out a
manager of the run, and that one is told how the run goes on. No handler is added to anybody's configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.provider import Coverage, PatchTarget
from hilt_autolog.contracts.sdk_objects import fields
from hilt_autolog.providers._langchain.response import model_reply
from hilt_autolog.providers._langchain.results import documents, failure, pause, scores, tool_result
from hilt_autolog.providers._langchain.runs import RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.contracts.framework import Framework, Interrupt, Run, ToolOutput
    from hilt_autolog.contracts.model import Document, ErrorInfo, HttpResponse, Request, Response

_MANAGERS = "langchain_core.callbacks.manager"
_STORES = "langchain_core.vectorstores"
_TOLD = {
    "CallbackManagerForLLMRun": {
        "on_llm_new_token": "chunk",
        "on_stream_event": "chunk",
        "on_llm_end": "end",
        "on_llm_error": "error",
    },
    "CallbackManagerForChainRun": {"on_chain_end": "end", "on_chain_error": "error"},
    "CallbackManagerForToolRun": {"on_tool_end": "end", "on_tool_error": "error"},
    "CallbackManagerForRetrieverRun": {"on_retriever_end": "end", "on_retriever_error": "error"},
}


class LangChain:
    """Reads what the managers are told."""

    package = "langchain_core"
    targets = (
        *(PatchTarget(_MANAGERS, "CallbackManager", name, role) for name, (role, _) in RUNS.items()),
        *(
            PatchTarget(_MANAGERS, "AsyncCallbackManager", name, f"async {role}")
            for name, (role, _) in RUNS.items()
        ),
        *(
            PatchTarget(_MANAGERS, prefix + manager, name, role)
            for manager, functions in _TOLD.items()
            for prefix in ("", "Async")
            for name, role in functions.items()
        ),
        PatchTarget(f"{_STORES}.base", "VectorStore", "similarity_search_with_relevance_scores", "scores"),
        PatchTarget(
            f"{_STORES}.base", "VectorStore", "asimilarity_search_with_relevance_scores", "async scores"
        ),
        PatchTarget(
            f"{_STORES}.in_memory",
            "InMemoryVectorStore",
            "_similarity_search_with_score_by_vector",
            "scores",
        ),
    )

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The kinds of runs."""
        return tuple(
            Coverage(kind, tuple(probe for probe in self.targets if probe.name in names), kind == "models")
            for kind, names in _KINDS.items()
        )

    def new_runs(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> Sequence[Run]:
        """Read what a run's start was given, and the managers that it has handed out, one a run."""
        managers = result if isinstance(result, list) else [result]
        serialized = kwargs.get("serialized", args[0] if args else None)
        given = args[1] if len(args) > 1 else next((kwargs[key] for key in _GIVEN if key in kwargs), None)
        return list(RUNS[name][1](managers, fields(serialized), given, kwargs))

    def run_id(self, handle: Any) -> str:
        """Return the id of the run that a manager is for."""
        return str(handle.run_id)

    def payload(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return what a run's manager was told: a chunk rather than the token in it."""
        if kwargs.get("chunk") is not None:
            return kwargs["chunk"]
        return args[0] if args else next((kwargs[key] for key in _SAID if key in kwargs), None)

    def tool_output(self, result: Any) -> ToolOutput:
        """Read what a tool returned."""
        return tool_result(result)

    def documents(self, result: Any, scores: Mapping[int, float]) -> Sequence[Document]:
        """Read what a retriever returned."""
        return documents(result, scores)

    def scores(self, result: Any) -> Mapping[int, float]:
        """Read what a vector store found: tuples of a document and its score."""
        return scores(result)

    def response(self, request: Request, result: Any, http: HttpResponse | None) -> Response:  # noqa: ARG002  no HTTP here
        """Read what a model has answered."""
        return model_reply(fields(result))

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception, of whatever library."""
        return failure(error)

    def interrupt(self, error: BaseException) -> Interrupt | None:
        """Return how LangGraph leaves a run by this exception, if it is no failure."""
        return pause(error)


_KINDS = {
    "models": ("on_chat_model_start", "on_llm_start", "on_llm_new_token", "on_llm_end", "on_llm_error"),
    "tools": ("on_tool_start", "on_tool_end", "on_tool_error"),
    "retrievers": ("on_retriever_start", "on_retriever_end", "on_retriever_error"),
    "chains and graphs": ("on_chain_start", "on_chain_end", "on_chain_error"),
}
_GIVEN = ("messages", "prompts", "inputs", "input_str", "query")
_SAID = ("token", "event", "response", "outputs", "output", "documents", "error")

PROVIDER: Framework = LangChain()
