"""Where chains begin and end, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from langchain_core.callbacks.manager import CallbackManager, trace_as_chain_group
from langchain_core.runnables import RunnableLambda, RunnableParallel

import hilt_autolog
from hilt_autolog.recording import correlation
from hilt_autolog.runtime import control
from tests.support.langchain import Acting, Waiting, fake

CHAIN = RunnableLambda(lambda words: words.upper()).with_config(run_name="shout") | fake("yes")
TOLD = [
    "system RunnableSequence started",
    "system shout started",
    "system shout completed",
    "prompt user HI",
    "completion fakelistchatmodel yes",
    "system RunnableSequence completed",
]


async def batch(chain, given):
    chain.batch([given])


async def invoke(chain, given):
    chain.invoke(given)


async def ainvoke(chain, given):
    await chain.ainvoke(given)


async def stream(chain, given):
    list(chain.stream(given))


async def astream(chain, given):
    [_ async for _ in chain.astream(given)]


async def abatch(chain, given):
    await chain.abatch([given])


async def events(chain, given):
    [_ async for _ in chain.astream_events(given, version="v2")]


WAYS = {way.__name__: way for way in (invoke, ainvoke, stream, astream, batch, abatch, events)}


@pytest.mark.parametrize("way", WAYS)
def test_the_boundaries_of_a_chain(runner, run_log, way):
    runner.run(WAYS[way](CHAIN, "hi"))
    log = run_log()
    assert sorted(log.short()) == sorted(TOLD)
    assert log.short()[0] == TOLD[0]
    assert log.short()[-1] == TOLD[-1]
    assert log.is_linked()
    assert len(log.sessions()) == 1
    assert all(
        "latency_ms" in event["metrics"] for event in log.events if event["content"]["text"] == "completed"
    )


def test_a_failure_is_recorded_for_every_chain_around_it(run_log):
    def fail(_):
        raise KeyError("gone")

    chain = RunnableLambda(lambda x: x) | RunnableLambda(fail).with_config(run_name="fail")
    with pytest.raises(KeyError):
        chain.invoke("hi")
    log = run_log()
    assert log.short()[-2:] == ["system fail failed", "system RunnableSequence failed"]
    for event in log.events[-2:]:
        assert event["extensions"]["error_type"] == "KeyError"
        assert event["content"]["messages"][0]["parts"] == [{"type": "error", "content": "'gone'"}]


def test_a_group_of_runs_that_a_program_makes(run_log):
    with trace_as_chain_group("group") as manager:
        fake("yes").invoke("hi", {"callbacks": manager})
        manager.on_chain_end({})
    assert [line.split(" ", 1)[1] for line in run_log().short()] == [
        "group started",
        "user hi",
        "fakelistchatmodel yes",
        "group completed",
    ]


def test_models_side_by_side(run_log):
    RunnableParallel(one=fake("1"), two=fake("2")).invoke("hi")
    log = run_log()
    assert log.actions.count("prompt") == log.actions.count("completion") == 2
    assert len(log.sessions()) == 1


def test_what_is_within_a_run_is_in_its_conversation(run_log):
    manager = CallbackManager.configure(inheritable_metadata={"session_id": "s"}).on_chain_start({}, {})
    bare = CallbackManager([], parent_run_id=manager.run_id)
    (model,) = bare.on_llm_start({"name": "m"}, ["hi"])
    model.on_llm_end(None)
    manager.on_chain_end({})
    log = run_log()
    assert {event["extensions"]["conversation"] for event in log.events} == {"s"}
    assert len(log.sessions()) == 1


def test_without_content_only_the_skeleton_is_left(recording):
    recording(content="none")

    def fail(_):
        raise ValueError("secret words")

    with pytest.raises(ValueError, match="secret"):
        RunnableLambda(fail).invoke("hi")
    assert "secret" not in recording.path.read_text()


def test_a_recording_that_ends_meanwhile_and_one_that_begins_meanwhile(run_log, recording):
    def switch_off(words):
        hilt_autolog.disable()
        return words

    def switch_on(words):
        recording()
        return words

    RunnableLambda(switch_off).invoke("hi")
    log = run_log()
    assert log.short() == ["system switch_off started", "system switch_off failed"]
    assert log.events[1]["extensions"]["ended"] == "exit"
    RunnableLambda(switch_on).invoke("hi")
    assert run_log().short() == log.short()


# --- nothing stays behind


def left():
    recorder = control._state.call_starter.recorder
    gc.collect()
    return [len(recorder.open_activities), len(recorder.runs), len(recorder.pending)]


def test_ten_thousand_chains_that_fail_leave_nothing(recording, frozen):
    recording(chunks="off")
    chain = RunnableLambda(lambda _: 1 / 0)

    def fail_often(times):
        for _ in range(times):
            with pytest.raises(ZeroDivisionError):
                chain.invoke("hi")

    fail_often(10_000)
    assert left() == [0, 0, 0]


def test_models_that_fail_or_are_cancelled_leave_nothing(runner, run_log):
    def refuse(_):
        raise ValueError

    async def all_ways():
        for _ in range(200):
            with pytest.raises(ValueError):  # noqa: PT011  it says nothing
                Acting(acts=refuse).invoke("hi")
            waiting = asyncio.ensure_future((RunnableLambda(lambda x: x) | Waiting()).ainvoke("hi"))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            next(fake().stream("hi"))

    runner.run(all_ways())
    assert left() == [0, 0, 0]
    log = run_log()
    ends = log.of("completion", "system")
    assert len(log.of("prompt")) == sum("provider" in event["provenance"] for event in ends)
    assert log.short().count("system RunnableSequence started") == log.short().count(
        "system RunnableSequence failed"
    )


def test_a_context_holds_no_run_that_has_ended(run_log):
    fake().invoke("hi")
    gc.collect()
    assert [slot() for slot in correlation.pending_runs.get()][-1:] in ([], [None])


def test_a_run_whose_manager_is_dropped_has_ended(run_log):
    manager = CallbackManager([]).on_chain_start({"name": "lost"}, {})
    handle = weakref.ref(manager)
    del manager
    gc.collect()
    assert handle() is None
    log = run_log()
    assert log.short() == ["system lost started", "system lost failed"]
    assert log.events[1]["extensions"]["ended"] == "dropped"
