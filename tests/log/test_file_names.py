from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilt_autolog.log.file_names import check_template, fill_template, is_generated, numbered_path, safe_name

patient = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])

DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}


@patient
@given(st.text(max_size=100) | st.from_regex(r"[./\\-]{0,4}(con|NUL|com1|\.\.)(\..*)?", fullmatch=True))
def test_any_text_becomes_a_safe_part_of_a_name(text):
    safe = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", safe)
    assert not safe.endswith(".")
    assert safe.split(".")[0].lower() not in DEVICES


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("app", "app"),
        ("my app/v2", "my_app_v2"),
        ("../../etc/passwd", "_.._.._etc_passwd"),
        ("..", "_._"),
        ("", "_"),
        ("-rf", "_-rf"),
        (".hidden", "_.hidden"),
        ("con.txt", "_con.txt"),
        ("LPT9", "_LPT9"),
        ("console", "console"),
        ("x" * 100, "x" * 64),
        ("é\n\x1b", "___"),
    ],
)
def test_segments(text, safe):
    assert safe_name(text) == safe


def test_all_fields_are_filled_in():
    path = fill_template("logs/{app}-{date}-{time}-{host}-{pid}-{session}.hilt.jsonl", "a/b")
    assert re.fullmatch(
        rf"logs/a_b-\d{{4}}-\d\d-\d\d-\d{{6}}Z-[\w.-]+-{os.getpid()}-[0-9a-f]{{12}}\.hilt\.jsonl", path
    )


def test_an_unknown_field_is_refused_with_the_valid_names():
    with pytest.raises(
        ValueError, match=r"\{sesion\}.*\{app\} \{date\} \{time\} \{host\} \{pid\} \{session\}"
    ):
        check_template("logs/{app}-{sesion}.hilt.jsonl")


def test_a_path_without_fields_is_fine():
    check_template("logs/app.hilt.jsonl")
    assert fill_template("logs/app.hilt.jsonl", "x") == "logs/app.hilt.jsonl"


@pytest.mark.parametrize(("template", "own"), [("{pid}", True), ("{session}", True), ("{app}-{date}", False)])
def test_a_template_with_a_process_in_it_is_generated(template, own):
    assert is_generated(template) is own


@pytest.mark.parametrize(
    ("path", "second"),
    [("a.hilt.jsonl", "a-1.hilt.jsonl"), ("a.b/c.log", "a.b/c-1.log"), ("a.b/x", "a.b/x-1")],
)
def test_a_taken_name_gets_a_number_before_the_suffix(path, second):
    assert numbered_path(path, 0) == path
    assert numbered_path(path, 1) == second
