"""The SDK's functions when recording is enabled and disabled: what they look like, and are afterwards."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import sys
import typing

import pytest

import hilt_autolog
from hilt_autolog.providers import anthropic, openai
from tests.support.apis import CHAT, MESSAGES
from tests.support.calling import functions
from tests.support.in_process import IN_PROCESS

APIS = {"openai": CHAT, "anthropic": MESSAGES}
PROVIDERS = {"openai": openai.PROVIDER, "anthropic": anthropic.PROVIDER}


@pytest.fixture(params=APIS)
def sdk(request):
    """The name of an SDK; each test runs with each."""
    return request.param


def owners(sdk):
    """Every class that we wrap a function of."""
    return {(getattr(sys.modules[probe.module], probe.owner), probe.name) for probe in PROVIDERS[sdk].targets}


def ask(sdk, **more):
    return functions(IN_PROCESS[sdk].offline(), APIS[sdk].call).create(**APIS[sdk].arguments, **more)


def test_every_function_that_we_look_for_exists(recording, sdk):
    recording()
    assert all(hilt_autolog.status().watching[sdk].values())


def test_the_very_functions_are_put_back(recording, sdk):
    before = [vars(owner)[name] for owner, name in owners(sdk)]
    for _ in range(10):
        recording()
        recording()
        assert not any(now is then for now, then in zip(functions_now(sdk), before, strict=True))
        hilt_autolog.disable()
        hilt_autolog.disable()
        assert all(now is then for now, then in zip(functions_now(sdk), before, strict=True))


def functions_now(sdk):
    return [vars(owner)[name] for owner, name in owners(sdk)]


def test_enabled_ten_times_records_once(recording, sdk):
    for _ in range(10):
        recording()
    ask(sdk)
    assert recording.log().actions == ["prompt", "completion"]


def test_functions_look_the_same(recording, sdk):
    alone = [looks(owner, name) for owner, name in sorted(owners(sdk), key=str)]
    recording()
    assert [looks(owner, name) for owner, name in sorted(owners(sdk), key=str)] == alone


def looks(owner, name):
    function = getattr(owner, name)
    return {
        "name": (function.__name__, function.__qualname__, function.__module__, function.__doc__),
        "signature": str(inspect.signature(function)),
        "async": inspect.iscoroutinefunction(function),
        "function": inspect.isfunction(function) or inspect.isroutine(function),
        "hints": sorted(_hints(function)),
        "source": inspect.getsource(function),
        "dir": sorted(set(dir(owner)) - {"__slotnames__"}),
        "pickle": pickle.dumps(owner),
        "copy": copy.deepcopy(owner) is owner,
    }


def _hints(function):
    try:
        return map(str, typing.get_type_hints(function))
    except NameError:  # imported by the SDK for type checkers only
        return ()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_clients_are_copied_the_same(recording, kind, sdk):
    def copied():
        client = IN_PROCESS[sdk].offline(kind)
        return [
            type(copy.copy(client)),
            _worked(copy.deepcopy, client),
            _worked(pickle.dumps, client),
            _worked(copy.deepcopy, functions(client, APIS[sdk].call).create),
            sorted(vars(client)),
        ]

    alone = copied()
    recording()
    assert copied() == alone


def _worked(function, thing):
    try:
        function(thing)
    except Exception:
        return False
    return True


# --- another tool's wrappers


def wrapped(owner, name, calls):
    """What other tools do: replace the function by one that calls it. Returns the undo."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def theirs(*args, **kwargs):
        calls.append(name)
        return original(*args, **kwargs)

    setattr(owner, name, theirs)
    return lambda: setattr(owner, name, original)


@pytest.fixture
def base(sdk):
    owner = APIS[sdk].sdk.clients["sync"].__mro__[1]
    original = vars(owner)["request"]
    yield owner
    owner.request = original


def test_a_wrapper_under_ours_comes_back(base, recording, sdk):
    calls = []
    wrapped(base, "request", calls)
    theirs = vars(base)["request"]
    recording()
    ask(sdk)
    hilt_autolog.disable()
    assert vars(base)["request"] is theirs
    assert calls == ["request"]
    assert recording.log().actions == ["prompt", "completion"]


def test_a_wrapper_over_ours_stays(base, recording, sdk):
    calls = []
    recording()
    wrapped(base, "request", calls)
    theirs = vars(base)["request"]
    ask(sdk)
    hilt_autolog.disable()
    assert vars(base)["request"] is theirs
    ask(sdk)
    assert calls == ["request", "request"]
    assert recording.log().actions == ["prompt", "completion"]


def test_enabled_again_under_a_wrapper_records_once(base, recording, sdk):
    recording()
    wrapped(base, "request", [])
    hilt_autolog.disable()
    recording()
    ask(sdk)
    assert recording.log().actions == ["prompt", "completion"]


def test_a_wrapper_that_is_taken_off_late_leaves_ours_asleep(base, recording, sdk):
    recording()
    undo = wrapped(base, "request", [])
    hilt_autolog.disable()
    undo()
    ask(sdk)
    assert recording.log().actions == []


# --- off means off


def test_a_stream_that_outlives_the_recording(recording, sdk):
    with recording():
        stream = ask(sdk, stream=True)
        taken = [next(stream) for _ in range(4)]
    assert len([*taken, *stream]) > len(taken)
    [end] = recording.log().of("completion")
    heard = {"openai": "Hello! I", "anthropic": "Hello!"}[sdk]
    assert (end["content"]["text"], end["extensions"]["ended"]) == (heard, "exit")
