"""The host table, and the error codes for requests that got no answer.

`HOSTS` names the provider behind a client's `base_url`: many are reached through another provider's SDK.
`connection_error_code` is for exceptions that carry no code of a provider, as when the connection failed.
"""

from __future__ import annotations

import re

# (pattern of the host and port of a client's `base_url`, provider)
HOSTS = (
    (r"(^|\.)openai\.com(:|$)", "openai"),
    (r"\.(openai|cognitiveservices|services\.ai|inference\.ai|models\.ai)\.azure\.com(:|$)", "azure"),
    (r"(^|\.)groq\.com(:|$)", "groq"),
    (r"(^|\.)deepseek\.com(:|$)", "deepseek"),
    (r"(^|\.)mistral\.ai(:|$)", "mistral"),
    (r"(^|\.)together\.(xyz|ai)(:|$)", "together"),
    (r"(^|\.)openrouter\.ai(:|$)", "openrouter"),
    (r"(^|\.)x\.ai(:|$)", "xai"),
    (r"(^|\.)fireworks\.ai(:|$)", "fireworks"),
    (r"(^|\.)perplexity\.ai(:|$)", "perplexity"),
    (r"(^|\.)cerebras\.ai(:|$)", "cerebras"),
    (r"(^|\.)sambanova\.ai(:|$)", "sambanova"),
    (r"(^|\.)deepinfra\.com(:|$)", "deepinfra"),
    (r"(^|\.)hyperbolic\.xyz(:|$)", "hyperbolic"),
    (r"(^|\.)nebius\.(com|ai)(:|$)", "nebius"),
    (r"(^|\.)novita\.ai(:|$)", "novita"),
    (r"(^|\.)nvidia\.com(:|$)", "nvidia"),
    (r"(^|\.)moonshot\.(ai|cn)(:|$)", "moonshot"),
    (r"(^|\.)minimax\.(io|chat)(:|$)", "minimax"),
    (r"(^|\.)(bigmodel\.cn|z\.ai)(:|$)", "zhipu"),
    (r"(^|\.)aliyuncs\.com(:|$)", "alibaba"),
    (r"(^|\.)huggingface\.co(:|$)", "huggingface"),
    (r"(^|\.)anthropic\.com(:|$)", "anthropic"),
    (r"(^|[.-])aiplatform\.(.+\.)?googleapis\.com(:|$)", "vertex"),
    (r"(^|\.)generativelanguage\.googleapis\.com(:|$)", "gemini"),
    (r"(^|\.)amazonaws\.com(:|$)|bedrock[^/]*\.api\.aws(:|$)", "bedrock"),
    (r"(^|\.)cohere\.(com|ai)(:|$)", "cohere"),
    (r"(^|\.)github(copilot)?\.(ai|com)(:|$)", "github"),
    (r"(^|[.-])ollama|:11434$", "ollama"),
    (r"(^|[.-])vllm", "vllm"),
    (r"(^|[.-])litellm", "litellm"),
)


_TOO_MANY_REQUESTS = 429
_CONNECTION_ERROR = re.compile(
    "Connect|NetworkError|ProtocolError|TransportError|ReadError|WriteError|PayloadError|ChunkedEncoding"
)


def connection_error_code(error: BaseException, status: object) -> str:
    """Return the event format's error code for an exception that carries no code of the provider's.

    Decides by the names of the exception's classes, which are alike in httpx, requests, aiohttp and the SDKs.
    """
    if not isinstance(error, Exception) or type(error).__name__ == "CancelledError":
        return "cancelled"
    names = " ".join(cls.__name__ for cls in type(error).__mro__)
    if status == _TOO_MANY_REQUESTS or "RateLimit" in names:
        return "rate_limit"
    if "Timeout" in names:
        return "timeout"
    return "connection" if _CONNECTION_ERROR.search(names) else "api_error"
