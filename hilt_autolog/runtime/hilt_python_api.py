"""`instrument()` and `uninstrument()`: automatic recording with the arguments of hilt-python."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from hilt_autolog.log.file_names import app_name
from hilt_autolog.session.session import Session

from . import control

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

# A provider's name -> the modules of its SDKs. The name of a module is accepted as well.
_SDKS = {
    "gemini": ("google.genai", "google.generativeai"),
    "google": ("google.genai", "google.generativeai"),
    "claude": ("anthropic",),
    "langchain": ("langchain_core",),
}


def instrument(  # noqa: PLR0913, PLR0917  the signature of hilt-python
    backend: str | None = None,
    filepath: str | os.PathLike[str] | None = None,
    sheet_id: str | None = None,
    credentials_path: str | os.PathLike[str] | None = None,
    credentials_json: Mapping[str, Any] | str | None = None,
    worksheet_name: str | None = None,
    columns: Sequence[str] | None = None,
    providers: Sequence[str] | None = None,
) -> Session:
    """Record every call to a model that this process makes from now on, into a session.

    Like `enable(session=Session(...), providers=...)`, but a recording that was enabled before is replaced.

    Args:
        backend: "local", which is the default, or another backend of `Session`.
        filepath: the log; `logs/<program>.hilt.jsonl` by default.
        sheet_id: the spreadsheet of backend "sheets"; see `Session` for this and the next three arguments.
        credentials_path: the file with the key of a service account.
        credentials_json: the key itself.
        worksheet_name: the worksheet.
        columns: keep only these HILT columns of each event.
        providers: the providers to record ("openai", "anthropic", "gemini", "langchain", or an SDK by its
            module); all by default.

    Returns:
        The session, open. `uninstrument()`, or the end of the process, closes it.

    Raises:
        ValueError: an argument is invalid.
        SettingsError: a provider is unknown; this is a `ValueError`, too.
        OSError: the file cannot be opened or created.
    """
    options: dict[str, Any] = {
        "sheet_id": sheet_id,
        "credentials_path": credentials_path,
        "credentials_json": credentials_json,
        "worksheet_name": worksheet_name,
    }
    if filepath is None and backend in (None, "local"):
        filepath = f"logs/{app_name()}.hilt.jsonl"
    options = {name: value for name, value in options.items() if value is not None}
    session = Session(filepath=filepath, backend=backend, columns=columns, **options)
    sdks = [sdk for name in providers or () for sdk in _SDKS.get(name, (name,))]
    control.disable()
    session.open()
    atexit.register(session.close)  # runs after the open calls have been ended, by `control`
    try:
        control.enable(session=session, providers=sdks)
    except BaseException:
        _close(session)
        raise
    return session


def uninstrument() -> None:
    """Stop recording, and close the session that `instrument()` opened."""
    session = control.session()
    control.disable()
    if isinstance(session, Session):
        _close(session)


def _close(session: Session) -> None:
    atexit.unregister(session.close)
    session.close()
