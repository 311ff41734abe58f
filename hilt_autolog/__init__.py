"""The flight recorder for programs that use language models.

    import hilt_autolog
    hilt_autolog.enable()

records every call that this program makes through the SDKs of the model providers, in a log on its own disk:
`logs/<program>-<date>-<time>-<pid>.hilt.jsonl`. The names below are imported when they are first used.
"""

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost every program's start
if TYPE_CHECKING:
    from hilt_autolog.manual.records import record_feedback, record_retrieval, record_tool
    from hilt_autolog.manual.tool import tool
    from hilt_autolog.reading.reader import Log, messages_of, read
    from hilt_autolog.recording.context import conversation, tags, user
    from hilt_autolog.runtime.control import Recording, disable, enable, status
    from hilt_autolog.runtime.hilt_python_api import instrument, uninstrument
    from hilt_autolog.runtime.status import Status
    from hilt_autolog.session.session import Session

    from .errors import ConversionError, HILTError, SessionError
    from .event import Actor, Content, Event, Metrics, Privacy
    from .settings import Settings, SettingsError

__version__ = "0.2.0"

__all__ = [
    "Actor",
    "Content",
    "ConversionError",
    "Event",
    "HILTError",
    "Log",
    "Metrics",
    "Privacy",
    "Recording",
    "Session",
    "SessionError",
    "Settings",
    "SettingsError",
    "Status",
    "conversation",
    "disable",
    "enable",
    "instrument",
    "messages_of",
    "read",
    "record_feedback",
    "record_retrieval",
    "record_tool",
    "status",
    "tags",
    "tool",
    "uninstrument",
    "user",
]

_MODULES = {
    "errors": ("ConversionError", "HILTError", "SessionError"),
    "event": ("Actor", "Content", "Event", "Metrics", "Privacy"),
    "runtime.hilt_python_api": ("instrument", "uninstrument"),
    "reading.reader": ("Log", "messages_of", "read"),
    "session.session": ("Session",),
    "manual.records": ("record_feedback", "record_retrieval", "record_tool"),
    "manual.tool": ("tool",),
    "recording.context": ("conversation", "tags", "user"),
    "settings": ("Settings", "SettingsError"),
    "runtime.status": ("Status",),
    "runtime.control": ("Recording", "disable", "enable", "status"),
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    for module, names in _MODULES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
