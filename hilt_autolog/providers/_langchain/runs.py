"""The start of LangChain's runs: from the arguments of the `on_..._start` functions to `Run`s."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from hilt_autolog.contracts.framework import Run
from hilt_autolog.contracts.model import Operation, Request, ToolCall, new_message, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, text_or_none

from .messages import parse_messages
from .response import ChunkAccumulator, parse_response

if TYPE_CHECKING:
    from hilt_autolog.contracts.types import JsonMapping, JsonObject, Message

_CONVERSATION_KEYS = ("session_id", "conversation_id", "thread_id")  # of a run's metadata
_PROVIDERS = {  # `ls_provider` of a run's metadata, where its name is not ours
    "amazon_bedrock": "bedrock",
    "anthropic_bedrock": "bedrock",
    "google_genai": "gemini",
    "google_vertexai": "vertex",
    "google_anthropic_vertex": "vertex",
    "mistralai": "mistral",
}
_MODEL_KEYS = ("model", "model_name", "model_id")
_SECRET = re.compile("api_?key|secret|password|credential|headers|authorization|_token$", re.IGNORECASE)
_NO_PARAMETERS = ("_type", "stream", "streaming", *_MODEL_KEYS)  # of `invocation_params`
_CHAT_MODEL = Operation("chat_model", lambda _: [], parse_response, ChunkAccumulator)
_LLM = Operation("llm", lambda _: [], parse_response, ChunkAccumulator)


class _RunManager(Protocol):
    """The attributes to read of a run manager, which an `on_..._start` function returns for each run."""

    run_id: object
    parent_run_id: object
    tags: Sequence[str] | None
    metadata: Mapping[str, object] | None


_Managers = Sequence[_RunManager]
_Parser = Callable[[_Managers, "JsonMapping", Any, "JsonMapping"], Iterator[Run]]


# --- the start functions: (managers, serialized, the second parameter, keyword arguments) -> runs


def _chat_model_runs(
    managers: _Managers, serialized: JsonMapping, inputs: Any, kwargs: JsonMapping
) -> Iterator[Run]:
    for manager, messages in zip(managers, inputs, strict=False):
        yield _model_run(_CHAT_MODEL, manager, serialized, parse_messages(messages), kwargs)


def _llm_runs(
    managers: _Managers, serialized: JsonMapping, inputs: Any, kwargs: JsonMapping
) -> Iterator[Run]:
    for manager, prompt in zip(managers, inputs, strict=False):
        run = _model_run(_LLM, manager, serialized, [new_message("user", [text_part(prompt)])], kwargs)
        # langchain-core 1.8 language_models/llms.py: `generate` starts a run for each prompt, and then passes
        # all prompts to one call of `_generate`.
        run.may_share_call = True
        yield run


def _model_run(
    operation: Operation,
    manager: _RunManager,
    serialized: JsonMapping,
    messages: list[Message],
    kwargs: JsonMapping,
) -> Run:
    run = _run(manager, serialized, kwargs)
    parameters, metadata = fields(kwargs.get("invocation_params")), fields(manager.metadata)
    provider = text_or_none(metadata.get("ls_provider")) or run.name.lower()
    models = (metadata.get("ls_model_name"), *map(parameters.get, _MODEL_KEYS))
    run.request = Request(
        operation=operation,
        provider=_PROVIDERS.get(provider, provider),
        model=next((model for model in models if text_or_none(model)), None),
        messages=messages,
        parameters={
            key: value
            for key, value in parameters.items()
            if value is not None and key not in _NO_PARAMETERS and not _SECRET.search(key)
        },
        sdk=_sdk_name(),
    )
    run.sdk_packages = _sdk_packages(_class_name(serialized))
    return run


def _tool_runs(
    managers: _Managers, serialized: JsonMapping, input_str: object, kwargs: JsonMapping
) -> Iterator[Run]:
    for manager in managers:
        run = _run(manager, serialized, kwargs)
        inputs = kwargs.get("inputs")
        run.name = text_or_none(serialized.get("name")) or run.name
        arguments = as_json(input_str if inputs is None else _json_or(inputs, input_str))
        run.tool = ToolCall(text_or_none(kwargs.get("tool_call_id")), run.name, arguments)
        # langchain-core 1.8 tools/base.py: `run` passes `tool_call_id`; in older versions only the
        # result has it.
        run.is_tool_call_id_final = "tool_call_id" in kwargs
        yield run


def _retriever_runs(
    managers: _Managers, serialized: JsonMapping, query: object, kwargs: JsonMapping
) -> Iterator[Run]:
    for manager in managers:
        run = _run(manager, serialized, kwargs)
        run.query = query if isinstance(query, str) else as_json(query)
        yield run


def _chain_runs(
    managers: _Managers, serialized: JsonMapping, _inputs: object, kwargs: JsonMapping
) -> Iterator[Run]:
    for manager in managers:
        yield _run(manager, serialized, kwargs)


# Of each start function: its role, and its parser.
START_FUNCTIONS: dict[str, tuple[str, _Parser]] = {
    "on_chat_model_start": ("model start", _chat_model_runs),
    "on_llm_start": ("model start", _llm_runs),
    "on_chain_start": ("start", _chain_runs),
    "on_tool_start": ("start", _tool_runs),
    "on_retriever_start": ("start", _retriever_runs),
}


# --- what all kinds of runs have


def _run(manager: _RunManager, serialized: JsonMapping, kwargs: JsonMapping) -> Run:
    explicit_name = text_or_none(kwargs.get("name")) or text_or_none(serialized.get("name"))
    name = explicit_name or _class_name(serialized) or "chain"
    metadata: JsonObject = {}
    conversation = None
    if manager.metadata:
        metadata = {
            key: value
            for key, value in fields(manager.metadata).items()
            if value is not None and not _SECRET.search(str(key))
        }
        conversation = next((metadata[key] for key in _CONVERSATION_KEYS if metadata.get(key)), None)
    parent_id = None if manager.parent_run_id is None else str(manager.parent_run_id)
    provenance = {
        "run_id": str(manager.run_id),
        "parent_run_id": parent_id,
        "name": name,
        "tags": list(manager.tags or ()),
        "metadata": metadata,
    }
    return Run(
        id=str(manager.run_id),
        handle=manager,
        parent_id=parent_id,
        name=name,
        provenance={"langchain": {key: value for key, value in provenance.items() if value}},
        conversation=None if conversation is None else str(conversation),
        step=text_or_none(metadata.get("langgraph_node")),
    )


def _class_name(serialized: JsonMapping) -> str | None:
    """Return the class name: langchain-core 1.8 load/serializable.py: `lc_id` is its path as a list."""
    path = serialized.get("id")
    return text_or_none(path[-1]) if isinstance(path, list) and path else None


def _json_or(inputs: object, input_str: object) -> object:
    """Return a tool's inputs if they can be serialized, else their text."""
    try:
        return as_json(inputs)
    except (TypeError, ValueError):
        return input_str


