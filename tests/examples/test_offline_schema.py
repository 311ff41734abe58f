from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta  # noqa: TC003  pydantic reads them
from typing import Annotated, Literal
from uuid import UUID  # noqa: TC003  pydantic reads it

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline.answers import pieces
from offline.schema import example
from pydantic import BaseModel, Field, TypeAdapter


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Tree(BaseModel):
    label: str
    children: list[Tree]
    parent: Tree | None = None


class Everything(BaseModel):
    text: str
    number: float
    whole: Annotated[int, Field(ge=10, le=20)]
    strict: Annotated[float, Field(ge=0, le=1)]
    yes: bool
    nothing: None
    colour: Colour
    either: Literal["a", "b"]
    one: Literal[7]
    several: Annotated[list[int], Field(min_length=3)]
    day: date
    moment: datetime
    clock: time
    span: timedelta
    name: UUID
    choice: int | str
    maybe: str | None
    tree: Tree


@pytest.mark.parametrize(
    "shape", [Everything, Tree, list[Tree], Tree | None, int | None, Colour, dict[str, int]]
)
def test_the_example_fits_the_schema(shape):
    adapter = TypeAdapter(shape)
    adapter.validate_python(example(adapter.json_schema(), "Anna is 31 years old"), strict=False)


def test_words_and_numbers_of_the_question_are_used_in_order():
    schema = {
        "type": "object",
        "properties": {
            "who": {"type": "string"},
            "where": {"type": "string"},
            "question": {"type": "string"},
            "a": {"type": "integer"},
            "b": {"type": "number"},
            "colour": {"enum": ["red", "blue"]},
        },
    }
    text = "Does Anna in Oslo want 2 or 2.5 blue boats?"
    assert example(schema, text) == {
        "who": "Anna",
        "where": "Oslo",
        "question": text,
        "a": 2,
        "b": 2.5,
        "colour": "blue",
    }


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, {"$ref": "#"}, {"$ref": "#/nowhere"}, {"allOf": [{"type": "null"}]}]
)
def test_a_schema_that_says_little_is_no_reason_to_fail(schema):
    example(schema, "Hello")


@given(st.text())
def test_pieces_joined_are_the_text(text):
    assert "".join(pieces(text)) == text
