"""What a program can see of us: nothing."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys

import pytest
from blockbuster import blockbuster_ctx
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.callbacks import manager as managers
from langchain_core.runnables import RunnableLambda
from langchain_core.runnables.config import merge_configs
from langchain_core.tools import tool
from langchain_core.tracers.base import BaseTracer

import hilt_autolog
from hilt_autolog.cli.checks import run_python
from hilt_autolog.contracts.framework import CALLBACK_ROLES
from hilt_autolog.providers.langchain_core import PROVIDER
from tests.support.calling import Log
from tests.support.langchain import Acting, fake

HEARD = (
    *("on_chain_start", "on_chain_end", "on_chain_error", "on_custom_event"),
    *("on_chat_model_start", "on_llm_start", "on_llm_new_token", "on_llm_end", "on_llm_error"),
    *("on_tool_start", "on_tool_end", "on_tool_error", "on_retriever_start", "on_retriever_end"),
)


@tool
def double(number: int) -> int:
    """Doubles."""
    return 2 * number


def fail(_):
    raise ValueError("no")


# --- the functions


def functions():
    for probe in PROVIDER.targets:
        owner = getattr(sys.modules.get(probe.module), probe.owner, None)
        if owner is not None and probe.name in vars(owner):
            yield owner, probe.name


def test_the_functions_look_as_they_did_and_come_back(recording):
    before = {(owner, name): vars(owner)[name] for owner, name in functions()}
    assert len(before) >= 28
    looks = {key: (inspect.signature(one), inspect.iscoroutinefunction(one)) for key, one in before.items()}
    recording()
    for (owner, name), original in before.items():
        found = vars(owner)[name]
        assert found is not original
        assert (inspect.signature(found), inspect.iscoroutinefunction(found)) == looks[owner, name]
        assert (found.__name__, found.__doc__, found.__module__) == (
            original.__name__,
            original.__doc__,
            original.__module__,
        )
        assert inspect.getsource(found) == inspect.getsource(original)
    hilt_autolog.disable()
    assert all(vars(owner)[name] is original for (owner, name), original in before.items())


def test_every_probe_has_a_role_of_a_framework():
    assert {probe.role for probe in PROVIDER.targets} <= CALLBACK_ROLES


# --- other people's handlers


def handler(base, log, name, *, inline=False, is_async=False):
    """A handler that notes its callbacks, and whether they came in the caller's task."""

    def hears(event):
        def heard(_self, *args, **kwargs):
            log.append((name, event, len(args), sorted(kwargs)))

        async def heard_later(_self, *args, **kwargs):
            await asyncio.sleep(0)
            log.append((name, event, len(args), sorted(kwargs)))

        return heard_later if is_async else heard

    methods = {event: hears(event) for event in HEARD}
    return type(name, (base,), {**methods, "run_inline": inline})()


