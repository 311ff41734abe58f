"""A chatbot behind an HTTP API, with every conversation in `logs/chatbot.hilt.jsonl`.

    pip install ".[api]"
    python examples/chatbot_api.py

and from another terminal

    curl localhost:8000/chat --json '{"message": "What is a flight recorder?"}'
    curl -N localhost:8000/chat/stream --json '{"message": "Count to 12."}'

A response has the name of its conversation; send the name with the next request to continue it. With
OPENAI_API_KEY in the environment it calls OpenAI, without it a local server (`offline_provider.py`). With
GOOGLE_SHEET_ID and GOOGLE_CREDENTIALS_PATH each event is also copied to that Google sheet, live: this needs
`pip install ".[sheets]"`.
"""

from __future__ import annotations

import argparse
import json
import os
from asyncio import Lock
from collections import OrderedDict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from offline_provider import OfflineProvider
from openai import APIError, AsyncOpenAI
from pydantic import BaseModel, Field

import hilt_autolog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOG = "logs/chatbot.hilt.jsonl"
MODEL = "gpt-4o-mini"
SYSTEM: Any = {"role": "system", "content": "You are brief and friendly."}
MAX_CONVERSATIONS = 1000  # the least recently used is dropped


class Question(BaseModel):
    """A user's message, and its conversation; without a name a new one begins."""

    message: Annotated[str, Field(min_length=1, max_length=10_000)]
    conversation: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$", default_factory=lambda: uuid4().hex[:12])]


class Answer(BaseModel):
    """The model's answer."""

    answer: str
    conversation: str


class Conversation:
    """The messages so far. The lock lets one question at a time be answered."""

    def __init__(self) -> None:
        self.messages: list[Any] = [SYSTEM]
        self.lock = Lock()

    def with_question(self, text: str) -> list[Any]:
        """Return the messages of a request with this question."""
        return [*self.messages, {"role": "user", "content": text}]

    def add_answer(self, messages: list[Any], text: str) -> None:
        """Store the messages of a request, and the answer to it."""
        self.messages = [*messages, {"role": "assistant", "content": text}]


class Chatbot:
    """Conversations with a model."""

    def __init__(self, client: AsyncOpenAI, model: str) -> None:
        self._client = client
        self._model = model
        self._conversations: OrderedDict[str, Conversation] = OrderedDict()

    async def answer(self, question: Question) -> Answer:
        """Return the answer to a question."""
        conversation = self._conversation(question.conversation)
        async with conversation.lock:
            messages = conversation.with_question(question.message)
            with hilt_autolog.conversation(question.conversation):
                completion = await self._client.chat.completions.create(model=self._model, messages=messages)
            text = completion.choices[0].message.content or ""
            conversation.add_answer(messages, text)
        return Answer(answer=text, conversation=question.conversation)

    async def stream_answer(self, question: Question) -> AsyncIterator[str]:
        """Yield an answer as it arrives; one that is not read to its end is not stored."""
        conversation = self._conversation(question.conversation)
        async with conversation.lock:
            messages, text = conversation.with_question(question.message), ""
            with hilt_autolog.conversation(question.conversation):
                stream = await self._client.chat.completions.create(
                    model=self._model, messages=messages, stream=True, stream_options={"include_usage": True}
                )
            async with stream:
                async for chunk in stream:
                    if piece := chunk.choices and chunk.choices[0].delta.content:
                        text += piece
                        yield piece
            conversation.add_answer(messages, text)

    def _conversation(self, name: str) -> Conversation:
        conversation = self._conversations[name] = self._conversations.pop(name, None) or Conversation()
        if len(self._conversations) > MAX_CONVERSATIONS:
            self._conversations.popitem(last=False)
        return conversation


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Record, and keep a client, as long as the server runs."""
    model = getattr(app.state, "model", MODEL)
    with hilt_autolog.enable(path=LOG, **sheet_settings()), OfflineProvider() as offline:
        key = os.environ.get("OPENAI_API_KEY")
        async with AsyncOpenAI() if key else AsyncOpenAI(api_key="-", base_url=offline.base_url) as client:
            app.state.chatbot = Chatbot(client, model)
            yield


def sheet_settings() -> dict[str, str]:
    """Return the setting for a copy of the log in a Google sheet, if there are an id and a key."""
    sheet = os.environ.get("GOOGLE_SHEET_ID")
    return {"sheets": sheet} if sheet and os.environ.get("GOOGLE_CREDENTIALS_PATH") else {}


app = FastAPI(title="A chatbot with a flight recorder", lifespan=lifespan)


@app.post("/chat")
async def chat(question: Question, request: Request) -> Answer:
    """Answer a question."""
    chatbot: Chatbot = request.app.state.chatbot
    return await chatbot.answer(question)


@app.post("/chat/stream")
async def chat_stream(question: Question, request: Request) -> StreamingResponse:
    """Answer a question piece by piece, as server-sent events: `delta`s, then `done`, or an `error`."""
    chatbot: Chatbot = request.app.state.chatbot
    return StreamingResponse(events(chatbot, question), media_type="text/event-stream")


async def events(chatbot: Chatbot, question: Question) -> AsyncIterator[str]:
    """Yield an answer as server-sent events."""
    yield event("conversation", question.conversation)
    try:
        async for piece in chatbot.stream_answer(question):
            yield event("delta", piece)
    except APIError as error:  # the status is sent already, so the error is an event
        yield event("error", error.message)
    else:
        yield event("done", "")


def event(kind: str, text: str) -> str:
    """Return a server-sent event; its data is JSON, because a line break in a text would end it."""
    return f"event: {kind}\ndata: {json.dumps(text)}\n\n"


@app.exception_handler(APIError)
async def unavailable(_: Request, error: APIError) -> JSONResponse:
    """Return an error response: the model did not answer."""
    return JSONResponse({"detail": f"the model did not answer: {error.message}"}, status_code=502)


def main() -> None:
    """Run the server until it is interrupted."""
    parser = argparse.ArgumentParser(description="A chatbot behind an HTTP API.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", default=MODEL)
    args = parser.parse_args()
    app.state.model = args.model
    uvicorn.run(app, host="127.0.0.1", port=args.port)


if __name__ == "__main__":
    main()
