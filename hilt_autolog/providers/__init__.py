"""One file for each SDK: a table of functions to wrap, and pure functions that parse its objects.

`PROVIDERS` maps each SDK to its file, which offers a `PROVIDER` and may offer `EXTRA_PROVIDERS`
(`contracts.provider`, `contracts.realtime`, `contracts.framework`). Files and folders that begin with an
underscore are shared by several providers. No provider file imports its SDK.

Loaded at the start of each interpreter, so it imports nothing, and the table is here rather than in a file of
its own, which would add 0.05 ms to each start (`tests/benchmarks/startup.py`).
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
