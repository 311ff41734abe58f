"""The `with` blocks by which a program sets the conversation, the tags and the user of its calls."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from hilt_autolog.format import session_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.types import Extensions

_T = TypeVar("_T")

current_conversation: ContextVar[str | None] = ContextVar("hilt_conversation", default=None)
current_tags: ContextVar[tuple[str, ...]] = ContextVar("hilt_tags", default=())
current_user: ContextVar[str | None] = ContextVar("hilt_user", default=None)


@contextlib.contextmanager
def conversation(name: str) -> Iterator[str]:
    """Put the calls made inside of the `with` block into one conversation.

    Args:
        name: the program's own id ("ticket-42", a user's session); kept in `extensions.conversation`.

    Yields:
        The session id of its events.
    """
    with _set(current_conversation, name):
        yield session_id_of(name)


@contextlib.contextmanager
def tags(*labels: str) -> Iterator[None]:
    """Label the events of the calls made inside of the `with` block, or of a plain function decorated by it.

    The tags of nested blocks and of the setting `tags` are combined.

    Args:
        *labels: kept in `extensions.tags`.
    """
    with _set(current_tags, (*current_tags.get(), *labels)):
        yield


@contextlib.contextmanager
def user(name: str | None) -> Iterator[None]:
    """Name the person on whose behalf the calls inside of the `with` block are made.

    The innermost block applies. (The setting `user` is something else: the id of the human actor in prompts.)

    Args:
        name: the program's own id of the person; kept in `extensions.user`. None, or an empty text: nobody.
            An id that is no text, such as a number, becomes one.
    """
    with _set(current_user, None if name is None else str(name).strip() or None):
        yield


def context_extensions(conversation_name: str | None, default_tags: list[str]) -> Extensions:
    """Return the extensions that `with` blocks and settings give to every event that is recorded here.

    Args:
        conversation_name: the plain id of the conversation, if it has one.
        default_tags: the tags of every event.

    Returns:
        `conversation`, `tags` and `user`, each only if there is one.
    """
    extensions: Extensions = {}
    if conversation_name is not None:
        extensions["conversation"] = conversation_name
    labels = current_tags.get()
    if labels or default_tags:
        extensions["tags"] = list(dict.fromkeys((*default_tags, *labels))) if labels else default_tags
    name = current_user.get()
    if name is not None:
        extensions["user"] = name
    return extensions


@contextlib.contextmanager
def _set(variable: ContextVar[_T], value: _T) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        # A generator may be closed in another context than the one in which it was started.
        with contextlib.suppress(ValueError):
            variable.reset(token)
