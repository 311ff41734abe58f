from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest
from offline_provider import OfflineProvider

HELLO = "Hello! I run on your own machine. Ask me anything: I cost nothing."


@pytest.fixture(scope="module")
def client(provider):
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        yield client


def user(text):
    return {"role": "user", "content": text}


def ask(client, text="Hello", model="gpt-4o", **more):
    return client.chat.completions.create(model=model, messages=[user(text)], **more)


# --- ways of calling


def test_async_calls_at_the_same_time(provider):
    async def talk():
        async with openai.AsyncOpenAI(api_key="x", base_url=provider.base_url) as client:
            calls = (ask(client, f"count to {n}") for n in range(1, 21))
            answers = await asyncio.gather(*calls)
            stream = await ask(client, "count to 3", stream=True)
            streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return [len(answer.choices[0].message.content.split()) for answer in answers], "".join(streamed)

    assert asyncio.run(talk()) == ([*range(1, 21)], "1 2 3")


def test_threads_at_the_same_time(client):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: ask(client, f"count to {n}"), range(1, 51)))
    assert [len(answer.choices[0].message.content.split()) for answer in answers] == [*range(1, 51)]
    assert len({answer.id for answer in answers}) == 50


def test_raw_and_streaming_responses(client):
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=[user("Hello")])
    assert raw.headers["x-ratelimit-limit-requests"] == "10000"
    assert raw.headers["openai-processing-ms"]
    assert raw.headers["x-request-id"] == raw.request_id
    assert raw.parse().choices[0].message.content == HELLO
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4o", messages=[user("Hello")], stream=True
    ) as response:
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all(line.startswith("data: ") for line in lines)


def test_azure(provider):
    with openai.AzureOpenAI(azure_endpoint=provider.url, api_key="x", api_version="2024-10-21") as client:
        assert ask(client, model="my-deployment").choices[0].message.content == HELLO
        seen = provider.requests[-1]
    assert seen.path == "/openai/deployments/my-deployment/chat/completions"
    assert seen.query == {"api-version": "2024-10-21"}


# --- the server


def test_requests_are_kept_for_tests_to_look_at(client, provider):
    ask(client, "Look at me", temperature=0.5, extra_headers={"x-mine": "1"})
    seen = provider.requests[-1]
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.body == {"model": "gpt-4o", "messages": [user("Look at me")], "temperature": 0.5}
    assert seen.headers["X-Mine"] == "1"


def test_one_connection_carries_many_requests(provider):
    connection = http.client.HTTPConnection(provider.url.removeprefix("http://"))
    bodies = (
        json.dumps({"model": "m", "messages": [user(f"count to {n}")], "stream": n % 2}) for n in range(1, 5)
    )
    for body in bodies:
        connection.request(
            "POST", "/v1/chat/completions", iter([body[:9].encode(), body[9:].encode()]), encode_chunked=True
        )
        socket = connection.sock
        with connection.getresponse() as response:
            assert response.status == 200
            response.read()
        assert connection.sock is socket
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/chat/completions", b'{"model": "m"}', 400),
        ("POST", "/v1/chat/completions", b"not json", 400),
        ("POST", "/v1/nonsense", b"{}", 404),
        ("GET", "/v1/chat/completions", b"", 404),
    ],
)
def test_a_wrong_request_gets_an_error_of_the_wire_format(provider, method, path, body, status):
    connection = http.client.HTTPConnection(provider.url.removeprefix("http://"))
    connection.request(method, path, body)
    with connection.getresponse() as response:
        assert response.status == status
        assert json.loads(response.read())["error"]["type"] == "invalid_request_error"
    connection.close()


def test_pauses_stretch_a_stream():
    with OfflineProvider(pause=0.01) as slow, openai.OpenAI(api_key="x", base_url=slow.base_url) as client:
        stream = ask(client, "count to 10", stream=True)
        created = [chunk.created for chunk in stream]
        assert len(created) == 12
        assert stream.response.elapsed.total_seconds() >= 0.1 + 0.05


def test_leaving_the_provider_does_not_wait_for_slow_answers():
    with (
        OfflineProvider(slow=60) as slow,
        openai.OpenAI(api_key="x", base_url=slow.base_url, max_retries=0, timeout=0.05) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        ask(client, model="fail-slow")


def test_as_a_program():
    script = Path(sys.modules["offline_provider"].__file__)
    running = subprocess.Popen(
        [sys.executable, "-W", "error", script, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        address = running.stdout.readline().split()[-1]
        with openai.OpenAI(api_key="x", base_url=address) as client:
            assert ask(client, "hi", stream=False).choices[0].message.content == HELLO
    finally:
        running.terminate()
        running.communicate()
    listing = subprocess.run(
        [sys.executable, "-W", "error", script, "--faults"], capture_output=True, text=True, check=True
    )
    assert "fail-429" in listing.stdout
    assert "malformed" in listing.stdout
