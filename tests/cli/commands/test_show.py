"""hilt show: a conversation as a thread, the list of them, and the messages of a prompt."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support import wheels
from tests.support.sample_log import AGENT, CONVERSATION, FAILURE, TOOL, USER, event, figures, write
from tests.support.terminal import screen_of

SYSTEM = {"type": "system", "id": "LangGraph"}


@pytest.fixture
def log(tmp_path):
    return write(tmp_path / "a.hilt.jsonl", [*CONVERSATION, *FAILURE])


@pytest.fixture
def thread(hilt, tmp_path):
    """Show these events, and return the lines between the heading and the sums."""

    def show(*events, words=()):
        write(tmp_path / "t.jsonl", list(events))
        result = hilt("show", "t.jsonl", *words)
        assert (result.code, result.err) == (0, [])
        return result.out[3:-2]

    return show


# --- a thread


def test_a_conversation_as_a_thread(hilt, log):
    result = hilt("show", "ticket-42", log)
    assert (result.code, result.err) == (0, [])
    assert (
        "\n".join(result.out)
        == """\
ticket-42  conv_5f2c1a9b7d3e
2026-01-31 12:00:01 · gpt-5

12:00:01  ada
          How is the weather in Paris?

12:00:02  gpt-5  900 ms · 40 + 8 tokens · $0.000210
          → get_weather {"city": "Paris"}

12:00:04  get_weather
          18 degrees and sunny

12:00:08  gpt-5  1.2 s · first token 300 ms · 60 + 5 tokens · $0.000330
          It is sunny.

12:00:20  ada
          And tomorrow?

12:00:21  openai  50 ms
          RateLimitError (429) Rate limit reached

