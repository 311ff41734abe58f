"""The settings, row by row: who wins, what is taken, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilt_autolog import enable, status
from hilt_autolog.settings import SETTINGS, Settings, SettingsError, load

DEFAULTS = Settings(
    path="logs/{app}-{date}-{time}-{pid}.hilt.jsonl",
    chunks="each",
    content="full",
    media="describe",
    providers=(),
    conversation=None,
    user="user",
    tags=(),
    argv="program",
    sheets=None,
    strict=False,
)
ROWS = {
    "path": ("HILT_PATH", "traces/{host}/{session}.jsonl", "traces/{host}/{session}.jsonl"),
    "chunks": ("HILT_CHUNKS", "off", "off"),
    "content": ("HILT_CONTENT", "hash", "hash"),
    "media": ("HILT_MEDIA", "store", "store"),
    "providers": ("HILT_PROVIDERS", "openai, google.genai", ("openai", "google.genai")),
    "conversation": ("HILT_SESSION", "ticket-42", "ticket-42"),
    "user": ("HILT_USER", "ana", "ana"),
    "tags": ("HILT_TAGS", "night,batch", ("night", "batch")),
    "argv": ("HILT_ARGV", "full", "full"),
    "sheets": ("HILT_SHEETS_ID", "1aBcD", "1aBcD"),
    "strict": ("HILT_STRICT", "1", True),
}
SDKS = {"openai", "anthropic", "google.genai"}


def settings(arguments=None, environ=None, folder="/", sdks=SDKS) -> Settings:
    found, complaints = load(arguments or {}, environ or {}, folder, sdks)
    assert complaints == []
    return found


def complaints(environ=None, folder="/") -> list[str]:
    found, lines = load({}, environ or {}, folder, SDKS)
    assert found == DEFAULTS
    return lines


@pytest.fixture
def project(tmp_path):
    def write(text: str, folder: str = ".") -> Path:
        path = tmp_path / folder / "pyproject.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_the_table_s_rows_are_the_fields_and_the_defaults():
    assert tuple(row.name for row in SETTINGS) == Settings._fields
    assert {row.name: row.variable for row in SETTINGS} == {name: row[0] for name, row in ROWS.items()}
    assert all(row.meaning and "\n" not in row.meaning for row in SETTINGS)
    assert settings() == DEFAULTS


@pytest.mark.parametrize("name", ROWS)
def test_every_setting_is_read_from_each_of_the_three_places(name, project):
    variable, given, expected = ROWS[name]
    folder = project(f'[tool.hilt]\n{name} = "{given}"\n').parent
    assert settings({name: given}) == DEFAULTS._replace(**{name: expected})
    assert settings(environ={variable: given}) == DEFAULTS._replace(**{name: expected})
    assert settings(folder=str(folder)) == DEFAULTS._replace(**{name: expected})


def test_arguments_win_over_variables_and_those_over_the_project(project):
    folder = str(project('[tool.hilt]\nuser = "project"\nchunks = "off"\ncontent = "none"').parent)
    found = settings({"user": "argument"}, {"HILT_USER": "variable", "HILT_CHUNKS": "merged"}, folder)
    assert found == DEFAULTS._replace(user="argument", chunks="merged", content="none")


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_nothing_given_is_nothing_said(nothing):
    found = settings(
        {"user": nothing, "tags": nothing}, {"HILT_USER": "ana", "HILT_TAGS": "", "HILT_PATH": " "}
    )
    assert found == DEFAULTS._replace(user="ana")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("path", Path("logs") / "app.jsonl", "logs/app.jsonl"),
        ("path", " plain.jsonl ", "plain.jsonl"),
        ("path", "{app}{date}{time}{host}{pid}{session}", "{app}{date}{time}{host}{pid}{session}"),
        ("chunks", " Merged ", "merged"),
        ("providers", ["openai"], ("openai",)),
        ("providers", (), ()),
        ("tags", ("a", " b "), ("a", "b")),
        ("tags", "a,,b,", ("a", "b")),
        ("tags", ["a,b"], ("a,b",)),
        ("user", " Ana ", "Ana"),
        ("strict", True, True),
        ("strict", False, False),
        *[("strict", word, True) for word in ("1", "true", "YES", "on")],
        *[("strict", word, False) for word in ("0", "false", "no", "Off")],
    ],
)
def test_an_argument_is_taken_in_each_of_its_forms(name, given, expected):
    assert getattr(settings({name: given}), name) == expected


BOOLEANS = "1, true, yes, on, 0, false, no, off"
FIELDS = "app, date, time, host, pid, session"
NAMES = "path, chunks, content, media, providers, conversation, user, tags, argv, sheets, strict"
WRONG = [
    ("chunks", "evry", "chunks='evry': not one of each, merged, off"),
    ("chunks", "merge", "chunks='merge': not one of each, merged, off (did you mean merged?)"),
    ("chunks", False, "chunks=False: not one of each, merged, off"),
    ("content", "ful", "content='ful': not one of full, hash, none (did you mean full?)"),
    ("media", "keep", "media='keep': not one of describe, store"),
    ("argv", 1, "argv=1: not one of program, full"),
    ("strict", "maybe", f"strict='maybe': not one of {BOOLEANS}"),
    ("strict", 1, f"strict=1: not one of {BOOLEANS}"),
    (
        "path",
        "{apps}.jsonl",
        f"path='{{apps}}.jsonl': the field {{apps}} is not one of {FIELDS} (did you mean app?)",
    ),
    ("path", "{app", f"path='{{app': the field {{app}} is not one of {FIELDS} (did you mean app?)"),
    ("path", 7, "path=7: not a text"),
    ("user", b"ana", "user=b'ana': not a text"),
    ("tags", 7, "tags=7: not a list, nor words with commas between"),
    ("tags", [7], "tags=[7]: not a text"),
    (
        "providers",
        "openai,antropic",
        (
            "providers='openai,antropic': 'antropic' is not one of anthropic, google.genai, openai"
            " (did you mean anthropic?)"
        ),
    ),
    ("chunk", "off", f"unknown setting chunk: not one of {NAMES} (did you mean chunks?)"),
    ("colour", "red", f"unknown setting colour: not one of {NAMES}"),
]


@pytest.mark.parametrize(("name", "given", "message"), WRONG)
def test_a_wrong_argument_is_an_error_with_the_valid_names(name, given, message):
    with pytest.raises(SettingsError) as error:
        load({name: given}, {}, "/", SDKS)
    assert str(error.value) == message
    assert isinstance(error.value, ValueError)


def test_any_provider_name_is_accepted_without_known_sdks():
    assert settings({"providers": "whatever"}, sdks=()).providers == ("whatever",)


@pytest.mark.parametrize(
    ("variable", "given", "complaint"),
    [
        (
            "HILT_CHUNKS",
            "evry\n",
            "hilt: HILT_CHUNKS='evry\\n': not one of each, merged, off (ignored)",
        ),
        (
            "HILT_CHUNK",
            "off",
            "hilt: unknown setting HILT_CHUNK: not one of "
            + ", ".join(row[0] for row in ROWS.values())
            + " (did you mean HILT_CHUNKS?) (ignored)",
        ),
        ("HILT_STRICT", "maybe", f"hilt: HILT_STRICT='maybe': not one of {BOOLEANS} (ignored)"),
    ],
)
def test_a_wrong_variable_is_a_line_and_the_default(variable, given, complaint):
    assert complaints({variable: given}) == [complaint]


def test_variables_of_our_own_and_of_others_are_no_settings():
    assert (
        complaints(
            {"HILT_AUTOLOG": "1", "HILT_RUN_LOGS": "/x", "HILTON": "1", "PATH": "/bin", "hilt_user": "x"}
        )
        == []
    )


def test_a_wrong_variable_leaves_what_the_project_says(project):
    folder = str(project('[tool.hilt]\nchunks = "off"').parent)
    found, lines = load({}, {"HILT_CHUNKS": "x"}, folder)
    assert (found.chunks, len(lines)) == ("off", 1)


def test_the_nearest_project_upwards_counts_and_no_other(project, tmp_path):
    project('[tool.hilt]\nuser = "outer"\nchunks = "off"')
    project('[tool.hilt]\nuser = "inner"', "inner")
    (tmp_path / "inner" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "beside").mkdir()
    assert settings(folder=str(tmp_path / "inner" / "deep" / "er")) == DEFAULTS._replace(user="inner")
    assert settings(folder=str(tmp_path / "beside")) == DEFAULTS._replace(user="outer", chunks="off")
    project("[project]\nname = 'x'", "inner")
    assert settings(folder=str(tmp_path / "inner" / "deep")) == DEFAULTS


def test_a_project_s_own_types_are_taken(project):
    folder = project('[tool.hilt]\ntags = ["a", "b"]\nstrict = true\nproviders = ["openai"]').parent
    found = settings(folder=str(folder))
    assert found == DEFAULTS._replace(tags=("a", "b"), strict=True, providers=("openai",))


def test_a_wrong_project_setting_is_reported_with_its_file(project):
    file = project('[tool.hilt]\nchunks = "evry"\ncolour = "red"\n')
    assert complaints(folder=str(file.parent)) == [
        f"hilt: {file}: chunks='evry': not one of each, merged, off (ignored)",
        f"hilt: {file}: unknown setting colour: not one of {NAMES} (ignored)",
    ]


def test_a_broken_project_is_one_line(project, tmp_path):
    file = project("[tool.hilt\nuser = 'x'")
    assert complaints(folder=str(file.parent)) == [
        f"hilt: {file}: Expected ']' at the end of a table declaration (at line 1, column 11) (ignored)"
    ]
    file.write_bytes(b"[tool.hilt]\nuser = '\xff'")
    assert len(complaints(folder=str(file.parent))) == 1
    file.write_text("[tool.hilt]\nuser = " + "[" * 5000)
    assert len(complaints(folder=str(file.parent))) == 1


@pytest.mark.parametrize("text", ["tool = 3 # tool.hilt", "[tool]\nhilt = 3 # tool.hilt", "# tool.hilt"])
def test_a_project_that_only_mentions_us_says_nothing(text, project):
    assert complaints(folder=str(project(text).parent)) == []


def test_a_project_without_us_is_not_parsed(project):
    folder = project("this is no TOML [[[").parent
    assert complaints(folder=str(folder)) == []


def test_a_folder_that_cannot_be_searched_is_no_harm(tmp_path):
    assert complaints(folder=str(tmp_path / "gone" / "deeper")) == []
    assert complaints(folder="\0") == []


def test_enabled_again_only_what_is_given_changes(tmp_path):
    log = str(tmp_path / "a.hilt.jsonl")
    with enable(path=log, tags=["a"]):
        before = status().settings
        with enable(chunks="off", tags=None):
            assert status().settings == before._replace(chunks="off")
        assert status().settings == before
