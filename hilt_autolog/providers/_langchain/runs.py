"""What LangChain says of a run when it starts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from hilt_autolog.contracts.framework import Run
from hilt_autolog.contracts.model import Operation, Request, ToolCall, new_message, text_part
from hilt_autolog.contracts.sdk_objects import as_json, fields, text_or_none

from .messages import messages_of
from .response import ChunkAccumulator, model_reply

_CONVERSATIONS = ("session_id", "conversation_id", "thread_id")
_PROVIDERS = {
    "amazon_bedrock": "bedrock",
    "anthropic_bedrock": "bedrock",
    "google_genai": "gemini",
    "google_vertexai": "vertex",
    "google_anthropic_vertex": "vertex",
    "mistralai": "mistral",
}
_MODELS = ("model", "model_name", "model_id")
_PRIVATE = re.compile("api_?key|secret|password|credential|headers|authorization|_token$", re.IGNORECASE)
_OWN = ("_type", "stream", "streaming", *_MODELS)
_CHAT = Operation("chat_model", lambda _: [], model_reply, ChunkAccumulator)
_LLM = Operation("llm", lambda _: [], model_reply, ChunkAccumulator)


def _chat(managers: Sequence[Any], serialized: Mapping[str, Any], given: Any, kwargs: Any) -> Iterator[Run]:
    for manager, messages in zip(managers, given, strict=False):
        yield _model(_CHAT, manager, serialized, messages_of(messages), kwargs)


def _llm(managers: Sequence[Any], serialized: Mapping[str, Any], given: Any, kwargs: Any) -> Iterator[Run]:
    for manager, words in zip(managers, given, strict=False):
        yield _model(_LLM, manager, serialized, [new_message("user", [text_part(words)])], kwargs)


def _model(
    operation: Operation, manager: Any, serialized: Mapping[str, Any], messages: Any, kwargs: Any
) -> Run:
    run = _run(manager, serialized, kwargs)
    parameters, metadata = fields(kwargs.get("invocation_params")), fields(manager.metadata)
    named = text_or_none(metadata.get("ls_provider")) or run.name.lower()
    models = (metadata.get("ls_model_name"), *map(parameters.get, _MODELS))
    run.request = Request(
        operation=operation,
        provider=_PROVIDERS.get(named, named),
        model=next((model for model in models if text_or_none(model)), None),
        messages=messages,
        parameters={
            key: value
            for key, value in parameters.items()
            if value is not None and key not in _OWN and not _PRIVATE.search(key)
        },
        sdk=_sdk(),
    )
    run.sdk_packages = _through(_class(serialized))
    run.may_share_call = operation is _LLM
    return run


def _tool(managers: Sequence[Any], serialized: Mapping[str, Any], given: Any, kwargs: Any) -> Iterator[Run]:
    for manager in managers:
        run = _run(manager, serialized, kwargs)
        inputs = kwargs.get("inputs")
        run.name = text_or_none(serialized.get("name")) or run.name
        arguments = as_json(given if inputs is None else _plain_or(inputs, given))
        run.tool = ToolCall(text_or_none(kwargs.get("tool_call_id")), run.name, arguments)
        run.is_tool_call_id_final = "tool_call_id" in kwargs
        yield run


def _retriever(
    managers: Sequence[Any], serialized: Mapping[str, Any], given: Any, kwargs: Any
) -> Iterator[Run]:
    for manager in managers:
        run = _run(manager, serialized, kwargs)
        run.query = given if isinstance(given, str) else as_json(given)
        yield run


def _chain(managers: Sequence[Any], serialized: Mapping[str, Any], _given: Any, kwargs: Any) -> Iterator[Run]:
    for manager in managers:
        yield _run(manager, serialized, kwargs)


Read = Callable[[Sequence[Any], Mapping[str, Any], Any, Any], Iterator[Run]]

# Of each function by which a run starts: its role as a probe, and how its call is read.
RUNS: dict[str, tuple[str, Read]] = {
    "on_chat_model_start": ("model start", _chat),
    "on_llm_start": ("model start", _llm),
    "on_chain_start": ("start", _chain),
    "on_tool_start": ("start", _tool),
    "on_retriever_start": ("start", _retriever),
}


def _run(manager: Any, serialized: Mapping[str, Any], kwargs: Mapping[str, Any]) -> Run:
    """Read what every kind of run has."""
    names = map(text_or_none, (kwargs.get("name"), serialized.get("name"), _class(serialized)))
    name = next(filter(None, names), "chain")
    metadata = {
        key: value
        for key, value in fields(manager.metadata).items()
        if value is not None and not _PRIVATE.search(str(key))
    }
    parent = None if manager.parent_run_id is None else str(manager.parent_run_id)
    known = {
        "run_id": str(manager.run_id),
        "parent_run_id": parent,
        "name": name,
        "tags": list(manager.tags or ()),
        "metadata": metadata,
    }
    named = next((metadata[key] for key in _CONVERSATIONS if metadata.get(key)), None)
    return Run(
        id=str(manager.run_id),
        handle=manager,
        parent_id=parent,
        name=name,
        provenance={"langchain": {key: value for key, value in known.items() if value}},
        conversation=None if named is None else str(named),
        step=text_or_none(metadata.get("langgraph_node")),
    )


def _class(serialized: Mapping[str, Any]) -> str | None:
    """Return the name of what runs: the end of its path, as LangChain serializes it."""
    path = serialized.get("id")
    return text_or_none(path[-1]) if isinstance(path, list) and path else None


def _plain_or(inputs: Any, given: Any) -> Any:
    """Return a tool's inputs where JSON can say them, else their text."""
    try:
        return as_json(inputs)
    except (TypeError, ValueError):
        return given


@lru_cache(maxsize=256)
def _through(name: str | None) -> frozenset[str]:
    """Return the SDKs by which the models of a class are called, by the name of the package it comes from.

    LangChain names its packages after the SDKs: `langchain_openai` calls `openai`, and so do the classes of
    others that are made from its own. A class is known here by the name that its run has told.
    """
    found: list[frozenset[str]] = []
    for model in _below(_base()):
        if model.__name__ == name:
            packages = {str(one.__module__).partition(".")[0] for one in model.__mro__}
            found.append(frozenset(name.removeprefix("langchain_") for name in packages))
    return frozenset.intersection(*found) if found else frozenset()


def _base() -> Any:
    module = sys.modules.get("langchain_core.language_models.base")
    return getattr(module, "BaseLanguageModel", None)


def _below(base: Any) -> Iterator[Any]:
    made: list[Any] = type.__subclasses__(base) if isinstance(base, type) else []
    for kind in made:
        yield kind
        yield from _below(kind)


def _sdk() -> str:
    version = getattr(sys.modules.get("langchain_core"), "__version__", "unknown")
    return f"langchain-core {version}"
