"""What a program can find out about a stream: none of it may differ where the stream is observed.

    1 type            5 generator-ness     9 an exception thrown in
    2 isinstance      6 context manager   10 being dropped
    3 attributes      7 an early break    11 copying and pickling
    4 repr            8 close, aclose     12 iteration after the end, also by an exception with its traceback

A portrait holds what can be seen without using it; each of `CHECKS` uses a stream in one way. A check is
given a function that opens a stream, and a list, where it notes what it sees.
"""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import re
import sys
import traceback
import weakref
from collections import abc
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path

import hilt_autolog
from tests.support.calling import MADE_HERE, collected, each, entered, settled

OURS = str(Path(hilt_autolog.__file__).parent)
ADDRESS = re.compile(r"0x[0-9a-f]+")
MOMENT = re.compile(r"created=[0-9.]+")
KINDS_OF_OBJECTS = [
    *(getattr(abc, name) for name in abc.__all__),
    AbstractContextManager,
    AbstractAsyncContextManager,
]
ASKED_BY_INSPECT = [
    function for name, function in inspect.getmembers(inspect, inspect.isfunction) if name.startswith("is")
]
OF_GENERATORS = ("code", "frame", "running", "suspended", "yieldfrom", "await")
SOME = 3  # items that are taken before a stream is left
FEW = 20  # rounds of collecting, for generators within generators


# --- without using it


def portrait(thing):
    """What there is to see of an object without using it."""
    names = [name for name in dir(thing) if name != "__slotnames__"]  # which copying leaves on a class
    public = [name for name in names if not name.startswith("_")]
    methods = {name: method for name in public if callable(method := _got(thing, name))}
    return {
        "type": type(thing),
        "class": thing.__class__,
        "is": [kind.__name__ for kind in KINDS_OF_OBJECTS if isinstance(thing, kind)],
        "names": names,
        "fields": sorted(getattr(thing, "__dict__", {}).keys() - _made_at_first_use(type(thing))),
        "called": [_got(thing, name) for name in ("__name__", "__qualname__", "__module__", "__doc__")],
        "repr": [ADDRESS.sub("0x", function(thing)) for function in (repr, str)],
        "inspected": [function.__name__ for function in ASKED_BY_INSPECT if _works(function, thing) is True],
        "state": {name: _shown(value) for name, value in _state(thing)},
        "async": [name for name, method in methods.items() if inspect.iscoroutinefunction(method)],
        "signatures": {name: _signature(method) for name, method in methods.items()},
        "used": [_works(function, thing) is not None for function in (len, bool, hash, vars)],
        "copied": _copied(thing),
    }


def _copied(thing):
    """Which ways to copy a thing work; gRPC's objects complain of copies of themselves that are not whole."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        return [_works(function, thing) is not None for function in (copy.copy, copy.deepcopy, pickle.dumps)]
    finally:
        sys.unraisablehook = hook


def _made_at_first_use(kind):
    """The iterator of newer streams: where we have a proxy, it is there from the beginning."""
    return {name for name in ("_iterator",) if isinstance(getattr(kind, name, None), cached_property)}


def _got(thing, name):
    try:
        return getattr(thing, name)
    except Exception as error:
        return str(error)


def _state(thing):
    names = [f"{kind}_{name}" for kind in ("gi", "ag", "cr") for name in OF_GENERATORS]
    return [(name, getattr(thing, name)) for name in names if hasattr(thing, name)]


def _shown(value):
    """A code object or a boolean as it is; anything else by its type."""
    return value if inspect.iscode(value) or isinstance(value, bool) else type(value)


def _signature(method):
    try:
        return str(inspect.signature(method))
    except ValueError:
        return None


def _works(function, thing):
    """What a function makes of a thing, and None if that raises an exception."""
    try:
        made = function(thing)
    except Exception:
        return None
    return False if made is None else made


# --- by using it


async def checked(check, open_, seen):
    """Do a check, and let what nobody holds any more end."""
    await check(open_, seen)
    await collected(FEW)


def spelled(item):
    """An item as text that does not change from one run to the next."""
    return MOMENT.sub("created=0", MADE_HERE.sub("#", ADDRESS.sub("0x", repr(item))))


def raised(error):
    """An exception, and the frames of its traceback that are not ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(OURS)]
    assert len(ours) <= 2, ours
    return type(error), str(error), [(f.filename, f.name) for f in frames if f not in ours]


