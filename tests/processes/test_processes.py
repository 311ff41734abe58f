"""However a process ends, its calls are in its log, and it prints what it prints without us."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from tests.support.calling import Log

ROOT = Path(__file__).parents[2]
PRELUDE = """
import asyncio, ctypes, gc, os, signal, sys, threading
import openai
from tests.support.in_process import client_over, response
from offline.wire import frame

def said(text):
    return {"id": "c_1", "choices": [{"index": 0, "delta": {"content": text}}]}

def answer(request):
    if b'"stream"' in request.content:
        return response([*(frame(said(f"{n} ")) for n in range(20)), frame("[DONE]")])
    message = {"role": "assistant", "content": "Hi"}
    return response({"id": "c_1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

client = client_over(answer)
def ask(client=client, **more):
    messages = [{"role": "user", "content": "Hello"}]
    return client.chat.completions.create(model="m", messages=messages, **more)

if len(sys.argv) > 1:
    import hilt_autolog
    hilt_autolog.enable(path=sys.argv[1])
"""
CALLS = "for _ in range(1000): ask()\n"


def start(script, *arguments, options=("-X", "faulthandler=0")):
    """Start a program in the background."""
    paths = [ROOT, ROOT / "examples"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HILT_")}
    environ = kept | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, *options, "-c", PRELUDE + textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ)


# the end of a program: how the process ends
ENDINGS = {
    "the end": ("", 0),
    "an exception": ("raise ValueError", 1),
    "sys.exit in a thread": ("thread = threading.Thread(target=sys.exit); thread.start(); thread.join()", 0),
    "os._exit": ("os._exit(4)", 4),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -15),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -9),
    "a crash": ("ctypes.string_at(0)", -11),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Every ending, of processes that ran side by side: (exit code, log)."""
    folder = tmp_path_factory.mktemp("ended")
    running = {name: start(CALLS + end, folder / f"{name}.hilt.jsonl") for name, (end, _) in ENDINGS.items()}
    ended = {}
    for name, process in running.items():
        process.communicate(timeout=120)
        ended[name] = process.returncode, folder / f"{name}.hilt.jsonl"
    return ended


@pytest.mark.parametrize("name", ENDINGS)
def test_a_thousand_calls_of_a_thousand(ended, name):
    code, path = ended[name]
    assert code == ENDINGS[name][1]
    log = Log(path)
    assert log.actions == ["prompt", "completion"] * 1000
    assert log.read.problems == []


def test_a_forked_child_continues_in_its_own_file(tmp_path):
    script = """
        for _ in range(100): ask()
        stream = ask(stream=True)
        next(stream)
        child = os.fork()
        for _ in range(100): ask()
        del stream
        gc.collect()
        if child:
            os.waitpid(child, 0)
    """
    process = start(script, tmp_path / "{pid}.hilt.jsonl")
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, b"")
    logs = {path.stem: Log(path) for path in tmp_path.glob("*.jsonl")}
    parent = logs.pop(f"{process.pid}.hilt")
    [child] = logs.values()
    assert Counter(child.actions) == {"prompt": 100, "completion": 100}
    assert Counter(parent.actions) == {"prompt": 201, "completion": 201, "completion_chunk": 1}
    assert parent.of("completion")[-1]["extensions"]["ended"] == "dropped"
    ids = [event["event_id"] for log in (child, parent) for event in log.all]
    assert len(set(ids)) == len(ids)


def test_a_forked_child_has_no_errors_of_its_parent(tmp_path):
    script = """
        from hilt_autolog.internal_errors import internal_errors
        from hilt_autolog.runtime import control
        os.environ.pop("HILT_STRICT", None)
        ask()
        try:
            raise KeyError("ours")
        except KeyError as error:
            internal_errors.note(error)
        with control._state.lock:  # as another thread may hold it
            child = os.fork()
        if child:
            os.waitpid(child, 0)
        else:
            hilt_autolog.enable(user="child")
        ask()
    """
    process = start(script, tmp_path / "{pid}.hilt.jsonl")
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, b"")
    failed = {path.stem: Log(path).all[-1]["extensions"]["failed"] for path in tmp_path.glob("*.jsonl")}
    assert failed.pop(f"{process.pid}.hilt") == 1
    assert [*failed.values()] == [0]


