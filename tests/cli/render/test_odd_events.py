"""No event is too odd: each command takes any JSON, shows or skips it, and never fails."""

from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.sample_log import CONVERSATION, lines

KEYS = """
event_id timestamp session_id actor action content metrics provenance extensions text messages type id name
role parts arguments response reply_to tool tool_call_id error_type status_code partial ended kind index
latency_ms ttft_ms tokens prompt completion total cost_usd conversation model history after rank langchain
score label
document_id inputs dimensions finish_reason bytes mime_type text_hash"""
VALUES = """
prompt completion completion_chunk tool_call tool_result retrieval system feedback embedding agent human tool
text reasoning tool_call_response blob started failed event-1 conv_1 2026-01-31T12:00:00Z
0001-01-01T00:00:00+10:00 9999-12-31T23:59:59Z \x1b[31m \u202e \x9b {"a":[1]}"""
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([*VALUES.split(), "**bold**\n```\ncode"])
    | st.text(max_size=5)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5)
    ),
    max_leaves=12,
)
EVENTS = st.lists(st.dictionaries(st.sampled_from(KEYS.split()), JSON, max_size=8), min_size=1, max_size=4)
MUTATED = st.tuples(st.sampled_from(CONVERSATION), st.sampled_from(list(CONVERSATION[7])), JSON).map(
    lambda drawn: {**drawn[0], drawn[1]: drawn[2]}
)
ESCAPES = re.compile(r"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COMMANDS = (
    ["tail", "-n", "50"],
    ["tail", "-n", "50", "--chunks"],
    ["show"],
    ["show", "--full", "--color", "always"],
    ["show", "event-1"],
    ["show", "--list"],
    ["show", "--messages", "event-5"],
    ["show", "--messages", "event-8", "--json"],
    ["show", "--json"],
    ["search", "/./"],
    ["search", "e", "--since", "2h", "--model", "x", "--conversation", "c"],
    ["validate"],
    ["validate", "--json"],
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    EVENTS | st.lists(MUTATED, min_size=1, max_size=4).map(lambda some: [*CONVERSATION[:2], *some]),
    st.sampled_from([None, "40", "100"]),
)
def test_any_event_is_shown_or_skipped(hilt, tmp_path, monkeypatch, events, width):
    if width is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", width)
    (tmp_path / "odd.jsonl").write_bytes(lines(events))
    for command in COMMANDS:
        result = hilt(*command, "odd.jsonl")
        assert result.code in (0, 1), (command, result)
        assert not [line for line in result.out if ESCAPES.search(line)], command
        if "--json" in command and result.out:
            json.loads("\n".join(result.out))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"{", b'"a":', b"[1]", b"\n", b"}", b"\xff"])).map(b"".join)
)
def test_any_bytes_are_reported_or_skipped(hilt, tmp_path, content):
    (tmp_path / "odd.jsonl").write_bytes(content)
    for command in COMMANDS:
        assert hilt(*command, "odd.jsonl").code in (0, 1, 3), command
