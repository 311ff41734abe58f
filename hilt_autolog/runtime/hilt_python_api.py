"""`instrument()` and `uninstrument()`: automatic capture by the arguments that hilt-python's users know."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from hilt_autolog.log.file_names import app_name
from hilt_autolog.session.session import Session

from . import control

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

# What a provider is called -> the SDKs by which it is reached, by module. Any module's name will do as well.
_SDKS = {
    "gemini": ("google.genai", "google.generativeai"),
    "google": ("google.genai", "google.generativeai"),
    "claude": ("anthropic",),
    "langchain": ("langchain_core",),
}


def instrument(  # noqa: PLR0913, PLR0917  hilt-python's, so that its users need not change a call
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

    It is `enable(session=Session(...), providers=...)`; what was recorded elsewhere before is so no more.

    Args:
        backend: "local", which is the default, or another backend of `Session`.
        filepath: the log; `logs/<program>.hilt.jsonl`, if none is given.
        sheet_id: of backend "sheets", as `Session` takes it, and so are the next three.
        credentials_path: where the key of a service account is.
        credentials_json: the key itself.
        worksheet_name: the worksheet.
        columns: keep only these HILT columns of each event.
        providers: the providers to record ("openai", "anthropic", "gemini", "langchain", or an SDK by its
            module); all, if none is named.

    Returns:
        The session, opened. `uninstrument()`, or the end of the process, closes it.

    Raises:
        ValueError: an argument is not understood.
        SettingsError: a provider is not known; it is a ValueError, too.
        OSError: the file cannot be opened or made.
    """
    given = {
        "sheet_id": sheet_id,
        "credentials_path": credentials_path,
        "credentials_json": credentials_json,
        "worksheet_name": worksheet_name,
    }
    if filepath is None and backend in (None, "local"):
        filepath = f"logs/{app_name()}.hilt.jsonl"
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    session = Session(filepath=filepath, backend=backend, columns=columns, **chosen)
    named = [sdk for name in providers or () for sdk in _SDKS.get(name, (name,))]
    control.disable()
    session.open()
    atexit.register(session.close)  # runs after what is still open has been written
    try:
        control.enable(session=session, providers=named)
    except BaseException:
        _close(session)
        raise
    return session


def uninstrument() -> None:
    """Stop recording, and close the session that `instrument()` has opened."""
    session = control.session()
    control.disable()
    if isinstance(session, Session):
        _close(session)


def _close(session: Session) -> None:
    atexit.unregister(session.close)
    session.close()
