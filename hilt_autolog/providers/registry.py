"""Which SDKs are recorded, and by which provider file.

Loaded when an interpreter starts, so it imports nothing. To add a provider, add its file and its line here.
"""

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost a program's start
if TYPE_CHECKING:
    from typing import Any

# The module of an SDK -> the file in this folder that holds its `PROVIDER`.
PROVIDERS = {
    "anthropic": "anthropic",
    "cerebras.cloud.sdk": "cerebras",
    "fireworks": "fireworks",
    "google.genai": "google_genai",
    "google.generativeai": "google_generativeai",
    "groq": "groq",
    "langchain_core": "langchain_core",
    "openai": "openai",
    "perplexity": "perplexity",
    "sambanova": "sambanova",
    "together": "together",
}


def sdks() -> frozenset[str]:
    """Return the SDKs that have a provider, by module: `openai`, `google.genai` ..."""
    return frozenset(PROVIDERS)


def providers_of(sdk: str) -> "tuple[Any, ...]":
    """Return the providers of an SDK; their file is imported, the SDK is not.

    Raises:
        KeyError: there is none.
    """
    from importlib import import_module

    module = import_module(f"hilt_autolog.providers.{PROVIDERS[sdk]}")
    return (module.PROVIDER, *getattr(module, "EXTRA_PROVIDERS", ()))
