"""However a call is made, the program sees what it sees without us, and the log has the call once."""

from __future__ import annotations

from functools import cache

import pytest
from offline.answers import pieces

from tests.support.apis import APIS
from tests.support.calling import HELLO, KINDS, Raised, agree, functions, outcome
from tests.support.ways import ANSWERS, PARSES, WAYS

MOMENTS = ("before the client", "after the client", "after the functions")
CASES = [(api, way) for api in APIS for way in APIS[api].ways]


@pytest.fixture(scope="module")
def alone(clients):
    """What a program sees without us; each case is run once."""

    @cache
    def seen(kind, api, way):
        f = functions(clients[kind].make(APIS[api].sdk), APIS[api].call)
        return outcome(clients[kind].run, WAYS[way], f, APIS[api].arguments)

    return seen


@pytest.fixture
def watched(alone, clients, provider, recording):
    """Let a program see the same with us; returns what was sent, and the log."""

    def seen(moment, kind, api, way):
        expected = alone(kind, api, way)
        f = switched_on(moment, recording, lambda: clients[kind].make(APIS[api].sdk), APIS[api].call)
        seen = outcome(clients[kind].run, WAYS[way], f, APIS[api].arguments)
        agree(expected, seen)
        assert not any(isinstance(noted, Raised) for noted in seen[0])
        return provider.requests[-1].body, recording.log()

    return seen


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("api", "way"), CASES, ids=str)
def test_a_call_is_recorded_whole(watched, api, way, kind, moment):
    sent, log = watched(moment, kind, api, way)
    assert log.normalized() == events(APIS[api], way, sent)


def switched_on(moment, recording, make, call):
    """The functions of a new client, with recording enabled at that moment."""
    if moment == "before the client":
        recording()
    client = make()
    if moment == "after the client":
        recording()
    f = functions(client, call)
    if moment == "after the functions":
        recording()
    return f


def events(api, way, sent):
    if way in ANSWERS:
        return [api.prompt(sent), api.completion(HELLO, api.used, finish_reason=api.finish)]
    if way in PARSES:
        return [api.prompt(sent), api.completion('{"name": "Hello"}', api.parsed, finish_reason=api.finish)]
    used = api.used if way == "stream with usage" else api.streamed
    texts = pieces(HELLO)
    end = api.completion(HELLO, used, finish_reason=api.finish, chunks=len(texts))
    return [api.prompt(sent), *api.chunks(texts), end]
