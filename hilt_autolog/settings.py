"""The table `[tool.hilt]` of the project that a program is started in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path


def find_project_table(folder: str) -> tuple[Path | None, dict[str, object], list[str]]:
    """Return the nearest pyproject.toml, its `[tool.hilt]`, and a complaint if it cannot be read.

    Args:
        folder: where the search begins; it goes upwards.
    """
    from pathlib import Path

    here = Path(folder).absolute()
    files = (place / "pyproject.toml" for place in (here, *here.parents))
    file = next((file for file in files if os.path.isfile(file)), None)
    try:
        return file, _table(file.read_bytes()) if file else {}, []
    except (OSError, ValueError, RecursionError) as error:
        return file, {}, [f"hilt: {file}: {error} (ignored)"]


def _table(toml: bytes) -> dict[str, object]:
    if b"tool.hilt" not in toml:
        return {}
    import tomllib  # 10 ms: only for those who use it

    tool = tomllib.loads(toml.decode()).get("tool")
    table = tool.get("hilt") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}


_SWITCHES = ("HILT_AUTOLOG", "HILT_RUN_LOGS")  # read by the start-up file; handed by hilt-run to its children
_ON = ("1", "true", "yes", "on")
_OFF = ("0", "false", "no", "off")


class SettingsError(ValueError):
    """An unknown setting, or a value that it cannot take; the message names the valid ones."""


class Settings(NamedTuple):
    """What a recording follows. The table `SETTINGS` says what each field means."""

    path: str
    chunks: str
    content: str
    media: str
    providers: tuple[str, ...]
    conversation: str | None
    user: str
    tags: tuple[str, ...]
    argv: str
    sheets: str | None
    strict: bool


class Setting(NamedTuple):
    """A row of the table.

    Attributes:
        name: the argument of `enable()`, the key in `[tool.hilt]` and the option of hilt-run.
        variable: the environment variable.
        default: the setting when nobody says anything.
        read: takes what was given and `valid`, returns the setting; a `ValueError` says what is wrong.
        valid: what the value, or each part of it, may be; anything, if empty.
        meaning: a line for people.
    """

    name: str
    variable: str
    default: Any
    read: Callable[[object, tuple[str, ...]], Any]
    valid: tuple[str, ...]
    meaning: str


def load(
    arguments: Mapping[str, object], environ: Mapping[str, str], folder: str, sdks: Iterable[str] = ()
) -> tuple[Settings, list[str]]:
    """Read the settings: an argument wins over a variable, and that over the nearest pyproject.toml.

    `None` and blank text count as not given.

    Args:
        arguments: what the program gave to `enable()`, by name.
        environ: the environment.
        folder: where the search for pyproject.toml begins; it goes upwards.
        sdks: what `providers` may name; anything, if empty.

    Returns:
        The settings; and a line for stderr about each thing in pyproject.toml or in the environment that
        is left out because it is not understood.

    Raises:
        SettingsError: an argument has an unknown name or value.
    """
    rows = _rows(sdks)
    variables = {row.variable: row for row in rows.values()}
    given = {key: environ[key] for key in sorted(environ) if key.startswith("HILT_") and key not in _SWITCHES}
    file, table, complaints = find_project_table(folder)

    values = {name: row.default for name, row in rows.items()}
    values |= _parse_all(rows, table, f"hilt: {file}: ", complaints)
    values |= _parse_all(variables, given, "hilt: ", complaints)
    return override(Settings(**values), arguments, sdks), complaints


def override(settings: Settings, arguments: Mapping[str, object], sdks: Iterable[str] = ()) -> Settings:
    """Return the settings as arguments of `enable()` change them; the others stay as they are.

    Raises:
        SettingsError: an argument has an unknown name or value.
    """
    rows = _rows(sdks)
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        values |= parse_setting(rows, name, value)
    return settings._replace(**values)


def _rows(sdks: Iterable[str]) -> dict[str, Setting]:
    """Return the table by the settings' names, with what `providers` may name."""
    rows = {row.name: row for row in SETTINGS}
    rows["providers"] = rows["providers"]._replace(valid=tuple(sorted(sdks)))
    return rows


