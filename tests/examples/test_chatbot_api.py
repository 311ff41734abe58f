"""The chatbot behind an HTTP API, with a real server and a real HTTP client."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time

import httpx2
import pytest

from hilt_autolog.format import session_id_of
from hilt_autolog.reading.reader import read
from tests.support.example_runner import ROOT, environment

LOG = "logs/chatbot.hilt.jsonl"
TURN = ["prompt", "completion"]


@contextlib.contextmanager
def chatbot(folder, *options, **environ):
    """Run the server in a folder; give a client of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "examples" / "chatbot_api.py"), "--port", str(port), *options]
    server = subprocess.Popen(
        command, cwd=folder, env=environment(**environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_for(client, server)
            yield client
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)


def wait_for(client, server):
    for _ in range(600):
        assert server.poll() is None, server.stderr.read().decode()
        try:
            client.get("/docs")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not answer")


def call_events(log, conversation=None):
    """The events of a conversation; of all, without those of the process."""
    if conversation is not None:
        return [event for event in log if event["session_id"] == session_id_of(conversation)]
    return [event for event in log if event["actor"]["id"] != "hilt-autolog"]


def sse(response):
    """The server-sent events of a response: (kind, data)."""
    for block in response.read().decode().split("\n\n")[:-1]:
        kind, data = (line.partition(": ")[2] for line in block.split("\n"))
        yield kind, json.loads(data)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chatbot")
    with chatbot(folder) as client:
        yield folder, client


def test_a_conversation_goes_on_by_its_name(server):
    folder, client = server
    first = client.post("/chat", json={"message": "What is a flight recorder?"}).raise_for_status().json()
    second = client.post("/chat", json={"message": "Count to 3.", "conversation": first["conversation"]})
    assert second.json() == {"answer": "1 2 3", "conversation": first["conversation"]}
    log = read(folder / LOG)
    events = [
        event
        for event in call_events(log)
        if event["extensions"].get("conversation") == first["conversation"]
    ]
    assert [event["action"] for event in events] == TURN * 2
    assert len({event["session_id"] for event in events}) == 1
    assert [message["role"] for message in log.messages_of(events[-1])] == [
        "system", *("user", "assistant") * 2
    ]  # fmt: skip
    assert events[-1]["metrics"]["tokens"]["total"] > 0


def test_a_stream_comes_as_server_sent_events(server):
    folder, client = server
    question = {"message": "Count to 5.", "conversation": "streamed"}
    with client.stream("POST", "/chat/stream", json=question) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        kinds, data = zip(*sse(response), strict=True)
    assert (kinds[0], data[0], kinds[-1]) == ("conversation", "streamed", "done")
    assert "".join(data[1:-1]) == "1 2 3 4 5"
    again = client.post("/chat", json={"message": "Thank you.", "conversation": "streamed"})
    assert again.status_code == 200
    log = read(folder / LOG)
    events = call_events(log, "streamed")
    assert {event["action"] for event in events} == {"prompt", "completion_chunk", "completion"}
    assert len(log.messages_of(events[-1])) == 5


def test_who_stops_listening_leaves_a_partial_answer(server):
    folder, client = server
    question = {"message": "Count to 500.", "conversation": "left"}
    with client.stream("POST", "/chat/stream", json=question) as response:
        next(line for line in response.iter_lines() if line == "event: delta")
    ends = []
    for _ in range(200):
        ends = [
            event["extensions"].get("partial")
            for event in call_events(read(folder / LOG), "left")
            if event["action"] == "completion"
        ]
        if ends:
            break
        time.sleep(0.05)
    assert ends == [True]


@pytest.mark.parametrize(
    "question",
    [{}, {"message": ""}, {"message": "x" * 10_001}, {"message": "Hello", "conversation": "../../etc"}],
)
def test_a_question_that_is_none_is_refused(server, question):
    _, client = server
    assert client.post("/chat", json=question).status_code == 422


def test_a_provider_that_fails_is_reported_and_logged(tmp_path):
    with chatbot(tmp_path, "--model", "fail-400") as client:
        failed = client.post("/chat", json={"message": "Hello"})
        with client.stream("POST", "/chat/stream", json={"message": "Hello"}) as response:
            kinds = [kind for kind, _ in sse(response)]
    assert failed.status_code == 502
    assert failed.json()["detail"].startswith("the model did not answer: ")
    assert kinds == ["conversation", "error"]
    assert [event["action"] for event in call_events(read(tmp_path / LOG))] == ["prompt", "system"] * 2
