"""What the tests of LangChain share: models of our own, every way to call one, and a log in short."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import langchain_core
from langchain_core.language_models.chat_models import SimpleChatModel
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from tests.support.calling import Log

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = "What is a flight recorder?"
ANSWER = "A flight recorder keeps what happened, so that people can learn from it."
TELLS_CALL_IDS = not langchain_core.__version__.startswith("0.")  # where a tool starts, not only at its end
OWN = {"run_id", "parent_run_id", "name", "tags", "metadata"}


# --- models that the other SDKs serve


class Served(NamedTuple):
    """What is known of the models of a package."""

    model: Callable[[str], Any]  # makes one of a provider at this URL
    close: Callable[[Any], tuple[Callable[[], Any], ...]]
    oldest: int  # version with this SDK below
    sdk: str
    provider: str
    answers_as: str


def _anthropic(url):
    from langchain_anthropic import ChatAnthropic

    return ChatAnthropic(model="claude-haiku-4-5", api_key="x", base_url=url, max_retries=0)


def _google(url):
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(model="gemini-2.5-flash", api_key="x", base_url=url, max_retries=1)


OTHERS = {
    "langchain_anthropic": Served(
        _anthropic,
        lambda model: (model._client.close, model._async_client.close),
        0,
        "anthropic",
        "anthropic",
        "claude-haiku-4-5-20251001",
    ),
    "langchain_google_genai": Served(
        _google,
        lambda model: (model.client.close, model.client.aio.aclose),
        4,
        "google.genai",
        "gemini",
        "gemini-2.5-flash",
    ),
}


# --- models that no SDK serves


def fake(*responses, **options):
    """A chat model that gives these answers in turn."""
    return FakeListChatModel(responses=list(responses) or ["Hello there"], **options)


class Acting(SimpleChatModel):
    """A chat model that does as configured: it raises an exception, waits, or calls a function."""

    acts: Any

    @property
    def _llm_type(self):
        return "acting"

    def _call(self, messages, *_args, **_kwargs):
        return self.acts(messages)


class Waiting(Acting):
    """A chat model that is awaited for long."""

    acts: Any = None
    seconds: float = 30

    async def _agenerate(self, *_args, **_kwargs):
        await asyncio.sleep(self.seconds)


# --- every way to call a model


def words(message):
    """The words of a message, whose content may be a list of blocks."""
    blocks = [{"text": message.content}] if isinstance(message.content, str) else message.content
    return "".join(block.get("text", "") for block in blocks)


async def invoke(model, question, config):
    return words(model.invoke(question, config))


async def ainvoke(model, question, config):
    return words(await model.ainvoke(question, config))


async def stream(model, question, config):
    return "".join([words(chunk) for chunk in model.stream(question, config)])


async def astream(model, question, config):
    return "".join([words(chunk) async for chunk in model.astream(question, config)])


async def batch(model, question, config):
    return words(model.batch([question], config)[0])


async def abatch(model, question, config):
    return words((await model.abatch([question], config))[0])


async def gathered(model, question, config):
    return words((await asyncio.gather(model.ainvoke(question, config)))[0])


async def in_a_thread(model, question, config):
    return words(await asyncio.to_thread(model.invoke, question, config))


async def events(model, question, config):
    said = [event async for event in model.astream_events(question, config, version="v2")]
    return "".join(words(event["data"]["chunk"]) for event in said if event["event"].endswith("_stream"))


WAYS = {
    way.__name__: way
    for way in (invoke, ainvoke, stream, astream, batch, abatch, gathered, in_a_thread, events)
}
STREAMS = ("stream", "astream", "events")


# --- a log in short


class RunLog(Log):
    """A log; what changes from run to run can be left out of it."""

    def short(self):
        """Each event in a line: its action, its actor and its words."""
        return [
            " ".join((event["action"], event["actor"]["id"], event.get("content", {}).get("text", "-")))
            for event in self.events
            if event["action"] != "completion_chunk"
        ]

    def model_events(self):
        """The events that are not of chains."""
        return [line for line in self.short() if not line.startswith("system") or "failed" in line]

    def counts(self):
        """How many there are of each action, the pieces of streams and the boundaries of chains left out."""
        counts = Counter(self.actions)
        counts["boundaries"] = sum(event["actor"]["type"] == "system" for event in self.of("system"))
        return {action: counts[action] for action in ("prompt", "completion", "tool_call", "tool_result")}

    def runs(self, *actions):
        """The runs that events of these actions belong to."""
        return [event["provenance"].get("langchain") for event in self.of(*actions)]

    def sessions(self):
        return list(dict.fromkeys(event["session_id"] for event in self.events))

    def is_linked(self):
        """Whether every reply is one to an event that came before."""
        known = set()
        for event in self.events:
            reply_to = event.get("extensions", {}).get("reply_to")
            if reply_to is not None and reply_to not in known:
                return False
            known.add(event["event_id"])
        return True