def parse_setting(rows: Mapping[str, Setting], key: str, value: object) -> dict[str, Any]:
    """Read one setting.

    Args:
        rows: the settings, by the keys that are used where `key` was found.
        key: what the setting is called there.
        value: what was given for it.

    Returns:
        The setting by its name, or nothing if nothing was given.

    Raises:
        SettingsError: there is no such setting, or it cannot have this value.
    """
    if key not in rows:
        raise SettingsError(f"unknown setting {key}: not {_one_of(tuple(rows), key)}")
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    try:
        return {rows[key].name: rows[key].read(value, rows[key].valid)}
    except ValueError as error:
        raise SettingsError(f"{key}={value!r}: {error}") from None


def _parse_all(
    rows: Mapping[str, Setting], given: Mapping[str, object], origin: str, complaints: list[str]
) -> dict[str, Any]:
    """Return the settings that can be read; complain about each other one."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        try:
            values |= parse_setting(rows, key, value)
        except SettingsError as error:
            complaints.append(f"{origin}{error} (ignored)")
    return values


def _one_of(valid: tuple[str, ...], word: str) -> str:
    """Name the valid words, and the one that was meant if there is a likely one."""
    from difflib import get_close_matches

    meant = get_close_matches(word, valid, n=1)
    return f"one of {', '.join(valid)}" + (f" (did you mean {meant[0]}?)" if meant else "")


def _text(value: object, _valid: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004  one kind of error for every wrong value
    return value.strip()


def _choice(value: object, valid: tuple[str, ...]) -> str:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in valid:
        raise ValueError(f"not {_one_of(valid, word)}")
    return word


def _flag(value: object, _valid: tuple[str, ...]) -> bool:
    return value if isinstance(value, bool) else _choice(value, _ON + _OFF) in _ON


def _list(value: object, valid: tuple[str, ...]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        raise ValueError("not a list, nor words with commas between")  # noqa: TRY004  as above
    words = tuple(filter(None, (_text(part, ()) for part in parts)))
    for word in words:
        if valid and word not in valid:
            raise ValueError(f"{word!r} is not {_one_of(valid, word)}")
    return words


def _path(value: object, valid: tuple[str, ...]) -> str:
    """Check the fields of the template, so that the writer can rely on them."""
    path = _text(os.fspath(value) if isinstance(value, os.PathLike) else value, ())
    for field in path.split("{")[1:]:
        name, closed, _ = field.partition("}")
        if not closed or name not in valid:
            raise ValueError(f"the field {{{name}}} is not {_one_of(valid, name)}")
    return path


SETTINGS = (
    Setting(
        "path",
        "HILT_PATH",
        "logs/{app}-{date}-{time}-{pid}.hilt.jsonl",
        _path,
        ("app", "date", "time", "host", "pid", "session"),
        "the log; {app} {date} {time} {host} {pid} {session} are filled in",
    ),
    Setting(
        "chunks",
        "HILT_CHUNKS",
        "each",
        _choice,
        ("each", "merged", "off"),
        "the deltas of a stream: each, merged (for up to 100 ms) or off",
    ),
    Setting(
        "content",
        "HILT_CONTENT",
        "full",
        _choice,
        ("full", "hash", "none"),
        "what is kept of texts: full, hash (SHA-256) or none",
    ),
    Setting(
        "media",
        "HILT_MEDIA",
        "describe",
        _choice,
        ("describe", "store"),
        "inline images and files: describe (size, hash) or store beside the log",
    ),
    Setting(
        "providers", "HILT_PROVIDERS", (), _list, (), "the SDKs to record, by module; all, if none is named"
    ),
    Setting("conversation", "HILT_SESSION", None, _text, (), "the conversation that every event belongs to"),
    Setting("user", "HILT_USER", "user", _text, (), "the human actor of prompts"),
    Setting("tags", "HILT_TAGS", (), _list, (), "tags of every event"),
    Setting(
        "argv",
        "HILT_ARGV",
        "program",
        _choice,
        ("program", "full"),
        "what the log keeps of the command line: program or full",
    ),
    Setting("sheets", "HILT_SHEETS_ID", None, _text, (), "the Google spreadsheet that gets a live copy"),
    Setting("strict", "HILT_STRICT", False, _flag, (), "raise our own errors (for tests): true or false"),
)
"""The table. What `providers` may name is filled in by `load()`."""
