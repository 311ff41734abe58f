from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hilt_autolog.reading import lines, reader
from hilt_autolog.reading.reader import Log, read

BYTES = st.one_of(
    st.binary(max_size=400),
    st.lists(
        st.sampled_from(
            [
                b'{"a":1}',
                b"\n",
                b"\r",
                b"\xe2\x80\xa8",
                b"\x00",
                b"{",
                b"[" * 300,
                b"1e999",
                b"\xff",
                b'"\\ud800"',
            ]
        ),
        max_size=20,
    ).map(b"".join),
)


def event(second: int, **more):
    return {"timestamp": f"2026-01-31T12:00:{second:02}.000000Z", **more}


def write(path, *events):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(json.dumps(e, ensure_ascii=False).encode() + b"\n" for e in events))
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HILT_")]:
        monkeypatch.delenv(name)
    return tmp_path


# --- sources


def test_a_log_can_be_iterated_repeatedly(tmp_path):
    log = read(write(tmp_path / "any.name", event(1, n=1), event(2, n=2)))
    assert [e["n"] for e in log] == [1, 2]
    assert [e["n"] for e in log] == [1, 2]
    assert log.problems == []


def test_a_folder_gives_its_logs_and_those_below_it(tmp_path):
    write(tmp_path / "a.hilt.jsonl", event(1, n=1))
    write(tmp_path / "2026" / "b.hilt.jsonl", event(2, n=2))
    write(tmp_path / "media" / "other.jsonl", event(3, n=3))
    write(tmp_path / "notes.txt", event(4, n=4))
    (tmp_path / "empty.hilt.jsonl").touch()
    (tmp_path / "folder.hilt.jsonl").mkdir()
    log = read(tmp_path)
    assert [e["n"] for e in log] == [1, 2]
    assert log.problems == []


def test_globs_and_several_sources_give_each_file_once(here):
    write(here / "a.hilt.jsonl", event(1, n=1))
    write(here / "deep" / "b.jsonl", event(2, n=2))
    assert [e["n"] for e in read("*.hilt.jsonl", "**/*.jsonl", here / "a.hilt.jsonl", ".")] == [1, 2]


def test_a_file_named_like_a_glob_is_a_file(here):
    write(here / "log[1].jsonl", event(1, n=1))
    assert [e["n"] for e in read("log[1].jsonl")] == [1]


@pytest.mark.parametrize("missing", ["no.hilt.jsonl", "no/*.jsonl", "logs"])
def test_a_missing_source_is_an_error_at_once(here, missing):
    with pytest.raises(FileNotFoundError, match="no such log: "):
        read(missing)


def test_the_default_source_is_the_folder_of_the_logs(here, monkeypatch):
    write(here / "logs" / "a.hilt.jsonl", event(1, n=1))
    write(here / "other" / "b.hilt.jsonl", event(2, n=2))
    assert [e["n"] for e in read()] == [1]
    monkeypatch.setenv("HILT_PATH", "other/{app}-{pid}.hilt.jsonl")
    assert [e["n"] for e in read()] == [2]
    monkeypatch.setenv("HILT_PATH", "other/b.hilt.jsonl")
    assert [e["n"] for e in read()] == [2]
    monkeypatch.setenv("HILT_PATH", "{app}.hilt.jsonl")
    assert [e["n"] for e in read()] == [1, 2]


