"""LangChain and LangGraph: the callback managers that every model, tool, retriever and chain calls.

Every run calls these managers, also when it has no handlers: an `on_..._start` function returns a manager
for each run that it starts, and the run calls `on_..._end` or `on_..._error` on it. These functions are
wrapped; no handler is added to any configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hilt_autolog.contracts.provider import Coverage, PatchTarget
from hilt_autolog.contracts.sdk_objects import fields
from hilt_autolog.providers._langchain.response import parse_response
from hilt_autolog.providers._langchain.results import (
    parse_documents,
    parse_error,
    parse_interrupt,
    parse_scores,
    parse_tool_output,
)
from hilt_autolog.providers._langchain.runs import START_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hilt_autolog.contracts.framework import Framework, Interrupt, Run, ToolOutput
    from hilt_autolog.contracts.model import Document, ErrorInfo, HttpResponse, Request, Response
    from hilt_autolog.contracts.types import JsonMapping

_MANAGERS = "langchain_core.callbacks.manager"
_STORES = "langchain_core.vectorstores"
_RUN_MANAGERS = {
    "CallbackManagerForLLMRun": {
        "on_llm_new_token": "chunk",
        "on_stream_event": "chunk",  # langchain-core 1.8: the events of `stream_events(version="v3")`
        "on_llm_end": "end",
        "on_llm_error": "error",
    },
    "CallbackManagerForChainRun": {"on_chain_end": "end", "on_chain_error": "error"},
    "CallbackManagerForToolRun": {"on_tool_end": "end", "on_tool_error": "error"},
    "CallbackManagerForRetrieverRun": {"on_retriever_end": "end", "on_retriever_error": "error"},
}


class LangChain:
    """The provider: the functions of the callback managers, and how to parse their arguments."""

    package = "langchain_core"
    targets = (
        *(
            PatchTarget(_MANAGERS, "CallbackManager", name, role)
            for name, (role, _) in START_FUNCTIONS.items()
        ),
        *(
            PatchTarget(_MANAGERS, "AsyncCallbackManager", name, f"async {role}")
            for name, (role, _) in START_FUNCTIONS.items()
        ),
        *(
            PatchTarget(_MANAGERS, prefix + manager, name, role)
            for manager, functions in _RUN_MANAGERS.items()
            for prefix in ("", "Async")
            for name, role in functions.items()
        ),
        PatchTarget(f"{_STORES}.base", "VectorStore", "similarity_search_with_relevance_scores", "scores"),
        PatchTarget(
            f"{_STORES}.base", "VectorStore", "asimilarity_search_with_relevance_scores", "async scores"
        ),
        # langchain-core 1.8 vectorstores/in_memory.py: `similarity_search` drops the scores, and no public
        # function below it returns them.
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
            Coverage(kind, tuple(target for target in self.targets if target.name in names), kind == "models")
            for kind, names in _KINDS.items()
        )

    def new_runs(
        self, name: str, args: tuple[object, ...], kwargs: JsonMapping, result: Any
    ) -> Sequence[Run]:
        """Return one run for each manager that an `on_..._start` function has returned."""
        managers = result if isinstance(result, list) else [result]
        serialized = kwargs.get("serialized", args[0] if args else None)
        inputs = args[1] if len(args) > 1 else next((kwargs[key] for key in _INPUTS if key in kwargs), None)
        return list(START_FUNCTIONS[name][1](managers, fields(serialized), inputs, kwargs))

    def run_id(self, handle: Any) -> str:
        """Return the id of the run that a manager is for."""
        return str(handle.run_id)

    def payload(self, args: tuple[object, ...], kwargs: JsonMapping) -> object:
        """Return the first argument of a run manager's function; of a token, the chunk that it is from."""
        if kwargs.get("chunk") is not None:
            return kwargs["chunk"]
        return args[0] if args else next((kwargs[key] for key in _OUTPUTS if key in kwargs), None)

    def tool_output(self, result: object) -> ToolOutput:
        """Parse the return value of a tool."""
        return parse_tool_output(result)

    def documents(self, result: object, scores: Mapping[int, float]) -> Sequence[Document]:
        """Parse the return value of a retriever."""
        return parse_documents(result, scores)

    def scores(self, result: object) -> Mapping[int, float]:
        """Return the scores in the return value of a vector store, by the `id()` of the document."""
        return parse_scores(result)

    def response(self, request: Request, result: object, http: HttpResponse | None) -> Response:  # noqa: ARG002  no HTTP here
        """Parse an `LLMResult`."""
        return parse_response(fields(result))

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Parse an exception, of any library."""
        return parse_error(error)

    def interrupt(self, error: BaseException) -> Interrupt | None:
        """Return how an exception of LangGraph ends a run on purpose; None for a failure."""
        return parse_interrupt(error)


_KINDS = {
    "models": ("on_chat_model_start", "on_llm_start", "on_llm_new_token", "on_llm_end", "on_llm_error"),
    "tools": ("on_tool_start", "on_tool_end", "on_tool_error"),
    "retrievers": ("on_retriever_start", "on_retriever_end", "on_retriever_error"),
    "chains and graphs": ("on_chain_start", "on_chain_end", "on_chain_error"),
}
# The names of the first parameter after `serialized` of a start function, and of the first parameter of the
# other functions: LangChain itself passes them by position, other callers by name.
_INPUTS = ("messages", "prompts", "inputs", "input_str", "query")
_OUTPUTS = ("token", "event", "response", "outputs", "output", "documents", "error")

PROVIDER: Framework = LangChain()
