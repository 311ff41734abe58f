"""The HILT event as a validated object: for programs that write events themselves, and for readers.

The recorder writes plain dicts, because validation costs more than writing; a test holds what it
writes to these models. So `Event.from_dict(line).to_dict() == line` holds for every line of a log of ours.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

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

from . import clock
from .format import Action  # noqa: TC001  pydantic asks for it when it makes the models

if TYPE_CHECKING:
    from pydantic import SerializerFunctionWrapHandler

HILT_VERSION = "1.0.0"

_READING = object()  # the context in which a log is read: others may have written it


def _now() -> str:
    return clock.id_and_timestamp()[1]


def _new_id() -> str:
    return clock.id_and_timestamp()[0]


_SPELLED = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII).fullmatch


def _in_utc(value: object) -> str:
    """Return a moment the way the format spells it; one that names no time zone is in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError("a timestamp is a datetime, or text as in RFC 3339")  # noqa: TRY004  pydantic's way
    if isinstance(value, str) and _SPELLED(value):
        return value
    try:
        utc = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:  # in the first or the last hours of the calendar
        raise ValueError("a timestamp lies between the years 1 and 9999 in UTC") from None
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _not_empty(value: str, info: ValidationInfo) -> str:
    if not value and info.context is not _READING:
        raise ValueError("is empty")
    return value


_Name = Annotated[str, AfterValidator(_not_empty)]


class _Open(BaseModel):
    """A part of an event that keeps the keys it does not know."""

    model_config = ConfigDict(extra="allow")

    @model_serializer(mode="wrap")
    def _leave_out_absent(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Only our own fields: a null under a key that we do not know is somebody's fact, and stays.
        known = type(self).model_fields
        return {key: value for key, value in dump(self).items() if value is not None or key not in known}


class Actor(_Open):
    """Who spoke or acted. Takes no key beyond these: hilt-python refuses an actor that has more.

    An actor that is read from a log (`Event.from_dict`) keeps what it has: old logs name a `did`. A number
    as `id` becomes text.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    type: Literal["human", "agent", "tool", "system"]
    id: _Name
    name: str | None = None
    metadata: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_no_other_key(self, info: ValidationInfo) -> Self:
        if self.model_extra and info.context is not _READING:
            raise ValueError(
                f"an actor has type, id, name and metadata, and no {', '.join(self.model_extra)}"
            )
        return self


class Content(_Open):
    """What was said: in words, as messages (OpenTelemetry's GenAI shape), or as a hash of it.

    `images` and `metadata` are hilt-python's; we do not write them ourselves.
    """

    text: str | None = None
    messages: list[dict[str, Any]] | None = None
    media: list[dict[str, Any]] | None = None
    text_hash: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    text_encrypted: str | None = None
    images: list[Any] | None = None
    metadata: dict[str, Any] | None = None


class Metrics(_Open):
    """What was measured: milliseconds, tokens by kind, US dollars."""

    latency_ms: NonNegativeInt | None = None
    ttft_ms: NonNegativeInt | None = None
    tokens: dict[str, StrictInt] | None = None
    cost_usd: NonNegativeFloat | None = None


class Privacy(_Open):
    """What was found in the content and done about it."""

    pii_detected: list[Any] | None = None
    redaction_applied: bool | None = None
    consent: dict[str, Any] | None = None


class Event(_Open):
    """One event of a HILT log; only who, what and in which conversation must be said.

    The parts may be given as dicts, and `timestamp` as a `datetime` or as text. What names no time zone is
    in UTC.

    Raises:
        pydantic.ValidationError: (a `ValueError`) where a value is not what the format allows; for an
            unknown action its text names the known ones.
    """

    hilt_version: str = HILT_VERSION
    event_id: _Name = Field(default_factory=_new_id)
    timestamp: Annotated[str, BeforeValidator(_in_utc)] = Field(default_factory=_now)
    session_id: _Name
    actor: Actor
    action: Action
    content: Content | None = None
    metrics: Metrics | None = None
    provenance: dict[str, Any] | None = None
    privacy: Privacy | None = None
    integrity: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the event as JSON-able data; what is absent has no key."""
        return self.model_dump()

    def to_json(self) -> str:
        """Return the event as one line of JSON, without the line's end."""
        return orjson.dumps(self.to_dict()).decode()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the event that `data`, as it stands in a log, describes.

        More is read than may be written anew, because others write logs too: an actor may have keys that are
        not known, which are kept as everywhere, and a name may be empty. `data` is not changed.
        """
        return cls.model_validate(data, context=_READING)

    @classmethod
    def from_json(cls, line: str | bytes) -> Self:
        """Return the event that stands in a line of a log; text that is no JSON is a `ValueError`."""
        return cls.from_dict(orjson.loads(line))
