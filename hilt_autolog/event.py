"""The HILT event as a validated model, for programs that create events themselves and for readers of logs.

The recorder writes plain dicts, because validation costs more than writing; tests validate what it writes.
`Event.from_dict(line).to_dict() == line` is true for every line that it writes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    StrictInt,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from hilt_autolog.contracts.types import JsonObject  # noqa: TC001  as below

from . import clock
from .format import Action  # noqa: TC001  pydantic resolves it when it builds the models

if TYPE_CHECKING:
    from pydantic import SerializerFunctionWrapHandler

HILT_VERSION = "1.0.0"

_FROM_LOG = object()  # the validation context of `from_dict`: the log may be another program's


def _now() -> str:
    return clock.id_and_timestamp()[1]


def _new_id() -> str:
    return clock.id_and_timestamp()[0]


_IS_NORMAL = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII).fullmatch


def _in_utc(value: object) -> str:
    """Return a timestamp in the normal form of the format; without a time zone it is in UTC."""
    timestamp = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(timestamp, datetime):
        raise ValueError("a timestamp is a datetime, or text as in RFC 3339")  # noqa: TRY004  pydantic collects ValueErrors
    if isinstance(value, str) and _IS_NORMAL(value):
        return value
    try:
        utc = timestamp.replace(tzinfo=timestamp.tzinfo or UTC).astimezone(UTC)
    except OverflowError:  # within hours of year 1 or 9999
        raise ValueError("a timestamp lies between the years 1 and 9999 in UTC") from None
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _not_empty(value: str, info: ValidationInfo) -> str:
    if not value and info.context is not _FROM_LOG:
        raise ValueError("is empty")
    return value


_Name = Annotated[str, AfterValidator(_not_empty)]


class _Open(BaseModel):
    """A part of an event, which keeps unknown keys."""

    model_config = ConfigDict(extra="allow")

    @model_serializer(mode="wrap")
    def _leave_out_absent(self, dump: SerializerFunctionWrapHandler) -> JsonObject:
        # Only known fields: null under an unknown key may carry meaning, and is kept.
        fields = type(self).model_fields
        return {key: value for key, value in dump(self).items() if value is not None or key not in fields}


class Actor(_Open):
    """Who acts. Other keys are invalid, as in hilt-python.

    An actor from a log (`Event.from_dict`) may have other keys, such as `did` in old logs, and keeps them. A
    number as `id` becomes text.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    type: Literal["human", "agent", "tool", "system"]
    id: _Name
    name: str | None = None
    metadata: JsonObject | None = None

    @model_validator(mode="after")
    def _has_no_other_key(self, info: ValidationInfo) -> Self:
        if self.model_extra and info.context is not _FROM_LOG:
            raise ValueError(
                f"an actor has type, id, name and metadata, and no {', '.join(self.model_extra)}"
            )
        return self


class Content(_Open):
    """What was said: as text, as messages (in the shape of OpenTelemetry's GenAI conventions), or as a hash.

    `images` and `metadata` are written by hilt-python only.
    """

    text: str | None = None
    messages: list[JsonObject] | None = None
    media: list[JsonObject] | None = None
    text_hash: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    text_encrypted: str | None = None
    images: list[object] | None = None
    metadata: JsonObject | None = None


class Metrics(_Open):
    """What was measured: milliseconds, tokens by kind, US dollars."""

    latency_ms: NonNegativeInt | None = None
    ttft_ms: NonNegativeInt | None = None
    tokens: dict[str, StrictInt] | None = None
    cost_usd: NonNegativeFloat | None = None


class Privacy(_Open):
    """What was done to an event for privacy."""

    pii_detected: list[object] | None = None
    redaction_applied: bool | None = None
    consent: JsonObject | None = None


class Event(_Open):
    """One event of a HILT log. `session_id`, `actor` and `action` are required.

    The parts may be dicts, and `timestamp` a `datetime` or text; without a time zone it is in UTC.

    Raises:
        pydantic.ValidationError: (a `ValueError`) a value is invalid; for an unknown action the message
            lists the valid ones.
    """

    hilt_version: str = HILT_VERSION
    event_id: _Name = Field(default_factory=_new_id)
    timestamp: Annotated[str, BeforeValidator(_in_utc)] = Field(default_factory=_now)
    session_id: _Name
    actor: Actor
    action: Action
    content: Content | None = None
    metrics: Metrics | None = None
    provenance: JsonObject | None = None
    privacy: Privacy | None = None
    integrity: JsonObject | None = None
    extensions: JsonObject | None = None

    def to_dict(self) -> JsonObject:
        """Return the event as JSON-able data, without absent fields."""
        return self.model_dump()

    def to_json(self) -> str:
        """Return the event as one line of JSON, without a newline."""
        return orjson.dumps(self.to_dict()).decode()

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """Return the event of a line of a log.

        More is valid here than in a new event, because other programs write logs too: an actor may have
        unknown keys, which are kept, and a name may be empty.

        Args:
            data: the parsed line; it is not changed.
        """
        return cls.model_validate(data, context=_FROM_LOG)

    @classmethod
    def from_json(cls, line: str | bytes) -> Self:
        """Return the event of a line of a log; raise `ValueError` if it is not JSON."""
        return cls.from_dict(orjson.loads(line))
