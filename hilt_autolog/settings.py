"""The settings of a recording, from arguments of `enable()`, environment variables and pyproject.toml."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path


# Variables that are no settings: the start-up file reads the one, hilt-run sets the other for its children.
_OTHER_VARIABLES = ("HILT_AUTOLOG", "HILT_RUN_LOGS")
_ON = ("1", "true", "yes", "on")
_OFF = ("0", "false", "no", "off")


class SettingsError(ValueError):
    """An unknown setting or an invalid value; the message names the valid ones."""


class Settings(NamedTuple):
    """The settings of a recording. The table `SETTINGS` explains each field."""

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
    """A row of the table `SETTINGS`.

    Attributes:
        name: the argument of `enable()`, the key in `[tool.hilt]` and the option of hilt-run.
        variable: the environment variable.
        default: the value if no source has one.
        parse: takes a raw value and `valid`, returns the parsed value; raises `ValueError` with the reason.
        valid: the words that are valid as the value or a part of it; empty: any.
        meaning: one line of help.
    """

    name: str
    variable: str
    default: object
    parse: Callable[[object, tuple[str, ...]], object]
    valid: tuple[str, ...]
    meaning: str


def load(
    arguments: Mapping[str, object], environ: Mapping[str, str], folder: str, sdks: Iterable[str] = ()
) -> tuple[Settings, list[str]]:
    """Read the settings: an argument wins over a variable, and that over the nearest pyproject.toml.

    `None` and blank text count as absent.

    Args:
        arguments: the arguments of `enable()`, by name.
        environ: the environment variables.
        folder: the first directory to search for pyproject.toml, then its parents.
        sdks: the valid values of `providers`; empty: any.

    Returns:
        The settings; and a line for stderr about each invalid item of pyproject.toml or the environment,
        which is ignored.

    Raises:
        SettingsError: an argument has an unknown name or an invalid value.
    """
    rows = _rows(sdks)
    variables = {row.variable: row for row in rows.values()}
    keys = sorted(key for key in environ if key.startswith("HILT_") and key not in _OTHER_VARIABLES)
    file, table, problems = find_project_table(folder)

    values: dict[str, Any] = {name: row.default for name, row in rows.items()}
    values |= _parse_all(rows, table, f"hilt: {file}: ", problems)
    values |= _parse_all(variables, {key: environ[key] for key in keys}, "hilt: ", problems)
    return override(Settings(**values), arguments, sdks), problems


def override(settings: Settings, arguments: Mapping[str, object], sdks: Iterable[str] = ()) -> Settings:
    """Return `settings` with the arguments of `enable()` in place of their values.

    Raises:
        SettingsError: an argument has an unknown name or an invalid value.
    """
    rows = _rows(sdks)
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        values |= parse_setting(rows, name, value)
    return settings._replace(**values)


def _rows(sdks: Iterable[str]) -> dict[str, Setting]:
    """Return the table by the settings' names, with the valid values of `providers`."""
    rows = {row.name: row for row in SETTINGS}
    rows["providers"] = rows["providers"]._replace(valid=tuple(sorted(sdks)))
    return rows


def parse_setting(rows: Mapping[str, Setting], key: str, value: object) -> dict[str, object]:
    """Parse one setting.

    Args:
        rows: the table by the keys of the source: names, variables or options.
        key: the key of the setting.
        value: its raw value.

    Returns:
        The setting's name and value; empty if the value is absent.

    Raises:
        SettingsError: the key is unknown, or the value is invalid.
    """
    if key not in rows:
        raise SettingsError(f"unknown setting {key}: not {_one_of(tuple(rows), key)}")
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    try:
        return {rows[key].name: rows[key].parse(value, rows[key].valid)}
    except ValueError as error:
        raise SettingsError(f"{key}={value!r}: {error}") from None


def _parse_all(
    rows: Mapping[str, Setting], source: Mapping[str, object], prefix: str, problems: list[str]
) -> dict[str, object]:
    """Return the valid settings of a source; append a line to `problems` for each invalid one."""
    values: dict[str, object] = {}
    for key, value in source.items():
        try:
            values |= parse_setting(rows, key, value)
        except SettingsError as error:
            problems.append(f"{prefix}{error} (ignored)")
    return values


def find_project_table(folder: str) -> tuple[Path | None, dict[str, object], list[str]]:
    """Read the table `[tool.hilt]` of the nearest pyproject.toml.

    Args:
        folder: the first directory to search, then its parents.

    Returns:
        The file (None: there is none); its table; and a line for stderr if the file cannot be read.
    """
    from pathlib import Path

    start = Path(folder).absolute()
    paths = (parent / "pyproject.toml" for parent in (start, *start.parents))
    path = next((path for path in paths if os.path.isfile(path)), None)
    try:
        return path, _parse_table(path.read_bytes()) if path else {}, []
    except (OSError, ValueError, RecursionError) as error:
        return path, {}, [f"hilt: {path}: {error} (ignored)"]


def _parse_table(toml: bytes) -> dict[str, object]:
    if b"tool.hilt" not in toml:  # spares most programs the import of tomllib, 10 ms
        return {}
    import tomllib

    tool = tomllib.loads(toml.decode()).get("tool")
    table = tool.get("hilt") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}


def _one_of(valid: tuple[str, ...], word: str) -> str:
    """Return a phrase with the valid words, and the one that was probably meant."""
    from hilt_autolog.suggestions import did_you_mean

    return f"one of {', '.join(valid)}{did_you_mean([word], valid)}"


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
    """Check the fields of the template: the writer relies on them."""
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
"""The table of settings. `load()` fills in the valid values of `providers`."""
