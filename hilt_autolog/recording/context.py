"""What a program says around its calls, in `with` blocks: their conversation, and their tags."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

from hilt_autolog.format import session_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conversations import ConversationPosition

current_conversation: ContextVar[str | None] = ContextVar("hilt_conversation", default=None)
current_position: ContextVar[ConversationPosition | None] = ContextVar(
    "hilt_here", default=None
)  # where the latest call stands
current_tags: ContextVar[tuple[str, ...]] = ContextVar("hilt_tags", default=())


@contextlib.contextmanager
def conversation(name: str) -> Iterator[str]:
    """Put the calls made inside of the `with` block into one conversation.

    Args:
        name: the program's own id ("ticket-42", a user's session); kept in `extensions.conversation`.

    Yields:
        The session id of its events.
    """
    token = current_conversation.set(name)
    try:
        yield session_id_of(name)
    finally:
        # A generator may be closed in another context than the one that it began in.
        with contextlib.suppress(ValueError):
            current_conversation.reset(token)


@contextlib.contextmanager
def tags(*words: str) -> Iterator[None]:
    """Label the events of the calls made inside of the `with` block, or of a plain function decorated by it.

    Blocks inside of one another add up, and all add to the setting `tags`.

    Args:
        *words: the labels; they are kept in `extensions.tags`.
    """
    token = current_tags.set((*current_tags.get(), *words))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # as above
            current_tags.reset(token)


def tags_with(always: list[str]) -> list[str]:
    """Return the tags of what is begun here; `always` are those of every event."""
    current_position = current_tags.get()
    return list(dict.fromkeys((*always, *current_position))) if current_position else always
