"""The SDKs that are recorded, and the provider file of each.

Loaded at the start of each interpreter, so it imports nothing. To add a provider: add its file and a row.
"""

TYPE_CHECKING = False  # type checkers take it as true; importing `typing` would delay the program's start
if TYPE_CHECKING:
    from hilt_autolog.contracts.framework import Framework
    from hilt_autolog.contracts.provider import Provider
    from hilt_autolog.contracts.realtime import ConnectionProvider

# Module of an SDK -> module in this folder that defines its `PROVIDER`.
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
    """Return the modules of the SDKs that have a provider: `openai`, `google.genai` ..."""
    return frozenset(PROVIDERS)


def providers_of(sdk: str) -> "tuple[Provider | ConnectionProvider | Framework, ...]":
    """Import the provider file of an SDK, which does not import the SDK, and return its providers.

    Raises:
        KeyError: the SDK has no provider.
    """
    from importlib import import_module

    module = import_module(f"hilt_autolog.providers.{PROVIDERS[sdk]}")
    return (module.PROVIDER, *getattr(module, "EXTRA_PROVIDERS", ()))
