"""The flight recorder for programs that use language models.

    import hilt_autolog
    hilt_autolog.enable()

and every call that this program makes through the SDKs of the model providers stands in a log on its own
disk: `logs/<program>-<date>-<time>-<pid>.hilt.jsonl`. Everything here is loaded when it is first used.
"""

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost every program's start
if TYPE_CHECKING:
    from .errors import ConversionError, HILTError, SessionError
    from .event import Actor, Content, Event, Metrics, Privacy
    from .instrumentation import instrument, uninstrument
    from .io.reader import Log, messages_of, read
    from .io.session import Session
    from .manual.records import record_feedback, record_retrieval, record_tool
    from .manual.tool import tool
    from .recording.context import conversation, tags
    from .settings import Settings, SettingsError
    from .standing import Status
    from .switch import Recording, disable, enable, status

__version__ = "0.1.0"

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
]

_HOMES = {
    "errors": ("ConversionError", "HILTError", "SessionError"),
    "event": ("Actor", "Content", "Event", "Metrics", "Privacy"),
    "instrumentation": ("instrument", "uninstrument"),
    "io.reader": ("Log", "messages_of", "read"),
    "io.session": ("Session",),
    "manual.records": ("record_feedback", "record_retrieval", "record_tool"),
    "manual.tool": ("tool",),
    "recording.context": ("conversation", "tags"),
    "settings": ("Settings", "SettingsError"),
    "standing": ("Status",),
    "switch": ("Recording", "disable", "enable", "status"),
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
