"""hilt stats: a table of calls."""

from __future__ import annotations

import json

from tests.support.sample_log import CONVERSATION, FAILURE, write

CUT_OFF = """\
day         models          calls  errors  no end   in  out       cost     p50    p95    p99    ttft
2026-01-31  gpt-5, unknown      2               1  100   13  $0.000540  900 ms  1.2 s  1.2 s  300 ms
total                           2               1  100   13  $0.000540  900 ms  1.2 s  1.2 s  300 ms

p50, p95, p99: latency of the answers, exact; days begin in UTC
1 call has no end, cut off or not over yet, and is in no other figure"""


def test_a_day_is_a_line(hilt, tmp_path):
    write(tmp_path / "logs" / "a.hilt.jsonl", [*CONVERSATION, *FAILURE])
    result = hilt("stats")
    assert (result.code, result.err) == (0, [])
    assert result.out == [
        "day         models          calls     errors   in  out       cost     p50    p95    p99    ttft",
        "2026-01-31  gpt-5, unknown      3  1 (33.3%)  100   13  $0.000540  900 ms  1.2 s  1.2 s  300 ms",
        "total                           3  1 (33.3%)  100   13  $0.000540  900 ms  1.2 s  1.2 s  300 ms",
        "",
        "p50, p95, p99: latency of the answers, exact; days begin in UTC",
    ]


def test_a_line_for_each_model(hilt, tmp_path):
    write(tmp_path / "a.jsonl", [*CONVERSATION, *FAILURE])
    assert hilt("stats", "--breakdown", "a.jsonl").out[1:5] == [
        "2026-01-31  gpt-5, unknown      3   1 (33.3%)  100   13  $0.000540  900 ms  1.2 s  1.2 s  300 ms",
        "            - gpt-5             2              100   13  $0.000540  900 ms  1.2 s  1.2 s  300 ms",
        "            - unknown           1  1 (100.0%)",
        "total                           3   1 (33.3%)  100   13  $0.000540  900 ms  1.2 s  1.2 s  300 ms",
    ]


def test_answers_without_a_price_are_reported(hilt, tmp_path):
    unpriced = {"metrics": {"tokens": {"prompt": 999_949, "completion": 12_345_678}}}
    write(tmp_path / "a.jsonl", [CONVERSATION[1] | unpriced])
    assert hilt("stats", "monthly", "a.jsonl").out == [
        "month    models  calls  errors      in    out  cost  p50  p95",
        "2026-01  gpt-5       1          999.9k  12.3M     ?",
        "total                1          999.9k  12.3M     ?",
        "",
        "p50, p95, p99: latency of the answers, exact; days begin in UTC",
        "1 answer has no known price and is not in the cost",
    ]


def test_by_week_month_conversation_and_model(hilt, tmp_path):
    write(tmp_path / "a.jsonl", CONVERSATION)
    labels = {by: hilt("stats", by, "a.jsonl").out[:2] for by in ("weekly", "monthly", "session", "model")}
    assert {by: (head.split("  ")[0], line.split("  ")[0]) for by, (head, line) in labels.items()} == {
        "weekly": ("week of", "2026-01-26"),
        "monthly": ("month", "2026-01"),
        "session": ("session", "ticket-42"),
        "model": ("model", "gpt-5"),
    }


def test_a_file_named_like_a_period_needs_its_folder(hilt, tmp_path):
    write(tmp_path / "session", CONVERSATION)
    assert hilt("stats", "./session").out[0].startswith("day")


def test_json_has_every_figure(hilt, tmp_path):
    write(tmp_path / "a.jsonl", CONVERSATION)
    result = json.loads(
        "\n".join(hilt("stats", "monthly", "a.jsonl", "--json", "--timezone", "Europe/Paris").out)
    )
    assert (result["by"], result["timezone"]) == ("monthly", "Europe/Paris")
    (row,) = result["rows"]
    assert row["month"] == "2026-01"
    assert {name: row[name] for name in result["total"]} == result["total"]
    assert row["models"] == {"gpt-5": result["total"]}


def test_only_some_of_the_calls(hilt, tmp_path):
    write(tmp_path / "a.jsonl", CONVERSATION)
    assert hilt("stats", "a.jsonl", "--since", "2026-02-01").out == ["no calls"]
    assert hilt("stats", "a.jsonl", "--model", "gemini").out == ["no calls"]
    assert (
        hilt("stats", "a.jsonl", "--conversation", "ticket-42", "--until", "2026-02-01")
        .out[0]
        .startswith("day")
    )


def test_a_call_that_was_cut_off_is_reported(hilt, tmp_path):
    write(tmp_path / "a.jsonl", [*CONVERSATION, FAILURE[0]])
    assert "\n".join(hilt("stats", "a.jsonl").out) == CUT_OFF
    assert hilt("stats", "a.jsonl", "--conversation", "ticket-42", "--since", "2026-01-31T12:00:20Z").out[
        1
    ].split()[-2:] == ["0", "1"]


def test_no_calls(hilt, tmp_path):
    write(tmp_path / "a.jsonl", [])
    assert hilt("stats", "a.jsonl") == (0, ["no calls"], [])
    assert json.loads("\n".join(hilt("stats", "a.jsonl", "--json").out))["rows"] == []


def test_on_a_narrow_screen_the_rarer_figures_are_left_out(hilt, tmp_path, monkeypatch):
    write(tmp_path / "a.jsonl", [*CONVERSATION, *FAILURE])
    monkeypatch.setenv("COLUMNS", "70")
    assert hilt("stats", "a.jsonl").out[:3] == [
        "day         mod…  calls     errors   in  out       cost     p50    p95",
        "2026-01-31  gpt…      3  1 (33.3%)  100   13  $0.000540  900 ms  1.2 s",
        "total                 3  1 (33.3%)  100   13  $0.000540  900 ms  1.2 s",
    ]


def test_what_cannot_be_read_is_reported(hilt, tmp_path):
    path = write(tmp_path / "a.jsonl", CONVERSATION)
    path.write_bytes(path.read_bytes() + b'{"torn')
    result = hilt("stats", "a.jsonl")
    assert (result.code, result.err) == (0, ["hilt: a.jsonl:9: torn: the file ends within this line"])
    assert hilt("stats", "no.jsonl")[::2] == (3, ["hilt: no such log: no.jsonl"])


def test_an_unknown_time_zone(hilt, tmp_path):
    write(tmp_path / "a.jsonl", CONVERSATION)
    result = hilt("stats", "a.jsonl", "--timezone", "Mars")
    assert result.code == 2
    assert result.err[-1].endswith("unknown time zone 'Mars'; use UTC, local, or a name like Europe/Paris")
