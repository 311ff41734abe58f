"""The SDKs made by the generator that made openai's: those that are installed here."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from offline.wire import Wire
from offline_provider import ANTHROPIC
from offline_provider import OPENAI as OPENAI_WIRE

from tests.support.in_process import InProcess
from tests.support.sdks import OPENAI, Sdk

NAMES = {  # module -> the name of its clients
    "cerebras.cloud.sdk": "Cerebras",
    "fireworks": "Fireworks",
    "groq": "Groq",
    "perplexity": "Perplexity",
    "sambanova": "SambaNova",
    "together": "Together",
}
# What each operation is asked, as the SDK's own method wants it.
ASKED = {
    "chat.completions": ("create", {"messages": [{"role": "user", "content": "Hello"}]}),
    "completions": ("create", {"prompt": "Hello"}),
    "responses": ("create", {"input": "Hello"}),
    "embeddings": ("create", {"input": "Hello"}),
    "messages": ("create", {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}),
    "images.generate": ("", {"prompt": "A flight recorder"}),
    "audio.speech": ("create", {"input": "Hello", "voice": "alloy"}),
    "audio.transcriptions": ("create", {"file": ("a.wav", b"RIFF")}),
    "audio.translations": ("create", {"file": ("a.wav", b"RIFF")}),
}


# SambaNova leaves the version out of the path of messages; OpenAI's paths are answered with and without it.
MESSAGES = tuple((method, path.replace("/v1", "(?:/v1)?"), f) for method, path, f in ANTHROPIC.routes)
WIRE = Wire((*OPENAI_WIRE.routes, *MESSAGES), OPENAI_WIRE.headers, OPENAI_WIRE.error)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # of the package that it would be in
        return False


def _member(module: str, client: str) -> Sdk:
    package = importlib.import_module(module)
    return OPENAI._replace(
        package=package,
        wire=WIRE,
        clients={"sync": getattr(package, client), "async": getattr(package, f"Async{client}")},
        streams=(package.Stream, package.AsyncStream),
        base="",
    )


FAMILY = {module: _member(module, client) for module, client in NAMES.items() if _is_there(module)}
OPTIONS = {"cerebras.cloud.sdk": {"warm_tcp_connection": False}}
IN_PROCESS = {module: InProcess(sdk) for module, sdk in FAMILY.items()}


def offline(module: str, kind: str) -> Any:
    """Return a client that the offline provider answers."""
    return IN_PROCESS[module].offline(kind, **OPTIONS.get(module, {}))