async def stepped(stream):
    """The next item, spelled, or the exception that comes in its place."""
    step = getattr(stream, "__anext__", None) or getattr(stream, "__next__", None)
    if step is None:
        return "no step"
    try:
        return spelled(await settled(step()))
    except (Exception, StopAsyncIteration) as error:
        return raised(error)


async def looks(open_, seen):
    stream = await open_()
    seen.append(portrait(stream))
    seen += [portrait(each(stream)), iter_is_itself(stream)]
    seen += [await stepped(stream), portrait(stream)]
    seen += [spelled(item) async for item in each(stream)]
    seen.append(portrait(stream))


def iter_is_itself(stream):
    return (aiter if hasattr(stream, "__aiter__") else iter)(stream) is stream


async def is_entered(open_, seen):
    stream = await open_()
    try:
        async with entered(stream) as inside:
            seen += [inside is stream, await stepped(inside)]
    except (TypeError, AttributeError) as error:
        seen.append(type(error))
    seen += [portrait(stream), await stepped(stream)]


async def is_left_by_break(open_, seen):
    stream, count = await open_(), 0
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            seen.append(spelled(item))
            if (count := count + 1) == SOME:
                break
    else:
        for item in stream:
            seen.append(spelled(item))
            if (count := count + 1) == SOME:
                break
    seen += [portrait(stream), await stepped(stream)]
    seen += [spelled(item) async for item in each(stream)]


def ended_by(*names):
    async def is_ended(open_, seen):
        for before in (0, SOME):
            stream = await open_()
            seen += [await stepped(stream) for _ in range(before)]
            for _ in range(2):  # once more does no harm
                for name in names:
                    if end := getattr(stream, name, None):
                        seen += [name, await settled(end())]
            seen += [portrait(stream), await stepped(stream)]

    return is_ended


def thrown(error):
    async def is_thrown_into(open_, seen):
        for before in (0, SOME):
            stream = await open_()
            seen += [await stepped(stream) for _ in range(before)]
            throw = getattr(stream, "athrow", None) or getattr(stream, "throw", None)
            if throw is None:
                seen.append("no throw")
                continue
            try:
                seen.append(await settled(throw(error("thrown"))))
            except BaseException as caught:
                seen.append(raised(caught))
            seen += [portrait(stream), await stepped(stream)]

    return is_thrown_into


async def is_sent_to(open_, seen):
    stream = await open_()
    for value in (None, None, 1):
        send = getattr(stream, "asend", None) or getattr(stream, "send", None)
        seen.append("no send" if send is None else spelled(await settled(send(value))))


async def is_dropped(open_, seen):
    """At once, without the garbage collector, where it is so without us."""
    for before in (0, SOME):
        stream = await open_()
        seen += [await stepped(stream) for _ in range(before)]
        gone = _reference(stream)
        gc.disable()
        del stream
        seen.append(gone() is None)
        gc.enable()
        await collected(FEW)
        seen.append(gone() is None)


def _reference(thing):
    with suppress(TypeError):
        return weakref.ref(thing)
    return lambda: None


async def goes_on_after_its_end(open_, seen):
    stream = await open_()
    seen += [spelled(item) async for item in each(stream)]
    seen += [spelled(item) async for item in each(stream)]
    seen += [await stepped(stream), await stepped(stream), portrait(stream)]


async def is_stepped(open_, seen):
    """Step by step, past whatever exceptions come."""
    stream = await open_()
    seen += [await stepped(stream) for _ in range(20)]


async def is_drained(open_, seen):
    """In loops, past whatever exceptions come."""
    stream = await open_()
    for _ in range(3):
        try:
            seen += [spelled(item) async for item in each(stream)]
        except Exception as error:
            seen += [raised(error), portrait(stream)]


async def is_mixed(open_, seen):
    """A step, and a loop that goes on."""
    stream = await open_()
    seen += [await stepped(stream) for _ in range(2)]
    seen += [spelled(item) async for item in each(stream)]


CHECKS = {
    "looks": looks,
    "with": is_entered,
    "break": is_left_by_break,
    "close": ended_by("close", "aclose"),
    "throw": thrown(ZeroDivisionError),
    "throw GeneratorExit": thrown(GeneratorExit),
    "throw KeyboardInterrupt": thrown(KeyboardInterrupt),
    "send": is_sent_to,
    "drop": is_dropped,
    "after the end": goes_on_after_its_end,
    "steps": is_stepped,
    "loops": is_drained,
    "mixed": is_mixed,
}
