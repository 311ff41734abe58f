"""A call runs few functions of ours, and seldom goes from file to file."""

from __future__ import annotations

import openai
import pytest

from tests.benchmarks.frames import of_a_chat, of_a_chunk, of_a_tool

pytestmark = [
    pytest.mark.untraced,  # coverage changes what a call runs through
    pytest.mark.skipif(openai.__version__.partition(".")[0] < "3", reason="the limits are those of openai 3"),
]


def test_a_plain_chat_call(recording):
    recording()
    chat = of_a_chat()
    assert len(chat.calls) <= 60
    assert chat.hops <= 40


def test_a_chunk_of_a_stream(recording):
    recording()
    assert len(of_a_chunk().calls) <= 6


def test_a_tool_of_a_framework(recording):
    recording()
    assert len(of_a_tool().calls) <= 120