# --- which SDK a model calls


@lru_cache(maxsize=256)
def _sdk_packages(class_name: str | None) -> frozenset[str]:
    """Return the SDKs that the models of a class call, by the packages that define the class and its bases.

    LangChain names its packages after the SDKs: `langchain_openai` calls `openai`, and so do the subclasses
    of its models in other packages. A run has only the name of its model's class: where several classes have
    this name, the SDKs that they have in common are returned.
    """
    candidates: list[frozenset[str]] = []
    for cls in _subclasses(_base_class()):
        if cls.__name__ == class_name:
            packages = {str(base.__module__).partition(".")[0] for base in cls.__mro__}
            candidates.append(frozenset(package.removeprefix("langchain_") for package in packages))
    return frozenset.intersection(*candidates) if candidates else frozenset()


def _base_class() -> object:
    module = sys.modules.get("langchain_core.language_models.base")
    return getattr(module, "BaseLanguageModel", None)


def _subclasses(base: object) -> Iterator[type]:
    # `type.__subclasses__`, because a metaclass may have its own
    subclasses: list[type] = type.__subclasses__(base) if isinstance(base, type) else []
    for cls in subclasses:
        yield cls
        yield from _subclasses(cls)


def _sdk_name() -> str:
    version = getattr(sys.modules.get("langchain_core"), "__version__", "unknown")
    return f"langchain-core {version}"
