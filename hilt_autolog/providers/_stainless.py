"""What every SDK made by the Stainless generator shares (openai, anthropic, groq, together ...).

Each public method of such an SDK ends in the client's `request(cast_to, options, *, stream, stream_cls)`:
once a logical call, whatever its retries, helpers and raw wrappers. `_process_response` then sees the
HTTP response before anything is parsed, and a raw response that is parsed late makes a `StreamInfo`. These
six functions are all that is wrapped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from hilt_autolog.contracts.model import (
    ErrorInfo,
    HttpResponse,
    Operation,
    Request,
    Response,
    new_message,
    text_part,
)
from hilt_autolog.contracts.provider import Coverage, PatchTarget, StreamInfo
from hilt_autolog.contracts.sdk_objects import fields, sdk_version, text_or_none

from ._transport import transport_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_ADDRESS = re.compile("^https?://[^/]*")  # some answers name the whole address of what comes next
_ABSENT = ("Omit", "NotGiven")  # what newer SDKs write for an argument that was not given
_BESIDES = ("conversation", "previous_response_id", "service_tier", "thread")
_NOTHING: dict[str, Any] = {}
_MOST_SERVERS = 256


@dataclass(frozen=True, slots=True)
class StainlessProvider:
    """An SDK of this family.

    `routes` maps (method, path) to operations; `{id}` stands for the last or last but one segment. `hosts`
    names the providers that are reached through this SDK: (pattern of the host and port, name), and
    `clients` those whose clients have a class of their own: (pattern of its name, name). `error_code` is
    the field of an error's body that tells errors apart.
    """

    package: str
    routes: Mapping[tuple[str, str], Operation]
    provider: str
    hosts: tuple[tuple[str, str], ...]
    clients: tuple[tuple[str, str], ...] = ()
    error_code: str = "code"

    @property
    def targets(self) -> tuple[PatchTarget, ...]:
        """The functions to wrap."""
        client = f"{self.package}._base_client"
        return (
            PatchTarget(client, "SyncAPIClient", "request", "call"),
            PatchTarget(client, "AsyncAPIClient", "request", "async call"),
            PatchTarget(client, "SyncAPIClient", "_process_response", "response"),
            PatchTarget(client, "AsyncAPIClient", "_process_response", "response"),
            PatchTarget(f"{self.package}._streaming", "Stream", "__init__", "stream"),
            PatchTarget(f"{self.package}._streaming", "AsyncStream", "__init__", "stream"),
        )

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The operations that there are routes of."""
        known = {one.name: one.accumulator is not None for one in self.routes.values()}
        place = f"{self.package}.resources."
        return tuple(Coverage(name, self.targets, streams, place + name) for name, streams in known.items())

    def request(
        self,
        client: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        clean: Callable[[Any], Any] | None = None,
    ) -> Request | None:
        """Read `client.request(cast_to, options, ...)`; None when the call reaches no model."""
        options = kwargs["options"] if "options" in kwargs else args[1]
        operation, identity = self.routes.get((options.method, options.url)), None
        if operation is None:
            operation, identity = self._route(options.method, options.url)
            if operation is None:
                return None
        body, extra = options.json_data, getattr(options, "extra_json", None)
        if extra is not None or clean is not None or type(body) is not dict:
            body = _body(body, extra, clean)
        if operation.parse_files is not None:
            body = {**body, **operation.parse_files(options.files)}
        server, provider = self._reached(client)
        prompt = Request(
            operation,
            provider,
            text_or_none(body.get("model")),
            operation.parse_messages(body),
            _parameters(body, operation) if body.keys() - operation.content_keys else {},
            server,
            sdk_version(self.package),
            previous_response_id=identity,
        )
        if not body.keys().isdisjoint(_BESIDES):
            prompt.conversation = _conversation(body.get("conversation"))
            prompt.previous_response_id = identity or _previous(body)
            prompt.service_tier = text_or_none(body.get("service_tier"))
        if operation.parse_batch is not None:
            prompt.batch = [_inside(prompt, name, one) for name, one in operation.parse_batch(body)]
        return prompt

    def http_response(self, kwargs: Mapping[str, Any]) -> HttpResponse | None:
        """Read the arguments of `_process_response`."""
        response = kwargs.get("response")
        if response is None:
            return None
        status = response.status_code
        status = status if type(status) is int else None
        return HttpResponse(response, status, kwargs.get("retries_taken", 0), request_id_of(response.headers))

    def stream_info(self, result: Any) -> StreamInfo | None:
        """Return where the items of an event stream pass by, if `result` is one."""
        known: Mapping[str, Any] = getattr(result, "__dict__", _NOTHING)
        response = known.get("response") or known.get("http_response")
        if response is not None and ("_iterator" in known or _makes_iterator(type(result))):
            return StreamInfo(result, "_iterator", response)
        return None

    def response(self, prompt: Request, result: Any, http: HttpResponse | None) -> Response:
        """Read an answer that has come whole: from the wire where possible, else from the SDK's object."""
        operation = prompt.operation
        if http is None or (operation.is_embedding and "data" in fields(result)):
            return operation.parse_response(fields(result))
        return self.response_from_body(prompt, http.response.content, http)

    def response_from_body(self, prompt: Request, content: bytes, http: HttpResponse) -> Response:
        """Read the body of an HTTP response."""
        operation = prompt.operation
        if operation.parse_binary is not None:
            kind = http.response.headers.get("content-type", "")
            if "json" not in kind:
                return operation.parse_binary(content, kind)
        try:
            body = orjson.loads(content)
            return operation.parse_response(body if type(body) is dict else {})
        except orjson.JSONDecodeError:
            if "json" in http.response.headers.get("content-type", ""):
                return Response()  # broken: no fault of ours, and the program will see for itself
            return _as_text(content)  # so the SDK hands it over: what a gateway says of itself, perhaps

    def error_info(self, error: BaseException) -> ErrorInfo:
        """Read an exception; works for those of the SDK, of its HTTP library, and for any other."""
        return read_failure(error, self.error_code)

    def _route(self, method: str, url: str) -> tuple[Operation | None, str | None]:
        method, path = method.lower(), _ADDRESS.sub("", url).partition("?")[0].rstrip("/")
        operation = self.routes.get((method, path))
        if operation is not None:
            return operation, None
        head, _, identity = path.rpartition("/")
        operation = self.routes.get((method, head + "/{id}"))
        if operation is not None:
            return operation, identity
        head, _, last = head.rpartition("/")
        return self.routes.get((method, f"{head}/{{id}}/{identity}")), last

    def _reached(self, client: Any) -> tuple[str, str]:
        """Return the host and port that a client talks to, and the provider who is there."""
        url = getattr(client, "_base_url", None) or client.base_url
        known = _reached.get(id(url))
        if known is not None and known[0] is url:
            return known[1]
        server: str = url.host if url.port is None else f"{url.host}:{url.port}"
        kind = type(client).__name__
        names = [name for pattern, name in self.clients if re.search(pattern, kind)]
        names += [name for pattern, name in self.hosts if re.search(pattern, server)]
        found = (server, next(iter(names), self.provider))
        if len(_reached) >= _MOST_SERVERS:
            _reached.clear()
        _reached[id(url)] = (url, found)
        return found