def test_a_stream_that_is_killed_half_way(tmp_path):
    script = """
        for heard, _ in enumerate(ask(stream=True), 1):
            if heard == 10:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "log.hilt.jsonl"
    start(script, path).communicate(timeout=60)
    log = Log(path)
    assert log.actions == ["prompt", *["completion_chunk"] * 10]
    assert [chunk["content"]["text"] for chunk in log.of("completion_chunk")] == [f"{n} " for n in range(10)]


OPEN = {
    "a stream": "stream = ask(stream=True); next(stream)",
    "a raw stream": """
        create = client.chat.completions.with_raw_response.create
        raw = create(model="m", messages=[], stream=True)
    """,
    "an async stream": """
        async def main():
            global stream
            stream = await ask(client_over(answer, "async"), stream=True)
            await anext(stream)
        asyncio.run(main())
    """,
    "a thread that waits": """
        heard = threading.Event()
        def wait():
            for _ in ask(stream=True):
                heard.set()
                threading.Event().wait()
        threading.Thread(target=wait, daemon=True).start()
        heard.wait()
    """,
}


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_ends_with_the_process(tmp_path, name):
    path = tmp_path / "log.hilt.jsonl"
    alone, watched = both(OPEN[name], path)
    assert watched == alone
    [end] = Log(path).of("completion")
    assert end["extensions"]["partial"] is True
    # The loop may have ended an asynchronous one before.
    ways = ("exit", "closed", "dropped") if name == "an async stream" else ("exit",)
    assert end["extensions"]["ended"] in ways


EVERYDAY = """
    print(ask().choices[0].message.content)
    print([chunk.choices[0].delta.content for chunk in ask(stream=True)])
    with client.chat.completions.with_streaming_response.create(model="m", messages=[]) as raw:
        print([*raw.iter_lines()])
    stream = ask(stream=True)
    next(stream)
    stream.close()
    failing = client_over(lambda request: response({"error": {"message": "No"}}, status=400))
    try:
        ask(failing)
    except openai.BadRequestError as error:
        print(error, error.body)

    async def main():
        asyncio.get_running_loop().slow_callback_duration = 60  # else asyncio complains of a busy machine
        client = client_over(answer, "async")
        print([chunk.choices[0].delta.content async for chunk in await ask(client, stream=True)])
        async with await ask(client, stream=True) as stream:
            async for chunk in stream:
                break
        try:
            await asyncio.wait_for(ask(client_over(hang, "async")), 0.05)
        except TimeoutError as error:
            print(repr(error))

    async def hang(request):
        await asyncio.sleep(9)

    asyncio.run(main())
    warned = __import__("warnings").filters[0]
    print(warned)
    import logging; logging.basicConfig(level="WARNING"); logging.warning("mine")
    ask(failing)
"""


def test_a_program_prints_what_it_prints_without_us(tmp_path):
    """Also with every warning an error, asyncio's debugging on, and an exception that nobody catches."""
    path = tmp_path / "log.hilt.jsonl"
    alone, watched = both(EVERYDAY, path, options=("-W", "error", "-X", "dev"))
    assert watched == alone
    assert watched[0] == 1
    assert Log(path).actions.count("prompt") == 9


def both(script, path, **options):
    """Exit code, output and errors of a program without us and with us."""
    running = [start(script, *given, **options) for given in ((), (path,))]
    outputs = [process.communicate(timeout=60) for process in running]
    return [
        (process.returncode, output, steady(errors.decode()))
        for process, (output, errors) in zip(running, outputs, strict=True)
    ]


def steady(errors):
    """What is printed without addresses, and without the frames that we add to a traceback."""
    ours = r'  File "[^"]*hilt_autolog[^\n]*\n(    [^\n]*\n)*'
    return re.sub(r"0x[0-9a-f]+", "0x", re.sub(ours, "", errors))