3 calls · 113 tokens · $0.000540 · 1 error"""
    )


def test_messages_thoughts_and_an_answer_that_was_cut(thread):
    question = {
        "role": "user",
        "parts": [{"type": "text", "content": "Hi"}, {"type": "blob", "mime_type": "image/png", "bytes": 7}],
    }
    answer = {
        "role": "assistant",
        "parts": [{"type": "reasoning", "content": "A greeting."}, {"type": "text", "content": "Hel"}],
    }
    rules = {"role": "system", "parts": [{"type": "text", "content": "Be\nbrief."}]}
    assert thread(
        event(1, "prompt", USER, content={"text": "Hi", "messages": [rules, question]}),
        event(
            2,
            "completion",
            AGENT,
            content={"text": "Hel", "messages": [answer]},
            extensions={"finish_reason": "length", "partial": True, "ended": "closed"},
        ),
    ) == [
        "12:00:01  system",
        "          Be",
        "          brief.",
        "",
        "12:00:01  ada",
        "          Hi",
        "          [image/png, 7 bytes]",
        "",
        "12:00:02  gpt-5  length · cut: closed",
        "          thinks: A greeting.",
        "          Hel",
    ]


def test_long_arguments_and_results_are_laid_out(thread):
    arguments = json.dumps({"city": "Paris", "days": list(range(30))})
    assert thread(
        event(1, "tool_call", AGENT, arguments, extensions={"tool": "forecast"}),
        event(2, "tool_result", TOOL, '{"degrees": 18}'),
    )[:5] == [
        "12:00:01  gpt-5",
        "          → forecast",
        "            {",
        '              "city": "Paris",',
        '              "days": [',
    ]


def test_documents_of_a_retriever_embeddings_and_feedback(thread):
    document = "one\ntwo\nthree\nfour\nfive\nsix"
    library = {"type": "tool", "id": "library"}
    events = [
        event(1, "retrieval", library, document, extensions={"rank": 1, "score": 0.5, "document_id": "d-1"}),
        event(
            2, "embedding", AGENT, metrics=figures(5, 9, 0, 0.1), extensions={"inputs": 3, "dimensions": 1536}
        ),
        event(3, "feedback", USER, "Well done", extensions={"label": "good"}),
    ]
    assert thread(*events) == [
        "12:00:01  library  rank 1 · score 0.5 · d-1",
        "          one",
        "          two",
        "          three",
        "          four",
        "          [shortened from 27 characters; --full shows them]",
        "",
        "12:00:02  gpt-5  5 ms · 9 + 0 tokens · $0.1000",
        "          3 inputs, 1536 dimensions",
        "",
        "12:00:03  ada  label good",
        "          Well done",
    ]
    assert "          six" in thread(*events, words=["--full"])


def test_tool_results_recorded_twice_are_shown_once(thread):
    again = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-2", "response": "18"}]}
    new = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-3", "response": "19"}]}
    assert thread(
        event(1, "tool_result", TOOL, "18", extensions={"tool_call_id": "call-2"}),
        event(2, "prompt", TOOL, content={"text": "18", "messages": [again]}),
        event(3, "prompt", TOOL, content={"text": "19", "messages": [new]}),
    ) == ["12:00:01  get_weather", "          18", "", "12:00:03  get_weather", "          19"]


def test_the_steps_of_chains_are_left_out_unless_they_fail(thread):
    step = {"provenance": {"langchain": {"run_id": "1"}}}
    events = [
        event(1, "system", SYSTEM, "started", **step),
        event(2, "system", SYSTEM, "failed", **step),
        event(3, "system", SYSTEM, "completed", **step),
    ]
    assert thread(*events) == ["12:00:02  LangGraph", "          failed"]
    assert len(thread(*events, words=["--full"])) == 8


def test_an_unfinished_stream_is_shown_as_far_as_it_came(thread):
    assert thread(*CONVERSATION[4:7]) == ["12:00:06  gpt-5  2 chunks · no end", "          It is sunny."]


def test_texts_are_harmless_and_in_place(thread):
    assert thread(event(1, "prompt", {"type": "human", "id": "a\x1b[1m\n"}, "\x1b[2J\n  \u202eevil")) == [
        "12:00:01  a\\x1b[1m",
        "          \\x1b[2J",
        "            \\u202eevil",
    ]


def test_what_is_kept_of_texts_as_a_hash(thread):
    digest = "sha256:" + "a" * 64
    assert thread(event(1, "prompt", USER, content={"text_hash": digest})) == [
        "12:00:01  ada",
        f"          {digest}",
    ]


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_lines_keep_to_the_width(width, hilt, tmp_path, monkeypatch):
    write(tmp_path / "a.jsonl", [event(1, "prompt", USER, "word " * 100 + "x" * 300)])
    monkeypatch.setenv("COLUMNS", str(width))
    result = hilt("show", "a.jsonl")
    assert max(map(len, result.out)) <= min(width, 110)
    assert "".join(result.out[4:-2]).replace(" ", "") == "word" * 100 + "x" * 300


def test_a_query_for_a_retriever_is_no_call(hilt, tmp_path):
    query = event(0, "prompt", USER, "weather", provenance={"operation": "retrieval"})
    write(tmp_path / "a.jsonl", [query, *CONVERSATION])
    assert hilt("show", "a.jsonl").out[-1] == "2 calls · 113 tokens · $0.000540"


# --- which one


@pytest.fixture
def two(tmp_path):
    other = [{**one, "session_id": "conv_0000aaaa1111"} for one in FAILURE]
    for one in other:
        one["extensions"] = {key: value for key, value in one["extensions"].items() if key != "conversation"}
    return write(tmp_path / "two.hilt.jsonl", [*CONVERSATION, *other])


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("ticket-42", "ticket-42  conv_5f2c1a9b7d3e"),
        ("conv_5f2c", "ticket-42  conv_5f2c1a9b7d3e"),
        ("conv_5f2c1a9b7d3e", "ticket-42  conv_5f2c1a9b7d3e"),
        ("event-3", "ticket-42  conv_5f2c1a9b7d3e"),
        ("event-20", "conv_0000aaaa1111"),
        ("last", "conv_0000aaaa1111"),
    ],
)
def test_the_words_for_a_conversation(word, title, hilt, two):
    result = hilt("show", word, two)
    assert (result.code, result.out[0], result.err) == (0, title, [])


def test_a_name_known_only_by_the_session_id(hilt, tmp_path):
    theirs = [{**one, "session_id": "conv_db040e876b21", "extensions": {}} for one in CONVERSATION]
    write(tmp_path / "a.jsonl", [*FAILURE, *theirs])
    assert hilt("show", "ticket-7", "a.jsonl").out[0] == "conv_db040e876b21"
    assert hilt("search", "Paris", "a.jsonl", "--conversation", "ticket-7", "--count").out == ["3"]


def test_without_a_word_it_is_the_newest_with_a_hint(hilt, two):
    result = hilt("show", two)
    assert (result.code, result.out[0]) == (0, "conv_0000aaaa1111")
    assert result.err == ["hilt: the newest of 2 conversations; `hilt show --list` lists them"]


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("nope", "no conversation and no event is called nope; `hilt show --list` lists the conversations"),
        ("conv_", "conv_ may mean conv_5f2c1a9b7d3e, conv_0000aaaa1111"),
    ],
)
def test_a_word_that_means_none_or_several(word, complaint, hilt, two):
    assert hilt("show", word, two) == (1, [], [f"hilt: {complaint}"])


def test_a_log_about_its_process_only_has_no_conversation(hilt, tmp_path):
    line = {"type": "system", "id": "hilt-autolog"}
    write(tmp_path / "a.jsonl", [event(1, "system", line, "session opened")])
    assert hilt("show", "a.jsonl") == (1, [], ["hilt: the log has no conversation"])


def test_the_list(hilt, two):
    assert hilt("show", "--list", two).out == [
        "when              conversation       calls  tokens         $  first words",
        "2026-01-31 12:00  ticket-42              2     113  0.000540  How is the weather in Paris?",
        "2026-01-31 12:00  conv_0000aaaa1111      1                    And tomorrow?",
    ]
    assert json.loads("\n".join(hilt("show", "--list", two, "--json").out))[1] == {
        "conversation": None,
        "session_id": "conv_0000aaaa1111",
        "begin": "2026-01-31T12:00:20.000000Z",
        "end": "2026-01-31T12:00:21.000000Z",
        "calls": 1,
        "errors": 1,
        "tokens": None,
        "cost_usd": None,
        "models": [],
        "words": "And tomorrow?",
    }


def test_one_of_the_list(hilt, two):
    assert len(hilt("show", "ticket-42", two, "--list").out) == 2
    assert hilt("show", "nope", two, "--list").code == 1


def test_filters_choose_among_conversations_too(hilt, two):
    assert len(hilt("show", "--list", two, "--until", "2026-01-31T12:00:10").out) == 2


# --- for machines


def test_one_document_with_the_events_unchanged(hilt, log):
    document = json.loads("\n".join(hilt("show", log, "--json").out))
    assert document.pop("events") == [*CONVERSATION, *FAILURE]
    assert document["cost_usd"] == pytest.approx(0.00054)
    assert (document["conversation"], document["calls"], document["models"]) == ("ticket-42", 3, ["gpt-5"])


def test_the_messages_of_a_prompt(hilt, log):
    result = hilt("show", log, "--messages", "event-5")
    assert result.out == [
        "user",
        "          How is the weather in Paris?",
        "",
        "assistant",
        '          → get_weather {"city": "Paris"}',
        "",
        "tool",
        "          18 degrees and sunny",
    ]
    messages = json.loads("\n".join(hilt("show", log, "--messages", "event-5", "--json").out))
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("event-99", "no event has the id event-99"),
        ("event-21", "its messages cannot be rebuilt: an event whose action is 'system' holds no messages"),
    ],
)
def test_messages_that_there_are_not(name, complaint, hilt, log):
    assert hilt("show", log, "--messages", name) == (1, [], [f"hilt: {complaint}"])


# --- on a terminal


def on_terminal(folder, *words: str, keys: bytes = b"", **variables: str) -> str:
    """Return what a terminal of 80 columns shows of a command."""
    environ = wheels.clean_environ(
        PYTHONPATH=str(wheels.ROOT), TZ="UTC", TERM="xterm", COLUMNS="80", **variables
    )
    screen = screen_of([sys.executable, "-m", "hilt_autolog", *words], folder, environ, keys=keys)
    return screen.decode().replace("\r\n", "\n")


def test_a_pager_gets_what_is_shown(log, tmp_path):
    assert on_terminal(tmp_path, "show", "a.hilt.jsonl", PAGER="sed s/^/paged:/").startswith(
        "paged:\x1b[1mticket-42\x1b[0m  \x1b[2mconv_5f2c1a9b7d3e\x1b[0m\n"
    )
    for words, pager in [(["--no-pager"], "false"), ([], "cat"), ([], ""), ([], "no-such-pager"), ([], "'")]:
        screen = on_terminal(tmp_path, "show", "a.hilt.jsonl", *words, PAGER=pager)
        assert screen.startswith("\x1b[1mticket-42")
        assert "1 error" in screen


def test_a_pager_that_is_left_early(tmp_path):
    write(tmp_path / "a.hilt.jsonl", [event(1, "prompt", USER, "word\n" * 10**5)])
    screen = on_terminal(tmp_path, "show", "--full", "a.hilt.jsonl", PAGER="head -1")
    assert screen == "\x1b[1mticket-42\x1b[0m  \x1b[2mconv_5f2c1a9b7d3e\x1b[0m\n"


def test_markdown_is_rendered_where_there_are_colours(tmp_path):
    text = "Use **this**:\n\n- one\n- two \x1b[31m [here](https://example.org)"
    write(
        tmp_path / "a.hilt.jsonl",
        [event(1, "completion", AGENT, text), event(2, "completion", AGENT, "a\nb")],
    )
    screen = on_terminal(tmp_path, "show", "a.hilt.jsonl", "--no-pager")
    assert "Use \x1b[1mthis\x1b[0m:\n" in screen
    assert " • " in screen
    assert "\\x1b[31m" in screen
    assert "https://example.org" in screen
    assert "\x1b]8" not in screen
    assert "          a\n          b\n" in screen
    assert "**this**" in on_terminal(tmp_path, "show", "a.hilt.jsonl", "--no-pager", "--color", "never")


def test_sums_include_failures_and_events_of_hilt_python(hilt, tmp_path):
    paid = FAILURE[1] | {"metrics": figures(50, 7, 2, 0.5) | {"cost_usd": "0.500000"}}
    write(tmp_path / "a.jsonl", [FAILURE[0], paid])
    (one,) = json.loads("\n".join(hilt("show", "--list", "--json", "a.jsonl").out))
    assert (one["tokens"], one["cost_usd"], one["errors"], one["models"]) == (9, 0.5, 1, [])