# id of a client's URL -> (the URL, what is reached there): the HTTP libraries parse a URL at every look.
_reached: dict[int, tuple[Any, tuple[str, str]]] = {}


def _as_text(content: bytes) -> Response:
    text = content.decode("utf-8", "replace")
    return Response(messages=[new_message("assistant", [text_part(text)])] if text else [], text=text or None)


def _body(body: Any, extra: Any, clean: Callable[[Any], Any] | None) -> dict[str, Any]:
    """Return the request's body as it will be sent: `extra_body` is merged in late, and wins."""
    if clean is not None:
        body, extra = clean(body), clean(extra)
    if not isinstance(body, dict):
        body = {}
    return {**body, **extra} if extra and isinstance(extra, dict) else body


def _inside(batch: Request, name: str, body: Mapping[str, Any]) -> Request:
    """Return one of the requests in a batch."""
    operation = batch.operation.item_operation or batch.operation
    return replace(
        batch,
        operation=operation,
        model=text_or_none(body.get("model")),
        messages=operation.parse_messages(body),
        parameters=_parameters(body, operation),
        service_tier=text_or_none(body.get("service_tier")),
        extensions={"custom_id": name},
        batch=(),
    )


def _parameters(body: Mapping[str, Any], operation: Operation) -> dict[str, Any]:
    return {name: one for name, one in body.items() if name not in operation.content_keys and _is_given(one)}