def test_standard_input_can_be_read_more_than_once(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b'{"n":1}\n{"n":2'))
    monkeypatch.setattr(sys, "stdin", stdin)
    log = read("-")
    assert [e["n"] for e in log] == [e["n"] for e in log] == [1]
    assert log.problems == [("-", 2, "torn: the file ends within this line")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_once_and_kept(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen([sys.executable, "-c", f"open({str(pipe)!r}, 'w').write('{{\"n\":1}}\\n')"])
    log = read(pipe)
    assert writer.wait() == 0
    assert [e["n"] for e in log] == [e["n"] for e in log] == [1]


# --- compression


def test_gzip_is_recognized_by_its_bytes(tmp_path):
    (tmp_path / "a.hilt.jsonl.gz").write_bytes(gzip.compress(b'{"n":1}\n') + gzip.compress(b'{"n":2}\n'))
    (tmp_path / "b.hilt.jsonl").write_bytes(gzip.compress(b'{"n":3}\n'))
    (tmp_path / "c.hilt.jsonl.gz").write_bytes(b'{"n":4}\n')
    assert sorted(e["n"] for e in read(tmp_path)) == [1, 2, 3, 4]


@pytest.mark.parametrize("missing", [0, 1, 8, 12, 20])
def test_damaged_gzip_ends_where_it_is_damaged(tmp_path, missing):
    whole = gzip.compress(b'{"n":1}\n' * 3)
    (tmp_path / "a.hilt.jsonl.gz").write_bytes(whole[: len(whole) - missing])
    write(tmp_path / "b.hilt.jsonl", event(1, n=2))
    log = read(tmp_path)
    *numbers, last = [e["n"] for e in log]
    assert last == 2
    assert [problem.line for problem in log.problems] == ([len(numbers) + 1] if missing else [])
    assert all("unreadable from here" in problem.reason for problem in log.problems)


ZSTD = b"\x28\xb5\x2f\xfd\x04\x08\x41\x00\x00" + b'{"n":1}\n' + b"\x00\x00\x00\x00"


def test_without_a_zstd_module_the_problem_says_what_to_install(tmp_path, monkeypatch):
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "a.hilt.jsonl.zst").write_bytes(ZSTD)
    log = read(tmp_path)
    assert list(log) == []
    assert "Python 3.14 or the package backports.zstd" in log.problems[0].reason


def test_zstd_is_read(tmp_path):
    (tmp_path / "a.hilt.jsonl.zst").write_bytes(lines._zstd().compress(b'{"n":1}\n'))
    assert list(read(tmp_path)) == [{"n": 1}]


# --- order


def test_files_are_merged_by_time_and_keep_their_own_order(tmp_path):
    write(tmp_path / "a.hilt.jsonl", event(1, n=1), event(5, n=5), event(4, n=5.1), event(7, n=7))
    write(tmp_path / "b.hilt.jsonl", event(2, n=2), event(6, n=6))
    write(tmp_path / "c.hilt.jsonl", event(3, n=3), {"n": 3.1}, {"timestamp": 7, "n": 3.2}, event(8, n=8))
    assert [e["n"] for e in read(tmp_path)] == [1, 2, 3, 3.1, 3.2, 5, 5.1, 6, 7, 8]


@pytest.mark.parametrize(
    "between",
    [
        "2026-01-31T12:00:02Z",
        "2026-01-31T12:00:02.5Z",
        "2026-01-31T14:00:02+02:00",
        "2026-01-31T12:00:02",
        "2026-01-31 12:00:02.123456789Z",
    ],
)
def test_other_spellings_of_a_time_sort_by_what_they_mean(tmp_path, between):
    write(tmp_path / "a.hilt.jsonl", event(1, n=1), event(3, n=3))
    write(tmp_path / "b.hilt.jsonl", {"timestamp": between, "n": 2})
    assert [e["n"] for e in read(tmp_path)] == [1, 2, 3]


def test_times_that_mean_nothing_are_no_reason_to_fail(tmp_path):
    strange = ["", "never", "0001-01-01T00:00:00+14:00", None, {}, []]
    write(tmp_path / "a.hilt.jsonl", *({"timestamp": time} for time in strange))
    assert len(list(read(tmp_path))) == len(strange)


def test_more_files_than_the_descriptor_limit_are_read_whole(tmp_path):
    pytest.importorskip("resource")
    for n in range(100):
        write(tmp_path / f"{n}.hilt.jsonl", event(n // 2, n=n), event(n // 2, n=n))
    code = (
        "import resource, sys; from hilt_autolog.io.reader import read\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))\n"
        "log = read(sys.argv[1]); print(sorted(e['n'] for e in log), log.problems)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == f"{sorted([*range(100)] * 2)} []\n"


# --- bad lines


BAD = {
    "broken": (b'{"n":\n', "not JSON: "),
    "text": (b"hello\n", "not JSON: "),
    "list": (b"[1]\n", "not an object"),
    "number": (b"1\n", "not an object"),
    "null": (b"null\n", "not an object"),
    "latin": (b'{"n":"\xe9"}\n', "not UTF-8 at byte 7"),
    "surrogate": (b'{"n":"\\ud800"}\n', "not JSON: "),
    "zeros": (bytes(512) + b"\n", "not JSON: "),
    "nan": (b'{"n":NaN}\n', "not JSON: "),
    "deep": (b'{"n":' + b"[" * 250 + b"]" * 250 + b"}\n", "nested deeper than 200"),
    "bomb": (b'{"n":' + b"[" * 500_000 + b"\n", "not JSON: "),
    "two in one": (b'{"n":1}{"n":2}\n', "not JSON: "),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_reported_and_the_rest_is_read(tmp_path, name):
    bad, reason = BAD[name]
    path = tmp_path / "a.hilt.jsonl"
    path.write_bytes(b'{"n":1}\n' + bad + b'{"n":2}\n')
    log = read(path)
    assert [e["n"] for e in log] == [1, 2]
    [problem] = log.problems
    assert (problem.file, problem.line) == (str(path), 2)
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize(("depth", "fits"), [(199, True), (200, True), (201, False)])
def test_two_hundred_levels_are_not_too_deep(tmp_path, depth, fits):
    nested: dict | list = {}
    for level in range(depth - 1):
        nested = {"n": nested} if level % 2 or level == depth - 2 else [nested]
    assert list(read(write(tmp_path / "a", nested))) == ([nested] if fits else [])


def test_wide_is_not_deep(tmp_path):
    wide = {"n": [{"m": []} for _ in range(1000)]}
    assert list(read(write(tmp_path / "a", wide))) == [wide]


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\n\n  \n", b"\n"])
def test_the_last_line_counts_if_it_parses(tmp_path, end):
    (tmp_path / "a").write_bytes(b'{"n":1}\n{"n":2}' + end)
    log = read(tmp_path / "a")
    assert [e["n"] for e in log] == [1, 2]
    assert log.problems == []


def test_a_torn_last_line_is_a_problem(tmp_path):
    (tmp_path / "a").write_bytes(b'{"n":1}\n{"n":"\xe2\x82')
    log = read(tmp_path / "a")
    assert [e["n"] for e in log] == [1]
    assert log.problems == [(str(tmp_path / "a"), 2, "torn: the file ends within this line")]


def test_only_a_line_feed_ends_a_line(tmp_path):
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1c\x1d\x1e"
    log = read(write(tmp_path / "a", {"text": text}, {"text": "next"}))
    assert [e["text"] for e in log] == [text, "next"]
    assert log.problems == []


def test_a_byte_order_mark_is_no_problem(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf" + b'{"n":1}\n')
    assert list(read(tmp_path / "a")) == [{"n": 1}]


@pytest.mark.parametrize(
    ("size", "fits"), [(999, True), (1000, True), (1001, False), (2002, False), (2003, False), (9999, False)]
)
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_is_passed_over(tmp_path, monkeypatch, size, fits, end):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    long = b'{"n":"' + b"x" * (size - 8) + b'"}'
    (tmp_path / "a").write_bytes(b'{"n":1}\n' + long + (end and end + b'{"n":2}\n'))
    log = read(tmp_path / "a")
    kept = [e["n"] for e in log if isinstance(e["n"], int)]
    assert kept == ([1, 2] if end else [1])
    assert [(p.line, p.reason) for p in log.problems] == ([] if fits else [(2, "longer than 0 MiB")])


def test_an_endless_line_does_not_fill_the_memory(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process's memory is read from /proc")
    block = gzip.compress(bytes(2**24), 1)
    (tmp_path / "a.gz").write_bytes(block * 20 + gzip.compress(b'\n{"n":1}\n'))
    code = (
        "import re, sys; from pathlib import Path; from hilt_autolog.io.reader import read\n"
        "log = read(sys.argv[1]); print(list(log), log.problems[0].reason)\n"
        # not ru_maxrss, which a child inherits from the process that started it
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.gz"], capture_output=True, text=True, check=True
    )
    output, mebibytes = done.stdout.splitlines()
    assert output == "[{'n': 1}] longer than 64 MiB"
    assert int(mebibytes) < 64 + 64 + 60  # the line as it is collected and joined, and Python


def test_a_file_that_may_not_be_read_leaves_the_others(tmp_path, monkeypatch):
    write(tmp_path / "a.hilt.jsonl", event(1, n=1))
    write(tmp_path / "b.hilt.jsonl", event(2, n=2))
    log = read(tmp_path)
    (tmp_path / "a.hilt.jsonl").unlink()
    assert [e["n"] for e in log] == [2]
    [problem] = log.problems
    assert problem.file.endswith("a.hilt.jsonl")
    assert "No such file" in problem.reason


def test_problems_are_reported_once_however_often_the_log_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b'x\n{"n":1}\ny\n')
    log = read(tmp_path / "a")
    assert list(log) == list(log)
    assert [problem.line for problem in log.problems] == [1, 3]


def test_a_broken_link_is_a_problem_not_an_error(tmp_path):
    (tmp_path / "a.hilt.jsonl").symlink_to(tmp_path / "gone")
    log = read(tmp_path / "a.hilt.jsonl")
    assert list(log) == []
    assert "No such file" in log.problems[0].reason


# --- whatever the bytes


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("bytes") / "a.hilt.jsonl"


@settings(max_examples=300)
@given(content=BYTES)
@example(b"\x1f\x8b")
@example(b"\x28\xb5\x2f\xfd")
@example(b"\xef\xbb\xbf")
def test_no_bytes_make_the_reader_raise(scratch, content):
    scratch.write_bytes(content)
    log = read(scratch)
    events = list(log)
    assert all(isinstance(e, dict) for e in events)
    if content[:2] != b"\x1f\x8b" and content[:4] != b"\x28\xb5\x2f\xfd":
        written = [
            line for line in content.split(b"\n") if line.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\v\f")
        ]
        assert len(events) + len(log.problems) == len(written)


@given(content=st.binary(max_size=200), cut=st.integers(0, 300))
def test_no_damage_to_a_gzip_makes_the_reader_raise(scratch, content, cut):
    scratch.write_bytes(gzip.compress(content)[:cut])
    assert all(isinstance(e, dict) for e in read(scratch))


def test_the_reader_module_offers_what_the_package_exports():
    assert isinstance(read(os.devnull), Log)
    assert callable(reader.messages_of)