class Tracer(BaseTracer):
    """A tracer that keeps the names of the runs that have ended."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def _persist_run(self, run):
        self.log.append(("tracer", run.name, run.error is not None, [one.name for one in run.child_runs]))


def handlers(log):
    return [
        handler(BaseCallbackHandler, log, "Plain"),
        handler(BaseCallbackHandler, log, "Inline", inline=True),
        handler(AsyncCallbackHandler, log, "Later", is_async=True),
        handler(AsyncCallbackHandler, log, "LaterInline", inline=True, is_async=True),
        Tracer(log),
    ]


async def everything(log, kinds):
    """Use models, tools and chains in every way, with these handlers."""
    chain = RunnableLambda(lambda words: words) | fake("one two")
    for kind in kinds:
        config = {"callbacks": [kind], "tags": ["t"], "metadata": {"m": 1}}
        for runnable, given in ((chain, "hi"), (double, {"number": 2}), (RunnableLambda(fail), "hi")):
            for way in ("invoke", "ainvoke", "stream", "astream", "batch", "abatch"):
                log.append(("way", way))
                try:
                    await used(runnable, way, given, config)
                except ValueError as error:
                    log.append(("raised", str(error)))


async def used(runnable, way, given, config):
    if way == "invoke":
        runnable.invoke(given, config)
    elif way == "ainvoke":
        await runnable.ainvoke(given, config)
    elif way == "stream":
        list(runnable.stream(given, config))
    elif way == "astream":
        [_ async for _ in runnable.astream(given, config)]
    elif way == "batch":
        runnable.batch([given], config)
    else:
        await runnable.abatch([given], config)


def heard(runner, make):
    log = []
    runner.run(everything(log, make(log)))
    return log


@pytest.mark.parametrize("place", range(5), ids=["plain", "inline", "later", "later inline", "tracer"])
def test_a_handler_gets_the_same_callbacks_in_order(runner, recording, place):
    def make(log):
        return handlers(log)[place : place + 1]

    alone = heard(runner, make)
    recording()
    assert heard(runner, make) == alone
    assert any(name != "way" for name, *_ in alone)
    assert recording.log().actions


def test_handlers_side_by_side_get_the_same_callbacks(runner, recording):
    async def all_at_once(log):
        config = {"callbacks": handlers(log)}
        chain = RunnableLambda(lambda words: words) | fake("one two")
        chain.invoke("hi", config)
        await chain.ainvoke("hi", config)
        [_ async for _ in chain.astream("hi", config)]

    logs = []
    for recorded in (False, True):
        log = []
        if recorded:
            recording()
        runner.run(all_at_once(log))
        logs.append(log)
    assert sorted(map(repr, logs[0])) == sorted(map(repr, logs[1]))
    for name in ("Plain", "Inline", "Later", "LaterInline", "tracer"):
        assert [one for one in logs[0] if one[0] == name] == [one for one in logs[1] if one[0] == name]


def test_a_handler_that_raises_stops_the_run_as_ever(recording):
    class Strict(BaseCallbackHandler):
        raise_error = True

        def on_chat_model_start(self, *_, **__):
            raise RuntimeError("not today")

    recording()
    with pytest.raises(RuntimeError, match="not today"):
        fake().invoke("hi", {"callbacks": [Strict()]})
    assert recording.log().actions == []


def test_nothing_of_ours_is_in_a_configuration(runner, run_log):
    seen = []

    def look(words, config):
        callbacks = config["callbacks"]
        seen.append((type(callbacks), callbacks.handlers, callbacks.inheritable_handlers))
        return words

    RunnableLambda(look).invoke("hi")
    runner.run(RunnableLambda(look).ainvoke("hi"))
    assert [handlers for _, *handlers in seen] == [[[], []], [[], []]]
    assert merge_configs({"tags": ["a"]}, {"callbacks": []})["callbacks"] == []
    assert managers.CallbackManager.configure().handlers == []
    assert run_log().actions == ["system"] * 4


def test_no_blocking_call_on_the_loop(runner, recording, chat):
    """blockbuster raises on any; the first event opens the file, and that too must not be seen."""

    chain = RunnableLambda(lambda words: words) | fake()

    async def work():
        with blockbuster_ctx():
            await chain.ainvoke("hi")
            await chat().ainvoke("hi")
            [_ async for _ in chat().astream("count to 3")]
            await double.ainvoke({"number": 1})

    runner.run(chain.ainvoke("all that is loaded late is there"))
    runner.run(chat().ainvoke("hi"))
    recording()
    runner.run(work())
    assert recording.log().actions.count("completion") == 3


# --- our own faults


def test_an_internal_error_is_counted_and_the_program_continues(recording, monkeypatch):
    def break_down(*_):
        raise RuntimeError("ours")

    monkeypatch.setenv("HILT_STRICT", "0")
    recording()
    for name in (
        "new_runs",
        "run_id",
        "payload",
        "tool_output",
        "response",
        "error_info",
        "interrupt",
        "documents",
    ):
        with monkeypatch.context() as patched:
            patched.setattr(type(PROVIDER), name, break_down)
            assert fake().invoke("hi").content == "Hello there"
            assert "".join(chunk.content for chunk in fake().stream("hi")) == "Hello there"
            assert double.invoke({"number": 2}) == 4
            with pytest.raises(ValueError, match="no"):
                RunnableLambda(fail).invoke("hi")
            with pytest.raises(ValueError, match="no"):
                Acting(acts=fail).invoke("hi")
    assert hilt_autolog.status().faults


def test_a_missing_name_is_reported_and_the_rest_is_patched(recording, monkeypatch):
    monkeypatch.delattr(managers.CallbackManagerForLLMRun, "on_stream_event", raising=False)
    monkeypatch.delattr(managers.AsyncCallbackManager, "on_retriever_start")
    recording()
    found = hilt_autolog.status().watching["langchain_core"]
    missing = {probe.partition(":")[2] for probe, is_there in found.items() if not is_there}
    assert {"CallbackManagerForLLMRun.on_stream_event", "AsyncCallbackManager.on_retriever_start"} <= missing
    assert fake().invoke("hi").content == "Hello there"
    assert recording.log().actions == ["prompt", "completion"]


def test_doctor_finds_all_of_it_without_the_program_s_help():
    """Most of what is watched lies in modules that `import langchain_core` does not load."""
    found = run_python(["-m", "hilt_autolog.cli.checks.probes", "langchain_core"], dict(os.environ))
    missing = {probe for probe, is_there in found["watching"].items() if not is_there}
    assert all(probe.endswith("on_stream_event") for probe in missing)  # of langchain-core 1.4 and newer
    assert len(found["watching"]) == len(PROVIDER.targets)
    assert found["faults"] == {}


EARLY = """
import hilt_autolog
hilt_autolog.enable(path="log.hilt.jsonl")
from langchain_core.language_models.fake_chat_models import FakeListChatModel
FakeListChatModel(responses=["yes"]).invoke("hi")
"""


def test_what_is_imported_after_the_switch_is_watched(tmp_path):
    subprocess.run([sys.executable, "-c", EARLY], cwd=tmp_path, check=True)
    log = Log(tmp_path / "log.hilt.jsonl")
    assert log.actions == ["prompt", "completion"]
    assert list(log.events[0]) == [
        *("hilt_version", "event_id", "timestamp", "session_id", "actor", "action"),
        *("content", "provenance", "extensions"),
    ]


NOTHING_LOADED = """
import sys
import hilt_autolog
before = set(sys.modules)
hilt_autolog.enable(path="log.hilt.jsonl")
import langchain_core
print(sorted(name for name in sys.modules if name.startswith("langchain_core")))
"""


def test_nothing_of_langchain_is_loaded_for_us(tmp_path):
    shown = []
    for program in (NOTHING_LOADED, NOTHING_LOADED.replace("hilt_autolog.enable", "dict")):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        shown.append(done.stdout)
    assert shown[0] == shown[1]