def _is_given(value: Any) -> bool:
    return value is not None and type(value).__name__ not in _ABSENT


def _previous(body: Mapping[str, Any]) -> str | None:
    """Return the id of the answer that a request goes on from: OpenAI's way, or by Anthropic's threads."""
    if "thread" in body:
        return text_or_none(fields(body["thread"]).get("previous_message_id"))
    return text_or_none(body.get("previous_response_id"))


def _makes_iterator(kind: type) -> bool:
    """Return whether a stream's class makes the iterator at first use, and itself goes by that iterator."""
    owner = next((base for base in kind.__mro__ if not _BY_ITERATOR.isdisjoint(vars(base))), None)
    return owner is not None and "_iterator" in vars(owner)


_BY_ITERATOR = frozenset(("_iterator", "__iter__", "__next__", "__aiter__", "__anext__"))


def _conversation(value: Any) -> str | None:
    """Return the id in OpenAI's `conversation` parameter: a text, or an object that has one."""
    return text_or_none(value) or text_or_none(fields(value).get("id"))


_REQUEST_IDS = (b"x-request-id", b"request-id", b"apim-request-id", b"x-amzn-requestid", b"cf-ray")
_RATE_LIMITS = ("x-ratelimit-", "anthropic-ratelimit-")


def read_failure(error: BaseException, error_code: str) -> ErrorInfo:
    """Read an exception; `error_code` is the field of an error's body that tells errors apart."""
    known = fields(error)
    response = known.get("response")
    headers = response.headers if response is not None else {}
    details = _details(known.get("body"))
    status = known.get(
        "status_code", getattr(type(error), "status_code", None)
    )  # of some it is their class's
    return ErrorInfo(
        text=text_or_none(details.get("message")) or str(error) or type(error).__name__,
        type=type(error).__name__,
        code=_code(error, details.get(error_code), status),
        status=status if isinstance(status, int) else None,
        retry_after=_retry_after(headers),
        rate_limit={k: v for k, v in headers.items() if k.startswith(_RATE_LIMITS)},
        retries=_retries(response, known.get("request")),
        request_id=request_id_of(headers),
    )


def request_id_of(headers: Any) -> str | None:
    """Return the provider's name for a request."""
    raw = getattr(headers, "raw", ())  # each `get` would go through all of them
    known = {name.lower(): value for name, value in raw if value and name.lower() in _REQUEST_IDS}
    return known[min(known, key=_REQUEST_IDS.index)].decode("latin-1") if known else None


def _details(body: Any) -> dict[str, Any]:
    """Return the error object of an error's body, whether or not the SDK has unwrapped it already."""
    known = fields(body)
    inner = known.get("error")
    return fields(inner) if isinstance(inner, dict) else known


def _code(error: BaseException, named: Any, status: Any) -> str:
    code = named or fields(error).get("code")  # no property: some are deprecated, and warn
    if (
        isinstance(error, Exception)
        and isinstance(code, str | int)
        and not isinstance(code, bool)
        and str(code) != str(status)
    ):
        return str(code)
    return transport_code(error, status)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the provider asks to wait; a date, which the header may also be, is none."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
    return None


def _retries(response: Any, request: Any) -> int:
    """Return how often the SDK had tried before; it says so in the headers of the last attempt."""
    request = fields(response).get("_request") or request
    headers = fields(request).get("headers") or {}
    return int(headers.get("x-stainless-retry-count", 0))
